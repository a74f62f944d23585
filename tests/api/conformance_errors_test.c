/* WSMAN_ERROR: code, detail, language, machine and plug-in, of faults as Windows and others send
 * them (tests/proto/fault) and of errors of our own. */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

static struct fixture *f;
static const char *fault_file;
static const char *fault_request; /* which request it answers */

static bool answer_fault(struct fake_service *service, const struct fake_request *request,
                         struct fake_reply *reply)
{
    char path[512];
    uint8_t bytes[8192];
    FILE *file;
    size_t count;

    (void)service;
    if (fault_file == NULL || strcmp(request->name, fault_request) != 0)
        return false;
    snprintf(path, sizeof(path), WSM_SOURCE_DIR "/tests/proto/fault/%s.xml", fault_file);
    file = fopen(path, "r");
    if (file == NULL)
        abort();
    count = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    wsm_buf_append(&reply->body, bytes, count);
    reply->status = 500;
    return true;
}

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    fault_file = NULL;
    fake_service_handler(f->service, answer_fault);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

struct expected {
    const char *file;
    DWORD code;
    const char *detail;
    const char *language; /* "" = NULL, as for those below */
    const char *machine;
    const char *plugin;
};

static const struct expected faults[] = {
    { "windows_provider", 2147942402U, "The system cannot find the file specified.", "en-US", "srv",
      "Shell cmd plugin" },
    { "windows_nested", ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED, "inner text", "en-US", "srv", "p" },
    { "windows_wmi", ERROR_WSMAN_QUOTA_MAX_OPERATIONS,
      "The maximum number of concurrent operations for this user has been exceeded.", "en-US", "",
      "" },
    { "windows_disconnected", ERROR_WINRS_SHELL_DISCONNECTED, NULL, "en-US", "srv", "" },
    { "windows_other_client", ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT, NULL, "en-US", "srv",
      "" },
    { "omi_no_number", ERROR_WSMAN_UNEXPECTED_SELECTORS, NULL, "en-US", "", "" },
    { "must_understand", ERROR_WSMAN_SOAP_FAULT_MUST_UNDERSTAND, NULL, "en-US", "", "" },
    { "code_negative", 2150858793U, NULL, "en-US", "", "" },
    { "unknown_subcode", ERROR_INTERNAL_ERROR, NULL, "en-US", "", "" },
};

static void check(const struct recorder_event *event, const struct expected *expected)
{
    assert_int_equal(event->code, expected->code);
    assert_int_equal(event->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    assert_false(event->has_data);
    if (expected->detail != NULL)
        assert_string_equal(event->detail, expected->detail);
    assert_true(event->detail[0] != '\0');
    assert_string_equal(event->language, expected->language);
    assert_string_equal(event->machine, expected->machine);
    assert_string_equal(event->plugin, expected->plugin);
}

static void check_create(const struct expected *expected)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = NULL;

    recorder->user = recorder;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    check(recorder_last(recorder), expected);
    recorder_free(recorder);
    close_shell(shell);
}

static void test_6_6_faults_of_other_servers_keep_code_and_origin(void **state)
{
    size_t i;

    (void)state;
    fault_request = "Create";
    for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        fault_file = faults[i].file;
        check_create(&faults[i]);
    }
}

/* The same way for operations, whose errors pass through other hands. */
static void test_6_6_faults_keep_their_origin_at_each_function(void **state)
{
    const struct expected *expected = &faults[0];
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("cat"));
    WSMAN_COMMAND_HANDLE failed = NULL;
    struct recorder *recorders[5];
    WSMAN_OPERATION_HANDLE operations[3];
    size_t i;

    (void)state;
    for (i = 0; i < 5; i++)
        recorders[i] = recorder_new();
    fault_file = expected->file;
    fault_request = "Command";
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), NULL, NULL, &recorders[0]->async, &failed);
    check(recorder_last(recorders[0]), expected);
    fault_request = "Send";
    operations[0] = send_text(shell, command, "x", false, recorders[1]);
    check(recorder_last(recorders[1]), expected);
    fault_request = "Receive";
    operations[1] = receive(shell, command, recorders[2]);
    check(recorder_last(recorders[2]), expected);
    fault_request = "Signal";
    operations[2] = signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, recorders[3]);
    check(recorder_last(recorders[3]), expected);
    for (i = 0; i < 3; i++)
        assert_int_equal(WSManCloseOperation(operations[i], 0), 0);
    fault_request = "none";
    close_command(failed);
    close_command(command);
    fault_request = "Delete";
    WSManCloseShell(shell, 0, &recorders[4]->async);
    check(recorder_last(recorders[4]), expected);
    for (i = 0; i < 5; i++)
        recorder_free(recorders[i]);
}

/* A fault without any words has those of its code, which are ours. */
static void test_3_6_a_fault_without_text_has_ours(void **state)
{
    struct expected expected = {
        .file = "no_text", .language = "en-US", .machine = "", .plugin = ""
    };
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = NULL;
    WCHAR text[256];
    DWORD used = 0;
    char *message;

    (void)state;
    fault_request = "Create";
    fault_file = expected.file;
    recorder->user = recorder;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    expected.code = recorder_last(recorder)->code;
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, expected.code, 256, text, &used), 0);
    message = WSManExtUtf16ToUtf8(text);
    expected.detail = message;
    check(recorder_last(recorder), &expected);
    WSManExtFree(message);
    recorder_free(recorder);
    close_shell(shell);
}

/* ---- Our own ---- */

static bool holds(const struct recorder_event *event, const char *text)
{
    return strstr(event->detail, text) != NULL;
}

static void test_3_6_own_errors_name_the_host_and_no_machine(void **state)
{
    struct recorder *recorder = recorder_new();
    const struct recorder_event *event;
    WSMAN_SHELL_HANDLE shell = NULL;
    char host[32];

    (void)state;
    snprintf(host, sizeof(host), "127.0.0.1:%u", (unsigned)fake_service_port(f->service));
    fake_refuse(f->service);
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    event = recorder_last(recorder);
    assert_int_equal(event->code, ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS);
    assert_true(holds(event, host));
    assert_string_equal(event->language, "en-US");
    assert_string_equal(event->machine, "");
    assert_string_equal(event->plugin, "");
    close_shell(shell);
    recorder_free(recorder);
}

static void test_3_6_own_errors_name_what_they_are_about(void **state)
{
    static const BYTE byte = 'x';
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = 1, .data = (BYTE *)(uintptr_t)&byte } };
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_OPERATION_HANDLE operation = NULL;
    struct recorder *recorder = recorder_new();

    (void)state;
    WSManSendShellInput(shell, NULL, 0, WSMAN_TEXT("other"), &data, FALSE, &recorder->async,
                        &operation);
    assert_last_code(recorder, ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM);
    assert_true(holds(recorder_last(recorder), "other"));
    recorder_free(recorder);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    recorder = recorder_new();
    disconnect(shell, 0, NULL, recorder);
    assert_last_code(recorder, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED);
    assert_true(holds(recorder_last(recorder), FAKE_SHELL_ID));
    recorder_free(recorder);
    close_shell(shell);
}

static void test_3_6_own_errors_name_the_limit(void **state)
{
    WCHAR uri[2050];
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = NULL;
    size_t i;

    (void)state;
    for (i = 0; i < 2049; i++)
        uri[i] = 'u';
    uri[2049] = 0;
    WSManCreateShell(f->session, 0, uri, NULL, NULL, NULL, &recorder->async, &shell);
    assert_last_code(recorder, ERROR_WSMAN_INVALID_RESOURCE_URI);
    assert_true(holds(recorder_last(recorder), "2048"));
    assert_null(shell);
    recorder_free(recorder);
}

static void test_2_9_a_cancelled_operation_has_words(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operation = receive(shell, NULL, recorder);

    (void)state;
    fake_wait(f->service, "Receive", 1);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(recorder, ERROR_OPERATION_ABORTED);
    assert_string_equal(recorder_last(recorder)->detail, "The operation was cancelled.");
    assert_string_equal(recorder_last(recorder)->language, "en-US");
    recorder_free(recorder);
    close_shell(shell);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_6_6_faults_of_other_servers_keep_code_and_origin),
        TEST(test_6_6_faults_keep_their_origin_at_each_function),
        TEST(test_3_6_a_fault_without_text_has_ours),
        TEST(test_3_6_own_errors_name_the_host_and_no_machine),
        TEST(test_3_6_own_errors_name_what_they_are_about),
        TEST(test_3_6_own_errors_name_the_limit),
        TEST(test_2_9_a_cancelled_operation_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
