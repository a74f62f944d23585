/* What the monitor keeps of a shell host in the run directory. The monitor's only thread.
 * Does not connect (hosts.c). */
#include "monitor/host_record.h"

#include "wsmerror.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ID_DIGITS = 16 };

void wsm_host_socket_name(uint64_t id, char out[WSM_HOST_NAME_SIZE])
{
    snprintf(out, WSM_HOST_NAME_SIZE, "%016" PRIx64 ".sock", id);
}

void wsm_host_record_name(uint64_t id, char out[WSM_HOST_NAME_SIZE])
{
    snprintf(out, WSM_HOST_NAME_SIZE, "%016" PRIx64 ".host", id);
}

uint64_t wsm_host_name_parse(const char *name, const char *suffix)
{
    uint64_t id = 0;

    if (strlen(name) != ID_DIGITS + strlen(suffix) || strcmp(name + ID_DIGITS, suffix) != 0)
        return 0;
    for (size_t i = 0; i < ID_DIGITS; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, name[i], sizeof(digits) - 1);

        if (digit == NULL)
            return 0;
        id = id << 4 | (uint64_t)(digit - digits);
    }
    return id;
}

bool wsm_shell_id_is_valid(struct wsm_span text)
{
    struct wsm_guid unused;

    return text.len == WSM_GUID_LEN && wsm_guid_parse(text, &unused);
}

void wsm_host_record_write(const struct wsm_host_record *record, struct wsm_buf *out)
{
    wsm_buf_printf(out, "shell=%s\nowner=%s\nuid=%u\npid=%d\nstart=%" PRIu64 "\n", record->shell_id,
                   record->owner, record->uid, record->pid, record->start);
}

/* Takes "NAME=VALUE\n" off the text. */
static bool take_line(struct wsm_span *text, const char *name, struct wsm_span *out_value)
{
    size_t name_len = strlen(name);
    const uint8_t *end = text->len == 0 ? NULL : memchr(text->ptr, '\n', text->len);
    size_t len = end == NULL ? 0 : (size_t)(end - text->ptr);

    if (len < name_len + 1 || memcmp(text->ptr, name, name_len) != 0 || text->ptr[name_len] != '=')
        return false;
    *out_value = wsm_span_of(text->ptr + name_len + 1, len - name_len - 1);
    text->ptr += len + 1;
    text->len -= len + 1;
    return true;
}

static bool take_number(struct wsm_span *text, const char *name, uint64_t highest, uint64_t *out)
{
    struct wsm_span value;
    uint64_t number = 0;

    if (!take_line(text, name, &value) || value.len == 0)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = (unsigned)value.ptr[i] - '0';

        if (digit > 9 || number > (highest - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return true;
}

bool wsm_host_record_parse(struct wsm_span text, struct wsm_host_record *out, struct wsm_error *err)
{
    struct wsm_host_record record = { 0 };
    struct wsm_span shell, owner;
    uint64_t uid, pid, start;

    if (!take_line(&text, "shell", &shell) || !wsm_shell_id_is_valid(shell) ||
        !take_line(&text, "owner", &owner) || owner.len == 0 || owner.len > WSM_LOGON_USER_MAX ||
        memchr(owner.ptr, '\0', owner.len) != NULL ||
        !take_number(&text, "uid", UINT32_MAX - 1, &uid) ||
        !take_number(&text, "pid", INT32_MAX, &pid) || pid == 0 ||
        !take_number(&text, "start", UINT64_MAX, &start) || text.len != 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "malformed record of a shell host");
    memcpy(record.shell_id, shell.ptr, shell.len);
    memcpy(record.owner, owner.ptr, owner.len);
    record.uid = (uid_t)uid;
    record.pid = (pid_t)pid;
    record.start = start;
    *out = record;
    return true;
}

bool wsm_host_record_save(const struct wsm_run_dir *dir, uint64_t id,
                          const struct wsm_host_record *record, struct wsm_error *err)
{
    char name[WSM_HOST_NAME_SIZE];
    struct wsm_buf text = WSM_BUF_INIT;
    bool ok;

    wsm_host_record_name(id, name);
    wsm_host_record_write(record, &text);
    ok = wsm_buf_ok(&text) ? wsm_run_dir_write(dir, name, wsm_buf_span(&text), true, err)
                           : wsm_fail_memory(err, "host record");
    wsm_buf_clear(&text);
    return ok;
}

bool wsm_host_record_load(const struct wsm_run_dir *dir, uint64_t id, struct wsm_host_record *out,
                          struct wsm_error *err)
{
    char name[WSM_HOST_NAME_SIZE];
    struct wsm_buf text = WSM_BUF_INIT;
    bool ok;

    wsm_host_record_name(id, name);
    ok = wsm_run_dir_read(dir, name, WSM_HOST_RECORD_MAX, &text, err) &&
         wsm_host_record_parse(wsm_buf_span(&text), out, err);
    wsm_buf_clear(&text);
    return ok;
}

void wsm_host_record_remove(const struct wsm_run_dir *dir, uint64_t id)
{
    char name[WSM_HOST_NAME_SIZE];

    wsm_host_socket_name(id, name);
    wsm_run_dir_remove(dir, name);
    wsm_host_record_name(id, name);
    wsm_run_dir_remove(dir, name);
}

/* Field 22, counted from behind the command name, which may itself hold anything. */
bool wsm_process_start(pid_t pid, uint64_t *out_start)
{
    enum { FIELDS_AFTER_NAME = 20 };
    char path[32], text[1024];
    const char *at;
    char *end;
    ssize_t count;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    count = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (count <= 0)
        return false;
    text[count] = '\0';
    at = strrchr(text, ')');
    for (int i = 0; at != NULL && i < FIELDS_AFTER_NAME; i++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return false;
    *out_start = strtoull(at + 1, &end, 10);
    return end != at + 1;
}
