/* TCB info and QE identity as they are read once their signature was verified. */
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"
#include "fuzz.h"

static void read_tcb_info(ratls_bytes text)
{
    ratls_error *error = NULL;
    ratls_tcb_info info;
    ratls_status status = ratls_tcb_info_read(&info, text, &error);

    if (status == RATLS_OK) {
        MUST(info.levels_len > 0 && info.issue_date < info.next_update);
        MUST(info.tdx || info.identities_len == 0);
        for (size_t i = 0; i < info.levels_len; i++) {
            MUST(info.levels[i].verdict.status != RATLS_TCB_NONE);
        }
    } else {
        MUST(info.levels == NULL && info.identities == NULL && ratls_error_code(error) == status);
    }
    ratls_error_free(error);
    ratls_tcb_info_clear(&info);
}

static void read_qe_identity(ratls_bytes text)
{
    ratls_error *error = NULL;
    ratls_qe_identity identity;
    ratls_status status = ratls_qe_identity_read(&identity, text, &error);

    if (status == RATLS_OK) {
        MUST(identity.levels.len > 0 && ratls_isv_levels_find(&identity.levels, UINT16_MAX) == identity.levels.levels);
    } else {
        MUST(identity.levels.levels == NULL && ratls_error_code(error) == status);
    }
    ratls_error_free(error);
    ratls_qe_identity_clear(&identity);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_tcb_info((ratls_bytes){data, size});
    read_qe_identity((ratls_bytes){data, size});
    return 0;
}
