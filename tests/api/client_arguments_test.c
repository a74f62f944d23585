/* Wrong arguments: every function with each pointer NULL and with wrong flags gives its
 * code; asynchronous ones give it in exactly one callback, never on the caller's thread,
 * and leave the out handle NULL. */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

static struct fixture *f;
static WSMAN_SHELL_HANDLE shell;
static WSMAN_COMMAND_HANDLE command;

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    shell = open_shell(f);
    command = run_command(shell, WSMAN_TEXT("cat"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

/* The one callback of a refused call; frees the recorder. */
static void assert_refused(struct recorder *recorder, const void *out, DWORD code)
{
    assert_null(out);
    assert_call_refused(recorder, code);
}

static void test_initialize_checks_its_arguments(void **state)
{
    WSMAN_API_HANDLE api = (WSMAN_API_HANDLE)(uintptr_t)1;

    (void)state;
    assert_int_equal(WSManInitialize(0, NULL), ERROR_WSMAN_CLIENT_INITIALIZE_NULL_PARAM);
    assert_int_equal(WSManInitialize(2, &api), ERROR_WSMAN_CLIENT_INVALID_INIT_APPLICATION_FLAG);
    assert_null(api);
    assert_int_equal(WSManDeinitialize(NULL, 0), ERROR_WSMAN_CLIENT_NO_HANDLE);
    assert_int_equal(WSManDeinitialize(f->api, 1),
                     ERROR_WSMAN_CLIENT_INVALID_DEINIT_APPLICATION_FLAG);
    assert_int_equal(WSManDeinitialize((WSMAN_API_HANDLE)f->session, 0),
                     ERROR_WSMAN_CLIENT_NO_HANDLE);
}

static void test_initialize_gives_independent_handles(void **state)
{
    WSMAN_API_HANDLE one = NULL;
    WSMAN_API_HANDLE two = NULL;

    (void)state;
    assert_int_equal(WSManInitialize(0, &one), 0);
    assert_int_equal(WSManInitialize(1, &two), 0);
    assert_ptr_not_equal(one, two);
    assert_int_equal(WSManDeinitialize(one, 0), 0);
    assert_int_equal(WSManDeinitialize(one, 0), ERROR_WSMAN_CLIENT_NO_HANDLE);
    assert_int_equal(WSManDeinitialize(two, 0), 0);
}

static void test_create_session_checks_its_arguments(void **state)
{
    WSMAN_SESSION_HANDLE session = (WSMAN_SESSION_HANDLE)(uintptr_t)1;

    (void)state;
    assert_int_equal(WSManCreateSession(NULL, NULL, 0, NULL, NULL, &session),
                     ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM);
    assert_null(session);
    assert_int_equal(WSManCreateSession(f->api, NULL, 0, NULL, NULL, NULL),
                     ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM);
    assert_int_equal(WSManCreateSession(f->api, NULL, 1, NULL, NULL, &session),
                     ERROR_WSMAN_CLIENT_INVALID_FLAG);
    assert_int_equal(WSManCloseSession(NULL, 0), ERROR_WSMAN_CLIENT_NO_HANDLE);
    assert_int_equal(WSManCloseSession(f->session, 1), ERROR_WSMAN_CLIENT_INVALID_FLAG);
    assert_int_equal(WSManCloseSession((WSMAN_SESSION_HANDLE)shell, 0),
                     ERROR_WSMAN_SESSION_ALREADY_CLOSED);
}

static void test_create_shell_checks_its_arguments(void **state)
{
    static const struct {
        DWORD flags;
        DWORD code;
    } rows[] = {
        { 2, ERROR_WSMAN_CLIENT_INVALID_CREATE_SHELL_FLAG },
        { 0x10, ERROR_WSMAN_CLIENT_INVALID_CREATE_SHELL_FLAG },
        { 4 | 8, ERROR_WSMAN_CLIENT_INVALID_CREATE_SHELL_FLAG },
    };
    struct recorder *recorder;
    WSMAN_SHELL_HANDLE out = NULL;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        recorder = recorder_new();
        WSManCreateShell(f->session, rows[i].flags, WSMAN_CMDSHELL_URI, NULL, NULL, NULL,
                         &recorder->async, &out);
        assert_refused(recorder, out, rows[i].code);
    }
    recorder = recorder_new();
    WSManCreateShell(NULL, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM);
    recorder = recorder_new();
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, NULL);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM);
    recorder = recorder_new();
    WSManCreateShell(f->session, 0, NULL, NULL, NULL, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_BLANK_URI);
    recorder = recorder_new();
    WSManCreateShell(f->session, 0, WSMAN_TEXT(" "), NULL, NULL, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_BLANK_URI);
    recorder = recorder_new();
    WSManCreateShellEx(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, NULL, &recorder->async,
                       &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM);
    recorder = recorder_new();
    WSManCreateShellEx(f->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT("no guid"), NULL, NULL, NULL,
                       &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID);
}

static void test_create_shell_checks_what_it_is_started_with(void **state)
{
    WCHAR long_name[257];
    PCWSTR no_streams[] = { NULL };
    WSMAN_STREAM_ID_SET streams = { .streamIDsCount = 1, .streamIDs = no_streams };
    WSMAN_ENVIRONMENT_VARIABLE variable = { .name = NULL, .value = WSMAN_TEXT("x") };
    WSMAN_ENVIRONMENT_VARIABLE_SET variables = { .varsCount = 1, .vars = &variable };
    WSMAN_OPTION option = { .name = NULL };
    WSMAN_OPTION_SET no_options = { .optionsCount = 1, .options = NULL };
    WSMAN_OPTION_SET no_name = { .optionsCount = 1, .options = &option };
    WSMAN_DATA broken = { .type = WSMAN_DATA_TYPE_TEXT,
                          .text = { .bufferLength = 3, .buffer = WSMAN_TEXT("<a>") } };
    WSMAN_SHELL_STARTUP_INFO with_streams = { .inputStreamSet = &streams };
    WSMAN_SHELL_STARTUP_INFO with_variables = { .variableSet = &variables };
    WSMAN_SHELL_STARTUP_INFO with_name = { .name = long_name };
    struct {
        WSMAN_SHELL_STARTUP_INFO *info;
        WSMAN_OPTION_SET *options;
        WSMAN_DATA *xml;
        DWORD code;
    } rows[] = {
        { &with_streams, NULL, NULL, ERROR_WSMAN_CREATESHELL_NULL_STREAMID },
        { &with_variables, NULL, NULL, ERROR_WSMAN_CREATESHELL_NULL_ENVIRONMENT_VARIABLE_NAME },
        { &with_name, NULL, NULL, ERROR_WSMAN_CLIENT_CREATESHELL_NAME_INVALID },
        { NULL, &no_options, NULL, ERROR_WSMAN_INVALID_OPTIONSET },
        { NULL, &no_name, NULL, ERROR_WSMAN_INVALID_OPTIONSET },
        { NULL, NULL, &broken, ERROR_WSMAN_INVALID_XML },
    };
    size_t creates = fake_count(f->service, "Create");
    size_t i;

    (void)state;
    for (i = 0; i < 256; i++)
        long_name[i] = 'n';
    long_name[256] = 0;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recorder *recorder = recorder_new();
        WSMAN_SHELL_HANDLE out = NULL;

        WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, rows[i].info, rows[i].options,
                         rows[i].xml, &recorder->async, &out);
        assert_refused(recorder, out, rows[i].code);
    }
    assert_int_equal(fake_count(f->service, "Create"), creates);
}

/* Puts `text` into one place of one call. */
struct place {
    WSMAN_SHELL_STARTUP_INFO startup;
    WSMAN_STREAM_ID_SET streams;
    WSMAN_ENVIRONMENT_VARIABLE variable;
    WSMAN_ENVIRONMENT_VARIABLE_SET variables;
    WSMAN_OPTION option;
    WSMAN_OPTION_SET options;
    WSMAN_COMMAND_ARG_SET arguments;
    PCWSTR uri;
    PCWSTR line;
};

static void put_uri(struct place *place, PCWSTR *text)
{
    place->uri = *text;
}

static void put_stream(struct place *place, PCWSTR *text)
{
    place->streams = (WSMAN_STREAM_ID_SET){ .streamIDsCount = 1, .streamIDs = text };
    place->startup.inputStreamSet = &place->streams;
}

static void put_directory(struct place *place, PCWSTR *text)
{
    place->startup.workingDirectory = *text;
}

static void put_name(struct place *place, PCWSTR *text)
{
    place->startup.name = *text;
}

static void put_variable(struct place *place, PCWSTR *text)
{
    place->variable = (WSMAN_ENVIRONMENT_VARIABLE){ .name = *text, .value = *text };
    place->variables = (WSMAN_ENVIRONMENT_VARIABLE_SET){ .varsCount = 1, .vars = &place->variable };
    place->startup.variableSet = &place->variables;
}

static void put_option(struct place *place, PCWSTR *text)
{
    place->option = (WSMAN_OPTION){ .name = WSMAN_TEXT("n"), .value = *text };
    place->options = (WSMAN_OPTION_SET){ .optionsCount = 1, .options = &place->option };
}

static void put_line(struct place *place, PCWSTR *text)
{
    place->line = *text;
}

static void put_argument(struct place *place, PCWSTR *text)
{
    place->line = WSMAN_TEXT("x");
    place->arguments = (WSMAN_COMMAND_ARG_SET){ .argsCount = 1, .args = text };
}

/* A call with it: Command if there is a line, else Create. */
static void call_with(const struct place *place, struct recorder *recorder, void **out)
{
    struct place copy = *place;

    if (copy.line != NULL)
        WSManRunShellCommand(shell, 0, copy.line, &copy.arguments, NULL, &recorder->async,
                             (WSMAN_COMMAND_HANDLE *)out);
    else
        WSManCreateShell(f->session, 0, copy.uri, &copy.startup, &copy.options, NULL,
                         &recorder->async, (WSMAN_SHELL_HANDLE *)out);
}

static void test_2_10_text_that_xml_cannot_hold_is_refused(void **state)
{
    static void (*const puts[])(struct place *, PCWSTR *) = {
        put_uri,      put_stream, put_directory, put_name,
        put_variable, put_option, put_line,      put_argument,
    };
    static const WCHAR bad[] = { 0x01, 0x1f, 0xfffe, 0xffff };
    char *before = fake_log(f->service);
    char *after;
    size_t i;
    size_t n;

    (void)state;
    for (i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
        for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
            WCHAR units[] = { 'a', bad[n], 'b', 0 };
            PCWSTR text = units;
            struct place place = { .uri = WSMAN_CMDSHELL_URI };
            struct recorder *recorder = recorder_new();
            void *out = NULL;

            puts[i](&place, &text);
            call_with(&place, recorder, &out);
            assert_refused(recorder, out, ERROR_INVALID_PARAMETER);
        }
    }
    after = fake_log(f->service);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

static void test_run_checks_its_arguments(void **state)
{
    PCWSTR none[] = { WSMAN_TEXT("a"), NULL };
    WSMAN_COMMAND_ARG_SET arguments = { .argsCount = 2, .args = none };
    WSMAN_COMMAND_HANDLE out = NULL;
    struct recorder *recorder = recorder_new();

    (void)state;
    WSManRunShellCommand(NULL, 0, WSMAN_TEXT("x"), NULL, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM);
    recorder = recorder_new();
    WSManRunShellCommand(shell, 0, NULL, NULL, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM);
    recorder = recorder_new();
    WSManRunShellCommand(shell, 0, WSMAN_TEXT(""), NULL, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM);
    recorder = recorder_new();
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), NULL, NULL, &recorder->async, NULL);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM);
    recorder = recorder_new();
    WSManRunShellCommand(shell, 1, WSMAN_TEXT("x"), NULL, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_INVALID_RUNCOMMAND_FLAG);
    recorder = recorder_new();
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), &arguments, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_RUNSHELLCOMMAND_NULL_ARGUMENT);
    recorder = recorder_new();
    none[1] = WSMAN_TEXT("b\a");
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), &arguments, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_INVALID_PARAMETER); /* not sent as something else */
    recorder = recorder_new();
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("\033[0m"), NULL, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_INVALID_PARAMETER);
    recorder = recorder_new();
    WSManRunShellCommandEx(shell, 0, WSMAN_TEXT("{no}"), WSMAN_TEXT("x"), NULL, NULL,
                           &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID);
    recorder = recorder_new();
    WSManRunShellCommand((WSMAN_SHELL_HANDLE)f->session, 0, WSMAN_TEXT("x"), NULL, NULL,
                         &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
}

static void test_signal_checks_its_arguments(void **state)
{
    PCWSTR code = WSMAN_SIGNAL_SHELL_CODE_CTRL_C;
    WSMAN_OPERATION_HANDLE out = NULL;
    struct recorder *recorder = recorder_new();

    (void)state;
    WSManSignalShell(NULL, command, 0, code, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_SIGNAL_NULL_PARAM);
    recorder = recorder_new();
    WSManSignalShell(shell, command, 0, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_SIGNAL_NULL_PARAM);
    recorder = recorder_new();
    WSManSignalShell(shell, command, 0, code, &recorder->async, NULL);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_SIGNAL_NULL_PARAM);
    recorder = recorder_new();
    WSManSignalShell(shell, command, 1, code, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_INVALID_SIGNAL_SHELL_FLAG);
    recorder = recorder_new();
    WSManSignalShell(shell, (WSMAN_COMMAND_HANDLE)shell, 0, code, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE);
}

static void test_receive_checks_its_arguments(void **state)
{
    PCWSTR unknown[] = { WSMAN_TEXT("nothing") };
    WSMAN_STREAM_ID_SET none = { .streamIDsCount = 0 };
    WSMAN_STREAM_ID_SET wrong = { .streamIDsCount = 1, .streamIDs = unknown };
    WSMAN_OPERATION_HANDLE out = NULL;
    struct recorder *recorder = recorder_new();

    (void)state;
    WSManReceiveShellOutput(NULL, command, 0, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_RECEIVE_NULL_PARAM);
    recorder = recorder_new();
    WSManReceiveShellOutput(shell, command, 0, NULL, &recorder->async, NULL);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_RECEIVE_NULL_PARAM);
    recorder = recorder_new();
    WSManReceiveShellOutput(shell, command, 1, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_INVALID_RECEIVE_SHELL_FLAG);
    recorder = recorder_new();
    WSManReceiveShellOutput(shell, command, 0, &none, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS);
    recorder = recorder_new(); /* known only once the shell is looked at: there is a handle */
    WSManReceiveShellOutput(shell, command, 0, &wrong, &recorder->async, &out);
    assert_non_null(out);
    assert_last_code(recorder, ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS);
    assert_int_equal(WSManCloseOperation(out, 0), 0);
    recorder_free(recorder);
}

static void test_send_checks_its_arguments(void **state)
{
    BYTE byte = 'x';
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = 1, .data = &byte } };
    WSMAN_DATA text = { .type = WSMAN_DATA_TYPE_TEXT };
    WSMAN_DATA missing = { .type = WSMAN_DATA_TYPE_BINARY, .binaryData = { .dataLength = 1 } };
    PCWSTR stdin_name = WSMAN_STREAM_ID_STDIN;
    WSMAN_OPERATION_HANDLE out = NULL;
    struct recorder *recorder = recorder_new();

    (void)state;
    WSManSendShellInput(NULL, command, 0, stdin_name, &data, 0, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_SEND_NULL_PARAM);
    recorder = recorder_new();
    WSManSendShellInput(shell, command, 0, NULL, &data, 0, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_SEND_NULL_PARAM);
    recorder = recorder_new();
    WSManSendShellInput(shell, command, 0, stdin_name, NULL, 0, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_SEND_NULL_PARAM);
    recorder = recorder_new();
    WSManSendShellInput(shell, command, 0, stdin_name, &missing, 0, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_SEND_NULL_PARAM);
    recorder = recorder_new();
    WSManSendShellInput(shell, command, 0, stdin_name, &data, 0, &recorder->async, NULL);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_SEND_NULL_PARAM);
    recorder = recorder_new();
    WSManSendShellInput(shell, command, 1, stdin_name, &data, 0, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_FLAG);
    recorder = recorder_new();
    WSManSendShellInput(shell, command, 0, stdin_name, &text, 0, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_PARAMETER);
    recorder = recorder_new();
    WSManSendShellInput(shell, command, 0, WSMAN_TEXT("other"), &data, 0, &recorder->async, &out);
    assert_non_null(out);
    assert_last_code(recorder, ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM);
    assert_int_equal(WSManCloseOperation(out, 0), 0);
    recorder_free(recorder);
}

static void test_close_checks_its_arguments(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    WSManCloseCommand(NULL, 0, &recorder->async);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_CLOSECOMMAND_NULL_PARAM);
    recorder = recorder_new();
    WSManCloseCommand(command, 1, &recorder->async);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_INVALID_CLOSE_COMMAND_FLAG);
    recorder = recorder_new();
    WSManCloseShell(NULL, 0, &recorder->async);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_CLOSESHELL_NULL_PARAM);
    recorder = recorder_new();
    WSManCloseShell(shell, 1, &recorder->async);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_INVALID_CLOSE_SHELL_FLAG);
    assert_int_equal(WSManCloseOperation(NULL, 0), ERROR_WSMAN_CLIENT_NO_HANDLE);
    assert_int_equal(WSManCloseOperation((WSMAN_OPERATION_HANDLE)shell, 0),
                     ERROR_WSMAN_CLIENT_NO_HANDLE);
    assert_int_equal(WSManCloseOperation((WSMAN_OPERATION_HANDLE)shell, 1),
                     ERROR_WSMAN_CLIENT_INVALID_FLAG);
}

/* There is nobody to complain to: nothing happens, and the out handle is NULL. */
static void test_calls_without_a_callback_do_nothing(void **state)
{
    WSMAN_SHELL_ASYNC empty = { .operationContext = f };
    BYTE byte = 'x';
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = 1, .data = &byte } };
    WSMAN_SHELL_HANDLE no_shell = shell;
    WSMAN_COMMAND_HANDLE no_command = command;
    WSMAN_OPERATION_HANDLE no_operation = (WSMAN_OPERATION_HANDLE)shell;
    size_t creates = fake_count(f->service, "Create");

    (void)state;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, NULL, &no_shell);
    assert_null(no_shell);
    no_shell = shell;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &empty, &no_shell);
    assert_null(no_shell);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), NULL, NULL, &empty, &no_command);
    assert_null(no_command);
    WSManReceiveShellOutput(shell, command, 0, NULL, &empty, &no_operation);
    assert_null(no_operation);
    no_operation = (WSMAN_OPERATION_HANDLE)shell;
    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &data, 0, NULL, &no_operation);
    assert_null(no_operation);
    WSManCloseCommand(command, 0, NULL);
    WSManCloseShell(shell, 0, &empty);
    close_command(command); /* both still live */
    close_shell(shell);
    assert_int_equal(fake_count(f->service, "Create"), creates);
    assert_int_equal(fake_count(f->service, "Send"), 0);
}

static void test_closed_handles_are_stale(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_COMMAND_HANDLE out = NULL;
    WSMAN_OPERATION_HANDLE operation = NULL;

    (void)state;
    close_command(command);
    WSManSignalShell(shell, command, 0, WSMAN_TEXT("x"), &recorder->async, &operation);
    assert_refused(recorder, operation, ERROR_WSMAN_COMMAND_ALREADY_CLOSED);
    recorder = recorder_new();
    WSManCloseCommand(command, 0, &recorder->async);
    assert_refused(recorder, NULL, ERROR_WSMAN_COMMAND_ALREADY_CLOSED);
    close_shell(shell);
    recorder = recorder_new();
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), NULL, NULL, &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_SHELL_ALREADY_CLOSED);
    recorder = recorder_new();
    WSManCloseShell(shell, 0, &recorder->async);
    assert_refused(recorder, NULL, ERROR_WSMAN_SHELL_ALREADY_CLOSED);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    assert_int_equal(WSManCloseSession(f->session, 0), ERROR_WSMAN_SESSION_ALREADY_CLOSED);
    f->session = NULL;
}

static void test_commands_belong_to_their_shell(void **state)
{
    WSMAN_SHELL_HANDLE other = open_shell(f);
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operation = receive(other, command, recorder);

    (void)state;
    assert_last_code(recorder, ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    recorder_free(recorder);
}

static void test_api_of_1_0_has_no_ids_of_the_callers(void **state)
{
    WSMAN_API_HANDLE api = NULL;
    WSMAN_SESSION_HANDLE session;
    WSMAN_SHELL_HANDLE out = NULL;
    struct recorder *recorder = recorder_new();

    (void)state;
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_0, &api), 0);
    session = open_session(api, fake_service_port(f->service), true);
    WSManCreateShellEx(session, 0, WSMAN_CMDSHELL_URI,
                       WSMAN_TEXT("11111111-2222-4333-8444-555555555501"), NULL, NULL, NULL,
                       &recorder->async, &out);
    assert_refused(recorder, out, ERROR_WSMAN_UNSUPPORTED_FEATURE);
    assert_int_equal(WSManDeinitialize(api, 0), 0);
}

static void CALLBACK on_identity(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                 WSMAN_OPERATION_HANDLE operation,
                                 const WSMAN_EXT_IDENTITY *identity)
{
    struct recorder *recorder = context;

    pthread_mutex_lock(&recorder->lock);
    recorder->events[0] = (struct recorder_event){ .flags = flags,
                                                   .code = error->code,
                                                   .operation = operation,
                                                   .has_data = identity != NULL,
                                                   .detail = "x",
                                                   .thread = pthread_self() };
    recorder->count++;
    recorder->last_count++;
    pthread_cond_broadcast(&recorder->changed);
    pthread_mutex_unlock(&recorder->lock);
}

static void test_identify_checks_its_arguments(void **state)
{
    WSMAN_OPERATION_HANDLE out = (WSMAN_OPERATION_HANDLE)shell;
    struct recorder *recorder = recorder_new();

    (void)state;
    WSManExtIdentify(NULL, 0, recorder, on_identity, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_NO_HANDLE);
    recorder = recorder_new();
    WSManExtIdentify(f->session, 1, recorder, on_identity, &out);
    assert_refused(recorder, out, ERROR_WSMAN_CLIENT_INVALID_FLAG);
    recorder = recorder_new();
    WSManExtIdentify(f->session, 0, recorder, on_identity, NULL);
    assert_refused(recorder, NULL, ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM);
    recorder = recorder_new();
    WSManExtIdentify((WSMAN_SESSION_HANDLE)shell, 0, recorder, on_identity, &out);
    assert_refused(recorder, out, ERROR_WSMAN_SESSION_ALREADY_CLOSED);
    out = (WSMAN_OPERATION_HANDLE)shell;
    WSManExtIdentify(f->session, 0, NULL, NULL, &out);
    assert_null(out);
    assert_int_equal(fake_count(f->service, "Identify"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_initialize_checks_its_arguments),
        TEST(test_initialize_gives_independent_handles),
        TEST(test_create_session_checks_its_arguments),
        TEST(test_create_shell_checks_its_arguments),
        TEST(test_create_shell_checks_what_it_is_started_with),
        TEST(test_2_10_text_that_xml_cannot_hold_is_refused),
        TEST(test_run_checks_its_arguments),
        TEST(test_signal_checks_its_arguments),
        TEST(test_receive_checks_its_arguments),
        TEST(test_send_checks_its_arguments),
        TEST(test_close_checks_its_arguments),
        TEST(test_calls_without_a_callback_do_nothing),
        TEST(test_closed_handles_are_stale),
        TEST(test_commands_belong_to_their_shell),
        TEST(test_api_of_1_0_has_no_ids_of_the_callers),
        TEST(test_identify_checks_its_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
