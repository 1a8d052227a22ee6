/*
 * Runs one workload and prints its checksum and its time. This file stays outside the box: the time is
 * that of one entry, the work and one exit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "workload.h"

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100;
	struct timespec start, end;
	uint64_t sum;

	/* CPU time, not wall time: other programs on the machine disturb it less. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	sum = workload(rounds);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	printf("checksum %016llx\n", (unsigned long long)sum);
	printf("nanoseconds %lld\n", (long long)(end.tv_sec - start.tv_sec) * 1000000000 +
					     (end.tv_nsec - start.tv_nsec));
	return 0;
}
