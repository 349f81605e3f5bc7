target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/dns_server.c
  ${CMAKE_CURRENT_LIST_DIR}/leader.c
  ${CMAKE_CURRENT_LIST_DIR}/leader_options.c
  ${CMAKE_CURRENT_LIST_DIR}/leader_record.c
  ${CMAKE_CURRENT_LIST_DIR}/leader_state.c
  ${CMAKE_CURRENT_LIST_DIR}/leader_term.c
  ${CMAKE_CURRENT_LIST_DIR}/leader_url.c
  ${CMAKE_CURRENT_LIST_DIR}/manifest.c
  ${CMAKE_CURRENT_LIST_DIR}/secp256k1.c
  ${CMAKE_CURRENT_LIST_DIR}/txt_lookup.c
  ${CMAKE_CURRENT_LIST_DIR}/txt_records.c)
