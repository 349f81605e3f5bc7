#include "leader/leader_record.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"

enum {
    CLUSTER_TEXT_SIZE = 2 + 2 * RATLS_ADDRESS_LEN + 1,
    NUMBER_SIZE = 24
};

/* 9999-12-31T23:59:59Z, the last that RFC 3339 can say. */
static const int64_t latest = INT64_C(253402300799);

struct ratls_leader_record {
    atomic_size_t holds;
    ratls_manifest manifest;
    char cluster[CLUSTER_TEXT_SIZE];
    char *json;
    size_t text_len;
    char text[]; /* as it was read */
};

static void add_member(ratls_text *json, const char *name, const char *value)
{
    ratls_text_add(json, ",");
    ratls_text_add_json_string(json, name);
    ratls_text_add(json, ":");
    ratls_text_add_json_string(json, value);
}

static ratls_status write_json(ratls_leader_record *record, const uint8_t signer[RATLS_ADDRESS_LEN], ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_manifest *manifest = &record->manifest;
    char epoch[NUMBER_SIZE], until[RATLS_TIME_TEXT_LEN + 1], address[CLUSTER_TEXT_SIZE] = "0x";
    ratls_text json = {0};

    (void)snprintf(epoch, sizeof epoch, "%" PRIu64, manifest->epoch);
    ratls_time_write(until, manifest->valid_until > (uint64_t)latest ? latest : (int64_t)manifest->valid_until);
    ratls_hex_write(address + 2, signer, RATLS_ADDRESS_LEN);
    ratls_text_add(&json, "{\"cluster\":");
    ratls_text_add_json_string(&json, record->cluster);
    ratls_text_add(&json, ",\"epoch\":");
    ratls_text_add(&json, epoch);
    add_member(&json, "host", manifest->host);
    add_member(&json, "leader_instance", manifest->instance);
    add_member(&json, "leader_url", manifest->url);
    ratls_text_add(&json, ",\"port\":");
    ratls_text_add_number(&json, manifest->port);
    add_member(&json, "signer", address);
    add_member(&json, "valid_until", until);
    ratls_text_add(&json, "}");
    record->json = ratls_text_take(&json);
    CHECK(record->json != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_leader_record_read(
    ratls_leader_record **out, ratls_bytes text, const ratls_leader_expected *expected, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_leader_record *record = NULL;
    ratls_manifest manifest = {0};

    *out = NULL;
    TRY(ratls_manifest_read(&manifest, text, err));
    TRY(ratls_manifest_check_signer(&manifest, expected->signer, err));
    CHECK(expected->any_cluster || CRYPTO_memcmp(manifest.cluster, expected->cluster, sizeof manifest.cluster) == 0, RATLS_ERR_LEADER_CLUSTER,
          FOUND_HEX(manifest.cluster, sizeof manifest.cluster), EXPECTED_HEX(expected->cluster, sizeof expected->cluster));
    record = calloc(1, sizeof *record + text.len);
    CHECK(record != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&record->holds, 1);
    record->manifest = manifest;
    manifest = (ratls_manifest){0};
    record->text_len = text.len;
    memcpy(record->text, text.data, text.len);
    memcpy(record->cluster, "0x", 2);
    ratls_hex_write(record->cluster + 2, record->manifest.cluster, RATLS_ADDRESS_LEN);
    TRY(write_json(record, expected->signer, err));
    *out = record;
    record = NULL;
    status = RATLS_OK;
out:
    ratls_leader_record_free(record);
    ratls_manifest_clear(&manifest);
    return status;
}

/* How far a record came that failed so: the one nearest to being right tells most. */
static int distance_of(ratls_status status)
{
    static const ratls_status steps[] = {
        RATLS_ERR_LEADER_FORMAT, RATLS_ERR_LEADER_URL, RATLS_ERR_LEADER_SIGNATURE_FORMAT, RATLS_ERR_LEADER_SIGNATURE, RATLS_ERR_LEADER_CLUSTER,
        RATLS_ERR_LEADER_EXPIRED, RATLS_ERR_LEADER_CONFLICT};
    int count = (int)(sizeof steps / sizeof steps[0]);

    for (int i = 0; i < count; i++) {
        if (steps[i] == status) {
            return i;
        }
    }
    return count; /* not the record's fault: told before all */
}

ratls_status ratls_leader_record_agree(const ratls_leader_record *record, const ratls_leader_record *other, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char epoch[NUMBER_SIZE];

    (void)snprintf(epoch, sizeof epoch, "%" PRIu64, record->manifest.epoch);
    CHECK(strcmp(record->manifest.instance, other->manifest.instance) == 0, RATLS_ERR_LEADER_CONFLICT, ratls_detail_text("epoch", epoch),
          FOUND(record->manifest.instance), EXPECTED(other->manifest.instance));
    status = RATLS_OK;
out:
    return status;
}

/* A record that holds, or why not. */
static ratls_status take_record(
    ratls_leader_record **out, ratls_bytes text, const ratls_leader_expected *expected, int64_t now, ratls_error **err)
{
    ratls_status status = ratls_leader_record_read(out, text, expected, err);

    if (status == RATLS_OK) {
        status = ratls_manifest_check_time(&(*out)->manifest, now, err);
    }
    if (status != RATLS_OK) {
        ratls_leader_record_free(*out);
        *out = NULL;
    }
    return status;
}

/* The later of two: by epoch, and of one epoch the one that is valid for longer. */
static bool is_later(const ratls_leader_record *record, const ratls_leader_record *than)
{
    const ratls_manifest *a = &record->manifest, *b = than == NULL ? NULL : &than->manifest;

    return b == NULL || a->epoch > b->epoch || (a->epoch == b->epoch && a->valid_until > b->valid_until);
}

/* All that hold, the latest first in *best. The worst that others failed with is in *failed and *failure. */
static ratls_status sift(
    ratls_leader_record **held, size_t *held_len, const ratls_bytes *texts, size_t texts_len, const ratls_leader_expected *expected,
    int64_t now, ratls_error **failure)
{
    ratls_status failed = RATLS_OK;

    for (size_t i = 0; i < texts_len; i++) {
        ratls_error *error = NULL;
        ratls_status status = take_record(&held[*held_len], texts[i], expected, now, &error);

        if (status == RATLS_OK) {
            (*held_len)++;
        } else if (failed == RATLS_OK || distance_of(status) > distance_of(failed)) {
            ratls_error_free(*failure);
            *failure = error;
            failed = status;
            error = NULL;
        }
        ratls_error_free(error);
    }
    return failed;
}

static size_t find_latest(ratls_leader_record *const *held, size_t held_len)
{
    size_t latest_one = 0;

    for (size_t i = 1; i < held_len; i++) {
        latest_one = is_later(held[i], held[latest_one]) ? i : latest_one;
    }
    return latest_one;
}

ratls_status ratls_leader_record_choose(
    ratls_leader_record **out, const ratls_bytes *texts, size_t texts_len, const ratls_leader_expected *expected, int64_t now,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL, failed;
    ratls_leader_record **held = NULL;
    ratls_error *failure = NULL;
    size_t held_len = 0, chosen;

    *out = NULL;
    CHECK(texts_len > 0, RATLS_ERR_LEADER_LOOKUP, WHAT("the name has no TXT record"));
    held = calloc(texts_len, sizeof *held);
    CHECK(held != NULL, RATLS_ERR_OUT_OF_MEMORY);
    failed = sift(held, &held_len, texts, texts_len, expected, now, &failure);
    if (held_len == 0) {
        status = failed;
        if (err != NULL && *err == NULL) {
            *err = failure;
            failure = NULL;
        }
        goto out;
    }
    chosen = find_latest(held, held_len);
    for (size_t i = 0; i < held_len; i++) {
        if (held[i]->manifest.epoch == held[chosen]->manifest.epoch) {
            TRY(ratls_leader_record_agree(held[i], held[chosen], err));
        }
    }
    *out = ratls_leader_record_hold(held[chosen]);
    status = RATLS_OK;
out:
    for (size_t i = 0; i < held_len; i++) {
        ratls_leader_record_free(held[i]);
    }
    free(held);
    ratls_error_free(failure);
    return status;
}

const ratls_manifest *ratls_leader_record_manifest(const ratls_leader_record *record)
{
    return &record->manifest;
}

ratls_bytes ratls_leader_record_text(const ratls_leader_record *record)
{
    return (ratls_bytes){(const uint8_t *)record->text, record->text_len};
}

ratls_leader_record *ratls_leader_record_hold(ratls_leader_record *record)
{
    (void)atomic_fetch_add(&record->holds, 1);
    return record;
}

void ratls_leader_record_free(ratls_leader_record *record)
{
    if (record == NULL || atomic_fetch_sub(&record->holds, 1) != 1) {
        return;
    }
    ratls_manifest_clear(&record->manifest);
    free(record->json);
    free(record);
}

const char *ratls_leader_record_host(const ratls_leader_record *record)
{
    return record == NULL ? NULL : record->manifest.host;
}

int32_t ratls_leader_record_port(const ratls_leader_record *record)
{
    return record == NULL ? 0 : record->manifest.port;
}

const char *ratls_leader_record_url(const ratls_leader_record *record)
{
    return record == NULL ? NULL : record->manifest.url;
}

const char *ratls_leader_record_instance(const ratls_leader_record *record)
{
    return record == NULL ? NULL : record->manifest.instance;
}

const char *ratls_leader_record_cluster(const ratls_leader_record *record)
{
    return record == NULL ? NULL : record->cluster;
}

uint64_t ratls_leader_record_epoch(const ratls_leader_record *record)
{
    return record == NULL ? 0 : record->manifest.epoch;
}

uint64_t ratls_leader_record_valid_until(const ratls_leader_record *record)
{
    return record == NULL ? 0 : record->manifest.valid_until;
}

const char *ratls_leader_record_json(const ratls_leader_record *record)
{
    return record == NULL ? NULL : record->json;
}
