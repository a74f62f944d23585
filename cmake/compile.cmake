# Compile and link options that hold for every target of ours.
add_library(wsm_options INTERFACE)

target_compile_definitions(wsm_options INTERFACE _GNU_SOURCE)
target_compile_options(wsm_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
  -fvisibility=hidden -fno-strict-aliasing)
target_include_directories(wsm_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)

if(WSM_SANITIZE)
  target_compile_options(wsm_options INTERFACE -fsanitize=${WSM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(wsm_options INTERFACE -fsanitize=${WSM_SANITIZE})
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_C_FLAGS_RELEASE "-O2 -g") # keeps assert: it guards our own bugs
  target_compile_options(wsm_options INTERFACE -fstack-protector-strong -fstack-clash-protection -fcf-protection)
  target_compile_definitions(wsm_options INTERFACE _FORTIFY_SOURCE=2)
  target_link_options(wsm_options INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
endif()
