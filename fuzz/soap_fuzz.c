/* Targets: wsm_envelope_parse, wsm_envelope_check_request, every reader of a message, the
 * fault that answers what was refused, and wsm_xml_write. */
#include "proto/command.h"
#include "proto/create.h"
#include "proto/fault.h"
#include "proto/identify.h"
#include "proto/receive.h"
#include "proto/signal.h"

#include <assert.h>
#include <stdlib.h>

static struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
static struct wsm_span arguments[WSM_ARGUMENTS_MAX];
static struct wsm_stream_data streams[WSM_SEND_STREAMS_MAX];

/* They may refuse; what matters is that they stay within the message. */
static void read_all(const struct wsm_envelope *env, struct wsm_buf *scratch)
{
    union {
        struct wsm_create_request create;
        struct wsm_create_response created;
        struct wsm_command_request command;
        struct wsm_receive_request receive;
        struct wsm_receive_response received;
        struct wsm_signal_request signal;
        struct wsm_identify_response identified;
        struct wsm_stream_data stream;
        const char *ns;
        struct wsm_span id;
        size_t count;
    } out;
    const struct wsm_xml_node *shell;
    struct wsm_error fault = WSM_ERROR_INIT;
    struct wsm_receive_response received;
    int read = 0;

    read += wsm_create_request_parse(env, variables, &out.create, NULL);
    read += wsm_create_response_parse(env, &out.created, &shell, NULL);
    read += wsm_command_request_parse(env, arguments, &out.command, NULL);
    read += wsm_command_response_parse(env, &out.id, NULL);
    read += wsm_receive_request_parse(env, &out.receive, NULL);
    read += wsm_signal_request_parse(env, &out.signal, NULL);
    read += wsm_identify_request_parse(env, &out.ns);
    read += wsm_identify_response_parse(env, scratch, &out.identified, NULL);
    read += wsm_send_request_parse(env, streams, &out.count, NULL);
    read += wsm_fault_parse(env, &fault);
    (void)read;
    wsm_error_clear(&fault);
    if (wsm_receive_response_parse(env, &received, NULL))
        while (wsm_receive_response_next(&received, &out.stream) == WSM_PARSE_MORE)
            ;
}

/* What we answer to a message that was refused is a fault of that code. */
static void answer(const struct wsm_envelope *env, const struct wsm_error *err)
{
    const struct wsm_guid id = { "11111111-2222-4333-8444-555555555501" };
    struct wsm_error read = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope back;

    wsm_fault_write(&out, &id, env->message_id, err, "srv");
    if (!wsm_envelope_parse(&back, out.ptr, out.len, NULL) || !wsm_fault_parse(&back, &read))
        abort();
    assert(read.code == err->code && wsm_span_equal(back.relates_to, env->message_id));
    wsm_error_clear(&read);
    wsm_envelope_clear(&back);
    wsm_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size + (size == 0));
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf scratch = WSM_BUF_INIT;
    struct wsm_envelope env;

    if (bytes == NULL)
        abort();
    if (size > 0)
        memcpy(bytes, data, size);
    if (!wsm_envelope_parse(&env, bytes, size, &err) || !wsm_envelope_check_request(&env, &err))
        answer(&env, &err);
    if (env.doc.root != NULL) {
        wsm_xml_write(&scratch, env.doc.root);
        read_all(&env, &scratch);
    }
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&scratch);
    free(bytes);
    return 0;
}
