/* Time-outs against servers that say nothing: each function ends by its own option, and what the
 * wire says of it. The network delay of 5 s is in each; so all run at the same time, and their
 * order shows by which option each has ended. */
#include "client_fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wsmext.h>

#include <cmocka.h>

static struct fixture *f;

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

static void set_number(WSMAN_SESSION_HANDLE session, DWORD option, DWORD value)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_DWORD, .number = value };

    assert_int_equal(WSManSetSessionOption(session, (WSManSessionOption)option, &data), 0);
}

/* ---- Functions that wait for a silent server ---- */

struct waiter {
    const char *request; /* that is never answered */
    DWORD option;        /* by which it ends */
    void (*call)(struct waiter *waiter);
    DWORD code; /* 0 = ERROR_WSMAN_NETWORK_TIMEDOUT */
    WSMAN_SESSION_HANDLE session;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    WSMAN_SHELL_HANDLE new_shell;
    WSMAN_COMMAND_HANDLE new_command;
    WSMAN_OPERATION_HANDLE operation;
    struct recorder *recorder;
};

static void call_create(struct waiter *w)
{
    WSManCreateShell(w->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &w->recorder->async,
                     &w->new_shell);
}

static void call_connect(struct waiter *w)
{
    WSManConnectShell(w->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(FAKE_SHELL_ID), NULL, NULL,
                      &w->recorder->async, &w->new_shell);
}

static void call_run(struct waiter *w)
{
    WSManRunShellCommand(w->shell, 0, WSMAN_TEXT("x"), NULL, NULL, &w->recorder->async,
                         &w->new_command);
}

static void call_receive(struct waiter *w)
{
    w->operation = receive(w->shell, w->command, w->recorder);
}

static void call_send(struct waiter *w)
{
    w->operation = send_text(w->shell, w->command, "x", false, w->recorder);
}

static void call_signal(struct waiter *w)
{
    w->operation = signal_command(w->shell, w->command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C,
                                  w->recorder);
}

static void call_close_command(struct waiter *w)
{
    WSManCloseCommand(w->command, 0, &w->recorder->async);
    w->command = NULL;
}

static void call_close_shell(struct waiter *w)
{
    WSManCloseShell(w->shell, 0, &w->recorder->async);
    w->shell = NULL;
    w->command = NULL;
}

static void call_disconnect(struct waiter *w)
{
    disconnect(w->shell, 0, NULL, w->recorder);
}

static void call_reconnect(struct waiter *w)
{
    reconnect(w->shell, 0, w->recorder);
}

static void call_reconnect_command(struct waiter *w)
{
    reconnect_command(w->command, w->recorder);
}

static void call_connect_command(struct waiter *w)
{
    WSManConnectShellCommand(w->shell, 0, WSMAN_TEXT("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeee01"), NULL,
                             NULL, &w->recorder->async, &w->new_command);
}

static struct waiter waiters[] = {
    { "Create", 12, call_create, 0, .session = NULL },
    { "Connect", 12, call_connect, 0, .session = NULL },
    { "Command", 13, call_run, 0, .session = NULL },
    { "Receive", 14, call_receive, 0, .session = NULL },
    { "Send", 15, call_send, 0, .session = NULL },
    { "Signal", 16, call_signal, 0, .session = NULL },
    { "Signal", 16, call_close_command, 0, .session = NULL },
    { "Delete", 17, call_close_shell, 0, .session = NULL },
    { "Disconnect", 1, call_disconnect, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL,
      .session = NULL },
    { "Reconnect", 1, call_reconnect, 0, .session = NULL },
    { "Reconnect", 1, call_reconnect_command, 0, .session = NULL },
    { "Connect", 13, call_connect_command, 0, .session = NULL },
};
enum { WAITERS = sizeof(waiters) / sizeof(waiters[0]) };

/* Each in a session of its own: with the option it ends by, and an hour for everything else. */
static void prepare(struct waiter *w, DWORD timeout_ms)
{
    struct fixture own = *f;
    DWORD option;

    own.session = w->session = open_session(f->api, fake_service_port(f->service), true);
    w->recorder = recorder_new();
    w->recorder->user = w->recorder;
    w->shell = open_shell(&own);
    w->command = w->call == call_close_shell ? NULL : run_command(w->shell, WSMAN_TEXT("cat"));
    if (w->call == call_reconnect || w->call == call_reconnect_command)
        disconnect_shell(w->shell);
    if (w->call == call_reconnect_command)
        reconnect_shell(w->shell);
    set_number(w->session, 1, w->option == 1 ? timeout_ms : 3600000);
    for (option = 12; option <= 17; option++)
        set_number(w->session, option, option == w->option ? timeout_ms : 3600000);
}

static void clean(struct waiter *w)
{
    set_number(w->session, 16, 60000);
    if (w->operation != NULL)
        assert_int_equal(WSManCloseOperation(w->operation, 0), 0);
    assert_int_equal(WSManCloseSession(w->session, 0), 0);
    recorder_free(w->recorder);
}

static void test_G14_each_function_ends_by_its_own_time_out(void **state)
{
    static const char *const silent[] = { "Create", "Connect", "Command",    "Receive",  "Send",
                                          "Signal", "Delete",  "Disconnect", "Reconnect" };
    size_t creates;
    size_t i;

    (void)state;
    for (i = 0; i < WAITERS; i++)
        prepare(&waiters[i], (DWORD)(i + 1) * 200);
    for (i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        fake_hold(f->service, silent[i]);
    creates = fake_count(f->service, "Create");
    for (i = 0; i < WAITERS; i++)
        waiters[i].call(&waiters[i]);
    for (i = 0; i < WAITERS; i++) {
        const struct recorder_event *event = recorder_last(waiters[i].recorder);

        assert_int_equal(event->code,
                         waiters[i].code != 0 ? waiters[i].code : ERROR_WSMAN_NETWORK_TIMEDOUT);
        assert_non_null(strstr(event->detail, "did not answer within"));
        if (i > 0)
            assert_true(event->order > recorder_last(waiters[i - 1].recorder)->order);
    }
    assert_int_equal(fake_count(f->service, "Create") - creates, 1); /* and none is repeated */
    for (i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        fake_release(f->service, silent[i]);
    for (i = 0; i < WAITERS; i++)
        clean(&waiters[i]);
}

/* ---- A server that never comes to an end ---- */

/* Sends one byte of its answer after the other, as long as somebody takes them. */
struct dripper {
    int listener;
    uint16_t port;
    pthread_t thread;
    atomic_bool stops;
};

static void drip(struct dripper *dripper, int fd)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n"
                               "Content-Length: 100000\r\n\r\n";
    size_t sent = 0;

    while (!atomic_load(&dripper->stops)) {
        struct pollfd gone = { .fd = fd, .events = POLLRDHUP };
        char byte = sent < sizeof(head) - 1 ? head[sent] : ' ';

        sent++;
        if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || poll(&gone, 1, 10) != 0)
            break;
    }
    close(fd);
}

static void *drip_all(void *argument)
{
    struct dripper *dripper = argument;
    int fd;

    while ((fd = accept(dripper->listener, NULL, NULL)) >= 0)
        drip(dripper, fd);
    return NULL;
}

static void dripper_start(struct dripper *dripper)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);

    dripper->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(dripper->listener >= 0);
    assert_int_equal(bind(dripper->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(dripper->listener, 8), 0);
    assert_int_equal(getsockname(dripper->listener, (struct sockaddr *)&address, &len), 0);
    dripper->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&dripper->thread, NULL, drip_all, dripper), 0);
}

static void dripper_stop(struct dripper *dripper)
{
    atomic_store(&dripper->stops, true);
    shutdown(dripper->listener, SHUT_RDWR);
    pthread_join(dripper->thread, NULL);
    close(dripper->listener);
}

static void test_G14_a_server_that_drips_is_given_up_too(void **state)
{
    struct dripper dripper = { .listener = -1 };
    struct waiter w = { .call = call_create };

    (void)state;
    dripper_start(&dripper);
    w.session = open_session(f->api, dripper.port, true);
    w.recorder = recorder_new();
    set_number(w.session, 12, 100);
    call_create(&w);
    assert_last_code(w.recorder, ERROR_WSMAN_NETWORK_TIMEDOUT);
    close_shell(w.new_shell);
    assert_int_equal(WSManCloseSession(w.session, 0), 0);
    recorder_free(w.recorder);
    dripper_stop(&dripper);
}

/* ---- A server that breaks every connection ---- */

static bool drop(struct fake_service *service, const struct fake_request *request,
                 struct fake_reply *reply)
{
    (void)service;
    (void)request;
    reply->is_dropped = true;
    return true;
}

/* Create may be repeated, but not beyond its time-out; the other server just says nothing. */
static void test_G14_a_create_that_is_repeated_ends_in_time(void **state)
{
    struct fake_service *dropping = fake_service_start();
    struct waiter silent = { .recorder = recorder_new() };
    struct waiter broken = { .recorder = recorder_new() };

    (void)state;
    fake_service_handler(dropping, drop);
    fake_hold(f->service, "Create");
    silent.session = open_session(f->api, fake_service_port(f->service), true);
    broken.session = open_session(f->api, fake_service_port(dropping), true);
    set_number(silent.session, 12, 1);
    set_number(broken.session, 12, 1000);
    call_create(&silent);
    call_create(&broken);
    assert_last_code(silent.recorder, ERROR_WSMAN_NETWORK_TIMEDOUT);
    assert_last_code(broken.recorder, ERROR_WSMAN_NETWORK_TIMEDOUT);
    assert_true(recorder_last(broken.recorder)->order < recorder_last(silent.recorder)->order);
    assert_true(fake_count(dropping, "Create") > 1);
    fake_release(f->service, "Create");
    close_shell(silent.new_shell);
    close_shell(broken.new_shell);
    clean(&silent);
    clean(&broken);
    fake_service_stop(dropping);
}

/* ---- On the wire ---- */

static void expect_timeout(const char *request, const char *expected)
{
    char *value = fake_last(f->service, request, "timeout");

    assert_string_equal(value, expected);
    free(value);
}

static void test_G14_each_request_carries_its_time_out(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operations[3];
    WSMAN_COMMAND_HANDLE command;
    WSMAN_SHELL_HANDLE shell;
    DWORD option;

    (void)state;
    set_number(f->session, 1, 11000);
    for (option = 12; option <= 17; option++)
        set_number(f->session, option, option * 1000 + 1);
    shell = open_shell(f);
    command = run_command(shell, WSMAN_TEXT("cat"));
    operations[0] = receive(shell, command, recorder);
    fake_wait(f->service, "Receive", 1);
    operations[1] = send_text(shell, command, "x", false, recorder);
    operations[2] = signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, recorder);
    recorder_wait(recorder, 2);
    expect_timeout("Create", "12001");
    expect_timeout("Command", "13001");
    expect_timeout("Receive", "14001");
    expect_timeout("Send", "15001");
    expect_timeout("Signal", "16001");
    disconnect_shell(shell);
    expect_timeout("Disconnect", "11000");
    reconnect_shell(shell);
    expect_timeout("Reconnect", "11000");
    reconnect_shell_command(command);
    fake_push_done(f->service, 0);
    recorder_wait(recorder, 3);
    for (option = 0; option < 3; option++)
        assert_int_equal(WSManCloseOperation(operations[option], 0), 0);
    set_number(f->session, 16, 16002);
    close_command(command);
    expect_timeout("Signal", "16002");
    close_shell(shell);
    expect_timeout("Delete", "17001");
    recorder_free(recorder);
}

static void test_G14_the_default_is_60_s_and_0_is_without_an_end(void **state)
{
    (void)state;
    close_shell(open_shell(f));
    expect_timeout("Create", "60000");
    set_number(f->session, 1, 0);
    close_shell(open_shell(f));
    expect_timeout("Create", "2147483647");
    set_number(f->session, 12, UINT32_MAX);
    close_shell(open_shell(f));
    expect_timeout("Create", "4294967295");
}

/* A poll that the server ends without output is no error, however often. */
static void test_G14_a_receive_that_expires_on_the_server_goes_on(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("cat"));
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operation;
    int i;

    (void)state;
    for (i = 0; i < 3; i++)
        fake_push_fault(f->service, ERROR_WSMAN_OPERATION_TIMEDOUT);
    operation = receive(shell, command, recorder);
    fake_wait(f->service, "Receive", 4);
    assert_int_equal(recorder_count(recorder), 0);
    fake_push_done(f->service, 7);
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_last(recorder)->exit_code, 7);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    recorder_free(recorder);
    close_command(command);
    close_shell(shell);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_G14_each_function_ends_by_its_own_time_out),
        TEST(test_G14_a_server_that_drips_is_given_up_too),
        TEST(test_G14_a_create_that_is_repeated_ends_in_time),
        TEST(test_G14_each_request_carries_its_time_out),
        TEST(test_G14_the_default_is_60_s_and_0_is_without_an_end),
        TEST(test_G14_a_receive_that_expires_on_the_server_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
