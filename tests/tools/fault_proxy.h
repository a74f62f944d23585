/* A TCP proxy that does to connections what networks and middleboxes do. One thread; told
 * what to do by lines, each of which is answered by one line, "ok …" or "error …":
 *
 *   cut WAY AT MANNER      once, when AT more bytes have gone WAY in all; "cut off"
 *   each WAY AT MANNER     every connection made from now on, at its byte AT; "each off"
 *   random SEED MOST       every connection made from now on, at a place of its own below MOST
 *                          and four times MOST, in a manner of its own; "random off"
 *   hold WAY AT            bytes that go WAY stay here when AT more have gone
 *   release                they go on
 *   pace WAY RATE          at most RATE bytes a second go WAY; 0: as fast as they can
 *   hole                   of the present connections nothing goes on any more, either way
 *   reset                  the present connections are reset
 *   refuse on|off          new connections are reset
 *   copy first|second TEXT every request that holds TEXT is sent again, on a connection of its
 *                          own, once it was answered; the client gets that answer; "copy off"
 *   record FOLDER          requests and answers are written there, NN.request and NN.answer
 *   status                 ok connections=N open=N cuts=N copies=N held=N up=N down=N
 *   await COUNTER N        answered when that counter of status is at least N
 *
 * WAY: "up" towards the service, "down" towards the client. MANNER of a cut:
 *   reset    both are reset, with whatever is on its way
 *   swallow  the same, but what the sender sends for a while before is acknowledged and lost
 *   end      the receiver sees an orderly end, the sender a reset
 *   close    both see an orderly end
 *   hole     nothing of it goes on any more, and nobody is told
 *
 * While "copy" or "record" is in force, new connections are passed on in whole HTTP messages
 * with a Content-Length, one after another; the other commands but reset do not act on them. */
#ifndef WSM_TESTS_FAULT_PROXY_H
#define WSM_TESTS_FAULT_PROXY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Listens on 127.0.0.1; `target` is ADDRESS:PORT, numeric. -1: words on stderr. */
int fault_proxy_listen(uint16_t *out_port);
/* Serves until the end of `in`. False: words on stderr. */
bool fault_proxy_serve(int listener, const char *target, int in, int out);

/* The same on a thread of the program's own. */
struct fault_proxy {
    uint16_t port;
    char reply[512]; /* the last answer */
    pthread_t thread;
    int listener;
    int ends[2]; /* the program's, the thread's */
    const char *target;
};

bool fault_proxy_start(struct fault_proxy *proxy, const char *target);
/* True: it was answered with ok, within 60 s. */
bool fault_proxy_tell(struct fault_proxy *proxy, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Of status. */
uint64_t fault_proxy_count(struct fault_proxy *proxy, const char *counter);
void fault_proxy_stop(struct fault_proxy *proxy);

#endif
