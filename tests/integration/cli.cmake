# winrmc with a real service: one ctest for each cli-*.sh.
file(GLOB cli_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cli-*.sh)
list(FILTER cli_tests EXCLUDE REGEX "/cli-lib\\.sh$")
foreach(script ${cli_tests})
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME integration_${name} COMMAND sh ${script} $<TARGET_FILE_DIR:winrmc>)
  set_tests_properties(integration_${name} PROPERTIES TIMEOUT 120 LABELS integration)
endforeach()
foreach(name cli_terminal cli_silent_host cli_several_commands hand_over)
  add_test(NAME integration_${name}
    COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/${name}_test.py $<TARGET_FILE_DIR:winrmc>)
  set_tests_properties(integration_${name} PROPERTIES TIMEOUT 120 LABELS integration
    ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endforeach()
