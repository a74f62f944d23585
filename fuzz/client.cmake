wsm_add_fuzzer(api_fuzz LIBRARIES wsm_proto SOURCES client/api_args.c client/texts.c)
wsm_add_fuzzer(client_fuzz LIBRARIES wsm_proto
  SOURCES client/offsets.c client/options.c client/target.c client/texts.c)
wsm_add_fuzzer(response_fuzz LIBRARIES wsm_proto SOURCES client/http_response.c)
