/* Gathers standard input into blocks. Main thread; sends nothing itself. */
#include "input.h"

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void wsm_cli_input_open(struct wsm_cli_input *input, int fd, size_t capacity)
{
    *input = (struct wsm_cli_input){ .fd = fd, .capacity = capacity };
    input->buffer = wsm_cli_buffer(capacity);
}

void wsm_cli_input_close(struct wsm_cli_input *input)
{
    free(input->buffer);
    *input = (struct wsm_cli_input){ .state = WSM_CLI_INPUT_OVER };
}

bool wsm_cli_input_wants(const struct wsm_cli_input *input)
{
    return input->state == WSM_CLI_INPUT_OPEN && input->len < input->capacity;
}

int wsm_cli_input_read(struct wsm_cli_input *input)
{
    ssize_t got = read(input->fd, input->buffer + input->len, input->capacity - input->len);

    if (got > 0) {
        input->len += (size_t)got;
        return 0;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    input->state = WSM_CLI_INPUT_AT_END;
    return got < 0 && errno != EBADF ? errno : 0; /* EBADF: started with stdin closed */
}

bool wsm_cli_input_next(struct wsm_cli_input *input, struct wsm_cli_input_block *out)
{
    bool is_end = input->state == WSM_CLI_INPUT_AT_END;

    if (input->state == WSM_CLI_INPUT_OVER || (input->len == 0 && !is_end))
        return false;
    if (input->outstanding != 0 && (input->outstanding >= WSM_CLI_INPUT_OUTSTANDING_MAX ||
                                    (input->len < input->capacity && !is_end)))
        return false;
    *out = (struct wsm_cli_input_block){ input->buffer, input->len, is_end };
    input->len = 0;
    input->outstanding++;
    if (is_end)
        input->state = WSM_CLI_INPUT_OVER;
    return true;
}

bool wsm_cli_input_flush(struct wsm_cli_input *input, struct wsm_cli_input_block *out)
{
    bool is_end = input->state == WSM_CLI_INPUT_AT_END;
    bool has_something = input->state != WSM_CLI_INPUT_OVER && (input->len != 0 || is_end);

    if (has_something) {
        *out = (struct wsm_cli_input_block){ input->buffer, input->len, is_end };
        input->outstanding++;
    }
    input->len = 0;
    input->state = WSM_CLI_INPUT_OVER;
    return has_something;
}

void wsm_cli_input_sent(struct wsm_cli_input *input)
{
    input->outstanding--;
}

void wsm_cli_input_stop(struct wsm_cli_input *input)
{
    input->state = WSM_CLI_INPUT_OVER;
    input->len = 0;
}
