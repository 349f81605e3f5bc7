# The dstack guest agent, and this client's own certificate from it.
target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/agent.c
  ${CMAKE_CURRENT_LIST_DIR}/identity.c
  ${CMAKE_CURRENT_LIST_DIR}/private_key.c
  ${CMAKE_CURRENT_LIST_DIR}/settings.c)
