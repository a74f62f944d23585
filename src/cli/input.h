/* Standard input of winrmc on its way into blocks for the remote command. */
#ifndef WSM_CLI_INPUT_H
#define WSM_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Blocks handed to the library and not confirmed yet. Two: one on the way, the next
 * ready; more would only hold memory. */
#define WSM_CLI_INPUT_OUTSTANDING_MAX 2

enum wsm_cli_input_state {
    WSM_CLI_INPUT_OPEN,
    WSM_CLI_INPUT_AT_END, /* end of file read, not handed over yet */
    WSM_CLI_INPUT_OVER,   /* end handed over, or nobody wants input any more */
};

struct wsm_cli_input {
    int fd; /* borrowed */
    enum wsm_cli_input_state state;
    char *buffer; /* owned */
    size_t len;
    size_t capacity; /* bytes that fit into one message */
    unsigned outstanding;
};

struct wsm_cli_input_block {
    char *data; /* borrowed until the next wsm_cli_input_read() */
    size_t len;
    bool is_end; /* the stream ends after this block */
};

void wsm_cli_input_open(struct wsm_cli_input *input, int fd, size_t capacity);
void wsm_cli_input_close(struct wsm_cli_input *input);

/* Whether to wait for the descriptor: there is room and the stream is open. */
bool wsm_cli_input_wants(const struct wsm_cli_input *input);

/* One read() from the descriptor, which poll() has shown ready. Returns 0 or the errno
 * of a failed read, which ends the stream as end of file does. */
int wsm_cli_input_read(struct wsm_cli_input *input);

/* True: *out is to be sent now and counts as outstanding. While a block is on the way
 * the next one is gathered until it is full, so that small reads do not become small
 * messages. */
bool wsm_cli_input_next(struct wsm_cli_input *input, struct wsm_cli_input_block *out);

/* True: *out is what was read and not handed over yet, to be sent whatever is on the way,
 * since nobody else can; then it is over. */
bool wsm_cli_input_flush(struct wsm_cli_input *input, struct wsm_cli_input_block *out);

/* One outstanding block was confirmed. */
void wsm_cli_input_sent(struct wsm_cli_input *input);

/* Nobody wants input any more; what is read and not sent is dropped. */
void wsm_cli_input_stop(struct wsm_cli_input *input);

#endif
