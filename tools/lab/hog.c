// SPDX-License-Identifier: Apache-2.0
//
// hog MIB: write to so much memory once, and end.
// hog MIB GROW_MIB_PER_S MAX_MIB PAUSE_MS [NAME]: keep a working set in memory.
//
// Writes to every page of the set in a loop, and says at most once a second
// how long that took:
//
//   nbt: hog at_s=12.345 mib=500 passes=9 mean_ms=1.234 max_ms=4.321
//
// NAME is what stands in place of hog there, to tell several apart. at_s is the guest's monotonic clock; mean and max are over the passes since
// the line before. A quarter of each page is noise, so that zram packs it four
// to one. Only pages that are written are allocated: no MAP_POPULATE or mlock.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE 4096
#define PAGES_PER_MIB 256
#define RESERVE (1ULL << 40)

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fill(uint64_t *page)
{
	static uint64_t x = 88172645463325252ULL;

	for (int i = 0; i < PAGE / 32; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		page[i] = x;
	}
}

static double touch(char *set, uint64_t pages, uint64_t *filled)
{
	double start = now_s();

	for (uint64_t i = 0; i < *filled && i < pages; i++)
		++*(volatile uint64_t *)(set + i * PAGE);
	for (; *filled < pages; ++*filled)
		fill((uint64_t *)(set + *filled * PAGE));
	return now_s() - start;
}

static void rest(long pause_ms)
{
	struct timespec t = {pause_ms / 1000, pause_ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 5 && argc != 6)
		return 2;

	bool once = argc == 2;
	double mib = atof(argv[1]);
	double grow = once ? 0 : atof(argv[2]), max = once ? 0 : atof(argv[3]);
	long pause_ms = once ? 0 : atol(argv[4]);
	const char *name = argc == 6 ? argv[5] : "hog";
	uint64_t filled = 0;
	char *set = mmap(NULL, RESERVE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (set == MAP_FAILED)
		return 1;
	touch(set, (uint64_t)(mib * PAGES_PER_MIB), &filled);
	if (once)
		return 0;

	double begin = now_s(), said = begin, sum = 0, worst = 0;
	unsigned passes = 0;

	for (;;) {
		double size = mib + grow * (now_s() - begin);

		if (max > 0 && size > max)
			size = max > mib ? max : mib;

		double took = touch(set, (uint64_t)(size * PAGES_PER_MIB),
				    &filled);

		sum += took;
		worst = took > worst ? took : worst;
		passes++;
		if (now_s() - said >= 1) {
			said = now_s();
			printf("nbt: %s at_s=%.3f mib=%.0f passes=%u "
			       "mean_ms=%.3f max_ms=%.3f\n", name, said, size,
			       passes, sum / passes * 1e3, worst * 1e3);
			fflush(stdout);
			sum = worst = passes = 0;
		}
		rest(pause_ms);
	}
}
