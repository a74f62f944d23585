wsm_add_fuzzer(net_fuzz LIBRARIES wsm_proto wsm_ipc
  SOURCES server/command_line.c server/delivery.c server/settings.c server/shell_report.c)
