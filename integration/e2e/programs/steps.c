/*
 * steps STEP...
 *
 * Does what it is told, one step after the other. A step that does not work ends it with 70 and
 * the reason on stderr.
 *
 *   print TEXT        a line on stdout
 *   warn TEXT         a line on stderr
 *   env NAME          the variable's value, or (none), as a line on stdout
 *   cat FILE          the file, on stdout
 *   write FILE TEXT   makes a file
 *   fill FILE MIB     makes a file of so many MiB of zeroes
 *   mkdir PATH        makes a directory
 *   link TEXT PATH    makes a symbolic link that says TEXT
 *   spin              never ends
 *   exit CODE         ends
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what, const char *about)
{
    fprintf(stderr, "steps: %s %s: %s\n", what, about, strerror(errno));
    exit(70);
}

static void cat(const char *path)
{
    char buffer[4096];
    size_t length;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die("cat", path);
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0)
        fwrite(buffer, 1, length, stdout);
    fclose(file);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fputs(text, file) == EOF || fclose(file) == EOF)
        die("write", path);
}

static void fill(const char *path, long mib)
{
    static char zeroes[1 << 20];
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        die("fill", path);
    for (; mib > 0; mib--)
        if (fwrite(zeroes, 1, sizeof zeroes, file) != sizeof zeroes)
            die("fill", path);
    if (fclose(file) == EOF)
        die("fill", path);
}

static void spin(void)
{
    volatile unsigned turns = 0;
    fflush(stdout);
    for (;;)
        turns++;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *step = argv[i];
        const char *one = i + 1 < argc ? argv[i + 1] : "";
        const char *two = i + 2 < argc ? argv[i + 2] : "";
        if (strcmp(step, "print") == 0) {
            puts(one);
            i += 1;
        } else if (strcmp(step, "warn") == 0) {
            fprintf(stderr, "%s\n", one);
            i += 1;
        } else if (strcmp(step, "env") == 0) {
            const char *value = getenv(one);
            puts(value == NULL ? "(none)" : value);
            i += 1;
        } else if (strcmp(step, "cat") == 0) {
            cat(one);
            i += 1;
        } else if (strcmp(step, "write") == 0) {
            write_text(one, two);
            i += 2;
        } else if (strcmp(step, "fill") == 0) {
            fill(one, atol(two));
            i += 2;
        } else if (strcmp(step, "mkdir") == 0) {
            if (mkdir(one, 0777) != 0)
                die("mkdir", one);
            i += 1;
        } else if (strcmp(step, "link") == 0) {
            if (symlink(one, two) != 0)
                die("link", two);
            i += 2;
        } else if (strcmp(step, "spin") == 0) {
            spin();
        } else if (strcmp(step, "exit") == 0) {
            exit(atoi(one));
        } else {
            errno = EINVAL;
            die("no such step:", step);
        }
    }
    return 0;
}
