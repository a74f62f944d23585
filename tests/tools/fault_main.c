/* The fault proxy as a program. Prints "listening on PORT", then obeys the lines of its stdin
 * as fault_proxy.h says, until stdin ends.
 *
 * Usage: fault-proxy ADDRESS:PORT */
#include "fault_proxy.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    uint16_t port;
    int listener;

    if (argc != 2) {
        fputs("usage: fault-proxy ADDRESS:PORT\n", stderr);
        return 64;
    }
    listener = fault_proxy_listen(&port);
    if (listener < 0)
        return 1;
    printf("listening on %u\n", (unsigned)port);
    fflush(stdout);
    return fault_proxy_serve(listener, argv[1], STDIN_FILENO, STDOUT_FILENO) ? 0 : 1;
}
