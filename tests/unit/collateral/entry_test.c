/* What the disk keeps: read back as it was written, and never believed. */
#include "failure.h"

#include "collateral/entry.h"
#include "collateral/service.h"
#include "support/buffer.h"

static ratls_trust *trust;
static ratls_part *parts[RATLS_PARTS];
static char *texts[RATLS_PARTS];
static ratls_error *err;

static ratls_part_id id_of(ratls_part_kind kind)
{
    ratls_platform_id platform = service_platform();

    return ratls_part_id_of(kind, &platform, false);
}

static ratls_provenance provenance_now(void)
{
    return (ratls_provenance){.url = (char *)(uintptr_t)"https://a/\"b", .etag = (char *)(uintptr_t)"W/\"x\"", .fetched_at = service_now(), .max_age_s = 60};
}

static int write_all(void **state)
{
    ratls_sources_settings settings = {0};
    ratls_sources *sources = NULL;
    ratls_collateral_time when = service_time();

    (void)service_reset(state);
    trust = service_trust();
    assert_int_equal(ratls_sources_new(&sources, &settings, NULL), RATLS_OK);
    for (ratls_part_kind kind = 0; kind < RATLS_PARTS; kind++) {
        ratls_part_id id = id_of(kind);
        ratls_provenance provenance;

        assert_int_equal(ratls_sources_fetch(&parts[kind], &provenance, sources, &id, NULL, NULL, trust, &when, NULL), RATLS_OK);
        ratls_provenance_clear(&provenance);
        provenance = provenance_now();
        texts[kind] = ratls_entry_print(parts[kind], &id, &provenance);
        assert_non_null(texts[kind]);
    }
    ratls_sources_free(sources);
    return 0;
}

static int clear_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < RATLS_PARTS; i++) {
        ratls_part_free(parts[i]);
        free(texts[i]);
    }
    ratls_trust_free(trust);
    ratls_error_free(err);
    err = NULL;
    return 0;
}

static ratls_status read_as(ratls_part_kind kind, const char *text, ratls_part **part, ratls_provenance *provenance)
{
    ratls_part_id id = id_of(kind);

    ratls_error_free(err);
    err = NULL;
    return ratls_entry_read(part, provenance, (ratls_bytes){(const uint8_t *)text, strlen(text)}, &id, trust, &err);
}

static ratls_status refuse(ratls_part_kind kind, const char *text)
{
    ratls_provenance provenance;
    ratls_part *part = NULL;
    ratls_status status = read_as(kind, text, &part, &provenance);

    assert_null(part);
    assert_null(provenance.url);
    return status;
}

static void read_back(void **state)
{
    (void)state;
    for (ratls_part_kind kind = 0; kind < RATLS_PARTS; kind++) {
        ratls_provenance provenance;
        ratls_part *part = NULL;

        assert_int_equal(read_as(kind, texts[kind], &part, &provenance), RATLS_OK);
        assert_true(ratls_part_same(part, parts[kind]));
        assert_int_equal(part->until, parts[kind]->until);
        assert_string_equal(provenance.url, "https://a/\"b");
        assert_string_equal(provenance.etag, "W/\"x\"");
        assert_int_equal(provenance.fetched_at, service_now());
        assert_int_equal(provenance.max_age_s, 60);
        ratls_part_free(part);
        ratls_provenance_clear(&provenance);
    }
}

static void truncated_anywhere(void **state)
{
    (void)state;
    for (ratls_part_kind kind = 0; kind < RATLS_PARTS; kind++) {
        size_t len = strlen(texts[kind]) - 1; /* without its line end */
        char *cut = strdup(texts[kind]);

        for (size_t at = 0; at < len; at += 7) {
            cut[at] = '\0';
            assert_int_not_equal(refuse(kind, cut), RATLS_OK);
            cut[at] = texts[kind][at];
        }
        free(cut);
    }
}

/* In the place of another part: the name of a file proves nothing. */
static void of_another_part(void **state)
{
    (void)state;
    for (ratls_part_kind kind = 0; kind < RATLS_PARTS; kind++) {
        for (ratls_part_kind other = 0; other < RATLS_PARTS; other++) {
            if (kind != other) {
                assert_int_not_equal(refuse(kind, texts[other]), RATLS_OK);
            }
        }
    }
}

static void of_another_platform(void **state)
{
    ratls_platform_id platform = service_platform();
    ratls_bytes text = {(const uint8_t *)texts[RATLS_PART_TCB_INFO], strlen(texts[RATLS_PART_TCB_INFO])};
    ratls_provenance provenance;
    ratls_part *part = NULL;
    ratls_part_id id;

    (void)state;
    platform.fmspc[0] ^= 1;
    id = ratls_part_id_of(RATLS_PART_TCB_INFO, &platform, false);
    ASSERT_FAILS(ratls_entry_read(&part, &provenance, text, &id, trust, &err), COLLATERAL_TCB_INFO_FMSPC);
    assert_null(part);
    platform = service_platform();
    platform.processor = true;
    id = ratls_part_id_of(RATLS_PART_PCK_CRL, &platform, false);
    text = (ratls_bytes){(const uint8_t *)texts[RATLS_PART_PCK_CRL], strlen(texts[RATLS_PART_PCK_CRL])};
    ratls_error_free(err);
    err = NULL;
    ASSERT_FAILS(ratls_entry_read(&part, &provenance, text, &id, trust, &err), COLLATERAL_CRL_ISSUER);
    assert_null(part);
}

/* A place in the text where a change must be seen: after the first `after`. */
static char *changed(ratls_part_kind kind, const char *after, const char *to)
{
    char *copy = strdup(texts[kind]);
    char *at = strstr(copy, after);

    assert_non_null(at);
    memcpy(at + strlen(after), to, strlen(to));
    return copy;
}

static void tampered(void **state)
{
    static const struct {
        ratls_part_kind kind;
        const char *after, *to;
        ratls_status code;
    } changes[] = {
        {RATLS_PART_TCB_INFO, "UpToDat", "x", RATLS_ERR_COLLATERAL_TCB_INFO_SIGNATURE},
        {RATLS_PART_TCB_INFO, "\"signature\":\"", "00", RATLS_ERR_COLLATERAL_TCB_INFO_SIGNATURE},
        {RATLS_PART_QE_IDENTITY, "TD_Q", "x", RATLS_ERR_COLLATERAL_QE_IDENTITY_SIGNATURE},
        {RATLS_PART_TCB_INFO, "MI", "XX", RATLS_ERR_COLLATERAL_CERT_FORMAT},
        {RATLS_PART_TCB_INFO, "ratls collateral ", "2", RATLS_ERR_COLLATERAL_FORMAT},
        {RATLS_PART_ROOT_CRL, "\"content\":\"", "zz", RATLS_ERR_COLLATERAL_FORMAT},
        {RATLS_PART_ROOT_CRL, "\"content\":\"", "31", RATLS_ERR_COLLATERAL_CRL_FORMAT},
        {RATLS_PART_ROOT_CRL, "\"fetched_at\":", "-", RATLS_ERR_COLLATERAL_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *text = changed(changes[i].kind, changes[i].after, changes[i].to);

        assert_string_equal(ratls_status_name(refuse(changes[i].kind, text)), ratls_status_name(changes[i].code));
        free(text);
    }
}

/* The last digit of each list, which is one of its signature. */
static void tampered_list(void **state)
{
    static const ratls_part_kind lists[] = {RATLS_PART_ROOT_CRL, RATLS_PART_PCK_CRL};

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        char *text = strdup(texts[lists[i]]), *last = strrchr(text, '}') - 2;

        *last = *last == '0' ? '1' : '0';
        ASSERT_FAILS(refuse(lists[i], text), COLLATERAL_CRL_SIGNATURE);
        free(text);
    }
}

static void not_ours_at_all(void **state)
{
    static const char *const others[] = {"", "{}", "[]", "null", "not JSON", "{\"format\":\"ratls collateral 1\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ASSERT_FAILS(refuse(RATLS_PART_TCB_INFO, others[i]), COLLATERAL_FORMAT);
    }
}

/* A file must not be able to put off its own replacement. */
static void fetched_in_the_future(void **state)
{
    ratls_part_id id = id_of(RATLS_PART_ROOT_CRL);
    ratls_provenance provenance = provenance_now();
    ratls_part *part = NULL;
    char *text;

    (void)state;
    provenance.fetched_at += 1000;
    provenance.etag = (char *)(uintptr_t)"bad\r\nHeader: x";
    text = ratls_entry_print(parts[RATLS_PART_ROOT_CRL], &id, &provenance);
    assert_int_equal(read_as(RATLS_PART_ROOT_CRL, text, &part, &provenance), RATLS_OK);
    assert_int_equal(provenance.fetched_at, service_now());
    assert_null(provenance.etag);
    ratls_part_free(part);
    ratls_provenance_clear(&provenance);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, write_all, clear_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(read_back), TEST(truncated_anywhere), TEST(of_another_part), TEST(of_another_platform), TEST(tampered), TEST(tampered_list), TEST(not_ours_at_all),
        TEST(fetched_in_the_future),
    };

    return cmocka_run_group_tests(tests, service_set_up, service_tear_down);
}
