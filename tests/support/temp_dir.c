/* A folder of its own for a test. */
#include "temp_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

char *wsm_temp_dir_make(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = NULL;

    must(asprintf(&path, "%s/wsm-test-XXXXXX", parent != NULL ? parent : "/tmp") > 0, "asprintf");
    must(mkdtemp(path) != NULL, path);
    return path;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    return remove(path);
}

void wsm_temp_dir_remove(char *path)
{
    if (path != NULL)
        nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

char *wsm_temp_path(const char *dir, const char *name)
{
    char *path = NULL;

    must(asprintf(&path, "%s/%s", dir, name) > 0, "asprintf");
    return path;
}

void wsm_temp_write(const char *path, const char *text, unsigned mode)
{
    FILE *file = fopen(path, "we");

    must(file != NULL, path);
    must(fputs(text, file) >= 0 && fclose(file) == 0, path);
    must(chmod(path, mode) == 0, path);
}

char *wsm_temp_read(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL)
        return NULL;
    if (getdelim(&text, &size, '\0', file) < 0)
        must(text != NULL && (text[0] = '\0', 1), path);
    fclose(file);
    return text;
}
