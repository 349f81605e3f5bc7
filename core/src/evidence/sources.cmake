target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/attestation.c
  ${CMAKE_CURRENT_LIST_DIR}/attestation_v0.c
  ${CMAKE_CURRENT_LIST_DIR}/attestation_v1.c
  ${CMAKE_CURRENT_LIST_DIR}/inspect.c
  ${CMAKE_CURRENT_LIST_DIR}/messagepack.c
  ${CMAKE_CURRENT_LIST_DIR}/quote.c
  ${CMAKE_CURRENT_LIST_DIR}/ratls_certificate.c
  ${CMAKE_CURRENT_LIST_DIR}/scale.c
  ${CMAKE_CURRENT_LIST_DIR}/sgx_extension.c)
