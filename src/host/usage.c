/* How much runs under the host: walks from children to children, so that it costs what runs
 * there and not what runs on the machine. The host's only thread. Takes no memory. */
#include "host/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

/* What was found so far. */
struct walk {
    pid_t pids[WSM_USAGE_PROCESSES_MAX];
    size_t count;
    size_t tasks; /* looked at */
};

static void walk_add(struct walk *walk, pid_t pid)
{
    if (pid > 0 && walk->count < WSM_USAGE_PROCESSES_MAX)
        walk->pids[walk->count++] = pid;
}

/* Adds the children that this task has started or inherited. */
static void add_children(struct walk *walk, const char *pid, const char *task)
{
    char path[64];
    char text[512];
    pid_t child = 0;
    ssize_t len;
    int fd;

    snprintf(path, sizeof(path), "/proc/%.10s/task/%.10s/children", pid, task);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while ((len = read(fd, text, sizeof(text))) > 0) {
        for (ssize_t i = 0; i < len; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                child = child * 10 + (text[i] - '0');
                continue;
            }
            walk_add(walk, child);
            child = 0;
        }
    }
    close(fd);
}

static void add_children_of_tasks(struct walk *walk, pid_t pid)
{
    _Alignas(struct dirent64) char entries[1024];
    char path[64];
    char name[16];
    ssize_t len;
    int fd;

    snprintf(name, sizeof(name), "%d", (int)pid);
    snprintf(path, sizeof(path), "/proc/%s/task", name);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    while ((len = getdents64(fd, entries, sizeof(entries))) > 0) {
        for (ssize_t at = 0; at < len;) {
            const struct dirent64 *entry = (const void *)(entries + at);

            if (entry->d_name[0] != '.' && walk->tasks++ < WSM_USAGE_TASKS_MAX)
                add_children(walk, name, entry->d_name);
            at += entry->d_reclen;
        }
    }
    close(fd);
}

/* Resident pages; 0: there is no such process any more. */
static uint64_t resident_pages(pid_t pid)
{
    char path[64];
    char text[128];
    char *end;
    ssize_t len;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    len = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (len <= 0)
        return 0;
    text[len] = '\0';
    strtoull(text, &end, 10); /* all pages */
    return strtoull(end, NULL, 10);
}

void wsm_usage_read(struct wsm_usage *out)
{
    uint64_t page_kib = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
    struct walk walk;

    walk.count = 0;
    walk.tasks = 0;
    *out = (struct wsm_usage){ .memory_kib = resident_pages(getpid()) * page_kib };
    add_children_of_tasks(&walk, getpid());
    for (size_t i = 0; i < walk.count; i++) {
        uint64_t pages = resident_pages(walk.pids[i]);

        if (pages == 0)
            continue;
        out->processes++;
        out->memory_kib += pages * page_kib;
        add_children_of_tasks(&walk, walk.pids[i]);
    }
}
