target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/quote.c
  ${CMAKE_CURRENT_LIST_DIR}/sgx_extension.c)
