/* The monitor and winrmd-auth as real processes. The test stands in the place of
 * winrmd-net (so it can say anything), and a fake stands in for winrmd-shell (so it can
 * misbehave); both are this program under those names. */
#include "monitor_fakes.h"
#include "monitor_fixture.h"
#include "temp_dir.h"
#include "wsmerror.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SHELL_A "AAAAAAAA-1111-2222-3333-444444444444"
#define SHELL_B "BBBBBBBB-1111-2222-3333-444444444444"

static const uint8_t NO_TOKEN[WSM_TOKEN_LEN] = { 1, 2, 3 };

/* alice logs on; the token is copied out. */
static void log_on(struct wsm_monitor_fixture *fixture, uint8_t token[WSM_TOKEN_LEN])
{
    wsm_monitor_check(fixture, "alice", "right", &wsm_control_verified_type);
    memcpy(token, fixture->last.token, WSM_TOKEN_LEN);
}

/* What the fake host says of its start; waits for it. */
static void read_introduction(struct wsm_monitor_fixture *fixture, char *out, size_t size)
{
    struct pollfd wait = { .fd = fixture->last.fd, .events = POLLIN };
    ssize_t count;

    assert_int_equal(poll(&wait, 1, WSM_DEADLINE_MS), 1);
    count = recv(fixture->last.fd, out, size - 1, 0);
    assert_true(count > 0);
    out[count] = '\0';
}

/* Of a host that was connected to; the first connection of a new one is a socket pair. */
static pid_t listening_process(struct wsm_monitor_fixture *fixture)
{
    struct wsm_peer peer;

    assert_true(wsm_channel_peer(fixture->last.fd, &peer, NULL));
    return peer.pid;
}

/* Waits for the record, which the monitor writes when it has told net. */
static char *host_record(const struct wsm_monitor_fixture *fixture)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    char name[64], *path, *record = NULL;

    snprintf(name, sizeof(name), "%016" PRIx64 ".host", fixture->last.host_id);
    path = wsm_temp_path(fixture->run_dir, name);
    for (int waited = 0; record == NULL && waited < WSM_DEADLINE_MS; waited++) {
        record = wsm_temp_read(path);
        if (record == NULL)
            nanosleep(&pause, NULL);
    }
    assert_non_null(record);
    free(path);
    return record;
}

static void wait_no_files(const struct wsm_monitor_fixture *fixture, const char *suffix)
{
    const struct timespec pause = { .tv_nsec = 1000000 };

    for (int waited = 0; waited < WSM_DEADLINE_MS; waited++) {
        if (wsm_monitor_count_files(fixture, suffix) == 0)
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("files %s are left", suffix);
}

static pid_t host_process(const struct wsm_monitor_fixture *fixture)
{
    char *record = host_record(fixture);
    const char *field = strstr(record, "\npid=");
    pid_t pid;

    assert_non_null(field);
    pid = (pid_t)strtol(field + 5, NULL, 10);
    assert_true(pid > 0);
    free(record);
    return pid;
}

static void set_host_mode(struct wsm_monitor_fixture *fixture, const char *mode)
{
    char *path = wsm_temp_path(fixture->dir, WSM_FAKE_HOST_MODE);

    wsm_temp_write(path, mode, 0600);
    free(path);
}

static void send_ready(struct wsm_monitor_fixture *fixture)
{
    const struct wsm_control_ready ready = { 0 };

    wsm_monitor_send(&fixture->channel, &wsm_control_ready_type, &ready);
}

static void send_served(struct wsm_monitor_fixture *fixture)
{
    const struct wsm_control_served served = { 0 };

    wsm_monitor_send(&fixture->channel, &wsm_control_served_type, &served);
}

static void connect_host(struct wsm_monitor_fixture *fixture, uint64_t id,
                         const struct wsm_message_type *answer)
{
    const struct wsm_control_connect_host connect = { .request = 77, .host_id = id };

    wsm_monitor_send(&fixture->channel, &wsm_control_connect_host_type, &connect);
    wsm_monitor_expect(fixture, &fixture->channel, answer);
    assert_true(fixture->last.request == 77);
    assert_true(fixture->last.host_id == id);
}

static void stop_monitor(struct wsm_monitor_fixture *fixture)
{
    assert_int_equal(kill(fixture->monitor, SIGTERM), 0);
    assert_int_equal(wsm_monitor_wait(fixture, fixture->monitor), 0);
}

/* Start and end. */

static void test_monitor_announces_when_net_is_ready(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    char line[256], expected[256];
    unsigned port;
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct pollfd wait;
    int fd;

    wsm_monitor_begin(fixture);
    /* The socket listens before net says anything, and it is the one of the URL. */
    assert_int_equal(sscanf(fixture->url, "http://127.0.0.1:%u/wsman", &port), 1);
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    wait = (struct pollfd){ .fd = fixture->listener, .events = POLLIN };
    assert_int_equal(poll(&wait, 1, WSM_DEADLINE_MS), 1);
    close(fd);
    send_ready(fixture);
    wsm_monitor_read_line(fixture, line, sizeof(line));
    snprintf(expected, sizeof(expected), "listening on %s", fixture->url);
    assert_string_equal(line, expected);
}

static void test_monitor_ends_with_its_children_but_not_the_hosts(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    pid_t auth, host;

    wsm_monitor_begin(fixture);
    auth = wsm_monitor_child(fixture, "winrmd-auth");
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
    host = host_process(fixture);
    stop_monitor(fixture);
    wsm_monitor_expect_eof(&fixture->channel);
    assert_int_equal(kill(auth, 0), -1); /* the monitor waited for it */
    assert_int_equal(kill(fixture->net, 0), -1);
    assert_int_equal(kill(host, 0), 0);
    assert_int_equal(wsm_monitor_count_files(fixture, ".host"), 1);
}

static void test_monitor_ends_with_its_starter_and_so_do_hosts(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    char argument[32], text[8192];
    struct pollfd host = { .events = POLLIN };
    int watch[2];

    assert_int_equal(pipe(watch), 0);
    assert_int_equal(fcntl(watch[1], F_SETFD, FD_CLOEXEC), 0);
    snprintf(argument, sizeof(argument), "--watch-fd=%d", watch[0]);
    wsm_monitor_start(fixture, "--allow-root-shells", argument, NULL);
    close(watch[0]);
    wsm_monitor_greet(fixture);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
    read_introduction(fixture, text, sizeof(text));
    assert_non_null(strstr(text, "\n--watch-fd\n5\n"));
    /* Whoever reaps it, the monitor or we: its pidfd tells of its end. */
    host.fd = (int)syscall(SYS_pidfd_open, host_process(fixture), 0);
    close(watch[1]);
    assert_int_equal(wsm_monitor_wait(fixture, fixture->monitor), 0);
    assert_int_equal(poll(&host, 1, WSM_DEADLINE_MS), 1);
    close(host.fd);
}

static void test_monitor_second_one_fails_and_names_the_directory(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    char words[4200];
    pid_t first;

    wsm_monitor_begin(fixture);
    first = fixture->monitor;
    wsm_monitor_start(fixture, NULL);
    assert_int_equal(WEXITSTATUS(wsm_monitor_wait(fixture, fixture->monitor)), 1);
    snprintf(words, sizeof(words), "RunDirectory %s is in use by another winrmd", fixture->run_dir);
    wsm_monitor_wait_log(fixture, words);
    fixture->monitor = first;
    send_ready(fixture); /* the first one did not notice */
    wsm_monitor_check(fixture, "alice", "right", &wsm_control_verified_type);
}

static void test_monitor_names_a_program_that_is_missing(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    char *path = wsm_temp_path(fixture->dir, "winrmd-shell");

    assert_int_equal(unlink(path), 0);
    wsm_monitor_start(fixture, NULL);
    assert_int_equal(WEXITSTATUS(wsm_monitor_wait(fixture, fixture->monitor)), 1);
    wsm_monitor_wait_log(fixture, "program winrmd-shell is neither in");
    free(path);
}

/* Log-ons. */

static void test_auth_verifies_and_denies(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    struct stat st;

    wsm_monitor_begin(fixture);
    wsm_monitor_check(fixture, "alice", "right", &wsm_control_verified_type);
    assert_string_equal(fixture->last.owner, "alice");
    assert_int_equal(stat(fixture->users, &st), 0);
    assert_true(fixture->last.file_inode == (uint64_t)st.st_ino);
    wsm_monitor_check(fixture, "alice", "wrong", &wsm_control_denied_type);
    assert_string_equal(fixture->last.text, "wrong password");
    wsm_monitor_check(fixture, "alice", "", &wsm_control_denied_type);
    wsm_monitor_check(fixture, "", "right", &wsm_control_denied_type);
    wsm_monitor_check(fixture, "mallory", "right", &wsm_control_denied_type);
    assert_string_equal(fixture->last.text, "unknown user");
    assert_int_equal(chmod(fixture->users, 0644), 0);
    wsm_monitor_check(fixture, "alice", "right", &wsm_control_denied_type);
    assert_non_null(strstr(fixture->last.text, "must give no rights"));
    assert_int_equal(unlink(fixture->users), 0);
    wsm_monitor_check(fixture, "alice", "right", &wsm_control_denied_type);
    assert_non_null(strstr(fixture->last.text, fixture->users));
}

/* More than may wait: every one is answered, some as busy, none is lost. */
static void test_auth_denies_what_cannot_wait(void **state)
{
    enum { CHECKS = 2000 };
    static const struct wsm_message_type *const answers[] = { &wsm_control_verified_type,
                                                              &wsm_control_denied_type };
    struct wsm_monitor_fixture *fixture = *state;
    struct wsm_control_check_password check = { .user = wsm_span_str("alice"),
                                                .password = wsm_span_str("right") };
    size_t verified = 0, busy = 0;
    pid_t auth;

    wsm_monitor_begin(fixture);
    auth = wsm_monitor_child(fixture, "winrmd-auth");
    assert_int_equal(kill(auth, SIGSTOP), 0); /* so that all are there when it looks */
    for (check.request = 1; check.request <= CHECKS; check.request++)
        wsm_monitor_send(&fixture->auth, &wsm_control_check_password_type, &check);
    assert_int_equal(kill(auth, SIGCONT), 0);
    while (verified + busy < CHECKS) {
        struct pollfd wait = { .fd = fixture->auth.fd, .events = POLLIN };
        struct wsm_frame frame;
        const struct wsm_message_type *type;
        int fd = -1;

        if (wsm_channel_wants_write(&fixture->auth))
            wait.events |= POLLOUT;
        assert_int_equal(poll(&wait, 1, WSM_DEADLINE_MS), 1);
        assert_true(wsm_channel_flush(&fixture->auth, NULL));
        if (wsm_channel_receive(&fixture->auth, &frame, &fd, NULL) != WSM_CHANNEL_MESSAGE)
            continue;
        type = wsm_message_type_find(answers, 2, frame.type);
        assert_non_null(type);
        if (type == &wsm_control_verified_type)
            verified++;
        else
            busy++;
    }
    assert_true(verified > 0);
    wsm_monitor_check(fixture, "alice", "right", &wsm_control_verified_type);
}

static void test_auth_rubbish_of_net_ends_only_that_channel(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    const struct wsm_control_ready ready = { 0 };
    pid_t auth;

    wsm_monitor_begin(fixture);
    auth = wsm_monitor_child(fixture, "winrmd-auth");
    wsm_monitor_send(&fixture->auth, &wsm_control_ready_type, &ready);
    wsm_monitor_expect_eof(&fixture->auth);
    assert_int_equal(wsm_monitor_child(fixture, "winrmd-auth"), auth);
}

static void test_auth_is_restarted_and_log_ons_die(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    int fd;

    wsm_monitor_begin(fixture);
    log_on(fixture, token);
    assert_int_equal(kill(wsm_monitor_child(fixture, "winrmd-auth"), SIGKILL), 0);
    wsm_monitor_expect_eof(&fixture->auth);
    wsm_monitor_expect(fixture, &fixture->channel, &wsm_control_peer_type);
    fd = fixture->last.fd;
    fixture->last.fd = -1;
    wsm_channel_close(&fixture->auth);
    assert_true(wsm_channel_open(&fixture->auth, fd, NULL));
    wsm_monitor_wait_log(fixture, "child restarted: winrmd-auth");
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_failed_type);
    assert_int_equal(fixture->last.code, ERROR_ACCESS_DENIED);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
}

/* Shells. */

static void test_host_is_started_for_a_live_log_on(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    char text[8192], *record, *path, name[64];
    struct stat st;

    umask(027); /* that of the service's starter is also that of its commands */
    wsm_monitor_begin(fixture);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
    assert_string_equal(fixture->last.text, SHELL_A);
    assert_string_equal(fixture->last.owner, "alice");
    assert_true(fixture->last.host_id != 0);
    read_introduction(fixture, text, sizeof(text));
    assert_non_null(strstr(text, "\n--nofile\n"));
    assert_non_null(strstr(text, "\n--connected-fd\n4\n"));
    assert_null(strstr(text, "--watch-fd"));
    assert_non_null(strstr(text, "\nPATH=/usr/local/"));
    assert_non_null(strstr(text, "\nHOME=/"));
    assert_non_null(strstr(text, "\nUSER="));
    assert_non_null(strstr(text, "\nLOGNAME="));
    assert_non_null(strstr(text, "\nSHELL=/"));
    assert_null(strstr(text, WSM_FAKE_CONTROL)); /* nothing of the service's own environment */
    assert_non_null(strstr(text, "\ncwd=/\nsid=1\numask=027\n"));
    record = host_record(fixture);
    snprintf(text, sizeof(text), "shell=" SHELL_A "\nowner=alice\nuid=%u\npid=", geteuid());
    assert_ptr_equal(strstr(record, text), record);
    assert_non_null(strstr(record, "\nstart="));
    snprintf(name, sizeof(name), "%016" PRIx64 ".sock", fixture->last.host_id);
    path = wsm_temp_path(fixture->run_dir, name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    free(record);
    free(path);
}

static void test_host_is_refused_without_a_live_log_on(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    struct wsm_control_release release;

    wsm_monitor_begin(fixture);
    wsm_monitor_start_host(fixture, NO_TOKEN, SHELL_A, &wsm_control_host_failed_type);
    assert_int_equal(fixture->last.code, ERROR_ACCESS_DENIED);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, "../../../../../../../etc/passwd-----",
                           &wsm_control_host_failed_type);
    assert_int_equal(fixture->last.code, ERROR_INVALID_PARAMETER);
    wsm_monitor_start_host(fixture, token, "", &wsm_control_host_failed_type);
    assert_int_equal(fixture->last.code, ERROR_INVALID_PARAMETER);
    memcpy(release.token, token, sizeof(release.token));
    wsm_monitor_send(&fixture->channel, &wsm_control_release_type, &release);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_failed_type);
    assert_int_equal(fixture->last.code, ERROR_ACCESS_DENIED);
    assert_int_equal(wsm_monitor_count_files(fixture, ".host"), 0);
    assert_int_equal(wsm_monitor_count_files(fixture, ".sock"), 0);
}

static void test_host_is_refused_by_the_setting(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];

    wsm_monitor_start(fixture, "--allow-root-shells", "-oAllowRemoteShellAccess=false", NULL);
    wsm_monitor_greet(fixture);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_failed_type);
    assert_true(fixture->last.code == ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED);
    wsm_monitor_wait_log(fixture, "no shell: remote shells are not allowed: "
                                  "AllowRemoteShellAccess = false");
}

/* Root gets none without the option; anybody else does. */
static void test_host_is_refused_to_root(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];

    wsm_monitor_start(fixture, NULL);
    wsm_monitor_greet(fixture);
    log_on(fixture, token);
    if (geteuid() != 0) {
        wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
        return;
    }
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_failed_type);
    assert_int_equal(fixture->last.code, ERROR_ACCESS_DENIED);
    assert_non_null(strstr(fixture->last.text, "--allow-root-shells"));
    wsm_monitor_wait_log(fixture, "started without --allow-root-shells");
}

static void test_host_that_dies_at_its_start_ends_its_connection(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    char byte;

    set_host_mode(fixture, "x");
    wsm_monitor_begin(fixture);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
    wsm_monitor_wait_log(fixture, "has ended, status 300");
    assert_int_equal(recv(fixture->last.fd, &byte, 1, MSG_DONTWAIT), 0);
    assert_int_equal(wsm_monitor_count_files(fixture, ".host"), 0);
    assert_int_equal(wsm_monitor_count_files(fixture, ".sock"), 0);
    set_host_mode(fixture, "l");
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
}

/* A second connection to one that does not listen yet is tried for a while; the first one
 * does not depend on it. */
static void test_host_that_never_listens_has_its_first_connection(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    char text[8192];

    set_host_mode(fixture, "n");
    wsm_monitor_begin(fixture);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
    read_introduction(fixture, text, sizeof(text));
    connect_host(fixture, fixture->last.host_id, &wsm_control_host_failed_type);
    assert_true(fixture->last.code == ERROR_TIMEOUT ||
                fixture->last.code == ERROR_WSMAN_UNEXPECTED_SELECTORS);
}

static void test_host_that_ended_is_gone(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    uint64_t id;
    pid_t host;

    wsm_monitor_begin(fixture);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
    id = fixture->last.host_id;
    host = host_process(fixture);
    connect_host(fixture, id, &wsm_control_host_type);
    assert_int_equal(listening_process(fixture), host);
    assert_string_equal(fixture->last.owner, "alice");
    connect_host(fixture, id + 1, &wsm_control_host_failed_type);
    assert_true(fixture->last.code == ERROR_WSMAN_UNEXPECTED_SELECTORS);
    connect_host(fixture, 0, &wsm_control_host_failed_type);
    assert_int_equal(kill(host, SIGKILL), 0);
    wsm_monitor_wait_log(fixture, "has ended, status 9");
    connect_host(fixture, id, &wsm_control_host_failed_type);
    assert_true(fixture->last.code == ERROR_WSMAN_UNEXPECTED_SELECTORS);
    assert_int_equal(wsm_monitor_count_files(fixture, ".host"), 0);
}

/* Deaths of net. */

static void test_net_is_restarted_and_finds_the_hosts(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    char url[128];
    pid_t first;

    wsm_monitor_begin(fixture);
    snprintf(url, sizeof(url), "%s", fixture->url);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
    wsm_monitor_start_host(fixture, token, SHELL_B, &wsm_control_host_type);
    send_served(fixture);
    first = fixture->net;
    assert_int_equal(kill(first, SIGKILL), 0);
    wsm_monitor_greet(fixture);
    assert_int_not_equal(fixture->net, first);
    assert_int_equal(fixture->hosts_found, 2);
    assert_string_equal(fixture->host.owner, "alice");
    assert_string_equal(fixture->url, url);
    wsm_monitor_wait_log(fixture, "child restarted: winrmd-net");
    wsm_monitor_wait_log(fixture, "was killed by signal 9");
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_failed_type);
    assert_int_equal(fixture->last.code, ERROR_ACCESS_DENIED);
    log_on(fixture, token);
    connect_host(fixture, fixture->host.host_id, &wsm_control_host_type);
}

static void test_net_that_keeps_dying_is_restarted(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;

    wsm_monitor_begin(fixture);
    for (int i = 0; i < 3; i++) { /* 0.1, 0.2, 0.4 s */
        assert_int_equal(kill(fixture->net, SIGKILL), 0);
        wsm_monitor_greet(fixture);
    }
    wsm_monitor_check(fixture, "alice", "right", &wsm_control_verified_type);
}

static void test_net_that_talks_out_of_turn_is_replaced(void **state)
{
    static const struct wsm_control_hello other = { .version = WSM_CONTROL_VERSION + 1 };
    const struct wsm_control_hello hello = { .version = WSM_CONTROL_VERSION };
    struct wsm_control_register log_on_message = { .user = wsm_span_str("mallory") };
    struct wsm_monitor_fixture *fixture = *state;

    wsm_monitor_start(fixture, "--allow-root-shells", NULL);
    wsm_monitor_accept_net(fixture);
    send_ready(fixture); /* before HELLO */
    wsm_monitor_expect_eof(&fixture->channel);
    wsm_monitor_wait_log(fixture, "is not accepted while greeting");
    wsm_monitor_accept_net(fixture);
    wsm_monitor_send(&fixture->channel, &wsm_control_hello_type, &other);
    wsm_monitor_expect_eof(&fixture->channel);
    wsm_monitor_wait_log(fixture, "is of another release");
    wsm_monitor_greet(fixture);
    wsm_monitor_send(&fixture->channel, &wsm_control_hello_type, &hello); /* twice */
    wsm_monitor_expect_eof(&fixture->channel);
    wsm_monitor_greet(fixture);
    memcpy(log_on_message.token, NO_TOKEN, sizeof(NO_TOKEN));
    wsm_monitor_send(&fixture->channel, &wsm_control_register_type, &log_on_message);
    wsm_monitor_expect_eof(&fixture->channel); /* only auth may name users */
    wsm_monitor_greet(fixture);
    wsm_monitor_start_host(fixture, NO_TOKEN, SHELL_A, &wsm_control_host_failed_type);
}

static void test_net_that_sends_no_frame_is_replaced(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;

    wsm_monitor_begin(fixture);
    assert_int_equal(send(fixture->channel.fd, "rubbish", 7, MSG_NOSIGNAL), 7);
    wsm_monitor_expect_eof(&fixture->channel);
    wsm_monitor_greet(fixture);
}

/* Death of the monitor. */

static void test_monitor_killed_leaves_hosts_that_the_next_one_finds(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    char url[128];
    uint64_t id;
    pid_t auth, net, host, first;

    wsm_monitor_begin(fixture);
    snprintf(url, sizeof(url), "%s", fixture->url);
    auth = wsm_monitor_child(fixture, "winrmd-auth");
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
    id = fixture->last.host_id;
    host = host_process(fixture);
    net = fixture->net;
    first = fixture->monitor;
    assert_int_equal(kill(first, SIGKILL), 0);
    assert_true(WIFSIGNALED(wsm_monitor_wait(fixture, first)));
    assert_int_equal(wsm_monitor_wait(fixture, auth), 0); /* ours now: we are their reaper */
    assert_int_equal(wsm_monitor_wait(fixture, net), 0);
    wsm_monitor_begin(fixture);
    assert_int_equal(fixture->hosts_found, 1);
    assert_true(fixture->host.host_id == id);
    assert_string_equal(fixture->host.text, SHELL_A);
    assert_string_equal(fixture->host.owner, "alice");
    assert_string_equal(fixture->url, url); /* the same port */
    connect_host(fixture, id, &wsm_control_host_type);
    assert_int_equal(listening_process(fixture), host);
    assert_int_equal(kill(host, SIGKILL), 0); /* not a child of the new one */
    wsm_monitor_wait(fixture, host);
    wait_no_files(fixture, ".host"); /* nobody asks for it, no net scans */
    assert_int_equal(wsm_monitor_count_files(fixture, ".sock"), 0);
    connect_host(fixture, id, &wsm_control_host_failed_type);
    assert_true(fixture->last.code == ERROR_WSMAN_UNEXPECTED_SELECTORS);
}

static size_t count_descriptors(pid_t pid)
{
    size_t count = 0;
    char path[64];
    DIR *entries;

    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    entries = opendir(path);
    assert_non_null(entries);
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count;
}

/* Each scan finds the same hosts again; the monitor keeps one descriptor of each. */
static void test_monitor_watches_each_found_host_once(void **state)
{
    enum { HOSTS = 3 };
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    pid_t hosts[HOSTS], first;
    size_t before;

    wsm_monitor_begin(fixture);
    log_on(fixture, token);
    for (int i = 0; i < HOSTS; i++) {
        wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
        hosts[i] = host_process(fixture);
    }
    first = fixture->monitor;
    assert_int_equal(kill(first, SIGKILL), 0);
    wsm_monitor_wait(fixture, first);
    wsm_monitor_begin(fixture);
    assert_int_equal(fixture->hosts_found, HOSTS);
    before = count_descriptors(fixture->monitor);
    for (int i = 0; i < 2; i++) {
        send_served(fixture);
        assert_int_equal(kill(fixture->net, SIGKILL), 0);
        wsm_monitor_greet(fixture);
        assert_int_equal(fixture->hosts_found, HOSTS);
        assert_int_equal(count_descriptors(fixture->monitor), before);
    }
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(kill(hosts[i], SIGKILL), 0);
    wait_no_files(fixture, ".host");
    assert_int_equal(count_descriptors(fixture->monitor), before - HOSTS);
}

static void test_monitor_scan_trusts_nothing_it_finds(void **state)
{
    static const char record[] = "shell=" SHELL_A "\nowner=mallory\nuid=%u\npid=%d\nstart=1\n";
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];
    char name[64], text[256], *path;
    uint64_t id;

    wsm_monitor_begin(fixture);
    log_on(fixture, token);
    wsm_monitor_start_host(fixture, token, SHELL_A, &wsm_control_host_type);
    id = fixture->last.host_id;
    stop_monitor(fixture);
    /* A record that names another process than the one that listens. */
    snprintf(name, sizeof(name), "%016" PRIx64 ".host", id);
    path = wsm_temp_path(fixture->run_dir, name);
    snprintf(text, sizeof(text), record, geteuid(), getpid());
    wsm_temp_write(path, text, 0600);
    free(path);
    /* Foreign files; a dead host; what a monitor leaves that dies in the middle. */
    path = wsm_temp_path(fixture->run_dir, "0123456789abcdef.host");
    wsm_temp_write(path, "foreign\n", 0600);
    free(path);
    path = wsm_temp_path(fixture->run_dir, "notes.txt");
    wsm_temp_write(path, "foreign\n", 0600);
    free(path);
    path = wsm_temp_path(fixture->run_dir, "00000000000000aa.host");
    wsm_temp_write(path, text, 0600);
    free(path);
    path = wsm_temp_path(fixture->run_dir, "00000000000000bb.sock");
    wsm_temp_write(path, "", 0600);
    free(path);
    path = wsm_temp_path(fixture->run_dir, "00000000000000cc.host.tmp");
    wsm_temp_write(path, "shell=", 0600);
    free(path);
    wsm_monitor_begin(fixture);
    assert_int_equal(fixture->hosts_found, 0);
    wsm_monitor_wait_log(fixture, "listens, not process");
    wsm_monitor_wait_log(fixture, "malformed record of a shell host");
    assert_int_equal(wsm_monitor_count_files(fixture, "notes.txt"), 1);
    assert_int_equal(wsm_monitor_count_files(fixture, "0123456789abcdef.host"), 1);
    assert_int_equal(wsm_monitor_count_files(fixture, "00000000000000aa.host"), 0);
    assert_int_equal(wsm_monitor_count_files(fixture, "00000000000000bb.sock"), 0);
    assert_int_equal(wsm_monitor_count_files(fixture, ".tmp"), 0);
}

static void test_monitor_finds_many_hosts(void **state)
{
    enum { HOSTS = 40 };
    struct wsm_monitor_fixture *fixture = *state;
    uint8_t token[WSM_TOKEN_LEN];

    wsm_monitor_begin(fixture);
    log_on(fixture, token);
    for (int i = 0; i < HOSTS; i++) {
        char shell_id[64];

        snprintf(shell_id, sizeof(shell_id), "%08X-1111-2222-3333-444444444444", i);
        wsm_monitor_start_host(fixture, token, shell_id, &wsm_control_host_type);
    }
    send_served(fixture);
    assert_int_equal(kill(fixture->net, SIGKILL), 0);
    wsm_monitor_greet(fixture);
    assert_int_equal(fixture->hosts_found, HOSTS);
}

#define MONITOR_TEST(name) \
    cmocka_unit_test_setup_teardown(name, wsm_monitor_setup, wsm_monitor_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MONITOR_TEST(test_monitor_announces_when_net_is_ready),
        MONITOR_TEST(test_monitor_ends_with_its_children_but_not_the_hosts),
        MONITOR_TEST(test_monitor_ends_with_its_starter_and_so_do_hosts),
        MONITOR_TEST(test_monitor_second_one_fails_and_names_the_directory),
        MONITOR_TEST(test_monitor_names_a_program_that_is_missing),
        MONITOR_TEST(test_auth_verifies_and_denies),
        MONITOR_TEST(test_auth_denies_what_cannot_wait),
        MONITOR_TEST(test_auth_rubbish_of_net_ends_only_that_channel),
        MONITOR_TEST(test_auth_is_restarted_and_log_ons_die),
        MONITOR_TEST(test_host_is_started_for_a_live_log_on),
        MONITOR_TEST(test_host_is_refused_without_a_live_log_on),
        MONITOR_TEST(test_host_is_refused_by_the_setting),
        MONITOR_TEST(test_host_is_refused_to_root),
        MONITOR_TEST(test_host_that_dies_at_its_start_ends_its_connection),
        MONITOR_TEST(test_host_that_never_listens_has_its_first_connection),
        MONITOR_TEST(test_host_that_ended_is_gone),
        MONITOR_TEST(test_net_is_restarted_and_finds_the_hosts),
        MONITOR_TEST(test_net_that_keeps_dying_is_restarted),
        MONITOR_TEST(test_net_that_talks_out_of_turn_is_replaced),
        MONITOR_TEST(test_net_that_sends_no_frame_is_replaced),
        MONITOR_TEST(test_monitor_killed_leaves_hosts_that_the_next_one_finds),
        MONITOR_TEST(test_monitor_watches_each_found_host_once),
        MONITOR_TEST(test_monitor_scan_trusts_nothing_it_finds),
        MONITOR_TEST(test_monitor_finds_many_hosts),
    };
    int fake = wsm_fake_main(argc, argv);

    if (fake >= 0)
        return fake;
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
