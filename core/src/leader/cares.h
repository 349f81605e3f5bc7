/** c-ares, as it is used here: functions that its releases of the last ten years have in common. Later ones call some of them
 *  deprecated. */
#ifndef RATLS_LEADER_CARES_H
#define RATLS_LEADER_CARES_H

#define CARES_NO_DEPRECATED

#include <ares.h>

#endif
