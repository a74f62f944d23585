/* For tests of broken connections: a server with our mark, and one shell whose callback of
 * CreateShell is watched for notices. Include cmocka.h before TEST and SHELL are used. */
#ifndef WSM_TESTS_ROBUST_FIXTURE_H
#define WSM_TESTS_ROBUST_FIXTURE_H

#include "client_fixture.h"
#include "marked_service.h"

enum {
    FAILURE = WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED,
    RETRYING = WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE,
    RECONNECTED = WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE,
    DISCONNECTING = WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING,
    DISCONNECTED = WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED,
    ABORTED = WSMAN_FLAG_CALLBACK_RETRY_ABORTED_DUE_TO_INTERNAL_ERROR,
};

/* Of the test that runs. */
extern struct fixture *f;
extern struct recorder *notices; /* of the shell opened last; NULL = none */
extern WSMAN_SHELL_HANDLE shell;
extern WSMAN_COMMAND_HANDLE command;

/* With a service and a session; and with a shell and a command. */
int robust_setup(void **state);
int robust_setup_shell(void **state);
int robust_teardown(void **state);

#define TEST(name)  cmocka_unit_test_setup_teardown(name, robust_setup, robust_teardown)
#define SHELL(name) cmocka_unit_test_setup_teardown(name, robust_setup_shell, robust_teardown)

/* Creates the shell, whose notices begin anew; the second waits, and runs the command. */
void create_watched(void);
void open_watched(void);

/* Returns the number of the first notice with that flag, behind `from`. */
size_t wait_notice(DWORD flag, size_t from);
/* Notice behind notice in the order that wsmext.h promises; returns how many phases ended. */
size_t count_phases(void);
void assert_recovered(void);
/* The link is gone, and stays so until fake_accept(). */
void lose_link(void);
void assert_output(struct recorder *out, const char *text);

#endif
