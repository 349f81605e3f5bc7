target_sources(ratls_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/answer.c
  ${CMAKE_CURRENT_LIST_DIR}/answer_fail.c
  ${CMAKE_CURRENT_LIST_DIR}/disk.c
  ${CMAKE_CURRENT_LIST_DIR}/entry.c
  ${CMAKE_CURRENT_LIST_DIR}/obtain.c
  ${CMAKE_CURRENT_LIST_DIR}/part.c
  ${CMAKE_CURRENT_LIST_DIR}/part_check.c
  ${CMAKE_CURRENT_LIST_DIR}/platform.c
  ${CMAKE_CURRENT_LIST_DIR}/set.c
  ${CMAKE_CURRENT_LIST_DIR}/sources.c
  ${CMAKE_CURRENT_LIST_DIR}/store.c)
