/* A real winrmd with a real winrmd-auth, and the test in the place of winrmd-net. */
#include "monitor_fixture.h"

#include "monitor_fakes.h"
#include "temp_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { EXTRA_MAX = 6 };

/* crypt("right"): a cheap method, so that the tests are not about hashing. */
static const char USERS[] =
    "alice:$5$rounds=1000$saltsalt$yYZoCURThim4Yn132s/3Pu/.JQpY6iHeknDBMqNKKs2\n";

/* A copy and no link: winrmd looks for the others beside its own file. */
static void copy_program(const char *from, const char *dir, const char *name)
{
    char *to = wsm_temp_path(dir, name);
    int in = open(from, O_RDONLY | O_CLOEXEC), out;
    struct stat st;

    assert_true(in >= 0);
    assert_int_equal(fstat(in, &st), 0);
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    assert_true(out >= 0);
    while (st.st_size > 0) {
        ssize_t count = sendfile(out, in, NULL, (size_t)st.st_size);

        assert_true(count > 0);
        st.st_size -= count;
    }
    close(in);
    close(out);
    free(to);
}

static int open_control(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(setenv(WSM_FAKE_CONTROL, path, 1), 0);
    return fd;
}

int wsm_monitor_setup(void **state)
{
    struct wsm_monitor_fixture *fixture = calloc(1, sizeof(*fixture));
    char *control;

    /* Whom the monitor leaves behind comes to us, so that teardown can end it. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    fixture->dir = wsm_temp_dir_make();
    fixture->run_dir = wsm_temp_path(fixture->dir, "run");
    fixture->users = wsm_temp_path(fixture->dir, "users");
    fixture->log = wsm_temp_path(fixture->dir, "log");
    control = wsm_temp_path(fixture->dir, "control");
    copy_program(WSM_BIN_DIR "/winrmd", fixture->dir, "winrmd");
    copy_program(WSM_BIN_DIR "/winrmd-auth", fixture->dir, "winrmd-auth");
    copy_program("/proc/self/exe", fixture->dir, "winrmd-net");
    copy_program("/proc/self/exe", fixture->dir, "winrmd-shell");
    wsm_temp_write(fixture->users, USERS, 0600);
    fixture->control = open_control(control);
    free(control);
    fixture->out = fixture->listener = fixture->last.fd = fixture->host.fd = -1;
    fixture->channel = fixture->auth = (struct wsm_channel)WSM_CHANNEL_INIT;
    *state = fixture;
    return 0;
}

static void close_if_open(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Children that are left, by their numbers: those of /proc, which are all ours. */
static void kill_children(void)
{
    char path[64];
    FILE *file;
    int pid;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
    file = fopen(path, "re");
    while (file != NULL && fscanf(file, "%d", &pid) == 1)
        kill(pid, SIGKILL);
    if (file != NULL)
        fclose(file);
}

int wsm_monitor_teardown(void **state)
{
    struct wsm_monitor_fixture *fixture = *state;

    wsm_channel_close(&fixture->channel);
    wsm_channel_close(&fixture->auth);
    close_if_open(&fixture->control);
    close_if_open(&fixture->out);
    close_if_open(&fixture->listener);
    close_if_open(&fixture->last.fd);
    do
        kill_children(); /* the children of those come to us in turn */
    while (waitpid(-1, NULL, 0) > 0);
    wsm_temp_dir_remove(fixture->dir);
    free(fixture->run_dir);
    free(fixture->users);
    free(fixture->log);
    free(fixture);
    return 0;
}

static void show_log(const struct wsm_monitor_fixture *fixture)
{
    char *log = wsm_temp_read(fixture->log);

    print_message("log:\n%s\n", log == NULL ? "" : log);
    free(log);
}

void wsm_monitor_start(struct wsm_monitor_fixture *fixture, ...)
{
    char *program = wsm_temp_path(fixture->dir, "winrmd");
    char run_dir[4096], users[4096];
    char *argv[9 + EXTRA_MAX] = { program,
                                  (char *)(uintptr_t) "-oListen=127.0.0.1:0",
                                  run_dir,
                                  users,
                                  (char *)(uintptr_t) "-oBasic=true",
                                  (char *)(uintptr_t) "-oAllowUnencrypted=true",
                                  (char *)(uintptr_t) "--log-level=debug" };
    int out[2], argc = 7;
    va_list args;

    snprintf(run_dir, sizeof(run_dir), "-oRunDirectory=%s", fixture->run_dir);
    snprintf(users, sizeof(users), "-oUsersFile=%s", fixture->users);
    va_start(args, fixture);
    while ((argv[argc] = va_arg(args, char *)) != NULL)
        assert_true(++argc < 7 + EXTRA_MAX);
    va_end(args);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    fixture->monitor = fork();
    if (fixture->monitor == 0) {
        int log = open(fixture->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        dup2(out[1], STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execv(program, argv);
        _exit(127);
    }
    close(out[1]);
    close_if_open(&fixture->out);
    fixture->out = out[0];
    free(program);
}

static void wait_readable(int fd, const char *what)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };

    if (poll(&wait, 1, WSM_DEADLINE_MS) != 1)
        fail_msg("waited too long for %s", what);
}

void wsm_monitor_accept_net(struct wsm_monitor_fixture *fixture)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } space;
    char text[8];
    struct iovec part = { .iov_base = text, .iov_len = sizeof(text) };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = space.bytes,
                              .msg_controllen = sizeof(space.bytes) };
    struct wsm_peer peer;
    int fd, client;

    wsm_channel_close(&fixture->channel);
    wsm_channel_close(&fixture->auth);
    close_if_open(&fixture->listener);
    wait_readable(fixture->control, "winrmd-net to be started");
    client = accept4(fixture->control, NULL, NULL, SOCK_CLOEXEC);
    assert_true(client >= 0);
    assert_true(wsm_channel_peer(client, &peer, NULL));
    fixture->net = peer.pid;
    wait_readable(client, "the channel of winrmd-net");
    assert_int_equal(recvmsg(client, &message, MSG_CMSG_CLOEXEC), 3);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    assert_true(wsm_channel_open(&fixture->channel, fd, NULL));
    close(client);
}

static void copy_text(char *out, size_t size, struct wsm_span text)
{
    assert_true(text.len < size);
    if (text.len > 0)
        memcpy(out, text.ptr, text.len);
    for (size_t i = 0; i < text.len; i++)
        if (out[i] == '\0')
            out[i] = '\n';
    out[text.len] = '\0';
}

/* Takes out of the message what any test looks at. */
static void keep(struct wsm_received *out, const struct wsm_frame *frame)
{
    union {
        struct wsm_control_settings settings;
        struct wsm_control_listener listener;
        struct wsm_control_host host;
        struct wsm_control_host_failed failed;
        struct wsm_control_verified verified;
        struct wsm_control_denied denied;
        uint64_t other[8];
    } message;

    assert_true(wsm_message_parse(out->type, frame->payload, &message));
    if (out->type == &wsm_control_settings_type) {
        copy_text(out->text, sizeof(out->text), message.settings.values);
    } else if (out->type == &wsm_control_listener_type) {
        copy_text(out->text, sizeof(out->text), message.listener.url);
    } else if (out->type == &wsm_control_host_type) {
        out->request = message.host.request;
        out->host_id = message.host.host_id;
        copy_text(out->text, sizeof(out->text), message.host.shell_id);
        copy_text(out->owner, sizeof(out->owner), message.host.owner);
    } else if (out->type == &wsm_control_host_failed_type) {
        out->request = message.failed.request;
        out->host_id = message.failed.host_id;
        out->code = message.failed.code;
        copy_text(out->text, sizeof(out->text), message.failed.text);
    } else if (out->type == &wsm_control_verified_type) {
        out->request = message.verified.request;
        out->file_inode = message.verified.file_inode;
        memcpy(out->token, message.verified.token, sizeof(out->token));
        copy_text(out->owner, sizeof(out->owner), message.verified.user);
    } else if (out->type == &wsm_control_denied_type) {
        out->request = message.denied.request;
        copy_text(out->text, sizeof(out->text), message.denied.reason);
    }
}

/* The next message, whichever of `types` it is. */
static void receive(struct wsm_monitor_fixture *fixture, struct wsm_channel *channel,
                    const struct wsm_message_type *const *types, size_t count)
{
    struct wsm_frame frame;
    struct wsm_error err = WSM_ERROR_INIT;
    enum wsm_channel_result result;

    close_if_open(&fixture->last.fd);
    memset(&fixture->last, 0, sizeof(fixture->last));
    fixture->last.fd = -1;
    do {
        wait_readable(channel->fd, types[0]->name);
        result = wsm_channel_receive(channel, &frame, &fixture->last.fd, &err);
    } while (result == WSM_CHANNEL_AGAIN);
    if (result != WSM_CHANNEL_MESSAGE) {
        show_log(fixture);
        fail_msg("channel ended instead of %s: %s", types[0]->name, wsm_error_text(&err));
    }
    fixture->last.type = wsm_message_type_find(types, count, frame.type);
    if (fixture->last.type == NULL) {
        show_log(fixture);
        fail_msg("message %u instead of %s", frame.type, types[0]->name);
    }
    keep(&fixture->last, &frame);
}

void wsm_monitor_expect(struct wsm_monitor_fixture *fixture, struct wsm_channel *channel,
                        const struct wsm_message_type *type)
{
    receive(fixture, channel, &type, 1);
}

void wsm_monitor_expect_eof(struct wsm_channel *channel)
{
    struct wsm_frame frame;
    enum wsm_channel_result result;
    int fd = -1;

    do {
        wait_readable(channel->fd, "the end of a channel");
        result = wsm_channel_receive(channel, &frame, &fd, NULL);
        close_if_open(&fd);
    } while (result == WSM_CHANNEL_AGAIN || result == WSM_CHANNEL_MESSAGE);
    assert_int_equal(result, WSM_CHANNEL_EOF);
}

void wsm_monitor_send(struct wsm_channel *channel, const struct wsm_message_type *type,
                      const void *message)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_channel_send(channel, type, message, -1, &err))
        fail_msg("%s: %s", type->name, wsm_error_text(&err));
}

static int keep_fd(struct wsm_monitor_fixture *fixture)
{
    int fd = fixture->last.fd;

    assert_true(fd >= 0);
    fixture->last.fd = -1;
    return fd;
}

void wsm_monitor_greet(struct wsm_monitor_fixture *fixture)
{
    static const struct wsm_message_type *const scan[] = { &wsm_control_hosts_end_type,
                                                           &wsm_control_host_type };
    const struct wsm_control_hello hello = { .version = WSM_CONTROL_VERSION };
    struct wsm_channel *channel = &fixture->channel;

    wsm_monitor_accept_net(fixture);
    wsm_monitor_send(channel, &wsm_control_hello_type, &hello);
    wsm_monitor_expect(fixture, channel, &wsm_control_hello_type);
    wsm_monitor_expect(fixture, channel, &wsm_control_settings_type);
    wsm_monitor_expect(fixture, channel, &wsm_control_peer_type);
    assert_true(wsm_channel_open(&fixture->auth, keep_fd(fixture), NULL));
    wsm_monitor_expect(fixture, channel, &wsm_control_listener_type);
    snprintf(fixture->url, sizeof(fixture->url), "%.100s", fixture->last.text);
    fixture->listener = keep_fd(fixture);
    fixture->hosts_found = 0;
    for (;;) {
        receive(fixture, channel, scan, 2);
        if (fixture->last.type == &wsm_control_hosts_end_type)
            return;
        assert_int_equal(fixture->last.request, 0);
        assert_true(fixture->last.fd >= 0);
        fixture->hosts_found++;
        fixture->host = fixture->last; /* its descriptor goes with the next receive */
    }
}

void wsm_monitor_begin(struct wsm_monitor_fixture *fixture)
{
    wsm_monitor_start(fixture, "--allow-root-shells", NULL);
    wsm_monitor_greet(fixture);
}

int wsm_monitor_wait(struct wsm_monitor_fixture *fixture, pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    int status;

    assert_true(fd >= 0);
    wait_readable(fd, "a process to end");
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (pid == fixture->monitor)
        fixture->monitor = 0;
    return status;
}

pid_t wsm_monitor_child(const struct wsm_monitor_fixture *fixture, const char *name)
{
    char path[64], comm[32];
    FILE *file, *name_file;
    int pid;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", fixture->monitor, fixture->monitor);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fscanf(file, "%d", &pid) == 1) {
        snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        name_file = fopen(path, "re");
        if (name_file == NULL)
            continue;
        comm[0] = '\0';
        if (fscanf(name_file, "%31s", comm) != 1)
            comm[0] = '\0';
        fclose(name_file);
        if (strcmp(comm, name) == 0) {
            fclose(file);
            return pid;
        }
    }
    fclose(file);
    fail_msg("the monitor has no child %s", name);
    return 0;
}

/* The log is a file: nothing tells of its growth but reading. */
void wsm_monitor_wait_log(const struct wsm_monitor_fixture *fixture, const char *words)
{
    const struct timespec pause = { .tv_nsec = 5000000 };

    for (int waited = 0; waited < WSM_DEADLINE_MS; waited += 5) {
        char *log = wsm_temp_read(fixture->log);
        bool found = log != NULL && strstr(log, words) != NULL;

        free(log);
        if (found)
            return;
        nanosleep(&pause, NULL);
    }
    show_log(fixture);
    fail_msg("the log does not hold \"%s\"", words);
}

void wsm_monitor_read_line(struct wsm_monitor_fixture *fixture, char *out, size_t size)
{
    size_t used = 0;

    for (;;) {
        wait_readable(fixture->out, "a line of winrmd");
        assert_int_equal(read(fixture->out, out + used, 1), 1);
        if (out[used] == '\n')
            break;
        assert_true(++used < size);
    }
    out[used] = '\0';
}

void wsm_monitor_check(struct wsm_monitor_fixture *fixture, const char *user, const char *password,
                       const struct wsm_message_type *answer)
{
    static uint64_t request;
    const struct wsm_control_check_password check = { .request = ++request,
                                                      .user = wsm_span_str(user),
                                                      .password = wsm_span_str(password) };

    wsm_monitor_send(&fixture->auth, &wsm_control_check_password_type, &check);
    wsm_monitor_expect(fixture, &fixture->auth, answer);
    assert_true(fixture->last.request == request);
}

void wsm_monitor_start_host(struct wsm_monitor_fixture *fixture, const uint8_t *token,
                            const char *shell_id, const struct wsm_message_type *answer)
{
    static uint64_t request = 1000;
    struct wsm_control_start_host start = { .request = ++request,
                                            .shell_id = wsm_span_str(shell_id) };

    memcpy(start.token, token, sizeof(start.token));
    wsm_monitor_send(&fixture->channel, &wsm_control_start_host_type, &start);
    wsm_monitor_expect(fixture, &fixture->channel, answer);
    assert_true(fixture->last.request == request);
}

size_t wsm_monitor_count_files(const struct wsm_monitor_fixture *fixture, const char *suffix)
{
    DIR *entries = opendir(fixture->run_dir);
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL) {
        size_t len = strlen(entry->d_name), suffix_len = strlen(suffix);

        if (len >= suffix_len && strcmp(entry->d_name + len - suffix_len, suffix) == 0)
            count++;
    }
    closedir(entries);
    return count;
}
