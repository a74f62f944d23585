/* The run directory. The monitor's only thread; the lock may block, before the loop runs. */
#include "monitor/run_dir.h"

#include "wsmerror.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 50, NAME_SIZE = 64 };

static bool check_directory(int fd, const char *path, struct wsm_error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return wsm_fail(err, ERROR_ACCESS_DENIED, "RunDirectory %s: %s", path, strerror(errno));
    if (st.st_uid != geteuid())
        return wsm_fail(err, ERROR_ACCESS_DENIED,
                        "RunDirectory %s: owned by user %u, must be owned by user %u", path,
                        st.st_uid, geteuid());
    if ((st.st_mode & 07777) != 0700)
        return wsm_fail(err, ERROR_ACCESS_DENIED, "RunDirectory %s: mode %04o, must be 0700", path,
                        st.st_mode & 07777);
    return true;
}

bool wsm_run_dir_open(struct wsm_run_dir *dir, const char *path, struct wsm_error *err)
{
    int fd;

    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return wsm_fail(err, ERROR_ACCESS_DENIED, "RunDirectory %s: %s", path, strerror(errno));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        bool is_link = errno == ELOOP || errno == ENOTDIR;

        return wsm_fail(err, ERROR_ACCESS_DENIED, "RunDirectory %s: %s", path,
                        is_link ? "not a directory (a symbolic link is not followed)"
                                : strerror(errno));
    }
    if (!check_directory(fd, path, err)) {
        close(fd);
        return false;
    }
    dir->fd = fd;
    dir->lock_fd = -1;
    return true;
}

/* Nothing tells when a lock becomes free but trying; the loop does not run yet. */
static bool try_lock(int fd, int wait_ms)
{
    const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || wait_ms <= 0)
            return false;
        nanosleep(&pause, NULL);
        wait_ms -= RETRY_MS;
    }
    return true;
}

bool wsm_run_dir_lock(struct wsm_run_dir *dir, const char *path, int wait_ms, struct wsm_error *err)
{
    int fd = openat(dir->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return wsm_fail(err, ERROR_ACCESS_DENIED, "%s/lock: %s", path, strerror(errno));
    if (!try_lock(fd, wait_ms)) {
        close(fd);
        return wsm_fail(err, ERROR_BUSY, "RunDirectory %s is in use by another winrmd", path);
    }
    dir->lock_fd = fd;
    return true;
}

bool wsm_run_dir_enter(const struct wsm_run_dir *dir, struct wsm_error *err)
{
    if (fchdir(dir->fd) != 0)
        return wsm_fail(err, ERROR_ACCESS_DENIED, "RunDirectory: %s", strerror(errno));
    return true;
}

void wsm_run_dir_close(struct wsm_run_dir *dir)
{
    if (dir->lock_fd >= 0)
        close(dir->lock_fd);
    if (dir->fd >= 0)
        close(dir->fd);
    dir->fd = dir->lock_fd = -1;
}

bool wsm_run_dir_read(const struct wsm_run_dir *dir, const char *name, size_t most,
                      struct wsm_buf *out, struct wsm_error *err)
{
    int fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    bool ok = false;
    ssize_t count;

    if (fd < 0)
        return wsm_fail(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : ERROR_ACCESS_DENIED,
                        "run directory, %s: %s", name, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_size < 0 ||
        (size_t)st.st_size > most) {
        wsm_fail(err, ERROR_ACCESS_DENIED, "run directory, %s: not a file of ours", name);
        goto out;
    }
    if (!wsm_buf_reserve(out, most)) {
        wsm_fail_memory(err, "run directory");
        goto out;
    }
    count = read(fd, wsm_buf_end(out), most);
    if (count < 0) {
        wsm_fail(err, ERROR_ACCESS_DENIED, "run directory, %s: %s", name, strerror(errno));
        goto out;
    }
    wsm_buf_added(out, (size_t)count);
    ok = true;
out:
    close(fd);
    return ok;
}

/* "Access denied" only where that is the reason: clients take it for a refused log-on. */
static uint32_t code_of(int error)
{
    bool is_denied = error == EACCES || error == EPERM || error == EROFS || error == EEXIST;

    return is_denied ? ERROR_ACCESS_DENIED : ERROR_INTERNAL_ERROR;
}

/* All of it, or errno says why not. */
static bool write_all(int fd, struct wsm_span text)
{
    ssize_t count = write(fd, text.ptr, text.len);

    if (count >= 0 && (size_t)count < text.len)
        errno = ENOSPC; /* so few bytes are taken in part only by a disk that is full */
    return count == (ssize_t)text.len;
}

bool wsm_run_dir_write(const struct wsm_run_dir *dir, const char *name, struct wsm_span text,
                       bool is_new, struct wsm_error *err)
{
    char temporary[NAME_SIZE];
    int length = snprintf(temporary, sizeof(temporary), "%s.tmp", name);
    bool ok;
    int fd;

    if (length < 0 || (size_t)length >= sizeof(temporary))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "run directory: name %s is too long", name);
    unlinkat(dir->fd, temporary, 0); /* left by a monitor that died here */
    fd = openat(dir->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return wsm_fail(err, code_of(errno), "run directory, %s: %s", temporary, strerror(errno));
    ok = write_all(fd, text) &&
         renameat2(dir->fd, temporary, dir->fd, name, is_new ? RENAME_NOREPLACE : 0) == 0;
    if (!ok) {
        wsm_fail(err, code_of(errno), "run directory, %s: %s", name, strerror(errno));
        unlinkat(dir->fd, temporary, 0);
    }
    close(fd);
    return ok;
}

void wsm_run_dir_remove(const struct wsm_run_dir *dir, const char *name)
{
    unlinkat(dir->fd, name, 0);
}
