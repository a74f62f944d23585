wsm_add_fuzzer(base64_fuzz LIBRARIES wsm_base)
wsm_add_fuzzer(http_fuzz LIBRARIES wsm_proto)
wsm_add_fuzzer(http_chunks_fuzz LIBRARIES wsm_proto)
