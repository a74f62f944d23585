/* wsm_users_refresh, wsm_users_merge: the users file. What is accepted stays the same, but for
 * the one user, when `user add` has been over it; what is refused leaves no user. The input is
 * the file. No password is checked: crypt(3) is slow by design. */
#include "auth/users.h"
#include "auth/users_file.h"
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const char new_hash[] = "$y$j9T$fuzz$fuzz";

static int file = -1;
static char path[64];

static void write_file(struct wsm_span text)
{
    if (file < 0) {
        file = memfd_create("users", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
        check(file >= 0 && fchmod(file, 0600) == 0);
    }
    check(ftruncate(file, 0) == 0);
    check(pwrite(file, text.ptr, text.len, 0) == (ssize_t)text.len);
}

static void add_user(const struct wsm_users *before, struct wsm_span text, const char *name)
{
    struct wsm_span user = wsm_span_str(name);
    struct wsm_users after = { 0 };
    struct wsm_buf merged = WSM_BUF_INIT;
    bool is_known = wsm_users_find(before, user) != NULL;
    bool is_new = is_known;

    if (wsm_users_merge(text, "users", user, new_hash, &merged, &is_new, NULL)) {
        check(is_new != is_known);
        write_file(wsm_buf_span(&merged));
        check(wsm_users_refresh(&after, path, NULL)); /* else nobody could log on any more */
        check(after.count == before->count + is_new);
        check(strcmp(wsm_users_find(&after, user)->hash, new_hash) == 0);
        for (size_t i = 0; i < before->count; i++)
            check(strcmp(after.users[i].name, before->users[i].name) == 0 &&
                  (strcmp(after.users[i].name, name) == 0 ||
                   strcmp(after.users[i].hash, before->users[i].hash) == 0));
    } else { /* there is no room for one more */
        check(is_new == is_known);
        check(before->count == WSM_USERS_MAX || text.len + 100 > WSM_USERS_FILE_MAX);
    }
    wsm_users_clear(&after);
    wsm_buf_clear(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wsm_span text = wsm_span_of(data, size);
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_users users = { 0 };

    write_file(text);
    if (wsm_users_refresh(&users, path, &err)) {
        check(users.count <= WSM_USERS_MAX && wsm_users_refresh(&users, path, &err));
        for (size_t i = 0; i < users.count; i++)
            check(wsm_user_name_check(wsm_span_str(users.users[i].name), NULL) &&
                  wsm_users_find(&users, wsm_span_str(users.users[i].name)) == &users.users[i]);
        add_user(&users, text, "newcomer");
        if (users.count > 0)
            add_user(&users, text, users.users[users.count / 2].name);
    } else {
        check(users.count == 0 && users.users == NULL && !users.is_loaded && err.code != 0);
    }
    wsm_error_clear(&err);
    wsm_users_clear(&users);
    return 0;
}
