#include "verifier/verification.h"

#include <openssl/crypto.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "base/time.h"
#include "verifier/result.h"

ratls_status ratls_verification_begin(
    ratls_verification *v, ratls_verifier *verifier, const ratls_verify_options *options, const ratls_cancel *cancel, ratls_error **err)
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

void ratls_verification_end(ratls_verification *v)
{
    ratls_verifier_free(v->verifier);
    ratls_compiled_policy_free(v->policy);
    ratls_evidence_clear(&v->evidence);
    ratls_report_clear(&v->report);
    ratls_claims_clear(&v->claims);
    ratls_kept_evidence_free(v->kept);
    ratls_advisories_clear(&v->waived);
}

/* A simulator is only for programs that pin nothing: what only evidence can meet is a demand that no flag waives. */
static bool simulator_allowed(const ratls_verification *v)
{
    return ratls_policy_allow_simulator(v->policy) && !ratls_policy_demands_anything(v->policy);
}

/* The documented development mode: noop with allow_simulator and no pins (evidence format 11). */
static bool development_mode(const ratls_verification *v)
{
    return simulator_allowed(v) && ratls_verifier_kind_of(v->verifier)->waives_evidence;
}

/* Accept without what an option of the caller waives; told every time, and written into the result. */
static ratls_status waive(ratls_verification *v, const char *word, const char *message, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_advisories_add(&v->waived, word, err));
    ratls_verifier_warn(v->verifier, message);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verification_parse_quote(ratls_verification *v, ratls_bytes quote, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_quote_parse(&v->quote, quote, err));
    v->has_quote = true;
    status = RATLS_OK;
out:
    return status;
}

/* The certificate's evidence, which must be a TDX quote when it is there (evidence format 2.7). */
static ratls_status extract_quote(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_evidence_from_certificate(&v->evidence, v->certificate, err));
    if (!v->evidence.present) {
        return RATLS_OK;
    }
    CHECK(v->evidence.quote != NULL, RATLS_ERR_INTERNAL, WHAT("evidence without a quote"));
    TRY(ratls_verification_parse_quote(v, (ratls_bytes){v->evidence.quote, v->evidence.quote_len}, err));
    CHECK(v->quote.tee_type == RATLS_TEE_TDX, RATLS_ERR_EVIDENCE_QUOTE_NOT_TDX, FOUND("SGX"));
    status = RATLS_OK;
out:
    return status;
}

/* Drop `failure` where the development mode waives unusable evidence, else hand it to the caller. */
static ratls_status waive_evidence(ratls_verification *v, ratls_status failed, ratls_error *failure, ratls_error **err)
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

ratls_status ratls_verification_read_certificate(ratls_verification *v, ratls_error **err)
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
static ratls_status look_up(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int64_t ttl_s = ratls_policy_cache_ttl_s(v->policy);
    int64_t now;

    if (v->certificate.len == 0 || ttl_s <= 0 || ratls_policy_now(v->policy) != 0 || ratls_clock_now(&now, 0, NULL) != RATLS_OK) {
        return RATLS_OK;
    }
    v->cache = ratls_verifier_cache(v->verifier);
    if (v->cache == NULL) {
        return RATLS_OK;
    }
    TRY(ratls_sha256(v->cache_key, v->certificate, (ratls_bytes){0}, err));
    TRY(ratls_verdict_cache_find(&v->claims, &v->kept, &v->recalled, v->cache, v->cache_key, ttl_s, now, err));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_verification_recall(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(look_up(v, err));
    if (!v->recalled) {
        return RATLS_OK;
    }
    CHECK(v->kept != NULL, RATLS_ERR_INTERNAL, WHAT("a verdict on a certificate that was kept without its evidence"));
    TRY(ratls_verification_parse_quote(v, ratls_kept_evidence_quote(v->kept), err));
    v->evidence.present = true;
    v->evidence.spki = ratls_kept_evidence_spki(v->kept, v->certificate);
    v->key_bound = true; /* nothing else is kept */
    v->proved = *ratls_kept_evidence_identity(v->kept);
    status = RATLS_OK;
out:
    return status;
}

/* Collateral that has changed may say something else by now. */
static bool rests_on_the_same(const ratls_verification *v)
{
    const ratls_verifier_kind *kind = ratls_verifier_kind_of(v->verifier);

    return kind->generation == NULL ||
           kind->generation(ratls_verifier_state(v->verifier), &v->quote, v->judging.now) == v->claims.collateral_generation;
}

/* A kept verdict must still hold: revocation may have come, or a date have passed. */
static ratls_status recheck(ratls_verification *v, bool *stale, ratls_error **err)
{
    const ratls_verifier_kind *kind = ratls_verifier_kind_of(v->verifier);

    *stale = !rests_on_the_same(v);
    if (*stale || kind->recheck == NULL) {
        return RATLS_OK;
    }
    return kind->recheck(stale, ratls_verifier_state(v->verifier), &v->quote, v->judging.now, err);
}

/* Claims from the cache, where they can be used again; they are forgotten where not. */
static ratls_status reuse(ratls_verification *v, ratls_error **err)
{
    ratls_status status;
    bool stale = false;

    if (!v->recalled) {
        return RATLS_OK;
    }
    status = recheck(v, &stale, err);
    v->from_cache = status == RATLS_OK && !stale;
    if (!v->from_cache) {
        ratls_verdict_cache_forget(v->cache, v->cache_key);
    }
    if (stale) {
        ratls_claims_clear(&v->claims);
    }
    return status;
}

static ratls_status check_dates(const ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    char found[RATLS_TIME_TEXT_LEN + 1], expected[RATLS_TIME_TEXT_LEN + 1];
    /* Intel's QvE no longer takes the last second, as its library and we do (DCAP rules 4). */
    int64_t end = v->claims.expires_at - (ratls_policy_strict_intersection(v->policy) ? 1 : 0);

    /* DCAP rules 3.11: expired collateral is a hard failure, whoever judged. */
    if (!v->claims.has_collateral_dates || v->judging.now <= end) {
        return RATLS_OK;
    }
    ratls_time_write(found, v->claims.expires_at);
    ratls_time_write(expected, v->judging.now);
    status = RAISE(err, RATLS_ERR_COLLATERAL_STALE, FOUND(found), EXPECTED(expected));
    return status;
}

static ratls_status establish_claims(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_verifier_kind *kind = ratls_verifier_kind_of(v->verifier);

    TRY(reuse(v, err));
    if (!v->from_cache) {
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
static ratls_status bind_key(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes found = ratls_quote_body_field(&v->quote, RATLS_FIELD_REPORT_DATA);
    uint8_t expected[RATLS_REPORT_DATA_LEN];

    if (v->certificate.len == 0 || v->recalled) {
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

/* A report is from the sidecar: its REPORTDATA commits to what the report says, and to no key (evidence format 3.5, 7). */
static ratls_status bind_report(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(ratls_report_check_measurements(&v->report, &v->quote, err));
    TRY(ratls_report_bind(&v->report_encoding, &v->report, &v->quote, err));
    TRY(ratls_report_check_age(&v->report, v->judging.now, ratls_policy_max_age_s(v->policy), err));
    status = RATLS_OK;
out:
    return status;
}

/* Which application it is: by the log that came with the quote, and by MRCONFIGID. */
static ratls_status prove_identity(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_identity_sources sources;

    if (v->recalled) {
        return RATLS_OK;
    }
    TRY(ratls_evidence_read_log(&v->evidence, err));
    sources = ratls_evidence_sources(&v->evidence);
    TRY(ratls_identity_establish(&v->proved, &v->quote, &sources, err));
    status = RATLS_OK;
out:
    return status;
}

/* And by what is pinned. */
static ratls_status establish_identity(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    TRY(prove_identity(v, err));
    v->identity = v->proved;
    TRY(ratls_policy_confirm_application(v->policy, &v->quote, &v->identity, err));
    if (v->has_report) {
        TRY(ratls_report_check_identity(&v->report, &v->identity, err));
    }
    status = RATLS_OK;
out:
    return status;
}

/* Only what was accepted, with nothing but its attributes waived, is kept. */
static ratls_status keep(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (v->cache == NULL || v->from_cache || !v->key_bound) {
        return RATLS_OK;
    }
    if (v->kept == NULL) {
        TRY(ratls_kept_evidence_new(&v->kept, v->certificate, v->evidence.spki, v->quote.whole, &v->proved, err));
    }
    TRY(ratls_verdict_cache_store(v->cache, v->cache_key, &v->claims, v->kept, err));
    status = RATLS_OK;
out:
    return status;
}

static void warn_of_missing_pins(ratls_verification *v)
{
    if (v->quote.tee_type != RATLS_TEE_TDX) {
        return;
    }
    if (!ratls_policy_pins_mr_td(v->policy)) {
        ratls_verifier_warn_mr_td(v->verifier);
    } else if (!ratls_policy_pins_application(v->policy)) {
        ratls_verifier_warn_application(v->verifier);
    }
}

ratls_status ratls_verification_set_time(ratls_verification *v, ratls_error **err)
{
    return ratls_clock_now(&v->judging.now, ratls_policy_now(v->policy), err);
}

ratls_status ratls_verification_judge(ratls_verification *v, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    /* 4. Claims, from the cache or from the verifier. */
    TRY(establish_claims(v, err));
    /* 5. The quote belongs to the certificate's key, or to the report. */
    if (v->has_report) {
        TRY(bind_report(v, err));
    } else {
        TRY(bind_key(v, err));
    }
    /* 6. The application. */
    TRY(establish_identity(v, err));
    /* 7. The caller's policy, also on what came from the cache. */
    TRY(ratls_policy_apply(v->policy, &v->quote, &v->claims, &v->identity, &v->waived, err));
    /* 8. For the next time. */
    TRY(keep(v, err));
    warn_of_missing_pins(v);
    status = RATLS_OK;
out:
    if (status != RATLS_OK) {
        ratls_claims_tell(&v->claims, err);
    }
    return status;
}

ratls_status ratls_verification_result(ratls_result **out, const ratls_verification *v, ratls_error **err)
{
    ratls_result_parts parts = {
        .verifier = ratls_verifier_kind_of(v->verifier)->name,
        .quote = v->has_quote ? &v->quote : NULL,
        .claims = &v->claims,
        .identity = &v->identity,
        .waived = &v->waived,
        .verified_at = v->judging.now,
        .identity_pinned = ratls_policy_pins_identity(v->policy),
        .from_cache = v->from_cache,
        .tells_key_bound = v->certificate.len > 0 || v->has_report, /* no report is bound to a key */
        .key_bound = v->key_bound,
        .report_encoding = v->report_encoding,
    };

    return ratls_result_make(out, &parts, err);
}
