/* SPDX-License-Identifier: ISC */
/*
 * service - a daemon's words with the service manager, and its privacy
 */
#ifndef POLICY_SERVICE_H
#define POLICY_SERVICE_H

#include <stdint.h>

/* From now on this process leaves no core dump, and only root may look into
 * its memory. */
void service_conceal(void);

/* Tells the service manager something of sd_notify(3), such as "READY=1".
 * Without one that wants to know it does nothing; never blocks. */
void service_tell(const char *what) __attribute__((nonnull));

/* How often, in nanoseconds, the service manager shall be told "WATCHDOG=1":
 * three times before it would lose patience.  0: never. */
int64_t service_watchdog(void);

#endif
