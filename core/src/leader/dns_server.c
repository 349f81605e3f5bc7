#include "leader/dns_server.h"

#include <arpa/inet.h>
#include <string.h>

enum { PORT_MAX = 65535, TEXT_MAX = INET6_ADDRSTRLEN + 8 /* with brackets and a port */ };

static bool read_port(uint16_t *out, const char *digits)
{
    uint32_t port = 0;

    for (const char *next = digits; *next != '\0'; next++) {
        if (*next < '0' || *next > '9' || port > PORT_MAX) {
            return false;
        }
        port = 10 * port + (uint32_t)(*next - '0');
    }
    *out = (uint16_t)port;
    return digits[0] != '\0' && port >= 1 && port <= PORT_MAX;
}

static bool read_address(ratls_dns_server *out, const char *text, bool bracketed)
{
    if (!bracketed && inet_pton(AF_INET, text, &out->address.v4) == 1) {
        out->family = AF_INET;
        return true;
    }
    out->family = AF_INET6;
    return inet_pton(AF_INET6, text, &out->address.v6) == 1;
}

/* Cut `text`, which is ours, into address and port; *port NULL: none. */
static bool split(char *text, char **address, char **port, bool *bracketed)
{
    char *colon = strchr(text, ':');

    *bracketed = text[0] == '[';
    *address = *bracketed ? text + 1 : text;
    *port = NULL;
    if (*bracketed) {
        char *end = strchr(text, ']');

        if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
            return false;
        }
        *port = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *port = colon + 1;
        *colon = '\0';
    }
    return true;
}

ratls_status ratls_dns_server_read(ratls_dns_server *out, const char *text, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_dns_server made = {.port = RATLS_DNS_PORT};
    size_t len = text == NULL ? 0 : strnlen(text, TEXT_MAX + 1);
    char copy[TEXT_MAX + 1] = {0};
    char *address = NULL, *port = NULL;
    bool bracketed = false;

    if (len > 0 && len <= TEXT_MAX) {
        memcpy(copy, text, len);
    }
    CHECK(copy[0] != '\0' && split(copy, &address, &port, &bracketed) && (port == NULL || read_port(&made.port, port)) &&
              read_address(&made, address, bracketed),
          RATLS_ERR_OPTION_VALUE, ratls_detail_text("option", "dns_servers"), ratls_detail_chars("found", (ratls_bytes){(const uint8_t *)text, len}),
          EXPECTED("ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT"));
    *out = made;
    status = RATLS_OK;
out:
    return status;
}
