/*
 * floats
 *
 * Computes with floating point numbers of both widths and says the results to the last bit: the
 * Sun and its large planets for some thousand steps, a Fourier transform there and back, sums that
 * cancel out, the functions of libm, and what NaNs and infinities come to.
 *
 * Exit code: 0.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BODIES 5
#define POINTS 4096
#define TURN 6.283185307179586476925

struct body {
    double place[3], speed[3], mass;
};

static void show(const char *name, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    printf("%s %016" PRIx64 " %.17g\n", name, bits, value);
}

static void show_single(const char *name, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    printf("%s %08" PRIx32 "\n", name, bits);
}

static void attract(struct body *bodies, double step)
{
    int i, j, k;
    for (i = 0; i < BODIES; i++)
        for (j = i + 1; j < BODIES; j++) {
            double away[3], square = 0, pull;
            for (k = 0; k < 3; k++) {
                away[k] = bodies[i].place[k] - bodies[j].place[k];
                square += away[k] * away[k];
            }
            pull = step / (square * sqrt(square));
            for (k = 0; k < 3; k++) {
                bodies[i].speed[k] -= away[k] * bodies[j].mass * pull;
                bodies[j].speed[k] += away[k] * bodies[i].mass * pull;
            }
        }
    for (i = 0; i < BODIES; i++)
        for (k = 0; k < 3; k++)
            bodies[i].place[k] += step * bodies[i].speed[k];
}

static void planets(void)
{
    struct body bodies[BODIES] = {
        {{0, 0, 0}, {0, 0, 0}, 39.5},
        {{4.8, -1.2, -0.1}, {0.6, 2.8, -0.02}, 0.038},
        {{8.3, 4.1, -0.4}, {-1.0, 1.8, 0.008}, 0.011},
        {{12.9, -15.1, -0.2}, {1.1, 0.9, -0.01}, 0.0017},
        {{15.4, -25.9, 0.2}, {1.0, 0.6, -0.03}, 0.002},
    };
    int i, n;
    for (n = 0; n < 5000; n++)
        attract(bodies, 0.01);
    for (i = 0; i < BODIES; i++)
        show("planet", bodies[i].place[0] + bodies[i].place[1] * bodies[i].place[2]);
}

static double real[POINTS], imaginary[POINTS];

static void transform(double sign)
{
    int length, start, n, bit, other = 0;
    for (n = 1; n < POINTS; n++) {
        double kept;
        for (bit = POINTS / 2; other & bit; bit /= 2)
            other ^= bit;
        other |= bit;
        if (n < other) {
            kept = real[n], real[n] = real[other], real[other] = kept;
            kept = imaginary[n], imaginary[n] = imaginary[other], imaginary[other] = kept;
        }
    }
    for (length = 2; length <= POINTS; length *= 2)
        for (start = 0; start < POINTS; start += length)
            for (n = 0; n < length / 2; n++) {
                double *r = real + start + n, *i = imaginary + start + n;
                double c = cos(sign * TURN * n / length), s = sin(sign * TURN * n / length);
                double to_r = r[length / 2] * c - i[length / 2] * s;
                double to_i = r[length / 2] * s + i[length / 2] * c;
                r[length / 2] = r[0] - to_r, i[length / 2] = i[0] - to_i;
                r[0] += to_r, i[0] += to_i;
            }
}

static void waves(void)
{
    double sum = 0;
    int n;
    for (n = 0; n < POINTS; n++)
        real[n] = sin(n * 0.7) * exp(-n / 900.0) + fmod(n * 0.37, 1.0), imaginary[n] = 0;
    transform(1);
    for (n = 0; n < POINTS; n += 512)
        show("wave", real[n] * imaginary[n]);
    transform(-1);
    for (n = 0; n < POINTS; n++)
        sum += (real[n] / POINTS - imaginary[n]) * (n % 2 ? 1 : -1);
    show("back", sum);
}

static void singles(void)
{
    float sum = 0, product = 1, x;
    int n;
    for (n = 1; n < 80000; n++) {
        x = (float)n * 0.001f;
        sum += (n % 2 ? 1.0f : -1.0f) / x;
        product *= 1.0f + sinf(x) * 1e-3f;
    }
    show_single("sum", sum);
    show_single("product", product);
    show_single("narrowed", (float)1e300 * 0.0f);
}

static void limits(void)
{
    /* What the compiler does not know, it does not compute. */
    volatile double zero = 0, huge = 1e308, tiny = 5e-324;
    volatile uint64_t marked = 0x7ff4000000001234u;
    uint64_t bits = marked;
    double nan = zero / zero, payload;
    memcpy(&payload, &bits, sizeof payload);
    show("0/0", nan);
    show("-(0/0)", -nan);
    show("inf-inf", huge * 10 - huge * 10);
    show("payload+1", payload + 1);
    show("1*payload", 1 * payload * (1 + zero));
    show("sqrt(-1)", sqrt(-1 - zero));
    show("tiny/2", tiny / 2);
    show("tiny*3", tiny * 3);
    show("inf*0", huge * 10 * zero);
    show("fmin", fmin(nan, 1 + zero));
    show_single("narrow payload", (float)payload);
    show("widened", (double)(float)payload);
    show("pow", pow(1.0000001, 1e7 + zero));
    show("log", log(huge));
    show("tan", tan(1e6 + zero));
    show("rounded", nearbyint(2.5 + zero) + floor(-0.5 - zero) + trunc(-7.9 - zero));
}

int main(void)
{
    planets();
    waves();
    singles();
    limits();
    return 0;
}
