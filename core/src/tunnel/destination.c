#include "tunnel/destination.h"

#include "tunnel/place.h"

ratls_status ratls_destination_find(
    ratls_destination *out, const ratls_upstream *base, ratls_leader *leader, ratls_deadline deadline, const ratls_cancel *cancel,
    ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_leader_record *record;

    *out = (ratls_destination){.upstream = *base};
    if (leader == NULL) {
        return RATLS_OK;
    }
    out->upstream.host = out->upstream.service = out->upstream.label = out->upstream.server_name = NULL;
    TRY(ratls_leader_current(&out->term, leader, deadline, cancel, err));
    record = ratls_leader_term_record(out->term);
    TRY(ratls_upstream_set_place(&out->upstream, ratls_leader_record_host(record), ratls_leader_record_port(record), NULL, err));
    return RATLS_OK;
out:
    ratls_upstream_clear_place(&out->upstream);
    ratls_leader_term_free(out->term);
    *out = (ratls_destination){0};
    return status;
}

const ratls_cancel *ratls_destination_over(const ratls_destination *destination)
{
    return destination->term == NULL ? NULL : ratls_leader_term_over(destination->term);
}

void ratls_destination_clear(ratls_destination *destination)
{
    if (destination->term != NULL) {
        ratls_upstream_clear_place(&destination->upstream);
        ratls_leader_term_free(destination->term);
    }
    *destination = (ratls_destination){0};
}
