/* Intrusive doubly linked list. The head is a node too; an empty head points to itself. */
#ifndef WSM_BASE_LIST_H
#define WSM_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct wsm_list {
    struct wsm_list *next;
    struct wsm_list *prev;
};

/* The struct of type `type` whose member `member` is the node `node`. */
#define WSM_CONTAINER_OF(node, type, member) \
    ((type *)(void *)((char *)(node)-offsetof(type, member)))

#define WSM_LIST_FOREACH(node, head) \
    for ((node) = (head)->next; (node) != (head); (node) = (node)->next)

/* `tmp` holds the successor, so the body may remove or free `node`. */
#define WSM_LIST_FOREACH_SAFE(node, tmp, head)                          \
    for ((node) = (head)->next, (tmp) = (node)->next; (node) != (head); \
         (node) = (tmp), (tmp) = (node)->next)

static inline void wsm_list_init(struct wsm_list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool wsm_list_is_empty(const struct wsm_list *head)
{
    return head->next == head;
}

/* Adds at the tail. */
static inline void wsm_list_add(struct wsm_list *head, struct wsm_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Takes the node out and leaves it pointing to itself, so that removing twice is harmless. */
static inline void wsm_list_remove(struct wsm_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    wsm_list_init(node);
}

#endif
