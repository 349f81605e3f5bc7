#include "dcap/convergence.h"

static bool is_out_of_date(ratls_tcb_status status)
{
    return status == RATLS_TCB_OUT_OF_DATE || status == RATLS_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

static bool needs_configuration(ratls_tcb_status status)
{
    return status == RATLS_TCB_CONFIGURATION_NEEDED || status == RATLS_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
           status == RATLS_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

static bool is_current(ratls_tcb_status status)
{
    return status == RATLS_TCB_UP_TO_DATE || status == RATLS_TCB_SW_HARDENING_NEEDED || status == RATLS_TCB_CONFIGURATION_NEEDED ||
           status == RATLS_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
}

/* A level's own status: the verdict of a relaunch is none. */
static bool is_level_status(ratls_tcb_status status)
{
    return is_current(status) || is_out_of_date(status) || status == RATLS_TCB_REVOKED;
}

static bool is_component_status(ratls_tcb_status status)
{
    return status == RATLS_TCB_UP_TO_DATE || status == RATLS_TCB_OUT_OF_DATE || status == RATLS_TCB_REVOKED;
}

ratls_tcb_status ratls_tcb_converge(ratls_tcb_status platform, ratls_tcb_status module, ratls_tcb_status qe)
{
    if (!is_level_status(platform) || !is_component_status(qe) || (module != RATLS_TCB_NONE && !is_component_status(module))) {
        return RATLS_TCB_NONE;
    }
    if (platform == RATLS_TCB_REVOKED || module == RATLS_TCB_REVOKED || qe == RATLS_TCB_REVOKED) {
        return RATLS_TCB_REVOKED;
    }
    if (module == RATLS_TCB_OUT_OF_DATE || qe == RATLS_TCB_OUT_OF_DATE) {
        return needs_configuration(platform) ? RATLS_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED : RATLS_TCB_OUT_OF_DATE;
    }
    return platform;
}

ratls_tcb_status ratls_tcb_relaunch(ratls_tcb_status launch, ratls_tcb_status current, bool *by_current)
{
    *by_current = false;
    if (!is_level_status(launch) || !is_level_status(current)) {
        return RATLS_TCB_NONE;
    }
    if (is_out_of_date(launch) && is_current(current)) {
        return needs_configuration(launch) || needs_configuration(current) ? RATLS_TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
                                                                          : RATLS_TCB_TD_RELAUNCH_ADVISED;
    }
    /* Intel returns the launch's status here even when the current module is worse; we return the worse one. */
    *by_current = (current == RATLS_TCB_REVOKED && launch != RATLS_TCB_REVOKED) || (is_out_of_date(current) && is_current(launch));
    return *by_current ? current : launch;
}
