/* The verifier that checks quotes on this machine, and the calls about its collateral. */
#include "settings.h"

static const ratls_py_setting dcap_settings[] = {
    {"collateral", RATLS_PY_BYTES, offsetof(ratls_dcap_options, collateral)},
    {"trust_anchor", RATLS_PY_BYTES, offsetof(ratls_dcap_options, trust_anchor)},
    {"pccs_urls", RATLS_PY_LIST, offsetof(ratls_dcap_options, pccs_urls)},
    {"pccs_cas", RATLS_PY_LIST, offsetof(ratls_dcap_options, pccs_cas)},
    {"ca", RATLS_PY_BYTES, offsetof(ratls_dcap_options, ca)},
    {"proxy", RATLS_PY_TEXT, offsetof(ratls_dcap_options, proxy)},
    {"no_proxy", RATLS_PY_TEXT, offsetof(ratls_dcap_options, no_proxy)},
    {"cache_dir", RATLS_PY_TEXT, offsetof(ratls_dcap_options, cache_dir)},
    {"attempt_timeout_ms", RATLS_PY_INT64, offsetof(ratls_dcap_options, attempt_timeout_ms)},
    {"http_connect_timeout_ms", RATLS_PY_INT64, offsetof(ratls_dcap_options, http_connect_timeout_ms)},
    {"update_early", RATLS_PY_INT32, offsetof(ratls_dcap_options, update_early)},
};

static const ratls_py_setting collateral_settings[] = {
    {"quote", RATLS_PY_BYTES, offsetof(ratls_collateral_options, quote)},
    {"certificate", RATLS_PY_BYTES, offsetof(ratls_collateral_options, certificate)},
    {"fmspc", RATLS_PY_TEXT, offsetof(ratls_collateral_options, fmspc)},
    {"ca", RATLS_PY_TEXT, offsetof(ratls_collateral_options, ca)},
    {"timeout_ms", RATLS_PY_INT64, offsetof(ratls_collateral_options, timeout_ms)},
    {"warn_days", RATLS_PY_INT64, offsetof(ratls_collateral_options, warn_days)},
    {"sgx", RATLS_PY_INT32, offsetof(ratls_collateral_options, sgx)},
    {"refresh", RATLS_PY_INT32, offsetof(ratls_collateral_options, refresh)},
};

ratls_status new_dcap_verifier(ratls_verifier **out, PyObject *given, ratls_error **err)
{
    ratls_dcap_options options;
    ratls_py_lists lists = {.used = 0};
    ratls_status status;

    ratls_dcap_options_init(&options, sizeof options);
    options.log = ratls_py_log;
    if (!ratls_py_read_settings(&options, &lists, dcap_settings, sizeof dcap_settings / sizeof dcap_settings[0], given)) {
        return RATLS_ERR_INTERNAL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = ratls_verifier_new_dcap(out, &options, err);
    Py_END_ALLOW_THREADS
    return status;
}

static bool read_options(ratls_collateral_options *options, PyObject *given)
{
    ratls_py_lists lists = {.used = 0};

    ratls_collateral_options_init(options, sizeof *options);
    return ratls_py_read_settings(options, &lists, collateral_settings, sizeof collateral_settings / sizeof collateral_settings[0], given);
}

ratls_status warm(ratls_verifier *verifier, PyObject *given, ratls_cancel *cancel, ratls_error **err)
{
    ratls_collateral_options options;
    ratls_status status;

    if (!read_options(&options, given)) {
        return RATLS_ERR_INTERNAL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = ratls_verifier_warm(verifier, &options, cancel, err);
    Py_END_ALLOW_THREADS
    return status;
}

ratls_status fetch_collateral(char **json, ratls_verifier *verifier, PyObject *given, ratls_cancel *cancel, ratls_error **err)
{
    ratls_collateral_options options;
    ratls_status status;

    if (!read_options(&options, given)) {
        return RATLS_ERR_INTERNAL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = ratls_collateral_fetch(json, verifier, &options, cancel, err);
    Py_END_ALLOW_THREADS
    return status;
}

ratls_status check_collateral(char **json, ratls_verifier *verifier, PyObject *given, ratls_cancel *cancel, ratls_error **err)
{
    ratls_collateral_options options;
    ratls_status status;

    if (!read_options(&options, given)) {
        return RATLS_ERR_INTERNAL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = ratls_collateral_check(json, verifier, &options, cancel, err);
    Py_END_ALLOW_THREADS
    return status;
}
