target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/chain.c
  ${CMAKE_CURRENT_LIST_DIR}/claims.c
  ${CMAKE_CURRENT_LIST_DIR}/client.c
  ${CMAKE_CURRENT_LIST_DIR}/config.c
  ${CMAKE_CURRENT_LIST_DIR}/exchange.c
  ${CMAKE_CURRENT_LIST_DIR}/key_cache.c
  ${CMAKE_CURRENT_LIST_DIR}/key_set.c
  ${CMAKE_CURRENT_LIST_DIR}/list_cache.c
  ${CMAKE_CURRENT_LIST_DIR}/policies.c
  ${CMAKE_CURRENT_LIST_DIR}/request.c
  ${CMAKE_CURRENT_LIST_DIR}/signer.c
  ${CMAKE_CURRENT_LIST_DIR}/token.c
  ${CMAKE_CURRENT_LIST_DIR}/url.c)
