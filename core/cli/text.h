/** Text that is put together, and text from outside made fit to print. */
#ifndef RATLS_CLI_TEXT_H
#define RATLS_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** Grows; once memory runs out it stays failed. */
typedef struct {
    char *data;
    size_t len;
    size_t capacity;
    bool failed;
} cli_text;

void cli_text_add(cli_text *text, const char *piece, size_t len);

/** Hand out the text, the caller's to free(); NULL when memory ran out. Empty afterwards. */
char *cli_text_take(cli_text *text);

/** A copy that is UTF-8 without control characters, which could upset a terminal, a log or a JSON reader:
 *  each bad byte becomes '?'. The caller's to free(); NULL when memory ran out. */
char *cli_text_printable(const char *text);

#endif
