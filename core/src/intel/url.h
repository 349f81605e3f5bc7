/** URLs, as far as they matter here: scheme, host, and that nothing unexpected is in them. */
#ifndef RATLS_INTEL_URL_H
#define RATLS_INTEL_URL_H

#include "base/bytes.h"

typedef struct {
    ratls_bytes scheme; /* "https", "http" */
    ratls_bytes host;   /* without port; an IPv6 address without its brackets */
    ratls_bytes rest;   /* from the first slash on; empty when there is none */
} ratls_url;

/** Read scheme://host[:port][/…] with no user, no fragment and only printable ASCII in it. */
bool ratls_url_read(ratls_url *out, ratls_bytes text);

#endif
