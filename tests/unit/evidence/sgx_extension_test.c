#include "support/unit.h"

#include "evidence/sgx_extension.h"
#include "support/certificate_builder.h"
#include "support/quote_builder.h"

/* Read the extension out of a certificate that has it `times` times. */
static ratls_status parse(ratls_sgx_extension *out, sgx_extension_fault fault, size_t times, ratls_error **err)
{
    test_buffer der = {0}, extensions = {0}, value = {0};
    ratls_certificate certificate;
    const char *what = NULL;
    ratls_status status;

    sgx_extension_build(&value, fault);
    for (size_t i = 0; i < times; i++) {
        extension_add(&extensions, sgx_oid, sizeof sgx_oid, &value);
    }
    certificate_build(&der, &extensions, CERTIFICATE_GOOD);
    assert_true(ratls_certificate_parse(&certificate, buffer_bytes(&der), &what));
    status = ratls_sgx_extension_parse(out, &certificate, err);
    buffer_free(&der);
    buffer_free(&extensions);
    buffer_free(&value);
    return status;
}

static void the_platform_form_is_read(void **state)
{
    ratls_sgx_extension sgx;

    (void)state;
    assert_int_equal(parse(&sgx, SGX_EXTENSION_PLATFORM, 1, NULL), RATLS_OK);
    assert_true(sgx.platform);
    for (uint8_t i = 0; i < RATLS_SGX_COMPONENTS; i++) {
        assert_int_equal(sgx.components[i], i + 1);
        assert_int_equal(sgx.cpu_svn[i], i + 1);
    }
    assert_int_equal(sgx.pce_svn, 0x0d0e);
    assert_memory_equal(sgx.pce_id, "\x12\x34", 2);
    assert_memory_equal(sgx.fmspc, "\x50\x60\x70\x00\x00\x01", 6);
    assert_int_equal(sgx.ppid[0], 0xb0);
    assert_int_equal(sgx.sgx_type, 1);
    assert_int_equal(sgx.platform_instance_id[0], 0xa0);
    assert_true(sgx.dynamic_platform);
    assert_false(sgx.cached_keys);
    assert_true(sgx.smt_enabled);
}

static void the_processor_form_is_read(void **state)
{
    ratls_sgx_extension sgx;

    (void)state;
    assert_int_equal(parse(&sgx, SGX_EXTENSION_PROCESSOR, 1, NULL), RATLS_OK);
    assert_false(sgx.platform);
    assert_memory_equal(sgx.fmspc, "\x50\x60\x70\x00\x00\x01", 6);
}

static void a_missing_extension_is_told(void **state)
{
    ratls_sgx_extension sgx;
    ratls_error *error = NULL;

    (void)state;
    ASSERT_FAILS(parse(&sgx, SGX_EXTENSION_PLATFORM, 0, &error), error, RATLS_ERR_DCAP_PCK_SGX_EXT_MISSING);
}

static void the_extension_twice_is_refused(void **state)
{
    ratls_sgx_extension sgx;
    ratls_error *error = NULL;

    (void)state;
    ASSERT_FAILS(parse(&sgx, SGX_EXTENSION_PLATFORM, 2, &error), error, RATLS_ERR_DCAP_PCK_SGX_EXT_FORMAT);
}

static void each_fault_is_refused(void **state)
{
    static const char *const expected[SGX_EXTENSION_FAULT_COUNT] = {
        [SGX_EXTENSION_SIX_ELEMENTS] = "neither five nor seven elements",
        [SGX_EXTENSION_SEVENTEEN_COMPONENTS] = "an element is missing",
        [SGX_EXTENSION_COMPONENT_TWICE] = "an element is there twice",
        [SGX_EXTENSION_COMPONENT_256] = "a TCB component",
        [SGX_EXTENSION_COMPONENT_NEGATIVE] = "a TCB component",
        [SGX_EXTENSION_COMPONENT_NOT_MINIMAL] = "a TCB component",
        [SGX_EXTENSION_PCE_SVN_TOO_LARGE] = "PCESVN",
        [SGX_EXTENSION_CPU_SVN_SHORT] = "CPUSVN",
        [SGX_EXTENSION_FMSPC_5_BYTES] = "FMSPC",
        [SGX_EXTENSION_PCE_ID_3_BYTES] = "PCE-ID",
        [SGX_EXTENSION_PPID_NOT_OCTETS] = "PPID",
        [SGX_EXTENSION_TYPE_3] = "SGX type",
        [SGX_EXTENSION_UNKNOWN_OID] = "an element has an unknown OID",
        [SGX_EXTENSION_FMSPC_TWICE] = "an element is there twice",
        [SGX_EXTENSION_FLAG_NOT_FF] = "a configuration flag",
        [SGX_EXTENSION_FLAG_MISSING] = "an element is missing",
        [SGX_EXTENSION_PAIR_OF_THREE] = "an element is not a pair of OID and value",
        [SGX_EXTENSION_TRAILING] = "not exactly one SEQUENCE",
    };

    (void)state;
    for (sgx_extension_fault fault = SGX_EXTENSION_SIX_ELEMENTS; fault < SGX_EXTENSION_FAULT_COUNT; fault++) {
        ratls_sgx_extension sgx;
        ratls_error *error = NULL;

        assert_int_equal(parse(&sgx, fault, 1, &error), RATLS_ERR_DCAP_PCK_SGX_EXT_FORMAT);
        assert_string_equal(ratls_error_detail(error, "what"), expected[fault]);
        assert_int_equal(sgx.fmspc[0], 0);
        ratls_error_free(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_platform_form_is_read),
        cmocka_unit_test(the_processor_form_is_read),
        cmocka_unit_test(a_missing_extension_is_told),
        cmocka_unit_test(the_extension_twice_is_refused),
        cmocka_unit_test(each_fault_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
