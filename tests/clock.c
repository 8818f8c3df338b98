/*
 * Another time of day for a program that is started with this in LD_PRELOAD: seconds, as a 64-bit number in the machine's byte
 * order in the file that CUBEGATE_CLOCK names, are added to the machine's. The file is mapped, so that a change is seen at once.
 * Only what tells the time of day is another; monotonic clocks go on as they do when somebody sets a machine's clock.
 *
 * (libfaketime, which does the same for more programs, never comes to an end of its own start in Envoy 1.40.)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t none = 0;
static const volatile int64_t *seconds = &none;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CUBEGATE_CLOCK");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (file < 0)
		return;
	void *map = mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
	close(file);
	if (map != MAP_FAILED)
		seconds = map;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = (int)syscall(SYS_clock_gettime, clock, now);
	if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += *seconds;
	return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	(void)zone;
	struct timespec at;
	clock_gettime(CLOCK_REALTIME, &at);
	now->tv_sec = at.tv_sec;
	now->tv_usec = at.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *now)
{
	struct timespec at;
	clock_gettime(CLOCK_REALTIME, &at);
	if (now)
		*now = at.tv_sec;
	return at.tv_sec;
}
