target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/certificate_rules.c
  ${CMAKE_CURRENT_LIST_DIR}/chain.c
  ${CMAKE_CURRENT_LIST_DIR}/convergence.c
  ${CMAKE_CURRENT_LIST_DIR}/crl_rules.c
  ${CMAKE_CURRENT_LIST_DIR}/dates.c
  ${CMAKE_CURRENT_LIST_DIR}/key_extensions.c
  ${CMAKE_CURRENT_LIST_DIR}/level_json.c
  ${CMAKE_CURRENT_LIST_DIR}/name.c
  ${CMAKE_CURRENT_LIST_DIR}/pck_chain.c
  ${CMAKE_CURRENT_LIST_DIR}/prepare.c
  ${CMAKE_CURRENT_LIST_DIR}/qe_identity.c
  ${CMAKE_CURRENT_LIST_DIR}/qe_report.c
  ${CMAKE_CURRENT_LIST_DIR}/signer_chain.c
  ${CMAKE_CURRENT_LIST_DIR}/tcb_info.c
  ${CMAKE_CURRENT_LIST_DIR}/tcb_level.c
  ${CMAKE_CURRENT_LIST_DIR}/trust_anchor.c
  ${CMAKE_CURRENT_LIST_DIR}/verify.c)
