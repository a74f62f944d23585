/* The monitor's event loop: descriptors and timers. One thread. */
#ifndef WSM_MONITOR_LOOP_H
#define WSM_MONITOR_LOOP_H

#include "base/error.h"
#include "base/list.h"

#include <stdint.h>

struct wsm_loop {
    int epoll_fd;           /* -1 = closed */
    struct wsm_list timers; /* armed ones, unordered: there are few */
    bool is_stopped;
};

struct wsm_watch;
struct wsm_timer;
typedef void (*wsm_watch_fn)(struct wsm_watch *watch, uint32_t events); /* EPOLLIN … */
typedef void (*wsm_timer_fn)(struct wsm_timer *timer);

/* Embedded in the owner's struct; fd stays the owner's. */
struct wsm_watch {
    int fd; /* -1 = not watched */
    uint32_t events;
    wsm_watch_fn on_ready;
};

/* Embedded in the owner's struct; initialise with wsm_timer_init(). Fires once. */
struct wsm_timer {
    struct wsm_list node;
    int64_t at_us;
    wsm_timer_fn on_time;
};

bool wsm_loop_init(struct wsm_loop *loop, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_loop_clear(struct wsm_loop *loop);
/* Until wsm_loop_stop(). */
bool wsm_loop_run(struct wsm_loop *loop, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_loop_stop(struct wsm_loop *loop);

bool wsm_watch_start(struct wsm_loop *loop, struct wsm_watch *watch, int fd, uint32_t events,
                     wsm_watch_fn on_ready, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_watch_change(struct wsm_loop *loop, struct wsm_watch *watch, uint32_t events);
/* Before the descriptor is closed; harmless on one not watched. */
void wsm_watch_stop(struct wsm_loop *loop, struct wsm_watch *watch);

void wsm_timer_init(struct wsm_timer *timer, wsm_timer_fn on_time);
/* Anew if it is armed already. */
void wsm_timer_start(struct wsm_loop *loop, struct wsm_timer *timer, int64_t delay_ms);
void wsm_timer_start_us(struct wsm_loop *loop, struct wsm_timer *timer, int64_t delay_us);
void wsm_timer_stop(struct wsm_timer *timer);

/* Monotonic. */
int64_t wsm_now_us(void);

#endif
