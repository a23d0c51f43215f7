# SPDX-License-Identifier: ISC
"""run - load, injuries one after another, and what the checker says"""

import time
from itertools import cycle, zip_longest
from typing import NamedTuple

import checker
import history
from client import MailServer
from history import (ACCEPTED, DEFERRED, FAILED, GRANT, REFUSED, SEND,
    WITHDRAW)
from injuries import nothing
from load import Load

SECOND = 10**9
BEFORE = 0.5			# seconds of load before the first injury
AFTER = 15			# seconds, within which all is well again
REPORT_SECONDS = 10


class Result(NamedTuple):
	name: str
	operations: int
	seconds: float
	faults: int
	wrong: list		# what the checker found, in words
	deferred: float		# share of sends while it lasted, or None
	not_done: float		# share of changes, likewise
	normal: float		# seconds, the longest of all, or None


class Harm(NamedTuple):
	begun: int
	mended: int


def run(rig, name, injuries, enough, say):
	"""Injures in turn, each once and until there were enough operations, and
	holds the history against the promises.  `say` is told how far it is.
	"""
	since = rig.last_event()
	begun = time.monotonic()
	with Load(rig.places(rig.folder())) as load:
		time.sleep(BEFORE)
		harms = injure(rig, load, injuries, enough,
		    lambda: say(f"{name}: {load.count()} operations"))
	took = time.monotonic() - begun
	last = last_look(rig)
	operations = history.read(load.files) + last
	wrong = [f"{who} died" for who in load.died()] + rig.trouble()
	wrong += [f"{o.via} still defers {o.who}" for o in last
	    if o.outcome == DEFERRED]
	wrong += checker.stale(operations)
	wrong += checker.lost_opt_outs(operations, rig.withdrawals(since))
	wrong += checker.messages(operations, rig.deliveries())
	return Result(name, len(operations), took, len(harms), wrong,
	    share(operations, harms, (SEND,), DEFERRED),
	    share(operations, harms, (GRANT, WITHDRAW), FAILED),
	    normal(operations, harms))


def injure(rig, load, injuries, enough, report):
	harms, told = [], time.monotonic()
	for turn, injury in enumerate(cycle(injuries)):
		if turn >= len(injuries) and load.count() >= enough:
			return harms
		injury.prepare(rig)
		begun = time.monotonic_ns()
		for pause in injury.act(rig, injury.hold):
			time.sleep(pause)
		if injury.act is not nothing:
			harms.append(Harm(begun, time.monotonic_ns()))
		time.sleep(injury.rest)
		if time.monotonic() > told + REPORT_SECONDS:
			told = time.monotonic()
			report()


def last_look(rig):
	"""When all is quiet: what the milters say, and what is on record."""
	rig.quiet()
	found = []
	deadline = time.monotonic() + AFTER
	for milter in rig.milters:
		server = MailServer(str(milter.socket))
		found += [answer(milter.name, server, c.address, deadline)
		    for c in rig.contacts]
		server.close()
	now = time.monotonic_ns()
	return found + [history.Operation(now, now, SEND, address,
	    ACCEPTED if state == "granted" else REFUSED, "PostgreSQL")
	    for address, state in rig.states()]


def answer(name, server, address, deadline):
	"""The first that is none to try again, if there is one in time."""
	while True:
		start = time.monotonic_ns()
		outcome = server.ask(address)
		if outcome != DEFERRED or time.monotonic() > deadline:
			return history.Operation(start, time.monotonic_ns(),
			    SEND, address, outcome, name)


def share(operations, harms, kinds, bad):
	"""Of what began while something was broken, how much went badly."""
	outcomes = [o.outcome for o in operations if o.kind in kinds and
	    any(h.begun <= o.start < h.mended for h in harms)]
	return outcomes.count(bad) / len(outcomes) if outcomes else None


def normal(operations, harms):
	"""Seconds from mending to the last answer that was a deferral, and was
	not kept waiting by the next harm."""
	if not harms:
		return None
	late = [o for o in operations
	    if o.kind == SEND and o.outcome == DEFERRED]
	longest = 0
	for harm, following in zip_longest(harms, harms[1:]):
		longest = max([longest] + [o.end - harm.mended for o in late
		    if harm.begun <= o.start and
		    (following is None or o.end < following.begun)])
	return longest / SECOND
