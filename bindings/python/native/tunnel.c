#include "settings.h"

#define ROW(name, kind) {#name, kind, offsetof(ratls_tunnel_options, name)}

static const ratls_py_setting tunnel_settings[] = {
    ROW(host, RATLS_PY_TEXT),
    ROW(port, RATLS_PY_INT32),
    ROW(server_name, RATLS_PY_TEXT),
    ROW(connect_timeout_ms, RATLS_PY_INT64),
    ROW(handshake_timeout_ms, RATLS_PY_INT64),
    ROW(start_tls, RATLS_PY_INT32),
    ROW(tcp_user_timeout_ms, RATLS_PY_INT64),
    ROW(keepalive_idle_s, RATLS_PY_INT32),
    ROW(keepalive_interval_s, RATLS_PY_INT32),
    ROW(keepalive_count, RATLS_PY_INT32),
    ROW(client_attestation, RATLS_PY_INT32),
    ROW(dstack_socket, RATLS_PY_TEXT),
    ROW(dstack_simulator_endpoint, RATLS_PY_TEXT),
    ROW(dstack_timeout_ms, RATLS_PY_INT64),
    ROW(leader, RATLS_PY_LEADER),
    ROW(leader_drain_ms, RATLS_PY_INT64),
};

typedef struct {
    ratls_tunnel **out;
    ratls_verifier *verifier;
    const ratls_tunnel_options *options;
    ratls_cancel *cancel;
    ratls_error **err;
    ratls_status status;
} opening;

static void run_opening(void *argument)
{
    opening *o = argument;

    o->status = ratls_tunnel_open(o->out, o->verifier, o->options, o->cancel, o->err);
}

ratls_status open_tunnel(
    ratls_tunnel **out, ratls_verifier *verifier, PyObject *given, const ratls_verify_options *verify, ratls_cancel *cancel,
    int32_t watched, ratls_error **err)
{
    ratls_tunnel_options options;
    ratls_py_lists lists = {.used = 0};
    opening o = {out, verifier, &options, cancel, err, RATLS_ERR_INTERNAL};

    ratls_tunnel_options_init(&options, sizeof options);
    options.verify = verify;
    options.peer = RATLS_PEER_SAME_PROCESS;
    options.spelling = RATLS_SPELLING_PYTHON;
    options.log = ratls_py_log;
    if (!ratls_py_read_settings(&options, &lists, tunnel_settings, sizeof tunnel_settings / sizeof tunnel_settings[0], given)) {
        return RATLS_ERR_INTERNAL;
    }
    Py_BEGIN_ALLOW_THREADS
    if (watched == 0) {
        run_opening(&o);
    } else if (!ratls_py_watch(run_opening, &o, cancel) && o.status == RATLS_OK) {
        ratls_tunnel_close(*out);
        *out = NULL;
        o.status = RATLS_ERR_CANCELLED;
    }
    Py_END_ALLOW_THREADS
    return o.status;
}
