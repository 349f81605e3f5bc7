#include "tunnel/attested.h"
#include "tunnel/keeper.h"
#include "tunnel/settings.h"

ratls_status ratls_tunnel_fetch_certificate(
    uint8_t **certificate, size_t *certificate_len, const ratls_tunnel_options *options, ratls_cancel *cancel, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_tunnel_settings settings = {0};
    ratls_keeper *keeper = NULL;

    if (err != NULL) {
        *err = NULL;
    }
    if (certificate != NULL) {
        *certificate = NULL;
    }
    if (certificate_len != NULL) {
        *certificate_len = 0;
    }
    CHECK(certificate != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "certificate"), WHAT("it is NULL"));
    CHECK(certificate_len != NULL, RATLS_ERR_ARGUMENT_INVALID, ratls_detail_text("argument", "certificate_len"), WHAT("it is NULL"));
    TRY(ratls_tunnel_settings_read(&settings, options, err));
    CHECK(settings.leader == NULL, RATLS_ERR_UPSTREAM_INVALID, FOUND("leader"), EXPECTED("a host"));
    if (settings.upstream.agent.wanted >= 0) {
        TRY(ratls_keeper_new(&keeper, &settings.upstream.agent, &ratls_agent_usual_places, err));
        settings.upstream.keeper = keeper;
    }
    TRY(ratls_attested_fetch(certificate, certificate_len, &settings.upstream, cancel, err));
    status = RATLS_OK;
out:
    ratls_keeper_free(keeper);
    ratls_tunnel_settings_clear(&settings);
    return status;
}
