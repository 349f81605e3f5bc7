/** Minimal evidence for tests: quotes that are well formed and signed by nobody, and certificates that carry them. */
#ifndef RATLS_TESTS_EVIDENCE_BUILDER_H
#define RATLS_TESTS_EVIDENCE_BUILDER_H

#include "evidence/quote.h"

enum { BUILT_QUOTE_MAX = 2048, BUILT_CERTIFICATE_MAX = 4096 };

typedef struct {
    uint8_t bytes[BUILT_QUOTE_MAX];
    size_t len;
    size_t body; /* where the body begins */
    bool td;
} built_quote;

typedef struct {
    uint8_t der[BUILT_CERTIFICATE_MAX];
    size_t len;
} built_certificate;

/** Acceptable attributes; every measurement has bytes of its own: mr_td 91a0…, rtmr0 a0…, and so on. */
void build_td10(built_quote *out); /* v4 */
void build_td15(built_quote *out); /* v5, body type 3 */
void build_sgx(built_quote *out);  /* v3 */

/** The field's bytes in the quote, to look at or to change. */
uint8_t *built_field(built_quote *quote, ratls_field field);

/** The quote, parsed; it borrows. Fails the test when it does not parse. */
ratls_parsed_quote parsed(const built_quote *quote);

/** A certificate of the test's own key with this payload under 1.3.6.1.4.1.62397.1.1; NULL: without it. */
void build_certificate(built_certificate *out, const uint8_t *payload, size_t len);

/** A certificate with the quote, whose REPORTDATA is first made to bind the test's key. */
void build_bound_certificate(built_certificate *out, built_quote *quote);

/** REPORTDATA that binds the test's key. */
void key_report_data(uint8_t out[64]);

#endif
