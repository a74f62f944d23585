wsm_add_fuzzer(soap_fuzz LIBRARIES wsm_proto)
wsm_add_fuzzer(http_fuzz LIBRARIES wsm_proto SOURCES server/request_head.c)
wsm_add_fuzzer(http_chunks_fuzz LIBRARIES wsm_proto)
