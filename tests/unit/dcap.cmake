# Tests of the dcap and collateral areas, and of what base has for them.
add_library(ratls_dcap_test_support STATIC dcap/pki.c dcap/pki_certificate.c dcap/cases.c)
target_link_libraries(ratls_dcap_test_support PUBLIC ratls_test_support ${RATLS_CMOCKA_LIBRARY} PRIVATE ratls_compile_options)

# ratls_unit_test() with the PKI of the tests.
function(ratls_dcap_test name)
  ratls_unit_test(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE ratls_dcap_test_support)
endfunction()

ratls_dcap_test(dcap_chain_test dcap/chain_test.c)
ratls_dcap_test(dcap_crl_rules_test dcap/crl_rules_test.c)
ratls_dcap_test(dcap_tcb_info_test dcap/tcb_info_test.c)
ratls_dcap_test(dcap_qe_identity_test dcap/qe_identity_test.c)
ratls_dcap_test(dcap_verify_test dcap/verify_test.c)
ratls_dcap_test(dcap_claims_test dcap/claims_test.c)
ratls_unit_test(dcap_known_test dcap/known_test.c)
ratls_dcap_test(dcap_reuse_test dcap/reuse_test.c)
ratls_unit_test(dcap_convergence_test dcap/convergence_test.c)
ratls_dcap_test(dcap_trust_anchor_test dcap/trust_anchor_test.c)
ratls_dcap_test(collateral_bundle_test dcap/bundle_test.c)
ratls_built_test(base_json_test base/json_test.c)
ratls_built_test(base_json_tree_test base/json_tree_test.c)
ratls_dcap_test(base_crl_test base/crl_test.c)
ratls_dcap_test(base_p256_test base/p256_test.c)
ratls_built_test(dcap_bit_flip_test dcap/bit_flip_test.c)

# Each of these calls in its turn fails.
ratls_dcap_test(dcap_failing_test dcap/failing_test.c)
foreach(call malloc calloc realloc BN_bin2bn ECDSA_SIG_new ECDSA_SIG_set0 ECDSA_do_verify EC_GROUP_new_by_curve_name EC_KEY_new EC_KEY_set_group
    EC_KEY_set_public_key EC_POINT_new EC_POINT_oct2point SHA256_Init SHA256_Update SHA256_Final SHA384_Init SHA384_Update SHA384_Final)
  target_link_options(dcap_failing_test PRIVATE -Wl,--wrap=${call})
endforeach()
