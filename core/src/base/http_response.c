/* What an answer's headers say. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/http.h"
#include "base/secret.h"

enum { HTTP_RETRY_AFTER_DIGITS_MAX = 9 };

const char *ratls_http_header(const ratls_http_response *response, const char *name)
{
    size_t name_len = strlen(name);

    for (size_t at = 0; at < response->headers_len; at += strlen(response->headers + at) + 1) {
        const char *line = response->headers + at;

        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            line += name_len + 1;
            return line + strspn(line, " \t");
        }
    }
    return NULL;
}

/* RFC 9110, 10.2.3: seconds, or a date. What is neither, or has passed, says nothing. */
int64_t ratls_http_retry_after(const ratls_http_response *response)
{
    const char *value = ratls_http_header(response, "Retry-After");
    size_t digits = value == NULL ? 0 : strspn(value, "0123456789");
    time_t date;

    if (value == NULL || value[0] == '\0') {
        return -1;
    }
    if (value[digits] == '\0') {
        return digits <= HTTP_RETRY_AFTER_DIGITS_MAX ? (int64_t)strtoll(value, NULL, 10) : INT32_MAX;
    }
    /* Every form of a date begins with the day's name; curl_getdate() alone would make something of less. */
    date = value[0] >= 'A' && value[0] <= 'Z' ? curl_getdate(value, NULL) : -1;
    return date < 0 || date < ratls_clock_wall_s() ? -1 : (int64_t)date - ratls_clock_wall_s();
}

void ratls_http_response_clear(ratls_http_response *response)
{
    if (response->secret_len > 0) {
        ratls_secret_free(response->body, response->secret_len);
    } else {
        free(response->body);
    }
    free(response->headers);
    *response = (ratls_http_response){0};
}
