/* The tunnel of the public header: handles, each a hold on an endpoint that may be shared. */
#include <stdlib.h>
#include <unistd.h>

#include "base/options.h"
#include "tunnel/sharing.h"
#include "verifier/verifier.h"

enum {
    NEWEST = -1, /* instead of a descriptor: the newest verdict */
    NO_DESCRIPTOR = -2
};

struct ratls_tunnel {
    pid_t owner; /* the process that opened it: threads and connections are its */
    ratls_share *share;
};

void ratls_tunnel_options_init(ratls_tunnel_options *options, size_t size)
{
    ratls_options_init(options, size);
}

static ratls_status check_owner(const ratls_tunnel *tunnel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(tunnel != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "tunnel"), WHAT("it is NULL"));
    CHECK(tunnel->owner == getpid(), RATLS_ERR_TUNNEL_FORKED, EXPECTED_NUMBER(tunnel->owner), FOUND_NUMBER(getpid()));
    status = RATLS_OK;
out:
    return status;
}

static ratls_endpoint *endpoint_of(const ratls_tunnel *tunnel)
{
    return ratls_share_endpoint(tunnel->share);
}

ratls_status ratls_tunnel_open(
    ratls_tunnel **out, ratls_verifier *verifier, const ratls_tunnel_options *options, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_tunnel_settings settings = {0};
    ratls_tunnel *tunnel = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    CHECK(verifier != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "verifier"), WHAT("it is NULL"));
    tunnel = calloc(1, sizeof *tunnel);
    CHECK(tunnel != NULL, RATLS_ERR_OUT_OF_MEMORY);
    tunnel->owner = getpid();
    TRY(ratls_tunnel_settings_read(&settings, options, err));
    TRY(ratls_share_open(&tunnel->share, verifier, &settings, cancel, err));
    *out = tunnel;
    tunnel = NULL;
    status = RATLS_OK;
out:
    free(tunnel);
    return status;
}

const char *ratls_tunnel_directory(const ratls_tunnel *tunnel)
{
    return check_owner(tunnel, NULL) == RATLS_OK ? ratls_endpoint_host(endpoint_of(tunnel)) : NULL;
}

int32_t ratls_tunnel_port(const ratls_tunnel *tunnel)
{
    return check_owner(tunnel, NULL) == RATLS_OK ? ratls_endpoint_settings(endpoint_of(tunnel))->port : 0;
}

/* The newest verdict, or the one of a connection; a hold of the caller's. */
static ratls_status find_verdict(ratls_verdict **out, const ratls_tunnel *tunnel, int fd, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verdicts *verdicts = ratls_endpoint_verdicts(endpoint_of(tunnel));

    if (fd != NEWEST) {
        return ratls_verdicts_find(out, verdicts, fd, err);
    }
    *out = ratls_verdicts_newest(verdicts);
    CHECK(*out != NULL, RATLS_ERR_INTERNAL, WHAT("a tunnel without a verdict"));
    status = RATLS_OK;
out:
    return status;
}

static ratls_status copy_result(ratls_result **out, const ratls_tunnel *tunnel, int fd, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verdict *verdict = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(out != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "out"), WHAT("it is NULL"));
    *out = NULL;
    TRY(check_owner(tunnel, err));
    TRY(find_verdict(&verdict, tunnel, fd, err));
    TRY(ratls_result_copy(out, ratls_verdict_result(verdict), err));
    status = RATLS_OK;
out:
    ratls_verdict_free(verdict);
    return status;
}

ratls_status ratls_tunnel_result(ratls_result **out, const ratls_tunnel *tunnel, ratls_error **err)
{
    return copy_result(out, tunnel, NEWEST, err);
}

ratls_status ratls_tunnel_result_of(ratls_result **out, const ratls_tunnel *tunnel, int32_t fd, ratls_error **err)
{
    /* A descriptor that is none must not ask for the newest. */
    return copy_result(out, tunnel, fd < 0 ? NO_DESCRIPTOR : fd, err);
}

ratls_status ratls_tunnel_evidence(char **json, const ratls_tunnel *tunnel, int32_t fd, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verdict *verdict = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    CHECK(json != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "json"), WHAT("it is NULL"));
    *json = NULL;
    TRY(check_owner(tunnel, err));
    TRY(find_verdict(&verdict, tunnel, fd, err));
    TRY(ratls_verifier_evidence(json, ratls_endpoint_verifier(endpoint_of(tunnel)), ratls_verdict_certificate(verdict),
                                ratls_verdict_result(verdict), err));
    status = RATLS_OK;
out:
    ratls_verdict_free(verdict);
    return status;
}

ratls_error *ratls_tunnel_last_error(const ratls_tunnel *tunnel)
{
    ratls_error *error = NULL;

    return check_owner(tunnel, &error) == RATLS_OK ? ratls_endpoint_last_error(endpoint_of(tunnel)) : error;
}

char *ratls_tunnel_stats(const ratls_tunnel *tunnel)
{
    return check_owner(tunnel, NULL) == RATLS_OK ? ratls_endpoint_stats(endpoint_of(tunnel)) : NULL;
}

void ratls_tunnel_close(ratls_tunnel *tunnel)
{
    if (tunnel == NULL) {
        return;
    }
    if (tunnel->owner == getpid()) {
        ratls_share_close(tunnel->share);
    } else {
        /* A child has neither the threads nor a say on their connections, and a lock may be held for ever. */
        ratls_endpoint_forget(endpoint_of(tunnel));
    }
    free(tunnel);
}
