wsm_add_fuzzer(host_fuzz LIBRARIES wsm_ipc SOURCES host/environ.c host/line.c host/process.c)
