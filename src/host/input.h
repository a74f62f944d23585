/* Input of a command that its pipe has not taken yet. The host's only thread.
 * Source: docs/host-protocol.md, "Input". */
#ifndef WSM_HOST_INPUT_H
#define WSM_HOST_INPUT_H

#include "base/buf.h"

enum {
    WSM_INPUT_ROOM = 1024 * 1024,    /* unwritten bytes above which input has to wait */
    WSM_INPUT_MAX = 8 * 1024 * 1024, /* above which none is taken, though none waits */
};

/* Bytes [written, unwritten.len) of `unwritten` are still to be written. At most
 * WSM_INPUT_MAX and one message. */
struct wsm_input {
    struct wsm_buf unwritten;
    size_t written;
    size_t last_len; /* of the message added last */
    bool has_end;    /* the pipe is to be closed behind the last byte */
};

enum wsm_input_result {
    WSM_INPUT_EMPTY,  /* all is written */
    WSM_INPUT_FULL,   /* the pipe takes no more now */
    WSM_INPUT_BROKEN, /* nobody will read it */
};

void wsm_input_clear(struct wsm_input *input);
static inline size_t wsm_input_len(const struct wsm_input *input)
{
    return input->unwritten.len - input->written;
}
/* Is there so much that a message has to wait for its answer, or for its turn? */
static inline bool wsm_input_is_over(const struct wsm_input *input)
{
    return wsm_input_len(input) > WSM_INPUT_ROOM;
}
/* Has nothing of the message added last been written? */
static inline bool wsm_input_last_is_whole(const struct wsm_input *input)
{
    return wsm_input_len(input) >= input->last_len;
}

/* Writes what fd takes of `data` and keeps the rest; not at all when there is no memory
 * to keep what may be left. */
bool wsm_input_add(struct wsm_input *input, int fd, struct wsm_span data,
                   enum wsm_input_result *out_result, struct wsm_error *err) WSM_MUST_CHECK;
enum wsm_input_result wsm_input_write(struct wsm_input *input, int fd);

#endif
