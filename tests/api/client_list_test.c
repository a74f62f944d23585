/* Listing shells and commands, and deleting a shell by its id: WSManExtListShells,
 * WSManExtListCommands, WSManExtDeleteShell. */
#include "client_fixture.h"
#include "proto/enumerate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

#define SHELL_ID "22222222-3333-4444-8555-666666666601"

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

/* ---- What a callback gave ---- */

struct stream_copy {
    char name[16];
    UINT64 numbers[5]; /* in the order of the struct */
};

struct list_result {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t count;
    DWORD code;
    DWORD flags;
    void *operation;
    bool has_list;
    DWORD shell_count;
    DWORD command_count;
    char texts[8][256]; /* of the first item */
    DWORD numbers[5];
    UINT64 memory_kib;
    DWORD stream_count;
    struct stream_copy streams[2];
    char last_id[64];
};

static void narrow(char *out, size_t size, PCWSTR text)
{
    char *bytes = WSManExtUtf16ToUtf8(text);

    assert_non_null(bytes);
    snprintf(out, size, "%s", bytes);
    WSManExtFree(bytes);
}

static void keep_shell(struct list_result *result, const WSMAN_EXT_SHELL *shell)
{
    const PCWSTR texts[8] = { shell->shellId,  shell->name,  shell->resourceUri, shell->owner,
                              shell->clientIP, shell->state, shell->bufferMode,  shell->sessionId };
    const DWORD numbers[4] = { shell->idleTimeoutMs, shell->runTimeSeconds,
                               shell->inactivitySeconds, shell->childProcesses };
    size_t i;

    for (i = 0; i < 8; i++)
        narrow(result->texts[i], sizeof(result->texts[i]), texts[i]);
    memcpy(result->numbers, numbers, sizeof(numbers));
    result->memory_kib = shell->memoryKiB;
}

static void keep_command(struct list_result *result, const WSMAN_EXT_COMMAND *command)
{
    const PCWSTR texts[3] = { command->commandId, command->commandLine, command->state };
    size_t i;

    for (i = 0; i < 3; i++)
        narrow(result->texts[i], sizeof(result->texts[i]), texts[i]);
    result->numbers[0] = (DWORD)command->hasExitCode;
    result->numbers[1] = command->exitCode;
    result->stream_count = command->streamCount;
    for (i = 0; i < command->streamCount && i < 2; i++) {
        const WSMAN_EXT_STREAM *stream = &command->streams[i];
        const UINT64 numbers[5] = { stream->confirmed, stream->served, stream->servedAgain,
                                    stream->end, stream->dropped };

        narrow(result->streams[i].name, sizeof(result->streams[i].name), stream->name);
        memcpy(result->streams[i].numbers, numbers, sizeof(numbers));
    }
}

static void CALLBACK on_list(PVOID context, DWORD flags, WSMAN_ERROR *error,
                             WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    struct list_result *result = context;

    pthread_mutex_lock(&result->lock);
    result->count++;
    result->code = error->code;
    result->flags = flags;
    result->operation = operation;
    result->has_list = list != NULL;
    if (list != NULL) {
        result->shell_count = list->shellCount;
        result->command_count = list->commandCount;
        if (list->shellCount > 0) {
            keep_shell(result, &list->shells[0]);
            narrow(result->last_id, sizeof(result->last_id),
                   list->shells[list->shellCount - 1].shellId);
        }
        if (list->commandCount > 0)
            keep_command(result, &list->commands[0]);
    }
    pthread_cond_broadcast(&result->changed);
    pthread_mutex_unlock(&result->lock);
}

static struct list_result *result_new(void)
{
    struct list_result *result = calloc(1, sizeof(*result));

    assert_non_null(result);
    pthread_mutex_init(&result->lock, NULL);
    pthread_cond_init(&result->changed, NULL);
    return result;
}

static void result_free(struct list_result *result)
{
    pthread_cond_destroy(&result->changed);
    pthread_mutex_destroy(&result->lock);
    free(result);
}

static void wait_for(struct list_result *result, DWORD code)
{
    struct timespec until;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    pthread_mutex_lock(&result->lock);
    while (result->count == 0 && status == 0)
        status = pthread_cond_timedwait(&result->changed, &result->lock, &until);
    pthread_mutex_unlock(&result->lock);
    assert_int_equal(result->count, 1);
    assert_int_equal(result->code, code);
    assert_int_equal(result->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    if (code != 0)
        assert_false(result->has_list);
}

/* Lists and waits; the operation is released. */
static struct list_result *list_shells(DWORD code)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManExtListShells(f->session, 0, result, on_list, &operation);
    assert_non_null(operation);
    wait_for(result, code);
    assert_ptr_equal(result->operation, operation);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    return result;
}

static struct list_result *list_commands(DWORD code)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManExtListCommands(f->session, 0, WSMAN_TEXT(SHELL_ID), result, on_list, &operation);
    assert_non_null(operation);
    wait_for(result, code);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    return result;
}

/* ---- Items ---- */

static char *written(struct wsm_buf *buf)
{
    wsm_buf_append_byte(buf, '\0');
    return (char *)buf->ptr;
}

static char *shell_xml(const char *id)
{
    struct wsm_buf buf = WSM_BUF_INIT;
    struct wsm_shell_item item;

    wsm_shell_item_init(&item);
    item.shell_id = wsm_span_str(id);
    item.name = wsm_span_str("job \xc3\xa4");
    item.resource_uri = wsm_span_str(WSM_URI_CMD);
    item.owner = wsm_span_str("tester");
    item.client_ip = wsm_span_str("127.0.0.1");
    item.state = wsm_span_str("Disconnected");
    item.buffer_mode = wsm_span_str("Drop");
    item.session_id = wsm_span_str("uuid:x");
    item.idle_timeout_ms = 60000;
    item.run_time_s = 61;
    item.inactivity_s = 7;
    item.child_processes = 2;
    item.memory_kib = 3 * 1024;
    item.is_marked = true; /* else there is no session id */
    wsm_shell_item_write(&buf, &item);
    return written(&buf);
}

static char *bare_shell_xml(const char *id)
{
    struct wsm_buf buf = WSM_BUF_INIT;

    wsm_buf_printf(&buf, "<Shell xmlns=\"" WSM_NS_SHELL "\"><ShellId>%s</ShellId></Shell>", id);
    return written(&buf);
}

static char *command_xml(bool is_marked)
{
    struct wsm_buf buf = WSM_BUF_INIT;
    struct wsm_command_item item = {
        .command_id = wsm_span_str("33333333-3333-4444-8555-666666666601"),
        .line = wsm_span_str("make all"),
        .state = wsm_span_str("Done"),
        .has_exit_code = is_marked,
        .exit_code = is_marked ? 130 : 0,
        .stream_count = is_marked ? 2 : 0,
        .streams = { { .name = wsm_span_str("stdout"),
                       .confirmed = 1,
                       .served = 5000000000,
                       .served_again = 3,
                       .end = 5000000001,
                       .dropped = 4 },
                     { .name = wsm_span_str("stderr"), .end = 9 } },
    };

    wsm_command_item_write(&buf, &item);
    return written(&buf);
}

/* ---- Listing ---- */

static void test_list_shells_tells_all_that_the_server_says(void **state)
{
    static const char *const texts[8] = { SHELL_ID,    "job \xc3\xa4", WSM_URI_CMD, "tester",
                                          "127.0.0.1", "Disconnected", "Drop",      "uuid:x" };
    char *item = shell_xml(SHELL_ID);
    struct list_result *result;
    size_t i;

    (void)state;
    fake_items(f->service, (const char *const *)&item, 1, 10);
    result = list_shells(0);
    assert_int_equal(result->shell_count, 1);
    assert_int_equal(result->command_count, 0);
    for (i = 0; i < 8; i++)
        assert_string_equal(result->texts[i], texts[i]);
    assert_int_equal(result->numbers[0], 60000);
    assert_int_equal(result->numbers[1], 61);
    assert_int_equal(result->numbers[2], 7);
    assert_int_equal(result->numbers[3], 2);
    assert_int_equal(result->memory_kib, 3 * 1024);
    assert_sent(f, "Enumerate", "resource", WSM_URI_SHELL);
    assert_sent(f, "Enumerate", "option", "WINRMD_CLIENT:1");
    assert_sent(f, "Enumerate", "optimized", "1");
    assert_sent(f, "Enumerate", "filter", "");
    result_free(result);
    free(item);
}

static void test_list_shells_gives_empty_texts_for_what_is_left_out(void **state)
{
    char *item = bare_shell_xml(SHELL_ID);
    struct list_result *result;
    size_t i;

    (void)state;
    fake_items(f->service, (const char *const *)&item, 1, 10);
    result = list_shells(0);
    assert_string_equal(result->texts[0], SHELL_ID);
    for (i = 1; i < 8; i++)
        assert_string_equal(result->texts[i], "");
    for (i = 0; i < 4; i++)
        assert_int_equal(result->numbers[i], 0);
    assert_int_equal(result->memory_kib, 0);
    result_free(result);
    free(item);
}

static void test_list_shells_may_find_none(void **state)
{
    struct list_result *result;

    (void)state;
    fake_items(f->service, NULL, 0, 10);
    result = list_shells(0);
    assert_true(result->has_list);
    assert_int_equal(result->shell_count, 0);
    result_free(result);
}

static void test_list_follows_the_context_to_the_end(void **state)
{
    enum { COUNT = 25, PER_ANSWER = 4 };
    char *items[COUNT];
    char id[64] = "";
    struct list_result *result;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "22222222-3333-4444-8555-6666666666%02zu", i);
        items[i] = shell_xml(id);
    }
    fake_items(f->service, (const char *const *)items, COUNT, PER_ANSWER);
    result = list_shells(0);
    assert_int_equal(result->shell_count, COUNT);
    assert_string_equal(result->last_id, id);
    assert_int_equal(fake_count(f->service, "Enumerate"), 1);
    assert_int_equal(fake_count(f->service, "Pull"), 6);
    result_free(result);
    for (i = 0; i < COUNT; i++)
        free(items[i]);
}

static void test_list_commands_tells_all_that_the_server_says(void **state)
{
    static const UINT64 numbers[5] = { 1, 5000000000, 3, 5000000001, 4 };
    char *item = command_xml(true);
    struct list_result *result;

    (void)state;
    fake_items(f->service, (const char *const *)&item, 1, 10);
    result = list_commands(0);
    assert_int_equal(result->command_count, 1);
    assert_int_equal(result->shell_count, 0);
    assert_string_equal(result->texts[0], "33333333-3333-4444-8555-666666666601");
    assert_string_equal(result->texts[1], "make all");
    assert_string_equal(result->texts[2], "Done");
    assert_int_equal(result->numbers[0], TRUE);
    assert_int_equal(result->numbers[1], 130);
    assert_int_equal(result->stream_count, 2);
    assert_string_equal(result->streams[0].name, "stdout");
    assert_memory_equal(result->streams[0].numbers, numbers, sizeof(numbers));
    assert_string_equal(result->streams[1].name, "stderr");
    assert_int_equal(result->streams[1].numbers[3], 9);
    assert_sent(f, "Enumerate", "resource", WSM_URI_SHELL_COMMAND);
    assert_sent(f, "Enumerate", "filter", SHELL_ID);
    result_free(result);
    free(item);
}

static void test_list_commands_of_a_server_without_our_additions(void **state)
{
    char *item = command_xml(false);
    struct list_result *result;

    (void)state;
    fake_items(f->service, (const char *const *)&item, 1, 10);
    result = list_commands(0);
    assert_string_equal(result->texts[1], "make all");
    assert_int_equal(result->numbers[0], FALSE);
    assert_int_equal(result->stream_count, 0);
    result_free(result);
    free(item);
}

static _Atomic uint32_t refusal;

static bool refuse(struct fake_service *service, const struct fake_request *request,
                   struct fake_reply *reply)
{
    (void)service;
    fake_reply_fault(reply, request, refusal, "scripted");
    return true;
}

static void test_list_refused_by_the_server(void **state)
{
    (void)state;
    fake_service_handler(f->service, refuse);
    refusal = ERROR_WSMAN_UNEXPECTED_SELECTORS;
    result_free(list_commands(ERROR_WSMAN_UNEXPECTED_SELECTORS));
    refusal = ERROR_ACCESS_DENIED;
    result_free(list_shells(ERROR_ACCESS_DENIED));
}

static bool refuse_pull(struct fake_service *service, const struct fake_request *request,
                        struct fake_reply *reply)
{
    (void)service;
    if (strcmp(request->name, "Pull") != 0)
        return false;
    fake_reply_fault(reply, request, ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT, "scripted");
    return true;
}

static void test_list_cut_off_in_the_middle_gives_no_half_list(void **state)
{
    char *items[2] = { shell_xml(SHELL_ID), shell_xml(SHELL_ID) };

    (void)state;
    fake_service_handler(f->service, refuse_pull);
    fake_items(f->service, (const char *const *)items, 2, 1);
    result_free(list_shells(ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT));
    free(items[0]);
    free(items[1]);
}

/* ---- Broken connections ---- */

static struct {
    const char *name;
    atomic_int times;
    bool is_done; /* before the connection ends */
} cut;

/* The connection ends instead of an answer; without a word of who the server is. */
static bool cut_off(struct fake_service *service, const struct fake_request *request,
                    struct fake_reply *reply)
{
    (void)service;
    if (cut.name == NULL || strcmp(request->name, cut.name) != 0 ||
        atomic_fetch_sub(&cut.times, 1) <= 0) {
        if (!cut.is_done || strcmp(request->name, "Delete") != 0)
            return false;
        fake_reply_fault(reply, request, ERROR_WSMAN_UNEXPECTED_SELECTORS, "gone");
        return true;
    }
    reply->is_dropped = true;
    return true;
}

static void cut_next(const char *name, int times, bool is_done)
{
    cut.name = name;
    cut.is_done = is_done;
    atomic_store(&cut.times, times);
    fake_service_handler(f->service, cut_off);
}

/* It only reads, so any server is asked again: from the beginning, where it broke off. */
static void test_list_is_asked_for_again(void **state)
{
    static const char *const names[] = { "Enumerate", "Pull" };
    char *items[3] = { shell_xml(SHELL_ID), shell_xml(SHELL_ID), shell_xml(SHELL_ID) };
    size_t i;

    (void)state;
    fake_items(f->service, (const char *const *)items, 3, 1);
    for (i = 0; i < 2; i++) {
        struct list_result *result;

        cut_next(names[i], 2, false);
        result = list_shells(0);
        assert_int_equal(result->shell_count, 3);
        result_free(result);
    }
    assert_int_equal(fake_count(f->service, "Enumerate"), 3 + 3);
    assert_int_equal(fake_count(f->service, "Pull"), 2 + 4);
    for (i = 0; i < 3; i++)
        free(items[i]);
}

/* What comes first is answered each time: it would go on like that for ever. */
static void test_list_that_always_breaks_off_ends(void **state)
{
    enum { TRIES = 4 };
    char *items[2] = { shell_xml(SHELL_ID), shell_xml(SHELL_ID) };

    (void)state;
    fake_items(f->service, (const char *const *)items, 2, 1);
    cut_next("Pull", 100, false);
    result_free(list_shells(ERROR_WSMAN_NETWORK_TIMEDOUT));
    assert_int_equal(fake_count(f->service, "Enumerate"), TRIES);
    assert_int_equal(fake_count(f->service, "Pull"), TRIES);
    free(items[0]);
    free(items[1]);
}

static void limit_to(WSManSessionOption option, DWORD ms)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_DWORD, .number = ms };

    assert_int_equal(WSManSetSessionOption(f->session, option, &data), 0);
}

static void test_list_is_asked_for_within_its_time_out(void **state)
{
    (void)state;
    limit_to(WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS, 500);
    cut_next("Enumerate", 1000, false);
    result_free(list_shells(ERROR_WSMAN_NETWORK_TIMEDOUT));
    assert_true(fake_count(f->service, "Enumerate") > 1);
}

static void test_list_of_a_server_that_cannot_be_reached_ends_at_once(void **state)
{
    (void)state;
    fake_refuse(f->service);
    result_free(list_shells(ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS));
    fake_accept(f->service);
}

/* Between two tries, when nothing of it is on the wire. */
static void test_list_that_is_asked_for_again_can_be_cancelled(void **state)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE operation = NULL;
    size_t tries;

    (void)state;
    cut_next("Enumerate", 1000, false);
    WSManExtListShells(f->session, 0, result, on_list, &operation);
    fake_wait(f->service, "Enumerate", 3);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    wait_for(result, ERROR_OPERATION_ABORTED);
    tries = fake_count(f->service, "Enumerate");
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Enumerate"), tries);
    assert_int_equal(fake_count(f->service, "Identify"), 0);
    result_free(result);
}

static void test_close_session_ends_a_list_that_is_asked_for_again(void **state)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE operation = NULL;

    (void)state;
    cut_next("Enumerate", 1000, false);
    WSManExtListShells(f->session, 0, result, on_list, &operation);
    fake_wait(f->service, "Enumerate", 3);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    wait_for(result, ERROR_OPERATION_ABORTED);
    result_free(result);
}

static void delete_shell(DWORD code)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManExtDeleteShell(f->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID), result, on_list,
                        &operation);
    wait_for(result, code);
    result_free(result);
}

/* That it is not there any more is what was wanted, where the first may have done it. */
static void test_delete_shell_is_asked_for_again(void **state)
{
    (void)state;
    cut_next("Delete", 1, false);
    delete_shell(0);
    assert_int_equal(fake_count(f->service, "Delete"), 2);
    cut_next("Delete", 1, true);
    delete_shell(0);
    assert_int_equal(fake_count(f->service, "Delete"), 4);
    delete_shell(ERROR_WSMAN_UNEXPECTED_SELECTORS);
    assert_int_equal(fake_count(f->service, "Delete"), 5);
}

static void test_delete_shell_is_asked_for_within_its_time_out(void **state)
{
    (void)state;
    limit_to(WSMAN_OPTION_TIMEOUTMS_CLOSE_SHELL, 500);
    cut_next("Delete", 1000, false);
    delete_shell(ERROR_WSMAN_NETWORK_TIMEDOUT);
    assert_true(fake_count(f->service, "Delete") > 1);
}

/* A server that never comes to an end. */
static bool endless(struct fake_service *service, const struct fake_request *request,
                    struct fake_reply *reply)
{
    struct wsm_response_headers headers = { .relates_to = request->env->message_id };
    struct wsm_items_response response = { .is_pull = strcmp(request->name, "Pull") == 0,
                                           .context = wsm_span_str("more") };
    struct wsm_buf items = WSM_BUF_INIT;
    size_t i;

    (void)service;
    headers.action = response.is_pull ? WSM_ACTION_PULL "Response"
                                      : WSM_ACTION_ENUMERATE "Response";
    for (i = 0; i < 4000; i++)
        wsm_buf_append_str(&items, "<Shell xmlns=\"" WSM_NS_SHELL "\"/>");
    response.items = wsm_buf_span(&items);
    wsm_items_response_write(&reply->body, &headers, &response);
    wsm_buf_clear(&items);
    return true;
}

static void test_list_without_an_end_is_refused(void **state)
{
    (void)state;
    fake_service_handler(f->service, endless);
    result_free(list_shells(ERROR_WSMAN_QUOTA_LIMIT));
    assert_true(fake_count(f->service, "Pull") <= 17);
}

static bool answer_create(struct fake_service *service, const struct fake_request *request,
                          struct fake_reply *reply)
{
    struct wsm_response_headers headers = { .action = WSM_ACTION_CREATE "Response",
                                            .relates_to = request->env->message_id };

    (void)service;
    wsm_response_begin(&reply->body, &headers);
    wsm_response_end(&reply->body);
    return true;
}

static void test_list_answer_that_is_none(void **state)
{
    (void)state;
    fake_service_handler(f->service, answer_create);
    result_free(list_shells(ERROR_WSMAN_SCHEMA_VALIDATION_ERROR));
}

static void test_list_can_be_cancelled(void **state)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE operation = NULL;

    (void)state;
    fake_hold(f->service, "Enumerate");
    WSManExtListShells(f->session, 0, result, on_list, &operation);
    fake_wait(f->service, "Enumerate", 1);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    wait_for(result, ERROR_OPERATION_ABORTED);
    fake_release(f->service, "Enumerate");
    result_free(result);
}

static void test_close_session_cancels_a_list(void **state)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE operation = NULL;
    char *items[2] = { shell_xml(SHELL_ID), shell_xml(SHELL_ID) };

    (void)state;
    fake_items(f->service, (const char *const *)items, 2, 1);
    fake_hold(f->service, "Pull");
    WSManExtListShells(f->session, 0, result, on_list, &operation);
    fake_wait(f->service, "Pull", 1);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_int_equal(result->count, 1);
    wait_for(result, ERROR_OPERATION_ABORTED);
    fake_release(f->service, "Pull");
    result_free(result);
    free(items[0]);
    free(items[1]);
}

/* ---- Delete ---- */

static void test_delete_shell_names_it_and_nothing_else(void **state)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE operation = NULL;

    (void)state;
    WSManExtDeleteShell(f->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID), result, on_list,
                        &operation);
    wait_for(result, 0);
    assert_false(result->has_list);
    assert_sent(f, "Delete", "shell", SHELL_ID);
    assert_sent(f, "Delete", "resource", WSM_URI_CMD);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_int_equal(fake_count(f->service, "Create"), 0);
    result_free(result);
}

static void test_delete_shell_that_is_not_there(void **state)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE operation = NULL;

    (void)state;
    fake_service_handler(f->service, refuse);
    refusal = ERROR_WSMAN_UNEXPECTED_SELECTORS;
    WSManExtDeleteShell(f->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID), result, on_list,
                        &operation);
    wait_for(result, ERROR_WSMAN_UNEXPECTED_SELECTORS);
    result_free(result);
}

/* ---- Arguments ---- */

static void assert_refused(struct list_result *result, const void *operation, DWORD code)
{
    wait_for(result, code);
    assert_null(operation);
    assert_null(result->operation);
    result_free(result);
}

static void test_list_shells_checks_its_arguments(void **state)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE out = (WSMAN_OPERATION_HANDLE)(uintptr_t)1;

    (void)state;
    WSManExtListShells(NULL, 0, result, on_list, &out);
    assert_refused(result, out, ERROR_WSMAN_CLIENT_NO_HANDLE);
    result = result_new();
    WSManExtListShells(f->session, 1, result, on_list, &out);
    assert_refused(result, out, ERROR_WSMAN_CLIENT_INVALID_FLAG);
    result = result_new();
    WSManExtListShells(f->session, 0, result, on_list, NULL);
    assert_refused(result, NULL, ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM);
    result = result_new();
    WSManExtListShells((WSMAN_SESSION_HANDLE)f->api, 0, result, on_list, &out);
    assert_refused(result, out, ERROR_WSMAN_SESSION_ALREADY_CLOSED);
    out = (WSMAN_OPERATION_HANDLE)(uintptr_t)1;
    WSManExtListShells(f->session, 0, NULL, NULL, &out);
    assert_null(out);
    assert_int_equal(fake_count(f->service, "Enumerate"), 0);
}

static void test_list_commands_checks_its_arguments(void **state)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE out = NULL;

    (void)state;
    WSManExtListCommands(NULL, 0, WSMAN_TEXT(SHELL_ID), result, on_list, &out);
    assert_refused(result, out, ERROR_WSMAN_CLIENT_NO_HANDLE);
    result = result_new();
    WSManExtListCommands(f->session, 1, WSMAN_TEXT(SHELL_ID), result, on_list, &out);
    assert_refused(result, out, ERROR_WSMAN_CLIENT_INVALID_FLAG);
    result = result_new();
    WSManExtListCommands(f->session, 0, WSMAN_TEXT(SHELL_ID), result, on_list, NULL);
    assert_refused(result, NULL, ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM);
    result = result_new();
    WSManExtListCommands(f->session, 0, NULL, result, on_list, &out);
    assert_refused(result, out, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID);
    result = result_new();
    WSManExtListCommands(f->session, 0, WSMAN_TEXT("<x/>"), result, on_list, &out);
    assert_refused(result, out, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID);
}

static void test_delete_shell_checks_its_arguments(void **state)
{
    struct list_result *result = result_new();
    WSMAN_OPERATION_HANDLE out = NULL;

    (void)state;
    WSManExtDeleteShell(NULL, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID), result, on_list, &out);
    assert_refused(result, out, ERROR_WSMAN_CLIENT_NO_HANDLE);
    result = result_new();
    WSManExtDeleteShell(f->session, 2, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID), result, on_list,
                        &out);
    assert_refused(result, out, ERROR_WSMAN_CLIENT_INVALID_FLAG);
    result = result_new();
    WSManExtDeleteShell(f->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(SHELL_ID), result, on_list,
                        NULL);
    assert_refused(result, NULL, ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM);
    result = result_new();
    WSManExtDeleteShell(f->session, 0, NULL, WSMAN_TEXT(SHELL_ID), result, on_list, &out);
    assert_refused(result, out, ERROR_WSMAN_CLIENT_BLANK_URI);
    result = result_new();
    WSManExtDeleteShell(f->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT("1"), result, on_list, &out);
    assert_refused(result, out, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID);
    result = result_new();
    WSManExtDeleteShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, result, on_list, &out);
    assert_refused(result, out, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list_shells_tells_all_that_the_server_says, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_list_shells_gives_empty_texts_for_what_is_left_out,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_shells_may_find_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_follows_the_context_to_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_commands_tells_all_that_the_server_says, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_list_commands_of_a_server_without_our_additions, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_list_refused_by_the_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_cut_off_in_the_middle_gives_no_half_list, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_list_is_asked_for_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_that_always_breaks_off_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_is_asked_for_within_its_time_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_list_of_a_server_that_cannot_be_reached_ends_at_once,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_that_is_asked_for_again_can_be_cancelled, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_close_session_ends_a_list_that_is_asked_for_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_shell_is_asked_for_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_shell_is_asked_for_within_its_time_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_list_without_an_end_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_answer_that_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_can_be_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_session_cancels_a_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_shell_names_it_and_nothing_else, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_delete_shell_that_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_shells_checks_its_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_commands_checks_its_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_shell_checks_its_arguments, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
