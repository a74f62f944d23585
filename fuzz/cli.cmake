wsm_add_fuzzer(winrmc_fuzz LIBRARIES wsm_proto
  SOURCES cli/host.c cli/options.c cli/pick.c cli/quote.c client/target.c)
if(WSM_FUZZ)
  target_sources(winrmc_fuzz PRIVATE quiet_message.c)
  target_compile_definitions(winrmc_fuzz PRIVATE WSMAN_API_VERSION_1_1)
endif()
