# SPDX-License-Identifier: ISC
"""A Redis that sentinels watch over: followed, and never believed too long."""

import re
from pathlib import Path

import pytest

from conftest import new_stack, wait_for
from taking_turns import FAILOVER, REFUSED, TurnsStack


@pytest.fixture(scope="module")
def stack():
	s = new_stack("postfix", "--redis", "sentinel", kind=TurnsStack)
	yield s
	s.close()


@pytest.fixture(scope="module")
def people(stack):
	return stack.people(4)


@pytest.fixture
def other(stack):
	"""assent.conf of a machine that sees another Redis."""
	def write(url):
		conf = stack.folder / "other.conf"
		text, n = re.subn(r'(?m)^(cache .*url = )"[^"]*"', rf'\1"{url}"',
		    Path(stack.env["ASSENT_CONF"]).read_text())
		assert n == 1
		conf.write_text(text)
		return str(conf)
	return write


def check(stack, conf):
	told = stack.ctl("-c", conf, "check", check=False).stdout
	return re.search("(?m)^(\\w+) +cache: (.*)$", told).groups()


def test_check_names_the_master_or_what_is_wrong(stack, other):
	sentinel = f"127.0.0.1:{stack.env['SENTINEL1_PORT']}"
	master = f"127.0.0.1:{stack.env['REDIS1_PORT']}"
	assert check(stack, stack.env["ASSENT_CONF"]) == ("ok",
	    f"the sentinels' master \"assent\" is {master}")
	for url, result, told in (
	    (f"sentinel://{sentinel}/other", "warning",
	     "knows no master \"other\""),
	    (f"sentinel://{sentinel}", "problem", "there must be /MASTER"),
	    (f"redis://{master},{master}", "problem", "several servers"),
	    (f"redis://127.0.0.1:{stack.env['REDIS2_PORT']}", "warning",
	     "a replica, not a master"),
	    ("redis://127.0.0.1:66666", "problem", "is no port"),
	    ("sentinel://127.0.0.1:1/assent", "warning", "refused")):
		found, text = check(stack, other(url))
		assert found == result and told in text, (url, text)


def test_two_masters_are_not_both_believed(stack, people, other):
	"""The milter is cut off with the old master.  Who sees the new one
	withdraws there; nothing tells the milter but PostgreSQL."""
	address, _ = next(people)
	stack.cached(address)
	before = stack.metric("assent_cache_disowned_total{}")
	stack.redis("redis2", "REPLICAOF", "NO", "ONE")
	conf = other(f"redis://127.0.0.1:{stack.env['REDIS2_PORT']}")
	stack.ctl("-c", conf, "withdraw", address, "newsletter")
	assert stack.rcpt(address).startswith(REFUSED)
	stack.redis("redis2", "REPLICAOF", "127.0.0.1", stack.env["REDIS1_PORT"])
	assert stack.metric("assent_cache_disowned_total{}") > before
	assert wait_for(lambda: "master_link_status:up" in
	    stack.redis("redis2", "INFO", "replication"))
	stack.cached("granted@rcpt.test")
	assert stack.rcpt(address).startswith(REFUSED)


def test_a_replica_that_heard_nothing_takes_over(stack, people):
	"""It has the permit as it was, under the name it had."""
	(address, link), (other, _) = next(people), next(people)
	stack.cached(address)
	stack.cached(other)
	assert wait_for(lambda: stack.redis("redis2", "DBSIZE") ==
	    stack.redis("redis1", "DBSIZE"))
	failovers = stack.metric("assent_cache_failovers_total{}")
	with stack.paused("redis2"):
		assert stack.click(link) == 200
		assert stack.rcpt(address).startswith(REFUSED)
		stack.kill("redis1")
	assert wait_for(lambda: "role:master" in
	    stack.redis("redis2", "INFO", "replication"), FAILOVER)
	assert stack.rcpt(address).startswith(REFUSED)
	stack.cached(other)
	assert stack.rcpt(address).startswith(REFUSED)
	assert stack.metric("assent_cache_failovers_total{}") == failovers + 1
	assert stack.metric("assent_cache_masters{}") == 1
	assert stack.metric("assent_cache_breaker_open{}") == 0


def test_the_new_master_serves_clicks_too(stack, people):
	address, link = next(people)
	stack.cached(address)
	assert stack.click(link) == 200
	assert stack.rcpt(address).startswith(REFUSED)
	stack.cached("granted@rcpt.test")
