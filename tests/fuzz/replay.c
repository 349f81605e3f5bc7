/* Run a fuzz target over every file of the folders given, without a fuzzer: corpora as tests. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX = 4 << 20, PATH_LEN = 4096 };

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *input = malloc(INPUT_MAX);
    uint8_t *exact;
    size_t len;

    if (file == NULL || input == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        free(input);
        return 1;
    }
    len = fread(input, 1, INPUT_MAX, file);
    fclose(file);
    exact = malloc(len == 0 ? 1 : len); /* its own size, so that a sanitizer sees a read past it */
    if (exact == NULL) {
        free(input);
        return 1;
    }
    memcpy(exact, input, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    free(input);
    return 0;
}

/* How many files were replayed; negative after a failure. */
static int replay_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    char path[PATH_LEN];
    int count = 0;

    if (directory == NULL) {
        fprintf(stderr, "cannot read %s\n", folder);
        return -1;
    }
    while (count >= 0 && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count = replay_file(path) == 0 ? count + 1 : -1;
    }
    closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;

    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);

        if (count <= 0) {
            fprintf(stderr, "nothing replayed from %s\n", argv[i]);
            return 1;
        }
        total += count;
    }
    printf("%d inputs replayed\n", total);
    return total > 0 ? 0 : 1;
}
