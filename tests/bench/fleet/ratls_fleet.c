/* How often a fleet asks for collateral: the cache's real code under a clock that the simulation moves.
 *
 * ratls-fleet [--hosts N] [--days N] [--uses-per-day N] [--json]
 *
 * Every host is a store of its own (the processes of a host share one through the disk) that verifies at random moments of the day. All
 * start within the first hour, which is the worst for whoever answers them. Intel publishes every document anew each day, good for
 * thirty days. Three ways are compared:
 *
 *   direct   each host asks Intel
 *   pccs     each asks one PCCS, which fetches everything anew once a day, as Intel's reference service does
 *   proxy    each asks a caching HTTP proxy that says `Cache-Control: max-age=86400` and asks Intel again after that time
 *
 * What is told: requests per day in the steady state (after the first fetch), at Intel, at the service in between and on each host; the
 * most in one minute after the first hour; and the share that was answered with 304.
 *
 * Hosts do not know of each other, so that of a fleet larger than SAMPLE as many are simulated and what they ask is multiplied.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/time.h"
#include "collateral/store.h"
#include "dcap/pki.h"

enum { SAMPLE = 500, DAY_S = 86400, LIFE_DAYS = 30, DAYS_MAX = 400, USES_MAX = 1440, PARTS = RATLS_PARTS, MINUTES_MAX = DAYS_MAX * 1440 };

typedef enum { DIRECT, PCCS, PROXY, WAYS } way;

static const char *const way_names[WAYS] = {"direct", "pccs", "proxy"};

typedef struct {
    ratls_collateral collateral;
    test_buffer issuer_chain;
} edition;

static edition editions[DAYS_MAX];
static pki world;

static way current_way;
static int64_t now_ms; /* since the fleet started */
static uint64_t random_state = 1;
static int64_t days = 60, hosts_of_run, uses_per_day = 6;

static uint64_t requests, not_modified, first_day, per_minute[MINUTES_MAX];
static bool asked_intel[PARTS][DAYS_MAX]; /* by the service in between */

static void fail(const char *what)
{
    fprintf(stderr, "ratls-fleet: %s\n", what);
    exit(2);
}

/* ---- clocks and chance */

static int64_t read_wall(void *user)
{
    (void)user;
    return PKI_ISSUED + now_ms / 1000;
}

static int64_t read_monotonic(void *user)
{
    (void)user;
    return now_ms;
}

/* xorshift64*: the same fleet in every run. */
static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static void fill(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(next_random() >> 32);
    }
}

/* ---- Intel, and what stands before it */

static size_t day_of(int64_t ms)
{
    return (size_t)(ms / 1000 / DAY_S);
}

/* The edition that is served: Intel's own is of the day; a PCCS has that of its nightly fetch, and so has a proxy, near enough. */
static const edition *served(ratls_part_kind kind)
{
    size_t day = day_of(now_ms);

    if (current_way != DIRECT) {
        asked_intel[kind][day] = true;
    }
    return &editions[day];
}

static ratls_part_kind kind_of(const char *url)
{
    return strstr(url, "rootcacrl") != NULL || strstr(url, "RootCA") != NULL ? RATLS_PART_ROOT_CRL
           : strstr(url, "pckcrl") != NULL                                   ? RATLS_PART_PCK_CRL
           : strstr(url, "/tcb") != NULL                                     ? RATLS_PART_TCB_INFO
                                                                             : RATLS_PART_QE_IDENTITY;
}

static void add_header(test_buffer *headers, const char *name, const char *value, size_t len)
{
    buffer_add_text(headers, name);
    for (size_t i = 0; i < len; i++) {
        char octet[4];

        (void)snprintf(octet, sizeof octet, value[i] == '\n' ? "%%0A" : "%c", value[i]);
        buffer_add_text(headers, octet);
    }
    buffer_u8(headers, 0);
}

static void add_document(test_buffer *body, const char *member, ratls_bytes text, const uint8_t signature[64])
{
    char digits[129];

    ratls_hex_write(digits, signature, 64);
    buffer_add_text(body, "{\"");
    buffer_add_text(body, member);
    buffer_add_text(body, "\":");
    buffer_add(body, text.data, text.len);
    buffer_add_text(body, ",\"signature\":\"");
    buffer_add_text(body, digits);
    buffer_add_text(body, "\"}");
}

static void write_answer(test_buffer *body, test_buffer *headers, const edition *e, ratls_part_kind kind)
{
    const ratls_collateral *c = &e->collateral;

    switch (kind) {
    case RATLS_PART_PCK_CRL:
        buffer_add(body, c->pck_crl.data, c->pck_crl.len);
        add_header(headers, "SGX-PCK-CRL-Issuer-Chain: ", (const char *)e->issuer_chain.data, e->issuer_chain.len);
        break;
    case RATLS_PART_TCB_INFO:
        add_document(body, "tcbInfo", c->tcb_info, c->tcb_info_signature);
        add_header(headers, "TCB-Info-Issuer-Chain: ", (const char *)c->tcb_info_issuer_chain.data, c->tcb_info_issuer_chain.len);
        break;
    case RATLS_PART_QE_IDENTITY:
        add_document(body, "enclaveIdentity", c->qe_identity, c->qe_identity_signature);
        add_header(headers, "SGX-Enclave-Identity-Issuer-Chain: ", (const char *)c->qe_identity_issuer_chain.data, c->qe_identity_issuer_chain.len);
        break;
    default:
        buffer_add(body, c->root_ca_crl.data, c->root_ca_crl.len);
        break;
    }
}

static void count_request(void)
{
    size_t minute = (size_t)(now_ms / 60000);

    requests++;
    first_day += now_ms < (int64_t)DAY_S * 1000;
    per_minute[minute < MINUTES_MAX ? minute : MINUTES_MAX - 1]++;
}

static void perform(void *user, ratls_http_response *out, const ratls_http_request *request)
{
    ratls_part_kind kind = kind_of(request->url);
    const edition *e = served(kind);
    test_buffer body = {0}, headers = {0};
    char etag[32];

    (void)user;
    count_request();
    write_answer(&body, &headers, e, kind);
    (void)snprintf(etag, sizeof etag, "\"%d-%zu\"", (int)kind, (size_t)(e - editions));
    add_header(&headers, "ETag: ", etag, strlen(etag));
    if (current_way == PROXY) {
        add_header(&headers, "Cache-Control: ", "max-age=86400", sizeof "max-age=86400" - 1);
    }
    out->outcome = RATLS_HTTP_ANSWERED;
    out->status = 200;
    if (request->headers_len > 0 && strstr(request->headers[0], etag) != NULL) {
        out->status = 304;
        not_modified++;
    }
    buffer_u8(&body, 0);
    out->body = body.data;
    out->body_len = body.len - 1;
    out->headers = (char *)headers.data;
    out->headers_len = headers.len;
}

/* ---- editions */

static void make_edition(edition *out, int64_t from)
{
    static char issue_date[64], next_update[64];
    char written[RATLS_TIME_TEXT_LEN + 1];
    pki_document *documents[] = {&world.tcb_info, &world.qe_identity};
    test_buffer der = {0};

    ratls_time_write(written, from);
    (void)snprintf(issue_date, sizeof issue_date, "\"issueDate\":\"%s\"", written);
    ratls_time_write(written, from + (int64_t)LIFE_DAYS * DAY_S);
    (void)snprintf(next_update, sizeof next_update, "\"nextUpdate\":\"%s\"", written);
    for (size_t i = 0; i < 2; i++) {
        documents[i]->edits[0] = (pki_edit){"\"issueDate\":\"2025-01-01T00:00:00Z\"", issue_date};
        documents[i]->edits[1] = (pki_edit){"\"nextUpdate\":\"2025-01-31T00:00:00Z\"", next_update};
    }
    world.root_crl.this_update = world.pck_crl.this_update = from;
    world.pck_crl.next_update = from + (int64_t)LIFE_DAYS * DAY_S;
    world.root_crl.next_update = from + INT64_C(365) * DAY_S;
    buffer_free(&world.quote);
    buffer_free(&world.bundle);
    buffer_free(&world.anchor_der);
    pki_build(&world);
    if (ratls_collateral_parse(&out->collateral, buffer_bytes(&world.bundle), NULL) != RATLS_OK) {
        fail("an edition is not collateral");
    }
    pki_certificate_write(&der, &world.ca);
    pki_pem_write(&out->issuer_chain, "CERTIFICATE", &der);
    buffer_free(&der);
    pki_certificate_write(&der, &world.root);
    pki_pem_write(&out->issuer_chain, "CERTIFICATE", &der);
    buffer_free(&der);
}

static ratls_trust *make_trust(void)
{
    ratls_trust_anchor anchor = {0};
    ratls_trust *trust = NULL;

    if (ratls_trust_anchor_parse(&anchor, buffer_bytes(&world.anchor_der), NULL) != RATLS_OK || ratls_trust_new(&trust, &anchor, NULL) != RATLS_OK) {
        fail("the root is none");
    }
    ratls_trust_anchor_clear(&anchor);
    return trust;
}

/* ---- hosts */

static void use(ratls_store *store)
{
    const ratls_store_wish wish = {.platform = {.tdx = true, .fmspc = {0xb0, 0xc0, 0x6f}}};
    ratls_collateral_time time = {.now = read_wall(NULL), .timeout_ms = 30000, .deadline_ms = now_ms + 30000};
    ratls_collateral_set *set = NULL;
    ratls_error *err = NULL;

    if (ratls_store_get(&set, store, &wish, &time, &err) != RATLS_OK) {
        fail(ratls_error_message(err, RATLS_SPELLING_C));
    }
    ratls_collateral_set_free(set);
    ratls_store_settle(store);
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static void live(ratls_store_settings *settings)
{
    int64_t moments[USES_MAX];
    ratls_store *store = NULL;

    if (ratls_store_new(&store, settings, NULL) != RATLS_OK) {
        fail("no memory");
    }
    now_ms = (int64_t)(next_random() % 3600000);
    use(store);
    for (int64_t day = 0; day < days; day++) {
        for (int64_t i = 0; i < uses_per_day; i++) {
            moments[i] = (day * DAY_S) * 1000 + (int64_t)(next_random() % ((uint64_t)DAY_S * 1000));
        }
        qsort(moments, (size_t)uses_per_day, sizeof moments[0], compare);
        for (int64_t i = 0; i < uses_per_day; i++) {
            if (moments[i] > now_ms) {
                now_ms = moments[i];
                use(store);
            }
        }
    }
    ratls_store_free(store);
}

/* ---- results */

static uint64_t most_in_a_minute(void)
{
    uint64_t most = 0;

    for (int64_t i = 60; i < days * 1440; i++) {
        most = per_minute[i] > most ? per_minute[i] : most;
    }
    return most;
}

/* Requests of the service in between: a PCCS fetches each night, asked or not; a proxy when it is asked and has nothing fresh. */
static double intel_per_day(double steady)
{
    uint64_t cells = 0;

    if (current_way == DIRECT) {
        return steady;
    }
    if (current_way == PCCS) {
        return PARTS;
    }
    for (size_t kind = 0; kind < PARTS; kind++) {
        for (int64_t day = 1; day < days; day++) {
            cells += asked_intel[kind][day];
        }
    }
    return (double)cells / (double)(days - 1);
}

static void tell(int64_t hosts, int64_t sample, bool json)
{
    double scale = (double)hosts / (double)sample, steady = scale * (double)(requests - first_day) / (double)(days - 1);
    double first = scale * (double)first_day, most = scale * (double)most_in_a_minute();
    double share = requests == 0 ? 0 : (double)not_modified / (double)requests;
    double service = current_way == DIRECT ? 0 : steady;

    if (json) {
        printf("{\"way\":\"%s\",\"hosts\":%" PRId64 ",\"first_day\":%.0f,\"intel_per_day\":%.3f,\"service_per_day\":%.3f,"
               "\"host_per_day\":%.4f,\"most_in_a_minute\":%.0f,\"not_modified\":%.3f}\n",
               way_names[current_way], hosts, first, intel_per_day(steady), service, steady / (double)hosts, most, share);
    } else {
        printf("%-7s %8" PRId64 " %12.0f %14.2f %14.2f %13.3f %14.0f %8.0f%%\n", way_names[current_way], hosts, first, intel_per_day(steady), service,
               steady / (double)hosts, most, 100 * share);
    }
    (void)fflush(stdout);
}

static void simulate(way w, int64_t hosts, ratls_trust *trust, bool json)
{
    static const char *const urls[] = {"http://pccs.example"};
    const ratls_sources_settings given = {.urls = w == DIRECT ? NULL : urls, .urls_len = w == DIRECT ? 0 : 1};
    ratls_store_settings settings = {.trust = trust};

    current_way = w;
    requests = not_modified = first_day = 0;
    memset(per_minute, 0, sizeof per_minute);
    memset(asked_intel, 0, sizeof asked_intel);
    if (ratls_sources_new(&settings.sources, &given, NULL) != RATLS_OK) {
        fail("no memory");
    }
    for (int64_t i = 0; i < hosts && i < SAMPLE; i++) {
        live(&settings);
    }
    ratls_sources_free(settings.sources);
    tell(hosts, hosts < SAMPLE ? hosts : SAMPLE, json);
}

static int64_t read_number(const char *text, int64_t most)
{
    char *end = NULL;
    long long number = strtoll(text, &end, 10);

    if (*end != '\0' || number < 1 || number > most) {
        fail("a number that is none, or too large");
    }
    return number;
}

static bool read_arguments(int argc, char *argv[])
{
    bool json = false;

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--hosts") == 0 && value != NULL) {
            hosts_of_run = read_number(argv[++i], 10000000);
        } else if (strcmp(argv[i], "--days") == 0 && value != NULL) {
            days = read_number(argv[++i], DAYS_MAX - 1);
        } else if (strcmp(argv[i], "--uses-per-day") == 0 && value != NULL) {
            uses_per_day = read_number(argv[++i], USES_MAX);
        } else {
            fail("usage: ratls-fleet [--hosts N] [--days N] [--uses-per-day N] [--json]");
        }
    }
    return json;
}

int main(int argc, char *argv[])
{
    static const ratls_http_fake web = {perform, NULL};
    static const ratls_clock clocks = {read_wall, read_monotonic, NULL};
    static const ratls_chance chance = {fill, NULL};
    static const int64_t sizes[] = {1, 100, 100000};
    bool json = read_arguments(argc, argv);
    ratls_trust *trust;

    ratls_http_replace(&web);
    ratls_clock_replace(&clocks);
    ratls_chance_replace(&chance);
    pki_init(&world, PKI_TDX_V4);
    world.leaf.not_after = world.ca.not_after = world.root.not_after = world.signer.not_after = PKI_ISSUED + INT64_C(3) * 365 * DAY_S;
    world.anchor.not_after = world.root.not_after;
    for (int64_t day = 0; day <= days; day++) {
        make_edition(&editions[day], PKI_ISSUED + day * DAY_S);
    }
    trust = make_trust();
    if (!json) {
        printf("%-7s %8s %12s %14s %14s %13s %14s %9s\n", "way", "hosts", "first day", "Intel/day", "service/day", "host/day", "most/minute", "304");
    }
    for (way w = 0; w < WAYS; w++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            if (hosts_of_run == 0 || i == 0) {
                simulate(w, hosts_of_run == 0 ? sizes[i] : hosts_of_run, trust, json);
            }
        }
    }
    ratls_trust_free(trust);
    return 0;
}
