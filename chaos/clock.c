/* A host's clock that is off: what tells the time of day tells it CHAOS_CLOCK_S seconds later. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long off(void) {
  const char *told = getenv("CHAOS_CLOCK_S");
  return told ? atol(told) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += off();
  return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec told;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &told)) return -1;
  now->tv_sec = told.tv_sec;
  now->tv_usec = told.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *into) {
  struct timespec told;
  clock_gettime(CLOCK_REALTIME, &told);
  if (into) *into = told.tv_sec;
  return told.tv_sec;
}
