/* Every function of wsman.h with each pointer NULL, each flag that it does not take, and
 * handles that are none, for both API versions: the code that docs/conformance.md says, the
 * out handle NULL, and one callback, which comes on a thread of the library. */
#include "answers.h"
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NEW_ID WSMAN_TEXT("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeee01")

enum { FLAG_BITS = 32, MIXED = 4, ARGUMENTS = 5, ANSWERS_MAX = 4096 };

/* Arguments that may be left out; those of a function are its `needs`. */
enum argument {
    PARENT = 1, /* the first handle */
    TEXT = 2,   /* resource URI, command line, code, stream */
    ID = 4,
    DATA = 8,
    OUT = 16,
};

struct client {
    WSMAN_API_HANDLE api;
    WSMAN_SESSION_HANDLE session;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
};

/* One call: what is missing, the handle in the place of the first, and where *out goes. */
struct call {
    const struct client *client;
    unsigned missing;
    DWORD flags;
    void *parent; /* NULL = the right one */
    void *out;    /* before and after */
};

struct function {
    const char *name;
    void (*run)(struct call *call, WSMAN_SHELL_ASYNC *async);
    void *(*parent_of)(const struct client *client);
    unsigned needs;
    DWORD null_code;
    DWORD flag_code;
    DWORD foreign_code; /* the first handle is of another kind, or none at all */
    DWORD old_code;     /* with an API handle of version 1.0; 0 = it works there too */
    DWORD legal[8];     /* flags, besides 0 */
};

static struct fixture *f;
static struct client new_client;
static struct client old_client;
static struct answer *answers[ANSWERS_MAX];
static size_t answer_count;

/* ---- The functions ---- */

static void *session_of(const struct client *client)
{
    return client->session;
}

static void *shell_of(const struct client *client)
{
    return client->shell;
}

static void *command_of(const struct client *client)
{
    return client->command;
}

static PCWSTR text_of(const struct call *call, PCWSTR text)
{
    return (call->missing & TEXT) != 0 ? NULL : text;
}

static PCWSTR id_of(const struct call *call)
{
    return (call->missing & ID) != 0 ? NULL : NEW_ID;
}

static void *out_of(struct call *call)
{
    return (call->missing & OUT) != 0 ? NULL : &call->out;
}

static void create_shell(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManCreateShell(call->parent, call->flags, text_of(call, WSMAN_CMDSHELL_URI), NULL, NULL, NULL,
                     async, out_of(call));
}

static void create_shell_ex(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManCreateShellEx(call->parent, call->flags, text_of(call, WSMAN_CMDSHELL_URI), id_of(call),
                       NULL, NULL, NULL, async, out_of(call));
}

static void run_command_line(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManRunShellCommand(call->parent, call->flags, text_of(call, WSMAN_TEXT("x")), NULL, NULL,
                         async, out_of(call));
}

static void run_command_line_ex(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManRunShellCommandEx(call->parent, call->flags, id_of(call), text_of(call, WSMAN_TEXT("x")),
                           NULL, NULL, async, out_of(call));
}

static void signal_shell(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManSignalShell(call->parent, call->client->command, call->flags,
                     text_of(call, WSMAN_SIGNAL_SHELL_CODE_CTRL_C), async, out_of(call));
}

static void receive_output(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManReceiveShellOutput(call->parent, call->client->command, call->flags, NULL, async,
                            out_of(call));
}

static void send_input(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    BYTE byte = 'x';
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = 1, .data = &byte } };

    WSManSendShellInput(call->parent, call->client->command, call->flags,
                        text_of(call, WSMAN_STREAM_ID_STDIN),
                        (call->missing & DATA) != 0 ? NULL : &data, 0, async, out_of(call));
}

static void close_command_handle(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManCloseCommand(call->parent, call->flags, async);
}

static void close_shell_handle(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManCloseShell(call->parent, call->flags, async);
}

static void disconnect_handle(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManDisconnectShell(call->parent, call->flags, NULL, async);
}

static void reconnect_handle(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManReconnectShell(call->parent, call->flags, async);
}

static void reconnect_command_handle(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManReconnectShellCommand(call->parent, call->flags, async);
}

static void connect_shell(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManConnectShell(call->parent, call->flags, text_of(call, WSMAN_CMDSHELL_URI), id_of(call),
                      NULL, NULL, async, out_of(call));
}

static void connect_command(struct call *call, WSMAN_SHELL_ASYNC *async)
{
    WSManConnectShellCommand(call->parent, call->flags, id_of(call), NULL, NULL, async,
                             out_of(call));
}

static const struct function functions[] = {
    { "CreateShell",
      create_shell,
      session_of,
      PARENT | OUT,
      ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_CREATE_SHELL_FLAG,
      ERROR_WSMAN_SESSION_ALREADY_CLOSED,
      0,
      { 1, 4, 8, 1 | 4, 1 | 8 } },
    { "CreateShellEx",
      create_shell_ex,
      session_of,
      PARENT | ID | OUT,
      ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_CREATE_SHELL_FLAG,
      ERROR_WSMAN_SESSION_ALREADY_CLOSED,
      ERROR_WSMAN_UNSUPPORTED_FEATURE,
      { 1, 4, 8, 1 | 4, 1 | 8 } },
    { "RunShellCommand",
      run_command_line,
      shell_of,
      PARENT | TEXT | OUT,
      ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_RUNCOMMAND_FLAG,
      ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      0,
      { 0 } },
    { "RunShellCommandEx",
      run_command_line_ex,
      shell_of,
      PARENT | TEXT | ID | OUT,
      ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_RUNCOMMAND_FLAG,
      ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      ERROR_WSMAN_UNSUPPORTED_FEATURE,
      { 0 } },
    { "SignalShell",
      signal_shell,
      shell_of,
      PARENT | TEXT | OUT,
      ERROR_WSMAN_CLIENT_SIGNAL_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_SIGNAL_SHELL_FLAG,
      ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      0,
      { 0 } },
    { "ReceiveShellOutput",
      receive_output,
      shell_of,
      PARENT | OUT,
      ERROR_WSMAN_CLIENT_RECEIVE_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_RECEIVE_SHELL_FLAG,
      ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      0,
      { WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM } },
    { "SendShellInput",
      send_input,
      shell_of,
      PARENT | TEXT | DATA | OUT,
      ERROR_WSMAN_CLIENT_SEND_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_FLAG,
      ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      0,
      { 0 } },
    { "CloseCommand",
      close_command_handle,
      command_of,
      PARENT,
      ERROR_WSMAN_CLIENT_CLOSECOMMAND_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_CLOSE_COMMAND_FLAG,
      ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE,
      0,
      { 0 } },
    { "CloseShell",
      close_shell_handle,
      shell_of,
      PARENT,
      ERROR_WSMAN_CLIENT_CLOSESHELL_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_CLOSE_SHELL_FLAG,
      ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      0,
      { WSMAN_FLAG_DELETE_SERVER_SESSION } },
    { "DisconnectShell",
      disconnect_handle,
      shell_of,
      PARENT,
      ERROR_WSMAN_CLIENT_DISCONNECTSHELL_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_DISCONNECT_SHELL_FLAG,
      ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
      { 4, 8 } },
    { "ReconnectShell",
      reconnect_handle,
      shell_of,
      PARENT,
      ERROR_WSMAN_CLIENT_RECONNECTSHELL_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_FLAG,
      ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
      { 4, 8 } },
    { "ReconnectShellCommand",
      reconnect_command_handle,
      command_of,
      PARENT,
      ERROR_WSMAN_CLIENT_RECONNECTSHELLCOMMAND_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_FLAG,
      ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE,
      ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
      { 0 } },
    { "ConnectShell",
      connect_shell,
      session_of,
      PARENT | TEXT | ID | OUT,
      ERROR_WSMAN_CLIENT_CONNECTSHELL_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_FLAG,
      ERROR_WSMAN_SESSION_ALREADY_CLOSED,
      ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
      { 4, 8 } },
    { "ConnectShellCommand",
      connect_command,
      shell_of,
      PARENT | ID | OUT,
      ERROR_WSMAN_CLIENT_CONNECTCOMMAND_NULL_PARAM,
      ERROR_WSMAN_CLIENT_INVALID_FLAG,
      ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
      { 0 } },
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

/* ---- Both clients ---- */

static void open_client(struct client *client, DWORD version)
{
    struct fixture own = { .service = f->service };

    assert_int_equal(WSManInitialize(version, &client->api), 0);
    client->session = open_session(client->api, fake_service_port(f->service), true);
    own.session = client->session;
    client->shell = open_shell(&own);
    client->command = run_command(client->shell, WSMAN_TEXT("cat"));
}

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    fake_can_disconnect(f->service);
    open_client(&new_client, WSMAN_FLAG_REQUESTED_API_VERSION_1_1);
    open_client(&old_client, WSMAN_FLAG_REQUESTED_API_VERSION_1_0);
    return 0;
}

/* After it no callback can come: each call must have had exactly one. */
static int teardown(void **state)
{
    size_t i;

    (void)state;
    assert_int_equal(WSManDeinitialize(new_client.api, 0), 0);
    assert_int_equal(WSManDeinitialize(old_client.api, 0), 0);
    fixture_free(f);
    for (i = 0; i < answer_count; i++) {
        assert_int_equal(answers[i]->count, 1);
        answer_free(answers[i]);
    }
    answer_count = 0;
    return 0;
}

static struct answer *run(const struct function *function, struct call *call)
{
    struct answer *answer = answer_new();

    assert_true(answer_count < ANSWERS_MAX);
    answers[answer_count++] = answer;
    if (call->parent == NULL && (call->missing & PARENT) == 0)
        call->parent = function->parent_of(call->client);
    call->out = call; /* no handle */
    call_begin();
    function->run(call, &answer->async);
    call_end();
    return answer;
}

/* The call is refused with `code`, in one callback with nothing but the error. */
static void assert_refused(const struct function *function, struct call *call, DWORD code)
{
    struct answer *answer = run(function, call);

    answer_wait(answer);
    if (answer->code != code || answer->flags != WSMAN_FLAG_CALLBACK_END_OF_OPERATION ||
        answer->has_data || answer->operation != NULL)
        fail_msg("%s, missing %#x, flags %#x: code %#x, not %#x; flags %#x", function->name,
                 call->missing, call->flags, answer->code, code, answer->flags);
    if ((function->needs & OUT) != 0 && (call->missing & OUT) == 0)
        assert_null(call->out);
}

static bool is_legal(const struct function *function, DWORD flags)
{
    size_t i;

    for (i = 0; i < sizeof(function->legal) / sizeof(function->legal[0]); i++) {
        if (function->legal[i] == flags)
            return true;
    }
    return flags == 0;
}

/* Each single bit, then some together. */
static DWORD flags_at(size_t i)
{
    static const DWORD mixed[MIXED] = { 4 | 8, 2 | 4, 0x10 | 8, 0xffffffff };

    return i < FLAG_BITS ? (DWORD)1 << i : mixed[i - FLAG_BITS];
}

static size_t sent(void)
{
    char *log = fake_log(f->service);
    size_t length = strlen(log);

    free(log);
    return length;
}

static void assert_nothing_sent(size_t before)
{
    assert_int_equal(sent(), before);
}

static void each_client(void (*check)(const struct client *client))
{
    size_t before = sent();

    check(&new_client);
    check(&old_client);
    assert_nothing_sent(before);
}

/* ---- Pointers and flags ---- */

static void check_null(const struct client *client)
{
    size_t i;
    int n;

    for (i = 0; i < FUNCTIONS; i++) {
        for (n = 0; n < ARGUMENTS; n++) {
            struct call call = { .client = client, .missing = 1u << n };

            if ((functions[i].needs & call.missing) != 0)
                assert_refused(&functions[i], &call, functions[i].null_code);
        }
    }
}

static void test_9_3_each_pointer_null_has_its_code(void **state)
{
    (void)state;
    each_client(check_null);
}

static void check_flags(const struct client *client)
{
    size_t i;
    size_t n;

    for (i = 0; i < FUNCTIONS; i++) {
        for (n = 0; n < FLAG_BITS + MIXED; n++) {
            struct call call = { .client = client, .flags = flags_at(n) };

            if (!is_legal(&functions[i], call.flags))
                assert_refused(&functions[i], &call, functions[i].flag_code);
        }
    }
}

static void test_G12_each_wrong_flag_has_its_code(void **state)
{
    (void)state;
    each_client(check_flags);
}

static void check_null_and_flags(const struct client *client)
{
    size_t i;
    int n;

    for (i = 0; i < FUNCTIONS; i++) {
        for (n = 0; n < ARGUMENTS; n++) {
            struct call call = { .client = client, .missing = 1u << n, .flags = 0xffffffff };

            if ((functions[i].needs & call.missing) != 0)
                assert_refused(&functions[i], &call, functions[i].null_code);
        }
    }
}

static void test_2_17_null_comes_before_wrong_flags(void **state)
{
    (void)state;
    each_client(check_null_and_flags);
}

static void check_version(const struct client *client)
{
    size_t i;

    for (i = 0; i < FUNCTIONS; i++) {
        struct call call = { .client = client };

        if (functions[i].old_code != 0)
            assert_refused(&functions[i], &call, functions[i].old_code);
    }
}

static void test_G15_functions_of_1_1_need_a_handle_of_1_1(void **state)
{
    size_t before = sent();

    (void)state;
    check_version(&old_client);
    assert_nothing_sent(before);
}

/* ---- Handles ---- */

/* A handle of another kind, a number, and the address of something. */
static void check_foreign(const struct client *client)
{
    int something = 0;
    void *handles[] = { client->api, (void *)(uintptr_t)1, &something };
    size_t i;
    size_t n;

    for (i = 0; i < FUNCTIONS; i++) {
        for (n = 0; n < sizeof(handles) / sizeof(handles[0]); n++) {
            struct call call = { .client = client, .parent = handles[n] };
            struct call flags = { .client = client, .parent = handles[n], .flags = 0xffffffff };

            assert_refused(&functions[i], &call, functions[i].foreign_code);
            assert_refused(&functions[i], &flags, functions[i].flag_code); /* looked at before */
        }
    }
}

static void test_6_2_foreign_handles_have_their_codes(void **state)
{
    (void)state;
    each_client(check_foreign);
}

static DWORD stale_code(const struct function *function)
{
    if (function->parent_of == shell_of)
        return ERROR_WSMAN_SHELL_ALREADY_CLOSED;
    return function->parent_of == command_of ? ERROR_WSMAN_COMMAND_ALREADY_CLOSED
                                             : ERROR_WSMAN_SESSION_ALREADY_CLOSED;
}

static void test_6_2_closed_handles_have_their_codes(void **state)
{
    size_t before;
    size_t i;

    (void)state;
    close_command(new_client.command);
    close_shell(new_client.shell);
    assert_int_equal(WSManCloseSession(new_client.session, 0), 0);
    before = sent();
    for (i = 0; i < FUNCTIONS; i++) {
        struct call call = { .client = &new_client };

        assert_refused(&functions[i], &call, stale_code(&functions[i]));
    }
    assert_nothing_sent(before);
}

/* There is nobody to tell: only *out shows it. */
static void test_G11_without_a_callback_nothing_happens(void **state)
{
    WSMAN_SHELL_ASYNC none = { .operationContext = f };
    size_t before = sent();
    size_t i;

    (void)state;
    for (i = 0; i < FUNCTIONS; i++) {
        WSMAN_SHELL_ASYNC *asyncs[] = { NULL, &none };
        size_t n;

        for (n = 0; n < 2; n++) {
            struct call call = { .client = &new_client };

            call.parent = functions[i].parent_of(&new_client);
            call.out = &call;
            functions[i].run(&call, asyncs[n]);
            if ((functions[i].needs & OUT) != 0)
                assert_null(call.out);
        }
    }
    wait_for_loop(new_client.session);
    assert_nothing_sent(before);
    close_command(new_client.command); /* still there */
    close_shell(new_client.shell);
}

/* ---- Functions that return their code ---- */

static void test_2_1_initialize(void **state)
{
    WSMAN_API_HANDLE api;
    size_t n;

    (void)state;
    for (n = 0; n < FLAG_BITS + MIXED; n++) {
        if (flags_at(n) == WSMAN_FLAG_REQUESTED_API_VERSION_1_1)
            continue;
        api = (WSMAN_API_HANDLE)(void *)f;
        assert_int_equal(WSManInitialize(flags_at(n), &api),
                         ERROR_WSMAN_CLIENT_INVALID_INIT_APPLICATION_FLAG);
        assert_null(api);
        assert_int_equal(WSManInitialize(flags_at(n), NULL),
                         ERROR_WSMAN_CLIENT_INITIALIZE_NULL_PARAM);
    }
}

/* Each with a handle that is none, then with flags on the right handle. */
static void test_2_2_and_others_that_close_check_handle_and_flags(void **state)
{
    size_t n;

    (void)state;
    for (n = 0; n < FLAG_BITS + MIXED; n++) {
        DWORD flags = flags_at(n);

        assert_int_equal(WSManDeinitialize(NULL, flags), ERROR_WSMAN_CLIENT_NO_HANDLE);
        assert_int_equal(WSManCloseSession(NULL, flags), ERROR_WSMAN_CLIENT_NO_HANDLE);
        assert_int_equal(WSManCloseOperation(NULL, flags), ERROR_WSMAN_CLIENT_NO_HANDLE);
        assert_int_equal(WSManDeinitialize(new_client.api, flags),
                         ERROR_WSMAN_CLIENT_INVALID_DEINIT_APPLICATION_FLAG);
        assert_int_equal(WSManCloseSession(new_client.session, flags),
                         ERROR_WSMAN_CLIENT_INVALID_FLAG);
        assert_int_equal(WSManCloseOperation((WSMAN_OPERATION_HANDLE)new_client.shell, flags),
                         ERROR_WSMAN_CLIENT_INVALID_FLAG);
    }
    assert_int_equal(WSManDeinitialize((WSMAN_API_HANDLE)new_client.session, 0),
                     ERROR_WSMAN_CLIENT_NO_HANDLE);
    assert_int_equal(WSManCloseSession((WSMAN_SESSION_HANDLE)new_client.api, 0),
                     ERROR_WSMAN_SESSION_ALREADY_CLOSED);
    assert_int_equal(WSManCloseOperation((WSMAN_OPERATION_HANDLE)new_client.shell, 0),
                     ERROR_WSMAN_CLIENT_NO_HANDLE);
}

static void test_2_4_create_session_pointers_and_flags(void **state)
{
    WSMAN_SESSION_HANDLE out;
    size_t n;

    (void)state;
    for (n = 0; n < FLAG_BITS + MIXED; n++) {
        out = (WSMAN_SESSION_HANDLE)(void *)f;
        assert_int_equal(WSManCreateSession(new_client.api, NULL, flags_at(n), NULL, NULL, &out),
                         ERROR_WSMAN_CLIENT_INVALID_FLAG);
        assert_null(out);
        out = (WSMAN_SESSION_HANDLE)(void *)f;
        assert_int_equal(WSManCreateSession(NULL, NULL, flags_at(n), NULL, NULL, &out),
                         ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM);
        assert_null(out);
        assert_int_equal(WSManCreateSession(new_client.api, NULL, flags_at(n), NULL, NULL, NULL),
                         ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM);
    }
    assert_int_equal(WSManCreateSession(new_client.api, NULL, 0, NULL, NULL, &out), 0);
    assert_int_equal(WSManCloseSession(out, 0), 0);
}

static void test_2_3_get_error_message_pointers_and_flags(void **state)
{
    WSMAN_API_HANDLE api = new_client.api;
    WCHAR text[200];
    DWORD used = 0;
    size_t n;

    (void)state;
    for (n = 0; n < FLAG_BITS + MIXED; n++) {
        DWORD flags = flags_at(n);

        assert_int_equal(WSManGetErrorMessage(api, flags, NULL, 5, 0, NULL, &used),
                         ERROR_WSMAN_CLIENT_INVALID_GETERRORMESSAGE_FLAG);
        assert_int_equal(WSManGetErrorMessage(NULL, flags, NULL, 5, 0, NULL, &used),
                         ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM);
        assert_int_equal(WSManGetErrorMessage(api, flags, NULL, 5, 0, NULL, NULL),
                         ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM);
        assert_int_equal(WSManGetErrorMessage(api, flags, NULL, 5, 200, NULL, &used),
                         ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM);
        assert_int_equal(WSManGetErrorMessage(api, flags, NULL, 5, 0, text, &used),
                         ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM);
    }
    assert_int_equal(used, 0);
}

static void test_2_6_to_2_8_option_pointers_and_kinds(void **state)
{
    WSMAN_SESSION_HANDLE session = new_client.session;
    WSMAN_DATA number = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };
    WSMAN_DATA binary = { .type = WSMAN_DATA_TYPE_BINARY };
    WCHAR text[8];
    DWORD value = 7;
    int id;

    (void)state;
    assert_int_equal(WSManSetSessionOption(NULL, WSMAN_OPTION_SKIP_CN_CHECK, &number),
                     ERROR_WSMAN_CLIENT_SETSESSIONOPTION_NULL_PARAM);
    for (id = -1; id < 40; id++) {
        WSManSessionOption option = (WSManSessionOption)id;

        assert_int_equal(WSManSetSessionOption(session, option, NULL),
                         ERROR_WSMAN_CLIENT_SETSESSIONOPTION_NULL_PARAM);
        assert_int_equal(WSManSetSessionOption(session, option, &binary),
                         ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM);
        assert_int_equal(WSManGetSessionOptionAsDword(session, option, NULL),
                         ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_NULL_PARAM);
        assert_int_equal(WSManGetSessionOptionAsDword(NULL, option, &value),
                         ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_NULL_PARAM);
        assert_int_equal(WSManGetSessionOptionAsString(NULL, option, 0, NULL, &value),
                         ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM);
        assert_int_equal(WSManGetSessionOptionAsString(session, option, 0, NULL, NULL),
                         ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM);
        assert_int_equal(WSManGetSessionOptionAsString(session, option, 8, NULL, &value),
                         ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM);
        assert_int_equal(WSManGetSessionOptionAsString(session, option, 0, text, &value),
                         ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM);
    }
    assert_int_equal(value, 7);
}

static void test_3_4_ids_that_are_no_option_have_their_code(void **state)
{
    static const int none[] = { -1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 24, 27, 35, 1000 };
    WSMAN_SESSION_HANDLE session = new_client.session;
    WSMAN_DATA number = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };
    DWORD value;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        WSManSessionOption option = (WSManSessionOption)none[i];

        assert_int_equal(WSManSetSessionOption(session, option, &number),
                         ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM);
        assert_int_equal(WSManGetSessionOptionAsDword(session, option, &value),
                         ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM);
        assert_int_equal(WSManGetSessionOptionAsString(session, option, 0, NULL, &value),
                         ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_9_3_each_pointer_null_has_its_code),
        TEST(test_G12_each_wrong_flag_has_its_code),
        TEST(test_2_17_null_comes_before_wrong_flags),
        TEST(test_G15_functions_of_1_1_need_a_handle_of_1_1),
        TEST(test_6_2_foreign_handles_have_their_codes),
        TEST(test_6_2_closed_handles_have_their_codes),
        TEST(test_G11_without_a_callback_nothing_happens),
        TEST(test_2_1_initialize),
        TEST(test_2_2_and_others_that_close_check_handle_and_flags),
        TEST(test_2_4_create_session_pointers_and_flags),
        TEST(test_2_3_get_error_message_pointers_and_flags),
        TEST(test_2_6_to_2_8_option_pointers_and_kinds),
        TEST(test_3_4_ids_that_are_no_option_have_their_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
