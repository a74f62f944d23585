wsm_add_fuzzer(frame_fuzz LIBRARIES wsm_ipc)
