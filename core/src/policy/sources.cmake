target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/apply.c
  ${CMAKE_CURRENT_LIST_DIR}/attributes.c
  ${CMAKE_CURRENT_LIST_DIR}/candidates.c
  ${CMAKE_CURRENT_LIST_DIR}/claims.c
  ${CMAKE_CURRENT_LIST_DIR}/pins.c
  ${CMAKE_CURRENT_LIST_DIR}/policy.c
  ${CMAKE_CURRENT_LIST_DIR}/policy_json.c
  ${CMAKE_CURRENT_LIST_DIR}/tcb_json.c)
