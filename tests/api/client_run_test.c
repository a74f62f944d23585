/* A command from end to end through the library: what goes on the wire, what comes back. */
#include "client_fixture.h"

#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wsmext.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void assert_last_field(struct fake_service *service, const char *name, const char *what,
                              const char *expected)
{
    char *value = fake_last(service, name, what);

    assert_string_equal(value, expected);
    free(value);
}

static void test_run_goes_from_create_to_delete(void **state)
{
    struct fixture *f = *state;
    struct recorder *out = recorder_new();
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("echo hi"));
    WSMAN_OPERATION_HANDLE operation;
    char *log;

    fake_push_output(f->service, "hello ", "oops", false);
    fake_push_output(f->service, "world", NULL, false);
    fake_push_done(f->service, 7);
    operation = receive(shell, command, out);
    assert_last_code(out, 0);
    assert_int_equal(recorder_last(out)->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    assert_true(recorder_last(out)->has_data);
    assert_true(recorder_last(out)->is_done);
    assert_int_equal(recorder_last(out)->exit_code, 7);
    assert_ptr_equal(recorder_last(out)->operation, operation);
    assert_int_equal(out->last_count, 1);
    assert_int_equal(out->count, 4);
    assert_memory_equal(out->output, "hello world", 11);
    assert_memory_equal(out->errors, "oops", 4);
    assert_int_equal(out->events[0].flags, 0);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    close_command(command);
    close_shell(shell);
    log = fake_log(f->service);
    assert_string_equal(log, "Create Command Receive Receive Receive Signal Delete");
    assert_int_equal(fake_connections(f->service), 1);
    assert_last_field(f->service, "Signal", "code",
                      "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate");
    free(log);
    recorder_free(out);
}

static void test_run_sends_the_same_session_id_with_every_message(void **state)
{
    struct fixture *f = *state;
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("true"));
    char *first = fake_last(f->service, "Create", "session");

    assert_int_equal(strlen(first), 41);
    assert_memory_equal(first, "uuid:", 5);
    close_command(command);
    close_shell(shell);
    assert_last_field(f->service, "Command", "session", first);
    assert_last_field(f->service, "Signal", "session", first);
    assert_last_field(f->service, "Delete", "session", first);
    assert_last_field(f->service, "Delete", "shell", FAKE_SHELL_ID);
    assert_last_field(f->service, "Delete", "authorization", "Basic dGVzdGVyOnNlY3JldA==");
    assert_last_field(f->service, "Create", "timeout", "60000");
    assert_last_field(f->service, "Create", "envelope", "512000");
    free(first);
}

static void test_run_makes_ids_where_the_caller_gives_none(void **state)
{
    struct fixture *f = *state;
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("true"));
    char *shell_id = fake_last(f->service, "Create", "id");
    char *command_id = fake_last(f->service, "Command", "id");

    assert_int_equal(strlen(shell_id), 36);
    assert_int_equal(strlen(command_id), 36);
    assert_string_not_equal(shell_id, command_id);
    close_command(command);
    assert_last_field(f->service, "Signal", "command", command_id);
    close_shell(shell);
    free(shell_id);
    free(command_id);
}

/* Everything the call got is freed and overwritten before the message goes out. */
static void test_create_copies_everything(void **state)
{
    struct fixture *f = *state;
    struct recorder *recorder = recorder_new();
    PWSTR name = WSManExtUtf8ToUtf16("VAR");
    PWSTR value = WSManExtUtf8ToUtf16("välue");
    PWSTR stream = WSManExtUtf8ToUtf16("pr");
    PWSTR directory = WSManExtUtf8ToUtf16("/tmp");
    PWSTR option_name = WSManExtUtf8ToUtf16("WINRS_CODEPAGE");
    PWSTR option_value = WSManExtUtf8ToUtf16("65001");
    PWSTR id = WSManExtUtf8ToUtf16("aaaaaaaa-BBBB-4000-8000-000000000001");
    PWSTR shell_name = WSManExtUtf8ToUtf16("night");
    PCWSTR streams[] = { stream };
    WSMAN_STREAM_ID_SET set = { .streamIDsCount = 1, .streamIDs = streams };
    WSMAN_ENVIRONMENT_VARIABLE variable = { .name = name, .value = value };
    WSMAN_ENVIRONMENT_VARIABLE_SET variables = { .varsCount = 1, .vars = &variable };
    WSMAN_OPTION option = { .name = option_name, .value = option_value };
    WSMAN_OPTION_SET options = { .optionsCount = 1, .options = &option };
    WSMAN_SHELL_STARTUP_INFO info = { .inputStreamSet = &set,
                                      .outputStreamSet = &set,
                                      .idleTimeoutMs = 90000,
                                      .workingDirectory = directory,
                                      .variableSet = &variables,
                                      .name = shell_name };
    WSMAN_SHELL_HANDLE shell = NULL;
    WSMAN_SHELL_ASYNC async = recorder->async;

    recorder->user = recorder;
    WSManCreateShellEx(f->session, WSMAN_FLAG_NO_COMPRESSION, WSMAN_CMDSHELL_URI, id, &info,
                       &options, NULL, &async, &shell);
    memset(&async, 0x5a, sizeof(async));
    memset(&info, 0x5a, sizeof(info));
    memset(&set, 0x5a, sizeof(set));
    memset(&variable, 0x5a, sizeof(variable));
    memset(&option, 0x5a, sizeof(option));
    streams[0] = NULL;
    WSManExtFree(name);
    WSManExtFree(value);
    WSManExtFree(stream);
    WSManExtFree(directory);
    WSManExtFree(option_name);
    WSManExtFree(option_value);
    WSManExtFree(id);
    WSManExtFree(shell_name);
    assert_last_code(recorder, 0);
    assert_last_field(f->service, "Create", "id", "aaaaaaaa-BBBB-4000-8000-000000000001");
    assert_last_field(f->service, "Create", "name", "night");
    assert_last_field(f->service, "Create", "input", "pr");
    assert_last_field(f->service, "Create", "output", "pr");
    assert_last_field(f->service, "Create", "idle", "90000");
    assert_last_field(f->service, "Create", "directory", "/tmp");
    assert_last_field(f->service, "Create", "variable", "VAR:välue");
    assert_last_field(f->service, "Create", "option", "WINRS_CODEPAGE:65001|WINRMD_CLIENT:1");
    close_shell(shell);
    recorder_free(recorder);
}

static void CALLBACK on_identity(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                 WSMAN_OPERATION_HANDLE operation,
                                 const WSMAN_EXT_IDENTITY *identity)
{
    struct recorder *recorder = context;

    pthread_mutex_lock(&recorder->lock);
    recorder->events[0] = (struct recorder_event){
        .flags = flags, .code = error->code, .operation = operation, .has_data = identity != NULL
    };
    if (identity != NULL && identity->productVendor[0] == 'F')
        recorder->events[0].is_done = identity->securityProfiles[0] == 0;
    recorder->count++;
    recorder->last_count++;
    pthread_cond_broadcast(&recorder->changed);
    pthread_mutex_unlock(&recorder->lock);
}

static void test_identify_tells_who_answers(void **state)
{
    struct fixture *f = *state;
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManExtIdentify(f->session, 0, recorder, on_identity, &operation);
    assert_non_null(operation);
    assert_last_code(recorder, 0);
    assert_true(recorder_last(recorder)->is_done);
    assert_ptr_equal(recorder_last(recorder)->operation, operation);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_int_equal(fake_count(f->service, "Identify"), 1);
    recorder_free(recorder);
}

/* The application's signals must reach the application's threads; those that report a
 * thread's own fault, or by which other runtimes stop threads, must not be blocked. */
static bool blocks_as_it_should(const char *task)
{
    static const int blocked[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE, SIGALRM, SIGUSR1 };
    char path[300];
    char line[256];
    unsigned long long mask = 0;
    FILE *file;
    size_t i;

    snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        (void)!sscanf(line, "SigBlk: %llx", &mask);
    if (file != NULL)
        fclose(file);
    for (i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++) {
        if ((mask >> (blocked[i] - 1) & 1) == 0)
            return false;
    }
    return (mask >> (SIGSEGV - 1) & 1) == 0 && (mask >> (SIGRTMIN - 1) & 1) == 0 &&
           (mask >> (SIGRTMAX - 1) & 1) == 0;
}

static size_t count_tasks(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(tasks);
    while ((entry = readdir(tasks)) != NULL)
        count += entry->d_name[0] != '.' && blocks_as_it_should(entry->d_name);
    closedir(tasks);
    return count;
}

static void test_library_threads_leave_signals_to_the_application(void **state)
{
    time_t until = time(NULL) + 10;
    sigset_t mine;
    size_t count;

    (void)state;
    /* A thread that is just starting has all blocked for a moment. */
    while ((count = count_tasks()) != 2 && time(NULL) < until)
        sched_yield();
    assert_int_equal(count, 2); /* the loop and one dispatcher */
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_false(sigismember(&mine, SIGINT)); /* the caller's mask is as it was */
}

/* More blocked shells than threads: the others wait, and none is lost. */
static void test_more_blocked_shells_than_threads_all_get_through(void **state)
{
    enum { SHELLS = 70, THREADS = 64 };
    struct fixture *f = *state;
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shells[SHELLS];
    size_t i;

    for (i = 0; i < SHELLS; i++)
        shells[i] = open_shell(f);
    recorder_gate(recorder);
    for (i = 0; i < SHELLS; i++)
        signal_command(shells[i], NULL, WSMAN_TEXT("x"), recorder);
    recorder_wait(recorder, THREADS);
    fake_wait_answered(f->service, "Signal", SHELLS);
    wait_for_loop(f->session);
    assert_int_equal(recorder_count(recorder), THREADS);
    recorder_open_gate(recorder);
    recorder_wait(recorder, SHELLS);
    recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_run_goes_from_create_to_delete, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_sends_the_same_session_id_with_every_message,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_makes_ids_where_the_caller_gives_none, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_create_copies_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identify_tells_who_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_library_threads_leave_signals_to_the_application,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_blocked_shells_than_threads_all_get_through,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
