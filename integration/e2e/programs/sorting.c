/*
 * sorting MIB
 *
 * Makes MIB mebibytes of numbers, sorts them, checks that, and writes them to /outputs/sorted.
 *
 * Exit codes: 0 done, 1 something did not work.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void merge_sort(uint64_t *from, uint64_t *to, size_t count)
{
    size_t width, start;
    for (width = 1; width < count; width *= 2) {
        for (start = 0; start < count; start += 2 * width) {
            size_t left = start, middle = start + width, end = start + 2 * width, right, at;
            middle = middle < count ? middle : count;
            end = end < count ? end : count;
            right = middle;
            for (at = start; at < end; at++)
                if (left < middle && (right == end || from[left] <= from[right]))
                    to[at] = from[left++];
                else
                    to[at] = from[right++];
        }
        uint64_t *swapped = from;
        from = to;
        to = swapped;
    }
    if (count > 0)
        memmove(to, from, count * sizeof *to);
}

int main(int argc, char **argv)
{
    size_t n, count = (size_t)(argc > 1 ? atoi(argv[1]) : 1) * (1 << 20) / sizeof(uint64_t);
    uint64_t *numbers = malloc(count * sizeof *numbers), *other = malloc(count * sizeof *other);
    uint64_t state = 88172645463325252u, sum = 0;
    FILE *out;
    if (numbers == NULL || other == NULL)
        return 1;
    for (n = 0; n < count; n++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        numbers[n] = state;
        sum += state;
    }
    merge_sort(numbers, other, count);
    for (n = 0; n < count; n++) {
        if (n > 0 && numbers[n - 1] > numbers[n])
            return 1;
        sum -= numbers[n];
    }
    out = fopen("/outputs/sorted", "wb");
    if (out == NULL || fwrite(numbers, sizeof *numbers, count, out) != count || fclose(out) != 0)
        return 1;
    printf("%zu numbers, %016" PRIx64 " to %016" PRIx64 ", %" PRIu64 " lost\n", count, numbers[0],
           numbers[count - 1], sum);
    return sum == 0 ? 0 : 1;
}
