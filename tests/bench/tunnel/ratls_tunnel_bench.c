/* What the tunnel costs a driver: the same libpq, in one process and in turns, through the tunnel, with its own direct
 * TLS, and through a forwarder on a Unix socket.
 *
 * ratls-tunnel-bench --libpq FILE --host HOST --port PORT --collateral FILE --trust-anchor FILE --login KEYWORDS
 *                    --direct KEYWORDS --forwarder KEYWORDS [--only PART] [--rounds N]
 *
 * Prints one JSON object: for each part the median in microseconds for each way, and the median ratio of the tunnel to each
 * rival in the same round, which what else the machine does hardly moves.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ratls/ratls.h"

enum {
    WAYS = 3,
    BATCH = 100, /* round trips before it is the next way's turn */
    ROUNDS_MAX = 10000,
    FILE_MAX = 4 << 20,
    KEYWORDS_MAX = 1024,
    LIBPQ_VERSION_MIN = 180000,
    COPY_ROW = 8000, /* so few rows that the server's work for a row does not count */
    COPY_ROWS = 50000,
    COPY_CHUNK_ROWS = 8,
    CONNECTION_OK = 0, /* libpq's ABI, for which there may be no header of this version */
    RESULT_COMMAND_OK = 1,
    RESULT_TUPLES_OK = 2,
    RESULT_COPY_OUT = 3,
    RESULT_COPY_IN = 4
};

typedef struct {
    int (*version)(void);
    void *(*connect)(const char *keywords);
    int (*status)(const void *connection);
    char *(*error)(const void *connection);
    void (*finish)(void *connection);
    void *(*exec)(void *connection, const char *query);
    void *(*next_result)(void *connection);
    int (*result_status)(const void *result);
    void (*clear)(void *result);
    int (*get_copy)(void *connection, char **row, int async);
    int (*put_copy)(void *connection, const char *data, int len);
    int (*end_copy)(void *connection, const char *error);
    void (*free)(void *memory);
} libpq;

typedef struct {
    const char *name;
    char keywords[2 * KEYWORDS_MAX];
    void *connection;
    double samples[ROUNDS_MAX]; /* one a round: the median of its batch, in microseconds */
} way;

typedef struct {
    const char *libpq_path, *host, *collateral, *trust_anchor, *login, *only;
    int port, rounds;
    libpq pq;
    way ways[WAYS]; /* tunnel, direct, forwarder */
    char *copy_chunk;
} bench;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "ratls-tunnel-bench: %s: %s\n", what, why);
    exit(2);
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- libpq, loaded by path: it brings an OpenSSL of its own, which must not meet ours */

static void load(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    if (found == NULL) {
        fail(name, "not in this libpq");
    }
    memcpy(function, &found, sizeof found);
}

static void load_libpq(bench *b)
{
    void *library = dlopen(b->libpq_path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

    if (library == NULL) {
        fail(b->libpq_path, dlerror());
    }
    load(library, "PQlibVersion", &b->pq.version);
    load(library, "PQconnectdb", &b->pq.connect);
    load(library, "PQstatus", &b->pq.status);
    load(library, "PQerrorMessage", &b->pq.error);
    load(library, "PQfinish", &b->pq.finish);
    load(library, "PQexec", &b->pq.exec);
    load(library, "PQgetResult", &b->pq.next_result);
    load(library, "PQresultStatus", &b->pq.result_status);
    load(library, "PQclear", &b->pq.clear);
    load(library, "PQgetCopyData", &b->pq.get_copy);
    load(library, "PQputCopyData", &b->pq.put_copy);
    load(library, "PQputCopyEnd", &b->pq.end_copy);
    load(library, "PQfreemem", &b->pq.free);
    if (b->pq.version() < LIBPQ_VERSION_MIN) {
        fail(b->libpq_path, "it is older than 18");
    }
}

/* ---- the parts: each does one thing once, through one way */

static void connect_way(bench *b, way *w)
{
    w->connection = b->pq.connect(w->keywords);
    if (b->pq.status(w->connection) != CONNECTION_OK) {
        fail(w->name, b->pq.error(w->connection));
    }
}

static void disconnect_way(bench *b, way *w)
{
    b->pq.finish(w->connection);
    w->connection = NULL;
}

static void query(bench *b, way *w, const char *text, int expected)
{
    void *result = b->pq.exec(w->connection, text);

    if (b->pq.result_status(result) != expected) {
        fail(w->name, b->pq.error(w->connection));
    }
    b->pq.clear(result);
}

static void reconnect(bench *b, way *w)
{
    connect_way(b, w);
    disconnect_way(b, w);
}

static void round_trip(bench *b, way *w)
{
    query(b, w, "select 1", RESULT_TUPLES_OK);
}

/* The server's last word about a COPY. */
static void finish_copy(bench *b, way *w)
{
    void *result = b->pq.next_result(w->connection);

    if (b->pq.result_status(result) != RESULT_COMMAND_OK) {
        fail(w->name, b->pq.error(w->connection));
    }
    b->pq.clear(result);
    while ((result = b->pq.next_result(w->connection)) != NULL) {
        b->pq.clear(result);
    }
}

static void copy_out(bench *b, way *w)
{
    char text[128], *row = NULL;
    size_t total = 0;
    int len;

    (void)snprintf(text, sizeof text, "copy (select repeat('x', %d) from generate_series(1, %d)) to stdout", COPY_ROW, COPY_ROWS);
    query(b, w, text, RESULT_COPY_OUT);
    while ((len = b->pq.get_copy(w->connection, &row, 0)) > 0) {
        total += (size_t)len;
        b->pq.free(row);
    }
    finish_copy(b, w);
    if (total != (size_t)(COPY_ROW + 1) * COPY_ROWS) {
        fail(w->name, "a COPY of another length than expected");
    }
}

/* The rows are read and dropped: what the server's disk does is not measured. */
static void copy_in(bench *b, way *w)
{
    query(b, w, "create temporary table if not exists sink (line text)", RESULT_COMMAND_OK);
    query(b, w, "copy sink from stdin where false", RESULT_COPY_IN);
    for (int i = 0; i < COPY_ROWS; i += COPY_CHUNK_ROWS) {
        if (b->pq.put_copy(w->connection, b->copy_chunk, COPY_CHUNK_ROWS * (COPY_ROW + 1)) != 1) {
            fail(w->name, b->pq.error(w->connection));
        }
    }
    if (b->pq.end_copy(w->connection, NULL) != 1) {
        fail(w->name, b->pq.error(w->connection));
    }
    finish_copy(b, w);
}

static void make_copy_chunk(bench *b)
{
    size_t len = (size_t)COPY_CHUNK_ROWS * (COPY_ROW + 1);

    b->copy_chunk = malloc(len);
    if (b->copy_chunk == NULL) {
        fail("COPY", "out of memory");
    }
    memset(b->copy_chunk, 'x', len);
    for (size_t i = 0; i < COPY_CHUNK_ROWS; i++) {
        b->copy_chunk[i * (COPY_ROW + 1) + COPY_ROW] = '\n';
    }
}

/* ---- measuring in turns */

typedef struct {
    const char *name;
    void (*once)(bench *b, way *w);
    size_t rounds;
    int batch, warm_up;
    bool connected; /* it needs an open connection */
} part;

static const part PARTS[] = {
    {"round_trip", round_trip, 100, BATCH, 500, true},
    {"connect", reconnect, 300, 1, 10, false},
    {"copy_out", copy_out, 7, 1, 1, true},
    {"copy_in", copy_in, 7, 1, 1, true},
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts them. */
static double median_of(double *values, size_t len)
{
    qsort(values, len, sizeof values[0], compare);
    return values[len / 2];
}

static double measure(bench *b, const part *p, way *w)
{
    double batch[BATCH];

    for (int i = 0; i < p->batch; i++) {
        double start = now_us();

        p->once(b, w);
        batch[i] = now_us() - start;
    }
    return median_of(batch, (size_t)p->batch);
}

static double median_ratio(const way *to_judge, const way *rival, size_t rounds)
{
    static double ratios[ROUNDS_MAX];

    for (size_t i = 0; i < rounds; i++) {
        ratios[i] = to_judge->samples[i] / rival->samples[i];
    }
    return median_of(ratios, rounds);
}

static void begin_way(bench *b, const part *p, way *w)
{
    if (p->connected) {
        connect_way(b, w);
    }
    for (int i = 0; i < p->warm_up; i++) {
        p->once(b, w);
    }
}

static void print_part(bench *b, const part *p, size_t rounds)
{
    double to_direct = median_ratio(&b->ways[0], &b->ways[1], rounds);
    double to_forwarder = median_ratio(&b->ways[0], &b->ways[2], rounds);

    printf("\"%s\":{", p->name);
    for (size_t i = 0; i < WAYS; i++) {
        printf("\"%s\":%.1f,", b->ways[i].name, median_of(b->ways[i].samples, rounds));
    }
    printf("\"to_direct\":%.3f,\"to_forwarder\":%.3f}", to_direct, to_forwarder);
}

static void run_part(bench *b, const part *p)
{
    size_t rounds = b->rounds > 0 ? (size_t)b->rounds : p->rounds;

    for (size_t i = 0; i < WAYS; i++) {
        begin_way(b, p, &b->ways[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < WAYS; i++) {
            way *w = &b->ways[(round + i) % WAYS];

            w->samples[round] = measure(b, p, w);
        }
    }
    for (size_t i = 0; i < WAYS && p->connected; i++) {
        disconnect_way(b, &b->ways[i]);
    }
    print_part(b, p, rounds);
}

/* ---- the tunnel */

static size_t read_file(uint8_t **out, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t len;

    *out = malloc(FILE_MAX);
    if (file == NULL || *out == NULL) {
        fail(path, "cannot be read");
    }
    len = fread(*out, 1, FILE_MAX, file);
    fclose(file);
    return len;
}

static void expect_ok(ratls_status status, ratls_error *error)
{
    if (status != RATLS_OK) {
        fail("tunnel", ratls_error_message(error, RATLS_SPELLING_COMMAND));
    }
}

static ratls_verifier *make_verifier(const bench *b)
{
    ratls_verifier *verifier = NULL;
    ratls_error *error = NULL;
    ratls_dcap_options options;
    uint8_t *collateral, *anchor;

    ratls_dcap_options_init(&options, sizeof options);
    options.collateral_len = read_file(&collateral, b->collateral);
    options.trust_anchor_len = read_file(&anchor, b->trust_anchor);
    options.collateral = collateral;
    options.trust_anchor = anchor;
    expect_ok(ratls_verifier_new_dcap(&verifier, &options, &error), error);
    free(collateral);
    free(anchor);
    return verifier;
}

static ratls_tunnel *open_tunnel(const bench *b, ratls_verifier *verifier)
{
    ratls_tunnel *tunnel = NULL;
    ratls_error *error = NULL;
    ratls_tunnel_options options;

    ratls_tunnel_options_init(&options, sizeof options);
    options.host = b->host;
    options.port = b->port;
    expect_ok(ratls_tunnel_open(&tunnel, verifier, &options, NULL, &error), error);
    return tunnel;
}

static void name_ways(bench *b, const ratls_tunnel *tunnel, const char *direct, const char *forwarder)
{
    char through[KEYWORDS_MAX];

    (void)snprintf(through, sizeof through, "host='%s' port=%d", ratls_tunnel_directory(tunnel), (int)ratls_tunnel_port(tunnel));
    b->ways[0].name = "tunnel";
    b->ways[1].name = "direct";
    b->ways[2].name = "forwarder";
    for (size_t i = 0; i < WAYS; i++) {
        const char *more = i == 0 ? through : i == 1 ? direct : forwarder;
        int len;

        len = snprintf(b->ways[i].keywords, sizeof b->ways[i].keywords, "%s %s", b->login, more);
        if (len < 0 || (size_t)len >= sizeof b->ways[i].keywords) {
            fail(b->ways[i].name, "keywords too long");
        }
    }
}

static const char *argument(int argc, char **argv, const char *name, const char *otherwise)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    if (otherwise == NULL) {
        fail(name, "missing");
    }
    return otherwise;
}

static void run_parts(bench *b)
{
    const char *separator = "";

    printf("{");
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if (b->only[0] == '\0' || strcmp(b->only, PARTS[i].name) == 0) {
            printf("%s", separator);
            run_part(b, &PARTS[i]);
            separator = ",";
        }
    }
    printf("}\n");
}

int main(int argc, char **argv)
{
    static bench b;
    ratls_verifier *verifier;
    ratls_tunnel *tunnel;

    b.libpq_path = argument(argc, argv, "--libpq", NULL);
    b.host = argument(argc, argv, "--host", NULL);
    b.port = (int)strtol(argument(argc, argv, "--port", NULL), NULL, 10);
    b.collateral = argument(argc, argv, "--collateral", NULL);
    b.trust_anchor = argument(argc, argv, "--trust-anchor", NULL);
    b.login = argument(argc, argv, "--login", NULL);
    b.only = argument(argc, argv, "--only", "");
    b.rounds = (int)strtol(argument(argc, argv, "--rounds", "0"), NULL, 10);
    if (b.rounds < 0 || b.rounds > ROUNDS_MAX) {
        fail("--rounds", "too many");
    }
    load_libpq(&b);
    make_copy_chunk(&b);
    verifier = make_verifier(&b);
    tunnel = open_tunnel(&b, verifier);
    name_ways(&b, tunnel, argument(argc, argv, "--direct", NULL), argument(argc, argv, "--forwarder", NULL));
    run_parts(&b);
    ratls_tunnel_close(tunnel);
    ratls_verifier_free(verifier);
    free(b.copy_chunk);
    return 0;
}
