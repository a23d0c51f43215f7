# SPDX-License-Identifier: ISC
"""The web killed in the middle of a thousand clicks: all or nothing of each."""

import contextlib
import os
import resource
import selectors
import signal
import socket
import urllib.parse

import pytest

from conftest import SENDER

PEOPLE, AT_ONCE = 1000, 200
KILLED_AFTER = 30		# clicks that were answered 200
FILES = 2048
CLICK = ("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n\r\n{}")
# By turns of a mail program, and of the page, which keeps what it takes.
FORMS = ("List-Unsubscribe=One-Click", "via=page")


@pytest.fixture
def files():
	soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
	resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))
	yield
	resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def subscribers(stack):
	"""Addresses that have consented, each with its link."""
	who = [f"click{i}@rcpt.test" for i in range(PEOPLE)]
	batch = stack.folder / "people"
	batch.write_text("".join(f"grant {a} newsletter\n" for a in who))
	stack.ctl("batch", str(batch))
	for i in range(0, PEOPLE, AT_ONCE):
		with stack.smtp() as s:
			s.sendmail(SENDER, who[i:i + AT_ONCE],
			    "Subject: links\r\n\r\nx\r\n")
	return {d.recipients[0]: d.link()
	    for d in stack.delivered("Subject: links", PEOPLE, 60)}


def click_all(stack, links):
	"""Clicks all at once and kills the web meanwhile: who was told 200, and
	who was told nothing."""
	host, port = urllib.parse.urlsplit(
	    stack.env["WEB_URL"]).netloc.split(":")
	told, cut = set(), set()
	with contextlib.ExitStack() as closing, \
	    selectors.DefaultSelector() as ready:
		for address, path in links.items():
			s = closing.enter_context(socket.create_connection(
			    (host, int(port)), timeout=30))
			ready.register(s, selectors.EVENT_READ, address)
		for i, key in enumerate(list(ready.get_map().values())):
			form = FORMS[i % 2]
			key.fileobj.sendall(CLICK.format(links[key.data],
			    len(form), form).encode())
		while ready.get_map():
			events = ready.select(30)
			assert events, "neither answered nor closed"
			for key, _ in events:
				ready.unregister(key.fileobj)
				answer = b""
				with contextlib.suppress(ConnectionError):
					answer = key.fileobj.recv(40)
				if b" 200 " in answer:
					told.add(key.data)
				elif not answer:
					cut.add(key.data)
			if len(told) >= KILLED_AFTER:
				with contextlib.suppress(ProcessLookupError):
					os.kill(stack.pid("web"),
					    signal.SIGKILL)
	return told, cut


def refused(stack, addresses):
	"""Whom the milter refuses, because they have left."""
	out = set()
	with stack.smtp() as s:
		s.ehlo()
		s.mail(SENDER)
		for address in addresses:
			code, text = s.rcpt(address)
			assert code == 250 or b"withdrawn" in text
			if code != 250:
				out.add(address)
	return out


def test_killed_in_the_middle_of_a_thousand_clicks(own_stack, files):
	links = subscribers(own_stack)
	assert len(links) == PEOPLE
	told, cut = click_all(own_stack, links)
	own_stack.stop("web")
	assert len(told) >= KILLED_AFTER and cut
	left = refused(own_stack, links)
	assert told <= left
	rows = own_stack.sql("SELECT original, state = 'withdrawn', (SELECT "
	    "count(*) FROM assent.event v WHERE v.contact_id = c.contact_id "
	    "AND act = 'withdraw') FROM assent.consent c JOIN assent.endpoint "
	    "USING (contact_id) WHERE original LIKE 'click%%'")
	assert {tuple(row) for row in rows} == {(a, a in left, int(a in left))
	    for a in links}
	assert own_stack.sql("SELECT count(*) FROM assent.departure d "
	    "JOIN assent.consent c USING (contact_id, purpose_id) "
	    "WHERE d.after IS DISTINCT FROM assent.on_record(c.contact_id, "
	    "c.purpose_id, c.channel)") == [(0,)]
	# Who was not told presses again.
	own_stack.start("web")
	for address in sorted(set(links) - told)[:20]:
		assert own_stack.click(links[address]) == 200
		assert own_stack.rcpt(address).startswith("550 ")
