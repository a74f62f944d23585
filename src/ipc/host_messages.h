/* What winrmd-net and a shell host say to each other. The host keeps commands, output
 * and clocks; net asks by offset, and says what has been confirmed.
 * Source: docs/host-protocol.md, "Between net and host". */
#ifndef WSM_IPC_HOST_MESSAGES_H
#define WSM_IPC_HOST_MESSAGES_H

#include "ipc/frame.h"

enum { WSM_HOST_VERSION_LOWEST = 1, WSM_HOST_VERSION_HIGHEST = 1 };

enum wsm_host_message {
    /* both ways, first on every connection */
    WSM_HOST_HELLO = 1,
    /* net to host */
    WSM_HOST_OPEN = 16,
    WSM_HOST_RUN = 17,
    WSM_HOST_INPUT = 18,
    WSM_HOST_FETCH = 19,
    WSM_HOST_CANCEL = 20,
    WSM_HOST_CONFIRM = 21,
    WSM_HOST_SIGNAL = 22,
    WSM_HOST_DELETE = 23,
    WSM_HOST_DISCONNECT = 24,
    WSM_HOST_CONNECT = 25,
    WSM_HOST_INSPECT = 26,
    /* host to net */
    WSM_HOST_SHELL = 64,
    WSM_HOST_COMMAND = 65,
    WSM_HOST_REPORT_END = 66,
    WSM_HOST_DONE = 67,
    WSM_HOST_FAILED = 68,
    WSM_HOST_OUTPUT = 69,
    WSM_HOST_ANSWER = 70,
    WSM_HOST_GONE = 71,
    WSM_HOST_STARTED = 72,
};

enum {
    WSM_HOST_ID_MAX = 128, /* bytes of a MessageID or SessionId that is remembered */
};

enum wsm_host_stream { WSM_HOST_STDOUT = 0, WSM_HOST_STDERR = 1, WSM_HOST_STREAMS = 2 };

enum wsm_host_signal {
    WSM_HOST_SIGNAL_CTRL_C = 1,
    WSM_HOST_SIGNAL_CTRL_BREAK = 2,
    WSM_HOST_SIGNAL_TERMINATE = 3
};

/* What becomes of output that nobody takes while the shell is disconnected. */
enum wsm_host_buffer_mode {
    WSM_HOST_BUFFER_UNCHANGED = 0, /* in requests only; in OPEN it means BLOCK */
    WSM_HOST_BUFFER_BLOCK = 1,     /* kept; the command waits when the buffer is full */
    WSM_HOST_BUFFER_DROP = 2,      /* the oldest that no answer carried is dropped */
};

enum wsm_host_connection {
    WSM_HOST_CONNECTED = 1,
    WSM_HOST_DISCONNECTED = 2,      /* a client asked for it */
    WSM_HOST_AUTO_DISCONNECTED = 3, /* its client's connections were gone for too long */
};

/* Every request carries a number that net chose (never 0) and its answer repeats. */

struct wsm_host_hello {
    uint32_t lowest;
    uint32_t highest;
    uint64_t features; /* none yet */
};

/* Tells a new host what its shell is. Answered by DONE or FAILED; a host that was
 * never told leaves after 30 s. */
struct wsm_host_open {
    uint64_t request;
    struct wsm_span resource_uri;
    struct wsm_span input_streams;     /* blank separated; subset of "stdin" */
    struct wsm_span output_streams;    /* subset of "stdout stderr" */
    struct wsm_span working_directory; /* empty = home */
    struct wsm_span environment;       /* strings NAME=VALUE the client asked for */
    uint32_t code_page;
    int64_t idle_timeout_ms;
    int64_t drain_timeout_ms; /* 0 = wait for ever for the streams of an ended command */
    uint32_t commands_max;
    uint8_t can_disconnect;            /* the client chose the id and named its session */
    uint8_t buffer_mode;               /* enum wsm_host_buffer_mode */
    uint32_t client_version;           /* 0 = its client did not announce itself as ours */
    struct wsm_span session_id;        /* of the creator; empty = none was sent */
    struct wsm_span create_message_id; /* empty = none, or too long to be remembered */
    struct wsm_span name;
    struct wsm_span client_ip;
};

/* Starts a command. STARTED once the process runs, or FAILED. The message id of a command
 * that was started before, also of one terminated since: STARTED with that one's id, and
 * nothing else happens. */
struct wsm_host_run {
    uint64_t request;
    struct wsm_span message_id; /* of the client's request; empty = none to remember */
    struct wsm_span command_id;
    uint8_t skip_shell; /* 1 = run the program directly */
    struct wsm_span
        command; /* skip_shell: the program; else the line for /bin/sh -c, joined already */
    struct wsm_span arguments; /* strings; skip_shell only */
};

/* Input. DONE when the host has all of it; FAILED: none of it was taken. Answered
 * only when there is room, so a full pipe delays the answer, not the data. */
struct wsm_host_input {
    uint64_t request;
    struct wsm_span message_id; /* one of the last 64 that were taken: DONE, and nothing happens */
    struct wsm_span command_id;
    struct wsm_span stream; /* name as sent */
    uint8_t end;
    struct wsm_span data;
};

/* Asks for output from these offsets on: OUTPUT frames, then ANSWER; parked while
 * there is nothing. The newest FETCH of a command replaces a parked one, which ends
 * with FAILED ERROR_WINRS_RECEIVE_IN_PROGRESS. Confirms nothing. An offset outside
 * what is kept: FAILED ERROR_INVALID_PARAMETER. */
struct wsm_host_fetch {
    uint64_t request;
    struct wsm_span command_id;
    uint32_t streams; /* bit 0 stdout, bit 1 stderr */
    uint64_t from[WSM_HOST_STREAMS];
    uint32_t max_bytes;  /* of data in the answer, > 0 */
    uint32_t max_pieces; /* OUTPUT frames in the answer, > 0 */
};

/* Forgets a parked FETCH. No answer; one that is already on its way may still come. */
struct wsm_host_cancel {
    uint64_t request;
};

/* The client has everything below these offsets; with `final` also the end of the
 * command. No answer. Never moves backwards. */
struct wsm_host_confirm {
    struct wsm_span command_id;
    uint64_t upto[WSM_HOST_STREAMS];
    uint8_t final;
};

struct wsm_host_signal_request {
    uint64_t request;
    struct wsm_span message_id; /* that of the command's last signal: DONE, and nothing happens */
    struct wsm_span command_id;
    uint32_t signal; /* enum wsm_host_signal */
};

/* Kills everything, answers DONE, ends. */
struct wsm_host_delete {
    uint64_t request;
};

/* Lets go of the shell: a parked FETCH is answered with what there is, else FAILED
 * ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED; an INPUT that waits for room is DONE, since it
 * is kept; the idle clock starts, whatever runs. Then DONE. Allowed while disconnected:
 * it applies what it says. Until CONNECT the host refuses RUN, INPUT, FETCH and SIGNAL
 * with ERROR_WINRS_SHELL_DISCONNECTED. */
struct wsm_host_disconnect {
    uint64_t request;
    uint8_t is_automatic;
    uint8_t buffer_mode;        /* enum wsm_host_buffer_mode */
    int64_t idle_timeout_ms;    /* -1 = unchanged */
    struct wsm_span session_id; /* whose shell it is from now on */
};

/* Takes the shell up: Reconnect, Connect, or the first request after an automatic
 * disconnect. The idle clock starts anew. DONE. Allowed while connected. */
struct wsm_host_connect {
    uint64_t request;
    uint8_t buffer_mode; /* for the next disconnect */
    uint32_t client_version;
    struct wsm_span session_id;
};

/* Asks for the report once more; not an activity of the shell. Answered by SHELL,
 * COMMAND…, and REPORT_END with its number. */
struct wsm_host_inspect {
    uint64_t request;
};

/* The host's report, after its HELLO and for INSPECT: SHELL, a COMMAND for each,
 * REPORT_END. */
struct wsm_host_shell {
    uint8_t is_open; /* 0: OPEN has not come yet, the other fields are empty */
    struct wsm_span resource_uri;
    struct wsm_span input_streams;
    struct wsm_span output_streams;
    int64_t idle_timeout_ms;
    int64_t run_time_ms;
    int64_t inactivity_ms;
    struct wsm_span working_directory; /* the next eight as in OPEN */
    uint8_t can_disconnect;
    uint8_t buffer_mode; /* BLOCK or DROP */
    uint32_t client_version;
    struct wsm_span session_id; /* whose shell it is: of the last CONNECT or DISCONNECT */
    struct wsm_span create_message_id;
    struct wsm_span name;
    struct wsm_span client_ip;
    uint8_t connection;  /* enum wsm_host_connection */
    uint8_t is_taken;    /* a session other than the creator's has connected or let go of it */
    uint32_t processes;  /* under the host */
    uint64_t memory_kib; /* of them and the host, resident */
};

/* Offsets of both streams. served >= confirmed; what lies between was sent at least once. */
struct wsm_host_command {
    struct wsm_span command_id;
    uint64_t confirmed[WSM_HOST_STREAMS];
    uint64_t served[WSM_HOST_STREAMS];       /* highest offset that an answer reached */
    uint64_t served_again[WSM_HOST_STREAMS]; /* bytes sent that lay below it */
    uint64_t end[WSM_HOST_STREAMS];
    uint64_t dropped[WSM_HOST_STREAMS]; /* bytes that offsets count and nobody can get */
    uint8_t is_done;
    uint32_t exit_code;   /* once it is done */
    struct wsm_span line; /* what was started, cut off at 4096 bytes */
};

struct wsm_host_report_end {
    uint64_t request; /* of INSPECT; 0 = the report after HELLO */
};

/* Answers RUN. */
struct wsm_host_started {
    uint64_t request;
    struct wsm_span command_id;
};

struct wsm_host_done {
    uint64_t request;
};

struct wsm_host_failed {
    uint64_t request;
    uint32_t code; /* of wsmerror.h */
    struct wsm_span text;
};

/* A piece of an answer: data of one stream, at its offset, in order of arrival. Where bytes
 * were dropped the offset is larger than the end of the piece before. */
struct wsm_host_output {
    uint64_t request;
    uint8_t stream;
    uint64_t offset;
    struct wsm_span data; /* last field: wsm_channel_send_tail() */
};

/* Ends an answer. */
struct wsm_host_answer {
    uint64_t request;
    uint8_t is_done;    /* 1: streams are drained and delivered up to here, exit_code counts */
    uint32_t exit_code; /* 0–255, 128 + n for death by signal n */
    uint32_t ended;     /* streams (bits) whose end lies at or before this answer's */
    uint8_t parked;     /* 1: it had to wait for output; 0: it was there already */
};

/* The shell has ended by itself; the host goes with this frame. */
struct wsm_host_gone {
    uint32_t code; /* why: ERROR_WSMAN_UNEXPECTED_SELECTORS = idle time-out, ERROR_OPERATION_ABORTED
                      = starter gone */
    struct wsm_span text;
};

extern const struct wsm_message_type wsm_host_hello_type, wsm_host_open_type, wsm_host_run_type,
    wsm_host_input_type, wsm_host_fetch_type, wsm_host_cancel_type, wsm_host_confirm_type,
    wsm_host_signal_type, wsm_host_delete_type, wsm_host_shell_type, wsm_host_command_type,
    wsm_host_report_end_type, wsm_host_done_type, wsm_host_failed_type, wsm_host_output_type,
    wsm_host_answer_type, wsm_host_gone_type, wsm_host_disconnect_type, wsm_host_connect_type,
    wsm_host_inspect_type, wsm_host_started_type;

#endif
