# SPDX-License-Identifier: ISC
"""Redis, PostgreSQL or the milter away, slow, cut off or back from the dead.

Whatever happens: what was acknowledged holds (P2), what cannot be checked
waits (P1), and nothing is lost (P6).
"""

import contextlib
import os
import random
import re
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from conftest import SENDER, new_stack, wait_for
from test_sendmail import sendmail

LEASE = 2		# seconds, as preset in assent.conf
BREAKER_FAILURES, BREAKER_PAUSE = 3, 0.5	# its shortest pause
PEOPLE = 60
REFUSED = "550 5.7.1 withdrawn: "
VERDICTS = {"granted": "250 2.1.5 ", **{s: f"550 5.7.1 {s}: " for s in
    ("withdrawn", "objected", "restricted", "pending", "expired", "unknown")}}
LEASE_BACKEND = "FROM pg_stat_activity " \
    "WHERE application_name = 'assent-milter lease'"
BY_HAND = """UPDATE assent.consent c SET state = 'withdrawn'
	FROM assent.endpoint e
	WHERE e.contact_id = c.contact_id AND e.canonical = %s"""


@pytest.fixture(scope="module")
def stack():
	"""A stack of this file's own; every test leaves it whole."""
	s = new_stack()
	yield s
	s.close()


@pytest.fixture(scope="module")
def people(stack):
	"""Addresses that have consented, each with its link: take the next."""
	who = [f"person{i}@rcpt.test" for i in range(PEOPLE)]
	batch = stack.folder / "people"
	batch.write_text("".join(f"grant {a} newsletter\n"
	    for a in who))
	stack.ctl("batch", str(batch))
	with stack.smtp() as s:
		for address in who:
			s.sendmail(SENDER, address,
			    "Subject: links\r\n\r\nx\r\n")
	links = {d.recipients[0]: d.link()
	    for d in stack.delivered("Subject: links", PEOPLE)}
	return iter([(address, links[address]) for address in who])


@pytest.fixture(autouse=True)
def repaired(stack):
	yield
	with contextlib.suppress(ValueError, ProcessLookupError):
		os.kill(stack.pid("redis"), signal.SIGCONT)
	for part in ("postgres", "redis", "milter"):
		stack.start(part)
	assert wait_for(lambda: by_cache(stack, "granted9@rcpt.test")), \
	    "the cache was not used again"


def lookups(stack, source):
	return stack.metric(f'assent_lookups_total{{source="{source}"}}')


def by_cache(stack, address):
	"""Whether this address was accepted, and on the word of Redis."""
	before = lookups(stack, "cache")
	return stack.rcpt(address).startswith("250 ") and \
	    lookups(stack, "cache") == before + 1


def cached(stack, address):
	assert wait_for(lambda: by_cache(stack, address))


def first_verdict(stack, address):
	"""What is answered as soon as it can be checked."""
	def verdict():
		reply = stack.rcpt(address)
		return None if reply.startswith("451 ") else reply
	return wait_for(verdict, 30)


def all_verdicts(stack):
	for state, reply in VERDICTS.items():
		assert stack.rcpt(f"{state}@rcpt.test").startswith(reply)


def first_refusal(stack, listener=""):
	"""The first reply to a message that is not 250."""
	with stack.smtp(listener) as s:
		s.ehlo()
		for command in (f"MAIL FROM:<{SENDER}>",
		    "RCPT TO:<granted@rcpt.test>"):
			code, text = s.docmd(command)
			if code != 250:
				break
	return f"{code} {text.decode()}"


def sunk_files(stack):
	return len(os.listdir(stack.env["SINK_DIR"]))


def sendmail_deferred(stack, marker, *recipients):
	"""Mail from sendmail(1) that Postfix keeps for later."""
	def deferred():
		return len(re.findall("postfix/cleanup.*: milter-reject: .*: 4",
		    stack.log("mta")))
	before, sunk = deferred(), sunk_files(stack)
	sendmail(stack, marker, *recipients)
	assert wait_for(lambda: deferred() > before)
	assert sunk_files(stack) == sunk


def flush(stack):
	"""The MTA looks at its whole queue now."""
	subprocess.run([stack.env["SENDMAIL"], "-q"], check=True, timeout=30)


def as_superuser(stack, query, *args):
	url = stack.env["DATABASE_URL"].replace("assent_owner@", "postgres@")
	with psycopg2.connect(url) as db, db.cursor() as cursor:
		cursor.execute(query, args)
		return cursor.fetchall() if cursor.description else None


@contextlib.contextmanager
def hanging(*pids):
	"""These processes are there, and do nothing."""
	for pid in pids:
		os.kill(pid, signal.SIGSTOP)
	try:
		yield
	finally:
		for pid in pids:
			os.kill(pid, signal.SIGCONT)


def redis(stack, *words):
	return subprocess.run(["redis-cli", "-s", stack.env["REDIS_SOCKET"],
	    *words], capture_output=True, text=True, check=True,
	    timeout=30).stdout.strip()


def crash(stack, part, number=signal.SIGKILL):
	os.kill(stack.pid(part), number)
	stack.stop(part)	# sees it gone, and what it started


# Away

def test_without_redis_postgresql_answers_and_then_redis_again(stack):
	all_verdicts(stack)
	stack.stop("redis")
	before = lookups(stack, "database")
	all_verdicts(stack)
	assert lookups(stack, "database") == before + len(VERDICTS)
	stack.start("redis")
	cached(stack, "granted@rcpt.test")
	all_verdicts(stack)


def test_without_both_mail_waits_and_then_comes_through(stack):
	milter = stack.pid("milter")
	stack.stop("redis")
	stack.stop("postgres")
	for who in ("granted", "withdrawn", "unknown"):
		assert stack.rcpt(f"{who}@rcpt.test").startswith("451 4.3.0 ")
	sent = stack.send("granted@rcpt.test", listener="HEADER_",
	    headers="Consent-Purpose: newsletter\r\n")
	assert sent.replies[0].startswith("250 ")
	assert sent.end.startswith("451 4.3.0 ")
	sendmail_deferred(stack, "waits-for-both", "granted@rcpt.test")
	stack.start("postgres")
	stack.start("redis")
	assert wait_for(
	    lambda: stack.rcpt("granted@rcpt.test").startswith("250 "))
	all_verdicts(stack)
	flush(stack)
	assert stack.delivered("waits-for-both").recipients == \
	    ["granted@rcpt.test"]
	stack.idle()
	assert stack.pid("milter") == milter
	os.kill(milter, 0)


def test_without_the_milter_postfix_defers(stack):
	stack.stop("milter")
	for listener in ("", "HEADER_", "PLAIN_"):
		assert first_refusal(stack, listener).startswith("451 4.7.1 ")
	sendmail_deferred(stack, "waits-for-milter", "granted@rcpt.test",
	    "withdrawn@rcpt.test")
	stack.start("milter")
	flush(stack)
	to = [d.recipients for d in stack.delivered("waits-for-milter", 2)]
	assert sorted(to) == [["granted@rcpt.test"], [SENDER]]
	stack.idle()


def test_without_postgresql_a_click_says_that_it_is_not_done(stack, people):
	address, link = next(people)
	stack.stop("postgres")
	status, text = stack.page("POST", link, b"List-Unsubscribe=One-Click",
	    {"Content-Type": "application/x-www-form-urlencoded"})
	assert status == 503
	assert "not certain" in text
	stack.start("postgres")
	assert stack.click(link) == 200
	assert first_verdict(stack, address).startswith(REFUSED)


# Withdrawn while the cache cannot be told

@pytest.mark.parametrize("door", ["page", "command"])
def test_withdrawal_while_redis_hangs(stack, people, door):
	address, link = next(people)
	cached(stack, address)
	with hanging(stack.pid("redis")):
		begun = time.monotonic()
		if door == "page":
			assert stack.click(link) == 200
		else:
			stack.ctl("withdraw", address, "newsletter")
		waited = time.monotonic() - begun
		assert stack.rcpt(address).startswith(REFUSED)
	assert stack.rcpt(address).startswith(REFUSED)
	assert waited >= LEASE


def test_a_hanging_redis_is_asked_seldom(stack):
	"""A few time-outs and a probe now and then; the others go past it."""
	def told():
		return [stack.metric(f"assent_cache_{what}_total{{}}")
		    for what in ("failures", "spared")]

	messages = 40
	cached(stack, "granted@rcpt.test")
	before = told()
	with hanging(stack.pid("redis")):
		begun = time.monotonic()
		for _ in range(messages):
			assert stack.rcpt("granted@rcpt.test").startswith("250 ")
		pauses = (time.monotonic() - begun) / BREAKER_PAUSE
		assert stack.metric("assent_cache_breaker_open{}") == 1
	tried, spared = (b - a for a, b in zip(before, told()))
	assert tried + spared == messages
	assert BREAKER_FAILURES <= tried <= BREAKER_FAILURES + pauses + 1
	cached(stack, "granted@rcpt.test")
	assert stack.metric("assent_cache_breaker_open{}") == 0


def test_a_writer_that_leaves_redis_alone_waits_for_those_who_do_not(stack,
    people):
	"""Redis is back, and the web has not noticed: the milter still finds the
	old permit there."""
	def spared():
		text = stack.page("GET", "/metrics")[1]
		return re.search("(?m)^assent_cache_spared_total{} (.*)$",
		    text)[1]

	for address, link in people:
		cached(stack, address)
		with hanging(stack.pid("redis")):
			for _ in range(BREAKER_FAILURES):
				assert "Redis" in stack.page("GET", "/healthz")[1]
		before = spared()
		assert stack.click(link) == 200
		assert stack.rcpt(address).startswith(REFUSED)
		if spared() != before:
			return
	pytest.fail("the web asked Redis each time")


def test_a_redis_back_from_an_old_snapshot_is_not_believed(stack, people):
	address, link = next(people)
	cached(stack, address)
	redis(stack, "SAVE")
	assert stack.click(link) == 200
	crash(stack, "redis")
	stack.start("redis")
	assert int(redis(stack, "DBSIZE")) > 0, "the snapshot was not loaded"
	assert stack.rcpt(address).startswith(REFUSED)
	cached(stack, "granted@rcpt.test")
	assert stack.rcpt(address).startswith(REFUSED)


def test_a_redis_that_was_away_in_between_is_not_believed(stack, people):
	address, link = next(people)
	cached(stack, address)
	redis(stack, "SAVE")
	crash(stack, "redis")
	assert stack.click(link) == 200
	stack.start("redis")
	assert int(redis(stack, "DBSIZE")) > 0, "the snapshot was not loaded"
	assert stack.rcpt(address).startswith(REFUSED)


def test_a_writer_cut_off_from_redis_waits_for_a_deaf_milter(stack, people):
	"""The milter reaches Redis but hears of no change; the writer reaches
	PostgreSQL only.  Nothing but the lease can hold them together."""
	address, _ = next(people)
	conf = stack.folder / "no-redis.conf"
	text, n = re.subn(r'(?m)^(cache .*"unix:).*"', r'\1/nonexistent"',
	    Path(stack.env["ASSENT_CONF"]).read_text())
	assert n == 1
	conf.write_text(text)
	cached(stack, address)
	((backend,),) = as_superuser(stack, f"SELECT pid {LEASE_BACKEND}")
	with hanging(backend):
		stack.ctl("-c", str(conf), "withdraw", address, "newsletter")
		# The milter may yet be without a lease.
		assert stack.rcpt(address).startswith((REFUSED, "451 4.3.0 "))
	assert wait_for(lambda: stack.metric("assent_lease_held") == 1)
	assert stack.rcpt(address).startswith(REFUSED)


def test_a_milter_without_a_lease_answers_nothing(stack, people):
	"""Its other connections go on; but who is to say what to?"""
	address, _ = next(people)
	cached(stack, address)
	as_superuser(stack, "ALTER ROLE assent_milter NOLOGIN")
	try:
		as_superuser(stack,
		    f"SELECT pg_terminate_backend(pid) {LEASE_BACKEND}")
		assert wait_for(lambda: stack.metric("assent_lease_held") == 0)
		for who in (address, f"{time.time_ns()}@rcpt.test"):
			assert stack.rcpt(who).startswith("451 4.3.0 ")
	finally:
		as_superuser(stack, "ALTER ROLE assent_milter LOGIN")
	assert first_verdict(stack, address).startswith("250 ")


def test_the_lease_comes_back_after_its_connection_was_cut(stack, people):
	(old,) = as_superuser(stack, f"SELECT pid {LEASE_BACKEND}")
	for _ in range(3):
		as_superuser(stack,
		    f"SELECT pg_terminate_backend(pid) {LEASE_BACKEND}")
		all_verdicts(stack)
		assert wait_for(lambda: as_superuser(stack,
		    f"SELECT pid {LEASE_BACKEND}") not in ([], [old]))
	address, _ = next(people)
	cached(stack, address)
	stack.sql(BY_HAND, address)
	assert wait_for(lambda: stack.rcpt(address).startswith(REFUSED), 5)


def test_a_change_by_hand_is_in_force_although_cached(stack, people):
	address, _ = next(people)
	cached(stack, address)
	stack.sql(BY_HAND, address)
	assert wait_for(lambda: stack.rcpt(address).startswith(REFUSED), 5)


def test_a_click_after_an_epoch_that_the_web_has_not_heard_of(stack, people):
	(hand, _), (address, link), (other, first) = (next(people)
	    for _ in range(3))
	assert stack.click(first) == 200	# now the web knows an epoch
	stack.sql(BY_HAND, hand)		# and now there is another
	epoch = stack.sql("SELECT epoch FROM assent.cache_epoch")[0][0]
	assert wait_for(lambda: stack.metric("assent_cache_epoch") == epoch)
	cached(stack, address)
	assert stack.click(link) == 200
	assert stack.rcpt(address).startswith(REFUSED)
	assert stack.rcpt(other).startswith(REFUSED)


def test_a_change_that_commits_after_its_door_gave_up(stack, people):
	"""Somebody holds the contact's row for longer than the page waits and
	than the mark in Redis lasts.  Done or not, all must agree on it."""
	def state():
		return stack.sql("""SELECT c.state FROM assent.consent c
			JOIN assent.endpoint e USING (contact_id)
			WHERE e.canonical = %s""", address)[0][0]

	def under_way():
		return as_superuser(stack, """SELECT pid FROM pg_stat_activity
			WHERE application_name = 'assent-web'
			AND state <> 'idle'""")

	address, link = next(people)
	with psycopg2.connect(stack.env["DATABASE_URL"]) as db, \
	    db.cursor() as cursor:
		cursor.execute("""SELECT FROM assent.contact c
			JOIN assent.endpoint e ON e.contact_id = c.id
			WHERE e.canonical = %s FOR UPDATE OF c""", (address,))
		assert stack.click(link) == 503
		redis(stack, "FLUSHALL")	# or a minute later
		cached(stack, address)
	assert wait_for(lambda: not under_way())
	accepted = {"granted": "250 ", "withdrawn": REFUSED}
	assert wait_for(lambda: stack.rcpt(address)
	    .startswith(accepted[state()]), 5)


# More than PostgreSQL can take

def test_what_too_many_ask_is_deferred_at_once(own_stack):
	"""One connection, eight who may wait for it, and four more."""
	conf = Path(own_stack.env["ASSENT_CONF"])
	text, n = re.subn(r"(?m)^(database *\{)", r"\1 pool = 1 ", conf.read_text())
	assert n == 1
	conf.write_text(text)
	own_stack.stop("milter")
	own_stack.start("milter")
	redis(own_stack, "FLUSHALL")
	with ThreadPoolExecutor(13) as pool, \
	    psycopg2.connect(own_stack.env["DATABASE_URL"]) as db, \
	    db.cursor() as cursor:
		cursor.execute("LOCK TABLE assent.permit "
		    "IN ACCESS EXCLUSIVE MODE")
		replies = list(pool.map(own_stack.rcpt,
		    ["granted@rcpt.test"] * 13))
		db.rollback()
	assert all(r.startswith("451 4.3.") for r in replies), replies
	assert sum(r.startswith("451 4.3.2 overload") for r in replies) >= 4
	assert "too many wait for its 1 connections" in own_stack.log()
	assert wait_for(lambda: own_stack.rcpt("granted@rcpt.test")
	    .startswith("250 "))


# All at once

def test_what_was_answered_200_holds_through_crashes_of_postgresql(stack,
    people):
	done = threading.Event()
	answers = []

	def keep_crashing():
		while not done.wait(0.3):
			crash(stack, "postgres", signal.SIGQUIT)
			stack.start("postgres")

	def leave(address, link):
		time.sleep(random.uniform(0, 5))
		while (status := stack.click(link)) != 200:
			answers.append(status)
			time.sleep(0.1)
		assert not stack.rcpt(address).startswith("250 ")

	mine = [next(people) for _ in range(16)]
	crasher = threading.Thread(target=keep_crashing)
	crasher.start()
	try:
		with ThreadPoolExecutor(len(mine)) as pool:
			list(pool.map(lambda p: leave(*p), mine))
	finally:
		done.set()
		crasher.join()
	assert set(answers) <= {503}
	assert wait_for(lambda: stack.metric("assent_lease_held") == 1)
	for address, _ in mine:
		assert stack.rcpt(address).startswith(REFUSED)


def disturb(stack, seconds, dice):
	"""Redis hangs, dies and returns, empty or as it was some time ago."""
	end = time.monotonic() + seconds
	while time.monotonic() < end:
		act = dice.choice(["hang", "hang", "restart", "snapshot"])
		if act == "hang":
			with hanging(stack.pid("redis")):
				time.sleep(dice.uniform(0.1, 1.5))
		else:
			crash(stack, "redis")
			time.sleep(dice.uniform(0, 0.5))
			stack.start("redis")
		if act == "snapshot":
			redis(stack, "SAVE")
		time.sleep(dice.uniform(0.1, 1))


def test_no_acceptance_follows_an_acknowledged_withdrawal(stack, people):
	"""Each of a few people comes and goes by every door while Redis is
	disturbed; each asks right after each answer."""
	seed = random.randrange(1 << 32)
	done = threading.Event()

	def come_and_go(person):
		address, link = person
		rounds = 0
		while not done.is_set():
			if rounds:
				stack.ctl("grant", address, "newsletter")
			assert stack.rcpt(address).startswith("250 "), seed
			if rounds % 2:
				stack.ctl("withdraw", address, "newsletter")
			else:
				assert stack.click(link) == 200, seed
			for _ in range(3):
				assert stack.rcpt(address).startswith(
				    REFUSED), seed
			rounds += 1
		return rounds

	mine = [next(people) for _ in range(8)]
	with ThreadPoolExecutor(len(mine)) as pool:
		futures = [pool.submit(come_and_go, p) for p in mine]
		try:
			disturb(stack, 10, random.Random(seed))
		finally:
			done.set()
		rounds = [f.result() for f in futures]
	assert min(rounds) >= 1 and sum(rounds) > len(mine)
	cached(stack, "granted@rcpt.test")
	for address, _ in mine:
		assert stack.rcpt(address).startswith(REFUSED)
