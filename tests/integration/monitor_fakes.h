/* Programs that take the place of winrmd-net and winrmd-shell in the monitor's tests: the
 * test program itself, under their names. */
#ifndef WSM_TESTS_MONITOR_FAKES_H
#define WSM_TESTS_MONITOR_FAKES_H

/* Environment variable with the path of the socket on which the test waits for net. */
#define WSM_FAKE_CONTROL "WSM_TEST_CONTROL"
/* File beside the program whose first letter says how a fake host behaves:
 * l = listens, x = leaves before it listens, n = never listens. */
#define WSM_FAKE_HOST_MODE "host-mode"

/* Runs the fake that argv[0] names and returns its exit status, or -1: none of them. */
int wsm_fake_main(int argc, char **argv);

#endif
