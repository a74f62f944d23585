/* What every callback keeps to: when it comes, how often, with which flags, handles and data.
 * The caller holds a lock of its own in each call and takes it in each callback; answers.c
 * judges what comes. */
#include "answers.h"
#include "client_fixture.h"
#include "guarded.h"
#include "proto/envelope.h"
#include "strict_calls.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>
#include <wsmext.h>

#include <cmocka.h>

enum {
    LAST = WSMAN_FLAG_CALLBACK_END_OF_OPERATION,
    CAN_DISCONNECT = WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT,
    ROUNDS = 50,
};

static struct fixture *f;
static _Atomic(const char *) target; /* the request that the handlers below spoil; NULL = none */

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    fake_can_disconnect(f->service);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

/* ---- Each call that succeeds ---- */

static void test_G8_each_success_is_one_callback_with_its_flags_and_handles(void **state)
{
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;

    (void)state;
    assert_came(strict_create(f->session, &s), LAST | CAN_DISCONNECT, 0, s, NULL, NULL, true);
    assert_came(strict_run(s, &c), LAST, 0, s, c, NULL, false);
    assert_came(strict_send(s, c, 3, &o), LAST, 0, s, c, o, false);
    strict_close(o);
    assert_came(strict_signal(s, c, WSMAN_TEXT("x"), &o), LAST, 0, s, c, o, false);
    strict_close(o);
    assert_came(strict_signal(s, NULL, WSMAN_TEXT("x"), &o), LAST, 0, s, NULL, o, false);
    strict_close(o);
    assert_came(strict_post(STRICT_DISCONNECT, s), LAST, 0, s, NULL, NULL, false);
    assert_came(strict_post(STRICT_RECONNECT, s), LAST, 0, s, NULL, NULL, false);
    assert_came(strict_post(STRICT_RECONNECT_COMMAND, c), LAST, 0, s, c, NULL, false);
    assert_came(strict_post(STRICT_CLOSE_COMMAND, c), LAST, 0, s, c, NULL, false);
    assert_came(strict_post(STRICT_CLOSE_SHELL, s), LAST, 0, s, NULL, NULL, false);
    assert_came(strict_attach(f->session, &s), LAST | CAN_DISCONNECT, 0, s, NULL, NULL, true);
    assert_came(strict_attach_command(s, &c), LAST, 0, s, c, NULL, true);
    assert_came(strict_post(STRICT_CLOSE_COMMAND, c), LAST, 0, s, c, NULL, false);
    assert_came(strict_post(STRICT_CLOSE_SHELL, s), LAST, 0, s, NULL, NULL, false);
}

/* Without the caller's lock, so that the callback may well be faster than the call's return. */
static void test_G5_out_handle_is_stored_before_the_callback(void **state)
{
    int round;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        struct answer *answers[4] = { answer_new(), answer_new(), answer_new(), answer_new() };
        WSMAN_SHELL_HANDLE s = NULL;
        WSMAN_COMMAND_HANDLE c = NULL;
        WSMAN_OPERATION_HANDLE o = NULL;
        WSMAN_OPERATION_HANDLE r = NULL;
        size_t i;

        answers[0]->out = (void *const *)(void *)&s;
        answers[1]->out = (void *const *)(void *)&c;
        answers[2]->out = (void *const *)(void *)&o;
        answers[3]->out = (void *const *)(void *)&r;
        WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &answers[0]->async,
                         &s);
        assert_non_null(s);
        answer_wait(answers[0]);
        WSManRunShellCommand(s, 0, WSMAN_TEXT("x"), NULL, NULL, &answers[1]->async, &c);
        assert_non_null(c);
        answer_wait(answers[1]);
        WSManSignalShell(s, c, 0, WSMAN_TEXT("x"), &answers[2]->async, &o);
        assert_non_null(o);
        fake_push_done(f->service, 0);
        WSManReceiveShellOutput(s, c, 0, NULL, &answers[3]->async, &r);
        assert_non_null(r);
        answer_wait(answers[2]);
        answer_wait(answers[3]);
        strict_close(o);
        strict_close(r);
        answer_free(strict_post(STRICT_CLOSE_COMMAND, c));
        answer_free(strict_post(STRICT_CLOSE_SHELL, s));
        for (i = 0; i < 4; i++)
            answer_free(answers[i]);
    }
}

/* ---- Each call that the server refuses ---- */

static bool refuse_target(struct fake_service *service, const struct fake_request *request,
                          struct fake_reply *reply)
{
    const char *name = target;

    (void)service;
    if (name == NULL || strcmp(request->name, name) != 0)
        return false;
    fake_reply_fault(reply, request, ERROR_WSMAN_QUOTA_LIMIT, "no more");
    return true;
}

/* The code of the fault, nothing else, and the handle can be closed. */
static void test_G6_each_fault_is_one_last_callback_without_data(void **state)
{
    const DWORD code = ERROR_WSMAN_QUOTA_LIMIT;
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_SHELL_HANDLE other = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_COMMAND_HANDLE d = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;
    struct answer *received;

    (void)state;
    fake_service_handler(f->service, refuse_target);
    target = "Create";
    assert_came(strict_create(f->session, &other), LAST, code, other, NULL, NULL, false);
    assert_came(strict_post(STRICT_CLOSE_SHELL, other), LAST, 0, other, NULL, NULL, false);
    target = "Connect";
    assert_came(strict_attach(f->session, &other), LAST, code, other, NULL, NULL, false);
    assert_came(strict_post(STRICT_CLOSE_SHELL, other), LAST, 0, other, NULL, NULL, false);
    answer_free(strict_create(f->session, &s));
    assert_came(strict_attach_command(s, &d), LAST, code, s, d, NULL, false);
    assert_came(strict_post(STRICT_CLOSE_COMMAND, d), LAST, 0, s, d, NULL, false);
    target = "Command";
    assert_came(strict_run(s, &d), LAST, code, s, d, NULL, false);
    assert_came(strict_post(STRICT_CLOSE_COMMAND, d), LAST, 0, s, d, NULL, false);
    answer_free(strict_run(s, &c)); /* refused as well */
    answer_free(strict_post(STRICT_CLOSE_COMMAND, c));
    target = NULL;
    answer_free(strict_run(s, &c));
    target = "Send";
    assert_came(strict_send(s, c, 3, &o), LAST, code, s, c, o, false);
    strict_close(o);
    target = "Signal";
    assert_came(strict_signal(s, c, WSMAN_TEXT("x"), &o), LAST, code, s, c, o, false);
    strict_close(o);
    target = "Receive";
    received = strict_receive(s, c, &o);
    answer_wait(received);
    assert_came(received, LAST, code, s, c, o, false);
    strict_close(o);
    target = "Disconnect";
    assert_came(strict_post(STRICT_DISCONNECT, s), LAST, code, s, NULL, NULL, false);
    target = NULL;
    answer_free(strict_post(STRICT_DISCONNECT, s));
    target = "Reconnect";
    assert_came(strict_post(STRICT_RECONNECT, s), LAST, code, s, NULL, NULL, false);
    target = NULL;
    answer_free(strict_post(STRICT_RECONNECT, s));
    target = "Reconnect";
    assert_came(strict_post(STRICT_RECONNECT_COMMAND, c), LAST, code, s, c, NULL, false);
    target = NULL;
    answer_free(strict_post(STRICT_RECONNECT_COMMAND, c));
    target = "Signal";
    assert_came(strict_post(STRICT_CLOSE_COMMAND, c), LAST, code, s, c, NULL, false);
    target = "Delete";
    assert_came(strict_post(STRICT_CLOSE_SHELL, s), LAST, code, s, NULL, NULL, false);
    target = NULL;
}

static bool spoil_target(struct fake_service *service, const struct fake_request *request,
                         struct fake_reply *reply)
{
    struct wsm_response_headers headers = { .relates_to = request->env->message_id };
    const char *content = "<x/>";
    const char *name = target;

    (void)service;
    if (name == NULL || strncmp(request->name, name, strlen(request->name)) != 0)
        return false;
    headers.action = strcmp(request->name, "Create") == 0    ? WSM_ACTION_CREATE "Response"
                     : strcmp(request->name, "Command") == 0 ? WSM_ACTION_COMMAND "Response"
                                                             : WSM_ACTION_RECEIVE "Response";
    if (strcmp(name, "Command without an id") == 0)
        content = "<r:CommandResponse xmlns:r=\"" WSM_NS_SHELL "\"/>";
    wsm_response_begin(&reply->body, &headers);
    wsm_buf_append_str(&reply->body, content);
    wsm_response_end(&reply->body);
    return true;
}

static void test_6_5_answers_without_what_they_must_have_have_their_codes(void **state)
{
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;
    struct answer *received;

    (void)state;
    fake_service_handler(f->service, spoil_target);
    target = "Create";
    assert_came(strict_create(f->session, &s), LAST, ERROR_WSMAN_CREATE_RESPONSE_NO_EPR, s, NULL,
                NULL, false);
    answer_free(strict_post(STRICT_CLOSE_SHELL, s));
    target = NULL;
    answer_free(strict_create(f->session, &s));
    target = "Command";
    assert_came(strict_run(s, &c), LAST, ERROR_WSMAN_NO_COMMAND_RESPONSE, s, c, NULL, false);
    answer_free(strict_post(STRICT_CLOSE_COMMAND, c));
    target = "Command without an id";
    assert_came(strict_run(s, &c), LAST, ERROR_WSMAN_NO_COMMANDID, s, c, NULL, false);
    answer_free(strict_post(STRICT_CLOSE_COMMAND, c));
    target = NULL;
    answer_free(strict_run(s, &c));
    target = "Receive";
    received = strict_receive(s, c, &o);
    answer_wait(received);
    assert_came(received, LAST, ERROR_WSMAN_NO_RECEIVE_RESPONSE, s, c, o, false);
    strict_close(o);
    target = NULL;
}

/* ---- Receive ---- */

/* What one Receive was given, callback by callback. */
static struct {
    size_t count;
    bool is_wrong;
    DWORD lengths[16];
    char streams[16]; /* 'o', 'e', or '-' for none */
    char states[16];  /* 'r', 'd', or '-' */
    DWORD flags[16];
} seen;

static bool is_text(PCWSTR a, PCWSTR b)
{
    size_t i = 0;

    while (a[i] == b[i] && a[i] != 0)
        i++;
    return a[i] == b[i];
}

static void note(struct answer *answer, const WSMAN_RESPONSE_DATA *data)
{
    const WSMAN_RECEIVE_DATA_RESULT *result;
    size_t i = seen.count++;

    if (i >= 16 || data == NULL) {
        seen.is_wrong = true;
        return;
    }
    result = &data->receiveData;
    seen.is_wrong |= result->streamData.type != WSMAN_DATA_TYPE_BINARY;
    seen.flags[i] = answer->flags;
    seen.lengths[i] = result->streamData.binaryData.dataLength;
    seen.streams[i] = '-';
    if (result->streamId != NULL)
        seen.streams[i] = is_text(result->streamId, WSMAN_STREAM_ID_STDOUT) ? 'o' : 'e';
    seen.states[i] = '-';
    if (result->commandState != NULL)
        seen.states[i] = is_text(result->commandState, WSMAN_COMMAND_STATE_DONE) ? 'd' : 'r';
}

static void assert_seen(size_t i, DWORD flags, char stream, DWORD length, char state)
{
    assert_int_equal(seen.flags[i], flags);
    assert_int_equal(seen.streams[i], stream);
    assert_int_equal(seen.lengths[i], length);
    assert_int_equal(seen.states[i], state);
}

/* PowerShell reads data without looking, and releases the operation only where the flags are
 * exactly those of the last callback. */
static void test_4_4_each_callback_of_receive_has_data_and_exact_flags(void **state)
{
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;
    struct answer *answer;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    answer_free(strict_create(f->session, &s));
    answer_free(strict_run(s, &c));
    answer = answer_new();
    answer->then = note;
    answer->out = (void *const *)(void *)&o;
    fake_push_state(f->service);
    fake_push_output(f->service, "abc", "de", false);
    fake_push_output(f->service, "", "f", true);
    fake_push_done(f->service, 0);
    call_begin();
    WSManReceiveShellOutput(s, c, 0, NULL, &answer->async, &o);
    call_end();
    answer_wait(answer);
    assert_false(seen.is_wrong);
    assert_int_equal(seen.count, 6);
    assert_seen(0, 0, '-', 0, 'r');
    assert_int_equal(seen.flags[1] | seen.flags[2], 0);
    assert_int_equal(seen.streams[1], 'o');
    assert_int_equal(seen.lengths[1], 3);
    assert_int_equal(seen.streams[2], 'e');
    assert_int_equal(seen.lengths[2], 2);
    assert_int_equal(seen.flags[3], WSMAN_FLAG_CALLBACK_END_OF_STREAM);
    assert_int_equal(seen.lengths[3], 0);
    assert_int_equal(seen.flags[4], WSMAN_FLAG_CALLBACK_END_OF_STREAM);
    assert_int_equal(seen.lengths[4], 1);
    assert_seen(5, LAST, '-', 0, 'd');
    assert_ptr_equal(answer->operation, o);
    strict_close(o);
    answer_free(answer);
}

/* Many, and slow to return: the next comes when the one before has returned. */
static void linger(struct answer *answer, const WSMAN_RESPONSE_DATA *data)
{
    (void)data;
    call_begin(); /* others could come in meanwhile */
    call_end();
    if (answer->count % 16 == 0)
        sched_yield();
}

static void test_G8_callbacks_of_one_receive_do_not_overlap(void **state)
{
    enum { ANSWERS = 200 };
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;
    struct answer *answer = answer_new();
    int i;

    (void)state;
    answer_free(strict_create(f->session, &s));
    answer_free(strict_run(s, &c));
    answer->then = linger;
    for (i = 0; i < ANSWERS; i++)
        fake_push_output(f->service, "x", "y", false);
    fake_push_done(f->service, 0);
    WSManReceiveShellOutput(s, c, 0, NULL, &answer->async, &o);
    answer_wait(answer);
    assert_int_equal(answer->count, 2 * ANSWERS + 1);
    strict_close(o);
    answer_free(answer); /* fails if two were inside at once */
}

/* ---- Arguments ---- */

/* What was handed over is overwritten and freed before the message can have gone out. */
static void take_back(void *block, size_t size)
{
    memset(block, 0x5a, size);
    free(block);
}

static PWSTR lend_text(const char *text)
{
    PWSTR units = WSManExtUtf8ToUtf16(text);

    assert_non_null(units);
    return units;
}

static void take_back_text(PWSTR units)
{
    size_t i;

    for (i = 0; units[i] != 0; i++)
        units[i] = 'Z';
    WSManExtFree(units);
}

static struct answer *run_lent(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE *out)
{
    struct answer *answer = answer_new();
    WSMAN_SHELL_ASYNC *async = malloc(sizeof(*async));
    WSMAN_COMMAND_ARG_SET *set = malloc(sizeof(*set));
    WSMAN_OPTION_SET *options = malloc(sizeof(*options));
    WSMAN_OPTION *option = malloc(sizeof(*option));
    PCWSTR *arguments = malloc(sizeof(*arguments));
    PWSTR line = lend_text("line");
    PWSTR argument = lend_text("argument");
    PWSTR name = lend_text("NAME");
    PWSTR value = lend_text("value");

    assert_true(async != NULL && set != NULL && options != NULL && option != NULL &&
                arguments != NULL);
    *async = answer->async;
    arguments[0] = argument;
    *set = (WSMAN_COMMAND_ARG_SET){ .argsCount = 1, .args = arguments };
    *option = (WSMAN_OPTION){ .name = name, .value = value };
    *options = (WSMAN_OPTION_SET){ .optionsCount = 1, .options = option };
    WSManRunShellCommand(shell, 0, line, set, options, async, out);
    take_back(async, sizeof(*async));
    take_back(set, sizeof(*set));
    take_back(options, sizeof(*options));
    take_back(option, sizeof(*option));
    take_back(arguments, sizeof(*arguments));
    take_back_text(line);
    take_back_text(argument);
    take_back_text(name);
    take_back_text(value);
    return answer;
}

static struct answer *receive_lent(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                   WSMAN_OPERATION_HANDLE *out)
{
    struct answer *answer = answer_new();
    WSMAN_SHELL_ASYNC *async = malloc(sizeof(*async));
    WSMAN_STREAM_ID_SET *set = malloc(sizeof(*set));
    PCWSTR *names = malloc(sizeof(*names));
    PWSTR name = lend_text("stderr");

    assert_true(async != NULL && set != NULL && names != NULL);
    *async = answer->async;
    names[0] = name;
    *set = (WSMAN_STREAM_ID_SET){ .streamIDsCount = 1, .streamIDs = names };
    WSManReceiveShellOutput(shell, command, 0, set, async, out);
    take_back(async, sizeof(*async));
    take_back(set, sizeof(*set));
    take_back(names, sizeof(*names));
    take_back_text(name);
    return answer;
}

static void test_G2_arguments_may_be_freed_at_once(void **state)
{
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;
    PWSTR code = lend_text("some/code");
    struct answer *answer;

    (void)state;
    answer_free(strict_create(f->session, &s));
    answer = run_lent(s, &c);
    answer_wait(answer);
    assert_came(answer, LAST, 0, s, c, NULL, false);
    assert_sent(f, "Command", "line", "line");
    assert_sent(f, "Command", "argument", "argument");
    assert_sent(f, "Command", "option", "NAME:value");
    fake_push_done(f->service, 0);
    answer = receive_lent(s, c, &o);
    answer_wait(answer);
    assert_came(answer, LAST, 0, s, c, o, true);
    assert_sent(f, "Receive", "streams", "stderr");
    strict_close(o);
    answer = answer_new();
    WSManSignalShell(s, c, 0, code, &answer->async, &o);
    take_back_text(code);
    answer_wait(answer);
    assert_came(answer, LAST, 0, s, c, o, false);
    assert_sent(f, "Signal", "code", "some/code");
    strict_close(o);
}

/* The struct of a client of 1.0 ends before `name`. */
static void test_G16_the_name_is_not_read_for_a_client_of_1_0(void **state)
{
    struct {
        WSMAN_STREAM_ID_SET *inputs;
        WSMAN_STREAM_ID_SET *outputs;
        DWORD idle_timeout_ms;
        PCWSTR directory;
        WSMAN_ENVIRONMENT_VARIABLE_SET *variables;
    } info = { .idle_timeout_ms = 90000, .directory = WSMAN_TEXT("/tmp") };
    struct fixture old = { .service = f->service };
    struct answer *answer = answer_new();
    struct guarded guarded;
    WSMAN_SHELL_HANDLE s = NULL;

    (void)state;
    assert_int_equal(sizeof(info) + sizeof(PCWSTR), sizeof(WSMAN_SHELL_STARTUP_INFO));
    guarded_init(&guarded, sizeof(info));
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_0, &old.api), 0);
    old.session = open_session(old.api, fake_service_port(f->service), true);
    WSManCreateShell(
        old.session, 0, WSMAN_CMDSHELL_URI,
        (WSMAN_SHELL_STARTUP_INFO *)(void *)guarded_copy(&guarded, &info, sizeof(info)), NULL, NULL,
        &answer->async, &s);
    guarded_clear(&guarded);
    answer_wait(answer);
    /* 1.0 is never told that a shell can be disconnected (G15). */
    assert_came(answer, LAST, 0, s, NULL, NULL, true);
    assert_sent(f, "Create", "name", "");
    assert_sent(f, "Create", "directory", "/tmp");
    answer_free(strict_post(STRICT_CLOSE_SHELL, s));
    assert_int_equal(WSManDeinitialize(old.api, 0), 0);
}

static void test_G13_an_empty_command_line_is_told_by_the_callback(void **state)
{
    struct answer *answer = answer_new();
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;

    (void)state;
    answer_free(strict_create(f->session, &s));
    call_begin();
    WSManRunShellCommand(s, 0, WSMAN_TEXT(""), NULL, NULL, &answer->async, &c);
    assert_int_equal(answer->count, 0);
    call_end();
    answer_wait(answer);
    assert_null(c);
    assert_came(answer, LAST, ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM, s, NULL, NULL, false);
    answer_free(strict_run(s, &c));
    answer = answer_new();
    WSManRunShellCommand(s, 0, WSMAN_TEXT(" "), NULL, NULL, &answer->async, &c); /* PowerShell's */
    answer_wait(answer);
    assert_came(answer, LAST, 0, s, c, NULL, false);
}

/* ---- Smaller demands ---- */

static void test_3_2_signal_codes_go_as_they_are(void **state)
{
    static const PCWSTR codes[] = { WSMAN_SIGNAL_SHELL_CODE_TERMINATE,
                                    WSMAN_SIGNAL_SHELL_CODE_CTRL_C,
                                    WSMAN_TEXT("powershell/signal/crtl_c"),
                                    WSMAN_TEXT("anything at all") };
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;
    size_t i;

    (void)state;
    answer_free(strict_create(f->session, &s));
    answer_free(strict_run(s, &c));
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        char *text = WSManExtUtf16ToUtf8(codes[i]);

        assert_came(strict_signal(s, c, codes[i], &o), LAST, 0, s, c, o, false);
        strict_close(o);
        assert_sent(f, "Signal", "code", text);
        WSManExtFree(text);
    }
}

static void test_2_14_input_of_no_bytes_is_sent(void **state)
{
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;

    (void)state;
    answer_free(strict_create(f->session, &s));
    answer_free(strict_run(s, &c));
    assert_came(strict_send(s, c, 0, &o), LAST, 0, s, c, o, false);
    strict_close(o);
    assert_int_equal(fake_count(f->service, "Send"), 1);
    assert_sent(f, "Send", "length", "0");
    assert_false(fake_input_ended(f->service));
}

static char created[4096];

static void note_created(struct answer *answer, const WSMAN_RESPONSE_DATA *data)
{
    const WSMAN_DATA *text = &data->createData.data;
    char *bytes;

    (void)answer;
    if (text->type != WSMAN_DATA_TYPE_TEXT || text->text.buffer[text->text.bufferLength] != 0)
        return; /* the NUL behind it is not counted (G1) */
    bytes = WSManExtUtf16ToUtf8(text->text.buffer);
    if (bytes != NULL && strlen(bytes) < sizeof(created))
        memcpy(created, bytes, strlen(bytes) + 1);
    WSManExtFree(bytes);
}

static void test_2_10_create_data_is_the_shell_as_the_server_wrote_it(void **state)
{
    struct answer *answer = answer_new();
    WSMAN_SHELL_HANDLE s = NULL;

    (void)state;
    created[0] = '\0';
    answer->then = note_created;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &answer->async, &s);
    answer_wait(answer);
    assert_non_null(strstr(created, "ShellId"));
    assert_non_null(strstr(created, "BufferMode"));
    assert_came(answer, LAST | CAN_DISCONNECT, 0, s, NULL, NULL, true);
}

static char request_body[8192];

static bool keep_create(struct fake_service *service, const struct fake_request *request,
                        struct fake_reply *reply)
{
    const struct wsm_xml_node *shell;
    const struct wsm_xml_node *child;

    (void)service;
    (void)reply;
    if (strcmp(request->name, "Create") != 0)
        return false;
    request_body[0] = '\0';
    shell = wsm_envelope_content(request->env);
    for (child = shell->first_child; child != NULL; child = child->next)
        snprintf(request_body + strlen(request_body), sizeof(request_body) - strlen(request_body),
                 "%.*s ", (int)child->name.len, (const char *)child->name.ptr);
    return false;
}

static void test_2_10_create_xml_goes_behind_the_other_elements(void **state)
{
    static const WCHAR text[] = WSMAN_TEXT("<creationXml xmlns=\"urn:x\">abc</creationXml>");
    WSMAN_DATA xml = { .type = WSMAN_DATA_TYPE_TEXT,
                       .text = { .bufferLength = sizeof(text) / 2 - 1, .buffer = text } };
    struct answer *answer;
    WSMAN_SHELL_HANDLE s = NULL;
    size_t counted;

    (void)state;
    fake_service_handler(f->service, keep_create);
    for (counted = 0; counted < 2; counted++) { /* G1: the NUL may be counted */
        answer = answer_new();
        xml.text.bufferLength += (DWORD)counted;
        WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, &xml, &answer->async, &s);
        answer_wait(answer);
        assert_came(answer, LAST | CAN_DISCONNECT, 0, s, NULL, NULL, true);
        assert_non_null(strstr(request_body, "OutputStreams creationXml "));
        answer_free(strict_post(STRICT_CLOSE_SHELL, s));
    }
}

/* NULL, and all fields NULL with either value for "the server's time". */
static void test_3_6_what_is_not_said_is_not_sent(void **state)
{
    WSMAN_SHELL_STARTUP_INFO infos[] = { { .idleTimeoutMs = 0 }, { .idleTimeoutMs = 0xffffffff } };
    WSMAN_SHELL_STARTUP_INFO *given[] = { NULL, &infos[0], &infos[1] };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        struct answer *answer = answer_new();
        WSMAN_SHELL_HANDLE s = NULL;

        WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, given[i], NULL, NULL, &answer->async,
                         &s);
        answer_wait(answer);
        assert_came(answer, LAST | CAN_DISCONNECT, 0, s, NULL, NULL, true);
        assert_sent(f, "Create", "idle", "-1");
        assert_sent(f, "Create", "input", "stdin");
        assert_sent(f, "Create", "output", "stdout stderr");
        assert_sent(f, "Create", "directory", "");
        assert_sent(f, "Create", "name", "");
        answer_free(strict_post(STRICT_CLOSE_SHELL, s));
    }
}

static char options_seen[256];

static bool keep_options(struct fake_service *service, const struct fake_request *request,
                         struct fake_reply *reply)
{
    const struct wsm_envelope *env = request->env;
    size_t i;

    (void)service;
    (void)reply;
    options_seen[0] = '\0';
    for (i = 0; strcmp(request->name, "Command") == 0 && i < env->option_count; i++)
        snprintf(options_seen + strlen(options_seen), sizeof(options_seen) - strlen(options_seen),
                 "%.*s%s ", (int)env->options[i].name.len, (const char *)env->options[i].name.ptr,
                 env->options[i].must_comply ? "!" : "");
    return false;
}

static void test_3_6_options_say_who_must_comply(void **state)
{
    WSMAN_OPTION options[] = { { .name = WSMAN_TEXT("MAY"), .value = WSMAN_TEXT("1") },
                               { .name = WSMAN_TEXT("MUST"), .mustComply = 1 },
                               { .name = WSMAN_TEXT("EMPTY"), .value = WSMAN_TEXT("") } };
    WSMAN_OPTION_SET set = { .optionsCount = 3, .options = options };
    struct answer *answer = answer_new();
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;

    (void)state;
    fake_service_handler(f->service, keep_options);
    answer_free(strict_create(f->session, &s));
    WSManRunShellCommand(s, 0, WSMAN_TEXT("x"), NULL, &set, &answer->async, &c);
    answer_wait(answer);
    assert_came(answer, LAST, 0, s, c, NULL, false);
    assert_string_equal(options_seen, "MAY MUST! EMPTY ");
    assert_sent(f, "Command", "options_must", "");
}

static void test_3_6_option_sets_say_that_they_must_be_understood(void **state)
{
    WSMAN_OPTION option = { .name = WSMAN_TEXT("A"), .value = WSMAN_TEXT("1") };
    WSMAN_OPTION_SET set = { .optionsCount = 1, .options = &option, .optionsMustUnderstand = 1 };
    struct answer *answer = answer_new();
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;

    (void)state;
    answer_free(strict_create(f->session, &s));
    WSManRunShellCommand(s, 0, WSMAN_TEXT("x"), NULL, &set, &answer->async, &c);
    answer_wait(answer);
    assert_came(answer, LAST, 0, s, c, NULL, false);
    assert_sent(f, "Command", "options_must", "true");
}

static uid_t seen_user;

static void note_user(struct answer *answer, const WSMAN_RESPONSE_DATA *data)
{
    (void)answer;
    (void)data;
    seen_user = (uid_t)setfsuid((uid_t)-1); /* of this very thread; -1 changes nothing */
}

static void test_7_34_callbacks_run_with_the_credentials_of_the_process(void **state)
{
    struct answer *answer = answer_new();
    WSMAN_SHELL_HANDLE s = NULL;

    (void)state;
    seen_user = (uid_t)-2;
    answer->then = note_user;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &answer->async, &s);
    answer_wait(answer);
    answer_free(answer);
    assert_int_equal(seen_user, geteuid());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_G8_each_success_is_one_callback_with_its_flags_and_handles),
        TEST(test_G5_out_handle_is_stored_before_the_callback),
        TEST(test_G6_each_fault_is_one_last_callback_without_data),
        TEST(test_6_5_answers_without_what_they_must_have_have_their_codes),
        TEST(test_4_4_each_callback_of_receive_has_data_and_exact_flags),
        TEST(test_G8_callbacks_of_one_receive_do_not_overlap),
        TEST(test_G2_arguments_may_be_freed_at_once),
        TEST(test_G16_the_name_is_not_read_for_a_client_of_1_0),
        TEST(test_G13_an_empty_command_line_is_told_by_the_callback),
        TEST(test_3_2_signal_codes_go_as_they_are),
        TEST(test_2_14_input_of_no_bytes_is_sent),
        TEST(test_2_10_create_data_is_the_shell_as_the_server_wrote_it),
        TEST(test_2_10_create_xml_goes_behind_the_other_elements),
        TEST(test_3_6_what_is_not_said_is_not_sent),
        TEST(test_3_6_options_say_who_must_comply),
        TEST(test_3_6_option_sets_say_that_they_must_be_understood),
        TEST(test_7_34_callbacks_run_with_the_credentials_of_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
