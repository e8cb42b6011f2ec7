/* The machine's wall clock, stepped by as many seconds as a file says; for one process, preloaded.
   Compiled with other STEPPED clocks, such as all that go on while a machine is suspended. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef STEPPED
#define STEPPED(clock) ((clock) == CLOCK_REALTIME)
#endif

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    const char *name = getenv("STEPPED_BY");
    FILE *file;
    long seconds = 0;
    if (failed || !STEPPED(clock) || name == NULL || (file = fopen(name, "r")) == NULL)
        return failed;
    if (fscanf(file, "%ld", &seconds) == 1)
        now->tv_sec += seconds;
    fclose(file);
    return failed;
}
