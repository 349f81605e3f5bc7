# Builders of inputs for tests of any area.
add_library(ratls_test_support STATIC
  support/buffer.c support/certificate_builder.c support/envelope_builder.c support/quote_builder.c)
target_include_directories(ratls_test_support PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(ratls_test_support PUBLIC ratls_static PRIVATE ratls_compile_options)

# ratls_unit_test() with the builders.
function(ratls_built_test name)
  ratls_unit_test(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE ratls_test_support)
endfunction()

ratls_unit_test(base_base64_test base/base64_test.c)
ratls_unit_test(base_bytes_test base/bytes_test.c)
ratls_unit_test(base_cancel_test base/cancel_test.c)
ratls_unit_test(base_clock_test base/clock_test.c)
ratls_unit_test(base_digest_test base/digest_test.c)
ratls_unit_test(base_error_test base/error_test.c)
ratls_unit_test(base_keccak256_test base/keccak256_test.c)
ratls_unit_test(base_options_test base/options_test.c)
ratls_unit_test(base_reader_test base/reader_test.c)
ratls_unit_test(base_secret_test base/secret_test.c)
ratls_unit_test(base_text_test base/text_test.c)
ratls_unit_test(base_time_test base/time_test.c)
ratls_unit_test(base_utf8_test base/utf8_test.c)
ratls_unit_test(base_version_test base/version_test.c)
ratls_built_test(base_certificate_test base/certificate_test.c)
ratls_built_test(base_der_test base/der_test.c)
ratls_built_test(base_pem_test base/pem_test.c)
