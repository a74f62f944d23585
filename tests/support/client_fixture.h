/* A scripted service, an API handle and a session on it, and the calls of wsman.h in
 * the short form that most tests need. */
#ifndef WSM_TESTS_CLIENT_FIXTURE_H
#define WSM_TESTS_CLIENT_FIXTURE_H

#include "fake_service.h"
#include "recorder.h"

#define TEST_USER     WSMAN_TEXT("tester")
#define TEST_PASSWORD WSMAN_TEXT("secret")

struct fixture {
    struct fake_service *service;
    WSMAN_API_HANDLE api;
    WSMAN_SESSION_HANDLE session;
};

struct fixture *fixture_new(void);
/* Closes what is still open; NULL handles are skipped. */
void fixture_free(struct fixture *fixture);

WSMAN_SESSION_HANDLE open_session(WSMAN_API_HANDLE api, uint16_t port, bool is_unencrypted);
/* Waits for success. */
WSMAN_SHELL_HANDLE open_shell(struct fixture *fixture);
WSMAN_COMMAND_HANDLE run_command(WSMAN_SHELL_HANDLE shell, PCWSTR line);
WSMAN_OPERATION_HANDLE receive(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               struct recorder *recorder);
WSMAN_OPERATION_HANDLE send_text(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                 const char *text, bool end, struct recorder *recorder);
WSMAN_OPERATION_HANDLE signal_command(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                      PCWSTR code, struct recorder *recorder);
/* Post the call with blocks that are poisoned and freed before they return; info NULL: none. */
void disconnect(WSMAN_SHELL_HANDLE shell, DWORD flags, const DWORD *idle_timeout_ms,
                struct recorder *recorder);
void reconnect(WSMAN_SHELL_HANDLE shell, DWORD flags, struct recorder *recorder);
void reconnect_command(WSMAN_COMMAND_HANDLE command, struct recorder *recorder);
/* The same, and wait for success. */
void disconnect_shell(WSMAN_SHELL_HANDLE shell);
void reconnect_shell(WSMAN_SHELL_HANDLE shell);
void reconnect_shell_command(WSMAN_COMMAND_HANDLE command);
/* Wait for the callback and check that it reports success. */
void close_command(WSMAN_COMMAND_HANDLE command);
void close_shell(WSMAN_SHELL_HANDLE shell);

/* Returns when the loop thread has seen everything posted before, and read what was in its
 * sockets. */
void wait_for_loop(WSMAN_SESSION_HANDLE session);

/* The one callback of a refused call; frees the recorder. */
void assert_call_refused(struct recorder *recorder, DWORD code);
/* The last request of that name had this value (see fake_last()). */
void assert_sent(const struct fixture *fixture, const char *name, const char *what,
                 const char *value);

#define assert_last_code(recorder, expected) \
    assert_int_equal(recorder_last(recorder)->code, expected)

#endif
