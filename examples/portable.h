/* What the examples need of windows.h. On Windows this is windows.h itself; elsewhere the same
 * names over POSIX threads, as far as the examples use them, so that they compile unchanged. A
 * program that is for Linux only needs none of it: it uses its own threads, and wsmext.h for text.
 *
 * Include it once, from a program of one source file, after the version macro of wsman.h. */
#ifndef PORTABLE_H
#define PORTABLE_H

#ifdef _WIN32

#ifndef UNICODE
#define UNICODE /* TEXT("...") is wide */
#endif
#include <windows.h>
#ifdef __MINGW32__
/* mingw-w64's wsman.h names this type ahead of its declaration (seen with release 10). */
typedef union _WSMAN_RESPONSE_DATA WSMAN_RESPONSE_DATA;
#endif
#include <wsman.h>

#else

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* POSIX and explicit_bzero, with -std=c17 too */
#endif
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>
#include <wsmerror.h>
#include <wsmext.h>

#define TEXT(text)        WSMAN_TEXT(text)
#define INFINITE          0xFFFFFFFFU
#define WAIT_OBJECT_0     0U
#define WAIT_FAILED       0xFFFFFFFFU
#define CP_ACP            0U /* here: UTF-8 */
#define CTRL_C_EVENT      0U
#define STD_OUTPUT_HANDLE ((DWORD)-11)
#define STD_ERROR_HANDLE  ((DWORD)-12)

typedef int32_t LONG;
typedef DWORD(WINAPI *LPTHREAD_START_ROUTINE)(PVOID argument);
typedef BOOL(WINAPI *PHANDLER_ROUTINE)(DWORD type);

typedef struct _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;

/* ---- Events and threads ----
 *
 * One lock and one condition for all: who waits looks at its objects again whenever one is set. */

struct portable_object {
    BOOL is_set;
    BOOL is_manual;
    int references; /* the handle, and the running thread */
    LPTHREAD_START_ROUTINE function;
    PVOID argument;
};

static pthread_mutex_t portable_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t portable_changed = PTHREAD_COND_INITIALIZER;

static inline HANDLE CreateEvent(void *security, BOOL is_manual, BOOL is_set, PCWSTR name)
{
    struct portable_object *object = calloc(1, sizeof(*object));

    (void)security;
    (void)name;
    if (object != NULL)
        *object = (struct portable_object){ is_set, is_manual, 1, NULL, NULL };
    return object;
}

static inline BOOL SetEvent(HANDLE handle)
{
    struct portable_object *object = handle;

    pthread_mutex_lock(&portable_lock);
    object->is_set = TRUE;
    pthread_cond_broadcast(&portable_changed);
    pthread_mutex_unlock(&portable_lock);
    return TRUE;
}

static inline BOOL CloseHandle(HANDLE handle)
{
    struct portable_object *object = handle;
    int left;

    pthread_mutex_lock(&portable_lock);
    left = --object->references;
    pthread_mutex_unlock(&portable_lock);
    if (left == 0)
        free(object);
    return TRUE;
}

/* Waits for any of them, without a time limit. */
static inline DWORD WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL all,
                                           DWORD timeout_ms)
{
    if (all || timeout_ms != INFINITE)
        return WAIT_FAILED;
    pthread_mutex_lock(&portable_lock);
    for (;;) {
        for (DWORD i = 0; i < count; i++) {
            struct portable_object *object = handles[i];

            if (object->is_set) {
                object->is_set = object->is_manual;
                pthread_mutex_unlock(&portable_lock);
                return WAIT_OBJECT_0 + i;
            }
        }
        pthread_cond_wait(&portable_changed, &portable_lock);
    }
}

static inline DWORD WaitForSingleObject(HANDLE handle, DWORD timeout_ms)
{
    return WaitForMultipleObjects(1, &handle, FALSE, timeout_ms);
}

static inline void *portable_thread(void *argument)
{
    struct portable_object *object = argument;

    object->function(object->argument);
    SetEvent(object);
    CloseHandle(object);
    return NULL;
}

static inline HANDLE CreateThread(void *security, size_t stack_size,
                                  LPTHREAD_START_ROUTINE function, PVOID argument, DWORD flags,
                                  DWORD *id)
{
    struct portable_object *object = CreateEvent(security, TRUE, FALSE, NULL);
    pthread_t thread;

    (void)stack_size;
    (void)flags;
    (void)id;
    if (object == NULL)
        return NULL;
    object->references = 2;
    object->function = function;
    object->argument = argument;
    if (pthread_create(&thread, NULL, portable_thread, object) != 0) {
        free(object);
        return NULL;
    }
    pthread_detach(thread);
    return object;
}

static inline LONG InterlockedDecrement(volatile LONG *number)
{
    return __atomic_sub_fetch(number, 1, __ATOMIC_SEQ_CST);
}

static inline LONG InterlockedIncrement(volatile LONG *number)
{
    return __atomic_add_fetch(number, 1, __ATOMIC_SEQ_CST);
}

/* ---- The console ---- */

static PHANDLER_ROUTINE portable_handler;

static inline DWORD WINAPI portable_await_interrupt(PVOID unused)
{
    sigset_t signals;
    int number;

    (void)unused;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    while (sigwait(&signals, &number) == 0) {
        if (!portable_handler(CTRL_C_EVENT))
            _exit(128 + SIGINT);
    }
    return 0;
}

/* Call it before anything that starts threads: they inherit that SIGINT is not for them. */
static inline BOOL SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL add)
{
    sigset_t signals;
    HANDLE thread;

    if (!add)
        return FALSE;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    portable_handler = handler;
    thread = CreateThread(NULL, 0, portable_await_interrupt, NULL, 0, NULL);
    return thread != NULL && CloseHandle(thread);
}

static inline HANDLE GetStdHandle(DWORD which)
{
    return (HANDLE)(intptr_t)(which == STD_ERROR_HANDLE ? STDERR_FILENO : STDOUT_FILENO);
}

static inline BOOL WriteFile(HANDLE file, const void *data, DWORD size, DWORD *out_written,
                             void *overlapped)
{
    DWORD done = 0;

    (void)overlapped;
    while (done < size) {
        ssize_t count = write((int)(intptr_t)file, (const char *)data + done, size - done);

        if (count < 0 && errno != EINTR)
            break;
        if (count > 0)
            done += (DWORD)count;
    }
    *out_written = done;
    return done == size;
}

/* ---- Text ---- */

/* UTF-8 with its NUL to UTF-16; 0 if it is none, or has no room. With room 0: the room needed. */
static inline int MultiByteToWideChar(DWORD code_page, DWORD flags, const char *text, int size,
                                      PWSTR out, int room)
{
    PWSTR wide = code_page == CP_ACP && flags == 0 && size == -1 ? WSManExtUtf8ToUtf16(text) : NULL;
    int units = wide != NULL ? (int)WSManExtUtf16Length(wide) + 1 : 0;

    if (room != 0 && units > room)
        units = 0;
    if (room != 0 && units != 0)
        memcpy(out, wide, (size_t)units * sizeof(WCHAR));
    WSManExtFree(wide);
    return units;
}

/* The other way. */
static inline int WideCharToMultiByte(DWORD code_page, DWORD flags, PCWSTR text, int size,
                                      char *out, int room, const char *default_char,
                                      BOOL *used_default_char)
{
    char *narrow = code_page == CP_ACP && flags == 0 && size == -1 ? WSManExtUtf16ToUtf8(text)
                                                                   : NULL;
    int bytes = narrow != NULL ? (int)strlen(narrow) + 1 : 0;

    (void)default_char;
    (void)used_default_char;
    if (room != 0 && bytes > room)
        bytes = 0;
    if (room != 0 && bytes != 0)
        memcpy(out, narrow, (size_t)bytes);
    WSManExtFree(narrow);
    return bytes;
}

static inline void SecureZeroMemory(void *memory, size_t size)
{
    explicit_bzero(memory, size);
}

/* A random one, as RFC 4122 makes them. Returns 0. */
static inline int32_t CoCreateGuid(GUID *guid)
{
    if (getrandom(guid, sizeof(*guid), 0) != (ssize_t)sizeof(*guid))
        return -1;
    guid->Data3 = (uint16_t)((guid->Data3 & 0x0FFF) | 0x4000);
    guid->Data4[0] = (uint8_t)((guid->Data4[0] & 0x3F) | 0x80);
    return 0;
}

#endif
#endif
