# SPDX-License-Identifier: ISC
"""A Redis Cluster: slots that move, with or without what is in them, and a
replica that takes over."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import new_stack, wait_for
from taking_turns import FAILOVER, REFUSED, TurnsStack

SLOTS = 16384
MASTERS = ("redis1", "redis2", "redis3")
RESHARDING = 6		# seconds


@pytest.fixture(scope="module")
def stack():
	s = new_stack("postfix", "--redis", "cluster", kind=ClusterStack)
	yield s
	s.close()


@pytest.fixture(scope="module")
def people(stack):
	return stack.people(60)	# a few for each test, and one at a place


class ClusterStack(TurnsStack):
	def keys(self):
		"""What is there: (master, slot) and the keys, as redis-cli
		quotes them."""
		found = {}
		for part in MASTERS:
			quoted = [line.split(") ", 1)[1] for line in
			    self.redis(part, "KEYS", "*").splitlines()
			    if ") " in line]
			slots = self.redis(part, lines="".join(
			    f"CLUSTER KEYSLOT {k}\n" for k in quoted))
			for key, slot in zip(quoted, slots.splitlines()):
				where = part, int(slot.split()[-1])
				found.setdefault(where, []).append(key)
		return found

	def slot_of(self, address):
		"""The master that has the permit of somebody, and the slot; all
		others' are gone then."""
		for part in MASTERS:
			self.redis(part, "FLUSHALL")
		self.cached(address)
		(place,) = self.keys()
		return place

	def node(self, part):
		return self.redis(part, "CLUSTER", "MYID").strip('"')

	def begin_move(self, slot, source, target):
		self.redis(target, "CLUSTER", "SETSLOT", slot, "IMPORTING",
		    self.node(source))
		self.redis(source, "CLUSTER", "SETSLOT", slot, "MIGRATING",
		    self.node(target))

	def move_keys(self, slot, source, target, how=""):
		listed = self.redis(source, "CLUSTER", "GETKEYSINSLOT", slot, 99)
		keys = " ".join(line.split(") ", 1)[1]
		    for line in listed.splitlines() if ") " in line)
		if keys:
			self.redis(source, lines="MIGRATE 127.0.0.1 "
			    f"{self.env[target.upper() + '_PORT']} \"\" 0 5000 "
			    f"{how} REPLACE KEYS {keys}\n")

	def end_move(self, slot, source, target):
		for part in (target, source):
			self.redis(part, "CLUSTER", "SETSLOT", slot, "NODE",
			    self.node(target))

	def move(self, slot, source, target, pause=0):
		self.begin_move(slot, source, target)
		time.sleep(pause)
		self.move_keys(slot, source, target)
		time.sleep(pause)
		self.end_move(slot, source, target)


def after(part):
	return MASTERS[(MASTERS.index(part) + 1) % len(MASTERS)]


def test_every_master_has_its_part(stack, people):
	(told,) = [line for line in stack.ctl("check").stdout.splitlines()
	    if " cache: " in line]
	ports = {stack.env[part.upper() + "_PORT"] for part in MASTERS}
	assert told.startswith("ok       cache: a cluster of 16384 slots on ")
	assert set(re.findall(r":(\d+)\b", told)) == ports
	for _ in range(8):
		stack.cached(next(people)[0])
	assert {part for part, _ in stack.keys()} == set(MASTERS)
	assert stack.metric("assent_cache_slots_covered{}") == SLOTS
	assert stack.metric("assent_cache_masters{}") == len(MASTERS)


def test_a_withdrawal_on_each_way_of_a_slot(stack, people):
	"""Before its keys move, when they have moved (ASK), and when all is
	over (MOVED)."""
	for step in range(3):
		address, link = next(people)
		source, slot = stack.slot_of(address)
		target = after(source)
		moved = stack.metric("assent_cache_redirects_total{}")
		stack.begin_move(slot, source, target)
		if step > 0:
			stack.move_keys(slot, source, target)
		if step > 1:
			stack.end_move(slot, source, target)
		assert stack.rcpt(address).startswith("250 ")
		assert stack.click(link) == 200
		assert stack.rcpt(address).startswith(REFUSED)
		if step < 2:
			stack.move_keys(slot, source, target)
			stack.end_move(slot, source, target)
		assert stack.rcpt(address).startswith(REFUSED)
		assert wait_for(lambda: stack.rcpt(address) and stack.metric(
		    "assent_cache_redirects_total{}") > moved)
		assert stack.rcpt(address).startswith(REFUSED)


def test_a_copy_that_was_left_behind(stack, people):
	"""The other node got the permit, and this one kept it: MIGRATE that was
	not answered in time.  Then the slot goes there, and comes back."""
	address, link = next(people)
	source, slot = stack.slot_of(address)
	target = after(source)
	stack.begin_move(slot, source, target)
	stack.move_keys(slot, source, target, "COPY")
	assert stack.click(link) == 200
	assert stack.rcpt(address).startswith(REFUSED)
	stack.end_move(slot, source, target)
	assert stack.rcpt(address).startswith(REFUSED)


def test_a_slot_that_comes_back_unnoticed(stack, people):
	"""With the permit that it had when it went, named as it was."""
	address, link = next(people)
	source, slot = stack.slot_of(address)
	target = after(source)
	stack.begin_move(slot, source, target)
	stack.move_keys(slot, source, target)
	assert stack.click(link) == 200		# the source has nothing
	stack.end_move(slot, source, target)
	stack.move(slot, target, source)
	assert stack.rcpt(address).startswith(REFUSED)


def test_resharding_while_people_come_and_go(stack, people):
	"""Their slots go round the masters; no acceptance after a 200."""
	mine = [next(people) for _ in range(4)]
	places = [stack.slot_of(address) for address, _ in mine]
	done = threading.Event()
	moves = []

	def reshard():
		while not done.is_set():
			for i, (part, slot) in enumerate(places):
				stack.move(slot, part, after(part), 0.05)
				places[i] = after(part), slot
				moves.append(slot)

	def come_and_go(person):
		address, link = person
		rounds = 0
		while not done.is_set():
			if rounds:
				stack.ctl("grant", address, "newsletter")
			assert stack.rcpt(address).startswith("250 ")
			assert stack.click(link) == 200
			for _ in range(4):
				assert stack.rcpt(address).startswith(REFUSED)
			rounds += 1
		return rounds

	with ThreadPoolExecutor(len(mine) + 1) as pool:
		mover = pool.submit(reshard)
		visits = [pool.submit(come_and_go, p) for p in mine]
		done.wait(RESHARDING)
		done.set()
		mover.result()
		assert min(v.result() for v in visits) >= 1
	assert len(moves) >= len(mine)
	stack.cached("granted@rcpt.test")
	for address, _ in mine:
		assert stack.rcpt(address).startswith(REFUSED)


def test_a_replica_that_heard_nothing_takes_over(stack, people):
	address, link = next(p for p in people
	    if stack.slot_of(p[0])[0] == "redis1")
	assert wait_for(lambda: stack.redis("redis4", "DBSIZE") ==
	    stack.redis("redis1", "DBSIZE"))
	failovers = stack.metric("assent_cache_failovers_total{}")
	with stack.paused("redis4"):
		assert stack.click(link) == 200
		assert stack.rcpt(address).startswith(REFUSED)
		stack.kill("redis1")
	assert wait_for(lambda: "role:master" in
	    stack.redis("redis4", "INFO", "replication"), FAILOVER)
	assert wait_for(lambda: stack.rcpt(address) and stack.metric(
	    "assent_cache_failovers_total{}") > failovers, FAILOVER)
	for _ in range(4):
		assert stack.rcpt(address).startswith(REFUSED)
	stack.ctl("grant", address, "newsletter")
	stack.cached(address)
