/* winrmd-net: talks to clients. Started by winrmd with its channel on descriptor 3. */
#include "base/log.h"
#include "ipc/control_messages.h"
#include "server/service.h"

#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        fprintf(stderr, "winrmd-net: is started by winrmd and takes no arguments\n");
        return 64;
    }
    wsm_log_set_name("winrmd-net");
    wsm_log_set_sink(wsm_log_to_stderr, WSM_LOG_INFO);
    signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL */
    return wsm_service_run(WSM_CONTROL_FD);
}
