/* What the quote's body says about how the TD or the enclave runs (DCAP rules 3.12). */
#include "policy/compiled.h"

/* TDATTRIBUTES, as bits of the little-endian number. */
static const uint64_t td_debug = UINT64_C(1) << 0;
static const uint64_t td_under_debug = UINT64_C(0xfe); /* 1 to 7: the rest of the TUD byte */
static const uint64_t td_icssd = UINT64_C(1) << 16;
static const uint64_t td_lass = UINT64_C(1) << 27;
static const uint64_t td_sept_ve_disable = UINT64_C(1) << 28;
static const uint64_t td_migratable = UINT64_C(1) << 29;
static const uint64_t td_perfmon = UINT64_C(1) << 63;
/* 8 to 26, with ICSSD (16), which an option accepts, and 32 to 62, with TPA (62). PKS and KL (30, 31) are accepted. */
static const uint64_t td_reserved = UINT64_C(0x7fffffff07ffff00);

/* XFAM: x87 and SSE are always there; what the architecture knows. */
static const uint64_t xfam_required = UINT64_C(0x3);
static const uint64_t xfam_known = UINT64_C(0x6dbe7);

/* Flags of an enclave's ATTRIBUTES. */
static const uint64_t enclave_init = UINT64_C(1) << 0;

static uint64_t flags_of(ratls_bytes field)
{
    uint64_t flags = 0;

    for (size_t i = 0; i < 8 && i < field.len; i++) {
        flags |= (uint64_t)field.data[i] << (8 * i);
    }
    return flags;
}

/* A mask in memory order, as messages show attributes. */
static void flags_write(uint8_t out[8], uint64_t flags)
{
    for (size_t i = 0; i < 8; i++) {
        out[i] = (uint8_t)(flags >> (8 * i));
    }
}

static ratls_status note_waived(ratls_advisories *waived, const char *word, ratls_error **err)
{
    return waived == NULL ? RATLS_OK : ratls_advisories_add(waived, word, err);
}

/* An attribute that is only accepted where an option says so, and then noted. */
typedef struct {
    bool found;
    bool allowed;
    ratls_status code;
    const char *word;
} td_choice;

static ratls_status check_choice(const td_choice *choice, ratls_bytes found, ratls_advisories *waived, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    if (!choice->found) {
        return RATLS_OK;
    }
    CHECK(choice->allowed, choice->code, FOUND_HEX(found.data, found.len));
    TRY(note_waived(waived, choice->word, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_choices(const td_choice *choices, size_t len, ratls_bytes found, ratls_advisories *waived, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    for (size_t i = 0; i < len; i++) {
        TRY(check_choice(&choices[i], found, waived, err));
    }
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_td_attributes(
    const ratls_compiled_policy *policy, ratls_bytes attributes, ratls_advisories *waived, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint64_t flags = flags_of(attributes);
    const td_choice debug = {(flags & td_debug) != 0, policy->allow_debug_mode, RATLS_ERR_DEBUG_MODE, "debug_mode"};
    const td_choice others[] = {
        {(flags & td_icssd) != 0, policy->allow_icssd, RATLS_ERR_TD_ATTRIBUTES_RESERVED, "icssd"},
        {(flags & td_sept_ve_disable) == 0, policy->allow_sept_ve, RATLS_ERR_TD_SEPT_VE, "sept_ve"},
        {(flags & td_migratable) != 0, policy->allow_migratable, RATLS_ERR_TD_MIGRATABLE, "migratable"},
        {(flags & td_perfmon) != 0, policy->allow_perfmon, RATLS_ERR_TD_PERFMON, "perfmon"},
        {(flags & td_lass) != 0, policy->allow_lass, RATLS_ERR_TD_LASS, "lass"},
    };
    uint64_t forbidden = policy->allow_icssd ? td_reserved & ~td_icssd : td_reserved;
    uint8_t reserved[8];

    flags_write(reserved, forbidden);
    TRY(check_choice(&debug, attributes, waived, err));
    CHECK((flags & td_under_debug) == 0, RATLS_ERR_TD_ATTRIBUTES_TUD, FOUND_HEX(attributes.data, attributes.len));
    CHECK((flags & forbidden) == 0, RATLS_ERR_TD_ATTRIBUTES_RESERVED, FOUND_HEX(attributes.data, attributes.len),
          EXPECTED_HEX(reserved, sizeof reserved));
    TRY(check_choices(others, sizeof others / sizeof others[0], attributes, waived, err));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_td(
    const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, ratls_advisories *waived, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes attributes = ratls_quote_body_field(quote, RATLS_FIELD_TD_ATTRIBUTES);
    ratls_bytes xfam = ratls_quote_body_field(quote, RATLS_FIELD_XFAM);
    ratls_bytes service_td = ratls_quote_body_field(quote, RATLS_FIELD_MR_SERVICE_TD);
    ratls_bytes module = ratls_quote_body_field(quote, RATLS_FIELD_MR_SEAM);
    /* Only TD 1.5 reports have it; a bound service TD could migrate this one. */
    const td_choice service = {!ratls_bytes_all_zero(service_td), policy->allow_service_td, RATLS_ERR_SERVICE_TD, "service_td"};
    uint8_t required[8];

    flags_write(required, xfam_required);
    CHECK(attributes.len == 8 && xfam.len == 8, RATLS_ERR_INTERNAL, WHAT("a TDX quote without attributes"));
    TRY(check_td_attributes(policy, attributes, waived, err));
    /* DCAP rules 8: outside what is allowed is a refusal. */
    CHECK((flags_of(xfam) & xfam_required) == xfam_required && (flags_of(xfam) & ~xfam_known) == 0, RATLS_ERR_TD_XFAM,
          FOUND_HEX(xfam.data, xfam.len), EXPECTED_HEX(required, sizeof required));
    TRY(check_choice(&service, service_td, waived, err));
    /* Collateral knows a module by its signer and SVN; its own measurement is held to nothing but being one. */
    CHECK(!ratls_bytes_all_zero(module), RATLS_ERR_TD_MR_SEAM_ZERO, FOUND_HEX(module.data, module.len));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status check_enclave(
    const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, ratls_advisories *waived, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes attributes = ratls_quote_body_field(quote, RATLS_FIELD_ATTRIBUTES);

    CHECK(attributes.len == 16, RATLS_ERR_INTERNAL, WHAT("an SGX quote without attributes"));
    if (ratls_quote_is_debug(quote)) {
        CHECK(policy->allow_debug_mode, RATLS_ERR_ENCLAVE_DEBUG);
        TRY(note_waived(waived, "debug_mode", err));
    }
    CHECK((flags_of(attributes) & enclave_init) != 0, RATLS_ERR_ENCLAVE_INIT);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_policy_check_attributes(
    const ratls_compiled_policy *policy, const ratls_parsed_quote *quote, ratls_advisories *waived, ratls_error **err)
{
    return quote->tee_type == RATLS_TEE_TDX ? check_td(policy, quote, waived, err) : check_enclave(policy, quote, waived, err);
}
