// The product of two matrices: sums over loops.
#define SIZE 256

static double a[SIZE][SIZE], b[SIZE][SIZE], product[SIZE][SIZE];

__attribute__((export_name("_start"))) void start(void) {
  for (int i = 0; i < SIZE; i++) {
    for (int j = 0; j < SIZE; j++) {
      a[i][j] = i * 0.5 + j;
      b[i][j] = i - j * 0.25;
    }
  }
  for (int again = 0; again < 4; again++) {
    for (int i = 0; i < SIZE; i++) {
      for (int j = 0; j < SIZE; j++) {
        double sum = 0;
        for (int k = 0; k < SIZE; k++) sum += a[i][k] * b[k][j];
        product[i][j] += sum;
      }
    }
  }
}
