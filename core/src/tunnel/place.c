#include "tunnel/place.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static ratls_status check_host(const char *host, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t len = host == NULL ? 0 : strnlen(host, RATLS_HOST_NAME_MAX + 1);

    CHECK(len > 0 && len <= RATLS_HOST_NAME_MAX, RATLS_ERR_UPSTREAM_INVALID,
          ratls_detail_chars("found", (ratls_bytes){(const uint8_t *)host, len}), EXPECTED("a host name of 1 to 253 characters, or an address"));
    for (size_t i = 0; i < len; i++) {
        CHECK(host[i] > ' ' && host[i] <= '~' && host[i] != '/', RATLS_ERR_UPSTREAM_INVALID, FOUND(host),
              EXPECTED("a host name or an address, without spaces, slashes and control characters"));
    }
    status = RATLS_OK;
out:
    return status;
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    /* A scope ("fe80::1%eth0") makes it no less an address; no DNS name has a colon. */
    return inet_pton(AF_INET, host, address) == 1 || strchr(host, ':') != NULL;
}

/* SNI: the name that was given, or the host unless it is an address (RFC 6066 3), without the dot of the root. */
static ratls_status copy_server_name(char **out, const char *host, const char *server_name, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const char *name = server_name == NULL ? host : server_name;
    size_t len;

    TRY(check_host(name, err));
    if (is_address(name)) {
        CHECK(server_name == NULL, RATLS_ERR_UPSTREAM_INVALID, FOUND(name), EXPECTED("a DNS name for the server_name"));
        return RATLS_OK;
    }
    len = strlen(name);
    *out = strndup(name, len > 1 && name[len - 1] == '.' ? len - 1 : len);
    CHECK(*out != NULL, RATLS_ERR_OUT_OF_MEMORY);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_upstream_set_place(ratls_upstream *upstream, const char *host, int32_t port, const char *server_name, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_text service = {0}, label = {0};
    bool bracketed;

    TRY(check_host(host, err));
    bracketed = strchr(host, ':') != NULL;
    ratls_text_add_number(&service, port);
    ratls_text_add(&label, bracketed ? "[" : "");
    ratls_text_add(&label, host);
    ratls_text_add(&label, bracketed ? "]:" : ":");
    ratls_text_add_number(&label, port);
    upstream->host = strdup(host);
    upstream->service = ratls_text_take(&service);
    upstream->label = ratls_text_take(&label);
    CHECK(upstream->host != NULL && upstream->service != NULL && upstream->label != NULL, RATLS_ERR_OUT_OF_MEMORY);
    TRY(copy_server_name(&upstream->server_name, host, server_name, err));
    status = RATLS_OK;
out:
    return status;
}

void ratls_upstream_clear_place(ratls_upstream *upstream)
{
    free(upstream->host);
    free(upstream->service);
    free(upstream->label);
    free(upstream->server_name);
    upstream->host = upstream->service = upstream->label = upstream->server_name = NULL;
}
