/** The parts of collateral, each fetched, verified and kept by itself: platforms share most of them. */
#ifndef RATLS_COLLATERAL_PART_H
#define RATLS_COLLATERAL_PART_H

#include <stdatomic.h>

#include "dcap/bundle.h"
#include "collateral/platform.h"

typedef enum {
    RATLS_PART_ROOT_CRL,
    RATLS_PART_PCK_CRL,
    RATLS_PART_TCB_INFO,
    RATLS_PART_QE_IDENTITY,
    RATLS_PARTS
} ratls_part_kind;

enum {
    RATLS_PART_NAME_MAX = 48,   /* of ratls_part_name(), with its NUL */
    RATLS_PART_SUBJECT_MAX = 64 /* of ratls_part_subject() */
};

/** Which part: of `platform` only what the kind depends on, zero otherwise. */
typedef struct {
    ratls_part_kind kind;
    bool early; /* of the early set of TCB data */
    ratls_platform_id platform;
} ratls_part_id;

ratls_part_id ratls_part_id_of(ratls_part_kind kind, const ratls_platform_id *platform, bool early);
bool ratls_part_id_equal(const ratls_part_id *a, const ratls_part_id *b);

/** A name of small letters, digits and '-', different for each part: "tcb-info-tdx-00906ea10000-early". */
void ratls_part_name(char out[RATLS_PART_NAME_MAX], const ratls_part_id *id);

/** How messages call it: "TCB info for FMSPC 00906ea10000 (TDX)". */
void ratls_part_subject(char out[RATLS_PART_SUBJECT_MAX], const ratls_part_id *id);

/** Its member in a bundle: "tcb_info". */
const char *ratls_part_member(ratls_part_kind kind);

/** What a part is made of, borrowed. */
typedef struct {
    ratls_bytes content;       /* DER of a CRL; exactly the signed text of a document */
    const uint8_t *signature;  /* 64 bytes; NULL for a CRL, which has its own */
    ratls_bytes chain;         /* PEM: signer, root; empty for the root's CRL */
} ratls_part_source;

/** A part whose signature is verified; immutable and shared. */
typedef struct {
    atomic_size_t holds;
    ratls_bytes content;
    uint8_t signature[64];
    ratls_bytes chain;
    int64_t from;  /* it holds from … */
    int64_t until; /* … to here, its signers' certificates included */
    uint8_t storage[];
} ratls_part;

/** Verify that this is the part that was asked for, whole and signed under the anchor; its dates are only read. */
ratls_status ratls_part_make(
    ratls_part **out, const ratls_part_id *id, const ratls_part_source *source, ratls_trust *trust, ratls_error **err);

/** Fails as a verification with it would when it does not hold at `now`. */
ratls_status ratls_part_check_dates(const ratls_part *part, const ratls_part_id *id, int64_t now, ratls_error **err);

bool ratls_part_holds(const ratls_part *part, int64_t now);

/** The same bytes. */
bool ratls_part_same(const ratls_part *a, const ratls_part *b);

/** Take another hold; each is let go with ratls_part_free(), which accepts NULL. */
ratls_part *ratls_part_hold(ratls_part *part);
void ratls_part_free(ratls_part *part);

#endif
