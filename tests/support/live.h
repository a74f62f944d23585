/* The public API against a real service, as a program uses it that waits for each call.
 * Whatever takes longer than the deadline ends the program with words on stderr. */
#ifndef WSM_TESTS_LIVE_H
#define WSM_TESTS_LIVE_H

#ifndef WSMAN_API_VERSION_1_1
#define WSMAN_API_VERSION_1_1
#endif
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <wsmext.h>

enum { LIVE_STDOUT, LIVE_STDERR, LIVE_STREAMS };

/* A call that completes once. Embedded; the callback writes, the waiter reads. */
struct live_call {
    WSMAN_SHELL_ASYNC async;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned ends;   /* callbacks with END_OF_OPERATION */
    unsigned others; /* without, and no notice */
    unsigned notices;
    DWORD last_notice;
    DWORD disorder[2]; /* two notices of which the second may not follow the first */
    DWORD flags;       /* of the end, as all below */
    DWORD code;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    WSMAN_OPERATION_HANDLE operation;
    bool has_data;
    unsigned long order; /* counts over all callbacks of the process */
    char detail[512];
};

/* A Receive: data goes to on_data on the library's thread, in order. */
struct live_output {
    WSMAN_SHELL_ASYNC async;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*on_data)(struct live_output *output, int stream, const uint8_t *data, size_t len);
    void *user;
    uint64_t bytes[LIVE_STREAMS];
    bool has_ended[LIVE_STREAMS]; /* END_OF_STREAM was seen */
    unsigned ends;
    unsigned late; /* callbacks after the end */
    DWORD code;
    bool is_done;
    DWORD exit_code;
    unsigned long last_order; /* of the last callback */
    char detail[512];
};

/* Of everything that waits; 60 unless told. */
void live_set_deadline(int seconds);
_Noreturn void live_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Called by live_die() before it ends the program, to say how far things were. */
void live_on_death(void (*report)(void));

/* Reads the password from a file. HTTP with Basic, in the clear: the service is a local one. */
WSMAN_API_HANDLE live_api(void);
WSMAN_SESSION_HANDLE live_session(WSMAN_API_HANDLE api, const char *address, const char *user,
                                  const char *password_file);

void live_call_init(struct live_call *call);
void live_call_clear(struct live_call *call);
/* Its code; `what` is for the words of live_die(). */
DWORD live_call_wait(struct live_call *call, const char *what);
/* As wait, but any code but 0 ends the program. */
void live_call_expect(struct live_call *call, const char *what);
bool live_call_is_over(struct live_call *call);

void live_output_init(struct live_output *output);
void live_output_clear(struct live_output *output);
void live_output_wait(struct live_output *output, const char *what);
/* Until this many bytes of both streams have come, or the end has. */
void live_output_wait_bytes(struct live_output *output, uint64_t bytes, const char *what);
uint64_t live_output_bytes(struct live_output *output);
bool live_output_is_over(struct live_output *output);

/* These wait, and die unless they succeed. The async of a create gets the notices: `call`
 * is the caller's, initialised, and must outlive the shell. */
WSMAN_SHELL_HANDLE live_create(WSMAN_SESSION_HANDLE session, struct live_call *call);
WSMAN_COMMAND_HANDLE live_run(WSMAN_SHELL_HANDLE shell, const char *line);
WSMAN_OPERATION_HANDLE live_receive(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                    struct live_output *output);
void live_send(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, const void *data, size_t len,
               bool is_end);
/* Does not wait. The data must live until `call` is over. */
WSMAN_OPERATION_HANDLE live_start_send(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                       const void *data, size_t len, bool is_end,
                                       struct live_call *call);
void live_disconnect(WSMAN_SHELL_HANDLE shell, DWORD flags);
void live_reconnect(WSMAN_SHELL_HANDLE shell);
void live_reconnect_command(WSMAN_COMMAND_HANDLE command);
void live_close_command(WSMAN_COMMAND_HANDLE command);
void live_close_shell(WSMAN_SHELL_HANDLE shell);

#endif
