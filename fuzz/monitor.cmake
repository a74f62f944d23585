wsm_add_fuzzer(config_fuzz LIBRARIES wsm_ipc
  SOURCES monitor/config.c monitor/listen_address.c server/settings.c)
wsm_add_fuzzer(monitor_fuzz LIBRARIES wsm_ipc
  SOURCES monitor/host_record.c monitor/kept_port.c monitor/listen_address.c monitor/options.c
          monitor/run_dir.c)
