# SPDX-License-Identifier: ISC
"""A thousand people leave at once, and assent-web is killed meanwhile."""

import http.client
import os
import queue
import signal
import subprocess
import threading
import urllib.parse
from collections import Counter

from conftest import ROOT, SENDER, wait_for

PEOPLE, CLIENTS, ANSWERED = 1000, 64, 300
BUILD = ROOT / os.environ.get("BUILD", "build")
FORMS = (b"List-Unsubscribe=One-Click", b"via=page")
# Of each person: state, what the ledger has, and whether the permit is what
# the state comes to.
STANDS = """
	SELECT e.canonical, c.state::text,
		(SELECT count(*) FROM assent.event v JOIN assent.event_person p
			ON p.event_id = v.id WHERE v.contact_id = e.contact_id
			AND v.act = 'withdraw' AND p.fields ? 'ip'),
		p.packed = (SELECT packed FROM assent.pack(
			ARRAY[e.contact_id], 'email'))
	FROM assent.endpoint e JOIN assent.consent c USING (contact_id)
	JOIN assent.permit p USING (key)
	WHERE e.canonical LIKE 'k%%@killed.test'"""


def grant_all(stack):
	"""Makes the people, and a link for each."""
	people = [f"k{i}@killed.test" for i in range(PEOPLE)]
	file = stack.folder / "people.csv"
	file.write_text("address,purpose,state\n" + "".join(
	    f"{a},acme/newsletter,granted\n" for a in people))
	stack.ctl("import", str(file))
	keys = dict(stack.sql("SELECT canonical, encode(key, 'hex') "
	    "FROM assent.endpoint"))
	((purpose,),) = stack.sql("SELECT id FROM assent.purpose "
	    "WHERE assent.purpose_name(id) = 'acme/newsletter'")
	mine = stack.folder / "links.keys"	# only its owner may read it
	mine.touch(0o600)
	mine.write_bytes((stack.folder / "keys" / "keys").read_bytes())
	tokens = subprocess.run([BUILD / "tests/links", mine, str(purpose)],
	    check=True, text=True,
	    input="".join(f"{keys[a]}\n" for a in people),
	    capture_output=True).stdout.split()
	return {a: f"/u/{t}" for a, t in zip(people, tokens, strict=True)}


def click_all(stack, links, answers):
	"""From many clients at once; what each was answered, None for nothing."""
	todo = queue.SimpleQueue()
	for n, item in enumerate(links.items()):
		todo.put((n, *item))
	where = urllib.parse.urlsplit(stack.env["WEB_URL"]).netloc

	def client():
		while True:
			try:
				n, address, path = todo.get_nowait()
			except queue.Empty:
				return
			link = http.client.HTTPConnection(where, timeout=60)
			try:
				link.request("POST", path, FORMS[n % 2], {
				    "Content-Type":
				    "application/x-www-form-urlencoded"})
				answers[address] = link.getresponse().status
			except (OSError, http.client.HTTPException):
				answers[address] = None
			finally:
				link.close()

	clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
	for c in clients:
		c.start()
	return clients


def test_who_was_told_so_has_left_and_nobody_half(own_stack):
	stack, answers = own_stack, {}
	links = grant_all(stack)
	clients = click_all(stack, links, answers)
	assert wait_for(lambda: len(answers) >= ANSWERED, pause=0.001)
	os.kill(stack.pid("web"), signal.SIGKILL)
	for c in clients:
		c.join()
	told = {a for a, status in answers.items() if status == 200}
	assert len(answers) == PEOPLE and ANSWERED <= len(told) < PEOPLE, \
	    Counter(answers.values())
	stands = {a: rest for a, *rest in stack.sql(STANDS)}
	assert len(stands) == PEOPLE
	left = {a for a, (state, _, _) in stands.items() if state == "withdrawn"}
	assert told <= left
	for state, events, same in stands.values():
		assert (state, events, same) in (("granted", 0, True),
		    ("withdrawn", 1, True))
	check_recipients(stack, sorted(left)[-40:], 550)
	check_recipients(stack, sorted(set(links) - left)[-40:], 250)
	# Everybody presses again, and one withdrawal each is all there is.
	stack.stop("web")
	stack.start("web")
	answers.clear()
	for c in click_all(stack, links, answers):
		c.join()
	assert set(answers.values()) == {200}
	assert {tuple(rest) for _, *rest in stack.sql(STANDS)} == {
	    ("withdrawn", 1, True)}


def check_recipients(stack, addresses, code):
	"""What the milter says now, to each of them."""
	with stack.smtp() as s:
		s.ehlo()
		s.mail(SENDER)
		assert {s.rcpt(a)[0] for a in addresses} == {code}
