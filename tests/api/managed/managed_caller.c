/* The most merciless caller there is, PowerShell's managed layer, played: its call sequences
 * against a real service (with_service.py starts it; the text shell stands for that of PowerShell)
 * and, where an answer of PowerShell's plug-in is needed or the network has to fail, against the
 * scripted one.
 *
 * Usage: managed_caller          each sequence once
 *        managed_caller random   in any order, many at once, in all weathers: as long as
 *                                WSM_CALLER_SECONDS says (6 unless told), by the numbers of
 * WSM_SEED */
#include "fake_service.h"
#include "layer.h"
#include "marked_service.h"
#include "proto/create.h"
#include "proto/disconnect.h"
#include "rounds.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { LINES = 60000, INPUT = 1200000, PARALLEL = 6 };

static char flood[512]; /* the command, which writes the second half after let_flood_go() */
static char flood_gate[256];
static const char ctrl_c[] =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/ctrl_c";

/* ---- What the commands write ---- */

/* A new command, and what it writes. */
static char *make_flood(size_t *out_len)
{
    static unsigned count;
    char *text = malloc((size_t)LINES * 8);
    size_t len = 0;

    assert_non_null(text);
    for (int i = 1; i <= LINES; i++)
        len += (size_t)snprintf(text + len, 8, "%d\n", i);
    *out_len = len;
    snprintf(flood_gate, sizeof(flood_gate), "%s/flood-%u-%d", getenv("TEST_FOLDER"), count++,
             (int)getpid());
    snprintf(flood, sizeof(flood), "seq 1 %d; while [ ! -e %s ]; do sleep 0.05; done; seq %d %d",
             LINES / 2, flood_gate, LINES / 2 + 1, LINES);
    return text;
}

static void let_flood_go(void)
{
    FILE *file = fopen(flood_gate, "we");

    assert_non_null(file);
    fclose(file);
}

static char *make_input(void)
{
    char *text = malloc(INPUT);

    assert_non_null(text);
    for (size_t i = 0; i < INPUT; i++)
        text[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    return text;
}

static struct managed_session *new_live(void)
{
    char connection[128];

    snprintf(connection, sizeof(connection), "%s/wsman?PSVersion=7.6.5", getenv("TEST_ADDRESS"));
    return managed_new(connection, getenv("TEST_USER"), "secret");
}

static struct managed_session *open_live(void)
{
    struct managed_session *session = new_live();

    managed_create(session); /* a text shell has no output of its own */
    managed_wait(session, MANAGED_OPEN);
    assert_true(session->supports_disconnect);
    return session;
}

static void close_live(struct managed_session *session, bool deinitializes_first)
{
    managed_close_shell(session);
    managed_dispose(session, deinitializes_first);
}

/* ---- Against the service ---- */

static void invoke_and_stop(bool deinitializes_first)
{
    struct managed_session *session = open_live();
    char *input = make_input();
    struct managed_command *command = managed_run(session, "exec cat", input, INPUT, false);

    managed_wait_output(command, INPUT);
    assert_memory_equal(command->output, input, INPUT);
    managed_stop(command, ctrl_c);
    managed_wait_command(command, &command->is_done);
    managed_close_command(command);
    assert_int_equal(command->output_len, INPUT);
    assert_int_equal(command->receive, 0);
    managed_free_command(command);
    close_live(session, deinitializes_first);
    free(input);
}

static void test_open_invoke_stop_and_close(void **state)
{
    (void)state;
    invoke_and_stop(false);
    invoke_and_stop(true);
}

/* Nobody waits for the end of a command that is closed. */
static void test_close_while_output_is_pending(void **state)
{
    struct managed_session *session = open_live();
    struct managed_command *command = managed_run(session, "cat", NULL, 0, false);

    (void)state;
    managed_wait_command(command, &command->has_received);
    managed_close_command(command);
    assert_int_equal(command->code, 995);
    assert_int_equal(command->receive, 0);
    managed_free_command(command);
    close_live(session, true);
}

static void test_receive_sleeps_through_a_disconnect(void **state)
{
    size_t len;
    char *expected = make_flood(&len);
    struct managed_session *session = open_live();
    struct managed_command *command = managed_run(session, flood, NULL, 0, false);

    (void)state;
    managed_wait_output(command, 1);
    for (size_t i = 0; i < 3; i++) {
        managed_disconnect(session);
        if (i == 1)
            let_flood_go();
        managed_reconnect(session);
        managed_reconnect_command(command);
    }
    managed_wait_command(command, &command->is_done);
    managed_close_command(command);
    assert_int_equal(command->output_len, len); /* none doubled */
    assert_memory_equal(command->output, expected, len);
    managed_free_command(command);
    close_live(session, false);
    free(expected);
}

static void test_connect_from_another_session(void **state)
{
    size_t len;
    size_t start;
    char *expected = make_flood(&len);
    struct managed_session *session = open_live();
    struct managed_command *command = managed_run(session, flood, NULL, 0, false);
    struct managed_session *other = new_live();
    struct managed_command *taken;

    (void)state;
    managed_wait_output(command, 1);
    managed_disconnect(session);
    let_flood_go();
    managed_connect(other, session->shell_id);
    managed_wait(other, MANAGED_OPEN);
    taken = managed_attach(other, command->id);
    managed_wait_command(taken, &taken->is_done);
    /* It begins with what the first client has not confirmed, so it may overlap, but never miss. */
    start = len - taken->output_len;
    assert_in_range(start, 0, command->output_len);
    assert_memory_equal(command->output, expected, command->output_len);
    assert_memory_equal(taken->output, expected + start, taken->output_len);
    managed_close_command(taken);
    managed_free_command(taken);
    close_live(other, true);
    managed_close_command(command);
    managed_free_command(command);
    managed_close_shell(session); /* local: it is the other's */
    managed_dispose(session, true);
    free(expected);
}

/* Invoke-Command -InDisconnectedSession: everything is closed at once, and lives on. */
static void test_output_is_delayed_until_somebody_connects(void **state)
{
    size_t len;
    char *expected = make_flood(&len);
    struct managed_session *session = open_live();
    struct managed_command *command = managed_run(session, flood, NULL, 0, true);
    struct managed_session *other = new_live();
    struct managed_command *taken;

    (void)state;
    managed_wait_command(command, &command->is_accepted);
    managed_disconnect(session);
    let_flood_go();
    managed_close_command(command);
    managed_close_shell(session);
    assert_int_equal(command->output_len, 0);
    managed_connect(other, session->shell_id);
    managed_wait(other, MANAGED_OPEN);
    taken = managed_attach(other, command->id);
    managed_wait_command(taken, &taken->is_done);
    assert_int_equal(taken->output_len, len);
    assert_memory_equal(taken->output, expected, len);
    managed_free_command(command);
    managed_dispose(session, false);
    managed_close_command(taken);
    managed_free_command(taken);
    close_live(other, false);
    free(expected);
}

static void test_delayed_output_in_the_same_session(void **state)
{
    size_t len;
    char *expected = make_flood(&len);
    struct managed_session *session = open_live();
    struct managed_command *command = managed_run(session, flood, NULL, 0, true);

    (void)state;
    managed_wait_command(command, &command->is_accepted);
    managed_disconnect(session);
    let_flood_go();
    managed_reconnect(session);
    assert_int_equal(command->output_len, 0);
    managed_reconnect_command(command);
    managed_wait_command(command, &command->is_done);
    assert_memory_equal(command->output, expected, len);
    managed_close_command(command);
    managed_free_command(command);
    close_live(session, false);
    free(expected);
}

static void *live_main(void *arg)
{
    invoke_and_stop(*(const bool *)arg);
    return NULL;
}

static void test_several_sessions_with_an_api_handle_each(void **state)
{
    static const bool orders[] = { false, true };
    pthread_t threads[PARALLEL];

    (void)state;
    for (size_t i = 0; i < PARALLEL; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live_main, (void *)&orders[i % 2]), 0);
    for (size_t i = 0; i < PARALLEL; i++)
        pthread_join(threads[i], NULL);
}

/* The exit of a process that has closed nothing: this program again, with an argument. */
static void test_process_may_exit_with_live_handles(void **state)
{
    char *arguments[] = { (char[]){ "managed_caller" }, (char[]){ "exit" }, NULL };
    int status;
    pid_t pid;

    (void)state;
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* of the child: it is meant to leave them */
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int exit_with_live_handles(void)
{
    size_t len;
    char *expected = make_flood(&len);
    struct managed_session *session = open_live();
    struct managed_command *command = managed_run(session, flood, NULL, 0, false);

    free(expected);
    (void)new_live();
    managed_wait_output(command, 1);
    let_flood_go();
    return 0; /* output goes on coming */
}

/* ---- Against a script ---- */

static struct fake_service *service;
static char creation_xml[256]; /* of the last Create or Connect */
static unsigned creates;

static int setup(void **state)
{
    (void)state;
    service = fake_service_start();
    fake_can_disconnect(service);
    creates = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_service_stop(service);
    return 0;
}

static struct managed_session *new_scripted(void)
{
    struct managed_session *session;
    char connection[64];

    snprintf(connection, sizeof(connection), "http://127.0.0.1:%u/wsman?PSVersion=7.6.5",
             (unsigned)fake_service_port(service));
    session = managed_new(connection, "tester", "secret");
    session->resource_uri = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell";
    session->input_streams[1] = "pr";
    session->input_stream_count = 2;
    session->receives = true;
    return session;
}

static void keep_xml(const struct wsm_xml_node *parent, const char *name)
{
    const struct wsm_xml_node *node = parent == NULL
                                          ? NULL
                                          : wsm_xml_child(parent,
                                                          "http://schemas.microsoft.com/powershell",
                                                          name);

    creation_xml[0] = '\0';
    if (node != NULL)
        snprintf(creation_xml, sizeof(creation_xml), "%.*s", (int)node->text.len,
                 (const char *)node->text.ptr);
}

/* Puts XML before the end of an answer. */
static void splice(struct wsm_buf *body, const char *mark, const char *xml)
{
    char *text = strndup((const char *)body->ptr, body->len);
    char *at = text == NULL ? NULL : strstr(text, mark);

    if (at == NULL)
        abort();
    wsm_buf_clear(body);
    wsm_buf_append(body, text, (size_t)(at - text));
    wsm_buf_append_str(body, xml);
    wsm_buf_append_str(body, at);
    free(text);
}

/* Answers Connect as PowerShell's plug-in does; Create as usual. */
static bool answer_like_plugin(struct fake_service *fake, const struct fake_request *request,
                               struct fake_reply *reply)
{
    struct wsm_response_headers headers = { .action = WSM_ACTION_CONNECT "Response",
                                            .relates_to = request->env->message_id };
    struct wsm_connect_response connected = { .input_streams = wsm_span_str("stdin pr"),
                                              .output_streams = wsm_span_str("stdout") };

    (void)fake;
    if (strcmp(request->name, "Create") == 0)
        keep_xml(wsm_xml_child(request->env->body, WSM_NS_SHELL, "Shell"), "creationXml");
    if (strcmp(request->name, "Connect") != 0)
        return false;
    keep_xml(wsm_xml_child(request->env->body, WSM_NS_SHELL, "Connect"), "connectXml");
    (void)!wsm_guid_parse(wsm_span_str(FAKE_SHELL_ID), &headers.message_id);
    wsm_connect_response_write(&reply->body, &headers, &connected);
    splice(&reply->body, "</rsp:ConnectResponse>",
           "<connectResponseXml xmlns=\"http://schemas.microsoft.com/powershell\">QUJD"
           "</connectResponseXml>");
    return true;
}

static void dispose_scripted(struct managed_session *session)
{
    managed_close_shell(session);
    assert_int_equal(session->receive, 0); /* its last callback came with flags 1, and before */
    managed_dispose(session, true);
}

static void test_creation_xml_is_sent_and_the_rest_goes_out_in_the_callback(void **state)
{
    struct managed_session *session = new_scripted();

    (void)state;
    fake_service_handler(service, answer_like_plugin);
    session->first_input = "the rest of the first fragments";
    managed_create(session);
    managed_wait(session, MANAGED_OPEN);
    fake_wait(service, "Receive", 1);
    fake_wait(service, "Send", 1);
    assert_string_equal(creation_xml, "AAAAAAAAAAEAAA==");
    dispose_scripted(session);
}

static void test_connect_gives_the_xml_of_the_plugin(void **state)
{
    struct managed_session *session = new_scripted();

    (void)state;
    fake_service_handler(service, answer_like_plugin);
    managed_connect(session, "0A1B2C3D-0000-4000-8000-00000000ABCD");
    managed_wait(session, MANAGED_OPEN);
    assert_string_equal(creation_xml, "AAAAAAAAAAIAAA==");
    assert_string_equal(session->connected, "QUJD");
    dispose_scripted(session);
}

/* Durations as other servers write them, an element that is far too long, unknown ones. */
static bool answer_at_length(struct fake_service *fake, const struct fake_request *request,
                             struct fake_reply *reply)
{
    struct wsm_response_headers headers = { .action = WSM_ACTION_CREATE "Response",
                                            .relates_to = request->env->message_id };
    struct wsm_create_response created = { .address = request->env->to };
    struct wsm_buf xml = WSM_BUF_INIT;

    (void)fake;
    if (strcmp(request->name, "Create") != 0)
        return false;
    (void)!wsm_guid_parse(wsm_span_str(FAKE_SHELL_ID), &headers.message_id);
    wsm_shell_item_init(&created.shell);
    created.shell.shell_id = wsm_span_str(FAKE_SHELL_ID);
    wsm_create_response_write(&reply->body, &headers, &created);
    wsm_buf_append_str(&xml, "<rsp:IdleTimeOut>P0DT2H</rsp:IdleTimeOut>"
                             "<rsp:MaxIdleTimeOut>PT99999999999.000S</rsp:MaxIdleTimeOut>"
                             "<x:Long xmlns:x=\"urn:x\">");
    for (size_t i = 0; i < 40000; i++)
        wsm_buf_append_byte(&xml, 'x');
    wsm_buf_append_str(&xml, "</x:Long>");
    wsm_buf_append_byte(&xml, '\0');
    splice(&reply->body, "</rsp:Shell>", (const char *)xml.ptr);
    wsm_buf_clear(&xml);
    return true;
}

static void test_create_data_can_be_taken_apart(void **state)
{
    struct managed_session *session = new_scripted();

    (void)state;
    fake_service_handler(service, answer_at_length);
    managed_create(session);
    managed_wait(session, MANAGED_OPEN);
    dispose_scripted(session);
}

/* Fails twice; the handle of a failed shell is overwritten and never closed. */
static bool fail_creates(struct fake_service *fake, const struct fake_request *request,
                         struct fake_reply *reply)
{
    (void)fake;
    if (strcmp(request->name, "Create") != 0 || ++creates > 2)
        return false;
    fake_reply_fault(reply, request, ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH, "not now");
    return true;
}

static void test_create_is_tried_again_on_the_same_session(void **state)
{
    struct managed_session *session = new_scripted();

    (void)state;
    fake_service_handler(service, fail_creates);
    for (size_t i = 0; i < 2; i++) {
        managed_create(session);
        managed_wait(session, MANAGED_BROKEN);
    }
    managed_create(session);
    managed_wait(session, MANAGED_OPEN);
    dispose_scripted(session);
}

static bool redirect(struct fake_service *fake, const struct fake_request *request,
                     struct fake_reply *reply)
{
    (void)fake;
    fake_reply_fault(reply, request, ERROR_WSMAN_REDIRECT_REQUESTED,
                     "go to https://other.example/PowerShell?x=1 instead");
    return true;
}

static void test_failed_shell_is_closed_and_another_session_follows(void **state)
{
    struct managed_session *session = new_scripted();
    char *location;

    (void)state;
    fake_service_handler(service, redirect);
    managed_create(session);
    managed_wait(session, MANAGED_BROKEN);
    assert_int_equal((uint32_t)session->code, ERROR_WSMAN_REDIRECT_REQUESTED);
    location = native_option_text(session->session, 30);
    assert_string_equal(location, "https://other.example/PowerShell?x=1");
    free(location);
    dispose_scripted(session);
    assert_int_equal(fake_count(service, "Delete"), 0);
}

/* A server that is gone does not keep anybody from closing. */
static void test_close_comes_back_though_the_server_is_gone(void **state)
{
    struct managed_session *session = new_scripted();
    struct managed_command *command;

    (void)state;
    managed_create(session);
    managed_wait(session, MANAGED_OPEN);
    command = managed_run(session, " ", NULL, 0, false);
    managed_wait_command(command, &command->has_received);
    fake_refuse(service);
    fake_close_all(service);
    managed_wait(session, MANAGED_BROKEN);
    pthread_mutex_lock(&session->lock);
    while (session->receive != 0 || command->receive != 0)
        pthread_cond_wait(&session->changed, &session->lock);
    session->state = MANAGED_OPENING; /* it takes note, and closes */
    pthread_mutex_unlock(&session->lock);
    managed_close_command(command);
    managed_free_command(command);
    managed_dispose(session, true);
}

static int setup_marked(void **state)
{
    (void)state;
    service = fake_service_start();
    marked_start(service);
    return 0;
}

static int teardown_marked(void **state)
{
    (void)state;
    marked_stop();
    fake_service_stop(service);
    marked_free();
    return 0;
}

static void test_notices_have_one_flag_each(void **state)
{
    struct managed_session *session = new_scripted();
    struct managed_command *command;

    (void)state;
    session->receives = false;
    managed_create(session);
    managed_wait(session, MANAGED_OPEN);
    marked_cut("Command", MARKED_UNREAD, 2);
    command = managed_run(session, "cat", NULL, 0, false);
    managed_wait_command(command, &command->has_received);
    pthread_mutex_lock(&session->lock);
    while (session->notices[2] == 0)
        pthread_cond_wait(&session->changed, &session->lock);
    assert_int_equal(session->notices[0], session->notices[2]);
    assert_true(session->notices[1] >= 1);
    pthread_mutex_unlock(&session->lock);
    managed_close_command(command);
    managed_free_command(command);
    dispose_scripted(session);
}

/* The retry time runs out: the session is disconnected, and Receive sleeps until it is back. */
static void test_disconnected_by_the_network(void **state)
{
    uint32_t (*set_retry_time)(intptr_t, uint32_t);
    void *function = native_find("WSManExtSetRetryTime");
    struct managed_session *session = new_scripted();
    struct managed_command *command;

    (void)state;
    memcpy(&set_retry_time, &function, sizeof(function));
    assert_int_equal(set_retry_time(session->session, 500), 0);
    session->receives = false;
    managed_create(session);
    managed_wait(session, MANAGED_OPEN);
    command = managed_run(session, "cat", NULL, 0, false);
    managed_wait_command(command, &command->has_received);
    fake_refuse(service);
    fake_close_all(service);
    managed_wait(session, MANAGED_DISCONNECTED); /* 0x40 exactly */
    assert_int_equal(session->notices[3], 1);
    fake_accept(service);
    managed_reconnect(session);
    managed_reconnect_command(command);
    marked_write("stdout", "still there");
    managed_wait_output(command, 11);
    managed_close_command(command);
    managed_free_command(command);
    dispose_scripted(session);
}

/* ---- At random ---- */

/* One of those above, while others play against the service. */
static void play_scripted(uint64_t dice)
{
    static const struct {
        void (*test)(void **state);
        bool is_marked;
    } tests[] = {
        { test_creation_xml_is_sent_and_the_rest_goes_out_in_the_callback, false },
        { test_connect_gives_the_xml_of_the_plugin, false },
        { test_create_data_can_be_taken_apart, false },
        { test_create_is_tried_again_on_the_same_session, false },
        { test_failed_shell_is_closed_and_another_session_follows, false },
        { test_close_comes_back_though_the_server_is_gone, false },
        { test_notices_have_one_flag_each, true },
        { test_disconnected_by_the_network, true },
    };
    size_t index = dice % (sizeof(tests) / sizeof(tests[0]));
    void *state = NULL;

    (tests[index].is_marked ? setup_marked : setup)(&state);
    tests[index].test(&state);
    (tests[index].is_marked ? teardown_marked : teardown)(&state);
}

static void test_anything_in_any_order(void **state)
{
    const char *given = getenv("WSM_SEED"), *length = getenv("WSM_CALLER_SECONDS");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10)
                                  : (uint64_t)time(NULL) * 1000 + (uint64_t)getpid() % 1000;

    (void)state;
    rounds_play(seed, length != NULL ? strtoul(length, NULL, 10) : 6, play_scripted);
}

#define SCRIPTED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define MARKED(name)   cmocka_unit_test_setup_teardown(name, setup_marked, teardown_marked)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_invoke_stop_and_close),
        cmocka_unit_test(test_close_while_output_is_pending),
        cmocka_unit_test(test_receive_sleeps_through_a_disconnect),
        cmocka_unit_test(test_connect_from_another_session),
        cmocka_unit_test(test_output_is_delayed_until_somebody_connects),
        cmocka_unit_test(test_delayed_output_in_the_same_session),
        cmocka_unit_test(test_several_sessions_with_an_api_handle_each),
        cmocka_unit_test(test_process_may_exit_with_live_handles),
        SCRIPTED(test_creation_xml_is_sent_and_the_rest_goes_out_in_the_callback),
        SCRIPTED(test_connect_gives_the_xml_of_the_plugin),
        SCRIPTED(test_create_data_can_be_taken_apart),
        SCRIPTED(test_create_is_tried_again_on_the_same_session),
        SCRIPTED(test_failed_shell_is_closed_and_another_session_follows),
        SCRIPTED(test_close_comes_back_though_the_server_is_gone),
        MARKED(test_notices_have_one_flag_each),
        MARKED(test_disconnected_by_the_network),
    };

    const struct CMUnitTest random_tests[] = {
        cmocka_unit_test(test_anything_in_any_order),
    };

    native_load(MANAGED_LIBRARY);
    if (argc > 1 && strcmp(argv[1], "exit") == 0)
        return exit_with_live_handles();
    if (argc > 1 && strcmp(argv[1], "random") == 0)
        return cmocka_run_group_tests(random_tests, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
