/* What many idle shell hosts cost. Needs root: a host can not be traced, so the system
 * shows its memory to nobody else. */
#include "host_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HOSTS = 30, PSS_MAX_KIB = 250 }; /* 60 static, 120 dynamic when measured */

static long pss_kib(pid_t pid)
{
    char path[64];
    char line[256];
    long kib = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    file = fopen(path, "r");
    assert_non_null(file);
    while (kib < 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Pss:", 4) == 0)
            kib = strtol(line + 4, NULL, 10);
    }
    fclose(file);
    assert_true(kib > 0);
    return kib;
}

static void test_host_is_small(void **state)
{
    struct host_peer peers[HOSTS];
    long sum = 0;

    (void)state;
    for (size_t i = 0; i < HOSTS; i++)
        host_begin(&peers[i]);
    for (size_t i = 0; i < HOSTS; i++)
        sum += pss_kib(peers[i].pid);
    print_message("%d hosts with an open shell: %ld KiB of memory each\n", HOSTS, sum / HOSTS);
    assert_true(sum / HOSTS <= PSS_MAX_KIB);
    for (size_t i = 0; i < HOSTS; i++)
        host_stop(&peers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_host_is_small) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
