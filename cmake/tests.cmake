# wsm_add_test(NAME unit_buf SOURCES unit/buf_test.c LIBRARIES wsm_base [LABELS unit] [TIMEOUT 60] [WRAP_ALLOC])
# One cmocka program per call. WRAP_ALLOC links tests/support/failing_alloc.c
# under the allocation functions, so that the n-th allocation can be made to fail.
function(wsm_add_test)
  cmake_parse_arguments(T "WRAP_ALLOC" "NAME;TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  add_executable(${T_NAME} ${T_SOURCES})
  target_link_libraries(${T_NAME} PRIVATE wsm_options ${T_LIBRARIES} PkgConfig::CMOCKA)
  target_include_directories(${T_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
  if(T_WRAP_ALLOC)
    target_sources(${T_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/failing_alloc.c)
    target_link_options(${T_NAME} PRIVATE
      -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  add_test(NAME ${T_NAME} COMMAND ${T_NAME})
  set_tests_properties(${T_NAME} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}")
endfunction()
