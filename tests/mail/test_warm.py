# SPDX-License-Identifier: ISC
"""assentctl cache warm: all that may be in the cache, and nothing stale."""

import json
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from conftest import new_stack, wait_for

OTHERS = 1200	# more than two batches
TIMEOUT = 30


@pytest.fixture(scope="module")
def stack():
	s = new_stack()
	s.sql("""INSERT INTO assent.permit (key, packed)
		SELECT substr(sha256(i::text::bytea), 1, 13), '\\x010000'
		FROM generate_series(1, %s) AS i""", OTHERS)
	epoch = s.sql("SELECT epoch FROM assent.cache_epoch")[0][0]
	assert wait_for(lambda: s.metric("assent_cache_epoch") == epoch)
	yield s
	s.close()


@pytest.fixture
def cold(stack):
	redis(stack, "FLUSHALL")
	return stack


def redis(stack, *words):
	return subprocess.run(["redis-cli", "-s", stack.env["REDIS_SOCKET"],
	    *words], check=True, capture_output=True, text=True,
	    timeout=TIMEOUT).stdout.strip()


def warm(stack, *words):
	return json.loads(stack.ctl("cache", "warm", *words, "--json",
	    check=False).stdout)


def permits(stack):
	return stack.sql("SELECT count(*) FROM assent.permit")[0][0]


def by_cache(stack, address, reply):
	series = 'assent_lookups_total{source="cache"}'
	before = stack.metric(series)
	assert stack.rcpt(address).startswith(reply)
	return stack.metric(series) == before + 1


def test_a_warm_cache_answers_the_first_question(cold):
	told = warm(cold)
	assert (told["filled"], told["present"], told["lost"]) == (
	    permits(cold), 0, 0)
	assert int(redis(cold, "DBSIZE")) == permits(cold)
	assert by_cache(cold, "granted@rcpt.test", "250 ")
	assert by_cache(cold, "withdrawn@rcpt.test", "550 5.7.1 withdrawn")


def test_what_is_there_is_passed_by(cold):
	assert not by_cache(cold, "granted@rcpt.test", "250 ")
	assert warm(cold)["present"] == 1
	told = warm(cold)
	assert (told["filled"], told["present"]) == (0, permits(cold))


def test_one_purpose_only(cold):
	told = warm(cold, "--purpose", "newsletter")
	assert 0 < told["filled"] <= permits(cold) - OTHERS
	assert by_cache(cold, "withdrawn@rcpt.test", "550 5.7.1 withdrawn")


def test_without_redis_it_says_so(stack):
	stack.stop("redis")
	told = stack.ctl("cache", "warm", check=False)
	stack.start("redis")
	assert told.returncode == 1 and "Redis" in told.stderr


class Gate:
	"""Redis behind a socket that holds back the first entry set."""

	def __init__(self, stack):
		self.reached, self.open = threading.Event(), threading.Event()
		self.server = stack.env["REDIS_SOCKET"]
		self.path = stack.folder / "gate.sock"
		self.listening = socket.socket(socket.AF_UNIX)
		self.listening.bind(str(self.path))
		self.listening.listen()
		threading.Thread(target=self.run, daemon=True).start()
		self.conf = stack.folder / "gate.conf"
		text, n = re.subn(r'(?m)^(cache .*)"unix:.*"',
		    rf'\1"unix:{self.path}"  timeout = 10s',
		    Path(stack.env["ASSENT_CONF"]).read_text())
		assert n == 1
		self.conf.write_text(text)

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.listening.close()
		self.path.unlink()

	def run(self):
		client, server = self.listening.accept()[0], socket.socket(
		    socket.AF_UNIX)
		server.connect(self.server)
		threading.Thread(target=self.back, args=(server, client),
		    daemon=True).start()
		while octets := client.recv(1 << 16):
			if b"\r\nSET\r\n" in octets:
				self.reached.set()
				self.open.wait(TIMEOUT)
			server.sendall(octets)
		server.shutdown(socket.SHUT_RDWR)

	@staticmethod
	def back(server, client):
		while octets := server.recv(1 << 16):
			client.sendall(octets)
		client.close()


@pytest.mark.parametrize("marked", [True, False])
def test_a_withdrawal_meanwhile_is_not_filled_over(cold, marked):
	"""It comes after the keys were looked up and before the first ticket,
	and Redis forgets it."""
	address = cold.subscriber()
	assert wait_for(lambda: cold.rcpt(address).startswith("250 "))
	link = cold.delivered(cold.send(address).marker).link()
	redis(cold, "FLUSHALL")
	with Gate(cold) as gate, subprocess.Popen([cold.env["ASSENTCTL"], "-c",
	    gate.conf, "cache", "warm", "--json"], stdout=subprocess.PIPE,
	    text=True) as p:
		assert gate.reached.wait(TIMEOUT)
		if marked:
			assert cold.click(link) == 200
		else:
			cold.sql("""UPDATE assent.consent c
				SET state = 'withdrawn' FROM assent.endpoint e
				WHERE e.contact_id = c.contact_id
				AND e.canonical = %s""", address)
		redis(cold, "FLUSHALL")
		gate.open.set()
		told = json.loads(p.communicate(timeout=TIMEOUT)[0])
	assert (told["lost"] > 0) == (not marked)
	assert p.returncode == (0 if marked else 1)
	assert wait_for(lambda: by_cache(cold, address, "550 5.7.1 withdrawn"))
