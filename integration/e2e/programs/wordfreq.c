/*
 * wordfreq [TOP [INPUT [OUTPUT_DIR]]]
 *
 * Counts the words of a file, or of every file below a directory, and writes the TOP (default
 * 100) most frequent to OUTPUT_DIR/counts.txt, one "COUNT WORD" a line, by falling count and then
 * by word. INPUT is /inputs and OUTPUT_DIR is /outputs unless given. A summary goes to stdout.
 *
 * A word is a run of ASCII letters, taken without regard to case; every other byte parts words,
 * so binary files do no harm. Of runs longer than WORD_MAX bytes only the beginning counts.
 * Links are not followed. The answer does not depend on the order in which files are found.
 *
 * Exit codes: 0 done, 1 nothing could be read or written, 2 wrong usage.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORD_MAX 128
#define READ_BYTES (64 * 1024)
#define ARENA_BYTES (256 * 1024)
#define SHOWN 10

static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("wordfreq: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void *must(void *memory)
{
    if (memory == NULL)
        die("out of memory");
    return memory;
}

/* The text of all words, in chunks that are never freed or moved. */
struct arena {
    char *next;
    size_t left;
};

static const char *keep(struct arena *arena, const char *text, size_t length)
{
    if (arena->left < length + 1) {
        arena->next = must(malloc(ARENA_BYTES));
        arena->left = ARENA_BYTES;
    }
    char *kept = arena->next;
    memcpy(kept, text, length);
    kept[length] = '\0';
    arena->next += length + 1;
    arena->left -= length + 1;
    return kept;
}

struct entry {
    const char *word; /* NULL: free */
    uint64_t count;
    uint32_t hash;
    uint32_t length;
};

/* Open addressing with linear probing; the number of slots is a power of two. */
struct table {
    struct entry *slots;
    size_t capacity;
    size_t used;
    struct arena arena;
};

static uint32_t hash_of(const char *word, size_t length)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        hash ^= (unsigned char)word[i];
        hash *= 16777619u;
    }
    return hash;
}

static struct entry *find(struct table *table, uint32_t hash, const char *word, size_t length)
{
    size_t mask = table->capacity - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        struct entry *entry = &table->slots[at];
        if (entry->word == NULL)
            return entry;
        if (entry->hash == hash && entry->length == length
            && memcmp(entry->word, word, length) == 0)
            return entry;
    }
}

static void grow(struct table *table)
{
    struct entry *old = table->slots;
    size_t old_capacity = table->capacity;
    if (old_capacity > SIZE_MAX / 2 / sizeof *old)
        die("out of memory");
    table->capacity = old_capacity == 0 ? 4096 : old_capacity * 2;
    table->slots = must(calloc(table->capacity, sizeof *table->slots));
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].word != NULL)
            *find(table, old[i].hash, old[i].word, old[i].length) = old[i];
    free(old);
}

static void count_word(struct table *table, const char *word, size_t length)
{
    if (table->used >= table->capacity / 2)
        grow(table);
    uint32_t hash = hash_of(word, length);
    struct entry *entry = find(table, hash, word, length);
    if (entry->word == NULL) {
        entry->word = keep(&table->arena, word, length);
        entry->hash = hash;
        entry->length = (uint32_t)length;
        table->used++;
    }
    entry->count++;
}

struct totals {
    uint64_t files;
    uint64_t bytes;
    uint64_t words;
    uint64_t skipped;
};

static void skip(struct totals *totals, const char *path)
{
    fprintf(stderr, "wordfreq: skipped %s: %s\n", path, strerror(errno));
    totals->skipped++;
}

/* The letter in lower case, or 0 for a byte that is none; independent of any locale. */
static unsigned char letter(unsigned char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (unsigned char)(byte + ('a' - 'A'));
    return byte >= 'a' && byte <= 'z' ? byte : 0;
}

static void count_file(struct table *table, struct totals *totals, const char *path)
{
    static unsigned char buffer[READ_BYTES];
    char word[WORD_MAX];
    size_t length = 0;
    int file = open(path, O_RDONLY);
    if (file < 0) {
        skip(totals, path);
        return;
    }
    for (;;) {
        ssize_t got = read(file, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            skip(totals, path);
        if (got <= 0)
            break;
        totals->bytes += (uint64_t)got;
        for (ssize_t i = 0; i < got; i++) {
            unsigned char lower = letter(buffer[i]);
            if (lower != 0) {
                if (length < WORD_MAX)
                    word[length++] = (char)lower;
            } else if (length > 0) {
                count_word(table, word, length);
                totals->words++;
                length = 0;
            }
        }
    }
    if (length > 0) {
        count_word(table, word, length);
        totals->words++;
    }
    totals->files++;
    close(file);
}

/* Paths still to be visited: a stack of our own, so that depth is no matter of the call stack. */
struct paths {
    char **items;
    size_t count;
    size_t capacity;
};

static void push(struct paths *paths, char *path)
{
    if (paths->count == paths->capacity) {
        paths->capacity = paths->capacity == 0 ? 64 : paths->capacity * 2;
        paths->items = must(realloc(paths->items, paths->capacity * sizeof *paths->items));
    }
    paths->items[paths->count++] = path;
}

static char *copied(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(must(malloc(bytes)), text, bytes);
}

static char *joined(const char *dir, const char *name)
{
    size_t dir_length = strlen(dir), name_length = strlen(name);
    const char *slash = dir_length > 0 && dir[dir_length - 1] == '/' ? "" : "/";
    char *path = must(malloc(dir_length + name_length + 2));
    sprintf(path, "%s%s%s", dir, slash, name);
    return path;
}

static void push_children(struct paths *paths, struct totals *totals, const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        skip(totals, path);
        return;
    }
    struct dirent *child;
    while ((child = readdir(dir)) != NULL)
        if (strcmp(child->d_name, ".") != 0 && strcmp(child->d_name, "..") != 0)
            push(paths, joined(path, child->d_name));
    closedir(dir);
}

static void count_all(struct table *table, struct totals *totals, const char *root)
{
    struct paths paths = {0};
    push(&paths, copied(root));
    while (paths.count > 0) {
        char *path = paths.items[--paths.count];
        struct stat status;
        if (lstat(path, &status) != 0)
            skip(totals, path);
        else if (S_ISDIR(status.st_mode))
            push_children(&paths, totals, path);
        else if (S_ISREG(status.st_mode))
            count_file(table, totals, path);
        free(path);
    }
    free(paths.items);
}

static int by_count_then_word(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return strcmp(a->word, b->word);
}

/* Moves the entries to the front, in their order. */
static void sort(struct table *table)
{
    size_t used = 0;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].word != NULL)
            table->slots[used++] = table->slots[i];
    if (used > 0)
        qsort(table->slots, used, sizeof *table->slots, by_count_then_word);
}

static void write_counts(const struct table *table, size_t top, const char *dir)
{
    char *path = joined(dir, "counts.txt");
    FILE *file = fopen(path, "w");
    if (file == NULL)
        die("cannot write %s: %s", path, strerror(errno));
    for (size_t i = 0; i < top && i < table->used; i++)
        fprintf(file, "%llu %s\n", (unsigned long long)table->slots[i].count,
                table->slots[i].word);
    int failed = ferror(file);
    if (fclose(file) != 0 || failed)
        die("cannot write %s: %s", path, strerror(errno));
    free(path);
}

/* A number of at least 1, or 0 for anything else. */
static unsigned long number(const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *text != '-' ? value : 0;
}

int main(int argc, char **argv)
{
    size_t top = argc > 1 ? number(argv[1]) : 100;
    if (top == 0 || argc > 4) {
        fputs("usage: wordfreq [TOP [INPUT [OUTPUT_DIR]]]\n", stderr);
        return 2;
    }
    const char *input = argc > 2 ? argv[2] : "/inputs";
    const char *output = argc > 3 ? argv[3] : "/outputs";

    struct table table = {0};
    struct totals totals = {0};
    count_all(&table, &totals, input);
    sort(&table);
    write_counts(&table, top, output);

    printf("%llu files, %llu bytes, %llu words, %zu distinct\n",
           (unsigned long long)totals.files, (unsigned long long)totals.bytes,
           (unsigned long long)totals.words, table.used);
    for (size_t i = 0; i < SHOWN && i < table.used; i++)
        printf("%8llu %s\n", (unsigned long long)table.slots[i].count, table.slots[i].word);
    if (fflush(stdout) != 0)
        die("cannot write to stdout: %s", strerror(errno));
    return totals.files == 0 && totals.skipped > 0 ? 1 : 0;
}
