/* What can go wrong between the library and a server: each thing has its code and a
 * detail that names host, port and cause. And which connections are used for what. */
#include "client_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wsmext.h>

#include <cmocka.h>

static struct fixture *f;
/* Written between two Creates, and read by them only: a Delete may follow at any time. */
static struct fake_reply scripted;

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    scripted = (struct fake_reply){ .status = 200 };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

/* Creates a shell that is expected to fail, and closes it. */
static void assert_create_fails(WSMAN_SESSION_HANDLE session, DWORD code, const char *detail)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = NULL;

    recorder->user = recorder;
    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    assert_non_null(shell);
    assert_last_code(recorder, code);
    if (strstr(recorder_last(recorder)->detail, detail) == NULL)
        fail_msg("detail is: %s", recorder_last(recorder)->detail);
    close_shell(shell);
    recorder_free(recorder);
}

static bool reply_scripted(struct fake_service *service, const struct fake_request *request,
                           struct fake_reply *reply)
{
    struct wsm_buf body = WSM_BUF_INIT;

    (void)service;
    if (strcmp(request->name, "Create") != 0)
        return false;
    wsm_buf_append_span(&body, wsm_buf_span(&scripted.body));
    *reply = scripted;
    reply->body = body;
    return true;
}

static void assert_reply_fails(int status, const char *type, const char *body, DWORD code,
                               const char *detail)
{
    fake_service_handler(f->service, reply_scripted);
    scripted.status = status;
    scripted.content_type = type;
    wsm_buf_append_str(&scripted.body, body);
    assert_create_fails(f->session, code, detail);
    wsm_buf_clear(&scripted.body);
}

static void test_http_statuses_have_their_codes(void **state)
{
    static const struct {
        int status;
        DWORD code;
    } rows[] = {
        { 400, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST },
        { 401, ERROR_ACCESS_DENIED },
        { 403, ERROR_ACCESS_DENIED },
        { 404, ERROR_WSMAN_HTTP_NOT_FOUND_STATUS },
        { 413, ERROR_WSMAN_HTTP_REQUEST_TOO_LARGE_STATUS },
        { 500, ERROR_WSMAN_HTTP_STATUS_SERVER_ERROR },
        { 503, ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS },
        { 302, ERROR_WSMAN_UNSUPPORTED_HTTP_STATUS_REDIRECT },
        { 405, ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_reply_fails(rows[i].status, NULL, "", rows[i].code, "127.0.0.1:");
}

static void test_a_wrong_password_is_named(void **state)
{
    (void)state;
    assert_reply_fails(401, NULL, "", ERROR_ACCESS_DENIED, "user name or password");
}

static void test_answers_that_are_not_soap_have_their_codes(void **state)
{
    (void)state;
    assert_reply_fails(200, NULL, "", ERROR_WSMAN_HTTP_NO_RESPONSE_DATA, "empty");
    assert_reply_fails(200, "text/html", "<html></html>", ERROR_WSMAN_HTML_ERROR, "web page");
    assert_reply_fails(200, "text/plain", "hello",
                       ERROR_WSMAN_HTTP_INVALID_CONTENT_TYPE_IN_RESPONSE_DATA, "not SOAP");
    assert_reply_fails(200, NULL, "<a", ERROR_WSMAN_INVALID_XML, "cannot be read");
    assert_reply_fails(500, NULL, "<a", ERROR_WSMAN_HTTP_STATUS_SERVER_ERROR, "HTTP 500");
}

static bool reply_to_another(struct fake_service *service, const struct fake_request *request,
                             struct fake_reply *reply)
{
    struct wsm_response_headers headers = { .action = WSM_ACTION_CREATE "Response",
                                            .relates_to = wsm_span_str("uuid:other") };

    (void)service;
    (void)request;
    wsm_response_begin(&reply->body, &headers);
    wsm_response_end(&reply->body);
    return true;
}

static void test_answers_to_other_requests_are_refused(void **state)
{
    (void)state;
    fake_service_handler(f->service, reply_to_another);
    assert_create_fails(f->session, ERROR_WSMAN_RESPONSE_INVALID_MESSAGE_INFORMATION_HEADER,
                        "another request");
}

static bool drop(struct fake_service *service, const struct fake_request *request,
                 struct fake_reply *reply)
{
    (void)service;
    (void)request;
    reply->is_dropped = true;
    return true;
}

/* Create says what it wants to make, so it may be sent again; not for ever. */
static void test_a_connection_that_always_ends_early_is_an_error(void **state)
{
    WSMAN_DATA time = { .type = WSMAN_DATA_TYPE_DWORD, .number = 300 };

    (void)state;
    assert_int_equal(WSManSetSessionOption(f->session, WSMAN_OPTION_TIMEOUTMS_CREATE_SHELL, &time),
                     0);
    fake_service_handler(f->service, drop);
    assert_create_fails(f->session, ERROR_WSMAN_NETWORK_TIMEDOUT, "127.0.0.1:");
    assert_true(fake_count(f->service, "Create") > 1);
}

/* A port that is taken and does not listen. */
static uint16_t dead_port(int *out_fd)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);

    *out_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*out_fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(*out_fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

static void test_a_refused_connection_names_host_and_port(void **state)
{
    int fd;
    uint16_t port = dead_port(&fd);
    WSMAN_SESSION_HANDLE session = open_session(f->api, port, true);
    char expected[64];

    (void)state;
    snprintf(expected, sizeof(expected), "127.0.0.1:%u", port);
    assert_create_fails(session, ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS, expected);
    assert_int_equal(WSManCloseSession(session, 0), 0);
    close(fd);
}

static WSMAN_SESSION_HANDLE open_to(PCWSTR connection, DWORD mechanism)
{
    WSMAN_AUTHENTICATION_CREDENTIALS credentials = {
        .authenticationMechanism = mechanism,
        .userAccount = { .username = TEST_USER, .password = TEST_PASSWORD },
    };
    WSMAN_DATA yes = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };
    WSMAN_SESSION_HANDLE session = NULL;

    assert_int_equal(WSManCreateSession(f->api, connection, 0, &credentials, NULL, &session), 0);
    assert_int_equal(WSManSetSessionOption(session, WSMAN_OPTION_UNENCRYPTED_MESSAGES, &yes), 0);
    return session;
}

/* RFC 6761: names under "invalid" never exist. */
static void test_an_unknown_host_is_named(void **state)
{
    WSMAN_SESSION_HANDLE session = open_to(WSMAN_TEXT("nowhere.invalid"), 8);

    (void)state;
    assert_create_fails(session, ERROR_WSMAN_NAME_NOT_RESOLVED, "nowhere.invalid");
    assert_int_equal(WSManCloseSession(session, 0), 0);
}

static void test_localhost_is_tried_on_both_families(void **state)
{
    char text[64];
    PWSTR connection;
    WSMAN_SESSION_HANDLE session;

    (void)state;
    snprintf(text, sizeof(text), "localhost:%u", fake_service_port(f->service));
    connection = WSManExtUtf8ToUtf16(text);
    session = open_to(connection, 8);
    WSManExtFree(connection);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = session;
    close_shell(open_shell(f));
}

static void test_http_without_the_unencrypted_option_sends_nothing(void **state)
{
    WSMAN_SESSION_HANDLE session = open_session(f->api, fake_service_port(f->service), false);

    (void)state;
    assert_create_fails(session, ERROR_WSMAN_CLIENT_UNENCRYPTED_DISABLED, "UNENCRYPTED_MESSAGES");
    assert_int_equal(fake_connections(f->service), 0);
    assert_int_equal(WSManCloseSession(session, 0), 0);
}

static void test_other_mechanisms_are_refused_with_their_name(void **state)
{
    static const struct {
        DWORD mechanism;
        const char *name;
    } rows[] = {
        { WSMAN_FLAG_DEFAULT_AUTHENTICATION, "Negotiate" },
        { WSMAN_FLAG_AUTH_DIGEST, "Digest" },
        { WSMAN_FLAG_AUTH_NEGOTIATE, "Negotiate" },
        { WSMAN_FLAG_AUTH_KERBEROS, "Kerberos" },
        { WSMAN_FLAG_AUTH_CREDSSP, "CredSSP" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        WSMAN_SESSION_HANDLE session = open_to(WSMAN_TEXT("127.0.0.1:9"), rows[i].mechanism);

        assert_create_fails(session, ERROR_NOT_SUPPORTED, rows[i].name);
        assert_int_equal(WSManCloseSession(session, 0), 0);
    }
}

static void test_no_answer_in_time_is_an_error(void **state)
{
    WSMAN_DATA time = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };

    (void)state;
    assert_int_equal(WSManSetSessionOption(f->session, WSMAN_OPTION_TIMEOUTMS_CREATE_SHELL, &time),
                     0);
    fake_hold(f->service, "Create");
    assert_create_fails(f->session, ERROR_WSMAN_NETWORK_TIMEDOUT, "did not answer within 5001 ms");
    fake_release(f->service, "Create");
}

/* ---- Connections ---- */

static void test_idle_connections_are_used_again(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < 5; i++)
        close_shell(open_shell(f));
    assert_int_equal(fake_connections(f->service), 1);
}

static void test_a_parked_receive_has_a_connection_of_its_own(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("cat"));
    struct recorder *input = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    send_text(shell, command, "a", false, input);
    assert_last_code(input, 0);
    assert_int_equal(fake_connections(f->service), 2);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    close_command(command);
    close_shell(shell);
    assert_int_equal(fake_connections(f->service), 2);
    recorder_free(out);
    recorder_free(input);
}

/* The server ends the idle connection; the next request goes on a new one. */
static void test_an_idle_connection_that_ended_is_not_used(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);

    (void)state;
    fake_close_all(f->service);
    fake_wait_open(f->service, 0);
    close_shell(shell);
    assert_int_equal(fake_connections(f->service), 2);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
}

static bool answer_and_close(struct fake_service *service, const struct fake_request *request,
                             struct fake_reply *reply)
{
    (void)service;
    (void)request;
    reply->closes = true;
    return false;
}

static void test_connection_close_is_obeyed(void **state)
{
    (void)state;
    fake_service_handler(f->service, answer_and_close);
    close_shell(open_shell(f));
    assert_int_equal(fake_connections(f->service), 2);
}

static bool answer_in_chunks(struct fake_service *service, const struct fake_request *request,
                             struct fake_reply *reply)
{
    (void)service;
    (void)request;
    reply->is_chunked = true;
    return false;
}

static void test_answers_may_come_in_chunks(void **state)
{
    (void)state;
    fake_service_handler(f->service, answer_in_chunks);
    close_shell(open_shell(f));
    assert_int_equal(fake_connections(f->service), 1);
}

static void test_cancelling_closes_the_connection(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("cat"));
    WSMAN_OPERATION_HANDLE operation = receive(shell, command, out);

    (void)state;
    fake_wait(f->service, "Receive", 1);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    fake_wait_open(f->service, 0);
    close_command(command);
    close_shell(shell);
    recorder_free(out);
}

static bool answer_too_much(struct fake_service *service, const struct fake_request *request,
                            struct fake_reply *reply)
{
    (void)service;
    if (strcmp(request->name, "Create") != 0)
        return false;
    reply->is_chunked = scripted.is_chunked;
    while (reply->body.len < 700 * 1024)
        wsm_buf_append_str(&reply->body, "<!-- more than was asked for -->");
    return true;
}

static void test_answers_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    fake_service_handler(f->service, answer_too_much);
    assert_create_fails(f->session, ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED, "larger than");
    scripted.is_chunked = true;
    assert_create_fails(f->session, ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED, "larger than");
}

static void test_requests_can_be_utf16(void **state)
{
    WSMAN_DATA yes = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };

    (void)state;
    assert_int_equal(WSManSetSessionOption(f->session, WSMAN_OPTION_UTF16, &yes), 0);
    close_shell(open_shell(f));
    assert_int_equal(fake_count(f->service, "Delete"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_statuses_have_their_codes),
        TEST(test_a_wrong_password_is_named),
        TEST(test_answers_that_are_not_soap_have_their_codes),
        TEST(test_answers_to_other_requests_are_refused),
        TEST(test_a_connection_that_always_ends_early_is_an_error),
        TEST(test_a_refused_connection_names_host_and_port),
        TEST(test_an_unknown_host_is_named),
        TEST(test_localhost_is_tried_on_both_families),
        TEST(test_http_without_the_unencrypted_option_sends_nothing),
        TEST(test_other_mechanisms_are_refused_with_their_name),
        TEST(test_no_answer_in_time_is_an_error),
        TEST(test_idle_connections_are_used_again),
        TEST(test_a_parked_receive_has_a_connection_of_its_own),
        TEST(test_an_idle_connection_that_ended_is_not_used),
        TEST(test_connection_close_is_obeyed),
        TEST(test_answers_may_come_in_chunks),
        TEST(test_cancelling_closes_the_connection),
        TEST(test_answers_beyond_the_limit_are_refused),
        TEST(test_requests_can_be_utf16),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
