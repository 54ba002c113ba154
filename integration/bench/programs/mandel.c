// The Mandelbrot set: long chains of results that are compared, and none of them stored.
#define SIZE 512

static volatile unsigned char turns[SIZE][SIZE];

__attribute__((export_name("_start"))) void start(void) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      double re = column / 256.0 - 1.5, im = row / 256.0 - 1.0, x = 0, y = 0;
      int n = 0;
      while (x * x + y * y < 4.0 && n < 200) {
        double next = x * x - y * y + re;
        y = 2 * x * y + im;
        x = next;
        n++;
      }
      turns[row][column] = n;
    }
  }
}
