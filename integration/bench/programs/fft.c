// A fast Fourier transform in single precision: four results of each turn are stored.
#define SIZE 65536

static float re[SIZE], im[SIZE], cosine[SIZE / 2], sine[SIZE / 2];

__attribute__((export_name("_start"))) void start(void) {
  float c = 0.99999999540f, s = 9.58737990960e-05f, x = 1, y = 0;
  for (int i = 0; i < SIZE / 2; i++) {
    cosine[i] = x;
    sine[i] = y;
    float next = x * c - y * s;
    y = x * s + y * c;
    x = next;
  }
  for (int i = 0; i < SIZE; i++) re[i] = (i * 7919) % 1024;
  for (int again = 0; again < 10; again++) {
    for (int length = 2, step = SIZE / 2; length <= SIZE; length <<= 1, step >>= 1) {
      for (int i = 0; i < SIZE; i += length) {
        for (int j = i; j < i + length / 2; j++) {
          int k = j + length / 2;
          float turn_re = re[k] * cosine[(j - i) * step] - im[k] * sine[(j - i) * step];
          float turn_im = re[k] * sine[(j - i) * step] + im[k] * cosine[(j - i) * step];
          float this_re = re[j], this_im = im[j];
          re[j] = (this_re + turn_re) * 0.5f;
          im[j] = (this_im + turn_im) * 0.5f;
          re[k] = (this_re - turn_re) * 0.5f;
          im[k] = (this_im - turn_im) * 0.5f;
        }
      }
    }
  }
}
