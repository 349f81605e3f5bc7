#include "collateral/service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/pause.h"
#include "base/text.h"
#include "base/time.h"

/* Offsets in a TD report of what the policy wants to see. */
enum { MR_SEAM = 16, SEPT_VE_DISABLE = 123, XFAM = 128 };

test_service service;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int64_t clock_ms, wall_step_s;

static int64_t read_wall(void *user)
{
    (void)user;
    return PKI_ISSUED + clock_ms / 1000 + wall_step_s;
}

static int64_t read_monotonic(void *user)
{
    (void)user;
    return clock_ms;
}

static bool note_wait(void *user, int64_t ms, const ratls_cancel *cancel)
{
    (void)user;
    (void)pthread_mutex_lock(&lock);
    if (service.waits_len < SERVICE_WAITS_MAX) {
        service.waits[service.waits_len++] = ms;
    }
    clock_ms += ms;
    (void)pthread_mutex_unlock(&lock);
    return !ratls_cancel_triggered(cancel);
}

static void fill(void *user, uint8_t *out, size_t len)
{
    (void)user;
    memset(out, 0, len);
    memcpy(out, &service.random, len < sizeof service.random ? len : sizeof service.random);
}

int64_t service_now(void)
{
    return read_wall(NULL);
}

void service_advance_s(int64_t seconds)
{
    clock_ms += seconds * 1000;
}

void service_step_wall_s(int64_t seconds)
{
    wall_step_s += seconds;
}

/* ---- answers */

static void add_header(test_buffer *headers, const char *name, const char *value)
{
    buffer_add_text(headers, name);
    buffer_add_text(headers, ": ");
    buffer_add(headers, value, strlen(value) + 1);
}

/* Everything but what needs no escape in base64, so that '+' arrives as it is. */
static void add_chain(test_buffer *headers, const char *name, ratls_bytes chain)
{
    test_buffer escaped = {0};

    for (size_t i = 0; i < chain.len; i++) {
        char octet[4];

        (void)snprintf(octet, sizeof octet, chain.data[i] == '\n' || chain.data[i] == ' ' || chain.data[i] == '=' ? "%%%02X" : "%c", chain.data[i]);
        buffer_add_text(&escaped, octet);
    }
    buffer_u8(&escaped, 0);
    add_header(headers, name, (const char *)escaped.data);
    buffer_free(&escaped);
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

static bool write_part(test_buffer *body, test_buffer *headers, const char *url)
{
    const ratls_collateral *edition = &service.edition;

    if (strstr(url, "/rootcacrl") != NULL || strstr(url, "IntelSGXRootCA.der") != NULL) {
        buffer_add(body, edition->root_ca_crl.data, edition->root_ca_crl.len);
    } else if (strstr(url, "/pckcrl?ca=platform") != NULL) {
        buffer_add(body, edition->pck_crl.data, edition->pck_crl.len);
        add_chain(headers, "SGX-PCK-CRL-Issuer-Chain", buffer_bytes(&service.issuer_chain));
    } else if (strstr(url, "/tdx/certification/v4/tcb?fmspc=B0C06F000000") != NULL) {
        add_document(body, "tcbInfo", edition->tcb_info, edition->tcb_info_signature);
        add_chain(headers, "TCB-Info-Issuer-Chain", edition->tcb_info_issuer_chain);
    } else if (strstr(url, "/tdx/certification/v4/qe/identity") != NULL) {
        add_document(body, "enclaveIdentity", edition->qe_identity, edition->qe_identity_signature);
        add_chain(headers, "SGX-Enclave-Identity-Issuer-Chain", edition->qe_identity_issuer_chain);
    } else {
        return false;
    }
    return true;
}

static uint32_t checksum(const test_buffer *body)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < body->len; i++) {
        sum = (sum ^ body->data[i]) * 16777619u;
    }
    return sum;
}

static bool names(const ratls_http_request *request, const char *etag)
{
    for (size_t i = 0; i < request->headers_len; i++) {
        if (strncmp(request->headers[i], "If-None-Match: ", 15) == 0) {
            service.conditional++;
            return strcmp(request->headers[i] + 15, etag) == 0;
        }
    }
    return false;
}

static void answer(ratls_http_response *out, const ratls_http_request *request)
{
    test_buffer body = {0}, headers = {0};
    char etag[16];

    out->outcome = RATLS_HTTP_ANSWERED;
    out->status = write_part(&body, &headers, request->url) ? 200 : 404;
    if (service.etags) {
        (void)snprintf(etag, sizeof etag, "\"%08x\"", checksum(&body));
        add_header(&headers, "ETag", etag);
        if (names(request, etag)) {
            service.not_modified++;
            out->status = 304;
            body.len = 0;
        }
    }
    if (service.cache_control != NULL) {
        add_header(&headers, "Cache-Control", service.cache_control);
    }
    buffer_u8(&body, 0);
    out->body = body.data;
    out->body_len = body.len - 1;
    out->headers = (char *)headers.data;
    out->headers_len = headers.len;
}

static void remove_header(ratls_http_response *out, const char *name)
{
    for (size_t at = 0; at < out->headers_len;) {
        size_t len = strlen(out->headers + at) + 1;

        if (strncasecmp(out->headers + at, name, strlen(name)) == 0) {
            memmove(out->headers + at, out->headers + at + len, out->headers_len - at - len);
            out->headers_len -= len;
        } else {
            at += len;
        }
    }
}

static void change(ratls_http_response *out, const service_rule *rule)
{
    test_buffer headers = {0};

    if (rule->without != NULL) {
        remove_header(out, rule->without);
    }
    if (rule->header != NULL) {
        buffer_add(&headers, out->headers, out->headers_len);
        buffer_add(&headers, rule->header, strlen(rule->header) + 1);
        free(out->headers);
        out->headers = (char *)headers.data;
        out->headers_len = headers.len;
    }
    if (rule->body != NULL) {
        free(out->body);
        out->body = (uint8_t *)strdup(rule->body);
        out->body_len = strlen(rule->body);
    }
    out->status = rule->status == 0 ? out->status : rule->status;
}

static const service_rule *find_rule(const char *url)
{
    for (size_t i = 0; i < SERVICE_RULES_MAX; i++) {
        service_rule *rule = &service.rules[i];

        if (rule->match != NULL && strstr(url, rule->match) != NULL && rule->times != 0) {
            rule->times -= rule->times > 0;
            return rule;
        }
    }
    return NULL;
}

static void perform_locked(ratls_http_response *out, const ratls_http_request *request)
{
    const service_rule *rule = find_rule(request->url);

    assert_true(service.requests < SERVICE_SEEN_MAX);
    (void)snprintf(service.seen[service.requests++], SERVICE_URL_MAX, "%s", request->url);
    if (rule != NULL) {
        clock_ms += rule->takes_ms;
    }
    if (rule != NULL && rule->outcome != RATLS_HTTP_FAILED) {
        out->outcome = rule->outcome;
        (void)snprintf(out->what, sizeof out->what, "as the test wants it");
        return;
    }
    answer(out, request);
    if (rule != NULL) {
        change(out, rule);
    }
    out->retry_after_s = -1;
}

static void perform(void *user, ratls_http_response *out, const ratls_http_request *request)
{
    void (*during)(void);

    (void)user;
    (void)pthread_mutex_lock(&lock);
    perform_locked(out, request);
    during = service.during;
    service.during = NULL;
    (void)pthread_mutex_unlock(&lock);
    ratls_cancel_trigger(service.cancel_at_request);
    if (during != NULL) {
        during();
    }
}

/* ---- editions */

void service_publish(int64_t from, int64_t until)
{
    static char issue_date[64], next_update[64];
    char written[RATLS_TIME_TEXT_LEN + 1];
    pki *world = &service.world;
    pki_document *documents[] = {&world->tcb_info, &world->qe_identity};
    test_buffer der = {0};

    ratls_time_write(written, from);
    (void)snprintf(issue_date, sizeof issue_date, "\"issueDate\":\"%s\"", written);
    ratls_time_write(written, until);
    (void)snprintf(next_update, sizeof next_update, "\"nextUpdate\":\"%s\"", written);
    for (size_t i = 0; i < 2; i++) {
        documents[i]->edits[0] = (pki_edit){"\"issueDate\":\"2025-01-01T00:00:00Z\"", issue_date};
        documents[i]->edits[1] = (pki_edit){"\"nextUpdate\":\"2025-01-31T00:00:00Z\"", next_update};
    }
    world->root_crl.this_update = world->pck_crl.this_update = from;
    world->root_crl.next_update = world->pck_crl.next_update = until;
    buffer_free(&world->quote);
    buffer_free(&world->bundle);
    buffer_free(&world->anchor_der);
    pki_build(world);
    ratls_collateral_clear(&service.edition);
    assert_int_equal(ratls_collateral_parse(&service.edition, buffer_bytes(&world->bundle), NULL), RATLS_OK);
    buffer_free(&service.issuer_chain);
    pki_certificate_write(&der, &world->ca);
    pki_pem_write(&service.issuer_chain, "CERTIFICATE", &der);
    buffer_free(&der);
    pki_certificate_write(&der, &world->root);
    pki_pem_write(&service.issuer_chain, "CERTIFICATE", &der);
    buffer_free(&der);
}

/* ---- life */

static void forget(void)
{
    for (size_t i = 0; i < service.lines_len; i++) {
        free(service.lines[i]);
    }
    ratls_collateral_clear(&service.edition);
    buffer_free(&service.issuer_chain);
}

int service_reset(void **state)
{
    pki world = service.world;

    (void)state;
    forget();
    service = (test_service){.world = world, .etags = true};
    service.world.pck_crl.listed_len = 0;
    clock_ms = 0;
    wall_step_s = 0;
    service_publish(PKI_ISSUED, PKI_ENDS);
    return 0;
}

int service_set_up(void **state)
{
    static const ratls_http_fake web = {perform, NULL};
    static const ratls_clock clocks = {read_wall, read_monotonic, NULL};
    static const ratls_pauser pauser = {note_wait, NULL};
    static const ratls_chance chance = {fill, NULL};

    (void)state;
    ratls_http_replace(&web);
    ratls_clock_replace(&clocks);
    ratls_pause_replace(&pauser);
    ratls_chance_replace(&chance);
    pki_init(&service.world, PKI_TDX_V4);
    service.world.body[MR_SEAM] = 1;
    service.world.body[SEPT_VE_DISABLE] = 0x10;
    service.world.body[XFAM] = 0xe7;
    return 0;
}

int service_tear_down(void **state)
{
    (void)state;
    forget();
    pki_clear(&service.world);
    return 0;
}

void service_rule_add(service_rule rule)
{
    for (size_t i = 0; i < SERVICE_RULES_MAX; i++) {
        if (service.rules[i].match == NULL) {
            service.rules[i] = rule;
            return;
        }
    }
    abort();
}

size_t service_count(const char *part)
{
    size_t count = 0;

    for (size_t i = 0; i < service.requests; i++) {
        count += strstr(service.seen[i], part) != NULL;
    }
    return count;
}

bool service_logged(const char *part)
{
    for (size_t i = 0; i < service.lines_len; i++) {
        if (strstr(service.lines[i], part) != NULL) {
            return true;
        }
    }
    return false;
}

void service_log(void *user, const char *message)
{
    (void)user;
    (void)pthread_mutex_lock(&lock);
    if (service.lines_len < SERVICE_LINES_MAX) {
        service.lines[service.lines_len++] = strdup(message);
    }
    (void)pthread_mutex_unlock(&lock);
}

ratls_platform_id service_platform(void)
{
    return (ratls_platform_id){.tdx = true, .fmspc = {0xb0, 0xc0, 0x6f}};
}

ratls_trust *service_trust(void)
{
    ratls_trust_anchor anchor = {0};
    ratls_trust *trust = NULL;

    assert_int_equal(ratls_trust_anchor_parse(&anchor, buffer_bytes(&service.world.anchor_der), NULL), RATLS_OK);
    assert_int_equal(ratls_trust_new(&trust, &anchor, NULL), RATLS_OK);
    ratls_trust_anchor_clear(&anchor);
    return trust;
}

ratls_collateral_time service_time(void)
{
    return (ratls_collateral_time){.now = service_now(), .timeout_ms = 30000, .deadline_ms = clock_ms + 30000};
}
