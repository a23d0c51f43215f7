# SPDX-License-Identifier: ISC
"""load - processes that grant, withdraw and send, all at once

A writer changes a contact and asks every milter about it the moment it is
told that the change is done.  A sender asks one milter about anybody.  A
mailer sends whole messages through the MTA, again and again until it is told
what became of them.  One hand changes consent in SQL, past all programs.
Some contacts belong to one writer each; the others are changed by all.
"""

import functools
import multiprocessing
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psycopg2

import checker
from client import Browser, MailServer, Operator, Program
from history import (DEFERRED, DONE, FAILED, GRANT, MESSAGE, SEND, WITHDRAW,
    Recorder)

WRITERS, SENDERS, MAILERS = 6, 4, 2
SHARED = 8			# contacts that every writer changes
RECIPIENTS = (1, 1, 2, 3)	# of a message
AFTER_FAILURE = 0.1		# seconds
HAND_PAUSE = 15
# How much later a change by hand is in force: a lease and a quarter.
HAND_LATER = 2_500_000_000	# ns
RARELY = 0.01			# how often assentctl is the door: it is slow
HAND = """SELECT assent.change(NULL, %s, key, 'email', canonical, original,
	%s, 'email', NULL, NULL, 'operator', NULL)
	FROM assent.endpoint WHERE canonical = %s"""


class Contact(NamedTuple):
	address: str
	opt_out: str		# paths of their links
	preferences: str


@dataclass
class Places:
	"""Where everything is, and for whom."""
	folder: Path
	contacts: list
	purpose: int
	milters: list		# paths of sockets
	webs: list		# ports
	listeners: list		# ports of the MTA
	assentctl: str
	database: str


class Load:
	"""All of these processes; a context manager."""

	def __init__(self, places):
		self.places = places
		self.stop = multiprocessing.Event()
		self.files, self.counters, self.processes = [], [], []

	def __enter__(self):
		kinds = [(write, WRITERS), (send, SENDERS), (mail, MAILERS),
		    (by_hand, 1)]
		for what, count in kinds:
			for number in range(count):
				self.start_one(what, number)
		return self

	def start_one(self, what, number):
		name = f"{what.__name__}{number}"
		counter = multiprocessing.RawValue("L")
		path = self.places.folder / f"{name}.history"
		process = multiprocessing.Process(name=name, target=run,
		    args=(what, number, self.places, self.stop, path, counter),
		    daemon=True)
		process.start()
		self.files.append(path)
		self.counters.append(counter)
		self.processes.append(process)

	def count(self):
		return sum(c.value for c in self.counters)

	def died(self):
		return [p.name for p in self.processes if p.exitcode]

	def __exit__(self, *_):
		"""Each finishes what it is at."""
		self.stop.set()
		for process in self.processes:
			process.join()


def run(what, number, places, stop, path, counter):
	# The parent ends it.
	signal.signal(signal.SIGINT, signal.SIG_IGN)
	signal.signal(signal.SIGTERM, signal.SIG_DFL)
	recorder = Recorder(path, counter)
	try:
		what(number, places, stop, recorder)
	finally:
		recorder.close()


# Those who change something

def doors(places):
	"""How consent may be given and taken: name, how often, function."""
	found = {GRANT: [], WITHDRAW: []}
	for number, port in enumerate(places.webs, 1):
		web = Browser(port)
		found[GRANT].append((f"web{number}", 1, web.join))
		found[WITHDRAW] += [(f"web{number}", 0.7, web.one_click),
		    (f"web{number}", 0.3, web.leave)]
	operator = Operator(places.assentctl)
	found[GRANT].append(("assentctl", RARELY, operator.grant))
	found[WITHDRAW].append(("assentctl", RARELY, operator.withdraw))
	return found


def change(kind, contact, places, found, stop, recorder):
	"""By one door after another until one says that it is done.

	Whether it never failed: what failed may still come about.
	"""
	sure = True
	while not stop.is_set():
		((via, _, act),) = random.choices(found[kind],
		    [often for _, often, _ in found[kind]])
		if recorder.do(kind, contact.address, via, act, contact,
		    places.purpose) == DONE:
			return sure
		sure = False
		time.sleep(AFTER_FAILURE)
	return sure


def write(number, places, stop, recorder):
	found = doors(places)
	milters = servers(places)
	# The last one is for the hand.
	mine = places.contacts[:SHARED] + \
	    places.contacts[SHARED + number:-1:WRITERS]
	last, unsure = {}, {}
	while not stop.is_set():
		contact = random.choice([c for c in mine
		    if unsure.get(c, 0) < time.monotonic_ns()])
		kind = WITHDRAW if last.get(contact) == GRANT else GRANT
		last[contact] = kind
		# Until it must have come about, nothing can be told from it.
		if not change(kind, contact, places, found, stop, recorder):
			unsure[contact] = time.monotonic_ns() + \
			    checker.COMMIT_MAX
		for via, server in milters:
			recorder.do(SEND, contact.address, via, server.ask,
			    contact.address)


def by_hand(_number, places, stop, recorder):
	contact = places.contacts[-1]
	kind = GRANT
	while not stop.wait(HAND_PAUSE):
		start = time.monotonic_ns()
		outcome = hand(kind, contact, places)
		recorder.did(kind, contact.address, "sql", start, outcome,
		    time.monotonic_ns() + HAND_LATER)
		if outcome == DONE:
			kind = WITHDRAW if kind == GRANT else GRANT


def hand(kind, contact, places):
	try:
		with psycopg2.connect(places.database) as db, \
		    db.cursor() as cursor:
			cursor.execute(HAND, (kind, places.purpose,
			    contact.address))
	except psycopg2.Error:
		return FAILED
	return DONE


# Those who send

def servers(places):
	return [(f"milter{n}", MailServer(path))
	    for n, path in enumerate(places.milters, 1)]


def send(number, places, stop, recorder):
	milters = servers(places)
	via, server = milters[number % len(milters)]
	while not stop.is_set():
		address = random.choice(places.contacts).address
		recorder.do(SEND, address, via, server.ask, address)


def mail(number, places, stop, recorder):
	via = f"mta{number % len(places.listeners) + 1}"
	program = Program(places.listeners[number % len(places.listeners)])

	def ask(address, function):
		return recorder.do(SEND, address, via, function, address)

	serial = 0
	while not stop.is_set():
		serial += 1
		marker = f"m{number}-{serial}-{time.time_ns()}"
		to = [c.address for c in random.sample(places.contacts,
		    random.choice(RECIPIENTS))]
		attempt = functools.partial(program.send, marker, to, ask)
		# It is theirs until somebody has taken it.
		while post(marker, attempt, recorder) == DEFERRED and \
		    not stop.is_set():
			time.sleep(AFTER_FAILURE)


def post(marker, attempt, recorder):
	start = time.monotonic_ns()
	to, outcome = attempt()
	if to:
		recorder.did(MESSAGE, marker, ",".join(to), start, outcome)
	return outcome
