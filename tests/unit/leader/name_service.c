#include "leader/name_service.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEADER = 12,
    MESSAGE_MAX = 4096,
    RECORDS_MAX = 4,
    STRING_MAX = 255,
    RECORD_HEAD = 12, /* a pointer to the name, type, class, lifetime and length */
    PATIENCE_MS = 60000
};

struct name_service {
    int socket;
    int stop;
    pthread_t thread;
    char address[NAME_SERVICE_ADDRESS];
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    name_service_manner manner;
    uint8_t records[RECORDS_MAX][MESSAGE_MAX];
    size_t record_lens[RECORDS_MAX];
    size_t len;
    size_t asked;
};

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Behind the name, which has no pointers in a question. */
static size_t end_of_question(const uint8_t *message, size_t len)
{
    size_t at = HEADER;

    while (at < len && message[at] != 0) {
        at += 1u + message[at];
    }
    must(at + 5 <= len);
    return at + 5;
}

static size_t put_record(uint8_t *out, const uint8_t *text, size_t len)
{
    size_t strings = len == 0 ? 1 : (len + STRING_MAX - 1) / STRING_MAX, data = len + strings, at = RECORD_HEAD;

    memcpy(out, "\xc0\x0c\0\x10\0\1\0\0\0\1", RECORD_HEAD - 2);
    out[RECORD_HEAD - 2] = (uint8_t)(data >> 8);
    out[RECORD_HEAD - 1] = (uint8_t)data;
    for (size_t i = 0; i < strings; i++) {
        size_t piece = len - i * STRING_MAX < STRING_MAX ? len - i * STRING_MAX : STRING_MAX;

        out[at++] = (uint8_t)piece;
        memcpy(out + at, text + i * STRING_MAX, piece);
        at += piece;
    }
    return at;
}

/* With the lock: the question turned into its answer. */
static size_t answer(name_service *names, uint8_t *message, size_t len)
{
    size_t at = end_of_question(message, len);
    bool known = names->manner == NAMES_GIVEN;

    message[2] = 0x85;
    message[3] = known ? 0x80 : 0x83;
    memset(message + 6, 0, HEADER - 6);
    for (size_t i = 0; known && i < names->len; i++) {
        at += put_record(message + at, names->records[i], names->record_lens[i]);
        message[7] = (uint8_t)(i + 1);
    }
    return at;
}

static void serve_one(name_service *names)
{
    uint8_t message[2 * MESSAGE_MAX];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof from;
    ssize_t got = recvfrom(names->socket, message, MESSAGE_MAX, 0, (struct sockaddr *)&from, &from_len);
    size_t len = 0;

    if (got < HEADER) {
        return;
    }
    (void)pthread_mutex_lock(&names->lock);
    names->asked++;
    if (names->manner != NAMES_SILENT) {
        len = answer(names, message, (size_t)got);
    }
    (void)pthread_cond_broadcast(&names->changed);
    (void)pthread_mutex_unlock(&names->lock);
    if (len > 0) {
        (void)sendto(names->socket, message, len, 0, (struct sockaddr *)&from, from_len);
    }
}

static void *run(void *argument)
{
    name_service *names = argument;

    for (;;) {
        struct pollfd fds[2] = {{.fd = names->socket, .events = POLLIN}, {.fd = names->stop, .events = POLLIN}};

        must(poll(fds, 2, -1) > 0);
        if (fds[1].revents != 0) {
            return NULL;
        }
        serve_one(names);
    }
}

name_service *name_service_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    name_service *names = calloc(1, sizeof *names);

    must(names != NULL);
    names->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    names->stop = eventfd(0, EFD_CLOEXEC);
    must(names->socket >= 0 && names->stop >= 0 && bind(names->socket, (struct sockaddr *)&address, sizeof address) == 0);
    must(getsockname(names->socket, (struct sockaddr *)&address, &len) == 0);
    (void)snprintf(names->address, sizeof names->address, "127.0.0.1:%u", ntohs(address.sin_port));
    must(pthread_mutex_init(&names->lock, NULL) == 0 && pthread_cond_init(&names->changed, NULL) == 0);
    must(pthread_create(&names->thread, NULL, run, names) == 0);
    return names;
}

const char *name_service_address(const name_service *names)
{
    return names->address;
}

void name_service_publish(name_service *names, const ratls_bytes *records, size_t len)
{
    must(len <= RECORDS_MAX);
    (void)pthread_mutex_lock(&names->lock);
    names->len = len;
    for (size_t i = 0; i < len; i++) {
        memcpy(names->records[i], records[i].data, records[i].len);
        names->record_lens[i] = records[i].len;
    }
    (void)pthread_mutex_unlock(&names->lock);
}

void name_service_behave(name_service *names, name_service_manner manner)
{
    (void)pthread_mutex_lock(&names->lock);
    names->manner = manner;
    (void)pthread_mutex_unlock(&names->lock);
}

size_t name_service_asked(name_service *names)
{
    size_t asked;

    (void)pthread_mutex_lock(&names->lock);
    asked = names->asked;
    (void)pthread_mutex_unlock(&names->lock);
    return asked;
}

void name_service_await(name_service *names, size_t count)
{
    struct timespec until;

    must(clock_gettime(CLOCK_REALTIME, &until) == 0);
    until.tv_sec += PATIENCE_MS / 1000;
    (void)pthread_mutex_lock(&names->lock);
    while (names->asked < count) {
        must(pthread_cond_timedwait(&names->changed, &names->lock, &until) == 0);
    }
    (void)pthread_mutex_unlock(&names->lock);
}

void name_service_stop(name_service *names)
{
    uint64_t one = 1;

    must(write(names->stop, &one, sizeof one) == (ssize_t)sizeof one);
    (void)pthread_join(names->thread, NULL);
    (void)close(names->socket);
    (void)close(names->stop);
    (void)pthread_cond_destroy(&names->changed);
    (void)pthread_mutex_destroy(&names->lock);
    free(names);
}
