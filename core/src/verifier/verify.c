/* From bytes to a result: the one order of steps, the same for every verifier. */
#include <openssl/crypto.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "base/time.h"
#include "evidence/ratls_certificate.h"
#include "policy/policy.h"
#include "verifier/kind.h"
#include "verifier/result.h"

/* One verification under way. Zero, but for what begin_verification() sets; end with end_verification(). */
typedef struct {
    ratls_verifier *verifier; /* held */
    ratls_compiled_policy *policy;
    ratls_judging judging;
    ratls_bytes certificate; /* empty: a quote alone */
    ratls_evidence evidence;
    ratls_parsed_quote quote;
    bool has_quote;
    ratls_verdict_cache *cache; /* NULL: none is used */
    uint8_t cache_key[RATLS_SHA256_LEN];
    ratls_claims claims;
    ratls_advisories waived;
    bool from_cache;
    bool key_bound;
} verification;

static ratls_status begin_verification(
    verification *v, ratls_verifier *verifier, const ratls_verify_options *options, const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(verifier != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "verifier"), WHAT("it is NULL"));
    v->verifier = ratls_verifier_hold(verifier);
    TRY(ratls_policy_compile(&v->policy, options, err));
    v->judging.timeout_ms = ratls_policy_timeout_ms(v->policy);
    v->judging.deadline_ms = ratls_clock_monotonic_ms() + v->judging.timeout_ms;
    v->judging.cancel = cancel;
    v->judging.allow_debug_mode = ratls_policy_allow_debug_mode(v->policy);
    CHECK(!ratls_cancel_triggered(cancel), RATLS_ERR_CANCELLED, WHAT("verifying"));
    status = RATLS_OK;
out:
    return status;
}

static void end_verification(verification *v)
{
    ratls_verifier_free(v->verifier);
    ratls_compiled_policy_free(v->policy);
    ratls_evidence_clear(&v->evidence);
    ratls_claims_clear(&v->claims);
    ratls_advisories_clear(&v->waived);
}

/* A simulator is only for programs that pin nothing: what only evidence can meet is a demand that no flag waives. */
static bool simulator_allowed(const verification *v)
{
    return ratls_policy_allow_simulator(v->policy) && !ratls_policy_demands_anything(v->policy);
}

/* The documented development mode: noop with allow_simulator and no pins (evidence format 11). */
static bool development_mode(const verification *v)
{
    return simulator_allowed(v) && ratls_verifier_kind_of(v->verifier)->waives_evidence;
}

/* Accept without what an option of the caller waives; told every time, and written into the result. */
static ratls_status waive(verification *v, const char *word, const char *message, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_advisories_add(&v->waived, word, err));
    ratls_verifier_warn(v->verifier, message);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status parse_quote(verification *v, ratls_bytes quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_quote_parse(&v->quote, quote, err));
    v->has_quote = true;
    status = RATLS_OK;
out:
    return status;
}

/* The certificate's evidence, which must be a TDX quote when it is there (evidence format 2.7). */
static ratls_status extract_quote(verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_evidence_from_certificate(&v->evidence, v->certificate, err));
    if (!v->evidence.present) {
        return RATLS_OK;
    }
    CHECK(v->evidence.quote != NULL, RATLS_ERR_INTERNAL, WHAT("evidence without a quote"));
    TRY(parse_quote(v, (ratls_bytes){v->evidence.quote, v->evidence.quote_len}, err));
    CHECK(v->quote.tee_type == RATLS_TEE_TDX, RATLS_ERR_EVIDENCE_QUOTE_NOT_TDX, FOUND("SGX"));
    status = RATLS_OK;
out:
    return status;
}

/* Drop `failure` where the development mode waives unusable evidence, else hand it to the caller. */
static ratls_status waive_evidence(verification *v, ratls_status failed, ratls_error *failure, ratls_error **err)
{
    ratls_text line = {0};

    if (!v->evidence.present || !development_mode(v) || ratls_status_class(failed) != RATLS_CLASS_REFUSED) {
        if (err != NULL && *err == NULL) {
            *err = failure;
        } else {
            ratls_error_free(failure);
        }
        return failed;
    }
    ratls_text_add(&line, "accepting unusable evidence (allow_simulator and the noop verifier): ");
    ratls_text_add(&line, ratls_error_message(failure, RATLS_SPELLING_C));
    failed = waive(v, "evidence", line.failed ? "accepting unusable evidence" : line.data, err);
    v->has_quote = false;
    ratls_text_clear(&line);
    ratls_error_free(failure);
    return failed;
}

static ratls_status read_certificate(verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_error *failure = NULL;
    ratls_status extracted = extract_quote(v, &failure);

    if (extracted != RATLS_OK) {
        return waive_evidence(v, extracted, failure, err);
    }
    if (!v->has_quote) {
        CHECK(simulator_allowed(v), RATLS_ERR_QUOTE_MISSING);
        TRY(waive(v, "quote", "accepting a certificate without a TDX quote (allow_simulator): nothing is proved about the other end", err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* An explicit time asks about another moment: no verdict of now answers it, and its verdict answers nothing now. */
static ratls_status look_up(verification *v, bool *hit, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t ttl_s = ratls_policy_cache_ttl_s(v->policy);

    *hit = false;
    if (v->certificate.len > 0 && ttl_s > 0 && ratls_policy_now(v->policy) == 0) {
        v->cache = ratls_verifier_cache(v->verifier);
    }
    if (v->cache == NULL) {
        return RATLS_OK;
    }
    TRY(ratls_sha256(v->cache_key, v->certificate, (ratls_bytes){0}, err));
    TRY(ratls_verdict_cache_find(&v->claims, hit, v->cache, v->cache_key, ttl_s, v->judging.now, err));
    status = RATLS_OK;
out:
    return status;
}

/* A kept verdict must still hold: revocation may have come, or a date have passed. */
static ratls_status recheck(verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_verifier_kind *kind = ratls_verifier_kind_of(v->verifier);

    if (kind->recheck != NULL) {
        TRY(kind->recheck(ratls_verifier_state(v->verifier), &v->quote, v->judging.now, err));
    }
    v->from_cache = true;
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_verdict_cache_forget(v->cache, v->cache_key);
    }
    return status;
}

static ratls_status check_dates(const verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char found[RATLS_TIME_TEXT_LEN + 1], expected[RATLS_TIME_TEXT_LEN + 1];

    ratls_time_write(found, v->claims.expires_at);
    ratls_time_write(expected, v->judging.now);
    /* DCAP rules 3.11: expired collateral is a hard failure, whoever judged. */
    CHECK(!v->claims.has_collateral_dates || v->judging.now <= v->claims.expires_at, RATLS_ERR_COLLATERAL_STALE, FOUND(found),
          EXPECTED(expected));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status establish_claims(verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_verifier_kind *kind = ratls_verifier_kind_of(v->verifier);
    bool hit = false;

    TRY(look_up(v, &hit, err));
    if (hit) {
        TRY(recheck(v, err));
    } else {
        TRY(kind->judge(&v->claims, ratls_verifier_state(v->verifier), &v->quote, &v->judging, err));
    }
    TRY(check_dates(v, err));
    if (v->claims.signer_revocation_unchecked) {
        TRY(ratls_advisories_add(&v->waived, "intel_crl", err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* Evidence format 3.3: all 64 bytes of REPORTDATA commit to the key as it stands in the certificate. */
static ratls_status bind_key(verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes found = ratls_quote_body_field(&v->quote, RATLS_FIELD_REPORT_DATA);
    uint8_t expected[RATLS_REPORT_DATA_LEN];

    if (v->certificate.len == 0) {
        return RATLS_OK;
    }
    TRY(ratls_evidence_report_data(expected, v->evidence.spki, err));
    v->key_bound = found.len == sizeof expected && CRYPTO_memcmp(found.data, expected, sizeof expected) == 0;
    if (!v->key_bound) {
        CHECK(development_mode(v), RATLS_ERR_KEY_BINDING, FOUND_HEX(found.data, found.len), EXPECTED_HEX(expected, sizeof expected));
        TRY(waive(v, "key_binding", "accepting a quote that does not bind the certificate's key (allow_simulator and the noop verifier)", err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* Everything that needs a quote; a verdict that was reached is told with a later refusal. */
static ratls_status judge_quote(verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    /* 4. Claims, from the cache or from the verifier. */
    TRY(establish_claims(v, err));
    /* 5. The quote belongs to the certificate's key. */
    TRY(bind_key(v, err));
    /* 6. The caller's policy, also on what came from the cache. */
    TRY(ratls_policy_apply(v->policy, &v->quote, &v->claims, &v->waived, err));
    /* 7. Only what was accepted, with nothing but its attributes waived, is kept. */
    if (v->cache != NULL && !v->from_cache && v->key_bound) {
        TRY(ratls_verdict_cache_store(v->cache, v->cache_key, &v->claims, err));
    }
    if (v->quote.tee_type == RATLS_TEE_TDX && !ratls_policy_pins_mr_td(v->policy)) {
        ratls_verifier_warn_mr_td(v->verifier);
    }
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_claims_tell(&v->claims, err);
    }
    return status;
}

static ratls_status make_result(ratls_result **out, const verification *v, ratls_error **err)
{
    ratls_result_parts parts = {
        .verifier = ratls_verifier_kind_of(v->verifier)->name,
        .quote = v->has_quote ? &v->quote : NULL,
        .claims = &v->claims,
        .waived = &v->waived,
        .verified_at = v->judging.now,
        .identity_pinned = ratls_policy_pins_identity(v->policy),
        .from_cache = v->from_cache,
        .has_certificate = v->certificate.len > 0,
        .key_bound = v->key_bound,
    };

    return ratls_result_make(out, &parts, err);
}

static ratls_status verify_certificate(
    ratls_result **out, ratls_bytes *spki, verification *v, ratls_verifier *verifier, const ratls_verify_options *options,
    const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    /* 1. What the caller accepts. */
    TRY(begin_verification(v, verifier, options, cancel, err));
    /* 2. The evidence in the certificate, or what waives it. */
    TRY(read_certificate(v, err));
    /* 3. The time to verify for. */
    TRY(ratls_clock_now(&v->judging.now, ratls_policy_now(v->policy), err));
    /* 4. to 7. */
    if (v->has_quote) {
        TRY(judge_quote(v, err));
    }
    /* 8. The result. */
    TRY(make_result(out, v, err));
    *spki = v->evidence.spki;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verify_certificate_key(
    ratls_result **out, ratls_bytes *spki, ratls_verifier *verifier, ratls_bytes der, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    verification v = {.certificate = der};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    *spki = (ratls_bytes){0};
    CHECK(der.data != NULL && der.len > 0, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "der"), WHAT("it is empty"));
    TRY(verify_certificate(out, spki, &v, verifier, options, cancel, err));
    status = RATLS_OK;
out:
    end_verification(&v);
    return status;
}

ratls_status ratls_verify_certificate(
    ratls_result **out, ratls_verifier *verifier, const uint8_t *der, size_t der_len, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_bytes spki = {0};

    return ratls_verify_certificate_key(out, &spki, verifier, (ratls_bytes){der, der_len}, options, cancel, err);
}

static ratls_status verify_quote(
    ratls_result **out, verification *v, ratls_verifier *verifier, ratls_bytes quote, const ratls_verify_options *options,
    const ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(begin_verification(v, verifier, options, cancel, err));
    TRY(parse_quote(v, quote, err));
    TRY(ratls_clock_now(&v->judging.now, ratls_policy_now(v->policy), err));
    TRY(judge_quote(v, err));
    TRY(make_result(out, v, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verify(
    ratls_result **out, ratls_verifier *verifier, const uint8_t *quote, size_t quote_len, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    verification v = {0};

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(quote != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "quote"), WHAT("it is NULL"));
    TRY(verify_quote(out, &v, verifier, (ratls_bytes){quote, quote_len}, options, cancel, err));
    status = RATLS_OK;
out:
    end_verification(&v);
    return status;
}
