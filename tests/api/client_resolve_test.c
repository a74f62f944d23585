/* Names that are looked up slowly. The functions of the C library that look names up are ours
 * here: a name that ends in .slow is answered when the test says so, any other at once, with
 * 127.0.0.1 unless the test says otherwise. */
#include "client_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wsmext.h>

#include <cmocka.h>

enum { SLOW_HOSTS = 4, PATIENCE_S = 20 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t inside; /* slow ones that are being looked up */
    size_t begun;
    bool is_open;      /* slow ones are answered */
    bool was_too_late; /* one had to be answered before the test said so */
    in_addr_t address; /* of all of them */
} names = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static struct timespec deadline(void)
{
    struct timespec when;

    clock_gettime(CLOCK_REALTIME, &when);
    when.tv_sec += PATIENCE_S;
    return when;
}

/* Each name is that of this address from now on. */
static void move_to(in_addr_t address)
{
    pthread_mutex_lock(&names.lock);
    names.address = htonl(address);
    pthread_mutex_unlock(&names.lock);
}

static in_addr_t address_now(void)
{
    in_addr_t address;

    pthread_mutex_lock(&names.lock);
    address = names.address;
    pthread_mutex_unlock(&names.lock);
    return address;
}

static void wait_slowly(void)
{
    struct timespec when = deadline();

    pthread_mutex_lock(&names.lock);
    names.inside++;
    names.begun++;
    pthread_cond_broadcast(&names.changed);
    while (!names.is_open && !names.was_too_late)
        if (pthread_cond_timedwait(&names.changed, &names.lock, &when) != 0)
            names.was_too_late = true;
    names.inside--;
    pthread_cond_broadcast(&names.changed);
    pthread_mutex_unlock(&names.lock);
}

/* In the place of the C library's, for the test and all libraries in it. */
__attribute__((visibility("default"))) int getaddrinfo(const char *restrict name,
                                                       const char *restrict service,
                                                       const struct addrinfo *restrict hints,
                                                       struct addrinfo **restrict out)
{
    struct both {
        struct addrinfo info;
        struct sockaddr_in address;
    } *both = calloc(1, sizeof(*both));
    const char *ending = name == NULL ? NULL : strrchr(name, '.');

    (void)hints;
    if (both == NULL)
        return EAI_MEMORY;
    if (ending != NULL && strcmp(ending, ".slow") == 0)
        wait_slowly();
    both->address = (struct sockaddr_in){ .sin_family = AF_INET,
                                          .sin_port = htons((uint16_t)atol(service)),
                                          .sin_addr.s_addr = address_now() };
    both->info = (struct addrinfo){ .ai_family = AF_INET,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_addrlen = sizeof(both->address),
                                    .ai_addr = (struct sockaddr *)&both->address };
    *out = &both->info;
    return 0;
}

__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo *list)
{
    free(list);
}

static atomic_bool has_no_memory; /* for copies of the name short.test */

/* The same for copies of names. */
__attribute__((visibility("default"))) char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy;

    if (atomic_load(&has_no_memory) && strcmp(text, "short.test") == 0)
        return NULL;
    copy = malloc(size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}

static void wait_for_lookups(size_t count)
{
    struct timespec when = deadline();

    pthread_mutex_lock(&names.lock);
    while (names.begun < count)
        assert_int_equal(pthread_cond_timedwait(&names.changed, &names.lock, &when), 0);
    pthread_mutex_unlock(&names.lock);
}

static void answer_all(void)
{
    struct timespec when = deadline();

    pthread_mutex_lock(&names.lock);
    names.is_open = true;
    pthread_cond_broadcast(&names.changed);
    while (names.inside > 0)
        assert_int_equal(pthread_cond_timedwait(&names.changed, &names.lock, &when), 0);
    pthread_mutex_unlock(&names.lock);
}

static bool was_too_late(void)
{
    bool is;

    pthread_mutex_lock(&names.lock);
    is = names.was_too_late;
    pthread_mutex_unlock(&names.lock);
    return is;
}

/* ---- The client ---- */

static struct fixture *f;

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    pthread_mutex_lock(&names.lock);
    names.is_open = false;
    names.was_too_late = false;
    names.begun = 0;
    names.address = htonl(INADDR_LOOPBACK);
    pthread_mutex_unlock(&names.lock);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    answer_all();
    fixture_free(f);
    return 0;
}

static WSMAN_SESSION_HANDLE open_named(const char *host)
{
    WSMAN_AUTHENTICATION_CREDENTIALS credentials = {
        .authenticationMechanism = WSMAN_FLAG_AUTH_BASIC,
        .userAccount = { .username = TEST_USER, .password = TEST_PASSWORD },
    };
    WSMAN_DATA yes = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };
    WSMAN_SESSION_HANDLE session = NULL;
    char text[64];
    PWSTR connection;

    snprintf(text, sizeof(text), "%s:%u", host, (unsigned)fake_service_port(f->service));
    connection = WSManExtUtf8ToUtf16(text);
    assert_int_equal(WSManCreateSession(f->api, connection, 0, &credentials, NULL, &session), 0);
    WSManExtFree(connection);
    assert_int_equal(WSManSetSessionOption(session, WSMAN_OPTION_UNENCRYPTED_MESSAGES, &yes), 0);
    return session;
}

static WSMAN_SHELL_HANDLE create(WSMAN_SESSION_HANDLE session, struct recorder *recorder)
{
    WSMAN_SHELL_HANDLE shell = NULL;

    recorder->user = recorder;
    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    assert_non_null(shell);
    return shell;
}

static void test_2_4_a_name_is_looked_up_by_the_first_call(void **state)
{
    WSMAN_SESSION_HANDLE session = open_named("quick.test");
    struct fixture own = { .session = session };

    (void)state;
    close_shell(open_shell(&own));
    assert_int_equal(WSManCloseSession(session, 0), 0);
    session = open_named("host.slow");
    assert_int_equal(WSManCloseSession(session, 0), 0);
    assert_int_equal(names.begun, 0);
}

static void test_look_up_without_memory_ends_the_call(void **state)
{
    WSMAN_SESSION_HANDLE session = open_named("short.test");
    struct recorder *recorder = recorder_new();
    struct fixture own = { .session = session };
    WSMAN_SHELL_HANDLE shell;

    (void)state;
    atomic_store(&has_no_memory, true);
    shell = create(session, recorder);
    assert_last_code(recorder, ERROR_OUTOFMEMORY);
    atomic_store(&has_no_memory, false);
    close_shell(shell);
    close_shell(open_shell(&own));
    assert_int_equal(WSManCloseSession(session, 0), 0);
    recorder_free(recorder);
}

/* One to which no connection can even be begun. */
static void test_name_of_a_host_that_has_moved_is_looked_up_again(void **state)
{
    WSMAN_SESSION_HANDLE session = open_named("moves.test");
    struct recorder *recorder = recorder_new();
    struct fixture own = { .session = session };
    WSMAN_SHELL_HANDLE shell;

    (void)state;
    move_to(INADDR_BROADCAST);
    shell = create(session, recorder);
    assert_last_code(recorder, ERROR_WSMAN_DESTINATION_UNREACHABLE);
    close_shell(shell);
    move_to(INADDR_LOOPBACK);
    close_shell(open_shell(&own));
    assert_int_equal(WSManCloseSession(session, 0), 0);
    recorder_free(recorder);
}

static void test_G14_a_slow_look_up_is_given_up_in_time(void **state)
{
    WSMAN_SESSION_HANDLE session = open_named("host.slow");
    WSMAN_DATA soon = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell;

    (void)state;
    assert_int_equal(WSManSetSessionOption(session, WSMAN_OPTION_TIMEOUTMS_CREATE_SHELL, &soon), 0);
    shell = create(session, recorder);
    assert_last_code(recorder, ERROR_WSMAN_NETWORK_TIMEDOUT);
    assert_non_null(strstr(recorder_last(recorder)->detail, "host.slow"));
    assert_non_null(strstr(recorder_last(recorder)->detail, "could not be reached"));
    close_shell(shell);
    assert_int_equal(WSManCloseSession(session, 0), 0);
    recorder_free(recorder);
    assert_false(was_too_late());
}

/* Nobody can call off a look-up that has begun, and nobody waits for it either. */
static void test_2_2_deinitialize_does_not_wait_for_a_look_up(void **state)
{
    WSMAN_SESSION_HANDLE session = open_named("host.slow");
    struct recorder *recorder = recorder_new();
    WSMAN_API_HANDLE api = f->api;

    (void)state;
    (void)create(session, recorder);
    wait_for_lookups(1);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    f->api = NULL;
    assert_int_equal(WSManDeinitialize(api, 0), 0);
    assert_false(was_too_late());
    assert_int_equal(recorder_count(recorder), 1);
    assert_last_code(recorder, ERROR_OPERATION_ABORTED);
    recorder_free(recorder);
    /* Answered while the library is stopped, or started anew: it goes nowhere. */
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &f->api), 0);
    answer_all();
    f->session = open_named("quick.test");
    close_shell(open_shell(f));
}

#ifndef __SANITIZE_THREAD__ /* which takes no new threads behind such a fork */
/* The child has none of the threads that were still busy when it was made. */
static void test_2_2_a_forked_child_looks_names_up_anew(void **state)
{
    enum { FINE = 42, ALL_THREADS = 8, SECONDS = 20 };
    WSMAN_API_HANDLE api = f->api;
    struct recorder *recorders[ALL_THREADS];
    char host[16];
    int status = -1;
    pid_t child;
    int i;

    (void)state;
    for (i = 0; i < ALL_THREADS; i++) {
        snprintf(host, sizeof(host), "h%d.slow", i);
        recorders[i] = recorder_new();
        (void)create(open_named(host), recorders[i]);
    }
    wait_for_lookups(ALL_THREADS);
    f->session = NULL;
    f->api = NULL;
    assert_int_equal(WSManDeinitialize(api, 0), 0);
    child = fork();
    if (child == 0) {
        alarm(SECONDS);
        assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &f->api), 0);
        f->session = open_named("quick.test");
        close_shell(open_shell(f));
        assert_int_equal(WSManDeinitialize(f->api, 0), 0);
        _exit(FINE);
    }
    assert_true(child > 0);
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), FINE);
    for (i = 0; i < ALL_THREADS; i++)
        recorder_free(recorders[i]);
}
#endif

static void test_G14_slow_look_ups_do_not_hold_up_those_of_others(void **state)
{
    struct recorder *recorders[SLOW_HOSTS];
    WSMAN_SESSION_HANDLE sessions[SLOW_HOSTS];
    WSMAN_SHELL_HANDLE shells[SLOW_HOSTS];
    WSMAN_SESSION_HANDLE quick = open_named("quick.test");
    struct fixture own = { .session = quick };
    char host[16];
    int i;

    (void)state;
    for (i = 0; i < SLOW_HOSTS; i++) {
        snprintf(host, sizeof(host), "h%d.slow", i);
        recorders[i] = recorder_new();
        sessions[i] = open_named(host);
        shells[i] = create(sessions[i], recorders[i]);
    }
    close_shell(open_shell(&own));
    assert_false(was_too_late());
    wait_for_lookups(SLOW_HOSTS);
    answer_all();
    for (i = 0; i < SLOW_HOSTS; i++) {
        assert_last_code(recorders[i], 0);
        close_shell(shells[i]);
        assert_int_equal(WSManCloseSession(sessions[i], 0), 0);
        recorder_free(recorders[i]);
    }
    assert_int_equal(WSManCloseSession(quick, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_2_4_a_name_is_looked_up_by_the_first_call),
        TEST(test_look_up_without_memory_ends_the_call),
        TEST(test_name_of_a_host_that_has_moved_is_looked_up_again),
        TEST(test_G14_a_slow_look_up_is_given_up_in_time),
        TEST(test_2_2_deinitialize_does_not_wait_for_a_look_up),
#ifndef __SANITIZE_THREAD__
        TEST(test_2_2_a_forked_child_looks_names_up_anew),
#endif
        TEST(test_G14_slow_look_ups_do_not_hold_up_those_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
