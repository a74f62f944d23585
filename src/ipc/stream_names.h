/* The streams of a shell as clients, winrmd-net and the host name them. */
#ifndef WSM_IPC_STREAM_NAMES_H
#define WSM_IPC_STREAM_NAMES_H

#include "ipc/host_messages.h"

extern const char *const wsm_input_stream_names[1];
extern const char *const wsm_output_stream_names[WSM_HOST_STREAMS];

/* Names with XML white space between them to bits by their place in `names`. False, *out_bits
 * untouched: one is not there. */
bool wsm_stream_names_parse(struct wsm_span list, const char *const *names, size_t name_count,
                            uint32_t *out_bits) WSM_MUST_CHECK;

#endif
