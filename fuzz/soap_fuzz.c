/* Targets: wsm_envelope_parse, wsm_envelope_check_request, every reader of a message, the
 * fault that answers what was refused, and wsm_xml_write. What was read of a shell or a
 * command, or of offsets, is written and must be read as the same. */
#include "proto/command.h"
#include "proto/create.h"
#include "proto/disconnect.h"
#include "proto/enumerate.h"
#include "proto/extension.h"
#include "proto/fault.h"
#include "proto/identify.h"
#include "proto/receive.h"
#include "proto/signal.h"

#include <assert.h>
#include <stdlib.h>

static struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
static struct wsm_span arguments[WSM_ARGUMENTS_MAX];
static struct wsm_stream_data streams[WSM_SEND_STREAMS_MAX];

/* What we have written is well-formed. */
static struct wsm_xml_doc read_again(struct wsm_buf *text)
{
    struct wsm_xml_doc doc;

    if (!wsm_buf_ok(text) || !wsm_xml_parse(&doc, text->ptr, text->len, NULL))
        abort();
    return doc;
}

static void expect_same(struct wsm_span a, struct wsm_span b)
{
    if (!wsm_span_equal(a, b))
        abort();
}

static void read_shell_item(const struct wsm_xml_node *node)
{
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_shell_item item;
    struct wsm_shell_item again;
    struct wsm_xml_doc doc;

    wsm_shell_item_parse(node, &item);
    wsm_shell_item_write(&text, &item);
    doc = read_again(&text);
    wsm_shell_item_parse(doc.root, &again);
    expect_same(item.shell_id, again.shell_id);
    expect_same(item.name, again.name);
    expect_same(item.resource_uri, again.resource_uri);
    expect_same(item.owner, again.owner);
    expect_same(item.client_ip, again.client_ip);
    expect_same(item.working_directory, again.working_directory);
    expect_same(item.input_streams, again.input_streams);
    expect_same(item.output_streams, again.output_streams);
    expect_same(item.buffer_mode, again.buffer_mode);
    expect_same(item.state, again.state);
    if (item.is_marked)
        expect_same(item.session_id, again.session_id);
    if (item.idle_timeout_ms != again.idle_timeout_ms ||
        item.max_idle_timeout_ms != again.max_idle_timeout_ms ||
        item.run_time_s != again.run_time_s || item.inactivity_s != again.inactivity_s ||
        item.memory_kib != again.memory_kib || item.child_processes != again.child_processes ||
        item.is_marked != again.is_marked)
        abort();
    wsm_xml_doc_clear(&doc);
    wsm_buf_clear(&text);
}

static void read_command_item(const struct wsm_xml_node *node)
{
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_command_item item;
    struct wsm_command_item again;
    struct wsm_xml_doc doc;
    size_t i;

    wsm_command_item_parse(node, &item);
    wsm_command_item_write(&text, &item);
    doc = read_again(&text);
    wsm_command_item_parse(doc.root, &again);
    expect_same(item.command_id, again.command_id);
    expect_same(item.line, again.line);
    expect_same(item.state, again.state);
    if (item.has_exit_code != again.has_exit_code || item.exit_code != again.exit_code ||
        item.stream_count != again.stream_count)
        abort();
    for (i = 0; i < item.stream_count; i++) {
        const struct wsm_stream_item *a = &item.streams[i];
        const struct wsm_stream_item *b = &again.streams[i];

        expect_same(a->name, b->name);
        if (a->confirmed != b->confirmed || a->served != b->served ||
            a->served_again != b->served_again || a->end != b->end || a->dropped != b->dropped)
            abort();
    }
    wsm_xml_doc_clear(&doc);
    wsm_buf_clear(&text);
}

/* The answers to Get, Enumerate and Pull. */
static void read_items(const struct wsm_envelope *env)
{
    struct wsm_items_response items;
    const struct wsm_xml_node *node;
    struct wsm_shell_item item;

    if (wsm_get_response_parse(env, &item, NULL))
        read_shell_item(wsm_envelope_content(env));
    if (!wsm_items_response_parse(env, &items, NULL))
        return;
    for (node = items.first; node != NULL; node = wsm_xml_next_same(node)) {
        if (wsm_span_is(node->name, "Shell"))
            read_shell_item(node);
        else
            read_command_item(node);
    }
}

static void read_delivered(const struct wsm_envelope *env)
{
    const struct wsm_option *option = wsm_envelope_option(env, WSM_OPTION_DELIVERED);
    struct wsm_delivered entries[WSM_DELIVERED_MAX];
    struct wsm_delivered again[WSM_DELIVERED_MAX];
    struct wsm_buf text = WSM_BUF_INIT;
    size_t count;
    size_t same;
    size_t i;

    if (option == NULL || !wsm_delivered_parse(option->value, entries, &count, NULL))
        return;
    wsm_delivered_write(&text, entries, count);
    if (!wsm_delivered_parse(wsm_buf_span(&text), again, &same, NULL) || same != count)
        abort();
    for (i = 0; i < count; i++) {
        expect_same(entries[i].command, again[i].command);
        expect_same(entries[i].stream, again[i].stream);
        if (entries[i].offset != again[i].offset)
            abort();
    }
    wsm_buf_clear(&text);
}

static void read_from(const struct wsm_envelope *env)
{
    const struct wsm_option *option = wsm_envelope_option(env, WSM_OPTION_FROM);
    struct wsm_from entries[WSM_FROM_STREAMS_MAX];
    struct wsm_from again[WSM_FROM_STREAMS_MAX];
    struct wsm_buf text = WSM_BUF_INIT;
    size_t count;
    size_t same;
    size_t i;

    if (option == NULL || !wsm_from_parse(option->value, entries, &count, NULL))
        return;
    wsm_from_write(&text, entries, count);
    if (!wsm_from_parse(wsm_buf_span(&text), again, &same, NULL) || same != count)
        abort();
    for (i = 0; i < count; i++) {
        expect_same(entries[i].stream, again[i].stream);
        if (entries[i].confirmed != again[i].confirmed || entries[i].start != again[i].start ||
            entries[i].confirmed > entries[i].start)
            abort();
    }
    wsm_buf_clear(&text);
}

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
        struct wsm_disconnect_request disconnect;
        struct wsm_reconnect_request reconnect;
        struct wsm_connect_request connect;
        struct wsm_connect_response connected;
        struct wsm_enumerate_request enumerate;
        struct wsm_pull_request pull;
        bool takes_over;
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
    if (wsm_signal_request_parse(env, &out.signal, NULL))
        read += wsm_signal_code_of(out.signal.code) == WSM_SIGNAL_OTHER;
    read += wsm_identify_request_parse(env, &out.ns);
    read += wsm_identify_response_parse(env, scratch, &out.identified, NULL);
    read += wsm_send_request_parse(env, streams, &out.count, NULL);
    read += wsm_disconnect_request_parse(env, &out.disconnect, NULL);
    read += wsm_reconnect_request_parse(env, &out.reconnect, NULL);
    read += wsm_connect_request_parse(env, &out.connect, NULL);
    read += wsm_connect_response_parse(env, &out.connected, &shell, NULL);
    read += wsm_enumerate_request_parse(env, &out.enumerate, NULL);
    read += wsm_pull_request_parse(env, &out.pull, NULL);
    read += wsm_release_request_parse(env, &out.id, NULL);
    read += wsm_extension_takeover(env, &out.takes_over, NULL);
    read += wsm_fault_parse(env, &fault);
    if (wsm_extension_announced(env) > WSM_EXTENSION_VERSION)
        abort();
    read_items(env);
    read_from(env);
    read_delivered(env);
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
