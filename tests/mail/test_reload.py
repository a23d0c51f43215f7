# SPDX-License-Identifier: ISC
"""SIGHUP takes up what is new and drops nothing; SIGTERM finishes first."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import ROOT, SENDER, new_stack, wait_for

BUILD = ROOT / os.environ.get("BUILD", "build")
MCLIENT = ROOT / "build/bench/mclient"
REFUSED = "550 5.7.1 withdrawn: "
STREAM = """
stream late {
	match { listener = "plain" }
	brand = "acme"
	purpose = "newsletter"
}
"""


@pytest.fixture(scope="module")
def stack():
	"""A stack of this file's own; every test leaves it whole."""
	s = new_stack()
	yield s
	s.close()


@pytest.fixture
def conf(stack):
	"""The configuration, to be edited in place; as it was afterwards."""
	path = Path(stack.env["ASSENT_CONF"])
	text = path.read_text()
	yield path
	path.write_text(text)
	reload(stack)


def reloads(stack, result="done"):
	return stack.metric(f'assent_reloads_total{{result="{result}"}}')


def reload(stack, result="done"):
	before = reloads(stack, result)
	os.kill(stack.pid("milter"), signal.SIGHUP)
	assert wait_for(lambda: reloads(stack, result) == before + 1)


def link_of(stack, address):
	return stack.delivered(stack.send(address).marker).link()


def envelope(s, address):
	"""The reply to RCPT, on a connection that is open."""
	s.mail(SENDER)
	code, text = s.rcpt(address)
	return f"{code} {text.decode()}"


def test_a_new_stream_holds_from_the_next_message(stack, conf):
	"""The one under way ends as it began, on the same connection."""
	with stack.smtp("PLAIN_") as s, stack.smtp() as other:
		s.ehlo()
		other.ehlo()
		assert envelope(s, "withdrawn@rcpt.test").startswith("250 ")
		assert envelope(other, "granted@rcpt.test").startswith("250 ")
		conf.write_text(conf.read_text() + STREAM)
		reload(stack)
		assert s.data(b"Subject: before\r\n\r\nx\r\n")[0] == 250
		assert other.data(b"Subject: other\r\n\r\nx\r\n")[0] == 250
		assert envelope(s, "withdrawn@rcpt.test").startswith(REFUSED)
		s.rset()
		assert envelope(s, "granted@rcpt.test").startswith("250 ")
		assert envelope(other, "pending@rcpt.test").startswith("550 ")


@pytest.mark.parametrize("old,new", [("stream newsletter", "strem x"),
    ('"offers"', '"ofers"'), ("timeout = 5s", "timeout = soon"),
    ("/keys/keys", "/keys/gone"), ("&port=", "&port=1")])
def test_a_bad_configuration_changes_nothing_and_is_told(stack, conf, old, new):
	"""Wrong in itself, or with the database, the keys or the server."""
	assert old in conf.read_text()
	milter, begin = stack.pid("milter"), len(stack.log())
	conf.write_text(conf.read_text().replace(old, new))
	reload(stack, "failed")
	(line,) = [row for row in stack.log()[begin:].splitlines()
	    if "reload-refused" in row]
	assert re.search(r'error="[^"]+', line)
	assert stack.rcpt("granted@rcpt.test").startswith("250 ")
	assert stack.rcpt("withdrawn@rcpt.test").startswith(REFUSED)
	assert stack.metric("assent_lease_held") == 1
	os.kill(milter, 0)


def test_two_hangups_in_a_row(stack, conf):
	milter, before = stack.pid("milter"), reloads(stack)
	conf.write_text(conf.read_text() + STREAM)
	os.kill(milter, signal.SIGHUP)
	os.kill(milter, signal.SIGHUP)
	assert wait_for(lambda: reloads(stack) > before)
	assert wait_for(lambda: stack.rcpt("withdrawn@rcpt.test",
	    "PLAIN_").startswith(REFUSED))
	os.kill(milter, 0)


def test_fifty_hangups_under_load_cost_no_message(stack):
	milter, before = stack.pid("milter"), reloads(stack)
	load = subprocess.Popen([MCLIENT, "-n", "6000", "-c", "8", "-m", "20",
	    "-r", "granted%d@rcpt.test", "-r",
	    "withdrawn@rcpt.test=550:withdrawn", stack.env["MILTER_SOCKET"]],
	    stdout=subprocess.PIPE, text=True)
	with load:
		for _ in range(50):
			os.kill(milter, signal.SIGHUP)
			time.sleep(0.02)
		told, _ = load.communicate(timeout=120)
	assert json.loads(told)["errors"] == 0
	assert json.loads(told)["sessions"] == 6000
	assert wait_for(lambda: reloads(stack) >= before + 2)
	assert wait_for(lambda: stack.metric("assent_lease_held") == 1)
	os.kill(milter, 0)


def test_links_of_a_rotated_key_work_before_the_web_is_told(stack):
	"""Only the milter hears of the new key; old links work on."""
	address, web = stack.subscriber(), stack.pid("web")
	old = link_of(stack, address)
	stack.ctl("keys", "rotate")
	assert link_of(stack, address) == old
	reload(stack)
	new = link_of(stack, address)
	assert new != old
	for link in (new, old):
		stack.ctl("grant", address, "newsletter")
		assert stack.rcpt(address).startswith("250 ")
		assert stack.click(link) == 200
		assert stack.rcpt(address).startswith(REFUSED)
	begin = len(stack.log("web"))
	os.kill(web, signal.SIGHUP)
	assert wait_for(lambda: "reload done" in stack.log("web")[begin:])
	for link in (new, old):
		stack.ctl("grant", address, "newsletter")
		assert stack.click(link) == 200
		assert stack.rcpt(address).startswith(REFUSED)


@contextlib.contextmanager
def own_milter(stack):
	"""The milter as a child of ours, whose exit status we are told."""
	program = stack.folder / "bin/assent-milter"
	who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
	with open(stack.env["MILTER_LOG"], "a", encoding="ascii") as log, \
	    subprocess.Popen([program if program.exists()
	    else BUILD / "assent-milter", "-c", stack.env["ASSENT_CONF"]],
	    stdin=subprocess.DEVNULL, stdout=log, stderr=log, umask=0,
	    **(who if os.geteuid() == 0 else {})) as process:
		try:
			assert wait_for(lambda: stack.rcpt("granted@rcpt.test")
			    .startswith("250 "))
			yield process
		finally:
			process.terminate()
			if not wait_for(lambda: process.poll() is not None, 60):
				process.kill()


def test_sigterm_finishes_the_message_and_frees_the_socket(stack):
	def refuses_new():
		with stack.smtp() as s:
			s.ehlo()
			return s.mail(SENDER)[0] == 451

	stack.stop("milter")
	try:
		with own_milter(stack) as milter, stack.smtp() as s:
			s.ehlo()
			assert envelope(s, "granted@rcpt.test")[:4] == "250 "
			assert s.docmd("data")[0] == 354
			s.send("Subject: half-way\r\n\r\nthe one half\r\n")
			milter.terminate()
			assert wait_for(refuses_new)
			assert milter.poll() is None
			s.send("the other half\r\n.\r\n")
			assert s.getreply()[0] == 250
			assert milter.wait(60) == 0
		body = stack.delivered("half-way").body
		assert b"the one half\nthe other half\n" in body
		with own_milter(stack) as milter:
			assert stack.rcpt("withdrawn@rcpt.test").startswith(
			    REFUSED)
		assert milter.returncode == 0
	finally:
		stack.start("milter")
