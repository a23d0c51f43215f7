# SPDX-License-Identifier: ISC
"""checker - finds in a history what must not have happened

Pure: operations in, words out.  It knows nothing of how the system keeps its
promises, only the promises:

- A check agrees with a change that could have been the last one.  A change is
  not the last one when another was acknowledged that began after its end and
  ended before the check began.  So whoever withdrew, and was told so, is
  refused from then on, until somebody grants again; and the other way round.
- What was acknowledged is in the database at the end.
- A message that was accepted has reached each recipient that was accepted,
  once; nobody else has it.

A change that was not acknowledged may have been made, and for as long after
its answer as a commit may take.
"""

from bisect import bisect_left
from collections import defaultdict
from itertools import accumulate

from history import (ACCEPTED, DEFERRED, DONE, GRANT, MESSAGE, REFUSED, SEND,
    WITHDRAW)

COMMIT_MAX = 60 * 10**9		# ns, as policy/change.c has it
BEFORE = -1			# when whatever was there came about
STATE = {GRANT: ACCEPTED, WITHDRAW: REFUSED}


class Changes:
	"""All changes of one contact, asked for one state.

	Whatever was there before was either state.
	"""

	def __init__(self, operations, state):
		lasting = [o for o in operations if STATE[o.kind] == state]
		ending = [o for o in operations
		    if STATE[o.kind] != state and o.outcome == DONE]
		lasting.sort(key=lambda o: o.start)
		ending.sort(key=lambda o: o.end)
		self.starts = [BEFORE] + [o.start for o in lasting]
		self.latest_end = list(accumulate([BEFORE] + [
		    o.end + (0 if o.outcome == DONE else COMMIT_MAX)
		    for o in lasting], max))
		self.ends = [o.end for o in ending]
		self.latest_start = list(accumulate(
		    (o.start for o in ending), max))

	def could_be(self, check):
		"""Could the check have found this state?"""
		over = bisect_left(self.ends, check.start)
		if over == 0:
			return True
		begun = bisect_left(self.starts, check.end)
		return self.latest_end[begun - 1] >= self.latest_start[over - 1]


def by_contact(operations, *kinds):
	found = defaultdict(list)
	for o in operations:
		if o.kind in kinds:
			found[o.who].append(o)
	return found


def stale(operations):
	"""Checks that contradict what had been acknowledged."""
	changes = by_contact(operations, GRANT, WITHDRAW)
	wrong = []
	for who, checks in by_contact(operations, SEND).items():
		states = {state: Changes(changes[who], state)
		    for state in (ACCEPTED, REFUSED)}
		wrong += [f"{who} was {c.outcome} by {c.via} at {c.start}"
		    f"..{c.end}, against what had been acknowledged"
		    for c in checks if c.outcome != DEFERRED and
		    not states[c.outcome].could_be(c)]
	return wrong


def turns(changes):
	"""How often, at least, a contact went from granted to withdrawn.

	A grant and a later withdrawal, both acknowledged: somewhere from the
	start of the one to the end of the other it was left.
	"""
	count, since, given = 0, BEFORE, False
	for o in sorted(changes, key=lambda o: o.end):
		if o.outcome != DONE or o.start <= since:
			continue
		if o.kind == GRANT:
			given, since = True, o.end
		elif given:
			count, given, since = count + 1, False, o.end
	return count


def lost_opt_outs(operations, ledger):
	"""Contacts with fewer withdrawals in the ledger than acknowledged."""
	wrong = []
	for who, changes in by_contact(operations, GRANT, WITHDRAW).items():
		least, there = turns(changes), ledger.get(who, 0)
		if there < least:
			wrong.append(f"{who} left {least} times, and {there} "
			    "are in the ledger")
	return wrong


def messages(operations, delivered):
	"""Messages lost, doubled, or with somebody who was not accepted.

	`delivered` counts the deliveries by (marker, address).
	"""
	wrong, accepted = [], set()
	for o in operations:
		if o.kind != MESSAGE:
			continue
		to = [(o.who, address) for address in o.via.split(",")]
		accepted.update(to)
		if o.outcome == ACCEPTED:
			wrong += [f"{marker} to {address} is lost"
			    for marker, address in to
			    if (marker, address) not in delivered]
	for (marker, address), count in delivered.items():
		if count > 1:
			wrong.append(f"{marker} came to {address} "
			    f"{count} times")
		if (marker, address) not in accepted:
			wrong.append(f"{marker} came to {address}, "
			    "which was not accepted")
	return wrong
