/* A shell host that runs for a test, and the test's end of its connection: the part of net.
 * Everything that does not go as expected fails the test. */
#ifndef WSM_TESTS_HOST_PEER_H
#define WSM_TESTS_HOST_PEER_H

#include "ipc/channel.h"
#include "ipc/host_messages.h"

#include <sys/types.h>

enum { HOST_WAIT_MS = 20 * 1000 }; /* for anything to happen, on a busy machine */

struct host_peer {
    pid_t pid; /* of the host; 0 = reaped */
    char directory[64];
    char socket_path[96];
    struct wsm_channel channel;
    int starter_fd; /* writing end of what the host watches, -1 = none */
    uint64_t last_request;
};

/* What a test may want to be different. Zero = the usual. */
struct host_setup {
    const char *nofile;
    const char *home; /* default: /tmp */
    const char *log;  /* a file for standard error; default: as ours */
    bool is_watched;
    bool is_connected; /* from birth: then without host_connect() */
};

/* What OPEN says; zero = the usual. */
struct host_open {
    const char *directory; /* default: "/" */
    const char *const *environment;
    uint32_t code_page;
    int64_t idle_timeout_ms; /* default: an hour */
    int64_t drain_timeout_ms;
    uint32_t commands_max; /* default: 1000 */
    const char *inputs;    /* default: stdin */
    uint8_t can_disconnect;
    uint8_t buffer_mode;
    uint32_t client_version;
    const char *session_id;
    const char *create_message_id;
    const char *name;
    const char *client_ip;
};

/* All output of a command, and its end. out, err: cleared by output_clear(). */
struct host_output {
    struct wsm_buf streams[WSM_HOST_STREAMS];
    bool is_done;
    uint32_t exit_code;
    uint32_t ended;
    bool parked;
    uint64_t first[WSM_HOST_STREAMS]; /* offset of the first piece of the last answer */
    uint32_t failed;                  /* code of FAILED, instead of an answer */
};

void host_start(struct host_peer *peer, const struct host_setup *setup); /* not connected */
void host_connect(struct host_peer *peer);                               /* before HELLO */
void host_stop(struct host_peer *peer);                                  /* whatever its state */
/* Waits until the host has ended by itself; its exit status. */
int host_wait(struct host_peer *peer);

/* The next frame, its payload borrowed until the one after; false at the end of the
 * connection. */
bool host_next(struct host_peer *peer, struct wsm_frame *out);
/* The next message, which must be of this type; spans borrowed until the next one. */
void host_expect(struct host_peer *peer, const struct wsm_message_type *type, void *out);
void host_expect_eof(struct host_peer *peer);
void host_send(struct host_peer *peer, const struct wsm_message_type *type, const void *message);
uint64_t host_next_request(struct host_peer *peer);

/* HELLO both ways; the report's SHELL (its spans are void) and at most `max` commands. */
size_t host_greet(struct host_peer *peer, struct wsm_host_shell *out_shell,
                  struct wsm_host_command *out_commands, char (*out_ids)[40], size_t max);
/* These answer the code of FAILED, 0 for DONE. */
uint32_t host_open(struct host_peer *peer, const struct host_open *open);
uint32_t host_run(struct host_peer *peer, const char *id, const char *line);
/* argv: NULL-ended, without a shell. */
uint32_t host_run_direct(struct host_peer *peer, const char *id, const char *const *argv);
uint32_t host_input(struct host_peer *peer, const char *id, const char *stream, const void *data,
                    size_t len, bool end);
uint32_t host_signal(struct host_peer *peer, const char *id, uint32_t signal);
uint32_t host_delete(struct host_peer *peer);
uint32_t host_done_or_failed(struct host_peer *peer, uint64_t request);
/* The text of the FAILED that came last. */
const char *host_failure(void);

/* Starts, connects, greets, opens. */
void host_begin(struct host_peer *peer);

/* Sends a FETCH; its request. */
uint64_t host_fetch(struct host_peer *peer, const char *id, uint32_t streams, uint64_t from_out,
                    uint64_t from_err, uint32_t max_bytes);
/* Reads the answer to a FETCH, appending to *output. */
void host_answer(struct host_peer *peer, uint64_t request, struct host_output *output);
void host_confirm(struct host_peer *peer, const char *id, uint64_t out, uint64_t err);
/* Fetches and confirms until the command is done. */
void host_collect(struct host_peer *peer, const char *id, struct host_output *output);
/* Fetches until the first stream holds `text` somewhere. */
void host_collect_until(struct host_peer *peer, const char *id, struct host_output *output,
                        const char *text);
void host_output_clear(struct host_output *output);
const char *host_text(struct host_output *output, enum wsm_host_stream stream); /* NUL-ended */

/* Waits until there is no such process, or only a zombie. */
void host_wait_gone(pid_t pid);
bool host_is_alive(pid_t pid);

#endif
