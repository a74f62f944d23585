/* The faults of a round, on a thread of their own. */
#include "weather.h"

#include "dice.h"
#include "fault_proxy.h"
#include "native.h"
#include "wsmerror.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { CUT_BELOW = 300000, CUTS_MAX = 8, OUTAGE_MAX_MS = 2000, LULL_MAX_MS = 1500 };

static struct {
    struct fault_proxy proxy;
    char address[32];
    pthread_t thread;
    enum weather_kind kind;
    uint64_t dice;
    atomic_bool is_over;
    unsigned long kills, outages;
} weather;

static const char *const names[WEATHER_COUNT] = { "calm", "copies", "cuts", "kills", "outage" };

const char *weather_name(enum weather_kind kind)
{
    return names[kind];
}

static void tell(const char *line)
{
    if (!fault_proxy_tell(&weather.proxy, "%s", line))
        native_die("the proxy says to \"%s\": %s", line, weather.proxy.reply);
}

static void wait_ms(uint64_t ms)
{
    for (; ms > 0 && !atomic_load(&weather.is_over); ms--)
        usleep(1000);
}

static void wait_at_most(uint64_t ms)
{
    wait_ms(dice_below(&weather.dice, ms));
}

/* ---- Faults ---- */

static void cut(void)
{
    static const char *const manners[] = { "reset", "swallow", "end", "close" };
    char line[64];

    snprintf(line, sizeof(line), "cut %s %u %s", dice_one_in(&weather.dice, 2) ? "up" : "down",
             (unsigned)dice_below(&weather.dice, CUT_BELOW), manners[dice_below(&weather.dice, 4)]);
    tell(line);
}

static void delay(void)
{
    char line[64];

    snprintf(line, sizeof(line), "hold %s %u", dice_one_in(&weather.dice, 2) ? "up" : "down",
             (unsigned)dice_below(&weather.dice, CUT_BELOW / 10));
    tell(line);
    wait_at_most(300);
    tell("release");
}

static void refuse(uint64_t ms)
{
    tell("refuse on");
    if (dice_one_in(&weather.dice, 2))
        tell("reset");
    wait_ms(ms);
    tell("refuse off");
}

static void cut_somehow(void)
{
    switch (dice_below(&weather.dice, 8)) {
    case 0:
        tell("reset");
        break;
    case 1:
        refuse(dice_below(&weather.dice, 400));
        break;
    case 2:
        delay();
        break;
    default:
        cut();
        break;
    }
    wait_at_most(150);
}

/* Then it is quiet for a while: a message larger than CUT_BELOW would hardly ever get through, and
 * tries become rarer and rarer. */
static void cut_for_a_while(void)
{
    uint64_t left = 1 + dice_below(&weather.dice, CUTS_MAX);

    for (; left > 0 && !atomic_load(&weather.is_over); left--)
        cut_somehow();
    tell("cut off");
    wait_ms(LULL_MAX_MS / 3 + dice_below(&weather.dice, LULL_MAX_MS));
}

static void kill_net(void)
{
    const char *monitor = getenv("TEST_MONITOR");
    char path[64], name[32];
    FILE *children;
    long pid;

    snprintf(path, sizeof(path), "/proc/%s/task/%s/children", monitor, monitor);
    children = fopen(path, "re");
    if (children == NULL)
        native_die("%s: there is no service", path);
    while (fscanf(children, "%ld", &pid) == 1) {
        FILE *comm;

        snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
        comm = fopen(path, "re");
        if (comm == NULL)
            continue;
        if (fgets(name, sizeof(name), comm) != NULL && strcmp(name, "winrmd-net\n") == 0 &&
            kill((pid_t)pid, SIGKILL) == 0)
            weather.kills++;
        fclose(comm);
    }
    fclose(children);
    wait_ms(100 + dice_below(&weather.dice, 600));
}

static void copy_requests(void)
{
    static const char *const actions[] = {
        "transfer/Create</", "shell/Command</", "shell/Send</",
        "shell/Receive</",   "shell/Signal</",  "shell/Disconnect<",
        "shell/Reconnect<",  "shell/Connect<",  "transfer/Delete</",
    };
    char line[64];

    snprintf(line, sizeof(line), "copy %s %s", dice_one_in(&weather.dice, 2) ? "first" : "second",
             actions[dice_below(&weather.dice, sizeof(actions) / sizeof(actions[0]))]);
    tell(line);
    wait_at_most(400);
}

static void go_out(void)
{
    wait_at_most(LULL_MAX_MS);
    weather.outages++;
    tell("refuse on");
    tell("reset");
    wait_at_most(OUTAGE_MAX_MS);
    tell("refuse off");
}

static void *blow(void *arg)
{
    (void)arg;
    while (!atomic_load(&weather.is_over)) {
        switch (weather.kind) {
        case WEATHER_COPIES:
            copy_requests();
            break;
        case WEATHER_KILLS:
            if (dice_one_in(&weather.dice, 3))
                kill_net();
            else
                cut_for_a_while();
            break;
        case WEATHER_CUTS:
            cut_for_a_while();
            break;
        case WEATHER_OUTAGE:
            go_out();
            break;
        default:
            wait_ms(10);
            break;
        }
    }
    return NULL;
}

/* ---- Rounds ---- */

void weather_set_up(void)
{
    if (!fault_proxy_start(&weather.proxy, getenv("TEST_ADDRESS")))
        native_die("no proxy");
    snprintf(weather.address, sizeof(weather.address), "127.0.0.1:%u",
             (unsigned)weather.proxy.port);
}

const char *weather_address(void)
{
    return weather.address;
}

void weather_begin(enum weather_kind kind, uint64_t seed)
{
    weather.kind = kind;
    weather.dice = seed;
    atomic_store(&weather.is_over, false);
    if (kind == WEATHER_COPIES)
        tell("copy first /nothing/"); /* looks into all connections made from now on */
    if (pthread_create(&weather.thread, NULL, blow, NULL) != 0)
        native_die("pthread_create");
}

void weather_end(void)
{
    atomic_store(&weather.is_over, true);
    pthread_join(weather.thread, NULL);
    tell("cut off");
    tell("copy off");
    tell("release");
    tell("refuse off");
}

enum weather_kind weather_now(void)
{
    return weather.kind;
}

/* Those of recovery.c, docs/exactly-once.md. */
static bool is_loss(uint32_t code)
{
    return code == ERROR_WSMAN_NETWORK_TIMEDOUT || code == ERROR_WSMAN_DESTINATION_UNREACHABLE ||
           code == ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS || code == ERROR_BROKEN_PIPE;
}

/* While the shell is there, losses are made good, but for these; and in the other two there is
 * no shell yet. */
static bool is_uncovered(const char *call)
{
    static const enum managed_call calls[] = { CALL_CREATE, CALL_CONNECT, CALL_RECONNECT };
    size_t i = 0;

    while (i < sizeof(calls) / sizeof(calls[0]) && strcmp(call, call_name(calls[i])) != 0)
        i++;
    return i < sizeof(calls) / sizeof(calls[0]);
}

bool weather_explains(const char *call, int32_t code)
{
    bool is_disconnect = strcmp(call, call_name(CALL_DISCONNECT)) == 0;
    bool is_close = strcmp(call, call_name(CALL_CLOSE_SHELL)) == 0; /* it has 5 s */
    uint32_t error = (uint32_t)code;

    switch (weather.kind) {
    case WEATHER_COPIES: /* what comes twice may end the connection of the first */
    case WEATHER_CUTS:
    case WEATHER_KILLS:
        return (is_uncovered(call) && is_loss(error)) ||
               (is_close && weather.kind != WEATHER_COPIES && is_loss(error)) ||
               (is_disconnect && error == ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    case WEATHER_OUTAGE: /* it becomes disconnected under whoever calls */
        return is_loss(error) || error == ERROR_WINRS_SHELL_DISCONNECTED ||
               error == ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE || /* its Run had failed */
               (is_disconnect && (error == ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL ||
                                  error == ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID));
    default:
        return false;
    }
}

uint32_t weather_retry_time(uint64_t *dice)
{
    return weather.kind == WEATHER_OUTAGE ? 200 + (uint32_t)dice_below(dice, 1300) : 0;
}

struct weather_counts weather_counts(void)
{
    return (struct weather_counts){ .cuts = fault_proxy_count(&weather.proxy, "cuts"),
                                    .copies = fault_proxy_count(&weather.proxy, "copies"),
                                    .kills = weather.kills,
                                    .outages = weather.outages };
}

void weather_tear_down(void)
{
    fault_proxy_stop(&weather.proxy);
}
