/* What is left over when something has ended. */
#ifndef WSM_TESTS_ENTRIES_H
#define WSM_TESTS_ENTRIES_H

#include <stddef.h>

/* Of a folder, such as /proc/self/fd; 0 if it is not there, or may not be read. */
size_t entries_count(const char *path);

#endif
