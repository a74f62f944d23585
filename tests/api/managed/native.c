/* The marshalling of the managed layer: what it hands over is gone when the call has returned. */
#include "native.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(sizeof(struct native_data) == 24 && offsetof(struct native_data, buffer) == 16,
               "WSMAN_DATA");
_Static_assert(sizeof(struct native_credentials) == 24, "WSMAN_AUTHENTICATION_CREDENTIALS");
_Static_assert(sizeof(struct native_texts) == 16, "WSMAN_STREAM_ID_SET");
_Static_assert(sizeof(struct native_option) == 24 && sizeof(struct native_options) == 24,
               "WSMAN_OPTION_SET");
_Static_assert(sizeof(struct native_startup) == 48, "WSMAN_SHELL_STARTUP_INFO");
_Static_assert(sizeof(struct native_async) == 16, "WSMAN_SHELL_ASYNC");
_Static_assert(sizeof(struct native_error) == 32, "WSMAN_ERROR, without the plug-in's name");
_Static_assert(sizeof(struct native_received) == 48 &&
                   offsetof(struct native_received, exit_code) == 40,
               "WSMAN_RECEIVE_DATA_RESULT");

enum { PIN_SIZE = 1 << 20, POISONED = 4000, INSUFFICIENT_BUFFER = 122 };

struct native native;
uint64_t native_seed;
static void *library;
static _Thread_local uint8_t *pinned;
static _Thread_local size_t pinned_used;

void native_die(const char *format, ...)
{
    va_list args;

    if (native_seed != 0)
        fprintf(stderr, "seed %" PRIu64 ": ", native_seed);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

void *native_find(const char *name)
{
    void *function = dlsym(library, name);

    if (function == NULL)
        native_die("%s is missing", name);
    return function;
}

void native_load(const char *path)
{
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        native_die("%s", dlerror());
#define LOAD(name, result, parameters)                   \
    {                                                    \
        void *function = native_find("WSMan" #name);     \
        memcpy(&native.name, &function, sizeof(void *)); \
    }
    NATIVE_FUNCTIONS(LOAD)
#undef LOAD
}

void pin_begin(void)
{
    pinned = mmap(NULL, PIN_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pinned == MAP_FAILED)
        native_die("mmap");
    pinned_used = 0;
}

void *pin(size_t size)
{
    void *at = pinned + pinned_used;

    pinned_used += (size + 15) & ~(size_t)15;
    if (pinned_used > PIN_SIZE)
        native_die("too much for one call");
    return at;
}

const unit *pin_units(const char *ascii, size_t n)
{
    unit *text = pin((n + 1) * sizeof(*text));

    for (size_t i = 0; i < n; i++)
        text[i] = (unit)ascii[i];
    return text;
}

const unit *pin_text(const char *ascii)
{
    return ascii == NULL ? NULL : pin_units(ascii, strlen(ascii));
}

const struct native_data *pin_data(uint32_t type, const void *bytes, size_t count)
{
    struct native_data *data = pin(sizeof(*data));

    data->type = type;
    data->length = (int32_t)count;
    if (type == DATA_TEXT)
        data->buffer = pin_units(bytes, count);
    else if (type == DATA_BINARY)
        data->buffer = memcpy(pin(count), bytes, count);
    return data;
}

/* Takes the place of those that nobody could have kept so long. */
static void poison(uint8_t *pages)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint8_t *poisoned[POISONED];
    static size_t count;
    uint8_t *oldest;

    pthread_mutex_lock(&lock);
    oldest = poisoned[count % POISONED];
    poisoned[count++ % POISONED] = pages;
    pthread_mutex_unlock(&lock);
    if (oldest != NULL && munmap(oldest, PIN_SIZE) != 0)
        native_die("munmap");
}

/* The addresses are not given out again for long: who kept one ends here. */
void pin_end(void)
{
    if (mmap(pinned, PIN_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
             -1, 0) == MAP_FAILED)
        native_die("mmap");
    poison(pinned);
    pinned = NULL;
}

char *narrow(const unit *text, size_t n)
{
    char *ascii = malloc(n + 1);

    if (ascii == NULL)
        native_die("malloc");
    for (size_t i = 0; i < n; i++)
        ascii[i] = text[i] < 0x80 ? (char)text[i] : '?';
    ascii[n] = '\0';
    return ascii;
}

size_t unit_count(const unit *text)
{
    size_t n = 0;

    while (text[n] != 0)
        n++;
    return n;
}

/* A buffer of the managed heap: right behind it begins what is not ours. */
static char *second_call(int32_t used,
                         int32_t (*call)(void *context, int32_t length, uint8_t *buffer,
                                         int32_t *used),
                         void *context)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = (size_t)used * sizeof(unit);
    uint8_t *pages = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                          0);
    uint8_t *buffer = pages + 3 * page - bytes;
    int32_t again = 0;
    char *text;

    if (used <= 0 || bytes > 3 * page)
        native_die("a text of %d characters", used);
    if (pages == MAP_FAILED || mprotect(pages + 3 * page, page, PROT_NONE) != 0)
        native_die("mmap");
    if (call(context, (int32_t)bytes, buffer, &again) != 0)
        native_die("the second call for a text fails");
    text = narrow((const unit *)(const void *)buffer, (size_t)used);
    if (strlen(text) != (size_t)used)
        native_die("the text ends in a NUL: %s", text);
    munmap(pages, 4 * page);
    return text;
}

struct message_call {
    intptr_t api;
    int32_t code;
};

static int32_t call_message(void *context, int32_t length, uint8_t *buffer, int32_t *used)
{
    const struct message_call *call = context;
    int32_t result;

    pin_begin();
    result = native.GetErrorMessage(call->api, 0, pin_text("en-US"), call->code, length, buffer,
                                    used);
    pin_end();
    return result;
}

char *native_error_message(intptr_t api, int32_t code)
{
    struct message_call call = { api, code };
    int32_t used = 0;
    int32_t result = call_message(&call, 0, NULL, &used);

    if (result != INSUFFICIENT_BUFFER)
        native_die("GetErrorMessage of %#x: %d", (unsigned)code, result);
    return second_call(used, call_message, &call);
}

struct option_call {
    intptr_t session;
    int32_t option;
};

static int32_t call_option(void *context, int32_t length, uint8_t *buffer, int32_t *used)
{
    const struct option_call *call = context;

    return native.GetSessionOptionAsString(call->session, call->option, length, buffer, used);
}

char *native_option_text(intptr_t session, int32_t option)
{
    struct option_call call = { session, option };
    int32_t used = 0;

    if (call_option(&call, 0, NULL, &used) != INSUFFICIENT_BUFFER)
        return strdup(""); /* what the managed layer makes of it */
    return second_call(used, call_option, &call);
}
