target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/collateral_calls.c
  ${CMAKE_CURRENT_LIST_DIR}/collateral_report.c
  ${CMAKE_CURRENT_LIST_DIR}/combined_verifier.c
  ${CMAKE_CURRENT_LIST_DIR}/custom_claims.c
  ${CMAKE_CURRENT_LIST_DIR}/custom_verifier.c
  ${CMAKE_CURRENT_LIST_DIR}/dcap_verifier.c
  ${CMAKE_CURRENT_LIST_DIR}/evidence_json.c
  ${CMAKE_CURRENT_LIST_DIR}/fetching.c
  ${CMAKE_CURRENT_LIST_DIR}/intel_verifier.c
  ${CMAKE_CURRENT_LIST_DIR}/kept_evidence.c
  ${CMAKE_CURRENT_LIST_DIR}/noop_verifier.c
  ${CMAKE_CURRENT_LIST_DIR}/result.c
  ${CMAKE_CURRENT_LIST_DIR}/verdict_cache.c
  ${CMAKE_CURRENT_LIST_DIR}/verification.c
  ${CMAKE_CURRENT_LIST_DIR}/verifier.c
  ${CMAKE_CURRENT_LIST_DIR}/verify.c)
