/* A folder of its own for a test. */
#ifndef WSM_TESTS_TEMP_DIR_H
#define WSM_TESTS_TEMP_DIR_H

/* Makes one below $TMPDIR or /tmp, mode 0700; owned by the caller, wsm_temp_dir_remove(). */
char *wsm_temp_dir_make(void);
/* Removes it with all it holds, and frees the path. NULL allowed. */
void wsm_temp_dir_remove(char *path);
/* dir/name; owned by the caller, free(). */
char *wsm_temp_path(const char *dir, const char *name);
/* Makes or replaces a file. Aborts the test program if it cannot. */
void wsm_temp_write(const char *path, const char *text, unsigned mode);
/* The whole file as text; owned by the caller, free(). NULL if there is none. */
char *wsm_temp_read(const char *path);

#endif
