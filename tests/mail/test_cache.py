# SPDX-License-Identifier: ISC
"""The moments in which an old permit could come back into the cache."""

import os
import signal
import subprocess
import threading
import time

import psycopg2
import pytest

from conftest import new_stack, wait_for


@pytest.fixture(scope="module")
def shared():
	s = new_stack()
	yield s
	s.close()


@pytest.fixture
def click(shared):
	return Click(shared)


class Click:
	"""A click that is held up inside its transaction."""

	def __init__(self, stack):
		self.stack = stack
		self.address = stack.subscriber()
		sent = stack.send(self.address)
		self.path = stack.delivered(sent.marker).link()
		self.status = None
		self.thread = threading.Thread(target=self.go)

	def go(self):
		try:
			self.status = self.stack.click(self.path)
		except OSError:
			self.status = 0 # the web died

	def __enter__(self):
		self.db = psycopg2.connect(self.stack.env["DATABASE_URL"])
		with self.db.cursor() as c:
			c.execute("""SELECT FROM assent.contact
				WHERE id = (SELECT contact_id FROM assent.endpoint
				WHERE canonical = %s) FOR UPDATE""", [self.address])
		self.thread.start()
		assert wait_for(self.waits)
		return self

	def waits(self):
		return self.stack.sql("SELECT pid FROM pg_locks WHERE NOT granted")

	def __exit__(self, *_):
		self.db.rollback()
		self.db.close()
		self.thread.join()

	def redis(self, *words):
		subprocess.run(["redis-cli", "-s", self.stack.env["REDIS_SOCKET"],
		    *words], check=True, capture_output=True)


def refused(click):
	return click.stack.rcpt(click.address).startswith("550 5.7.1 withdrawn: ")


def accepted(click):
	return click.stack.rcpt(click.address).startswith("250 ")


def test_a_mark_keeps_readers_out_of_the_cache(click):
	with click:
		assert accepted(click)
		assert accepted(click)
	assert click.status == 200 and refused(click)


def test_publishing_mends_a_lost_mark(click):
	with click:
		click.redis("FLUSHALL")
		assert accepted(click)
	assert click.status == 200 and refused(click)


def test_a_lost_mark_and_no_publishing_move_the_epoch(click):
	redis = click.stack.pid("redis")
	try:
		with click:
			click.redis("FLUSHALL")
			assert accepted(click)
			os.kill(redis, signal.SIGSTOP)
	finally:
		os.kill(redis, signal.SIGCONT)
	assert click.status == 200 and refused(click)


def test_a_mark_of_another_epoch_counts_for_nothing(click):
	"""The writer dies in its transaction, which commits all the same."""
	click.stack.sql("SELECT assent.move_epoch()")
	assert wait_for(lambda: accepted(click) and
	    'source=cache' in click.stack.log().splitlines()[-1] or
	    time.sleep(0.2))
	with click:
		os.kill(click.stack.pid("web"), signal.SIGKILL)
	assert wait_for(lambda: refused(click), 5)
	click.stack.start("web")


def test_a_change_by_hand_and_a_click_keep_each_other(click):
	click.stack.ctl("grant", click.address, "offers")
	with psycopg2.connect(click.stack.env["DATABASE_URL"]) as db, \
	    db.cursor() as c:
		c.execute("""UPDATE assent.consent SET state = 'withdrawn'
			WHERE contact_id = (SELECT contact_id FROM assent.endpoint
			WHERE canonical = %s) AND purpose_id = (SELECT id
			FROM assent.purpose WHERE slug = 'offers')""",
		    [click.address])
		click.thread.start()
		assert wait_for(click.waits)
	click.thread.join()
	assert click.status == 200
	assert {p["reason"] for p in click.stack.explain(click.address)[
	    "purposes"]} == {"withdrawn"}
