#include "leader/leader_url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "leader/manifest.h"

enum { HOST_MAX = 253 /* characters of a DNS name */, PORT_MAX = 65535, PORT_DIGITS = 5 };

static const char scheme[] = "https://";

/* What is between the scheme and the path, the query or the fragment. */
static bool find_authority(ratls_bytes *out, ratls_bytes url)
{
    const size_t skip = sizeof scheme - 1;
    size_t end = skip;

    if (url.len < skip || memcmp(url.data, scheme, skip) != 0) {
        return false;
    }
    while (end < url.len && url.data[end] != '/' && url.data[end] != '?' && url.data[end] != '#') {
        end++;
    }
    *out = (ratls_bytes){url.data + skip, end - skip};
    return true;
}

/* Decimal digits without a 0 before them. */
static bool read_port(int32_t *out, ratls_bytes digits)
{
    int32_t port = 0;

    if (digits.len == 0 || digits.len > PORT_DIGITS || digits.data[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return false;
        }
        port = 10 * port + (digits.data[i] - '0');
    }
    *out = port;
    return port <= PORT_MAX;
}

/* The program may have a locale in which tolower() knows other letters. */
static uint8_t lower(uint8_t letter)
{
    return letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter - 'A' + 'a') : letter;
}

static bool is_name(const char *host)
{
    for (const char *next = host; *next != '\0'; next++) {
        if (!(*next >= 'a' && *next <= 'z') && !(*next >= '0' && *next <= '9') && strchr("-._", *next) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_host(const char *host, bool bracketed)
{
    struct in6_addr address;

    return bracketed ? inet_pton(AF_INET6, host, &address) == 1 : is_name(host);
}

/* The host and what follows it: nothing, or ':' and the port. */
static bool split_authority(ratls_bytes *host, ratls_bytes *after, bool *bracketed, ratls_bytes authority)
{
    const uint8_t *end;

    *bracketed = authority.len > 0 && authority.data[0] == '[';
    end = authority.len == 0 ? NULL : memchr(authority.data, *bracketed ? ']' : ':', authority.len);
    if (*bracketed) {
        if (end == NULL) {
            return false;
        }
        *host = (ratls_bytes){authority.data + 1, (size_t)(end - authority.data) - 1};
        end++;
    } else {
        end = end == NULL ? authority.data + authority.len : end;
        *host = (ratls_bytes){authority.data, (size_t)(end - authority.data)};
    }
    *after = (ratls_bytes){end, authority.len - (size_t)(end - authority.data)};
    return host->len > 0 && host->len <= HOST_MAX && (after->len == 0 || after->data[0] == ':');
}

ratls_status ratls_leader_url_read(char **host, int32_t *port, ratls_bytes url, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_bytes authority = {0}, name = {0}, after = {0};
    int32_t found = RATLS_MANIFEST_PORT_DEFAULT;
    char *made = NULL;
    bool bracketed = false;

    *host = NULL;
    *port = 0;
    CHECK(find_authority(&authority, url) && split_authority(&name, &after, &bracketed, authority) &&
              (after.len == 0 || read_port(&found, (ratls_bytes){after.data + 1, after.len - 1})),
          RATLS_ERR_LEADER_URL, ratls_detail_chars("found", url));
    made = calloc(1, name.len + 1);
    CHECK(made != NULL, RATLS_ERR_OUT_OF_MEMORY);
    for (size_t i = 0; i < name.len; i++) {
        made[i] = (char)lower(name.data[i]);
    }
    CHECK(is_host(made, bracketed), RATLS_ERR_LEADER_URL, ratls_detail_chars("found", url));
    *host = made;
    *port = found;
    return RATLS_OK;
out:
    free(made);
    return status;
}
