/** libratls: is the database at the other end of this TLS connection inside a genuine TEE?
 *
 *  One C ABI for every language. Rules that hold for every declaration here:
 *
 *  - A function that can fail returns a ratls_status: RATLS_OK only when everything asked for holds.
 *    Its last argument, `ratls_error **err`, may be NULL; otherwise it is set to NULL on success and
 *    to an error of the caller's (free with ratls_error_free()) on failure.
 *  - Output pointers are cleared first and set last: they are NULL (or 0) unless RATLS_OK.
 *  - `T **out` is the caller's, freed by ratls_T_free(), which accepts NULL. A pointer that a getter
 *    returns belongs to its object and lives as long as it does.
 *  - Inputs are borrowed for the call, never kept, freed or changed, unless the function says otherwise.
 *  - Every handle may be used by several threads at once; only freeing it must come last.
 *  - The library reads no environment variable and prints nothing.
 *  - Text is UTF-8 and ends with NUL. Times are seconds since 1970-01-01T00:00:00Z.
 *
 *  Marks at the end of a comment, for the generators of bindings:
 *    @waits          the call may wait for the network, a disk or another thread
 *    @nullable a b   these arguments may be NULL (a cancel, options)
 *    @keeps a        what is made uses this argument for as long as it lives
 *    @consumes a     this handle is gone afterwards
 */
#ifndef RATLS_RATLS_H
#define RATLS_RATLS_H

#include <stddef.h>
#include <stdint.h>

#include "ratls/codes.h"
#include "ratls/fields.h"

#if defined(__GNUC__)
#define RATLS_API __attribute__((visibility("default")))
#define RATLS_MUST_USE __attribute__((warn_unused_result))
#else
#define RATLS_API
#define RATLS_MUST_USE
#endif

#define RATLS_VERSION_MAJOR 0
#define RATLS_VERSION_MINOR 1
#define RATLS_VERSION_PATCH 0

/** Number of the ABI; a binding built for another one must not go on. */
#define RATLS_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ratls_error ratls_error;
typedef struct ratls_quote ratls_quote;
typedef struct ratls_verifier ratls_verifier;
typedef struct ratls_policy ratls_policy;
typedef struct ratls_result ratls_result;
typedef struct ratls_tunnel ratls_tunnel;
typedef struct ratls_cancel ratls_cancel;
typedef struct ratls_custom_request ratls_custom_request;
typedef struct ratls_leader ratls_leader;
typedef struct ratls_leader_record ratls_leader_record;

/* ---------------------------------------------------------------- versions */

/** Version of the library, as "major.minor.patch". */
RATLS_API const char *ratls_version(void);

/** RATLS_ABI_VERSION of the library that is loaded. */
RATLS_API int32_t ratls_abi_version(void);

/* ---------------------------------------------------------------- codes and errors */

/** In whose words a message names options. */
enum {
    RATLS_SPELLING_C = 0,
    RATLS_SPELLING_PYTHON = 1,
    RATLS_SPELLING_TYPESCRIPT = 2,
    RATLS_SPELLING_RUST = 3,
    RATLS_SPELLING_COMMAND = 4
};

/** What a code means for the caller; see docs/reference/codes.md. */
enum {
    RATLS_CLASS_NONE = 0,
    RATLS_CLASS_USAGE = 1,      /**< arguments or options are wrong, a file is unreadable */
    RATLS_CLASS_REFUSED = 2,    /**< the evidence was checked and is not acceptable */
    RATLS_CLASS_UNAVAILABLE = 3 /**< it could not be checked */
};

/** Name of a code, for example "MRTD_NOT_ALLOWED"; "UNKNOWN" for a number that is none. */
RATLS_API const char *ratls_status_name(ratls_status status);

/** One of RATLS_CLASS_*; RATLS_CLASS_NONE for RATLS_OK. */
RATLS_API int32_t ratls_status_class(ratls_status status);

/** The failure's code; RATLS_ERR_INTERNAL for NULL. */
RATLS_API ratls_status ratls_error_code(const ratls_error *error);

/** The failure's class, one of RATLS_CLASS_*. */
RATLS_API int32_t ratls_error_class(const ratls_error *error);

/** Where it failed: options, evidence, collateral, intel, dcap, binding, policy or tunnel. */
RATLS_API const char *ratls_error_stage(const ratls_error *error);

/** The sentence for people, options spelled as `spelling` (RATLS_SPELLING_*) says. */
RATLS_API const char *ratls_error_message(const ratls_error *error, int32_t spelling);

/** A detail by name ("found", "expected", "tcb_status", "url", …); NULL when there is none. */
RATLS_API const char *ratls_error_detail(const ratls_error *error, const char *name);

/** The failure as a JSON object: code, class, stage, message, details. */
RATLS_API const char *ratls_error_json(const ratls_error *error, int32_t spelling);

/** What was known of the TCB when it failed, as a JSON object with tcb_status and its parts;
 *  "null" unless a TCB verdict had been reached. */
RATLS_API const char *ratls_error_tcb_json(const ratls_error *error);

RATLS_API void ratls_error_free(ratls_error *error);

/* ---------------------------------------------------------------- buffers */

/** Free bytes that a function of this library handed out as `uint8_t **` or `char **`. */
RATLS_API void ratls_bytes_free(void *bytes);

/* ---------------------------------------------------------------- evidence, without judgement */

/** Take the TDX quote out of an RA-TLS leaf certificate.
 *
 *  Looks in 1.3.6.1.4.1.62397.1.8, then in .1; both present and different is refused. Nothing is verified.
 *
 *  Returns: RATLS_OK with the quote; RATLS_OK with NULL and 0 for a certificate that has neither
 *           extension; an error when one is present but does not hold a usable TDX quote.
 *  Out:     quote:     exactly the quote, without what may follow it; free with ratls_bytes_free().
 *           quote_len: its length.
 *  In:      der:       certificate in DER, der_len bytes.
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_extract_tdx_quote(
    uint8_t **quote, size_t *quote_len, const uint8_t *der, size_t der_len, ratls_error **err);

/** Read every field of a TDX (v4, v5) or SGX (v3, v4, v5) quote. Nothing is verified.
 *
 *  Bytes after the quote are tolerated and counted in RATLS_FIELD_TRAILING_BYTES.
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_quote_inspect(
    ratls_quote **out, const uint8_t *quote, size_t quote_len, ratls_error **err);

/** Read what an RA-TLS leaf certificate carries: every field of its TDX quote, and the event log beside it.
 *  Nothing is verified.
 *
 *  Returns: RATLS_OK also for a certificate with no RA-TLS extension: then no field has a value. An error when
 *           one is present but does not hold a usable TDX quote.
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_certificate_inspect(
    ratls_quote **out, const uint8_t *der, size_t der_len, ratls_error **err);

/** Read evidence that came without a certificate: every field of its TDX quote, and the event log beside it. Nothing is verified.
 *
 *  In: evidence: an attestation envelope V0 or V1 as it is, or the JSON object of dstack's GetQuote (quote, event_log) or
 *      Attest (attestation).
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_evidence_inspect(
    ratls_quote **out, const uint8_t *evidence, size_t evidence_len, ratls_error **err);

/** Read the quote of a sidecar's attestation report: every field of it. Nothing is verified; what the report says beside the
 *  quote must only be in form.
 *
 *  In: json: the report, json_len bytes.
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_report_inspect(ratls_quote **out, const char *json, size_t json_len, ratls_error **err);

/** The policy that pins what this quote and the event log beside it show: a JSON object for ratls_policy_parse(), with the MRTD,
 *  RTMR0 to RTMR2 and, where a log explains RTMR3, app_id, compose_hash, key_provider and os_image_hash. Of what was not
 *  verified it is as good as whoever sent it: verify under it before relying on it.
 *
 *  Returns: RATLS_ERR_ARGUMENT_INVALID for a quote without an MRTD.
 *  Out:     json: free with ratls_bytes_free().
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_quote_policy(char **json, const ratls_quote *quote, ratls_error **err);

/** The compose hash of an app-compose file, as dstack computes it: SHA-256 of its bytes, line breaks and all. Without an app id
 *  of its own an application's app_id is the first 40 digits.
 *
 *  Returns: RATLS_ERR_ARGUMENT_INVALID for what is not a JSON object, such as the docker-compose file inside of it.
 *  Out:     hash: 64 hexadecimal digits; free with ratls_bytes_free().
 *  In:      file: the file's bytes, file_len of them.
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_compose_hash(char **hash, const uint8_t *file, size_t file_len, ratls_error **err);

/** A field's value as text (hexadecimal in memory order, or decimal); NULL where the quote has none. */
RATLS_API const char *ratls_quote_text(const ratls_quote *quote, ratls_field field);

/** Every field as one flat JSON object, null where the quote has none. */
RATLS_API const char *ratls_quote_json(const ratls_quote *quote);

RATLS_API void ratls_quote_free(ratls_quote *quote);

/* ---------------------------------------------------------------- what the caller accepts */

/** A field and the values that it may have (alternatives). */
typedef struct ratls_pin {
    const char *field;         /**< name of the field, as in docs/reference/fields.md */
    const char *const *values; /**< hexadecimal with or without 0x; key_provider: name or name:id */
    size_t values_len;
} ratls_pin;

/** What one verification accepts. All zero is the safe default; append only.
 *
 *  A list pointer that is NULL is "not given: any"; one that is given with length 0 is an error.
 */
typedef struct ratls_verify_options {
    size_t size;                                /**< set by ratls_verify_options_init() */
    const char *const *allowed_mr_td;           /**< MRTDs accepted, 96 hexadecimal digits each */
    size_t allowed_mr_td_len;
    const ratls_pin *pins;                      /**< further fields and their values */
    size_t pins_len;
    const char *const *acceptable_tcb_statuses; /**< default: OK, SWHardeningNeeded */
    size_t acceptable_tcb_statuses_len;
    const char *const *allowed_advisory_ids;    /**< given: every advisory must be listed */
    size_t allowed_advisory_ids_len;
    const char *min_tee_tcb_svn;                /**< 32 hexadecimal digits, compared byte by byte */
    int64_t min_tcb_evaluation_data_number;     /**< 0: any */
    int64_t now;                                /**< 0: the clock; otherwise the time to verify for */
    int64_t cache_ttl_s;                        /**< 0: 3600; negative: no verdict cache */
    int64_t timeout_ms;                         /**< 0: RATLS_TIMEOUT_MS_DEFAULT */
    int64_t max_age_s;                          /**< reports; 0: RATLS_MAX_AGE_S_DEFAULT */
    int32_t allow_debug_mode;                   /**< accept a debug TD or enclave */
    int32_t allow_sept_ve;                      /**< accept a TD with SEPT_VE_DISABLE clear */
    int32_t allow_simulator;                    /**< accept a certificate without a quote, while nothing is pinned */
    int32_t allow_partial_pins;                 /**< accept application pins without firmware pins */
    int64_t min_tcb_date;                       /**< 0: any; the oldest date that a TCB level of the verdict may have */
    int32_t strict_intersection;                /**< 1: only what Intel's and the other published verifiers accept as well */
    int32_t strict_trailing;                    /**< 1: nothing but zeros after the quote */
    int32_t sgx_v3_only;                        /**< 1: of SGX quotes only version 3 */
    int32_t allow_perfmon;                      /**< accept a TD that may use performance monitoring */
    int32_t allow_lass;                         /**< accept a TD with LASS set */
    int32_t allow_icssd;                        /**< accept a TD with ICSSD set */
    int32_t allow_migratable;                   /**< accept a TD that may be migrated */
    int32_t allow_service_td;                   /**< accept a TD with a service TD bound to it */
} ratls_verify_options;

#define RATLS_TIMEOUT_MS_DEFAULT 30000
#define RATLS_CACHE_TTL_S_DEFAULT 3600
#define RATLS_MAX_AGE_S_DEFAULT 60

/** Set every field to its default. `size` is sizeof(ratls_verify_options) of the caller. */
RATLS_API void ratls_verify_options_init(ratls_verify_options *options, size_t size);

/** Read options from a JSON object with the fields of ratls_verify_options (a policy file).
 *
 *  Strict: unknown and duplicate keys, wrong types and wrong lengths are errors. `pins` is an object
 *  of field name to value or list of values; `now` is RFC 3339 text or seconds.
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_policy_parse(
    ratls_policy **out, const char *json, size_t json_len, ratls_error **err);

/** The options that a policy holds, for the functions that take them; valid as long as it lives. For NULL:
 *  options that every function refuses (OPTIONS_SIZE), never the defaults. */
RATLS_API const ratls_verify_options *ratls_policy_options(const ratls_policy *policy);

RATLS_API void ratls_policy_free(ratls_policy *policy);

/* ---------------------------------------------------------------- verifiers */

/** Called with one line of warning, from any thread, never while a lock is held. Must return soon. */
typedef void (*ratls_log_callback)(void *user, const char *message);

/** Options of ratls_verifier_new_dcap(). All zero is the default; append only. Everything is copied.
 *
 *  Without `collateral` it is fetched when a quote is verified: from Intel's service (PCS v4) or from `pccs_urls`, each
 *  asked in turn until one has it. What came is verified before it is used, kept in memory, and in `cache_dir` if given,
 *  where all processes of this user share it; from 80 % of its life on it is fetched anew in the background, and until
 *  its own nextUpdate it serves when that fails, with a warning.
 *
 *  A list pointer that is NULL is "not given"; one that is given with length 0 is an error.
 */
typedef struct ratls_dcap_options {
    size_t size;                /**< set by ratls_dcap_options_init() */
    const uint8_t *collateral;  /**< collateral bundle, a JSON object (docs/collateral.md); with it nothing is fetched */
    size_t collateral_len;
    const uint8_t *trust_anchor; /**< root certificate, PEM or DER, that replaces Intel's; NULL: Intel's */
    size_t trust_anchor_len;
    ratls_log_callback log;     /**< may be NULL */
    void *log_user;
    const char *const *pccs_urls; /**< services to fetch from, in order: http(s)://HOST[:PORT][/PATH], what stands before
                                       /sgx/certification/v4/; NULL: Intel's own */
    size_t pccs_urls_len;         /**< at most RATLS_PCCS_URLS_MAX */
    const char *const *pccs_cas;  /**< for each of pccs_urls the authorities for its TLS, PEM text; "": those of `ca`; NULL:
                                       those of `ca` for all */
    size_t pccs_cas_len;          /**< pccs_urls_len */
    const uint8_t *ca;            /**< authorities for TLS, PEM; NULL: the system's */
    size_t ca_len;
    const char *proxy;            /**< URL of an HTTP proxy; NULL or "": none */
    const char *no_proxy;         /**< hosts that are reached without it, joined by commas; NULL: none */
    const char *cache_dir;        /**< absolute path of the directory that keeps what was fetched; made when it is not there;
                                       NULL or "": memory alone */
    int64_t attempt_timeout_ms;   /**< one request; 0: 15000 */
    int64_t http_connect_timeout_ms; /**< one connection; 0: 5000 */
    int32_t update_early;         /**< 1: Intel's early set of TCB data, as soon as it is published; 0: the standard one */
    int32_t reserved;             /**< 0 */
} ratls_dcap_options;

#define RATLS_PCCS_URLS_MAX 8

RATLS_API void ratls_dcap_options_init(ratls_dcap_options *options, size_t size);

/** A verifier that checks quotes against Intel's signing chain on this machine. Nothing is fetched before the first quote.
 *  @nullable options
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verifier_new_dcap(
    ratls_verifier **out, const ratls_dcap_options *options, ratls_error **err);

/** Whose collateral: that of the platform of a quote, of the quote in a certificate, or of an FMSPC. Exactly one of the
 *  three must be given. All else zero is the default; append only. */
typedef struct ratls_collateral_options {
    size_t size;               /**< set by ratls_collateral_options_init() */
    const uint8_t *quote;
    size_t quote_len;
    const uint8_t *certificate; /**< RA-TLS leaf certificate, DER */
    size_t certificate_len;
    const char *fmspc;         /**< 12 hexadecimal digits */
    const char *ca;            /**< beside fmspc, the CA of its PCK certificates: "platform" or "processor"; NULL: platform */
    int64_t timeout_ms;        /**< of the call; 0: RATLS_TIMEOUT_MS_DEFAULT */
    int64_t warn_days;         /**< ratls_collateral_check(): days of life below which it warns; 0: RATLS_WARN_DAYS_DEFAULT;
                                    negative: none */
    int32_t sgx;               /**< beside fmspc: 1: for SGX quotes, 0: for TDX quotes */
    int32_t refresh;           /**< 1: ask the service also for what the cache has */
} ratls_collateral_options;

#define RATLS_WARN_DAYS_DEFAULT 7

RATLS_API void ratls_collateral_options_init(ratls_collateral_options *options, size_t size);

/** Fetch ahead what a verifier will need for a platform, so that no connection waits for it. What is in the cache and
 *  holds is not fetched. Does nothing for a verifier that fetches no collateral; asks each part of a combined one.
 *
 *  Returns: COLLATERAL_… when it cannot be had; the code of what is wrong with a quote whose PCK chain does not verify.
 *  @waits
 *  @nullable cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verifier_warm(
    ratls_verifier *verifier, const ratls_collateral_options *options, ratls_cancel *cancel, ratls_error **err);

/** The collateral of a platform as a bundle (docs/collateral.md), which ratls_dcap_options.collateral takes.
 *
 *  Out: bundle:   JSON text; free with ratls_bytes_free().
 *  In:  verifier: one of ratls_verifier_new_dcap() without a collateral of its own; its sources, cache and trust anchor are
 *                 used.
 *  @waits
 *  @nullable cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_collateral_fetch(
    char **bundle, ratls_verifier *verifier, const ratls_collateral_options *options, ratls_cancel *cancel, ratls_error **err);

/** What a platform has to expect: verify its quote with Intel's standard and with its early set of TCB data, both fetched
 *  now, and say what will change when the early one becomes the standard.
 *
 *  Out: json: an object (docs/collateral.md): fmspc, ca, tee, checked_at; standard and early, each with
 *             tcb_evaluation_data_number, tcb_status, tcb_status_dcap, advisory_ids, error (a code's name where the quote
 *             is refused, else null), expires_at and documents (name to nextUpdate); attention (true when there is a
 *             warning) and warnings, each with code and message. Free with ratls_bytes_free().
 *  In:  verifier: as for ratls_collateral_fetch(). options: with a quote or a certificate.
 *  @waits
 *  @nullable cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_collateral_check(
    char **json, ratls_verifier *verifier, const ratls_collateral_options *options, ratls_cancel *cancel, ratls_error **err);

/** When a revocation list of the certificate that signs tokens cannot be had, or only one that has expired. */
enum {
    RATLS_CRL_HARD = 0, /**< could not check */
    RATLS_CRL_SOFT = 1, /**< accept, warn, and list intel_crl in the result's `waived` */
    RATLS_CRL_OFF = 2   /**< do not ask for revocation lists at all */
};

/** Options of ratls_verifier_new_intel(). All zero but api_key is the default; append only. Everything is copied.
 *
 *  A list pointer that is NULL is "not given"; one that is given with length 0 is an error.
 */
typedef struct ratls_intel_options {
    size_t size;                      /**< set by ratls_intel_options_init() */
    const char *api_key;              /**< an attestation key; required; sent to the API's host only */
    const char *region;               /**< "us" or "eu"; NULL: us */
    const char *base_url;             /**< https://HOST[:PORT] of the API instead of the region's */
    const char *portal_url;           /**< https://HOST[:PORT] of the portal; needed beside a base_url that is not Intel's */
    const char *const *policy_ids;    /**< policies, each of which must match: UUIDs, at most 10 */
    size_t policy_ids_len;
    const char *const *allowed_algorithms; /**< PS384, RS256: the first is asked for; NULL: PS384 alone */
    size_t allowed_algorithms_len;
    const char *const *crl_hosts;     /**< hosts beside the portal's that revocation lists may come from */
    size_t crl_hosts_len;
    const uint8_t *pinned_roots;      /**< root certificates, PEM or one in DER, that the signing chain must end in; NULL: the
                                           root that the portal sends */
    size_t pinned_roots_len;
    const uint8_t *ca;                /**< authorities for TLS, PEM; NULL: the system's */
    size_t ca_len;
    const char *proxy;                /**< URL of an HTTP proxy; NULL or "": none */
    const char *no_proxy;             /**< hosts that are reached without it, joined by commas; NULL: none */
    ratls_log_callback log;           /**< may be NULL */
    void *log_user;
    int64_t attempt_timeout_ms;       /**< one attempt; 0: 15000 for the appraisal, 10000 for keys and revocation lists */
    int64_t http_connect_timeout_ms;  /**< one connection; 0: 5000 */
    int32_t api_version;              /**< 0 or 2: nested evidence and claims; 1: flat */
    int32_t attempts;                 /**< of each request, at most 10; 0: 3 */
    int32_t requests_per_second;      /**< to the API; 0: 2 for Intel's own service, else no limit; negative: no limit */
    int32_t crl_policy;               /**< RATLS_CRL_* */
    int32_t min_rsa_bits;             /**< of the signing key, 2048 to 8192; 0: 3072 */
    int32_t policy_must_match;        /**< 1: ask for no token at all unless every policy matches */
    int32_t allow_unmatched_policies; /**< 1: accept although a policy that was not asked for did not match */
    int32_t relaxed_chain;            /**< 1: accept chains that are valid but not strictly as RFC 5280 has them */
} ratls_intel_options;

RATLS_API void ratls_intel_options_init(ratls_intel_options *options, size_t size);

/** A verifier that sends quotes to Intel Trust Authority and checks the signed answer: its signature and signing
 *  chain, its dates, and that it is about the very quote that was sent.
 *
 *  The deadline of a verification (timeout_ms) covers everything; nothing is sent before the first one. Results have
 *  no qe_tcb_status, tdx_module_tcb_status, platform_tcb_status, ppid and tcb_evaluation_data_number: a token does
 *  not tell them. Their trust_anchor is the SHA-256 of the root of the token's signing chain.
 *
 *  Returns: RATLS_ERR_INTEL_API_KEY_MISSING for an api_key that is NULL.
 *  @nullable options
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verifier_new_intel(
    ratls_verifier **out, const ratls_intel_options *options, ratls_error **err);

/** Options of ratls_verifier_new_noop(), _custom(), _all() and _first(). */
typedef struct ratls_verifier_options {
    size_t size;            /**< set by ratls_verifier_options_init() */
    ratls_log_callback log; /**< may be NULL */
    void *log_user;
} ratls_verifier_options;

RATLS_API void ratls_verifier_options_init(ratls_verifier_options *options, size_t size);

/** A verifier that checks no signature: for development. Policy and key binding still hold, and a
 *  quote must be there; its results are `accepted`, not `verified`.
 *  @nullable options
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verifier_new_noop(
    ratls_verifier **out, const ratls_verifier_options *options, ratls_error **err);

/** Called, on a thread of the library, for each quote that the caller's own verifier shall judge.
 *
 *  The callee owns `request` and must answer it exactly once, at once or later and from any thread,
 *  with ratls_custom_accept() or ratls_custom_reject(). The library waits until the deadline of the
 *  verification and no longer; an answer that comes later is ignored.
 */
typedef void (*ratls_custom_callback)(void *user, ratls_custom_request *request);

/** A verifier written by the caller. It supplies the TCB part of the claims; measurements and
 *  REPORTDATA come from the quote, and policy and key binding are applied as for every verifier.
 *
 *  In: callback, user: who judges. release: called once with user when the verifier is gone and
 *      the last callback has returned, on whatever thread that is (may be NULL). When this fails it is not called.
 *  @nullable options
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verifier_new_custom(
    ratls_verifier **out, ratls_custom_callback callback, void *user, void (*release)(void *user),
    const ratls_verifier_options *options, ratls_error **err);

/** The quote to judge; *len is its length. Valid until the request is answered. */
RATLS_API const uint8_t *ratls_custom_quote(const ratls_custom_request *request, size_t *len);

/** Answer: the quote is genuine. Consumes the request.
 *
 *  In: claims: JSON object; may have tcb_status, tcb_status_dcap, platform_tcb_status,
 *      tdx_module_tcb_status, qe_tcb_status, tcb_date, advisory_ids, fmspc, ppid, platform_instance_id,
 *      tcb_evaluation_data_number, collateral_expires_at, written as a result has them. tcb_status must be
 *      there; null stands for one of the others that is absent. Any other key is an error of the verification
 *      (USER_VERIFIER_CLAIMS).
 *
 *  The result then is `verified`: the caller's verifier vouches for the hardware's signature. Under which root it
 *  checked is not known here, so trust_anchor is null.
 *  @consumes request
 */
RATLS_API void ratls_custom_accept(ratls_custom_request *request, const char *claims, size_t claims_len);

/** Answer: not acceptable (status_class RATLS_CLASS_REFUSED) or could not check (anything else), and why.
 *  Consumes the request.
 *  @consumes request
 */
RATLS_API void ratls_custom_reject(ratls_custom_request *request, int32_t status_class, const char *reason);

/** A verifier that accepts only what each of `verifiers` accepts, asked in their order.
 *
 *  Its results have the worst TCB status, the union of the advisories, the oldest TCB date, and of the rest what the
 *  first verifier that knows it says; the policy accepts them only if it accepts each verifier's TCB status.
 *
 *  In: verifiers: verifiers_len of them, 1 to RATLS_COMBINED_MAX, each kept; a noop verifier is refused.
 *  @nullable options
 *  @keeps verifiers
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verifier_new_all(
    ratls_verifier **out, ratls_verifier *const *verifiers, size_t verifiers_len, const ratls_verifier_options *options,
    ratls_error **err);

/** A verifier that asks `verifiers` in their order until one could check: the next one is asked only after a failure of
 *  class RATLS_CLASS_UNAVAILABLE, never after a refusal. When none could check, the last one's failure is told, and
 *  each earlier one is warned about in the log.
 *
 *  In: as in ratls_verifier_new_all().
 *  @nullable options
 *  @keeps verifiers
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verifier_new_first(
    ratls_verifier **out, ratls_verifier *const *verifiers, size_t verifiers_len, const ratls_verifier_options *options,
    ratls_error **err);

#define RATLS_COMBINED_MAX 8

/** Let go of a verifier. Calls that use it end first; a tunnel keeps its own hold. */
RATLS_API void ratls_verifier_free(ratls_verifier *verifier);

/* ---------------------------------------------------------------- verification */

/** A handle with which another thread ends blocking calls early. */
RATLS_API RATLS_MUST_USE ratls_status ratls_cancel_new(ratls_cancel **out, ratls_error **err);

/** End every call that was given this handle, now and later, with RATLS_ERR_CANCELLED. */
RATLS_API void ratls_cancel_trigger(ratls_cancel *cancel);

RATLS_API void ratls_cancel_free(ratls_cancel *cancel);

/** Verify a TDX quote that came without a certificate.
 *
 *  Returns: RATLS_OK only if every check passed; else the first failure.
 *  Out:     out:     result; free with ratls_result_free().
 *  In:      verifier, quote, quote_len. options: policy (NULL: the defaults). cancel: may be NULL.
 *  Does not check: that the quote belongs to any connection. Use ratls_verify_certificate() for that,
 *           or pin report_data.
 *  @waits
 *  @nullable options cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verify(
    ratls_result **out, ratls_verifier *verifier, const uint8_t *quote, size_t quote_len,
    const ratls_verify_options *options, ratls_cancel *cancel, ratls_error **err);

/** Verify an RA-TLS leaf certificate: extract the quote, verify it, and require that its REPORTDATA
 *  commits to the certificate's public key. Verdicts are cached by certificate (cache_ttl_s).
 *
 *  Does not check: host name, certificate validity dates, or that the peer holds the private key (the
 *  TLS handshake proves that).
 *  @waits
 *  @nullable options cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verify_certificate(
    ratls_result **out, ratls_verifier *verifier, const uint8_t *der, size_t der_len,
    const ratls_verify_options *options, ratls_cancel *cancel, ratls_error **err);

/** Verify evidence that came without a certificate: the quote, and that the event log beside it is the one that RTMR3 was
 *  extended with, so that the result tells which application it is.
 *
 *  In: evidence: an attestation envelope V0 or V1 as it is, or the JSON object of dstack's GetQuote (quote, event_log) or
 *      Attest (attestation).
 *  Does not check: that the evidence belongs to any connection, or how old it is: pin report_data for that.
 *  @waits
 *  @nullable options cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verify_evidence(
    ratls_result **out, ratls_verifier *verifier, const uint8_t *evidence, size_t evidence_len, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err);

/** Verify a sidecar's attestation report, the JSON of /attestation: the quote, that tcb_info repeats it, that REPORTDATA commits to
 *  LSN, control data and time in one of the known encodings (report_encoding in the result), and that its time is not older than
 *  max_age_s, or more than a few seconds ahead.
 *
 *  A report is monitoring data: whoever has seen it can send it, and it belongs to no connection. key_bound is false in its
 *  result. It has no event log: of the application's fields only compose_hash can be known, through MRCONFIGID.
 *
 *  In: json: the report, json_len bytes.
 *  @waits
 *  @nullable options cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_verify_report(
    ratls_result **out, ratls_verifier *verifier, const char *json, size_t json_len, const ratls_verify_options *options,
    ratls_cancel *cancel, ratls_error **err);

/** Options of ratls_report_fetch(). All zero is the default; append only. */
typedef struct ratls_report_fetch_options {
    size_t size;          /**< set by ratls_report_fetch_options_init() */
    const uint8_t *ca;    /**< authorities for https, PEM; NULL: the system's */
    size_t ca_len;
    const char *proxy;    /**< URL of an HTTP proxy; NULL or "": none */
    const char *no_proxy; /**< hosts that are reached without it, joined by commas; NULL: none */
    int64_t timeout_ms;   /**< 0: RATLS_TIMEOUT_MS_DEFAULT */
} ratls_report_fetch_options;

RATLS_API void ratls_report_fetch_options_init(ratls_report_fetch_options *options, size_t size);

/** Fetch a sidecar's attestation report, for ratls_verify_report(). No redirect is followed, and the answer's size is limited.
 *
 *  Out: json: the answer as it came; free with ratls_bytes_free().
 *  In:  url: http:// or https://, usually http://HOST:8080/attestation.
 *  @waits
 *  @nullable options cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_report_fetch(
    char **json, const char *url, const ratls_report_fetch_options *options, ratls_cancel *cancel, ratls_error **err);

/** A field as text: hexadecimal, RFC 3339 time, word, decimal number, "true"/"false"; NULL where not known, and
 *  for a list. */
RATLS_API const char *ratls_result_text(const ratls_result *result, ratls_field field);

/** A flag: 1, 0, or -1 where not known or not a flag. */
RATLS_API int32_t ratls_result_flag(const ratls_result *result, ratls_field field);

/** A number, or a time in seconds; INT64_MIN where not known. */
RATLS_API int64_t ratls_result_number(const ratls_result *result, ratls_field field);

/** Length of a list; 0 where not known. */
RATLS_API size_t ratls_result_list_len(const ratls_result *result, ratls_field field);

/** Entry `index` of a list; NULL beyond its end. */
RATLS_API const char *ratls_result_list_item(const ratls_result *result, ratls_field field, size_t index);

/** Every field as one flat JSON object, null where not known (docs/result.schema.json). */
RATLS_API const char *ratls_result_json(const ratls_result *result);

RATLS_API void ratls_result_free(ratls_result *result);

/* ---------------------------------------------------------------- the leader of a cluster */

/** Options of ratls_leader_new(). All zero but domain and signer is the default; append only. Everything is copied. */
typedef struct ratls_leader_options {
    size_t size;                    /**< set by ratls_leader_options_init() */
    const char *domain;             /**< the cluster's domain; required. The record is looked up at _teesql-leader.DOMAIN */
    const char *signer;             /**< address that signs its records, 40 hexadecimal digits, with or without 0x; required */
    const char *cluster_address;    /**< address of the cluster that records must name; NULL: any */
    const char *const *dns_servers; /**< servers to ask, in this order: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; NULL: the
                                         system's (resolv.conf) */
    size_t dns_servers_len;
    const char *state_dir;          /**< existing directory where the newest record is kept, so that no later process takes an
                                         older one; NULL: remembered in memory only */
    ratls_log_callback log;         /**< may be NULL */
    void *log_user;
    int64_t timeout_ms;             /**< one look-up; 0: RATLS_LEADER_TIMEOUT_MS_DEFAULT */
    int64_t refresh_ms;             /**< how long a look-up's outcome is used for new connections, and how often it is repeated while
                                         connections are open; 0: RATLS_LEADER_REFRESH_MS_DEFAULT */
    int64_t now;                    /**< 0: the clock; otherwise the time that records must be valid at */
} ratls_leader_options;

#define RATLS_LEADER_TIMEOUT_MS_DEFAULT 5000
#define RATLS_LEADER_REFRESH_MS_DEFAULT 5000
#define RATLS_LEADER_DRAIN_MS_DEFAULT 5000

RATLS_API void ratls_leader_options_init(ratls_leader_options *options, size_t size);

/** Know a cluster by its domain and by who signs its records; nothing is looked up yet.
 *
 *  A record says where the leader is, never whom to trust: what answers there is attested like every server. Keep one
 *  for each cluster as long as the process runs: it remembers the highest epoch that it has accepted, and refuses
 *  lower ones (DNS answers may be replayed).
 *
 *  Returns: UPSTREAM_INVALID, OPTION_VALUE; LEADER_STATE for a state_dir that is of no use.
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_leader_new(
    ratls_leader **out, const ratls_leader_options *options, ratls_error **err);

/** Look the leader up, now: among all TXT records those that the signer signed, that are valid and of this cluster, and of
 *  them the one with the highest epoch (evidence format 8).
 *
 *  Returns: LEADER_LOOKUP (the name service failed, or there is no record), LEADER_TIMEOUT, CANCELLED: could not
 *           check. Refused: LEADER_FORMAT, LEADER_URL, LEADER_SIGNATURE_FORMAT, LEADER_SIGNATURE, LEADER_CLUSTER,
 *           LEADER_EXPIRED, that of the record which came furthest; LEADER_EPOCH, one with a higher epoch was
 *           accepted before; LEADER_CONFLICT, of one epoch, and with another leader.
 *  Out:     out: free with ratls_leader_record_free().
 *  @waits
 *  @nullable cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_leader_find(
    ratls_leader_record **out, ratls_leader *leader, ratls_cancel *cancel, ratls_error **err);

/** Let go of a leader; tunnels that follow it keep their own hold. */
RATLS_API void ratls_leader_free(ratls_leader *leader);

/** Where to dial: the host of the leader's URL, lower-case, an IPv6 address without brackets. */
RATLS_API const char *ratls_leader_record_host(const ratls_leader_record *record);

/** The port of the leader's URL; 443 where it has none. */
RATLS_API int32_t ratls_leader_record_port(const ratls_leader_record *record);

/** The leader's URL, as it was signed. */
RATLS_API const char *ratls_leader_record_url(const ratls_leader_record *record);

/** The leader's instance, lower-case hexadecimal. */
RATLS_API const char *ratls_leader_record_instance(const ratls_leader_record *record);

/** The cluster's address, 0x and 40 lower-case hexadecimal digits. */
RATLS_API const char *ratls_leader_record_cluster(const ratls_leader_record *record);

/** The leader's term: a later leader has a higher one. */
RATLS_API uint64_t ratls_leader_record_epoch(const ratls_leader_record *record);

/** The second from which on the record is no longer valid. */
RATLS_API uint64_t ratls_leader_record_valid_until(const ratls_leader_record *record);

/** All of it as one flat JSON object: cluster, epoch, host, leader_instance, leader_url, port, signer, valid_until (RFC 3339;
 *  9999-12-31T23:59:59Z stands for every later time). */
RATLS_API const char *ratls_leader_record_json(const ratls_leader_record *record);

RATLS_API void ratls_leader_record_free(ratls_leader_record *record);

/* ---------------------------------------------------------------- tunnel */

/** Who may connect to the tunnel's socket. */
enum {
    RATLS_PEER_SAME_PROCESS = 0, /**< only this very process (drivers in it) */
    RATLS_PEER_SAME_USER = 1     /**< any process of this user (psql beside `ratls proxy`) */
};

/** Options of ratls_tunnel_open(). All zero but host, or leader, is the default; append only. */
typedef struct ratls_tunnel_options {
    size_t size;                  /**< set by ratls_tunnel_options_init() */
    const char *host;             /**< name or address to dial; required, unless there is a leader */
    const char *server_name;      /**< SNI; NULL: host, unless that is an address */
    const char *socket_dir;       /**< existing directory of mode 0700 for the socket; NULL: one of our own, removed at close */
    const ratls_verify_options *verify; /**< policy; NULL: the defaults */
    ratls_log_callback log;       /**< may be NULL */
    void *log_user;
    int64_t connect_timeout_ms;   /**< resolving, connecting, handshake and verdict together; 0: no more than the parts */
    int64_t handshake_timeout_ms; /**< TLS handshake; 0: RATLS_HANDSHAKE_TIMEOUT_MS_DEFAULT */
    int32_t port;                 /**< 1 to 65535; 0: 5432 */
    int32_t peer;                 /**< RATLS_PEER_* */
    int32_t spelling;             /**< RATLS_SPELLING_*: in whose words a refusal speaks to the driver */
    int32_t reserved;             /**< 0 */
    int64_t tcp_user_timeout_ms;  /**< sent data unacknowledged for so long: the server is gone; 0: 60000, or as long as the probes take; negative: as the system has it */
    int32_t keepalive_idle_s;     /**< silence before the server is probed; 0: 30; negative: never */
    int32_t keepalive_interval_s; /**< between two probes; 0: 10 */
    int32_t keepalive_count;      /**< probes without an answer: the server is gone; 0: 3 */
    int32_t start_tls;            /**< 1: send PostgreSQL's SSLRequest first; 0: TLS from the first byte on */
    const char *dstack_socket;    /**< path of the dstack guest agent's socket; NULL: the first of the usual places that is there */
    const char *dstack_simulator_endpoint; /**< what the environment's DSTACK_SIMULATOR_ENDPOINT (else TAPPD_SIMULATOR_ENDPOINT) says: a socket's path, or an http or https URL. It decides who makes this client's key, so it counts only with allow_simulator, without a dstack_socket, and in no setuid process. NULL or "": not set */
    int64_t dstack_timeout_ms;    /**< for one certificate from the guest agent; 0: RATLS_DSTACK_TIMEOUT_MS_DEFAULT */
    int32_t client_attestation;   /**< 1: present a certificate of this client's own TEE, which must be there before anything is dialled; 0: present one when the server asks and a guest agent is there; -1: never */
    int32_t reserved_client;      /**< 0 */
    ratls_leader *leader;         /**< dial the leader of this cluster, whoever it is then, instead of a host; kept until the tunnel is closed */
    int64_t leader_drain_ms;      /**< so long may a leader that has been superseded finish its answers; 0: RATLS_LEADER_DRAIN_MS_DEFAULT;
                                       negative: not at all */
} ratls_tunnel_options;

#define RATLS_HANDSHAKE_TIMEOUT_MS_DEFAULT 5000
#define RATLS_DSTACK_TIMEOUT_MS_DEFAULT 60000

RATLS_API void ratls_tunnel_options_init(ratls_tunnel_options *options, size_t size);

/** Open an attested way to a PostgreSQL server: a Unix socket in a private directory for any driver.
 *
 *  Makes one attested handshake first, so that a refusal is returned here; that connection serves the first driver,
 *  if it comes soon. When a server of TLS 1.3 asks for this client's certificate, which it judges after the handshake, the
 *  first connection is ended to hear whether it was accepted. From then on every connection to the socket gets a TLS connection of its own, whose certificate
 *  is verified before the first byte goes either way; a refusal reaches the driver as a PostgreSQL ErrorResponse.
 *
 *  Tunnels are shared: opened again with the same verifier and equal options, without a socket_dir, in the same
 *  process, it hands out a further handle of the tunnel that is running, without a handshake. Each handle is closed
 *  with ratls_tunnel_close(); the last one closes the tunnel. Opened from several threads at once, one makes the
 *  handshake and all share its outcome.
 *
 *  A tunnel may follow a cluster's leader instead of dialling a host: each new connection goes to the leader of that
 *  moment, by a look-up that is no older than the leader's refresh_ms; while connections are open it is repeated, and
 *  at once, with back-off, when a connection is lost or cannot be made. When a record with a higher epoch names another
 *  leader, the connections to the old one are told: nothing more of the driver's is sent, answers that are under way may
 *  finish within leader_drain_ms, then the driver reads FATAL with SQLSTATE 57P01, or the end where that cannot be said.
 *  A look-up that fails changes nothing as long as the last record is valid. Of the options host must be NULL and
 *  port is that of the local socket alone.
 *
 *  In: verifier: kept until the tunnel is closed. cancel: ends the opening only; may be NULL.
 *  @waits
 *  @nullable cancel
 *  @keeps verifier
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_tunnel_open(
    ratls_tunnel **out, ratls_verifier *verifier, const ratls_tunnel_options *options,
    ratls_cancel *cancel, ratls_error **err);

/** Take the leaf certificate that a server presents, and hang up: for a look at it, without any judgement.
 *
 *  The handshake proves that the server holds the certificate's key; no application byte goes either way.
 *  Of the options host, port, server_name, start_tls, the timeouts, client_attestation and those of dstack count.
 *
 *  Out: certificate, certificate_len: DER; free with ratls_bytes_free().
 *  @waits
 *  @nullable cancel
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_tunnel_fetch_certificate(
    uint8_t **certificate, size_t *certificate_len, const ratls_tunnel_options *options, ratls_cancel *cancel,
    ratls_error **err);

/** Directory for the driver's `host`; NULL in a forked child. */
RATLS_API const char *ratls_tunnel_directory(const ratls_tunnel *tunnel);

/** Number for the driver's `port`: the socket is `<directory>/.s.PGSQL.<port>`; 0 in a forked child. */
RATLS_API int32_t ratls_tunnel_port(const ratls_tunnel *tunnel);

/** The verdict on the newest accepted certificate, a copy of the caller's. */
RATLS_API RATLS_MUST_USE ratls_status ratls_tunnel_result(
    ratls_result **out, const ratls_tunnel *tunnel, ratls_error **err);

/** The verdict that one connection rests on, a copy of the caller's.
 *
 *  Which connection a descriptor belongs to is asked of the kernel (sock_diag). Where it does not tell, as in a sandbox
 *  without netlink sockets, the answer is the newest verdict, as ratls_tunnel_result() gives it.
 *
 *  Returns: CONNECTION_UNKNOWN for a descriptor that is not the driver's end of an open connection of this tunnel,
 *           or of one whose server was not accepted (yet).
 *  In:      fd: the driver's socket, for example libpq's PQsocket(). Borrowed for the call.
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_tunnel_result_of(
    ratls_result **out, const ratls_tunnel *tunnel, int32_t fd, ratls_error **err);

/** What a verdict was reached from, to be kept: `ratls verify --saved` repeats it, at its time, years later.
 *
 *  Out: json: an object with certificate (PEM), quote (hexadecimal; null where there was none), collateral (the bundle,
 *       docs/collateral.md; null for a verifier that uses none), trust_anchor (PEM; null: Intel's) and verified_at
 *       (RFC 3339). Free with ratls_bytes_free().
 *  In:  fd: the connection, as for ratls_tunnel_result_of(); -1: the newest verdict.
 */
RATLS_API RATLS_MUST_USE ratls_status ratls_tunnel_evidence(
    char **json, const ratls_tunnel *tunnel, int32_t fd, ratls_error **err);

/** The newest failure of a connection, a copy of the caller's; NULL when there was none. */
RATLS_API ratls_error *ratls_tunnel_last_error(const ratls_tunnel *tunnel);

/** Counters as a JSON object of numbers: connections_now, connections_total, connections_refused,
 *  bytes_to_upstream, bytes_from_upstream (plain text). Free with ratls_bytes_free(); NULL when out of memory
 *  or in a forked child. */
RATLS_API char *ratls_tunnel_stats(const ratls_tunnel *tunnel);

/** Close a handle and free it; NULL is accepted. With the last handle the tunnel closes: no new connections, the open
 *  ones are ended, threads joined, the socket removed. In a forked child it only forgets the handle.
 *
 *  A program may call exit() with tunnels open: the library begins OpenSSL, where nobody in the process has before, without
 *  the handler that takes it apart at exit. One that begins OpenSSL itself passes OPENSSL_INIT_NO_ATEXIT, or closes its tunnels
 *  first.
 *  @waits
 *  @consumes tunnel
 */
RATLS_API void ratls_tunnel_close(ratls_tunnel *tunnel);

#ifdef __cplusplus
}
#endif

#endif
