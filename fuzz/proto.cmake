wsm_add_fuzzer(soap_fuzz LIBRARIES wsm_proto)
