// Five bodies that attract each other: nearly every result is stored.
#define BODIES 5

static double at[BODIES][3] = {
    {0, 0, 0}, {4.8, -1.2, -0.1}, {8.3, 4.1, -0.4}, {12.9, -15.1, -0.2}, {15.4, -25.9, 0.2}};
static double speed[BODIES][3] = {
    {0, 0, 0}, {0.6, 2.8, -0.02}, {-1.0, 1.8, 0.008}, {1.1, 0.9, -0.01}, {1.0, 0.6, -0.03}};
static double mass[BODIES] = {39.5, 0.037, 0.011, 0.0017, 0.002};

__attribute__((export_name("_start"))) void start(void) {
  for (int step = 0; step < 500000; step++) {
    for (int i = 0; i < BODIES; i++) {
      for (int j = i + 1; j < BODIES; j++) {
        double apart[3], square = 0;
        for (int k = 0; k < 3; k++) {
          apart[k] = at[i][k] - at[j][k];
          square += apart[k] * apart[k];
        }
        double pull = 0.001 / (square * __builtin_sqrt(square));
        for (int k = 0; k < 3; k++) {
          speed[i][k] -= apart[k] * mass[j] * pull;
          speed[j][k] += apart[k] * mass[i] * pull;
        }
      }
    }
    for (int i = 0; i < BODIES; i++)
      for (int k = 0; k < 3; k++) at[i][k] += 0.001 * speed[i][k];
  }
}
