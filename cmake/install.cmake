# Where programs look for each other once installed: from the folder of the one that looks, so
# that a tree works wherever it was put; then where this build would have put them.
file(RELATIVE_PATH WSM_SBIN_TO_LIBEXEC
  ${CMAKE_INSTALL_FULL_SBINDIR} ${CMAKE_INSTALL_FULL_LIBEXECDIR}/winrmd)
file(RELATIVE_PATH WSM_BIN_TO_LIBEXEC
  ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBEXECDIR}/winrmd)
file(RELATIVE_PATH WSM_BIN_TO_SBIN ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_SBINDIR})
