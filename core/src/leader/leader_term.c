#include "leader/leader_term.h"

#include <stdatomic.h>
#include <stdlib.h>

struct ratls_leader_term {
    atomic_size_t holds;
    ratls_leader_record *record;
    ratls_cancel *over;
};

ratls_status ratls_leader_term_new(ratls_leader_term **out, ratls_leader_record *record, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_leader_term *term = calloc(1, sizeof *term);

    *out = NULL;
    CHECK(term != NULL, RATLS_ERR_OUT_OF_MEMORY);
    atomic_init(&term->holds, 1);
    TRY(ratls_cancel_new(&term->over, err));
    term->record = ratls_leader_record_hold(record);
    *out = term;
    return RATLS_OK;
out:
    free(term);
    return status;
}

ratls_leader_term *ratls_leader_term_hold(ratls_leader_term *term)
{
    (void)atomic_fetch_add(&term->holds, 1);
    return term;
}

void ratls_leader_term_free(ratls_leader_term *term)
{
    if (term == NULL || atomic_fetch_sub(&term->holds, 1) != 1) {
        return;
    }
    ratls_leader_record_free(term->record);
    ratls_cancel_free(term->over);
    free(term);
}

const ratls_leader_record *ratls_leader_term_record(const ratls_leader_term *term)
{
    return term->record;
}

void ratls_leader_term_end(ratls_leader_term *term)
{
    ratls_cancel_trigger(term->over);
}

const ratls_cancel *ratls_leader_term_over(const ratls_leader_term *term)
{
    return term->over;
}
