/* Letting go of a shell and taking it up, through the public API.
 *
 * Usage: bench_reconnect ADDRESS:PORT USER PASSWORD-FILE FIFO COUNT
 * A shell with one command, which copies FIFO to its output, and one standing Receive.
 * COUNT rounds: Disconnect; a byte into the FIFO and time for it to get to the host;
 * Reconnect, and of the command too. Prints three medians in microseconds: Disconnect to
 * its callback plus Reconnect to its callback; Reconnect to the byte's callback; and a
 * byte with the shell connected, from the FIFO to its callback. */
#include "live.h"
#include "stopwatch.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { SETTLE_NS = 3000000 }; /* pipe to host: some ten microseconds, unless cores are busy */

struct times {
    int64_t *round_trip, *first_output, *connected;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t arrived_ns;

static void on_data(struct live_output *output, int stream, const uint8_t *data, size_t len)
{
    (void)output;
    (void)stream;
    (void)data;
    (void)len;
    pthread_mutex_lock(&lock);
    arrived_ns = now_ns();
    pthread_mutex_unlock(&lock);
}

static void put(int fifo)
{
    if (write(fifo, "x", 1) != 1)
        live_die("cannot write to the FIFO");
}

/* When byte number `count` came. */
static int64_t wait_arrival(struct live_output *output, uint64_t count)
{
    int64_t at;

    live_output_wait_bytes(output, count, "a byte");
    pthread_mutex_lock(&lock);
    at = arrived_ns;
    pthread_mutex_unlock(&lock);
    return at;
}

static void measure(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                    struct live_output *output, int fifo, const struct times *times, size_t count)
{
    const struct timespec settle = { .tv_nsec = SETTLE_NS };
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t start = now_ns(), gone;

        live_disconnect(shell, 0);
        gone = now_ns() - start;
        put(fifo);
        nanosleep(&settle, NULL);
        start = now_ns();
        live_reconnect(shell);
        times->round_trip[i] = gone + now_ns() - start;
        live_reconnect_command(command);
        times->first_output[i] = wait_arrival(output, ++bytes) - start;
        nanosleep(&settle, NULL); /* the next Receive waits at the host */
        start = now_ns();
        put(fifo);
        times->connected[i] = wait_arrival(output, ++bytes) - start;
    }
}

static void run(char **argv, size_t count)
{
    struct times times = { calloc(count, 8), calloc(count, 8), calloc(count, 8) };
    WSMAN_API_HANDLE api = live_api();
    WSMAN_SESSION_HANDLE session = live_session(api, argv[1], argv[2], argv[3]);
    struct live_output output;
    struct live_call created;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    char line[512];
    int fifo;

    live_call_init(&created);
    live_output_init(&output);
    output.on_data = on_data;
    shell = live_create(session, &created);
    snprintf(line, sizeof(line), "exec cat %s", argv[4]);
    command = live_run(shell, line);
    live_receive(shell, command, &output);
    fifo = open(argv[4], O_WRONLY | O_CLOEXEC); /* waits for the command */
    if (fifo < 0 || times.round_trip == NULL || times.first_output == NULL ||
        times.connected == NULL)
        live_die("cannot begin");
    measure(shell, command, &output, fifo, &times, count);
    printf("%.1f %.1f %.1f\n", percentile_us(times.round_trip, count, 50),
           percentile_us(times.first_output, count, 50), percentile_us(times.connected, count, 50));
    close(fifo);
    live_close_shell(shell);
    WSManCloseSession(session, 0);
    WSManDeinitialize(api, 0);
}

int main(int argc, char **argv)
{
    size_t count = argc == 6 ? strtoul(argv[5], NULL, 10) : 0;

    if (count == 0)
        live_die("usage: see the top of bench/reconnect_bench.c");
    run(argv, count);
    return 0;
}
