/* Connect: a shell and its commands that somebody else has made. */
#include "client_fixture.h"
#include "proto/disconnect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

#define SHELL_ID   "AAAAaaaa-3333-4444-8555-666666666601"
#define COMMAND_ID "BBBBbbbb-3333-4444-8555-666666666601"

static struct fixture *f;

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

/* The one callback of a call refused; frees the recorder. */
static void assert_refused(struct recorder *recorder, const void *out, DWORD code)
{
    assert_null(out);
    assert_call_refused(recorder, code);
}

/* Copies of the caller's blocks, which do not outlive the call. */
struct lent {
    WSMAN_SHELL_ASYNC async;
    WSMAN_OPTION options[2];
    WSMAN_OPTION_SET set;
    WSMAN_DATA xml;
    WCHAR texts[3][64];
};

static struct lent *lend(const struct recorder *recorder)
{
    static const WCHAR *const texts[3] = { WSMAN_EXT_OPTION_TAKEOVER, WSMAN_TEXT("true"),
                                           WSMAN_TEXT("<a xmlns=\"urn:x\">b</a>") };
    struct lent *lent = calloc(1, sizeof(*lent));
    size_t i;

    assert_non_null(lent);
    for (i = 0; i < 3; i++)
        memcpy(lent->texts[i], texts[i], (WSManExtUtf16Length(texts[i]) + 1) * sizeof(WCHAR));
    lent->async = recorder->async;
    lent->options[0] = (WSMAN_OPTION){ .name = lent->texts[0], .value = lent->texts[1] };
    lent->set = (WSMAN_OPTION_SET){ .optionsCount = 1, .options = lent->options };
    lent->xml = (WSMAN_DATA){ .type = WSMAN_DATA_TYPE_TEXT,
                              .text = { .bufferLength = WSManExtUtf16Length(texts[2]),
                                        .buffer = lent->texts[2] } };
    return lent;
}

static void take_back(struct lent *lent)
{
    memset(lent, 0x5a, sizeof(*lent));
    free(lent);
}

static WSMAN_SHELL_HANDLE connect_shell(DWORD flags, struct recorder *recorder)
{
    WSMAN_SHELL_HANDLE shell = NULL;
    struct lent *lent = lend(recorder);

    recorder->user = recorder; /* its data is no output */
    WSManConnectShell(f->session, flags, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID), &lent->set,
                      &lent->xml, &lent->async, &shell);
    take_back(lent);
    assert_non_null(shell);
    return shell;
}

static WSMAN_COMMAND_HANDLE connect_command(WSMAN_SHELL_HANDLE shell, struct recorder *recorder)
{
    WSMAN_COMMAND_HANDLE command = NULL;
    struct lent *lent = lend(recorder);

    recorder->user = recorder;
    WSManConnectShellCommand(shell, 0, WSMAN_TEXT(COMMAND_ID), NULL, &lent->xml, &lent->async,
                             &command);
    take_back(lent);
    assert_non_null(command);
    return command;
}

static WSMAN_SHELL_HANDLE connected_shell(void)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = connect_shell(0, recorder);

    assert_last_code(recorder, 0);
    recorder_free(recorder);
    return shell;
}

static WSMAN_COMMAND_HANDLE connected_command(WSMAN_SHELL_HANDLE shell)
{
    struct recorder *recorder = recorder_new();
    WSMAN_COMMAND_HANDLE command = connect_command(shell, recorder);

    assert_last_code(recorder, 0);
    recorder_free(recorder);
    return command;
}

/* ---- Shells ---- */

struct data_copy {
    struct recorder *recorder;
    size_t length;
    WSManDataType type;
    char *text;
};

static void CALLBACK on_connect_data(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                     WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                     WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct data_copy *copy = context;

    if (data != NULL) {
        copy->type = data->connectData.data.type;
        copy->length = data->connectData.data.text.bufferLength;
        copy->text = WSManExtUtf16ToUtf8(data->connectData.data.text.buffer);
    }
    copy->recorder->async.completionFunction(copy->recorder, flags, error, shell, command,
                                             operation, data);
}

static void test_connect_shell_gives_a_handle_and_the_answer(void **state)
{
    struct data_copy copy = { .recorder = recorder_new() };
    WSMAN_SHELL_ASYNC async = { .operationContext = &copy, .completionFunction = on_connect_data };
    WSMAN_SHELL_HANDLE shell = NULL;

    (void)state;
    copy.recorder->user = &copy;
    WSManConnectShell(f->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID), NULL, NULL, &async,
                      &shell);
    assert_last_code(copy.recorder, 0);
    assert_int_equal(copy.recorder->count, 1);
    assert_int_equal(recorder_last(copy.recorder)->flags,
                     WSMAN_FLAG_CALLBACK_END_OF_OPERATION |
                         WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT);
    assert_ptr_equal(recorder_last(copy.recorder)->shell, shell);
    assert_null(recorder_last(copy.recorder)->command);
    assert_null(recorder_last(copy.recorder)->operation);
    assert_int_equal(copy.type, WSMAN_DATA_TYPE_TEXT);
    assert_non_null(copy.text);
    assert_int_equal(copy.length, strlen(copy.text));
    assert_non_null(strstr(copy.text, "ConnectResponse"));
    assert_non_null(strstr(copy.text, "stdout stderr"));
    assert_sent(f, "Connect", "shell", SHELL_ID); /* in the application's spelling */
    assert_sent(f, "Connect", "resource", WSM_URI_CMD);
    assert_sent(f, "Connect", "command", "");
    assert_sent(f, "Connect", "mode", "");
    assert_int_equal(fake_count(f->service, "Create"), 0);
    assert_int_equal(fake_count(f->service, "Receive"), 0);
    WSManExtFree(copy.text);
    recorder_free(copy.recorder);
}

static void test_connect_shell_sends_options_and_mode(void **state)
{
    static const struct {
        DWORD flags;
        const char *mode;
    } rows[] = { { 0, "" },
                 { WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP, "Drop" },
                 { WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK, "Block" } };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recorder *recorder = recorder_new();
        WSMAN_SHELL_HANDLE shell = connect_shell(rows[i].flags, recorder);

        assert_last_code(recorder, 0);
        assert_sent(f, "Connect", "mode", rows[i].mode);
        assert_sent(f, "Connect", "option", "WINRMD_TAKEOVER:true|WINRMD_CLIENT:1");
        recorder_free(recorder);
        disconnect_shell(shell);
        close_shell(shell);
    }
}

static char *body_child; /* name of the first element in the body of Connect */

static bool keep_body(struct fake_service *service, const struct fake_request *request,
                      struct fake_reply *reply)
{
    const struct wsm_xml_node *content = wsm_envelope_content(request->env);
    const struct wsm_xml_node *child = content == NULL ? NULL
                                                       : wsm_xml_child(content, "urn:x", "a");

    (void)service;
    (void)reply;
    if (strcmp(request->name, "Connect") == 0 && child != NULL)
        body_child = strndup((const char *)child->text.ptr, child->text.len);
    return false;
}

static void test_connect_shell_puts_in_the_xml(void **state)
{
    WSMAN_SHELL_HANDLE shell;

    (void)state;
    fake_service_handler(f->service, keep_body);
    shell = connected_shell();
    assert_string_equal(body_child, "b");
    free(body_child);
    body_child = NULL;
    close_command(connected_command(shell));
    assert_string_equal(body_child, "b");
    free(body_child);
}

static _Atomic uint32_t refusal;

static bool refuse_connect(struct fake_service *service, const struct fake_request *request,
                           struct fake_reply *reply)
{
    (void)service;
    if (strcmp(request->name, "Connect") != 0 || refusal == 0)
        return false;
    fake_reply_fault(reply, request, refusal, "scripted");
    return true;
}

static void test_connect_shell_refused_by_the_server(void **state)
{
    static const uint32_t codes[] = { ERROR_WSMAN_UNEXPECTED_SELECTORS,
                                      ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT };
    size_t i;

    (void)state;
    fake_service_handler(f->service, refuse_connect);
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct recorder *recorder = recorder_new();
        struct recorder *run = recorder_new();
        WSMAN_SHELL_HANDLE shell;
        WSMAN_COMMAND_HANDLE command = NULL;

        refusal = codes[i];
        shell = connect_shell(0, recorder);
        assert_refused(recorder, NULL, codes[i]);
        WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), NULL, NULL, &run->async, &command);
        assert_last_code(run, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
        close_command(command);
        close_shell(shell); /* local */
        recorder_free(run);
    }
    assert_int_equal(fake_count(f->service, "Delete"), 0);
}

static bool spoil_connect(struct fake_service *service, const struct fake_request *request,
                          struct fake_reply *reply)
{
    struct wsm_response_headers headers = { .action = WSM_ACTION_CONNECT "Response",
                                            .relates_to = request->env->message_id };

    (void)service;
    if (strcmp(request->name, "Connect") != 0)
        return false;
    wsm_response_begin(&reply->body, &headers);
    wsm_buf_append_str(&reply->body, "<x/>");
    wsm_response_end(&reply->body);
    return true;
}

static void test_connect_shell_answer_that_is_none(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_service_handler(f->service, spoil_connect);
    connect_shell(0, recorder);
    assert_refused(recorder, NULL, ERROR_WINRS_CONNECT_RESPONSE_BAD_BODY);
}

static void test_connect_shell_checks_its_arguments(void **state)
{
    static const DWORD flags[] = { 1, 2, 0x10, 4 | 8 };
    struct recorder *r = recorder_new();
    WSMAN_SHELL_HANDLE out = (WSMAN_SHELL_HANDLE)(uintptr_t)1;
    PCWSTR uri = WSMAN_CMDSHELL_URI;
    PCWSTR id = WSMAN_TEXT(SHELL_ID);
    WSMAN_DATA broken = { .type = WSMAN_DATA_TYPE_TEXT,
                          .text = { .bufferLength = 3, .buffer = WSMAN_TEXT("<a>") } };
    WSMAN_DATA binary = { .type = WSMAN_DATA_TYPE_BINARY };
    WSMAN_OPTION_SET no_options = { .optionsCount = 1, .options = NULL };
    size_t i;

    (void)state;
    WSManConnectShell(NULL, 0, uri, id, NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_CLIENT_CONNECTSHELL_NULL_PARAM);
    r = recorder_new();
    WSManConnectShell(f->session, 0, NULL, id, NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_CLIENT_CONNECTSHELL_NULL_PARAM);
    r = recorder_new();
    WSManConnectShell(f->session, 0, uri, NULL, NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_CLIENT_CONNECTSHELL_NULL_PARAM);
    r = recorder_new();
    WSManConnectShell(f->session, 0, uri, id, NULL, NULL, &r->async, NULL);
    assert_refused(r, NULL, ERROR_WSMAN_CLIENT_CONNECTSHELL_NULL_PARAM);
    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        r = recorder_new();
        WSManConnectShell(f->session, flags[i], uri, id, NULL, NULL, &r->async, &out);
        assert_refused(r, out, ERROR_WSMAN_CLIENT_INVALID_FLAG);
    }
    r = recorder_new();
    WSManConnectShell(f->session, 0, WSMAN_TEXT(" "), id, NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_CLIENT_BLANK_URI);
    r = recorder_new();
    WSManConnectShell(f->session, 0, uri, WSMAN_TEXT("no guid"), NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID);
    r = recorder_new();
    WSManConnectShell(f->session, 0, uri, id, &no_options, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_INVALID_OPTIONSET);
    r = recorder_new();
    WSManConnectShell(f->session, 0, uri, id, NULL, &broken, &r->async, &out);
    assert_int_not_equal(recorder_last(r)->code, 0);
    assert_null(out);
    recorder_free(r);
    r = recorder_new();
    WSManConnectShell(f->session, 0, uri, id, NULL, &binary, &r->async, &out);
    assert_refused(r, out, ERROR_INVALID_PARAMETER);
    r = recorder_new();
    WSManConnectShell((WSMAN_SESSION_HANDLE)f->api, 0, uri, id, NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_SESSION_ALREADY_CLOSED);
    out = (WSMAN_SHELL_HANDLE)(uintptr_t)1;
    WSManConnectShell(f->session, 0, uri, id, NULL, NULL, NULL, &out);
    assert_null(out);
    assert_int_equal(fake_count(f->service, "Connect"), 0);
}

static void test_connect_needs_version_1_1(void **state)
{
    WSMAN_API_HANDLE api = NULL;
    WSMAN_SESSION_HANDLE session = f->session;
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = NULL;
    WSMAN_COMMAND_HANDLE command = NULL;

    (void)state;
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_0, &api), 0);
    f->session = open_session(api, fake_service_port(f->service), true);
    WSManConnectShell(f->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID), NULL, NULL,
                      &recorder->async, &shell);
    assert_refused(recorder, shell, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED);
    recorder = recorder_new();
    shell = open_shell(f);
    WSManConnectShellCommand(shell, 0, WSMAN_TEXT(COMMAND_ID), NULL, NULL, &recorder->async,
                             &command);
    assert_refused(recorder, command, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    assert_int_equal(WSManDeinitialize(api, 0), 0);
    f->session = session;
}

/* Who does not know whether he has the shell has not asked to end it. */
static void test_close_shell_while_it_connects_leaves_it(void **state)
{
    struct recorder *recorder = recorder_new();
    struct recorder *close = recorder_new();
    WSMAN_SHELL_HANDLE shell;

    (void)state;
    fake_hold(f->service, "Connect");
    shell = connect_shell(0, recorder);
    fake_wait(f->service, "Connect", 1);
    WSManCloseShell(shell, 0, &close->async);
    assert_refused(recorder, NULL, ERROR_OPERATION_ABORTED);
    fake_release(f->service, "Connect");
    assert_last_code(close, 0);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
    recorder_free(close);
}

static void test_close_shell_while_it_connects_deletes_if_told(void **state)
{
    struct recorder *recorder = recorder_new();
    struct recorder *close = recorder_new();
    WSMAN_SHELL_HANDLE shell;

    (void)state;
    fake_hold(f->service, "Connect");
    shell = connect_shell(0, recorder);
    fake_wait(f->service, "Connect", 1);
    WSManCloseShell(shell, WSMAN_FLAG_DELETE_SERVER_SESSION, &close->async);
    assert_refused(recorder, NULL, ERROR_OPERATION_ABORTED);
    fake_release(f->service, "Connect");
    assert_last_code(close, 0);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
    recorder_free(close);
}

static void test_close_session_while_it_connects_leaves_it(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_hold(f->service, "Connect");
    connect_shell(0, recorder);
    fake_wait(f->service, "Connect", 1);
    fake_release(f->service, "Connect");
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_int_equal(recorder->count, 1);
    assert_int_equal(fake_count(f->service, "Delete"), recorder->events[0].code == 0 ? 1 : 0);
    recorder_free(recorder);
}

/* ---- Commands ---- */

static void test_connected_shell_is_like_any_other(void **state)
{
    WSMAN_SHELL_HANDLE shell = connected_shell();
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("new"));

    (void)state;
    close_command(command);
    disconnect_shell(shell);
    assert_sent(f, "Disconnect", "shell", SHELL_ID);
    reconnect_shell(shell);
    close_shell(shell);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
    assert_sent(f, "Delete", "shell", SHELL_ID);
}

static void test_connect_command_gives_both_handles(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = connected_shell();
    WSMAN_COMMAND_HANDLE command = connect_command(shell, recorder);

    (void)state;
    assert_last_code(recorder, 0);
    assert_int_equal(recorder->count, 1);
    assert_int_equal(recorder_last(recorder)->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    assert_ptr_equal(recorder_last(recorder)->shell, shell);
    assert_ptr_equal(recorder_last(recorder)->command, command);
    assert_null(recorder_last(recorder)->operation);
    assert_sent(f, "Connect", "command", COMMAND_ID);
    assert_sent(f, "Connect", "shell", SHELL_ID);
    recorder_free(recorder);
}

static void test_connected_command_receives_sends_and_ends(void **state)
{
    WSMAN_SHELL_HANDLE shell = connected_shell();
    WSMAN_COMMAND_HANDLE command = connected_command(shell);
    struct recorder *out = recorder_new();
    struct recorder *sent = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    assert_sent(f, "Receive", "command", COMMAND_ID);
    assert_sent(f, "Receive", "streams", "stdout stderr");
    send_text(shell, command, "abc", true, sent);
    assert_last_code(sent, 0);
    fake_push_output(f->service, "x", "y", false);
    fake_push_done(f->service, 4);
    assert_last_code(out, 0);
    assert_int_equal(recorder_last(out)->exit_code, 4);
    close_command(command);
    assert_sent(f, "Signal", "command", COMMAND_ID);
    recorder_free(out);
    recorder_free(sent);
}

static void test_connected_command_sleeps_with_its_shell(void **state)
{
    WSMAN_SHELL_HANDLE shell = connected_shell();
    WSMAN_COMMAND_HANDLE command = connected_command(shell);
    struct recorder *out = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    disconnect_shell(shell);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    assert_sent(f, "Reconnect", "command", COMMAND_ID);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    recorder_free(out);
}

static void test_connect_command_refused_by_the_server(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = connected_shell();
    WSMAN_COMMAND_HANDLE command;

    (void)state;
    fake_service_handler(f->service, refuse_connect);
    refusal = ERROR_WSMAN_UNEXPECTED_SELECTORS;
    command = connect_command(shell, recorder);
    assert_refused(recorder, NULL, ERROR_WSMAN_UNEXPECTED_SELECTORS);
    refusal = 0;
    close_command(command); /* local */
    assert_int_equal(fake_count(f->service, "Signal"), 0);
    close_command(connected_command(shell));
}

static void test_connect_command_needs_a_connected_shell(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = connected_shell();
    WSMAN_COMMAND_HANDLE command;

    (void)state;
    disconnect_shell(shell);
    command = connect_command(shell, recorder);
    assert_refused(recorder, NULL, ERROR_WINRS_SHELL_DISCONNECTED);
    close_command(command);
    assert_int_equal(fake_count(f->service, "Connect"), 1);
}

static void test_connect_command_twice_is_refused(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = connected_shell();

    (void)state;
    connected_command(shell);
    connect_command(shell, recorder);
    assert_refused(recorder, NULL, ERROR_WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT);
}

static void test_connect_command_checks_its_arguments(void **state)
{
    WSMAN_SHELL_HANDLE shell = connected_shell();
    struct recorder *r = recorder_new();
    WSMAN_COMMAND_HANDLE out = (WSMAN_COMMAND_HANDLE)(uintptr_t)1;
    PCWSTR id = WSMAN_TEXT(COMMAND_ID);

    (void)state;
    WSManConnectShellCommand(NULL, 0, id, NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_CLIENT_CONNECTCOMMAND_NULL_PARAM);
    r = recorder_new();
    WSManConnectShellCommand(shell, 0, NULL, NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_CLIENT_CONNECTCOMMAND_NULL_PARAM);
    r = recorder_new();
    WSManConnectShellCommand(shell, 0, id, NULL, NULL, &r->async, NULL);
    assert_refused(r, NULL, ERROR_WSMAN_CLIENT_CONNECTCOMMAND_NULL_PARAM);
    r = recorder_new();
    WSManConnectShellCommand(shell, 4, id, NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_CLIENT_INVALID_FLAG);
    r = recorder_new();
    WSManConnectShellCommand(shell, 0, WSMAN_TEXT("no guid"), NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID);
    r = recorder_new();
    WSManConnectShellCommand((WSMAN_SHELL_HANDLE)f->session, 0, id, NULL, NULL, &r->async, &out);
    assert_refused(r, out, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    out = (WSMAN_COMMAND_HANDLE)(uintptr_t)1;
    WSManConnectShellCommand(shell, 0, id, NULL, NULL, NULL, &out);
    assert_null(out);
    assert_int_equal(fake_count(f->service, "Connect"), 1);
}

static void test_close_command_while_it_connects_leaves_it(void **state)
{
    WSMAN_SHELL_HANDLE shell = connected_shell();
    struct recorder *recorder = recorder_new();
    struct recorder *close = recorder_new();
    WSMAN_COMMAND_HANDLE command;

    (void)state;
    fake_hold(f->service, "Connect");
    command = connect_command(shell, recorder);
    fake_wait(f->service, "Connect", 2);
    WSManCloseCommand(command, 0, &close->async);
    assert_refused(recorder, NULL, ERROR_OPERATION_ABORTED);
    fake_release(f->service, "Connect");
    assert_last_code(close, 0);
    assert_int_equal(fake_count(f->service, "Signal"), 0);
    recorder_free(close);
}

/* ---- Create ---- */

static void test_create_sends_the_mode(void **state)
{
    static const struct {
        DWORD flags;
        const char *mode;
    } rows[] = { { 0, "" },
                 { WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP, "Drop" },
                 { WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK | WSMAN_FLAG_NO_COMPRESSION, "Block" } };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recorder *recorder = recorder_new();
        WSMAN_SHELL_HANDLE shell = NULL;

        recorder->user = recorder;
        if (i % 2 == 0)
            WSManCreateShell(f->session, rows[i].flags, WSMAN_CMDSHELL_URI, NULL, NULL, NULL,
                             &recorder->async, &shell);
        else
            WSManCreateShellEx(f->session, rows[i].flags, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID),
                               NULL, NULL, NULL, &recorder->async, &shell);
        assert_last_code(recorder, 0);
        assert_sent(f, "Create", "mode", rows[i].mode);
        recorder_free(recorder);
    }
}

static void test_create_tells_that_the_shell_can_be_disconnected(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = NULL;

    (void)state;
    fake_can_disconnect(f->service);
    recorder->user = recorder;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_last(recorder)->flags,
                     WSMAN_FLAG_CALLBACK_END_OF_OPERATION |
                         WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT);
    recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_connect_shell_gives_a_handle_and_the_answer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_connect_shell_sends_options_and_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connect_shell_puts_in_the_xml, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connect_shell_refused_by_the_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connect_shell_answer_that_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connect_shell_checks_its_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connect_needs_version_1_1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_shell_while_it_connects_leaves_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_close_shell_while_it_connects_deletes_if_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_close_session_while_it_connects_leaves_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_connected_shell_is_like_any_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connect_command_gives_both_handles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connected_command_receives_sends_and_ends, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_connected_command_sleeps_with_its_shell, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_connect_command_refused_by_the_server, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_connect_command_needs_a_connected_shell, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_connect_command_twice_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connect_command_checks_its_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_command_while_it_connects_leaves_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_create_sends_the_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_create_tells_that_the_shell_can_be_disconnected, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
