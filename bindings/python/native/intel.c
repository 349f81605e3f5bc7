/* Intel Trust Authority's verifier, and those made of others. */
#include "settings.h"

static const ratls_py_setting intel_settings[] = {
    {"api_key", RATLS_PY_TEXT, offsetof(ratls_intel_options, api_key)},
    {"region", RATLS_PY_TEXT, offsetof(ratls_intel_options, region)},
    {"base_url", RATLS_PY_TEXT, offsetof(ratls_intel_options, base_url)},
    {"portal_url", RATLS_PY_TEXT, offsetof(ratls_intel_options, portal_url)},
    {"policy_ids", RATLS_PY_LIST, offsetof(ratls_intel_options, policy_ids)},
    {"allowed_algorithms", RATLS_PY_LIST, offsetof(ratls_intel_options, allowed_algorithms)},
    {"crl_hosts", RATLS_PY_LIST, offsetof(ratls_intel_options, crl_hosts)},
    {"pinned_roots", RATLS_PY_BYTES, offsetof(ratls_intel_options, pinned_roots)},
    {"ca", RATLS_PY_BYTES, offsetof(ratls_intel_options, ca)},
    {"proxy", RATLS_PY_TEXT, offsetof(ratls_intel_options, proxy)},
    {"no_proxy", RATLS_PY_TEXT, offsetof(ratls_intel_options, no_proxy)},
    {"attempt_timeout_ms", RATLS_PY_INT64, offsetof(ratls_intel_options, attempt_timeout_ms)},
    {"http_connect_timeout_ms", RATLS_PY_INT64, offsetof(ratls_intel_options, http_connect_timeout_ms)},
    {"api_version", RATLS_PY_INT32, offsetof(ratls_intel_options, api_version)},
    {"attempts", RATLS_PY_INT32, offsetof(ratls_intel_options, attempts)},
    {"requests_per_second", RATLS_PY_INT32, offsetof(ratls_intel_options, requests_per_second)},
    {"crl_policy", RATLS_PY_INT32, offsetof(ratls_intel_options, crl_policy)},
    {"min_rsa_bits", RATLS_PY_INT32, offsetof(ratls_intel_options, min_rsa_bits)},
    {"policy_must_match", RATLS_PY_INT32, offsetof(ratls_intel_options, policy_must_match)},
    {"allow_unmatched_policies", RATLS_PY_INT32, offsetof(ratls_intel_options, allow_unmatched_policies)},
    {"relaxed_chain", RATLS_PY_INT32, offsetof(ratls_intel_options, relaxed_chain)},
};

PyObject *new_intel_verifier(PyObject *given)
{
    ratls_intel_options options;
    ratls_py_lists lists = {.used = 0};
    ratls_verifier *verifier = NULL;
    ratls_error *error = NULL;
    ratls_status status;

    ratls_intel_options_init(&options, sizeof options);
    options.log = ratls_py_log;
    if (!ratls_py_read_settings(&options, &lists, intel_settings, sizeof intel_settings / sizeof intel_settings[0], given)) {
        return NULL;
    }
    status = ratls_verifier_new_intel(&verifier, &options, &error);
    if (status != RATLS_OK) {
        ratls_py_raise(error, status);
        ratls_error_free(error);
        return NULL;
    }
    return ratls_py_verifier(verifier);
}

PyObject *new_combined_verifier(PyObject *handles, int all)
{
    ratls_verifier *verifiers[RATLS_COMBINED_MAX] = {NULL};
    ratls_verifier_options options;
    ratls_verifier *verifier = NULL;
    ratls_error *error = NULL;
    Py_ssize_t length = PyList_Size(handles);
    ratls_status status;

    ratls_verifier_options_init(&options, sizeof options);
    options.log = ratls_py_log;
    for (Py_ssize_t i = 0; i < length && i < RATLS_COMBINED_MAX; i++) {
        verifiers[i] = PyCapsule_GetPointer(PyList_GetItem(handles, i), "ratls_verifier");
        if (verifiers[i] == NULL) {
            return NULL;
        }
    }
    if (length < 0) {
        return NULL;
    }
    status = all ? ratls_verifier_new_all(&verifier, verifiers, (size_t)length, &options, &error)
                 : ratls_verifier_new_first(&verifier, verifiers, (size_t)length, &options, &error);
    if (status != RATLS_OK) {
        ratls_py_raise(error, status);
        ratls_error_free(error);
        return NULL;
    }
    return ratls_py_verifier(verifier);
}
