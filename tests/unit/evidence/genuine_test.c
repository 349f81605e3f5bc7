/* Genuine evidence, where RATLS_VECTORS points: an index says what every file holds. */
#include "support/unit.h"

#include <cjson/cJSON.h>
#include <unistd.h>

#include "base/digest.h"
#include "evidence/ratls_certificate.h"

enum { FILE_MAX = 8 << 20 };

typedef struct {
    const char *folder; /* NULL: there is none, and every case is skipped */
    cJSON *index;
} genuine_evidence;

static uint8_t *read_file(const char *folder, const char *name, size_t *len)
{
    char path[1024];
    uint8_t *content = malloc(FILE_MAX);
    FILE *file;

    assert_true(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_non_null(content);
    *len = fread(content, 1, FILE_MAX, file);
    assert_in_range(*len, 1, FILE_MAX - 1);
    fclose(file);
    return content;
}

static int open_index(void **state)
{
    static genuine_evidence genuine;

    genuine.folder = getenv("RATLS_VECTORS");
    if (genuine.folder != NULL) {
        size_t len;
        uint8_t *text = read_file(genuine.folder, "index.json", &len);

        genuine.index = cJSON_ParseWithLength((const char *)text, len);
        assert_non_null(genuine.index);
        free(text);
    }
    *state = &genuine;
    return 0;
}

static int close_index(void **state)
{
    cJSON_Delete(((genuine_evidence *)*state)->index);
    return 0;
}

static const genuine_evidence *evidence_or_skip(void **state)
{
    const genuine_evidence *genuine = *state;

    if (genuine->folder == NULL) {
        print_message("skipped: all genuine files of this case, since RATLS_VECTORS is not set\n");
        skip();
    }
    return genuine;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return text == NULL ? "" : text;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void assert_quote_digest(const char *file, const uint8_t *quote, size_t len, const char *expected)
{
    uint8_t digest[RATLS_SHA256_LEN];
    char hex[2 * sizeof digest + 1];

    assert_int_equal(ratls_sha256(digest, (ratls_bytes){quote, len}, (ratls_bytes){0}, NULL), RATLS_OK);
    ratls_hex_write(hex, digest, sizeof digest);
    if (strcmp(hex, expected) != 0) {
        fail_msg("%s: another quote than the index says", file);
    }
}

/* dstack's certificates give exactly their quote, and their key is bound where the index says so. Other schemes
 * are no quote. */
static void check_certificate(const genuine_evidence *genuine, const cJSON *entry)
{
    const char *file = text_of(entry, "file");
    size_t der_len;
    uint8_t *der = read_file(genuine->folder, file, &der_len);
    ratls_evidence evidence;
    uint8_t bound[64];

    assert_int_equal(ratls_evidence_from_certificate(&evidence, (ratls_bytes){der, der_len}, NULL), RATLS_OK);
    if (!starts_with(text_of(entry, "scheme"), "dstack")) {
        assert_false(evidence.present);
        assert_null(evidence.quote);
    } else {
        const cJSON *body = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(entry, "quote"), "body");
        uint8_t report_data[64];

        assert_quote_digest(file, evidence.quote, evidence.quote_len, text_of(entry, "quote_sha256"));
        assert_true(ratls_hex_read(report_data, sizeof report_data, text_of(body, "report_data"), 128));
        assert_int_equal(ratls_evidence_report_data(bound, evidence.spki, NULL), RATLS_OK);
        assert_int_equal(memcmp(bound, report_data, sizeof bound) == 0, starts_with(text_of(entry, "report_data_binding"), "sha512"));
    }
    ratls_evidence_clear(&evidence);
    free(der);
}

/* Every log that is one explains its quote's RTMR3. Three genuine certificates have other things in their place. */
static void check_log(ratls_evidence *evidence, const char *file, size_t *replayed)
{
    ratls_identity_sources sources;
    ratls_parsed_quote quote;
    ratls_identity identity;

    assert_int_equal(ratls_quote_parse(&quote, (ratls_bytes){evidence->quote, evidence->quote_len}, NULL), RATLS_OK);
    assert_int_equal(ratls_evidence_read_log(evidence, NULL), RATLS_OK);
    sources = ratls_evidence_sources(evidence);
    if (ratls_identity_establish(&identity, &quote, &sources, NULL) != RATLS_OK || identity.replayed != (sources.events != NULL) ||
        (identity.replayed && (!identity.has_app_id || identity.compose_hash_source != RATLS_COMPOSE_HASH_EVENT_LOG))) {
        fail_msg("%s: its log does not explain RTMR3", file);
    }
    *replayed += identity.replayed;
}

static void every_log_of_a_certificate_replays(void **state)
{
    const genuine_evidence *genuine = evidence_or_skip(state);
    size_t count = 0, replayed = 0;
    const cJSON *entry;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(genuine->index, "entries")) {
        const char *file = text_of(entry, "file");
        size_t der_len;
        uint8_t *der;
        ratls_evidence evidence;

        if (strcmp(text_of(entry, "kind"), "ra-tls-cert") != 0) {
            continue;
        }
        der = read_file(genuine->folder, file, &der_len);
        assert_int_equal(ratls_evidence_from_certificate(&evidence, (ratls_bytes){der, der_len}, NULL), RATLS_OK);
        if (evidence.quote != NULL) {
            check_log(&evidence, file, &replayed);
            count++;
        }
        ratls_evidence_clear(&evidence);
        free(der);
    }
    print_message("%zu certificates, %zu with a log that replays\n", count, replayed);
    assert_true(replayed > 0 && replayed + 3 >= count);
}

static void assert_identity(const char *file, const ratls_identity *identity, ratls_field field, const char *expected)
{
    ratls_bytes value = ratls_identity_field(identity, field);
    char hex[2 * RATLS_COMPOSE_HASH_LEN + 1] = "";

    ratls_hex_write(hex, value.data, value.len);
    if (expected[0] != '\0' && strcmp(hex, expected) != 0) {
        fail_msg("%s: found %s, expected %s", file, hex, expected);
    }
}

/* Files of a folder's own index, which says what their logs tell; some of them lie elsewhere. */
static void check_attestation(const genuine_evidence *genuine, const cJSON *entry, size_t *replayed)
{
    char path[1024];
    size_t len;
    uint8_t *bytes;
    ratls_evidence evidence;
    ratls_identity_sources sources;
    ratls_parsed_quote quote;
    ratls_identity identity;

    assert_true(snprintf(path, sizeof path, "%s/dstack/%s", genuine->folder, entry->string) < (int)sizeof path);
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "rtmr3_replay_ok")) || access(path, R_OK) != 0) {
        return;
    }
    bytes = read_file(genuine->folder, path + strlen(genuine->folder) + 1, &len);
    assert_int_equal(ratls_evidence_from_bytes(&evidence, (ratls_bytes){bytes, len}, NULL), RATLS_OK);
    assert_int_equal(ratls_quote_parse(&quote, (ratls_bytes){evidence.quote, evidence.quote_len}, NULL), RATLS_OK);
    sources = ratls_evidence_sources(&evidence);
    assert_int_equal(ratls_identity_establish(&identity, &quote, &sources, NULL), RATLS_OK);
    assert_identity(entry->string, &identity, RATLS_FIELD_APP_ID, text_of(entry, "app_id"));
    assert_identity(entry->string, &identity, RATLS_FIELD_COMPOSE_HASH, text_of(entry, "compose_hash"));
    assert_identity(entry->string, &identity, RATLS_FIELD_INSTANCE_ID, text_of(entry, "instance_id"));
    if (strstr(entry->string, "attestation_v0_tdx") != NULL) { /* evidence format 4.6 */
        assert_identity(entry->string, &identity, RATLS_FIELD_MR_SYSTEM, "51ea38f8eee6dc72dbae9b74531ae6d6204295d265dabb4e6c34621a2a1a1197");
        assert_identity(entry->string, &identity, RATLS_FIELD_MR_AGGREGATED, "85334a62c97d0f8bf82d0245d31b539d17a2d7c258e2a13efc928aaea0e107cb");
    }
    *replayed += 1;
    ratls_evidence_clear(&evidence);
    free(bytes);
}

static void every_attestation_tells_the_application(void **state)
{
    const genuine_evidence *genuine = evidence_or_skip(state);
    size_t len, replayed = 0;
    uint8_t *text = read_file(genuine->folder, "dstack/expected.json", &len);
    cJSON *expected = cJSON_ParseWithLength((const char *)text, len);
    const cJSON *entry;

    assert_non_null(expected);
    cJSON_ArrayForEach(entry, expected) {
        check_attestation(genuine, entry, &replayed);
    }
    print_message("%zu genuine attestations\n", replayed);
    assert_true(replayed > 0);
    cJSON_Delete(expected);
    free(text);
}

/* Certificates and envelopes that were put together from genuine evidence; the quote's signature is broken on purpose in most. */
static void every_assembled_log_replays(void **state)
{
    static const char *const files[] = {
        "leaf_oid8_v0_bound.der", "leaf_oid8_v0_bound_app_info.der", "leaf_oid8_v1_bound.der", "leaf_oid1_oid2_bound.der",
        "leaf_oid8_v0_bound_other_key.der", "leaf_oid8_v0_unbound_genuine_quote.der", "leaf_oid8_v0_bound_self_signed.der",
        "attestation_v0_stripped_bound.bin", "attestation_v1_stripped_bound.msgpack", "attestation_v1_from_fixture.msgpack"};
    const genuine_evidence *genuine = evidence_or_skip(state);
    size_t replayed = 0;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char name[256];
        ratls_evidence evidence;
        size_t len;
        uint8_t *bytes;
        ratls_status status;

        assert_true(snprintf(name, sizeof name, "dstack/generated/%s", files[i]) < (int)sizeof name);
        bytes = read_file(genuine->folder, name, &len);
        status = strstr(name, ".der") != NULL ? ratls_evidence_from_certificate(&evidence, (ratls_bytes){bytes, len}, NULL)
                                              : ratls_evidence_from_bytes(&evidence, (ratls_bytes){bytes, len}, NULL);
        if (status != RATLS_OK) {
            fail_msg("%s: cannot be read", name);
        }
        check_log(&evidence, name, &replayed);
        ratls_evidence_clear(&evidence);
        free(bytes);
    }
    assert_int_equal(replayed, sizeof files / sizeof files[0]);
}

/* The guest agent's answers and envelopes of the index. */
static void every_answer_of_a_guest_agent_replays(void **state)
{
    const genuine_evidence *genuine = evidence_or_skip(state);
    size_t count = 0, replayed = 0;
    const cJSON *entry;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(genuine->index, "entries")) {
        const char *file = text_of(entry, "file"), *kind = text_of(entry, "kind");
        size_t len;
        uint8_t *bytes;
        ratls_evidence evidence;

        if (strcmp(kind, "dstack-getquote-json") != 0 && strcmp(kind, "dstack-attestation-json") != 0 &&
            strcmp(kind, "dstack-versioned-attestation-v0-tdx") != 0) {
            continue;
        }
        bytes = read_file(genuine->folder, file, &len);
        if (ratls_evidence_from_bytes(&evidence, (ratls_bytes){bytes, len}, NULL) != RATLS_OK) {
            fail_msg("%s: cannot be read", file);
        }
        check_log(&evidence, file, &replayed);
        count++;
        ratls_evidence_clear(&evidence);
        free(bytes);
    }
    print_message("%zu answers, %zu with a log that replays\n", count, replayed);
    assert_true(count > 0);
    assert_int_equal(count, replayed);
}

static void every_certificate_gives_what_the_index_says(void **state)
{
    const genuine_evidence *genuine = evidence_or_skip(state);
    const cJSON *entry;
    size_t count = 0;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(genuine->index, "entries")) {
        if (strcmp(text_of(entry, "kind"), "ra-tls-cert") == 0) {
            check_certificate(genuine, entry);
            count++;
        }
    }
    print_message("%zu genuine certificates\n", count);
    assert_true(count > 0);
}

/* Names of the index's body and header fields, and ours. */
static const struct {
    const char *part;
    const char *name;
    ratls_field field;
} index_fields[] = {
    {"header", "qe_vendor_id", RATLS_FIELD_QE_VENDOR_ID},
    {"header", "user_data", RATLS_FIELD_USER_DATA},
    {"body", "tee_tcb_svn", RATLS_FIELD_TEE_TCB_SVN},
    {"body", "mrseam", RATLS_FIELD_MR_SEAM},
    {"body", "mrsignerseam", RATLS_FIELD_MR_SIGNER_SEAM},
    {"body", "seamattributes", RATLS_FIELD_SEAM_ATTRIBUTES},
    {"body", "td_attributes", RATLS_FIELD_TD_ATTRIBUTES},
    {"body", "xfam", RATLS_FIELD_XFAM},
    {"body", "mrtd", RATLS_FIELD_MR_TD},
    {"body", "mrconfigid", RATLS_FIELD_MR_CONFIG_ID},
    {"body", "mrowner", RATLS_FIELD_MR_OWNER},
    {"body", "mrownerconfig", RATLS_FIELD_MR_OWNER_CONFIG},
    {"body", "rtmr0", RATLS_FIELD_RTMR0},
    {"body", "rtmr1", RATLS_FIELD_RTMR1},
    {"body", "rtmr2", RATLS_FIELD_RTMR2},
    {"body", "rtmr3", RATLS_FIELD_RTMR3},
    {"body", "report_data", RATLS_FIELD_REPORT_DATA},
    {"body", "mrenclave", RATLS_FIELD_MR_ENCLAVE},
    {"body", "mrsigner", RATLS_FIELD_MR_SIGNER},
};

static void check_quote(const genuine_evidence *genuine, const cJSON *entry)
{
    const char *file = text_of(entry, "file");
    size_t len;
    uint8_t *bytes = read_file(genuine->folder, file, &len);
    ratls_quote *quote = NULL;

    assert_int_equal(ratls_quote_inspect(&quote, bytes, len, NULL), RATLS_OK);
    for (size_t i = 0; i < sizeof index_fields / sizeof index_fields[0]; i++) {
        const char *expected = text_of(cJSON_GetObjectItemCaseSensitive(entry, index_fields[i].part), index_fields[i].name);
        const char *found = ratls_quote_text(quote, index_fields[i].field);

        if (*expected != '\0' && (found == NULL || strcmp(found, expected) != 0)) {
            fail_msg("%s: %s is not what the index says", file, index_fields[i].name);
        }
    }
    assert_int_equal(strtol(ratls_quote_text(quote, RATLS_FIELD_TRAILING_BYTES), NULL, 10),
                     (long)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(entry, "trailing_len")));
    assert_true(starts_with(text_of(entry, "kind"), ratls_quote_text(quote, RATLS_FIELD_KIND)));
    ratls_quote_free(quote);
    free(bytes);
}

static void every_quote_shows_what_the_index_says(void **state)
{
    const genuine_evidence *genuine = evidence_or_skip(state);
    const cJSON *entry;
    size_t count = 0;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(genuine->index, "entries")) {
        if (starts_with(text_of(entry, "file"), "quotes/")) {
            check_quote(genuine, entry);
            count++;
        }
    }
    print_message("%zu genuine quotes\n", count);
    assert_true(count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_certificate_gives_what_the_index_says),
        cmocka_unit_test(every_log_of_a_certificate_replays),
        cmocka_unit_test(every_attestation_tells_the_application),
        cmocka_unit_test(every_assembled_log_replays),
        cmocka_unit_test(every_answer_of_a_guest_agent_replays),
        cmocka_unit_test(every_quote_shows_what_the_index_says),
    };

    return cmocka_run_group_tests(tests, open_index, close_index);
}
