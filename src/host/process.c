/* The processes under the host, found by walking /proc, which costs milliseconds on a full
 * machine: only for what cannot be asked otherwise. The host's only thread. Reaps nothing. */
#include "host/process.h"

#include "base/buf.h"
#include "wsmerror.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STAT_MAX = 1024,  /* one line; the name in it is short */
    LIST_FIRST = 256, /* processes */
    ROUNDS_MAX = 16,  /* of killing, against a command that forks as fast as we kill */
    FIELD_START = 22, /* of /proc/PID/stat, as proc(5) counts */
};

/* Takes a decimal number and the blank behind it off *rest. */
static bool take_number(struct wsm_span *rest, int64_t *out)
{
    bool is_negative = rest->len > 0 && rest->ptr[0] == '-';
    size_t i = is_negative ? 1 : 0;
    size_t first = i;
    uint64_t value = 0;

    for (; i < rest->len && rest->ptr[i] >= '0' && rest->ptr[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(rest->ptr[i] - '0');

        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (i == first || i == rest->len || (rest->ptr[i] != ' ' && rest->ptr[i] != '\n'))
        return false;
    if (is_negative)
        value = 0 - value;
    *out = (int64_t)value;
    *rest = wsm_span_of(rest->ptr + i + 1, rest->len - i - 1);
    return true;
}

bool wsm_process_parse(struct wsm_span stat, struct wsm_process *out)
{
    struct wsm_process process = { .pid = 0 };
    struct wsm_span rest = stat;
    const uint8_t *name_end = stat.len == 0 ? NULL : memrchr(stat.ptr, ')', stat.len);
    const uint8_t *name;
    size_t name_len;
    int64_t number;

    if (name_end == NULL || !take_number(&rest, &number) || rest.len == 0 || *rest.ptr != '(')
        return false;
    process.pid = (pid_t)number;
    name = rest.ptr + 1;
    if (name_end < name || stat.ptr + stat.len - name_end < 4)
        return false;
    name_len = (size_t)(name_end - name);
    memcpy(process.name, name,
           name_len < WSM_PROCESS_NAME_LEN ? name_len : (size_t)WSM_PROCESS_NAME_LEN);
    process.state = (char)name_end[2];
    rest = wsm_span_of(name_end + 4, (size_t)(stat.ptr + stat.len - (name_end + 4)));
    for (int field = 4; field <= FIELD_START; field++) {
        if (!take_number(&rest, &number))
            return false;
        if (field == 4)
            process.parent = (pid_t)number;
        else if (field == 5)
            process.group = (pid_t)number;
        else if (field == 6)
            process.session = (pid_t)number;
    }
    process.start = (uint64_t)number;
    *out = process;
    return true;
}

void wsm_process_list_clear(struct wsm_process_list *list)
{
    free(list->items);
    *list = (struct wsm_process_list){ .items = NULL };
}

/* False: there is no such process (any more). */
static bool read_process(const char *pid, struct wsm_process *out)
{
    char path[64];
    char stat[STAT_MAX];
    ssize_t count;
    int fd;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    count = read(fd, stat, sizeof(stat));
    close(fd);
    return count > 0 && wsm_process_parse(wsm_span_of(stat, (size_t)count), out);
}

static bool list_add(struct wsm_process_list *list, size_t *cap, const struct wsm_process *process)
{
    struct wsm_process *items;
    size_t more = *cap == 0 ? LIST_FIRST : *cap * 2;

    if (list->count == *cap) {
        items = realloc(list->items, more * sizeof(*items));
        if (items == NULL)
            return false;
        list->items = items;
        *cap = more;
    }
    list->items[list->count++] = *process;
    return true;
}

bool wsm_process_list_read(struct wsm_process_list *out, struct wsm_error *err)
{
    struct wsm_process_list list = { .items = NULL };
    struct wsm_process process;
    size_t cap = 0;
    struct dirent *entry;
    DIR *dir = opendir("/proc");

    if (dir == NULL)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "/proc: %s", strerror(errno));
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            !read_process(entry->d_name, &process))
            continue;
        if (!list_add(&list, &cap, &process)) {
            closedir(dir);
            wsm_process_list_clear(&list);
            return wsm_fail_memory(err, "list of processes");
        }
    }
    closedir(dir);
    *out = list;
    return true;
}

/* A mark for each process of a list. */
enum mark { MARK_NONE, MARK_SEED, MARK_UNDER };

static int compare_pids(const void *a, const void *b)
{
    const struct wsm_process *left = a;
    const struct wsm_process *right = b;

    return (left->pid > right->pid) - (left->pid < right->pid);
}

static size_t find_pid(const struct wsm_process_list *list, pid_t pid)
{
    struct wsm_process key = { .pid = pid };
    const struct wsm_process *found = list->count == 0 ? NULL
                                                       : bsearch(&key, list->items, list->count,
                                                                 sizeof(key), compare_pids);

    return found == NULL ? list->count : (size_t)(found - list->items);
}

/* Removes from the (sorted) list what is not marked, after marking whatever descends from
 * something marked. Seeds themselves stay only if keep_seeds. */
static void keep_marked(struct wsm_process_list *list, enum mark *marks, bool keep_seeds)
{
    bool has_changed = true;
    size_t kept = 0;

    while (has_changed) {
        has_changed = false;
        for (size_t i = 0; i < list->count; i++) {
            size_t parent;

            if (marks[i] != MARK_NONE)
                continue;
            parent = find_pid(list, list->items[i].parent);
            if (parent < list->count && marks[parent] != MARK_NONE) {
                marks[i] = MARK_UNDER;
                has_changed = true;
            }
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        if (marks[i] == MARK_UNDER || (keep_seeds && marks[i] == MARK_SEED))
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

static bool is_seed(const struct wsm_process *process, enum wsm_process_scope scope, pid_t leader)
{
    if (scope == WSM_PROCESS_DESCENDANTS)
        return process->pid == leader;
    return process->group == leader || (scope == WSM_PROCESS_COMMAND && process->session == leader);
}

static void keep_living(struct wsm_process_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].state != 'Z' && list->items[i].state != 'X')
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

void wsm_process_list_select(struct wsm_process_list *list, pid_t root,
                             enum wsm_process_scope scope, pid_t leader)
{
    enum mark *marks = calloc(list->count + 1, sizeof(*marks));
    size_t kept = 0;

    if (marks == NULL) {
        list->count = 0; /* nothing, rather than somebody else's process */
        return;
    }
    qsort(list->items, list->count, sizeof(list->items[0]), compare_pids);
    if (find_pid(list, root) < list->count)
        marks[find_pid(list, root)] = MARK_SEED;
    keep_marked(list, marks, false);
    memset(marks, 0, list->count * sizeof(*marks));
    if (scope == WSM_PROCESS_DESCENDANTS && leader == root)
        goto out;
    for (size_t i = 0; i < list->count; i++)
        marks[i] = is_seed(&list->items[i], scope, leader) ? MARK_SEED : MARK_NONE;
    if (scope != WSM_PROCESS_GROUP) {
        keep_marked(list, marks, scope == WSM_PROCESS_COMMAND);
        goto out;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (marks[i] == MARK_SEED)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
out:
    keep_living(list);
    free(marks);
}

/* False: we may not. True: done, or it is gone. The descriptor pins the process; its start
 * time, read afterwards, proves that it is the one that was listed. */
static bool signal_process(const struct wsm_process *process, int number)
{
    struct wsm_process now;
    char pid[16];
    bool is_allowed = true;
    int fd = pidfd_open(process->pid, 0);

    if (fd < 0)
        return true;
    snprintf(pid, sizeof(pid), "%d", (int)process->pid);
    if (read_process(pid, &now) && now.start == process->start)
        is_allowed = pidfd_send_signal(fd, number, NULL, 0) == 0 || errno != EPERM;
    close(fd);
    return is_allowed;
}

/* Is every process of `list` in `before` too? */
static bool has_no_new(const struct wsm_process_list *list, const struct wsm_process_list *before)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t j = 0;

        while (j < before->count && before->items[j].pid != list->items[i].pid)
            j++;
        if (j == before->count)
            return false;
    }
    return true;
}

bool wsm_process_signal_all(enum wsm_process_scope scope, pid_t leader, int number,
                            struct wsm_process_list *out_found, struct wsm_error *err)
{
    struct wsm_process_list before = { .items = NULL };
    struct wsm_process_list list;
    bool is_last = false;

    for (int round = 0; round < ROUNDS_MAX && !is_last; round++) {
        if (!wsm_process_list_read(&list, err)) {
            wsm_process_list_clear(&before);
            return false;
        }
        wsm_process_list_select(&list, getpid(), scope, leader);
        for (size_t i = 0; i < list.count; i++)
            list.items[i].is_refused = !signal_process(&list.items[i], number);
        is_last = number != SIGKILL || has_no_new(&list, &before);
        wsm_process_list_clear(&before);
        before = list;
    }
    if (out_found != NULL)
        *out_found = before;
    else
        wsm_process_list_clear(&before);
    return true;
}

static bool is_known(pid_t pid, const pid_t *known, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (known[i] == pid)
            return true;
    }
    return false;
}

/* Our children do not leave that list before we reap them, so it is whole. */
static bool read_children(struct wsm_buf *out)
{
    char path[64];
    ssize_t count = 0;
    int fd;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while (wsm_buf_reserve(out, STAT_MAX)) {
        count = read(fd, wsm_buf_end(out), STAT_MAX);
        if (count <= 0)
            break;
        wsm_buf_added(out, (size_t)count);
    }
    close(fd);
    return count == 0 && wsm_buf_ok(out);
}

bool wsm_process_has_strangers(const pid_t *known, size_t count)
{
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_span rest;
    siginfo_t info;
    int64_t pid = 0;
    bool has_strangers = true;

    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 && errno == ECHILD)
        return false;
    if (count > 0 && read_children(&text)) {
        rest = wsm_buf_span(&text);
        has_strangers = false;
        while (!has_strangers && rest.len > 0)
            has_strangers = !take_number(&rest, &pid) || !is_known((pid_t)pid, known, count);
    }
    wsm_buf_clear(&text);
    return has_strangers;
}
