/** Tests as tables: one valid world, one thing wrong in it, one code. */
#ifndef RATLS_TEST_DCAP_CASES_H
#define RATLS_TEST_DCAP_CASES_H

#include "dcap/pki.h"
#include "support/unit.h"

typedef struct {
    const char *name; /* of what is wrong */
    pki_kind kind;
    void (*change)(pki *world); /* to the recipes, before anything is signed */
    void (*damage)(pki *world); /* to what was built; may be NULL */
    ratls_status code;
    ratls_tcb_status tcb_status; /* expected when the code is RATLS_OK */
    int64_t late;                /* seconds after PKI_NOW at which it is verified */
} dcap_case;

/** Run every case as a test of its own; returns what main() returns. */
int dcap_cases_run(const char *group, const dcap_case *cases, size_t len);

#define DCAP_CASES_RUN(group, cases) dcap_cases_run((group), (cases), sizeof(cases) / sizeof((cases)[0]))

/** A case of a TDX v4 quote that fails, and one that is accepted as up to date. */
#define FAILS(change, code) {#change, PKI_TDX_V4, change, NULL, RATLS_ERR_##code, RATLS_TCB_NONE, 0}
#define PASSES(change) {#change, PKI_TDX_V4, change, NULL, RATLS_OK, RATLS_TCB_UP_TO_DATE, 0}
/** The same on another kind of quote. */
#define FAILS_ON(kind, change, code) {#change " (" #kind ")", kind, change, NULL, RATLS_ERR_##code, RATLS_TCB_NONE, 0}
#define PASSES_ON(kind, change) {#change " (" #kind ")", kind, change, NULL, RATLS_OK, RATLS_TCB_UP_TO_DATE, 0}
/** Accepted with a status. */
#define GIVES(kind, change, status) {#change, kind, change, NULL, RATLS_OK, RATLS_TCB_##status, 0}
/** Verified some seconds after PKI_NOW. */
#define FAILS_LATE(seconds, change, code) {#change, PKI_TDX_V4, change, NULL, RATLS_ERR_##code, RATLS_TCB_NONE, seconds}
#define PASSES_LATE(seconds, change) {#change, PKI_TDX_V4, change, NULL, RATLS_OK, RATLS_TCB_UP_TO_DATE, seconds}
/** What was built is damaged. */
#define DAMAGED(damage, code) {#damage, PKI_TDX_V4, NULL, damage, RATLS_ERR_##code, RATLS_TCB_NONE, 0}

#endif
