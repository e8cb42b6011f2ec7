/* The machine's wall clock, stepped by as many seconds as a file says; for one process, preloaded. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    const char *name = getenv("STEPPED_BY");
    FILE *file;
    long seconds = 0;
    if (failed || clock != CLOCK_REALTIME || name == NULL || (file = fopen(name, "r")) == NULL)
        return failed;
    if (fscanf(file, "%ld", &seconds) == 1)
        now->tv_sec += seconds;
    fclose(file);
    return failed;
}
