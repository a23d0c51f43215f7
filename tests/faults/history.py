# SPDX-License-Identifier: ISC
"""history - what was asked of the system, and what it answered when

Every process that asks writes a file of its own, a line for each operation;
CLOCK_MONOTONIC is the same for all of them.
"""

import time
from typing import NamedTuple


class Operation(NamedTuple):
	start: int		# ns
	end: int
	kind: str
	who: str		# an address; of a message, its marker
	outcome: str
	via: str		# which door or node; of a message, who was accepted


# What an operation is, and what may become of it.
GRANT, WITHDRAW = "grant", "withdraw"		# DONE or FAILED
SEND = "send"			# one RCPT: ACCEPTED, REFUSED or DEFERRED
MESSAGE = "message"		# to its end: ACCEPTED or DEFERRED
DONE, FAILED = "done", "failed"
ACCEPTED, REFUSED, DEFERRED = "accepted", "refused", "deferred"


class Recorder:
	"""Writes a history; a process counts what it did in `counter`."""

	def __init__(self, path, counter):
		self.file = open(path, "w", encoding="ascii")
		self.counter = counter

	def did(self, kind, who, via, start, outcome, end=None):
		end = end or time.monotonic_ns()
		self.file.write(f"{start}\t{end}\t{kind}\t{who}\t{outcome}\t"
		    f"{via}\n")
		self.counter.value += 1
		return outcome

	def do(self, kind, who, via, act, *args):
		"""Does it and records it: its outcome, which `act` returns."""
		start = time.monotonic_ns()
		return self.did(kind, who, via, start, act(*args))

	def close(self):
		self.file.close()


def read(paths):
	"""The operations of all files."""
	found = []
	for path in paths:
		with open(path, encoding="ascii") as f:
			for line in f:
				start, end, *words = line.rstrip("\n").split("\t")
				found.append(Operation(int(start), int(end),
				    *words))
	return found
