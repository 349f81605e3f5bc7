#include "settings.h"

#define ROW(name, kind) {#name, kind, offsetof(ratls_leader_options, name)}

static const ratls_py_setting leader_settings[] = {
    ROW(domain, RATLS_PY_TEXT),
    ROW(signer, RATLS_PY_TEXT),
    ROW(cluster_address, RATLS_PY_TEXT),
    ROW(dns_servers, RATLS_PY_LIST),
    ROW(state_dir, RATLS_PY_TEXT),
    ROW(timeout_ms, RATLS_PY_INT64),
    ROW(refresh_ms, RATLS_PY_INT64),
    ROW(now, RATLS_PY_INT64),
};

ratls_status new_leader(ratls_leader **out, PyObject *given, ratls_error **err)
{
    ratls_leader_options options;
    ratls_py_lists lists = {.used = 0};
    ratls_status status;

    ratls_leader_options_init(&options, sizeof options);
    options.log = ratls_py_log;
    if (!ratls_py_read_settings(&options, &lists, leader_settings, sizeof leader_settings / sizeof leader_settings[0], given)) {
        return RATLS_ERR_INTERNAL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = ratls_leader_new(out, &options, err);
    Py_END_ALLOW_THREADS
    return status;
}
