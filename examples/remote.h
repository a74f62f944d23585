/* What the examples share: a session with a server, and calls that one waits for. */
#ifndef REMOTE_H
#define REMOTE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Text ---- */

/* UTF-16 of an argument; owned by the caller, free(). Ends the program without memory. */
static inline PWSTR wide_text(const char *text)
{
    int units = MultiByteToWideChar(CP_ACP, 0, text, -1, NULL, 0);
    PWSTR wide = units > 0 ? calloc((size_t)units, sizeof(WCHAR)) : NULL;

    if (wide == NULL || MultiByteToWideChar(CP_ACP, 0, text, -1, wide, units) == 0) {
        fprintf(stderr, "no valid text, or no memory: %s\n", text);
        exit(2);
    }
    return wide;
}

static inline int same_text(PCWSTR a, PCWSTR b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* Says on stderr what went wrong in a function that returns its code. */
static inline void complain(WSMAN_API_HANDLE api, const char *what, DWORD code)
{
    char text[512] = "";
    DWORD units = 0;
    PWSTR wide;

    /* Without a buffer it says how large one has to be. */
    if (WSManGetErrorMessage(api, 0, NULL, code, 0, NULL, &units) == ERROR_INSUFFICIENT_BUFFER) {
        wide = calloc(units, sizeof(WCHAR));
        if (wide != NULL && WSManGetErrorMessage(api, 0, NULL, code, units, wide, &units) == 0)
            WideCharToMultiByte(CP_ACP, 0, wide, -1, text, (int)sizeof(text), NULL, NULL);
        free(wide);
    }
    fprintf(stderr, "%s: error 0x%08X: %s\n", what, (unsigned)code, text);
}

/* FALSE, and a word on stderr, if what was printed did not get out, to a full disk for example. */
static inline BOOL printed_all(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return TRUE;
    fprintf(stderr, "cannot write the output\n");
    return FALSE;
}

/* ---- Calls ----
 *
 * An asynchronous function returns at once. What came of it is told to its completion function, on
 * a thread of the library. A struct call stands for one: it has the async to hand over, and an
 * event that is set when the call has ended. It has to live until then; that of a call that makes
 * a shell until the shell is closed, because news about the connection come to it. */

struct call {
    WSMAN_SHELL_ASYNC async;
    HANDLE ended; /* resets itself, so that a call can stand for the next one, too */
    HANDLE lost;  /* of a call that makes a shell: the library has given up to reach its server */
    DWORD flags;  /* those it ended with */
    DWORD code;   /* 0: it succeeded */
    char detail[512];
};

static inline void call_ended(struct call *call, DWORD flags, const WSMAN_ERROR *error)
{
    call->flags = flags;
    call->code = error->code;
    call->detail[0] = '\0';
    if (error->errorDetail != NULL)
        WideCharToMultiByte(CP_ACP, 0, error->errorDetail, -1, call->detail,
                            (int)sizeof(call->detail), NULL, NULL);
    SetEvent(call->ended);
}

/* The library repairs a broken connection by itself, for some minutes. When it has given up, output
 * could come again only after WSManReconnectShell: whoever waits for some has to be told. */
static inline void on_news(struct call *call, DWORD flags)
{
    if (flags == WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED)
        fprintf(stderr, "the connection is lost; trying again\n");
    if (flags == WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE)
        fprintf(stderr, "the connection is back\n");
    if (flags == WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED ||
        flags == WSMAN_FLAG_CALLBACK_RETRY_ABORTED_DUE_TO_INTERNAL_ERROR)
        SetEvent(call->lost);
}

/* For calls without data. Callbacks that are not the last one are news about the connection. */
static inline void CALLBACK on_call(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                    WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                    WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    (void)shell;
    (void)command;
    (void)operation;
    (void)data;
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0 || error->code != 0)
        call_ended(context, flags, error);
    else
        on_news(context, flags);
}

static inline void call_init(struct call *call)
{
    memset(call, 0, sizeof(*call));
    call->async.operationContext = call;
    call->async.completionFunction = on_call;
    call->ended = CreateEvent(NULL, FALSE, FALSE, NULL);
    call->lost = CreateEvent(NULL, FALSE, FALSE, NULL);
    if (call->ended == NULL || call->lost == NULL) {
        fprintf(stderr, "no event\n");
        exit(2);
    }
}

static inline void call_clear(struct call *call)
{
    CloseHandle(call->lost);
    CloseHandle(call->ended);
}

static inline void call_complain(const struct call *call, const char *what)
{
    fprintf(stderr, "%s: error 0x%08X: %s\n", what, (unsigned)call->code, call->detail);
}

/* Waits; TRUE if the call succeeded, else says on stderr what did not. */
static inline BOOL call_wait(struct call *call, const char *what)
{
    WaitForSingleObject(call->ended, INFINITE);
    if (call->code != 0)
        call_complain(call, what);
    return call->code == 0;
}

/* ---- Output ---- */

/* A Receive, and what its callbacks tell. */
struct output {
    struct call call;
    WSMAN_OPERATION_HANDLE receive;
    HANDLE unwritten; /* something could not be written here, to a full disk for example */
    DWORD exit_code;  /* once the call has ended with success */
};

/* Called for each piece of output, then once more: that one has the exit code. */
static inline void CALLBACK on_output(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                      WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                      WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct output *output = context;
    const WSMAN_RECEIVE_DATA_RESULT *piece = data != NULL ? &data->receiveData : NULL;
    DWORD written;

    (void)shell;
    (void)command;
    (void)operation;
    if (error->code == 0 && piece != NULL && piece->streamId != NULL &&
        piece->streamData.type == WSMAN_DATA_TYPE_BINARY) {
        BOOL is_error = same_text(piece->streamId, WSMAN_STREAM_ID_STDERR);

        if (!WriteFile(GetStdHandle(is_error ? STD_ERROR_HANDLE : STD_OUTPUT_HANDLE),
                       piece->streamData.binaryData.data, piece->streamData.binaryData.dataLength,
                       &written, NULL))
            SetEvent(output->unwritten);
    }
    if (error->code == 0 && piece != NULL && piece->commandState != NULL &&
        same_text(piece->commandState, WSMAN_COMMAND_STATE_DONE))
        output->exit_code = piece->exitCode;
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0 || error->code != 0)
        call_ended(&output->call, flags, error);
}

/* Begins to receive all output of a command: one call, the library asks the server again and
 * again. */
static inline void output_begin(struct output *output, WSMAN_SHELL_HANDLE shell,
                                WSMAN_COMMAND_HANDLE command)
{
    output->exit_code = 0;
    call_init(&output->call);
    output->call.async.operationContext = output;
    output->call.async.completionFunction = on_output;
    output->unwritten = CreateEvent(NULL, TRUE, FALSE, NULL);
    if (output->unwritten == NULL) {
        fprintf(stderr, "no event\n");
        exit(2);
    }
    WSManReceiveShellOutput(shell, command, 0, NULL, &output->call.async, &output->receive);
}

/* Waits until the output has ended, or is of no use any more; the exit code of the command, or 2.
 * `create` is the call that made the shell, or connected to it. */
static inline int output_end(struct output *output, struct call *create)
{
    const HANDLE events[] = { output->unwritten, create->lost, output->call.ended };
    DWORD event = WaitForMultipleObjects(3, events, FALSE, INFINITE);
    int status = 2;

    if (output->receive != NULL)
        WSManCloseOperation(output->receive, 0);
    if (event != WAIT_OBJECT_0 + 2) /* now that it is cancelled, its last callback comes, too */
        WaitForSingleObject(output->call.ended, INFINITE);
    if (event == WAIT_OBJECT_0)
        fprintf(stderr, "cannot write the output\n");
    else if (event == WAIT_OBJECT_0 + 1)
        fprintf(stderr, "the server is lost; the shell was left there\n");
    else if (output->call.code != 0)
        call_complain(&output->call, "receive the output");
    else
        status = (int)output->exit_code;
    CloseHandle(output->unwritten);
    call_clear(&output->call);
    return status;
}

/* ---- Sessions ---- */

struct remote {
    WSMAN_API_HANDLE api;
    WSMAN_SESSION_HANDLE session;
};

static inline void remote_close(struct remote *remote)
{
    if (remote->session != NULL)
        WSManCloseSession(remote->session, 0);
    if (remote->api != NULL)
        WSManDeinitialize(remote->api, 0);
}

/* Makes a session with the server at an address such as http://127.0.0.1:5985; nothing is sent yet.
 * The password comes from the environment, since others can see command lines. It goes over plain
 * HTTP as it is, so the address should be this machine or the end of a tunnel. */
static inline BOOL remote_open(struct remote *remote, const char *address, const char *user)
{
    const char *secret = getenv("WSMAN_PASSWORD");
    PWSTR wide_address;
    PWSTR wide_user;
    PWSTR password;
    WSMAN_AUTHENTICATION_CREDENTIALS credentials;
    WSMAN_DATA yes;
    DWORD code;

    if (secret == NULL) {
        fprintf(stderr, "the password is expected in the environment, as WSMAN_PASSWORD\n");
        return FALSE;
    }
    wide_address = wide_text(address);
    wide_user = wide_text(user);
    password = wide_text(secret);
    memset(remote, 0, sizeof(*remote));
    memset(&credentials, 0, sizeof(credentials));
    credentials.authenticationMechanism = WSMAN_FLAG_AUTH_BASIC;
    credentials.userAccount.username = wide_user;
    credentials.userAccount.password = password;
    yes.type = WSMAN_DATA_TYPE_DWORD;
    yes.number = 1;
    code = WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &remote->api);
    if (code == 0)
        code = WSManCreateSession(remote->api, wide_address, 0, &credentials, NULL,
                                  &remote->session);
    if (code == 0 && strncmp(address, "http:", 5) == 0)
        code = WSManSetSessionOption(remote->session, WSMAN_OPTION_UNENCRYPTED_MESSAGES, &yes);
    SecureZeroMemory(password, strlen(secret) * sizeof(WCHAR)); /* the library has its copy */
    free(password);
    free(wide_user);
    free(wide_address);
    if (code != 0) {
        complain(remote->api, address, code);
        remote_close(remote);
    }
    return code == 0;
}

#endif
