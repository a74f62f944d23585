/* Counts. */
#include "entries.h"

#include <dirent.h>

size_t entries_count(const char *path)
{
    DIR *dir = opendir(path);
    size_t count = 0;

    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}
