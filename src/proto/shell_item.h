/* rsp:Shell as a server writes it, in the answers to Create, Get and Enumerate, and
 * rsp:Command as Enumerate has it. Source: MS-WSMV 2.2.4.37, 3.1.4.8. */
#ifndef WSM_PROTO_SHELL_ITEM_H
#define WSM_PROTO_SHELL_ITEM_H

#include "proto/envelope.h"

/* Spans: borrowed; empty = left out. */
struct wsm_shell_item {
    struct wsm_span shell_id;
    struct wsm_span name;
    struct wsm_span resource_uri;
    struct wsm_span owner;
    struct wsm_span client_ip;
    struct wsm_span working_directory;
    int64_t idle_timeout_ms; /* -1 = left out */
    struct wsm_span input_streams;
    struct wsm_span output_streams;
    int64_t max_idle_timeout_ms; /* -1 = left out */
    struct wsm_span buffer_mode; /* "Block", "Drop"; with `state` it tells that the shell can be
                                    disconnected */
    struct wsm_span state;       /* "Connected", "Disconnected" */
    int64_t run_time_s;
    int64_t inactivity_s;
    int64_t memory_kib;         /* -1 = left out; written as MB, rounded up */
    int64_t child_processes;    /* -1 = left out */
    struct wsm_span session_id; /* marked answers to Get and Enumerate: attribute SessionId of our
                                   namespace on rsp:Shell: who holds it. Left out if not
                                   is_marked */
    bool is_marked;             /* ends with our mark */
};

void wsm_shell_item_init(struct wsm_shell_item *item); /* all left out */
void wsm_shell_item_write(struct wsm_buf *out, const struct wsm_shell_item *item);
/* Never fails: what a server says of a shell is never fatal; what cannot be read is left
 * out. `node` is an rsp:Shell. */
void wsm_shell_item_parse(const struct wsm_xml_node *node, struct wsm_shell_item *out);

enum { WSM_COMMAND_ITEM_STREAMS_MAX = 2 };

/* What our service adds about a stream: an element Stream of our namespace, with attributes
 * Name, Confirmed, Served, ServedAgain, End and Dropped. */
struct wsm_stream_item {
    struct wsm_span name;
    uint64_t confirmed;
    uint64_t served;
    uint64_t served_again;
    uint64_t end;
    uint64_t dropped;
};

struct wsm_command_item {
    struct wsm_span command_id;
    struct wsm_span line;
    struct wsm_span state; /* plain word: "Running", "Done" */
    bool has_exit_code;    /* marked only, once it is done: our element ExitCode */
    uint32_t exit_code;
    size_t stream_count; /* marked only, else 0: our elements Stream */
    struct wsm_stream_item streams[WSM_COMMAND_ITEM_STREAMS_MAX];
};

void wsm_command_item_write(struct wsm_buf *out, const struct wsm_command_item *item);
void wsm_command_item_parse(const struct wsm_xml_node *node, struct wsm_command_item *out);

#endif
