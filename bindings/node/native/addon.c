/* The addon's registration. */
#include <openssl/crypto.h>

#include "environment.h"
#include "generated.h"

/* setErrors(function): who makes the exceptions. */
static napi_value set_errors(napi_env env, napi_callback_info info)
{
    rn_env *self = NULL;
    size_t given = 1;
    napi_value function;
    napi_valuetype type;

    if (!rn_ok(env, napi_get_instance_data(env, (void **)&self)) ||
        !rn_ok(env, napi_get_cb_info(env, info, &given, &function, NULL, NULL)) ||
        !rn_ok(env, napi_typeof(env, function, &type))) {
        return NULL;
    }
    if (self == NULL || self->errors != NULL || type != napi_function) {
        rn_throw_type(env, "setErrors", "one call, with a function");
        return NULL;
    }
    if (!rn_ok(env, napi_create_reference(env, function, 1, &self->errors))) {
        return NULL;
    }
    return rn_undefined(self);
}

NAPI_MODULE_INIT()
{
    rn_env *self;
    napi_value function;

    /* OpenSSL in here is ours alone: it must not follow the system's configuration, which may load providers that bind
     * to node's OpenSSL, and must not be torn down at exit while threads still run. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1) {
        (void)napi_throw_error(env, NULL, "OpenSSL does not start");
        return NULL;
    }
    if (ratls_abi_version() != RATLS_ABI_VERSION) {
        (void)napi_throw_error(env, NULL, "the addon was built for another version of the core");
        return NULL;
    }
    self = rn_env_new(env);
    if (self == NULL || !rn_define_generated(self, exports) ||
        !rn_ok(env, napi_create_function(env, "setErrors", NAPI_AUTO_LENGTH, set_errors, NULL, &function)) ||
        !rn_ok(env, napi_set_named_property(env, exports, "setErrors", function))) {
        return NULL;
    }
    return exports;
}
