target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/bundle.c
  ${CMAKE_CURRENT_LIST_DIR}/bundle_print.c)
