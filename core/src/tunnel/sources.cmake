target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/stream.c
  ${CMAKE_CURRENT_LIST_DIR}/tls_context.c)
