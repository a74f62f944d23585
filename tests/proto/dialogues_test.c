/* Reads every message in tests/proto/<message>/<case>.xml and compares what our reader makes
 * of it with <case>.expect, line by line. Lines with # there tell where the message is from.
 * Run with --write, the program writes the expectations that are missing, to be reviewed. */
#include "base/utf.h"
#include "proto/command.h"
#include "proto/create.h"
#include "proto/disconnect.h"
#include "proto/enumerate.h"
#include "proto/extension.h"
#include "proto/fault.h"
#include "proto/identify.h"
#include "proto/receive.h"
#include "proto/send.h"
#include "proto/signal.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool write_missing;

/* Appends KEY "value", with all but plain ASCII escaped; nothing for an empty value. */
static void say(struct wsm_buf *out, const char *key, struct wsm_span value)
{
    size_t i;

    if (value.len == 0)
        return;
    wsm_buf_printf(out, "%s \"", key);
    for (i = 0; i < value.len; i++) {
        uint8_t byte = value.ptr[i];

        if (byte < 0x20 || byte > 0x7E || byte == '"' || byte == '\\')
            wsm_buf_printf(out, "\\x%02x", byte);
        else
            wsm_buf_append_byte(out, byte);
    }
    wsm_buf_append_str(out, "\"\n");
}

static void say_number(struct wsm_buf *out, const char *key, long long value)
{
    wsm_buf_printf(out, "%s %lld\n", key, value);
}

static void say_headers(struct wsm_buf *out, const struct wsm_envelope *env)
{
    size_t i;

    say(out, "action", env->action);
    say(out, "message_id", env->message_id);
    say(out, "relates_to", env->relates_to);
    say(out, "resource_uri", env->resource_uri);
    say(out, "session_id", env->session_id);
    if (env->operation_timeout_ms >= 0)
        say_number(out, "operation_timeout_ms", env->operation_timeout_ms);
    if (env->max_envelope_size != 0)
        say_number(out, "max_envelope_size", (long long)env->max_envelope_size);
    for (i = 0; i < env->selector_count; i++) {
        say(out, "selector", env->selectors[i].name);
        say(out, "  value", env->selectors[i].value);
    }
    for (i = 0; i < env->option_count; i++) {
        say(out, env->options[i].must_comply ? "option that must" : "option", env->options[i].name);
        say(out, "  value", env->options[i].value);
    }
}

static void say_stream(struct wsm_buf *out, const struct wsm_stream_data *stream)
{
    say(out, stream->end ? "stream that ends" : "stream", stream->name);
    say(out, "  command_id", stream->command_id);
    if (stream->has_offset)
        say_number(out, "  offset", (long long)stream->offset);
    say(out, "  data", stream->data);
}

/* One reader for each folder. false: err is filled. */
static bool read_create(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    static struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
    struct wsm_create_request msg;
    size_t i;

    if (!wsm_create_request_parse(env, variables, &msg, err))
        return false;
    say(out, "shell_id", msg.shell_id);
    say(out, "name", msg.name);
    say(out, "working_directory", msg.working_directory);
    say(out, "input_streams", msg.input_streams);
    say(out, "output_streams", msg.output_streams);
    say_number(out, "idle_timeout_ms", msg.idle_timeout_ms);
    say(out, "buffer_mode", msg.buffer_mode);
    for (i = 0; i < msg.variable_count; i++) {
        say(out, "variable", msg.variables[i].name);
        say(out, "  value", msg.variables[i].value);
    }
    return true;
}

/* What rsp:Shell says; nothing for what it leaves out. */
static void say_shell(struct wsm_buf *out, const struct wsm_shell_item *item)
{
    say(out, "shell_id", item->shell_id);
    say(out, "resource_uri", item->resource_uri);
    say(out, "owner", item->owner);
    say(out, "client_ip", item->client_ip);
    say(out, "name", item->name);
    say(out, "working_directory", item->working_directory);
    say_number(out, "idle_timeout_ms", item->idle_timeout_ms);
    say_number(out, "max_idle_timeout_ms", item->max_idle_timeout_ms);
    say(out, "input_streams", item->input_streams);
    say(out, "output_streams", item->output_streams);
    say_number(out, "run_time_s", item->run_time_s);
    say_number(out, "inactivity_s", item->inactivity_s);
    say(out, "buffer_mode", item->buffer_mode);
    say(out, "state", item->state);
    if (item->memory_kib >= 0)
        say_number(out, "memory_kib", item->memory_kib);
    if (item->child_processes >= 0)
        say_number(out, "child_processes", item->child_processes);
    say(out, "holder", item->session_id);
    wsm_buf_append_str(out, item->is_marked ? "marked\n" : "");
}

static bool read_create_response(const struct wsm_envelope *env, struct wsm_buf *out,
                                 struct wsm_error *err)
{
    const struct wsm_xml_node *shell;
    struct wsm_create_response msg;

    if (!wsm_create_response_parse(env, &msg, &shell, err))
        return false;
    say(out, "address", msg.address);
    say_shell(out, &msg.shell);
    if (msg.extension_version > 0)
        say_number(out, "extension_version", msg.extension_version);
    wsm_buf_append_str(out, shell == NULL ? "no rsp:Shell\n" : "");
    return true;
}

static bool read_command(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    static struct wsm_span arguments[WSM_ARGUMENTS_MAX];
    struct wsm_command_request msg;
    size_t i;

    if (!wsm_command_request_parse(env, arguments, &msg, err))
        return false;
    say(out, "command_id", msg.command_id);
    say(out, "command", msg.command);
    for (i = 0; i < msg.argument_count; i++)
        say(out, "argument", msg.arguments[i]);
    return true;
}

static bool read_command_response(const struct wsm_envelope *env, struct wsm_buf *out,
                                  struct wsm_error *err)
{
    struct wsm_span id;

    if (!wsm_command_response_parse(env, &id, err))
        return false;
    say(out, "command_id", id);
    return true;
}

static bool read_send(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    static struct wsm_stream_data streams[WSM_SEND_STREAMS_MAX];
    size_t count;
    size_t i;

    if (!wsm_send_request_parse(env, streams, &count, err))
        return false;
    for (i = 0; i < count; i++)
        say_stream(out, &streams[i]);
    return true;
}

static bool say_from(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    const struct wsm_option *option = wsm_envelope_option(env, WSM_OPTION_FROM);
    struct wsm_from entries[WSM_FROM_STREAMS_MAX];
    size_t count = 0;
    size_t i;

    if (option != NULL && !wsm_from_parse(option->value, entries, &count, err))
        return false;
    for (i = 0; i < count; i++) {
        say(out, "from", entries[i].stream);
        say_number(out, "  confirmed", (long long)entries[i].confirmed);
        say_number(out, "  start", (long long)entries[i].start);
    }
    return true;
}

static bool read_receive(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    struct wsm_receive_request msg;

    if (!wsm_receive_request_parse(env, &msg, err))
        return false;
    say(out, "command_id", msg.command_id);
    say(out, "streams", msg.streams);
    return say_from(env, out, err);
}

static bool read_receive_response(const struct wsm_envelope *env, struct wsm_buf *out,
                                  struct wsm_error *err)
{
    static const char *const states[] = { "running", "pending", "done" };
    struct wsm_receive_response msg;
    struct wsm_stream_data stream;
    enum wsm_parse next;

    if (!wsm_receive_response_parse(env, &msg, err))
        return false;
    while ((next = wsm_receive_response_next(&msg, &stream)) == WSM_PARSE_MORE)
        say_stream(out, &stream);
    if (next == WSM_PARSE_BAD)
        wsm_buf_append_str(out, "bad stream\n");
    if (msg.has_state)
        wsm_buf_printf(out, "state %s\n", states[msg.state]);
    if (msg.has_exit_code)
        say_number(out, "exit_code", msg.exit_code);
    return true;
}

static bool read_signal(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    static const char *const codes[] = { "other", "terminate", "ctrl_c", "ctrl_break" };
    struct wsm_signal_request msg;

    if (!wsm_signal_request_parse(env, &msg, err))
        return false;
    say(out, "command_id", msg.command_id);
    say(out, "code", msg.code);
    wsm_buf_printf(out, "signal %s\n", codes[wsm_signal_code_of(msg.code)]);
    return true;
}

static void say_mode(struct wsm_buf *out, enum wsm_buffer_mode mode)
{
    say(out, "buffer_mode", wsm_span_str(wsm_buffer_mode_name(mode)));
}

/* The options of our client. */
static bool say_options(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    bool takes_over;

    if (wsm_extension_announced(env) > 0)
        say_number(out, "announced", wsm_extension_announced(env));
    if (!wsm_extension_takeover(env, &takes_over, err))
        return false;
    wsm_buf_append_str(out, takes_over ? "takes over\n" : "");
    return true;
}

static bool say_delivered(const struct wsm_envelope *env, struct wsm_buf *out,
                          struct wsm_error *err)
{
    const struct wsm_option *option = wsm_envelope_option(env, WSM_OPTION_DELIVERED);
    struct wsm_delivered entries[WSM_DELIVERED_MAX];
    size_t count = 0;
    size_t i;

    if (option != NULL && !wsm_delivered_parse(option->value, entries, &count, err))
        return false;
    for (i = 0; i < count; i++) {
        say(out, "delivered", entries[i].command);
        say(out, "  stream", entries[i].stream);
        wsm_buf_printf(out, "  offset %llu\n", (unsigned long long)entries[i].offset);
    }
    return true;
}

static bool read_disconnect(const struct wsm_envelope *env, struct wsm_buf *out,
                            struct wsm_error *err)
{
    struct wsm_disconnect_request msg;

    if (!wsm_disconnect_request_parse(env, &msg, err))
        return false;
    say_number(out, "idle_timeout_ms", msg.idle_timeout_ms);
    say_mode(out, msg.buffer_mode);
    return say_options(env, out, err) && say_delivered(env, out, err);
}

static bool read_reconnect(const struct wsm_envelope *env, struct wsm_buf *out,
                           struct wsm_error *err)
{
    struct wsm_reconnect_request msg;

    if (!wsm_reconnect_request_parse(env, &msg, err))
        return false;
    say(out, "command_id", msg.command_id);
    say_mode(out, msg.buffer_mode);
    return true;
}

static bool read_connect(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    struct wsm_connect_request msg;

    if (!wsm_connect_request_parse(env, &msg, err))
        return false;
    say(out, "command_id", msg.command_id);
    say_mode(out, msg.buffer_mode);
    return say_options(env, out, err);
}

static bool read_connect_response(const struct wsm_envelope *env, struct wsm_buf *out,
                                  struct wsm_error *err)
{
    struct wsm_connect_response msg;
    const struct wsm_xml_node *xml;

    if (!wsm_connect_response_parse(env, &msg, &xml, err))
        return false;
    say(out, "input_streams", msg.input_streams);
    say(out, "output_streams", msg.output_streams);
    if (msg.extension_version > 0)
        say_number(out, "extension_version", msg.extension_version);
    return true;
}

static bool read_get_response(const struct wsm_envelope *env, struct wsm_buf *out,
                              struct wsm_error *err)
{
    struct wsm_shell_item item;

    if (!wsm_get_response_parse(env, &item, err))
        return false;
    say_shell(out, &item);
    return true;
}

static bool read_enumerate(const struct wsm_envelope *env, struct wsm_buf *out,
                           struct wsm_error *err)
{
    struct wsm_enumerate_request msg;

    if (!wsm_enumerate_request_parse(env, &msg, err))
        return false;
    wsm_buf_append_str(out, msg.is_optimized ? "optimized\n" : "");
    wsm_buf_append_str(out, msg.wants_epr ? "wants references\n" : "");
    wsm_buf_append_str(out, msg.has_filter ? "filter\n" : "");
    say(out, "  dialect", msg.dialect);
    say(out, "shell_id", msg.shell_id);
    say_number(out, "max_elements", msg.max_elements);
    return say_options(env, out, err);
}

static bool read_pull(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    struct wsm_pull_request msg;

    if (!wsm_pull_request_parse(env, &msg, err))
        return false;
    say(out, "context", msg.context);
    say_number(out, "max_elements", msg.max_elements);
    return true;
}

static bool read_release(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    struct wsm_span context;

    if (!wsm_release_request_parse(env, &context, err))
        return false;
    say(out, "context", context);
    return true;
}

static void say_command(struct wsm_buf *out, const struct wsm_command_item *item)
{
    size_t i;

    say(out, "command_id", item->command_id);
    say(out, "  line", item->line);
    say(out, "  state", item->state);
    if (item->has_exit_code)
        say_number(out, "  exit_code", item->exit_code);
    for (i = 0; i < item->stream_count; i++) {
        const struct wsm_stream_item *stream = &item->streams[i];

        say(out, "  stream", stream->name);
        say_number(out, "    confirmed", (long long)stream->confirmed);
        say_number(out, "    served", (long long)stream->served);
        say_number(out, "    served_again", (long long)stream->served_again);
        say_number(out, "    end", (long long)stream->end);
        say_number(out, "    dropped", (long long)stream->dropped);
    }
}

/* The answers to Enumerate and to Pull. */
static bool read_items_response(const struct wsm_envelope *env, struct wsm_buf *out,
                                struct wsm_error *err)
{
    struct wsm_items_response msg;
    const struct wsm_xml_node *node;

    if (!wsm_items_response_parse(env, &msg, err))
        return false;
    say(out, "context", msg.context);
    for (node = msg.first; node != NULL; node = wsm_xml_next_same(node)) {
        struct wsm_command_item command;
        struct wsm_shell_item shell;

        if (wsm_xml_is(node, WSM_NS_SHELL, "Shell")) {
            wsm_shell_item_parse(node, &shell);
            say_shell(out, &shell);
        } else {
            wsm_command_item_parse(node, &command);
            say_command(out, &command);
        }
    }
    wsm_buf_append_str(out, msg.is_end ? "end\n" : "");
    return true;
}

static bool read_headers_only(const struct wsm_envelope *env, struct wsm_buf *out,
                              struct wsm_error *err)
{
    (void)err;
    wsm_buf_append_str(out, wsm_envelope_content(env) == NULL ? "empty body\n" : "some body\n");
    return true;
}

static bool read_identify(const struct wsm_envelope *env, struct wsm_buf *out,
                          struct wsm_error *err)
{
    const char *ns;

    (void)err;
    if (wsm_identify_request_parse(env, &ns))
        say(out, "identify", wsm_span_str(ns));
    else
        wsm_buf_append_str(out, "no Identify\n");
    return true;
}

static bool read_identify_response(const struct wsm_envelope *env, struct wsm_buf *out,
                                   struct wsm_error *err)
{
    struct wsm_buf profiles = WSM_BUF_INIT;
    struct wsm_identify_response msg;
    bool ok = wsm_identify_response_parse(env, &profiles, &msg, err);

    if (ok) {
        say(out, "protocol_version", msg.protocol_version);
        say(out, "product_vendor", msg.product_vendor);
        say(out, "product_version", msg.product_version);
        say(out, "security_profiles", msg.security_profiles);
    }
    wsm_buf_clear(&profiles);
    return ok;
}

static bool read_fault(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err)
{
    struct wsm_error fault = WSM_ERROR_INIT;

    (void)err;
    if (wsm_fault_parse(env, &fault)) {
        say_number(out, "fault", fault.code);
        say(out, "text", wsm_span_str(wsm_error_text(&fault)));
        if (fault.origin != NULL) {
            say(out, "machine", wsm_span_str(fault.origin->machine));
            say(out, "provider", wsm_span_str(fault.origin->provider));
            say(out, "language", wsm_span_str(fault.origin->language));
            say(out, "redirect", wsm_span_str(fault.origin->redirect));
        }
    } else {
        wsm_buf_append_str(out, "no fault\n");
    }
    wsm_error_clear(&fault);
    return true;
}

struct message {
    const char *folder;
    bool is_request; /* checked as a server does */
    bool (*read)(const struct wsm_envelope *env, struct wsm_buf *out, struct wsm_error *err);
};

static const struct message messages[] = {
    { "command", true, read_command },
    { "command_response", false, read_command_response },
    { "connect", true, read_connect },
    { "connect_response", false, read_connect_response },
    { "create", true, read_create },
    { "create_response", false, read_create_response },
    { "delete", true, read_headers_only },
    { "disconnect", true, read_disconnect },
    { "enumerate", true, read_enumerate },
    { "enumerate_response", false, read_items_response },
    { "envelope", true, read_headers_only },
    { "fault", false, read_fault },
    { "get", true, read_headers_only },
    { "get_response", false, read_get_response },
    { "identify", false, read_identify },
    { "identify_response", false, read_identify_response },
    { "pull", true, read_pull },
    { "pull_response", false, read_items_response },
    { "receive", true, read_receive },
    { "receive_response", false, read_receive_response },
    { "reconnect", true, read_reconnect },
    { "release", true, read_release },
    { "send", true, read_send },
    { "signal", true, read_signal },
};

static void describe(const struct message *message, struct wsm_span text, struct wsm_buf *out)
{
    /* An allocation of its own size, so that the address sanitizer sees its end. */
    uint8_t *bytes = malloc(text.len + (text.len == 0));
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_envelope env;

    assert_non_null(bytes);
    if (text.len > 0)
        memcpy(bytes, text.ptr, text.len);
    if (wsm_envelope_parse(&env, bytes, text.len, &err) &&
        (!message->is_request || wsm_envelope_check_request(&env, &err))) {
        say_headers(out, &env);
        (void)message->read(&env, out, &err);
    } else {
        say(out, "message_id", env.message_id);
    }
    if (err.code != 0) {
        say_number(out, "error", err.code);
        assert_non_null(err.text);
    }
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
    free(bytes);
}

static bool read_file(const char *path, struct wsm_buf *out)
{
    FILE *file = fopen(path, "rb");
    char piece[4096];
    size_t count;

    if (file == NULL)
        return false;
    while ((count = fread(piece, 1, sizeof(piece), file)) > 0)
        wsm_buf_append(out, piece, count);
    fclose(file);
    return true;
}

/* Takes out the lines that start with #. */
static void drop_comments(struct wsm_buf *text)
{
    struct wsm_buf kept = WSM_BUF_INIT;
    size_t start = 0;

    while (start < text->len) {
        const uint8_t *end = memchr(text->ptr + start, '\n', text->len - start);
        size_t next = end == NULL ? text->len : (size_t)(end - text->ptr) + 1;

        if (text->ptr[start] != '#')
            wsm_buf_append(&kept, text->ptr + start, next - start);
        start = next;
    }
    wsm_buf_clear(text);
    *text = kept;
}

/* Without byte order mark and <?xml …?>, which would contradict UTF-16. */
static struct wsm_span without_declaration(struct wsm_span text)
{
    const uint8_t *end = text.len == 0 ? NULL : memmem(text.ptr, text.len, "?>", 2);

    if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0)
        return wsm_span_of(text.ptr + 3, text.len - 3);
    if (text.len < 5 || memcmp(text.ptr, "<?xml", 5) != 0 || end == NULL)
        return text;
    return wsm_span_of(end + 2, text.len - (size_t)(end + 2 - text.ptr));
}

/* A client may send the same message as UTF-16: it must mean the same. */
static void check_utf16(const struct message *message, struct wsm_span text,
                        const struct wsm_buf *want)
{
    struct wsm_buf wide = WSM_BUF_INIT;
    struct wsm_buf got = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    wsm_buf_append_span(&wide, without_declaration(text));
    if (wsm_envelope_to_utf16(&wide, 0, &err)) {
        describe(message, wsm_buf_span(&wide), &got);
        assert_int_equal(got.len, want->len);
        assert_memory_equal(got.ptr, want->ptr, want->len);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&wide);
    wsm_buf_clear(&got);
}

static bool check_case(const struct message *message, const char *path)
{
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_buf want = WSM_BUF_INIT;
    struct wsm_buf got = WSM_BUF_INIT;
    char expect[4096];
    bool ok;

    snprintf(expect, sizeof(expect), "%.*s.expect", (int)(strlen(path) - 4), path);
    assert_true(read_file(path, &text));
    describe(message, wsm_buf_span(&text), &got);
    if (!read_file(expect, &want) && write_missing) {
        FILE *file = fopen(expect, "wb");

        assert_non_null(file);
        fwrite(got.ptr, 1, got.len, file);
        fclose(file);
        wsm_buf_append_span(&want, wsm_buf_span(&got));
    }
    drop_comments(&want);
    ok = got.len == want.len && (got.len == 0 || memcmp(got.ptr, want.ptr, got.len) == 0);
    if (!ok)
        print_error("%s\nexpected:\n%.*sgot:\n%.*s\n", path, (int)want.len,
                    want.ptr == NULL ? "" : (char *)want.ptr, (int)got.len, (char *)got.ptr);
    else if (memmem(want.ptr, want.len, "error 2150858796", 16) == NULL) /* names its encoding */
        check_utf16(message, wsm_buf_span(&text), &want);
    wsm_buf_clear(&text);
    wsm_buf_clear(&want);
    wsm_buf_clear(&got);
    return ok;
}

static void test_dialogues_mean_what_is_expected(void **state)
{
    const struct message *message = *state;
    char path[2048];
    struct dirent **entries;
    int count;
    int cases = 0;
    int failed = 0;
    int i;

    snprintf(path, sizeof(path), "%s/%s", WSM_DIALOGUES, message->folder);
    count = scandir(path, &entries, NULL, alphasort);
    assert_true(count > 0);
    for (i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t len = strlen(name);

        if (len > 4 && strcmp(name + len - 4, ".xml") == 0) {
            snprintf(path, sizeof(path), "%s/%s/%s", WSM_DIALOGUES, message->folder, name);
            cases++;
            if (!check_case(message, path))
                failed++;
        }
        free(entries[i]);
    }
    free(entries);
    print_message("%s: %d messages\n", message->folder, cases);
    assert_true(cases > 0);
    assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
    enum { COUNT = sizeof(messages) / sizeof(messages[0]) };
    struct CMUnitTest tests[COUNT];
    size_t i;

    write_missing = argc > 1 && strcmp(argv[1], "--write") == 0;
    for (i = 0; i < COUNT; i++)
        tests[i] = (struct CMUnitTest){ .name = messages[i].folder,
                                        .test_func = test_dialogues_mean_what_is_expected,
                                        .initial_state = (void *)(uintptr_t)&messages[i] };
    return cmocka_run_group_tests_name("dialogues", tests, NULL, NULL);
}
