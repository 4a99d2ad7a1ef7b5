/*
 * clock.h - the two clocks. Wall time decides when a time to live ends and
 * nothing else; everything that waits uses the monotonic one.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_wall_ms(void);	   /* since 1970 */
uint64_t clock_monotonic_ms(void); /* since some fixed point */
uint64_t clock_monotonic_ns(void);

#endif
