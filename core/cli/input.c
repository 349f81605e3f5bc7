#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode.h"

enum { CLI_READ_STEP = 64 * 1024 };

void cli_bytes_clear(cli_bytes *bytes)
{
    free(bytes->data);
    *bytes = (cli_bytes){0};
}

static bool fail_system(cli_failure *failure, const char *path)
{
    return CLI_FAIL(failure, RATLS_ERR_FILE_UNREADABLE, {"path", path}, {"what", strerror(errno)});
}

/* Room for one more step and the NUL. */
static bool make_room(cli_bytes *bytes, size_t *capacity, cli_failure *failure)
{
    uint8_t *data;

    if (*capacity - bytes->len > CLI_READ_STEP) {
        return true;
    }
    data = realloc(bytes->data, 2 * *capacity + 2 * CLI_READ_STEP);
    if (data == NULL) {
        return cli_fail_memory(failure);
    }
    bytes->data = data;
    *capacity = 2 * *capacity + 2 * CLI_READ_STEP;
    return true;
}

static bool read_all(cli_bytes *bytes, int fd, const char *path, size_t max, cli_failure *failure)
{
    size_t capacity = 0;

    for (;;) {
        ssize_t got;

        if (!make_room(bytes, &capacity, failure)) {
            return false;
        }
        got = read(fd, bytes->data + bytes->len, CLI_READ_STEP);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_system(failure, path);
        }
        if (got == 0) {
            bytes->data[bytes->len] = '\0';
            return true;
        }
        bytes->len += (size_t)got;
        if (bytes->len > max) {
            char limit[64];

            snprintf(limit, sizeof limit, "it has more than %zu bytes", max);
            return CLI_FAIL(failure, RATLS_ERR_FILE_UNREADABLE, {"path", path}, {"what", limit});
        }
    }
}

bool cli_input_read(cli_bytes *out, const char *path, size_t max, cli_failure *failure)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    bool read;

    *out = (cli_bytes){0};
    if (fd < 0) {
        return fail_system(failure, path);
    }
    read = read_all(out, fd, standard ? "standard input" : path, max, failure);
    if (!standard) {
        close(fd);
    }
    if (!read) {
        cli_bytes_clear(out);
    }
    return read;
}

/* Replace file bytes by what they spell, if they are text; binary stays as it is. */
static bool decode_file(cli_bytes *bytes, const char *path, const char *pem_label, const char *expected, cli_failure *failure)
{
    uint8_t *decoded = NULL;
    size_t decoded_len = 0;

    switch (cli_decode(&decoded, &decoded_len, bytes->data, bytes->len, pem_label)) {
    case CLI_DECODE_BINARY:
        return true;
    case CLI_DECODE_TEXT:
        free(bytes->data);
        *bytes = (cli_bytes){decoded, decoded_len};
        return true;
    case CLI_DECODE_MEMORY:
        return cli_fail_memory(failure);
    default:
        return CLI_FAIL(failure, RATLS_ERR_INPUT_FORMAT, {"path", strcmp(path, "-") == 0 ? "standard input" : path}, {"expected", expected});
    }
}

static bool read_decoded(cli_bytes *out, const char *path, const char *pem_label, const char *expected, cli_failure *failure)
{
    if (!cli_input_read(out, path, CLI_EVIDENCE_FILE_MAX, failure)) {
        return false;
    }
    if (!decode_file(out, path, pem_label, expected, failure)) {
        cli_bytes_clear(out);
        return false;
    }
    return true;
}

bool cli_input_certificate(cli_bytes *out, const char *path, cli_failure *failure)
{
    return read_decoded(out, path, "CERTIFICATE", "a certificate as PEM, DER, hexadecimal or base64", failure);
}

bool cli_input_quote(cli_bytes *out, const char *path, cli_failure *failure)
{
    return read_decoded(out, path, "QUOTE", "a quote as raw bytes, hexadecimal, base64 or PEM", failure);
}
