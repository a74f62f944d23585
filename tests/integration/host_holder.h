/* Letting go of a shell and taking it up, repetition, and the host's report: more of what
 * host_peer.h does. Everything that does not go as expected fails the test. */
#ifndef WSM_TESTS_HOST_HOLDER_H
#define WSM_TESTS_HOST_HOLDER_H

#include "host_peer.h"

enum { HOST_REPORT_COMMANDS = 4, HOST_REPORT_TEXT = 256 };

struct host_report {
    struct wsm_host_shell shell; /* its spans are void */
    char session_id[HOST_REPORT_TEXT];
    char create_message_id[HOST_REPORT_TEXT];
    char name[HOST_REPORT_TEXT];
    char client_ip[HOST_REPORT_TEXT];
    char working_directory[HOST_REPORT_TEXT];
    struct {
        struct wsm_host_command numbers; /* its spans are void */
        char id[40];
        char line[8192];
    } commands[HOST_REPORT_COMMANDS];
    size_t count;
    uint64_t request;
};

/* The report after HELLO, and with INSPECT. */
void host_greet_and_report(struct host_peer *peer, struct host_report *out);
void host_inspect(struct host_peer *peer, struct host_report *out);
/* Inspects until the first command's figure is at least that much. */
enum host_figure { HOST_END, HOST_DROPPED, HOST_DONE };
void host_inspect_until(struct host_peer *peer, enum host_figure figure, uint64_t least,
                        struct host_report *out);

/* These answer the code of FAILED, 0 for DONE. idle_timeout_ms -1 = unchanged. */
uint32_t host_let_go(struct host_peer *peer, uint8_t buffer_mode, int64_t idle_timeout_ms,
                     const char *session_id);
uint32_t host_let_go_by_itself(struct host_peer *peer, const char *session_id);
uint32_t host_take_up(struct host_peer *peer, uint8_t buffer_mode, uint32_t client_version,
                      const char *session_id);
uint32_t host_signal_as(struct host_peer *peer, const char *message_id, const char *id,
                        uint32_t signal);
/* The code of FAILED; else 0 and what STARTED named. */
uint32_t host_run_as(struct host_peer *peer, const char *message_id, const char *id,
                     const char *line, char out_id[40]);
/* Sends an INPUT for stdin; its request. */
uint64_t host_send_input(struct host_peer *peer, const char *message_id, const char *id,
                         struct wsm_span data, bool end);
/* The next message must be DONE, of this request. */
void host_expect_done(struct host_peer *peer, uint64_t request);

#endif
