/* The native interface as PowerShell's managed layer declares it for itself: its own structs, the
 * 21 functions it looks up by name in libpsrpclient, and arguments that live only as long as the
 * call. Nothing of wsman.h, so that a mistake there shows. */
#ifndef WSM_TESTS_MANAGED_NATIVE_H
#define WSM_TESTS_MANAGED_NATIVE_H

#include <stddef.h>
#include <stdint.h>

typedef uint16_t unit; /* of UTF-16 */

enum { DATA_TEXT = 1, DATA_BINARY = 2, DATA_DWORD = 4 };

struct native_data {
    uint32_t type;
    uint32_t gap;
    int32_t length; /* or the number */
    uint32_t gap_too;
    const void *buffer;
};

struct native_credentials {
    int32_t mechanism;
    const unit *user;
    const unit *password;
};

struct native_texts { /* stream ids, arguments */
    int32_t count;
    const unit *const *texts;
};

struct native_option {
    const unit *name;
    const unit *value;
    int32_t must_comply;
};

struct native_options {
    int32_t count;
    const struct native_option *options;
    int32_t must_understand;
};

struct native_startup {
    const struct native_texts *input;
    const struct native_texts *output;
    uint32_t idle_timeout_ms;
    const unit *directory;
    const void *environment;
    const unit *name;
};

struct native_async {
    intptr_t context;
    void (*function)(void);
};

struct native_error {
    int32_t code;
    const unit *detail;
    const unit *language;
    const unit *machine;
};

struct native_received {
    const unit *stream;
    struct native_data data;
    const unit *state;
    int32_t exit_code;
};

typedef void native_callback(intptr_t context, int32_t flags, const struct native_error *error,
                             intptr_t shell, intptr_t command, intptr_t operation,
                             const void *data);

/* Name in the library without WSMan, result, parameters. */
#define NATIVE_FUNCTIONS(X)                                                                      \
    X(Initialize, int32_t, (int32_t, intptr_t *))                                                \
    X(Deinitialize, int32_t, (intptr_t, int32_t))                                                \
    X(CreateSession, int32_t,                                                                    \
      (intptr_t, const unit *, int32_t, const struct native_credentials *, const void *,         \
       intptr_t *))                                                                              \
    X(CloseSession, void, (intptr_t, int32_t))                                                   \
    X(SetSessionOption, int32_t, (intptr_t, int32_t, const struct native_data *))                \
    X(GetSessionOptionAsDword, int32_t, (intptr_t, int32_t, int32_t *))                          \
    X(GetSessionOptionAsString, int32_t, (intptr_t, int32_t, int32_t, uint8_t *, int32_t *))     \
    X(GetErrorMessage, int32_t,                                                                  \
      (intptr_t, int32_t, const unit *, int32_t, int32_t, uint8_t *, int32_t *))                 \
    X(CreateShellEx, void,                                                                       \
      (intptr_t, int32_t, const unit *, const unit *, const struct native_startup *,             \
       const struct native_options *, const struct native_data *, const struct native_async *,   \
       intptr_t *))                                                                              \
    X(ConnectShell, void,                                                                        \
      (intptr_t, int32_t, const unit *, const unit *, const void *, const struct native_data *,  \
       const struct native_async *, intptr_t *))                                                 \
    X(DisconnectShell, void, (intptr_t, int32_t, const uint32_t *, const struct native_async *)) \
    X(ReconnectShell, void, (intptr_t, int32_t, const struct native_async *))                    \
    X(ReconnectShellCommand, void, (intptr_t, int32_t, const struct native_async *))             \
    X(RunShellCommandEx, void,                                                                   \
      (intptr_t, int32_t, const unit *, const unit *, const struct native_texts *, const void *, \
       const struct native_async *, intptr_t *))                                                 \
    X(ConnectShellCommand, void,                                                                 \
      (intptr_t, int32_t, const unit *, const void *, const void *, const struct native_async *, \
       intptr_t *))                                                                              \
    X(ReceiveShellOutput, void,                                                                  \
      (intptr_t, intptr_t, int32_t, const struct native_texts *, const struct native_async *,    \
       intptr_t *))                                                                              \
    X(SendShellInput, void,                                                                      \
      (intptr_t, intptr_t, int32_t, const unit *, const struct native_data *, int32_t,           \
       const struct native_async *, intptr_t *))                                                 \
    X(SignalShell, void,                                                                         \
      (intptr_t, intptr_t, int32_t, const unit *, const struct native_async *, intptr_t *))      \
    X(CloseShell, void, (intptr_t, int32_t, const struct native_async *))                        \
    X(CloseCommand, void, (intptr_t, int32_t, const struct native_async *))                      \
    X(CloseOperation, void, (intptr_t, int32_t))

struct native {
#define NATIVE_MEMBER(name, result, parameters) result(*name) parameters;
    NATIVE_FUNCTIONS(NATIVE_MEMBER)
#undef NATIVE_MEMBER
};

extern struct native native;
extern uint64_t native_seed; /* of a random run; 0: it is none */

/* Ends the program, as an exception in a callback does, and names the seed. */
_Noreturn void native_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Loads the library; ends the program if a function is missing. */
void native_load(const char *path);
/* One that the 21 do not have. */
void *native_find(const char *name);

/* Arguments of one call, on pages that nobody can reach after pin_end(), nor for thousands of
 * calls. One call at a time per thread. */
void pin_begin(void);
void *pin(size_t size);                             /* zeroed */
const unit *pin_text(const char *ascii);            /* NULL stays NULL */
const unit *pin_units(const char *ascii, size_t n); /* n units and a NUL */
const struct native_data *pin_data(uint32_t type, const void *bytes, size_t count);
void pin_end(void);

/* The two calls for a text, the second with the size in bytes; the result has no NUL counted. */
char *native_error_message(intptr_t api, int32_t code);
char *native_option_text(intptr_t session, int32_t option);

/* ASCII of a text; free(). */
char *narrow(const unit *text, size_t n);
size_t unit_count(const unit *text);

#endif
