/* Standard output and standard error of winrmc, fed by the library's callbacks. */
#ifndef WSM_CLI_OUTPUT_H
#define WSM_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

enum wsm_cli_stream {
    WSM_CLI_STDOUT,
    WSM_CLI_STDERR,
    WSM_CLI_STREAM_COUNT,
};

struct wsm_cli_output {
    int fds[WSM_CLI_STREAM_COUNT];
    bool is_ours[WSM_CLI_STREAM_COUNT]; /* opened by us, so we close it */
    int cancel_fd;                      /* readable once the output is not wanted any more; owned */
    int error;                          /* errno of the first failed write; callback thread only */
};

/* Prepares writing to the two descriptors. They are shared with other processes, so
 * their flags stay as they are; a pipe or terminal is opened once more, without
 * blocking, where the system allows: then a stuck reader cannot hold us. */
bool wsm_cli_output_open(struct wsm_cli_output *output, int out_fd, int err_fd)
    __attribute__((warn_unused_result));

/* One callback thread at a time. Writes everything, waiting for a slow reader. Returns
 * 0 or an errno value (ECANCELED after wsm_cli_output_cancel()); after the first
 * failure everything is dropped and the same value returned. *out_written is what went
 * out of these bytes. */
int wsm_cli_output_write(struct wsm_cli_output *output, enum wsm_cli_stream stream,
                         const void *data, size_t len, size_t *out_written);

/* Any thread: from now on nobody waits for a reader; what can be written at once still
 * is. */
void wsm_cli_output_cancel(struct wsm_cli_output *output);

/* Callback thread: waits until that was called. */
void wsm_cli_output_await_cancel(const struct wsm_cli_output *output);

/* After the last callback. */
void wsm_cli_output_close(struct wsm_cli_output *output);

#endif
