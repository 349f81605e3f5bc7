# Tests of what fetches and keeps collateral: a web, clocks and chance of their own.
add_library(ratls_collateral_test_support STATIC collateral/service.c)
target_link_libraries(ratls_collateral_test_support PUBLIC ratls_dcap_test_support PRIVATE ratls_compile_options)

function(ratls_collateral_test name)
  ratls_unit_test(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE ratls_collateral_test_support)
endfunction()

ratls_collateral_test(collateral_answer_test collateral/answer_test.c)
ratls_collateral_test(collateral_entry_test collateral/entry_test.c)
ratls_unit_test(collateral_disk_test collateral/disk_test.c)
ratls_collateral_test(collateral_sources_test collateral/sources_test.c)
ratls_collateral_test(collateral_store_test collateral/store_test.c)
ratls_collateral_test(collateral_verifier_test collateral/verifier_test.c)
