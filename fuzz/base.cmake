wsm_add_fuzzer(base64_fuzz LIBRARIES wsm_base)
wsm_add_fuzzer(utf_fuzz LIBRARIES wsm_base)
