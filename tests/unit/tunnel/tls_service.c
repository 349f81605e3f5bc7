#include "tunnel/tls_service.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "evidence/ratls_certificate.h"
#include "verifier/evidence_builder.h"

enum { CONNECTIONS_MAX = 1024, CERTIFICATES = 3, PATIENCE_S = 60 };

#define QUOTE_OID "1.3.6.1.4.1.62397.1.1"

typedef struct {
    service *owner;
    pthread_t thread;
    int fd;
    bool used;
    bool done;
} served;

struct service {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    int listener;
    int port;
    service_behaviour behaviour;
    service_certificate certificate;
    EVP_PKEY *key;
    X509 *certificates[CERTIFICATES];
    SSL_CTX *contexts[CERTIFICATES];
    served connections[CONNECTIONS_MAX];
    size_t taken, active, handshakes, goodbyes, heard_len;
    uint8_t heard[SERVICE_HEARD_MAX];
    char name[256];
    const void *answer;
    size_t answer_len;
    bool answer_is_all;
    const char *start_tls;
    bool stopping;
};

static void need(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void write_down(service *s, const uint8_t *bytes, size_t len)
{
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < len && s->heard_len + i < sizeof s->heard; i++) {
        s->heard[s->heard_len + i] = bytes[i];
    }
    s->heard_len += len;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

static bool flood(SSL *ssl)
{
    uint8_t block[16 * 1024];

    for (size_t sent = 0; sent < SERVICE_FLOOD_LEN; sent += sizeof block) {
        for (size_t i = 0; i < sizeof block; i++) {
            block[i] = (uint8_t)((sent + i) * 31 >> 3);
        }
        if (SSL_write(ssl, block, sizeof block) != (int)sizeof block) {
            return false;
        }
    }
    return true;
}

/* The answer that was set. False: that was all. */
static bool say_answer(service *s, SSL *ssl)
{
    bool all;

    (void)pthread_mutex_lock(&s->lock);
    all = s->answer_is_all;
    need(s->answer_len == 0 || SSL_write(ssl, s->answer, (int)s->answer_len) == (int)s->answer_len);
    (void)pthread_mutex_unlock(&s->lock);
    if (all) {
        (void)SSL_shutdown(ssl);
    }
    return !all;
}

/* Read nothing until the service ends or the connection is cut. */
static void play_deaf(service *s)
{
    (void)pthread_mutex_lock(&s->lock);
    while (s->behaviour == SERVICE_DEAF && !s->stopping) {
        (void)pthread_cond_wait(&s->changed, &s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

/* True: the connection ended with the client's goodbye. */
static bool converse(service *s, SSL *ssl, service_behaviour behaviour)
{
    uint8_t plain[16 * 1024];
    size_t got = 0;

    if (behaviour == SERVICE_EARLY && SSL_write(ssl, SERVICE_EARLY_TEXT, sizeof SERVICE_EARLY_TEXT - 1) <= 0) {
        return false;
    }
    while (SSL_read_ex(ssl, plain, sizeof plain, &got) == 1) {
        write_down(s, plain, got);
        if (behaviour == SERVICE_ANSWER) {
            behaviour = SERVICE_ECHO;
            if (!say_answer(s, ssl)) {
                return false;
            }
        } else if (behaviour == SERVICE_FLOOD) {
            behaviour = SERVICE_ECHO;
            if (!flood(ssl)) {
                return false;
            }
        } else if (SSL_write(ssl, plain, (int)got) != (int)got) {
            return false;
        }
        if (behaviour == SERVICE_CUT) {
            return false;
        }
        if (behaviour == SERVICE_GOODBYE) {
            (void)SSL_shutdown(ssl);
            return false;
        }
        if (behaviour == SERVICE_LAST_WORDS) {
            (void)SSL_shutdown(ssl);
            while (SSL_read_ex(ssl, plain, sizeof plain, &got) == 1) {
                write_down(s, plain, got);
            }
            break;
        }
        if (behaviour == SERVICE_DEAF) {
            play_deaf(s);
        }
    }
    return (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

static bool speak_tls(service *s, int fd, service_behaviour behaviour, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    bool goodbye = false;

    need(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
    if (SSL_accept(ssl) == 1) {
        const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        size_t len = name == NULL ? 0 : strnlen(name, sizeof s->name - 1);

        (void)pthread_mutex_lock(&s->lock);
        s->handshakes++;
        if (len > 0) {
            memcpy(s->name, name, len);
        }
        s->name[len] = '\0';
        (void)pthread_cond_broadcast(&s->changed);
        (void)pthread_mutex_unlock(&s->lock);
        goodbye = converse(s, ssl, behaviour);
    }
    SSL_free(ssl);
    ERR_clear_error();
    return goodbye;
}

/* False: the connection ends here. */
static bool hear_request(int fd, const char *answer)
{
    static const uint8_t request[] = {0, 0, 0, 8, 4, 210, 22, 47};
    uint8_t heard[sizeof request + 1];

    if (recv(fd, heard, sizeof request, MSG_WAITALL) != (ssize_t)sizeof request) {
        return false;
    }
    need(memcmp(heard, request, sizeof request) == 0);
    need(recv(fd, heard, 1, MSG_DONTWAIT) < 0); /* it waits for the answer */
    if (answer[0] == '\0') {
        return false;
    }
    (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    if (strcmp(answer, "S") != 0) {
        (void)recv(fd, heard, 1, 0);
        return false;
    }
    return true;
}

static void *serve(void *argument)
{
    served *c = argument;
    service *s = c->owner;
    service_behaviour behaviour;
    const char *answer;
    SSL_CTX *context;
    uint8_t bytes[4096];
    bool goodbye = false;

    (void)pthread_mutex_lock(&s->lock);
    while (s->behaviour == SERVICE_HELD && !s->stopping) {
        (void)pthread_cond_wait(&s->changed, &s->lock);
    }
    behaviour = s->behaviour;
    context = s->contexts[s->certificate];
    answer = s->start_tls;
    (void)pthread_mutex_unlock(&s->lock);
    if (answer != NULL && !hear_request(c->fd, answer)) {
        goodbye = false;
    } else if (behaviour == SERVICE_SILENT) {
        while (recv(c->fd, bytes, sizeof bytes, 0) > 0) {
        }
    } else if (behaviour == SERVICE_CLOSE_HANDSHAKE) {
        (void)recv(c->fd, bytes, sizeof bytes, 0);
    } else if (behaviour == SERVICE_GARBAGE) {
        (void)recv(c->fd, bytes, sizeof bytes, 0);
        (void)send(c->fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
    } else {
        goodbye = speak_tls(s, c->fd, behaviour, context);
    }
    (void)pthread_mutex_lock(&s->lock);
    (void)close(c->fd);
    c->fd = -1;
    c->done = true;
    s->active--;
    s->goodbyes += goodbye ? 1 : 0;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* A place for one more; those that have ended are cleared away. Called with the lock. */
static served *free_place(service *s)
{
    served *place = NULL;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (s->connections[i].used && s->connections[i].done) {
            (void)pthread_join(s->connections[i].thread, NULL);
            s->connections[i].used = false;
        }
        if (!s->connections[i].used && place == NULL) {
            place = &s->connections[i];
        }
    }
    need(place != NULL);
    return place;
}

static void *run(void *argument)
{
    service *s = argument;

    for (;;) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        served *place;

        if (fd < 0) {
            return NULL;
        }
        need(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == 0);
        (void)pthread_mutex_lock(&s->lock);
        place = free_place(s);
        *place = (served){.owner = s, .fd = fd, .used = true};
        s->active++;
        s->taken++;
        (void)pthread_cond_broadcast(&s->changed);
        need(pthread_create(&place->thread, NULL, serve, place) == 0);
        (void)pthread_mutex_unlock(&s->lock);
    }
}

static X509 *make_certificate(service *s, service_certificate kind)
{
    built_quote quote;
    X509 *plain = peer_certificate_new(s->key, NULL, (ratls_bytes){0});
    ratls_bytes spki = peer_spki(plain);

    if (kind != SERVICE_CERTIFICATE_PLAIN) {
        X509_free(plain);
        build_td10(&quote);
        need(ratls_evidence_report_data(built_field(&quote, RATLS_FIELD_REPORT_DATA), spki, NULL) == RATLS_OK);
        built_field(&quote, RATLS_FIELD_REPORT_DATA)[0] ^= kind == SERVICE_CERTIFICATE_UNBOUND ? 1 : 0;
        plain = peer_certificate_new(s->key, QUOTE_OID, (ratls_bytes){quote.bytes, quote.len});
    }
    OPENSSL_free((void *)(uintptr_t)spki.data);
    return plain;
}

service *service_start(service_behaviour behaviour)
{
    service *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    sigset_t pipe_signal, before;

    need(s != NULL);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    s->behaviour = behaviour;
    s->key = peer_key_new();
    for (int i = 0; i < CERTIFICATES; i++) {
        s->certificates[i] = make_certificate(s, (service_certificate)i);
        s->contexts[i] = peer_context_new(&(peer_settings){.key = s->key, .certificate = s->certificates[i]});
    }
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(s->listener >= 0 && bind(s->listener, (struct sockaddr *)&address, sizeof address) == 0);
    need(listen(s->listener, 128) == 0 && getsockname(s->listener, (struct sockaddr *)&address, &len) == 0);
    s->port = ntohs(address.sin_port);
    /* Only the server's own threads write to sockets that way; the library must not need it. */
    (void)sigemptyset(&pipe_signal);
    (void)sigaddset(&pipe_signal, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    need(pthread_create(&s->thread, NULL, run, s) == 0);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s;
}

int service_port(const service *s)
{
    return s->port;
}

void service_behave(service *s, service_behaviour behaviour)
{
    (void)pthread_mutex_lock(&s->lock);
    s->behaviour = behaviour;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

void service_answer(service *s, const void *bytes, size_t len, bool then_goodbye)
{
    (void)pthread_mutex_lock(&s->lock);
    s->answer = bytes;
    s->answer_len = len;
    s->answer_is_all = then_goodbye;
    (void)pthread_mutex_unlock(&s->lock);
}

void service_start_tls(service *s, const char *answer)
{
    (void)pthread_mutex_lock(&s->lock);
    s->start_tls = answer;
    (void)pthread_mutex_unlock(&s->lock);
}

void service_show(service *s, service_certificate certificate)
{
    (void)pthread_mutex_lock(&s->lock);
    s->certificate = certificate;
    (void)pthread_mutex_unlock(&s->lock);
}

size_t service_heard(service *s, uint8_t heard[SERVICE_HEARD_MAX])
{
    size_t len;

    (void)pthread_mutex_lock(&s->lock);
    memcpy(heard, s->heard, sizeof s->heard);
    len = s->heard_len;
    (void)pthread_mutex_unlock(&s->lock);
    return len;
}

size_t service_handshakes(service *s)
{
    size_t count;

    (void)pthread_mutex_lock(&s->lock);
    count = s->handshakes;
    (void)pthread_mutex_unlock(&s->lock);
    return count;
}

/* Wait for `*value` to reach at least `least` and at most `most`; a test that waits in vain ends here. */
static void await_value(service *s, const size_t *value, size_t least, size_t most)
{
    struct timespec limit;

    need(clock_gettime(CLOCK_REALTIME, &limit) == 0);
    limit.tv_sec += PATIENCE_S;
    (void)pthread_mutex_lock(&s->lock);
    while (*value < least || *value > most) {
        need(pthread_cond_timedwait(&s->changed, &s->lock, &limit) == 0);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void service_await_goodbyes(service *s, size_t count)
{
    await_value(s, &s->goodbyes, count, SIZE_MAX);
}

void service_await_idle(service *s)
{
    await_value(s, &s->active, 0, 0);
}

void service_await_heard(service *s, size_t len)
{
    await_value(s, &s->heard_len, len, SIZE_MAX);
}

void service_await_handshakes(service *s, size_t count)
{
    await_value(s, &s->handshakes, count, count);
}

void service_await_taken(service *s, size_t count)
{
    await_value(s, &s->taken, count, SIZE_MAX);
}

/* With the lock. */
static void shut_down_all(service *s)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (s->connections[i].used && s->connections[i].fd >= 0) {
            (void)shutdown(s->connections[i].fd, SHUT_RDWR);
        }
    }
}

void service_hang_up(service *s)
{
    (void)pthread_mutex_lock(&s->lock);
    shut_down_all(s);
    (void)pthread_mutex_unlock(&s->lock);
}

void service_name(service *s, char name[256])
{
    (void)pthread_mutex_lock(&s->lock);
    memcpy(name, s->name, sizeof s->name);
    (void)pthread_mutex_unlock(&s->lock);
}

void service_stop(service *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    (void)pthread_cond_broadcast(&s->changed);
    shut_down_all(s);
    (void)pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (s->connections[i].used) {
            (void)pthread_join(s->connections[i].thread, NULL);
        }
    }
    for (int i = 0; i < CERTIFICATES; i++) {
        SSL_CTX_free(s->contexts[i]);
        X509_free(s->certificates[i]);
    }
    EVP_PKEY_free(s->key);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
