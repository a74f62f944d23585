/* winrmd-net: talks to clients. Started by winrmd with its channel on descriptor 3. */
#include "base/log.h"
#include "ipc/control_messages.h"
#include "server/control_link.h"
#include "server/dispatch.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Passwords pass through here: no core file, no ptrace by other processes of the user,
 * which the shells of a private service are. */
static void keep_secrets(void)
{
    const struct rlimit none = { 0, 0 };

    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
}

/* Requests and answers of half a MiB come and go: given back to the system each time,
 * their pages would have to be cleared anew for the next one. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
}

int main(int argc, char **argv)
{
    static const struct wsm_service_handlers handlers = {
        .open = wsm_exchange_new,
        .on_timer = wsm_exchange_on_timer,
        .on_gone = wsm_exchange_on_gone,
        .on_request = wsm_dispatch,
        .on_resume = wsm_dispatch_resume,
    };
    int status;

    (void)argv;
    if (argc > 1) {
        fprintf(stderr, "winrmd-net: is started by winrmd and takes no arguments\n");
        return 64;
    }
    keep_secrets();
    keep_memory();
    wsm_log_set_name("winrmd-net");
    wsm_log_set_sink(wsm_log_to_stderr, WSM_LOG_INFO);
    signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL */
    status = wsm_control_link_run(WSM_CONTROL_FD, &handlers);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* all is wiped; a leak checker could not attach else */
    return status;
}
