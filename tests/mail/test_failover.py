# SPDX-License-Identifier: ISC
"""Two PostgreSQL servers, one of which takes over.

Every commit of the primary waits for the standby.  Whatever becomes of the
primary, what was acknowledged holds (P2), and nobody is answered by a server
whose place was taken.
"""

import contextlib
import json
import os
import re
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from conftest import SENDER, new_stack, wait_for
from test_faults import REFUSED, first_verdict, redis

PEOPLE = 40
OTHER = {"postgres": "standby", "standby": "postgres"}


class Pair:
	"""A stack with two servers: which one is the primary?"""

	def __init__(self, stack):
		self.stack = stack
		self.primary = "postgres"

	@property
	def standby(self):
		return OTHER[self.primary]

	@contextlib.contextmanager
	def cursor(self, part):
		"""One server, as its superuser."""
		with contextlib.closing(psycopg2.connect(dbname="assent",
		    user="postgres", host=str(self.stack.folder / "run"),
		    port=self.stack.env[part.upper() + "_PORT"])) as db:
			db.autocommit = True
			with db.cursor() as cursor:
				yield cursor

	def ask(self, part, query, *args):
		with self.cursor(part) as cursor:
			cursor.execute(query, args)
			return cursor.fetchall() if cursor.description else None

	def kill(self, part):
		os.kill(self.stack.pid(part), signal.SIGKILL)
		self.stack.stop(part)

	def promote(self):
		self.stack.run("promote", self.standby)
		self.primary = self.standby

	def repair(self):
		"""The one that lost its place follows the other."""
		self.stack.stop(self.standby)
		self.stack.run("rejoin", self.standby)
		self.stack.read_env()


@pytest.fixture(scope="module")
def stack():
	"""With waits that are short, as there are many."""
	s = new_stack("postfix", "--standby")
	conf = Path(s.env["ASSENT_CONF"])
	text = conf.read_text()
	for section, setting in ("database", "timeout"), ("cache", "lease"):
		text, n = re.subn(rf"(?m)^({section} *\{{)",
		    rf"\1 {setting} = 500ms ", text)
		assert n == 1
	conf.write_text(text)
	for part in ("milter", "web"):
		s.stop(part)
		s.start(part)
	yield s
	s.close()


@pytest.fixture(scope="module")
def people(stack):
	"""Addresses that have consented, each with its link: take the next."""
	who = [f"person{i}@rcpt.test" for i in range(PEOPLE)]
	batch = stack.folder / "people"
	batch.write_text("".join(f"grant {a} newsletter\n" for a in who))
	stack.ctl("batch", str(batch))
	with stack.smtp() as s:
		for address in who:
			s.sendmail(SENDER, address, "Subject: links\r\n\r\nx\r\n")
	links = {d.recipients[0]: d.link()
	    for d in stack.delivered("Subject: links", PEOPLE)}
	return iter([(address, links[address]) for address in who])


@pytest.fixture(scope="module")
def pair(stack):
	return Pair(stack)


def click_until_done(stack, link):
	return wait_for(lambda: stack.click(link) == 200, 30)


def test_mail_and_clicks_go_on_after_a_crash_and_nothing_is_lost(stack, pair,
    people):
	done = threading.Event()
	stable = next(people)[0]
	mine = [next(people) for _ in range(16)]
	turn = iter(range(len(mine)))
	crashed = threading.Event()

	def leave(person):
		address, link = person
		if next(turn) >= len(mine) / 2:
			assert crashed.wait(60)
		assert click_until_done(stack, link), address
		assert not stack.rcpt(address).startswith("250 ")

	def send():
		replies = set()
		while not done.is_set():
			replies.add(stack.rcpt(stable)[:4])
		return replies

	with ThreadPoolExecutor(6) as pool:
		sender = pool.submit(send)
		left = [pool.submit(leave, p) for p in mine]
		try:
			assert wait_for(lambda: any(f.done() for f in left))
			pair.kill(pair.primary)
			crashed.set()
			pair.promote()
			for f in left:
				f.result()
		finally:
			done.set()
		assert sender.result() <= {"250 ", "451 "}
	assert first_verdict(stack, stable).startswith("250 ")
	for address, _ in mine:
		assert first_verdict(stack, address).startswith(REFUSED)
	pair.repair()


def test_a_primary_whose_place_was_taken_is_not_believed(stack, pair, people):
	"""It goes on answering; Redis knows nothing."""
	address, link = next(people)
	assert first_verdict(stack, address).startswith("250 ")
	former = pair.primary
	pair.promote()
	assert click_until_done(stack, link)
	redis(stack, "FLUSHALL")
	((state,),) = pair.ask(former, """SELECT c.state
		FROM assent.consent c JOIN assent.endpoint USING (contact_id)
		WHERE canonical = %s""", address)
	assert state == "granted"
	assert first_verdict(stack, address).startswith(REFUSED)
	pair.repair()


def test_connections_to_a_server_that_takes_no_changes_are_dropped(stack, pair,
    people):
	"""They work, but it is no primary any more (25006)."""
	def writes(may):
		pair.ask(pair.primary, "ALTER SYSTEM SET "
		    f"default_transaction_read_only = {'off' if may else 'on'}")
		pair.ask(pair.primary, "SELECT pg_reload_conf()")

	def connected():
		return pair.ask(pair.primary, """SELECT pid FROM pg_stat_activity
			WHERE usename = 'assent_web'""")

	(_, first), (address, link) = next(people), next(people)
	assert click_until_done(stack, first)
	assert connected()
	writes(False)
	assert wait_for(lambda: stack.click(link) == 503)
	assert wait_for(lambda: not connected())
	writes(True)
	assert click_until_done(stack, link)
	assert first_verdict(stack, address).startswith(REFUSED)


def test_what_no_standby_has_is_not_acknowledged(stack, pair, people):
	"""Neither when somebody ends the wait, nor when it is there already and
	nothing is left to be done; of somebody, and of a key that nobody has."""
	def release():
		for pid, in pair.ask(pair.primary, """SELECT pid
			FROM pg_stat_activity WHERE wait_event = 'SyncRep'
			AND usename = 'assent_web'"""):
			pair.ask(pair.primary, "SELECT pg_cancel_backend(%s)", pid)
			return True
		return False

	address, link = next(people)
	unknown = json.loads(stack.ctl("link", "nobody@rcpt.test", "newsletter",
	    "--json").stdout)["opt_out"].removeprefix(
	    "https://optout.example.com")
	stack.stop(pair.standby)
	for path in link, unknown:
		with ThreadPoolExecutor(1) as pool:
			status = pool.submit(stack.click, path)
			assert wait_for(release)
			assert status.result() == 503
		assert stack.click(path) == 503
	assert stack.rcpt(address).startswith("451 4.3.0 ")
	text = stack.ctl("check", check=False)
	assert text.returncode == 1
	assert re.search("problem +commits: .*no answer in time", text.stdout)
	stack.start(pair.standby)
	assert click_until_done(stack, link)
	assert click_until_done(stack, unknown)
	assert first_verdict(stack, address).startswith(REFUSED)


def test_check_wants_commits_that_wait(stack, pair):
	def said():
		checks = json.loads(stack.ctl("check", "--json").stdout)["checks"]
		return [(c["result"], c["text"]) for c in checks
		    if c["check"] == "commits"]

	assert said() == [("ok", f"confirmed by standbys: {pair.standby}")]
	pair.ask(pair.primary, "ALTER SYSTEM SET synchronous_standby_names = ''")
	pair.ask(pair.primary, "SELECT pg_reload_conf()")
	((result, text),) = said()
	assert result == "warning" and "synchronous_standby_names" in text


def test_a_host_that_never_answers_costs_little(stack):
	"""It takes connections and says nothing; which host comes first is a
	matter of chance."""
	with socket.create_server(("127.0.0.1", 0)) as mute:
		conf = stack.folder / "mute.conf"
		text, n = re.subn(r"host=([^&]*)&port=([^&]*)",
		    rf"host=127.0.0.1,\1&port={mute.getsockname()[1]},\2",
		    Path(stack.env["ASSENT_CONF"]).read_text())
		assert n == 1
		conf.write_text(text)
		for _ in range(5):
			stack.ctl("-c", str(conf), "show", "granted@rcpt.test")
