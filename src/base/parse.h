/* The three answers of an incremental parser. */
#ifndef WSM_BASE_PARSE_H
#define WSM_BASE_PARSE_H

/* DONE: a whole item was read. MORE: nothing wrong so far, more bytes are needed.
 * BAD: no further byte can make it valid. */
enum wsm_parse { WSM_PARSE_DONE, WSM_PARSE_MORE, WSM_PARSE_BAD };

#endif
