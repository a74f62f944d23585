/* Looks host names up, on threads of its own: a look-up cannot be called off, and so nobody
 * waits for one that is not wanted any more, at the end of the library neither. */
#ifndef WSM_CLIENT_RESOLVER_H
#define WSM_CLIENT_RESOLVER_H

#include "base/error.h"

#include <netdb.h>

enum { WSM_RESOLVER_THREADS_MAX = 8 /* names that are looked up at the same time */ };

struct wsm_lookup;

/* Loop thread: `list` is borrowed and NULL unless status is 0; else it is one of gai_strerror().
 * The look-up is freed behind it. */
typedef void (*wsm_lookup_done)(void *owner, int status, const struct addrinfo *list);

/* Loop thread. NULL with err filled, or `done` comes once, later. */
struct wsm_lookup *wsm_lookup_start(const char *host, uint16_t port, wsm_lookup_done done,
                                    void *owner, struct wsm_error *err);
/* Loop thread: `done` does not come any more, and the look-up goes by itself. */
void wsm_lookup_cancel(struct wsm_lookup *lookup);

#endif
