#include "agent/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/http.h"

enum { AGENT_TIMEOUT_MS_MAX = INT32_MAX };

bool ratls_agent_is_url(const char *endpoint)
{
    return strncmp(endpoint, "http://", 7) == 0 || strncmp(endpoint, "https://", 8) == 0;
}

static bool is_printable(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return len > 0 && len <= max;
}

static ratls_status copy_socket(char **out, const char *path, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    /* A key that comes from somewhere else than this machine is no key of this TEE. */
    CHECK(is_printable(path, RATLS_AGENT_SOCKET_MAX) && strstr(path, "://") == NULL, RATLS_ERR_OPTION_VALUE,
          ratls_detail_text("option", "dstack_socket"), FOUND(path), EXPECTED("the path of a Unix socket, 1 to 107 bytes"));
    *out = strdup(path);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

static ratls_status copy_simulator(char **out, const char *endpoint, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(is_printable(endpoint, ratls_agent_is_url(endpoint) ? RATLS_HTTP_URL_MAX / 2 : RATLS_AGENT_SOCKET_MAX), RATLS_ERR_ARGUMENT_INVALID,
          ratls_detail_text("argument", "DSTACK_SIMULATOR_ENDPOINT"), WHAT("expected an http or https URL, or the path of a Unix socket"));
    *out = strdup(endpoint);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

/* The environment decides who makes the key only where the caller plays with simulators anyway, and never where the environment
 * is somebody else's than the process's rights (evidence format 5.1). */
static bool heeds_environment(const ratls_tunnel_options *options)
{
    ratls_verify_options policy = {0};

    if (options->verify != NULL) {
        size_t size = options->verify->size < sizeof policy ? options->verify->size : sizeof policy;

        memcpy(&policy, options->verify, size);
    }
    return policy.allow_simulator == 1 && getauxval(AT_SECURE) == 0;
}

static ratls_status check_numbers(const ratls_tunnel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(options->client_attestation >= -1 && options->client_attestation <= 1, RATLS_ERR_OPTION_VALUE,
          ratls_detail_text("option", "client_attestation"), FOUND_NUMBER(options->client_attestation), EXPECTED("1, 0 or -1"));
    CHECK(options->dstack_timeout_ms >= 0 && options->dstack_timeout_ms <= AGENT_TIMEOUT_MS_MAX, RATLS_ERR_OPTION_VALUE,
          ratls_detail_text("option", "dstack_timeout_ms"), FOUND_NUMBER(options->dstack_timeout_ms), EXPECTED("0 to 2147483647"));
    CHECK(options->reserved_client == 0, RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "reserved_client"),
          FOUND_NUMBER(options->reserved_client), EXPECTED("0"));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_agent_settings_read(ratls_agent_settings *out, const ratls_tunnel_options *options, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *simulator = options->dstack_simulator_endpoint;

    memset(out, 0, sizeof *out);
    TRY(check_numbers(options, err));
    out->wanted = options->client_attestation;
    out->timeout_ms = options->dstack_timeout_ms == 0 ? RATLS_DSTACK_TIMEOUT_MS_DEFAULT : options->dstack_timeout_ms;
    if (options->dstack_socket != NULL) {
        TRY(copy_socket(&out->socket, options->dstack_socket, err));
    } else if (simulator != NULL && simulator[0] != '\0') {
        out->simulator_ignored = !heeds_environment(options);
        if (!out->simulator_ignored) {
            TRY(copy_simulator(&out->simulator, simulator, err));
        }
    }
    status = RATLS_OK;
out:
    return status;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool ratls_agent_settings_same_agent(const ratls_agent_settings *a, const ratls_agent_settings *b)
{
    return same_text(a->socket, b->socket) && same_text(a->simulator, b->simulator) && a->simulator_ignored == b->simulator_ignored &&
           a->timeout_ms == b->timeout_ms;
}

bool ratls_agent_settings_equal(const ratls_agent_settings *a, const ratls_agent_settings *b)
{
    return ratls_agent_settings_same_agent(a, b) && a->wanted == b->wanted;
}

void ratls_agent_settings_clear(ratls_agent_settings *settings)
{
    free(settings->socket);
    free(settings->simulator);
    memset(settings, 0, sizeof *settings);
}
