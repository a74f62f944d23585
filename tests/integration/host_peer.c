/* A shell host that runs for a test, and the test's end of its connection. */
#include "host_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { RUNNING_MAX = 16 };

static char last_failure[512];
static pid_t running[RUNNING_MAX]; /* hosts that nobody has waited for; 0 = free */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Between two looks at a condition. */
static void pause_shortly(void)
{
    poll(NULL, 0, 1);
}

static struct sockaddr_un address_of(const struct host_peer *peer)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    memcpy(address.sun_path, peer->socket_path, strlen(peer->socket_path) + 1);
    return address;
}

/* A test that failed has stopped nothing. */
static void stop_all(void)
{
    for (size_t i = 0; i < RUNNING_MAX; i++) {
        if (running[i] > 0)
            kill(running[i], SIGTERM); /* ends what runs under it, too */
    }
}

static void replace_running(pid_t from, pid_t to)
{
    size_t i = 0;

    while (i < RUNNING_MAX && running[i] != from)
        i++;
    if (i < RUNNING_MAX)
        running[i] = to;
}

/* In the child: becomes the host. */
static void become_host(int listener, int starter, int connected, const struct host_setup *setup)
{
    const char *argv[8] = { WSM_TEST_HOST };
    char home[64];
    char path[] = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
    char *const environment[] = { path,
                                  home,
                                  (char[]){ "USER=tester" },
                                  (char[]){ "LOGNAME=tester" },
                                  (char[]){ "SHELL=/bin/sh" },
                                  (char[]){ "SECRET=x" },
                                  NULL };
    size_t count = 1;

    snprintf(home, sizeof(home), "HOME=%s", setup->home == NULL ? "/tmp" : setup->home);
    signal(SIGINT, SIG_IGN);                 /* commands must not inherit it */
    listener = fcntl(listener, F_DUPFD, 10); /* none stands where another is to go */
    starter = fcntl(starter, F_DUPFD, 10);
    connected = fcntl(connected, F_DUPFD, 10);
    dup2(listener, 3);
    if (setup->is_watched) {
        dup2(starter, 4);
        argv[count++] = "--watch-fd";
        argv[count++] = "4";
    }
    if (setup->is_connected) {
        dup2(connected, 6);
        argv[count++] = "--connected-fd";
        argv[count++] = "6";
    }
    if (setup->nofile != NULL) {
        argv[count++] = "--nofile";
        argv[count++] = setup->nofile;
    }
    argv[count] = NULL;
    if (setup->log != NULL)
        dup2(open(setup->log, O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
    execve(WSM_TEST_HOST, (char *const *)argv, environment);
    _exit(127);
}

void host_start(struct host_peer *peer, const struct host_setup *setup)
{
    static const struct host_setup usual;
    static bool is_told;
    struct sockaddr_un address;
    int starter[2] = { -1, -1 };
    int connected[2] = { -1, -1 };
    int listener;

    if (setup == NULL)
        setup = &usual;
    *peer = (struct host_peer){ .channel = WSM_CHANNEL_INIT, .starter_fd = -1 };
    snprintf(peer->directory, sizeof(peer->directory), "/tmp/winrmd-host-XXXXXX");
    assert_non_null(mkdtemp(peer->directory));
    snprintf(peer->socket_path, sizeof(peer->socket_path), "%s/s", peer->directory);
    address = address_of(peer);
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    if (setup->is_watched)
        assert_int_equal(pipe2(starter, O_CLOEXEC), 0);
    if (setup->is_connected)
        assert_true(wsm_channel_pair(connected, NULL));
    peer->pid = fork();
    assert_true(peer->pid >= 0);
    if (peer->pid == 0)
        become_host(listener, starter[0], connected[1], setup);
    replace_running(0, peer->pid);
    if (!is_told)
        is_told = atexit(stop_all) == 0;
    close(listener);
    if (starter[0] >= 0)
        close(starter[0]);
    peer->starter_fd = starter[1];
    if (setup->is_connected) {
        close(connected[1]);
        assert_true(wsm_channel_open(&peer->channel, connected[0], NULL));
    }
}

void host_connect(struct host_peer *peer)
{
    struct sockaddr_un address = address_of(peer);
    int64_t until_ms = now_ms() + HOST_WAIT_MS;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        assert_true(errno == ECONNREFUSED || errno == EAGAIN);
        assert_true(now_ms() < until_ms);
        pause_shortly();
    }
    assert_true(wsm_channel_open(&peer->channel, fd, NULL));
}

void host_stop(struct host_peer *peer)
{
    wsm_channel_close(&peer->channel);
    if (peer->pid > 0) {
        kill(peer->pid, SIGTERM); /* ends what runs under it, too */
        host_wait(peer);
    }
    if (peer->starter_fd >= 0)
        close(peer->starter_fd);
    unlink(peer->socket_path);
    rmdir(peer->directory);
}

int host_wait(struct host_peer *peer)
{
    int64_t until_ms = now_ms() + HOST_WAIT_MS;
    int status = 0;
    pid_t pid;

    while ((pid = waitpid(peer->pid, &status, WNOHANG)) == 0) {
        if (now_ms() >= until_ms) {
            kill(peer->pid, SIGKILL);
            fail_msg("the host does not end");
        }
        pause_shortly();
    }
    assert_int_equal(pid, peer->pid);
    replace_running(peer->pid, 0);
    peer->pid = 0;
    return status;
}

bool host_next(struct host_peer *peer, struct wsm_frame *out)
{
    int64_t until_ms = now_ms() + HOST_WAIT_MS;
    struct wsm_error err = WSM_ERROR_INIT;
    int passed = -1;

    for (;;) {
        struct pollfd poll_fd = { .fd = peer->channel.fd, .events = POLLIN };
        enum wsm_channel_result result;

        assert_true(wsm_channel_flush(&peer->channel, NULL));
        if (wsm_channel_wants_write(&peer->channel))
            poll_fd.events |= POLLOUT;
        result = wsm_channel_receive(&peer->channel, out, &passed, &err);
        if (result == WSM_CHANNEL_BAD)
            fail_msg("%s", wsm_error_text(&err));
        if (result != WSM_CHANNEL_AGAIN) {
            assert_int_equal(passed, -1);
            return result == WSM_CHANNEL_MESSAGE;
        }
        if (now_ms() >= until_ms)
            fail_msg("the host says nothing");
        poll(&poll_fd, 1, 1000);
    }
}

void host_expect(struct host_peer *peer, const struct wsm_message_type *type, void *out)
{
    struct wsm_frame frame;

    if (!host_next(peer, &frame))
        fail_msg("end of the connection instead of %s", type->name);
    if (frame.type != type->type)
        fail_msg("message %u instead of %s", frame.type, type->name);
    assert_true(wsm_message_parse(type, frame.payload, out));
}

void host_expect_eof(struct host_peer *peer)
{
    struct wsm_frame frame;

    if (host_next(peer, &frame))
        fail_msg("message %u instead of the end", frame.type);
}

void host_send(struct host_peer *peer, const struct wsm_message_type *type, const void *message)
{
    assert_true(wsm_channel_send(&peer->channel, type, message, -1, NULL));
}

uint64_t host_next_request(struct host_peer *peer)
{
    return ++peer->last_request;
}

size_t host_greet(struct host_peer *peer, struct wsm_host_shell *out_shell,
                  struct wsm_host_command *out_commands, char (*out_ids)[40], size_t max)
{
    const struct wsm_host_hello ours = { .lowest = 1, .highest = 7 };
    struct wsm_host_report_end end;
    struct wsm_host_shell shell;
    struct wsm_host_hello hello;
    struct wsm_frame frame;
    size_t count = 0;

    host_expect(peer, &wsm_host_hello_type, &hello);
    assert_int_equal(hello.lowest, WSM_HOST_VERSION_LOWEST);
    assert_int_equal(hello.highest, WSM_HOST_VERSION_HIGHEST);
    host_send(peer, &wsm_host_hello_type, &ours);
    host_expect(peer, &wsm_host_shell_type, &shell);
    if (out_shell != NULL)
        *out_shell = shell;
    for (;;) {
        struct wsm_host_command command;

        assert_true(host_next(peer, &frame));
        if (frame.type == WSM_HOST_REPORT_END)
            break;
        assert_int_equal(frame.type, WSM_HOST_COMMAND);
        assert_true(wsm_message_parse(&wsm_host_command_type, frame.payload, &command));
        assert_true(count < max);
        assert_true(command.command_id.len < 40);
        memcpy(out_ids[count], command.command_id.ptr, command.command_id.len);
        out_ids[count][command.command_id.len] = '\0';
        out_commands[count++] = command;
    }
    assert_true(wsm_message_parse(&wsm_host_report_end_type, frame.payload, &end));
    return count;
}

uint32_t host_done_or_failed(struct host_peer *peer, uint64_t request)
{
    struct wsm_host_started started;
    struct wsm_host_failed failed;
    struct wsm_host_done done;
    struct wsm_frame frame;

    assert_true(host_next(peer, &frame));
    if (frame.type == WSM_HOST_STARTED) {
        assert_true(wsm_message_parse(&wsm_host_started_type, frame.payload, &started));
        assert_int_equal(started.request, request);
        return 0;
    }
    if (frame.type == WSM_HOST_DONE) {
        assert_true(wsm_message_parse(&wsm_host_done_type, frame.payload, &done));
        assert_int_equal(done.request, request);
        return 0;
    }
    assert_int_equal(frame.type, WSM_HOST_FAILED);
    assert_true(wsm_message_parse(&wsm_host_failed_type, frame.payload, &failed));
    assert_int_equal(failed.request, request);
    snprintf(last_failure, sizeof(last_failure), "%.*s", (int)failed.text.len,
             (const char *)failed.text.ptr);
    assert_true(failed.code != 0 && failed.text.len > 0);
    return failed.code;
}

const char *host_failure(void)
{
    return last_failure;
}

uint32_t host_open(struct host_peer *peer, const struct host_open *open)
{
    static const struct host_open usual;
    struct wsm_buf environment = WSM_BUF_INIT;
    struct wsm_host_open message = { .request = host_next_request(peer) };

    if (open == NULL)
        open = &usual;
    for (size_t i = 0; open->environment != NULL && open->environment[i] != NULL; i++)
        wsm_strings_add(&environment, wsm_span_str(open->environment[i]));
    message.resource_uri = wsm_span_str("urn:test");
    message.input_streams = wsm_span_str(open->inputs == NULL ? "stdin" : open->inputs);
    message.output_streams = wsm_span_str("stdout stderr");
    message.working_directory = wsm_span_str(open->directory == NULL ? "/" : open->directory);
    message.environment = wsm_buf_span(&environment);
    message.code_page = open->code_page;
    message.idle_timeout_ms = open->idle_timeout_ms == 0 ? 3600 * 1000 : open->idle_timeout_ms;
    message.drain_timeout_ms = open->drain_timeout_ms;
    message.commands_max = open->commands_max == 0 ? 1000 : open->commands_max;
    message.can_disconnect = open->can_disconnect;
    message.buffer_mode = open->buffer_mode;
    message.client_version = open->client_version;
    message.session_id = wsm_span_str(open->session_id);
    message.create_message_id = wsm_span_str(open->create_message_id);
    message.name = wsm_span_str(open->name);
    message.client_ip = wsm_span_str(open->client_ip);
    host_send(peer, &wsm_host_open_type, &message);
    wsm_buf_clear(&environment);
    return host_done_or_failed(peer, message.request);
}

uint32_t host_run(struct host_peer *peer, const char *id, const char *line)
{
    const struct wsm_host_run message = { .request = host_next_request(peer),
                                          .command_id = wsm_span_str(id),
                                          .command = wsm_span_str(line) };

    host_send(peer, &wsm_host_run_type, &message);
    return host_done_or_failed(peer, message.request);
}

uint32_t host_run_direct(struct host_peer *peer, const char *id, const char *const *argv)
{
    struct wsm_buf arguments = WSM_BUF_INIT;
    struct wsm_host_run message = { .request = host_next_request(peer),
                                    .command_id = wsm_span_str(id),
                                    .skip_shell = 1,
                                    .command = wsm_span_str(argv[0]) };

    for (size_t i = 1; argv[i] != NULL; i++)
        wsm_strings_add(&arguments, wsm_span_str(argv[i]));
    message.arguments = wsm_buf_span(&arguments);
    host_send(peer, &wsm_host_run_type, &message);
    wsm_buf_clear(&arguments);
    return host_done_or_failed(peer, message.request);
}

uint32_t host_input(struct host_peer *peer, const char *id, const char *stream, const void *data,
                    size_t len, bool end)
{
    const struct wsm_host_input message = { .request = host_next_request(peer),
                                            .command_id = wsm_span_str(id),
                                            .stream = wsm_span_str(stream),
                                            .end = end,
                                            .data = wsm_span_of(data, len) };

    host_send(peer, &wsm_host_input_type, &message);
    return host_done_or_failed(peer, message.request);
}

uint32_t host_signal(struct host_peer *peer, const char *id, uint32_t signal)
{
    const struct wsm_host_signal_request message = { .request = host_next_request(peer),
                                                     .command_id = wsm_span_str(id),
                                                     .signal = signal };

    host_send(peer, &wsm_host_signal_type, &message);
    return host_done_or_failed(peer, message.request);
}

uint32_t host_delete(struct host_peer *peer)
{
    const struct wsm_host_delete message = { .request = host_next_request(peer) };

    host_send(peer, &wsm_host_delete_type, &message);
    return host_done_or_failed(peer, message.request);
}

void host_begin(struct host_peer *peer)
{
    host_start(peer, NULL);
    host_connect(peer);
    host_greet(peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(peer, NULL), 0);
}

uint64_t host_fetch(struct host_peer *peer, const char *id, uint32_t streams, uint64_t from_out,
                    uint64_t from_err, uint32_t max_bytes)
{
    const struct wsm_host_fetch message = { .request = host_next_request(peer),
                                            .command_id = wsm_span_str(id),
                                            .streams = streams,
                                            .from = { from_out, from_err },
                                            .max_bytes = max_bytes,
                                            .max_pieces = 100 };

    host_send(peer, &wsm_host_fetch_type, &message);
    return message.request;
}

static void take_output(const struct wsm_frame *frame, uint64_t request, struct host_output *output)
{
    struct wsm_host_output piece;

    assert_true(wsm_message_parse(&wsm_host_output_type, frame->payload, &piece));
    assert_int_equal(piece.request, request);
    assert_true(piece.stream < WSM_HOST_STREAMS);
    assert_true(piece.data.len > 0);
    if (output->first[piece.stream] == UINT64_MAX)
        output->first[piece.stream] = piece.offset;
    wsm_buf_append_span(&output->streams[piece.stream], piece.data);
}

void host_answer(struct host_peer *peer, uint64_t request, struct host_output *output)
{
    struct wsm_host_answer answer;
    struct wsm_host_failed failed;
    struct wsm_frame frame;

    output->first[WSM_HOST_STDOUT] = output->first[WSM_HOST_STDERR] = UINT64_MAX;
    for (;;) {
        assert_true(host_next(peer, &frame));
        if (frame.type != WSM_HOST_OUTPUT)
            break;
        take_output(&frame, request, output);
    }
    if (frame.type == WSM_HOST_FAILED) {
        assert_true(wsm_message_parse(&wsm_host_failed_type, frame.payload, &failed));
        assert_int_equal(failed.request, request);
        output->failed = failed.code;
        return;
    }
    assert_int_equal(frame.type, WSM_HOST_ANSWER);
    assert_true(wsm_message_parse(&wsm_host_answer_type, frame.payload, &answer));
    assert_int_equal(answer.request, request);
    output->is_done = answer.is_done != 0;
    output->exit_code = answer.exit_code;
    output->ended = answer.ended;
    output->parked = answer.parked != 0;
}

void host_confirm(struct host_peer *peer, const char *id, uint64_t out, uint64_t err)
{
    const struct wsm_host_confirm message = { .command_id = wsm_span_str(id),
                                              .upto = { out, err } };

    host_send(peer, &wsm_host_confirm_type, &message);
}

static void collect_one(struct host_peer *peer, const char *id, struct host_output *output)
{
    uint64_t request = host_fetch(peer, id, 3, output->streams[WSM_HOST_STDOUT].len,
                                  output->streams[WSM_HOST_STDERR].len, 512 * 1024);

    host_answer(peer, request, output);
    assert_int_equal(output->failed, 0);
    host_confirm(peer, id, output->streams[WSM_HOST_STDOUT].len,
                 output->streams[WSM_HOST_STDERR].len);
}

void host_collect(struct host_peer *peer, const char *id, struct host_output *output)
{
    while (!output->is_done)
        collect_one(peer, id, output);
}

void host_collect_until(struct host_peer *peer, const char *id, struct host_output *output,
                        const char *text)
{
    while (strstr(host_text(output, WSM_HOST_STDOUT), text) == NULL)
        collect_one(peer, id, output);
}

void host_output_clear(struct host_output *output)
{
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        wsm_buf_clear(&output->streams[i]);
    *output = (struct host_output){ .is_done = false };
}

const char *host_text(struct host_output *output, enum wsm_host_stream stream)
{
    struct wsm_buf *buf = &output->streams[stream];

    assert_true(wsm_buf_reserve(buf, 1));
    *wsm_buf_end(buf) = '\0';
    return (const char *)buf->ptr;
}

bool host_is_alive(pid_t pid)
{
    char path[64];
    char text[512] = "";
    const char *end;
    ssize_t count;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    count = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (count <= 0)
        return false;
    end = strrchr(text, ')');
    return end != NULL && end[2] != 'Z' && end[2] != 'X';
}

void host_wait_gone(pid_t pid)
{
    int64_t until_ms = now_ms() + HOST_WAIT_MS;

    while (host_is_alive(pid)) {
        if (now_ms() >= until_ms)
            fail_msg("process %d lives", (int)pid);
        pause_shortly();
    }
}
