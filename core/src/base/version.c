#include "ratls/ratls.h"

#define TEXT_OF(number) #number
#define DOTTED(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *ratls_version(void)
{
    return DOTTED(RATLS_VERSION_MAJOR, RATLS_VERSION_MINOR, RATLS_VERSION_PATCH);
}

int32_t ratls_abi_version(void)
{
    return RATLS_ABI_VERSION;
}
