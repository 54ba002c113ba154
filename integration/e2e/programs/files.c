/*
 * files COUNT
 *
 * Makes COUNT files below /outputs, each of another size, and does all that can be done with
 * files: reads them back in parts, appends, cuts off, gives other names, takes every third away,
 * fills holes. Copies what lies in /inputs. Then walks all of it, in the order in which
 * directories are read, and says of every entry what can be known of it, to its last number.
 *
 * Exit codes: 0 done, 1 something did not work.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512

static unsigned char block[8192];

static void die(const char *what, const char *path)
{
    fprintf(stderr, "files: %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static void must(int answer, const char *what, const char *path)
{
    if (answer < 0)
        die(what, path);
}

static const char *path_of(int n)
{
    static char path[PATH_BYTES];
    snprintf(path, sizeof path, "/outputs/%d/file-%d", n % 7, n);
    return path;
}

static void make(int n)
{
    const char *path = path_of(n);
    size_t i, length = (size_t)n * 37 % sizeof block;
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0644);
    must(fd, "make", path);
    for (i = 0; i < length; i++)
        block[i] = (unsigned char)(i * 31 + (size_t)n);
    if (write(fd, block, length) != (ssize_t)length)
        die("write", path);
    /* A hole, and a byte behind it. */
    if (n % 5 == 0 && pwrite(fd, "!", 1, (off_t)length + 1000) != 1)
        die("write behind", path);
    must(close(fd), "close", path);
}

static void change(int n)
{
    const char *path = path_of(n);
    char other[PATH_BYTES];
    int fd;
    if (n % 3 == 0) {
        must(unlink(path), "unlink", path);
        return;
    }
    fd = open(path, O_WRONLY | O_APPEND);
    must(fd, "open", path);
    if (write(fd, "more", 4) != 4)
        die("append", path);
    if (n % 4 == 0)
        must(ftruncate(fd, n), "cut", path);
    must(close(fd), "close", path);
    if (n % 2 == 0) {
        snprintf(other, sizeof other, "/outputs/%d/renamed-%d", (n + 1) % 7, n);
        must(rename(path, other), "rename", path);
    }
}

static void copy(const char *from, const char *to)
{
    ssize_t length;
    int in = open(from, O_RDONLY), out;
    must(in, "open", from);
    out = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    must(out, "make", to);
    while ((length = read(in, block, 1000)) > 0)
        if (write(out, block, (size_t)length) != length)
            die("copy to", to);
    must((int)length, "read", from);
    close(in);
    close(out);
}

static void copy_all(const char *from, const char *to)
{
    char inner_from[PATH_BYTES], inner_to[PATH_BYTES];
    struct dirent *entry;
    struct stat found;
    DIR *dir = opendir(from);
    if (dir == NULL)
        die("open", from);
    must(mkdir(to, 0755), "make", to);
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(inner_from, sizeof inner_from, "%s/%s", from, entry->d_name);
        snprintf(inner_to, sizeof inner_to, "%s/%s", to, entry->d_name);
        must(lstat(inner_from, &found), "look at", inner_from);
        if (S_ISDIR(found.st_mode))
            copy_all(inner_from, inner_to);
        else if (S_ISREG(found.st_mode))
            copy(inner_from, inner_to);
    }
    closedir(dir);
}

static uint64_t sum_of(const char *path)
{
    uint64_t sum = 14695981039346656037u;
    ssize_t i, length;
    int fd = open(path, O_RDONLY);
    must(fd, "open", path);
    while ((length = read(fd, block, 333)) > 0)
        for (i = 0; i < length; i++)
            sum = (sum ^ block[i]) * 1099511628211u;
    close(fd);
    return sum;
}

static void walk(const char *path)
{
    char inner[PATH_BYTES];
    struct dirent *entry;
    struct stat found;
    DIR *dir = opendir(path);
    if (dir == NULL)
        die("open", path);
    while ((entry = readdir(dir)) != NULL) {
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, "..") == 0) {
            /* Where that leads out, it cannot be looked at. */
            printf("%s ino %llu\n", inner, (unsigned long long)entry->d_ino);
            continue;
        }
        must(lstat(inner, &found), "look at", inner);
        printf("%s ino %llu %llu dev %llu mode %o links %llu size %lld times %lld %lld %lld", inner,
               (unsigned long long)entry->d_ino, (unsigned long long)found.st_ino,
               (unsigned long long)found.st_dev, (unsigned)found.st_mode,
               (unsigned long long)found.st_nlink, (long long)found.st_size,
               (long long)found.st_atim.tv_sec, (long long)found.st_mtim.tv_sec,
               (long long)found.st_ctim.tv_sec);
        if (S_ISREG(found.st_mode))
            printf(" sum %llx", (unsigned long long)sum_of(inner));
        printf("\n");
        if (S_ISDIR(found.st_mode) && strcmp(entry->d_name, ".") != 0)
            walk(inner);
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    int n, count = argc > 1 ? atoi(argv[1]) : 100;
    char dir[PATH_BYTES];
    for (n = 0; n < 7; n++) {
        snprintf(dir, sizeof dir, "/outputs/%d", n);
        must(mkdir(dir, 0755), "make", dir);
    }
    for (n = 0; n < count; n++)
        make(n);
    for (n = 0; n < count; n++)
        change(n);
    copy_all("/inputs", "/outputs/copied");
    walk("/inputs");
    walk("/outputs");
    return 0;
}
