/* Input of a command that its pipe has not taken yet. The host's only thread; writes to a
 * non-blocking pipe, never waits. */
#include "host/input.h"

#include <errno.h>
#include <unistd.h>

void wsm_input_clear(struct wsm_input *input)
{
    wsm_buf_clear(&input->unwritten);
    *input = (struct wsm_input){ .unwritten = WSM_BUF_INIT };
}

/* Writes until the pipe is full; *out_count is what it took. */
static enum wsm_input_result write_span(int fd, struct wsm_span data, size_t *out_count)
{
    *out_count = 0;
    while (*out_count < data.len) {
        ssize_t count = write(fd, data.ptr + *out_count, data.len - *out_count);

        if (count >= 0)
            *out_count += (size_t)count;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return WSM_INPUT_FULL;
        else if (errno != EINTR)
            return WSM_INPUT_BROKEN;
    }
    return WSM_INPUT_EMPTY;
}

/* Makes room for `data` in front of what may have to be kept, so that keeping cannot fail
 * once a part has been written. */
static bool reserve(struct wsm_input *input, size_t len, struct wsm_error *err)
{
    if (input->written > 0) {
        wsm_buf_consume(&input->unwritten, input->written);
        input->written = 0;
    }
    if (wsm_buf_reserve(&input->unwritten, len))
        return true;
    input->unwritten.failed = false; /* what it holds is whole */
    return wsm_fail_memory(err, "input");
}

bool wsm_input_add(struct wsm_input *input, int fd, struct wsm_span data,
                   enum wsm_input_result *out_result, struct wsm_error *err)
{
    enum wsm_input_result result = WSM_INPUT_FULL;
    size_t count = 0;

    if (!reserve(input, data.len, err))
        return false;
    if (wsm_input_len(input) == 0)
        result = write_span(fd, data, &count);
    if (count < data.len)
        wsm_buf_append(&input->unwritten, data.ptr + count, data.len - count);
    input->last_len = data.len;
    if (wsm_input_len(input) == 0)
        wsm_buf_clear(&input->unwritten);
    *out_result = result;
    return true;
}

enum wsm_input_result wsm_input_write(struct wsm_input *input, int fd)
{
    struct wsm_span rest = wsm_span_of(input->unwritten.ptr + input->written, wsm_input_len(input));
    size_t count;
    enum wsm_input_result result = write_span(fd, rest, &count);

    input->written += count;
    if (wsm_input_len(input) == 0) {
        wsm_buf_clear(&input->unwritten);
        input->written = 0;
    }
    return result;
}
