/* Shell hosts. The monitor's only thread: nothing here waits, a connection that does not
 * come about at once is tried again by a timer. What a host says is not read here. */
#include "monitor/hosts.h"

#include "base/log.h"
#include "ipc/channel.h"
#include "monitor/spawn.h"
#include "wsmerror.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A new host listens about half a millisecond after its start, and nothing tells of it: so
 * the first tries come quickly, and only a slow one is asked more rarely. It matters only
 * to a net that comes or goes just then: the first connection is the host's from birth. */
enum { RETRY_FIRST_US = 200, RETRY_LAST_US = 20000 };

/* A host started by us. */
struct child {
    struct wsm_list node;
    pid_t pid;
    uint64_t id;
    int64_t listens_by_us; /* until then it may not listen yet */
};

/* A host that an earlier monitor started: nobody tells us of its end but the kernel. */
struct found {
    struct wsm_list node;
    struct wsm_watch watch; /* owns its descriptor, a pidfd */
    struct wsm_hosts *hosts;
    uint64_t id;
};

enum dial_kind {
    DIAL_KNOWN, /* CONNECT_HOST */
    DIAL_SCAN,
};

/* A connection being made. */
struct dial {
    struct wsm_list node;
    struct wsm_timer timer; /* the next try */
    struct wsm_hosts *hosts;
    enum dial_kind kind;
    uint64_t request;
    uint64_t id;
    int64_t until_us;
    int64_t retry_us;
    struct wsm_host_record record;
};

static void on_dial_time(struct wsm_timer *timer);
static void on_scan_time(struct wsm_timer *timer);

void wsm_hosts_init(struct wsm_hosts *hosts, struct wsm_loop *loop, const struct wsm_run_dir *dir,
                    const struct wsm_hosts_events *events, const struct wsm_hosts_options *options)
{
    *hosts = (struct wsm_hosts){ .loop = loop, .dir = dir, .events = events, .options = *options };
    wsm_list_init(&hosts->children);
    wsm_list_init(&hosts->found);
    wsm_list_init(&hosts->dials);
    wsm_timer_init(&hosts->scan_timer, on_scan_time);
}

static void dial_free(struct dial *dial)
{
    if (dial->kind == DIAL_SCAN) {
        dial->hosts->scan_active--;
        wsm_timer_start(dial->hosts->loop, &dial->hosts->scan_timer, 0);
    }
    wsm_timer_stop(&dial->timer);
    wsm_list_remove(&dial->node);
    free(dial);
}

static struct dial *dial_new(struct wsm_hosts *hosts, enum dial_kind kind, uint64_t request,
                             uint64_t id, const struct wsm_host_record *record)
{
    struct dial *dial = calloc(1, sizeof(*dial));

    if (dial == NULL)
        return NULL;
    dial->hosts = hosts;
    dial->kind = kind;
    dial->request = request;
    dial->id = id;
    dial->record = *record;
    dial->until_us = wsm_now_us() + WSM_HOSTS_CONNECT_MS * INT64_C(1000);
    dial->retry_us = RETRY_FIRST_US;
    wsm_timer_init(&dial->timer, on_dial_time);
    wsm_list_add(&hosts->dials, &dial->node);
    if (kind == DIAL_SCAN)
        hosts->scan_active++;
    wsm_timer_start_us(hosts->loop, &dial->timer, 0);
    return dial;
}

/* The dial has come to nothing; frees it. */
static void dial_failed(struct dial *dial, const struct wsm_error *err)
{
    struct wsm_hosts *hosts = dial->hosts;
    enum dial_kind kind = dial->kind;
    uint64_t request = dial->request, id = dial->id;

    dial_free(dial);
    if (kind != DIAL_SCAN)
        hosts->events->on_failed(hosts, request, id, err);
    else if (err->code != ERROR_WSMAN_UNEXPECTED_SELECTORS)
        wsm_log_warning("%s", wsm_error_text(err));
}

/* Whoever called listen() must be who the record names. */
static bool check_peer(const struct dial *dial, int fd, struct wsm_error *err)
{
    struct wsm_peer peer;

    if (!wsm_channel_peer(fd, &peer, err))
        return false;
    if (peer.uid != dial->record.uid || peer.pid != dial->record.pid)
        return wsm_fail(err, ERROR_ACCESS_DENIED,
                        "shell host %016" PRIx64
                        ": process %d of user %u listens, not process %d of user %u",
                        dial->id, peer.pid, peer.uid, dial->record.pid, dial->record.uid);
    return true;
}

static const struct child *find_child(const struct wsm_hosts *hosts, uint64_t id)
{
    const struct wsm_list *node;

    WSM_LIST_FOREACH (node, &hosts->children) {
        const struct child *child = WSM_CONTAINER_OF(node, const struct child, node);

        if (child->id == id)
            return child;
    }
    return NULL;
}

/* Started a moment ago and still there? */
static bool may_not_listen_yet(const struct wsm_hosts *hosts, uint64_t id)
{
    const struct child *child = find_child(hosts, id);

    return child != NULL && wsm_now_us() < child->listens_by_us;
}

static bool is_watched(const struct wsm_hosts *hosts, uint64_t id)
{
    const struct wsm_list *node;

    if (find_child(hosts, id) != NULL)
        return true;
    WSM_LIST_FOREACH (node, &hosts->found)
        if (WSM_CONTAINER_OF(node, const struct found, node)->id == id)
            return true;
    return false;
}

static void found_free(struct found *found)
{
    int fd = found->watch.fd;

    wsm_watch_stop(found->hosts->loop, &found->watch);
    wsm_list_remove(&found->node);
    if (fd >= 0)
        close(fd);
    free(found);
}

static void on_found_end(struct wsm_watch *watch, uint32_t events)
{
    struct found *found = WSM_CONTAINER_OF(watch, struct found, watch);

    (void)events;
    wsm_log_debug("shell host %016" PRIx64 " of an earlier monitor has ended", found->id);
    wsm_host_record_remove(found->hosts->dir, found->id);
    found_free(found);
}

/* Its entry will go when it ends. The start time is asked after the descriptor is there:
 * only so is it certain whose end that will tell. */
static bool found_watch(struct found *found, const struct wsm_host_record *record,
                        struct wsm_error *err)
{
    int fd = (int)syscall(SYS_pidfd_open, record->pid, 0);
    uint64_t start;

    if (fd < 0 && errno != ESRCH)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "pidfd_open: %s", strerror(errno));
    if (fd < 0 || !wsm_process_start(record->pid, &start) || start != record->start) {
        if (fd >= 0)
            close(fd);
        return wsm_fail(err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "has ended meanwhile");
    }
    if (wsm_watch_start(found->hosts->loop, &found->watch, fd, EPOLLIN, on_found_end, err))
        return true;
    close(fd);
    return false;
}

/* One that cannot be watched serves all the same; a later scan removes its entry. */
static void watch_found(struct wsm_hosts *hosts, uint64_t id, const struct wsm_host_record *record)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct found *found;

    if (is_watched(hosts, id))
        return;
    found = calloc(1, sizeof(*found));
    if (found == NULL) {
        wsm_log_error("shell host %016" PRIx64 ": out of memory", id);
        return;
    }
    found->hosts = hosts;
    found->id = id;
    found->watch.fd = -1;
    wsm_list_add(&hosts->found, &found->node);
    if (found_watch(found, record, &err))
        return;
    if (err.code == ERROR_WSMAN_UNEXPECTED_SELECTORS)
        wsm_host_record_remove(hosts->dir, id);
    wsm_log_warning("shell host %016" PRIx64 ": %s", id, wsm_error_text(&err));
    wsm_error_clear(&err);
    found_free(found);
}

/* One try. *out_fd is -1 if it is worth trying again. */
static bool connect_once(const struct dial *dial, int *out_fd, struct wsm_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[WSM_HOST_NAME_SIZE];
    int error;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "socket: %s", strerror(errno));
    wsm_host_socket_name(dial->id, name);
    memcpy(address.sun_path, name, sizeof(name));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        *out_fd = fd;
        return true;
    }
    error = errno;
    close(fd);
    *out_fd = -1;
    if (error == EAGAIN || (error == ECONNREFUSED && may_not_listen_yet(dial->hosts, dial->id)))
        return true;
    if (error != ECONNREFUSED && error != ENOENT)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "shell host %016" PRIx64 ": %s", dial->id,
                        strerror(error));
    wsm_host_record_remove(dial->hosts->dir, dial->id);
    return wsm_fail(err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "shell host %016" PRIx64 " is gone",
                    dial->id);
}

/* A quarter more each time: late by that fraction at most. */
static int64_t next_retry_us(int64_t retry_us)
{
    int64_t next = retry_us + retry_us / 4;

    return next < RETRY_LAST_US ? next : RETRY_LAST_US;
}

static void on_dial_time(struct wsm_timer *timer)
{
    struct dial *dial = WSM_CONTAINER_OF(timer, struct dial, timer);
    struct wsm_error err = WSM_ERROR_INIT;
    int fd = -1;

    if (!connect_once(dial, &fd, &err) || (fd >= 0 && !check_peer(dial, fd, &err))) {
        dial_failed(dial, &err);
    } else if (fd >= 0) {
        struct wsm_hosts *hosts = dial->hosts;
        struct wsm_host_record record = dial->record;
        uint64_t request = dial->request, id = dial->id;

        dial_free(dial);
        watch_found(hosts, id, &record);
        hosts->events->on_connected(hosts, request, id, &record, fd);
    } else if (wsm_now_us() >= dial->until_us) {
        wsm_fail(&err, ERROR_TIMEOUT, "shell host %016" PRIx64 " did not answer within %d ms",
                 dial->id, WSM_HOSTS_CONNECT_MS);
        dial_failed(dial, &err);
    } else {
        wsm_timer_start_us(dial->hosts->loop, &dial->timer, dial->retry_us);
        dial->retry_us = next_retry_us(dial->retry_us);
    }
    if (fd >= 0)
        close(fd);
    wsm_error_clear(&err);
}

/* A socket in the run directory on which the host will listen, with a new random id. */
static bool bind_socket(int *out_fd, uint64_t *out_id, struct wsm_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[WSM_HOST_NAME_SIZE];
    uint64_t id = 0;
    mode_t mask;
    int fd, result;

    while (id == 0)
        if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
            return wsm_fail(err, ERROR_INTERNAL_ERROR, "getrandom: %s", strerror(errno));
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "socket: %s", strerror(errno));
    wsm_host_socket_name(id, name);
    memcpy(address.sun_path, name, sizeof(name));
    mask = umask(0177); /* mode 0600 from birth */
    result = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (result != 0) {
        wsm_fail(err, ERROR_INTERNAL_ERROR, "run directory, %s: %s", name, strerror(errno));
        close(fd);
        return false;
    }
    *out_fd = fd;
    *out_id = id;
    return true;
}

static bool spawn_host(const struct wsm_hosts_options *options, int socket_fd, int connected_fd,
                       pid_t *out_pid, struct wsm_error *err)
{
    char *argv[] = { (char *)(uintptr_t)options->program,
                     (char *)(uintptr_t) "--nofile",
                     (char *)(uintptr_t)options->nofile,
                     (char *)(uintptr_t) "--connected-fd",
                     (char *)(uintptr_t) "4",
                     options->watch_fd >= 0 ? (char *)(uintptr_t) "--watch-fd" : NULL,
                     (char *)(uintptr_t) "5",
                     NULL };
    const int fds[] = { socket_fd, connected_fd, options->watch_fd };
    struct wsm_spawn spawn = { .path = options->program,
                               .argv = argv,
                               .environment = options->environment,
                               .fds = fds,
                               .fd_count = options->watch_fd >= 0 ? 3 : 2,
                               .group = WSM_SPAWN_OWN_SESSION };

    return wsm_spawn_run(&spawn, out_pid, err);
}

static void child_free(struct wsm_hosts *hosts, struct child *child)
{
    wsm_list_remove(&child->node);
    hosts->child_count--;
    free(child);
}

/* The host runs, but only with its record would a later monitor or net find it: without
 * one it ends, which whoever has its connection sees. */
static void keep_record(struct wsm_hosts *hosts, const struct child *child,
                        struct wsm_host_record *record)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_process_start(child->pid, &record->start))
        wsm_fail(&err, ERROR_INTERNAL_ERROR, "/proc/%d/stat cannot be read", child->pid);
    else if (wsm_host_record_save(hosts->dir, child->id, record, &err))
        return;
    wsm_log_error("shell host %016" PRIx64 ": %s", child->id, wsm_error_text(&err));
    wsm_error_clear(&err);
    kill(child->pid, SIGKILL); /* its files go when it is reaped */
}

/* Fills child->pid and child->id. *out_fd, the other end of its first connection, is owned
 * by the caller. */
static bool start_connected(struct wsm_hosts *hosts, struct child *child, int *out_fd,
                            struct wsm_error *err)
{
    int pair[2];
    int fd = -1;
    bool ok;

    if (!wsm_channel_pair(pair, err))
        return false;
    ok = bind_socket(&fd, &child->id, err);
    if (ok && !spawn_host(&hosts->options, fd, pair[1], &child->pid, err)) {
        wsm_host_record_remove(hosts->dir, child->id);
        ok = false;
    }
    if (fd >= 0)
        close(fd); /* else a connection to a dead host would succeed */
    close(pair[1]);
    if (ok)
        *out_fd = pair[0];
    else
        close(pair[0]);
    return ok;
}

bool wsm_hosts_start(struct wsm_hosts *hosts, uint64_t request, const char *shell_id,
                     const char *owner, struct wsm_error *err)
{
    struct wsm_host_record record = { .uid = hosts->options.uid };
    struct child *child;
    int fd;

    if (hosts->child_count == WSM_HOSTS_MAX)
        return wsm_fail(err, ERROR_WSMAN_QUOTA_SYSTEM, "%d shell hosts are running, no more start",
                        WSM_HOSTS_MAX);
    if (!wsm_shell_id_is_valid(wsm_span_str(shell_id)) || owner[0] == '\0' ||
        strlen(owner) > WSM_LOGON_USER_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "shell id or owner is malformed");
    memcpy(record.shell_id, shell_id, strlen(shell_id));
    memcpy(record.owner, owner, strlen(owner));
    child = calloc(1, sizeof(*child));
    if (child == NULL)
        return wsm_fail_memory(err, "shell host");
    if (!start_connected(hosts, child, &fd, err)) {
        free(child);
        return false;
    }
    record.pid = child->pid;
    child->listens_by_us = wsm_now_us() + WSM_HOSTS_CONNECT_MS * INT64_C(1000);
    wsm_list_add(&hosts->children, &child->node);
    hosts->child_count++;
    hosts->events->on_connected(hosts, request, child->id, &record, fd);
    close(fd);
    /* Last: /proc cannot be read before the new program is loaded, and meanwhile net and
     * the host can begin to talk. */
    keep_record(hosts, child, &record);
    return true;
}

bool wsm_hosts_connect(struct wsm_hosts *hosts, uint64_t request, uint64_t id,
                       struct wsm_error *err)
{
    struct wsm_error why = WSM_ERROR_INIT;
    struct wsm_host_record record;

    if (id == 0 || !wsm_host_record_load(hosts->dir, id, &record, &why)) {
        wsm_error_clear(&why);
        return wsm_fail(err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "there is no shell host %016" PRIx64,
                        id);
    }
    return dial_new(hosts, DIAL_KNOWN, request, id, &record) != NULL ||
           wsm_fail_memory(err, "shell host");
}

/* Adds the id to the scan, which has room for *room. */
static bool scan_add(struct wsm_hosts *hosts, uint64_t id, size_t *room)
{
    uint64_t *grown;

    if (hosts->scan_count == *room) {
        grown = reallocarray(hosts->scan, *room * 2, sizeof(*grown));
        if (grown == NULL)
            return false;
        hosts->scan = grown;
        *room *= 2;
    }
    hosts->scan[hosts->scan_count++] = id;
    return true;
}

/* What a monitor left behind that died while it started a host: ours have their record
 * before we come here, so a socket without one belongs to nobody, nor does a half record. */
static void remove_leftover(const struct wsm_hosts *hosts, const char *name)
{
    uint64_t id = wsm_host_name_parse(name, ".sock");
    char record_name[WSM_HOST_NAME_SIZE];

    if (wsm_host_name_parse(name, ".host.tmp") != 0)
        wsm_run_dir_remove(hosts->dir, name);
    if (id == 0)
        return;
    wsm_host_record_name(id, record_name);
    if (faccessat(hosts->dir->fd, record_name, F_OK, 0) != 0 && errno == ENOENT)
        wsm_run_dir_remove(hosts->dir, name);
}

static bool scan_directory(struct wsm_hosts *hosts)
{
    int fd = openat(hosts->dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    size_t room = 16;
    bool ok = true;

    if (entries == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    hosts->scan = calloc(room, sizeof(*hosts->scan));
    ok = hosts->scan != NULL;
    while (ok && (entry = readdir(entries)) != NULL) {
        uint64_t id = wsm_host_name_parse(entry->d_name, ".host");

        if (id != 0)
            ok = scan_add(hosts, id, &room);
        else
            remove_leftover(hosts, entry->d_name);
    }
    closedir(entries);
    return ok;
}

static void end_scan(struct wsm_hosts *hosts)
{
    wsm_timer_stop(&hosts->scan_timer);
    free(hosts->scan);
    hosts->scan = NULL;
    hosts->scan_next = hosts->scan_count = 0;
}

void wsm_hosts_start_scan(struct wsm_hosts *hosts)
{
    wsm_hosts_cancel(hosts);
    if (!scan_directory(hosts))
        wsm_log_error("run directory: looking for shell hosts: %s", strerror(errno));
    wsm_timer_start(hosts->loop, &hosts->scan_timer, 0);
}

void wsm_hosts_resume_scan(struct wsm_hosts *hosts)
{
    if (hosts->scan != NULL)
        wsm_timer_start(hosts->loop, &hosts->scan_timer, 0);
}

static void scan_one(struct wsm_hosts *hosts, uint64_t id)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_host_record record;

    if (!wsm_host_record_load(hosts->dir, id, &record, &err))
        wsm_log_warning("shell host %016" PRIx64 ": %s", id, wsm_error_text(&err));
    else if (dial_new(hosts, DIAL_SCAN, 0, id, &record) == NULL)
        wsm_log_error("shell host %016" PRIx64 ": out of memory", id);
    wsm_error_clear(&err);
}

/* Goes on with the scan: armed by its start, by the end of each of its dials, and when
 * the way to net is free again. */
static void on_scan_time(struct wsm_timer *timer)
{
    struct wsm_hosts *hosts = WSM_CONTAINER_OF(timer, struct wsm_hosts, scan_timer);

    while (hosts->scan_next < hosts->scan_count && hosts->scan_active < WSM_HOSTS_SCAN_AT_ONCE &&
           hosts->events->can_take(hosts))
        scan_one(hosts, hosts->scan[hosts->scan_next++]);
    if (hosts->scan_next == hosts->scan_count && hosts->scan_active == 0) {
        end_scan(hosts);
        hosts->events->on_scan_end(hosts);
    }
}

void wsm_hosts_cancel(struct wsm_hosts *hosts)
{
    struct wsm_list *node, *tmp;

    WSM_LIST_FOREACH_SAFE (node, tmp, &hosts->dials)
        dial_free(WSM_CONTAINER_OF(node, struct dial, node));
    end_scan(hosts);
}

void wsm_hosts_clear(struct wsm_hosts *hosts)
{
    struct wsm_list *node, *tmp;

    if (hosts->loop == NULL)
        return; /* never initialised */
    wsm_hosts_cancel(hosts);
    WSM_LIST_FOREACH_SAFE (node, tmp, &hosts->children)
        child_free(hosts, WSM_CONTAINER_OF(node, struct child, node));
    WSM_LIST_FOREACH_SAFE (node, tmp, &hosts->found)
        found_free(WSM_CONTAINER_OF(node, struct found, node));
}

static struct child *find_process(const struct wsm_hosts *hosts, pid_t pid)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &hosts->children) {
        struct child *child = WSM_CONTAINER_OF(node, struct child, node);

        if (child->pid == pid)
            return child;
    }
    return NULL;
}

bool wsm_hosts_on_exit(struct wsm_hosts *hosts, pid_t pid, int status)
{
    struct child *child = find_process(hosts, pid);

    if (child == NULL)
        return false;
    wsm_host_record_remove(hosts->dir, child->id);
    wsm_log(status == 0 ? WSM_LOG_DEBUG : WSM_LOG_WARNING,
            "shell host %016" PRIx64 " has ended, status %x", child->id, (unsigned)status);
    child_free(hosts, child);
    return true;
}
