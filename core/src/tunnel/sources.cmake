target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/acceptor.c
  ${CMAKE_CURRENT_LIST_DIR}/attested.c
  ${CMAKE_CURRENT_LIST_DIR}/connection.c
  ${CMAKE_CURRENT_LIST_DIR}/fetch.c
  ${CMAKE_CURRENT_LIST_DIR}/postgres.c
  ${CMAKE_CURRENT_LIST_DIR}/pump.c
  ${CMAKE_CURRENT_LIST_DIR}/resolve.c
  ${CMAKE_CURRENT_LIST_DIR}/settings.c
  ${CMAKE_CURRENT_LIST_DIR}/socket_directory.c
  ${CMAKE_CURRENT_LIST_DIR}/stream.c
  ${CMAKE_CURRENT_LIST_DIR}/thread.c
  ${CMAKE_CURRENT_LIST_DIR}/tls_context.c
  ${CMAKE_CURRENT_LIST_DIR}/tunnel.c
  ${CMAKE_CURRENT_LIST_DIR}/upstream.c
  ${CMAKE_CURRENT_LIST_DIR}/verify_options_copy.c
  ${CMAKE_CURRENT_LIST_DIR}/wait.c)
