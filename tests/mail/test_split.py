# SPDX-License-Identifier: ISC
"""A private copy for each of several recipients: none lost, none twice."""

import collections
import contextlib
import itertools
import re
import smtplib
import socket
import socketserver
import threading
import time
from pathlib import Path

import pytest

from conftest import SENDER, new_stack, wait_for
from test_delivery import (AWKWARD, BODY, OURS, as_sent, check_list_fields,
    without)
from test_faults import as_superuser, crash, flush
from test_sendmail import sendmail

REFUSED = [f"stranger{i}@rcpt.test" for i in range(7)] + [
    "withdrawn@rcpt.test", "objected@rcpt.test", "pending@rcpt.test"]
number = itertools.count()
on_both_mtas = pytest.mark.parametrize("stack", ["postfix", "sendmail"],
    indirect=True, scope="module")


class Proxy(socketserver.ThreadingTCPServer):
	"""Stands between the milter and Postfix, and can get in the way.

	`hook` is called with each command before it is handed on, and with
	"taken" after the MTA took a message but before the milter is told; what
	it returns, if anything, is the reply.
	"""

	allow_reuse_address = True
	daemon_threads = True

	def __init__(self, stack):
		super().__init__(("127.0.0.1", 0), Dialogue)
		self.stack = stack
		self.target = ("127.0.0.1", int(stack.env["INJECT_PORT"]))
		self.said = []
		self.hook = None
		threading.Thread(target=self.serve_forever, daemon=True).start()

	def meet(self, event):
		self.said.append(event)
		return self.hook(event) if self.hook else None

	def taken(self):
		return self.said.count("taken")

	def quiet(self):
		self.hook, self.said = None, []


class Dialogue(socketserver.StreamRequestHandler):
	def handle(self):
		try:
			with socket.create_connection(self.server.target) as s:
				self.mta = s.makefile("rwb", 0)
				self.wfile.write(self.reply())
				while line := self.rfile.readline():
					self.wfile.write(self.command(line))
		except OSError:
			pass	# one of the two is gone, and now both

	def reply(self):
		lines = b""
		while not re.match(rb"\d{3} ", line := self.mta.readline()):
			if not line:
				raise OSError("the MTA hung up")
			lines += line
		return lines + line

	def command(self, line):
		said = self.server.meet(line.decode().rstrip("\r\n"))
		if said:
			return said.encode() + b"\r\n"
		self.mta.write(line)
		answer = self.reply()
		if not answer.startswith(b"354"):
			return answer
		self.wfile.write(answer)
		while (line := self.rfile.readline()) != b".\r\n":
			if not line:
				raise OSError("the milter hung up")
			self.mta.write(line)
		self.mta.write(b".\r\n")
		answer = self.reply()
		said = answer.startswith(b"250") and self.server.meet("taken")
		return said.encode() + b"\r\n" if said else answer


def configure(stack, *pairs):
	"""Edits keys of the milter's section and restarts it."""
	conf = stack.folder / "assent.conf"
	text = conf.read_text()
	for key, value in pairs:
		text = re.sub(rf"(?m)^\t{key} .*\n", "", text)
		text = text.replace("milter {\n",
		    f"milter {{\n\t{key} = {value}\n", 1)
	conf.write_text(text)
	stack.stop("milter")
	stack.start("milter")


def stack_with_proxy(mta):
	s = new_stack(mta)
	s.proxy = Proxy(s)
	# A claim lasts for a quarter more than both timeouts.
	configure(s, ("inject", f'"smtp://127.0.0.1:{s.proxy.server_address[1]}"'),
	    ("timeout", "1s"), ("max-message", "100000"))
	return s


@pytest.fixture(scope="module")
def stacks():
	"""Stacks of this file's own, their milters behind a proxy."""
	started = {}
	with contextlib.ExitStack() as closing:
		def stack_with(mta):
			if mta not in started:
				started[mta] = stack_with_proxy(mta)
				closing.callback(started[mta].close)
			return started[mta]
		yield stack_with


@pytest.fixture(scope="module")
def stack(stacks, request):
	return stacks(getattr(request, "param", "postfix"))


@pytest.fixture
def proxy(stack):
	stack.proxy.quiet()
	yield stack.proxy
	stack.proxy.quiet()


@pytest.fixture
def forty(stack):
	"""Fresh addresses that have consented."""
	base = next(number)
	who = [f"copy{base}-{i}@rcpt.test" for i in range(40)]
	batch = stack.folder / "people"
	batch.write_text("".join(f"grant {a} newsletter\n" for a in who))
	stack.ctl("batch", str(batch))
	return who


class Letter:
	"""One message, which can be sent as often as it takes."""

	def __init__(self, stack, recipients, body=b"private\r\n", head=None):
		self.stack, self.recipients = stack, recipients
		self.marker = f"split{next(number)}-{time.time_ns()}"
		self.head = (head or AWKWARD) % self.marker.encode()
		self.body = body
		self.replies = []

	def send(self, options=(), rcpt_options=(), before_data=None):
		"""One attempt; the last reply, or "" when the MTA went away."""
		try:
			with self.stack.smtp() as s:
				s.ehlo()
				s.mail(SENDER, ["BODY=8BITMIME", *options])
				self.replies = [f"{c} {t.decode()}"
				    for c, t in (s.rcpt(r, rcpt_options)
				    for r in self.recipients)]
				if before_data:
					before_data()
				code, text = s.data(self.head + b"\r\n" + self.body)
				return f"{code} {text.decode()}"
		except (OSError, smtplib.SMTPServerDisconnected):
			return ""

	def insist(self, seconds=30):
		"""Sends until it is taken."""
		assert wait_for(lambda: self.send().startswith("250 "), seconds,
		    0.3)

	def copies(self, n=1):
		"""By recipient, how often it was delivered in the end."""
		self.stack.delivered(self.marker, n)
		self.stack.idle()
		sink = Path(self.stack.env["SINK_DIR"])
		assert wait_for(lambda: all(map(self.stack.at_rest,
		    sink.iterdir())))
		return collections.Counter(d.recipients[0]
		    for d in self.found())

	def found(self):
		return [d for d in self.stack.sunk(self.marker) if d.sender]


def once_each(recipients):
	return collections.Counter(recipients)


@on_both_mtas
def test_fifty_recipients_of_whom_ten_are_refused(stack, proxy, forty):
	everybody = [a for pair in itertools.zip_longest(forty, REFUSED)
	    for a in pair if a]
	letter = Letter(stack, everybody, BODY)
	assert letter.send().startswith("250 ")
	assert [r[:9] for r in letter.replies] == [
	    "250 2.1.5" if a in forty else "550 5.7.1" for a in everybody]
	assert letter.copies(40) == once_each(forty)
	links = set()
	for d in letter.found():
		(who,) = d.recipients
		assert d.sender == SENDER
		check_list_fields(d)
		links.add(d.link())
		text = b"\n".join([*d.fields, d.body]).decode()
		assert not [a for a in everybody if a != who and a in text]
		fields = without(d.fields, OURS)
		trace = [fields.pop(0) for _ in range(3)]
		assert re.fullmatch(rb"Received: from \S+ \(\[127\.0\.0\.1\]\)\n"
		    rb"\tby mta\.stack\.test \(Assent\) with SMTP id \w+;\n"
		    rb"\t\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000", trace[2])
		assert fields == as_sent(letter.head)
		assert d.body.rstrip(b"\n") == BODY.replace(
		    b"\r\n", b"\n").rstrip(b"\n")
	assert len(links) == 40
	# All of them over one connection.
	assert len([c for c in proxy.said if c.startswith("EHLO")]) == 1


def test_a_link_of_a_copy_is_its_recipients(stack, forty):
	letter = Letter(stack, forty[:3])
	letter.insist()
	letter.copies(3)
	(mine,) = [d for d in letter.found() if d.recipients == [forty[1]]]
	assert stack.click(mine.link()) == 200
	assert [stack.rcpt(a)[:3] for a in forty[:3]] == ["250", "550", "250"]


def test_one_mailbox_passes_itself(stack, proxy, forty):
	letter = Letter(stack, [forty[0], forty[0].upper()])
	letter.insist()
	assert not proxy.said
	assert sum(letter.copies().values()) == 1


def test_a_mailbox_named_twice_gets_one_copy(stack, forty):
	letter = Letter(stack, [forty[0], forty[1], forty[0].upper()])
	letter.insist()
	assert letter.copies(2) == once_each(forty[:2])


def kill_when(proxy, part, event, taken):
	"""Kills a part of the stack at an event; set when it is dead."""
	dead = threading.Event()

	def kill(said):
		if said.startswith(event) and proxy.taken() == taken:
			proxy.hook = None
			crash(proxy.stack, part)
			dead.set()

	proxy.hook = kill
	return dead


@on_both_mtas
def test_the_mta_killed_after_the_seventeenth_copy(stack, proxy, forty):
	letter = Letter(stack, forty)
	dead = kill_when(proxy, "mta", "MAIL ", 17)
	assert letter.send() == ""
	assert dead.wait(20)
	assert proxy.taken() == 17
	stack.start("mta")
	letter.insist()
	assert letter.copies(40) == once_each(forty)


@pytest.mark.parametrize("event", ["MAIL ", "taken"])
def test_the_milter_killed_between_copies(stack, proxy, forty, event):
	"""Of a copy that was taken and not yet recorded nobody knows."""
	who = forty[:12]
	letter = Letter(stack, who)
	dead = kill_when(proxy, "milter", event, 7)
	assert not letter.send().startswith("250 ")
	assert dead.wait(20)
	stack.start("milter")
	letter.insist()
	copies = letter.copies(12 + (event == "taken"))
	assert set(copies) == set(who)
	assert sum(copies.values()) == 12 + (event == "taken")


def test_two_deliveries_at_once_make_no_doubles(stack, proxy, forty):
	def slow(event):
		if event.startswith("MAIL "):
			time.sleep(0.03)

	letters = [Letter(stack, forty[:20]), Letter(stack, forty[19::-1])]
	letters[1].head = letters[0].head
	proxy.hook = slow
	threads = [threading.Thread(target=x.insist) for x in letters]
	for t in threads:
		t.start()
	for t in threads:
		t.join()
	assert letters[0].copies(20) == once_each(forty[:20])
	assert len([c for c in proxy.said if c.startswith("EHLO")]) > 1


def test_without_postgresql_nothing_is_sent(stack, proxy, forty):
	letter = Letter(stack, forty[:5])
	end = letter.send(before_data=lambda: stack.stop("postgres"))
	assert end.startswith("451 4.3.0 unfinished: ")
	assert not proxy.taken()
	stack.start("postgres")
	letter.insist()
	assert letter.copies(5) == once_each(forty[:5])


def test_a_copy_is_recorded_although_postgresql_was_away(stack, proxy, forty):
	def login(may):
		as_superuser(stack, f"ALTER ROLE assent_milter {may}")

	def away(event):
		if event == "taken":
			proxy.hook = None
			login("NOLOGIN")
			as_superuser(stack, """SELECT pg_terminate_backend(pid)
				FROM pg_stat_activity
				WHERE usename = 'assent_milter'""")
			threading.Timer(1, login, ["LOGIN"]).start()

	letter = Letter(stack, forty[:5])
	proxy.hook = away
	letter.insist()
	assert letter.copies(5) == once_each(forty[:5])


def test_a_recipient_that_the_mta_refuses_holds_up_nobody(stack, proxy, forty):
	who = forty[:6]
	letter = Letter(stack, who)
	proxy.hook = lambda event: event.startswith(f"RCPT TO:<{who[2]}>") \
	    and "450 4.2.0 later"
	assert letter.send().startswith("451 4.3.0 unfinished: ")
	assert letter.copies(5) == once_each(who[:2] + who[3:])
	failed = 'assent_copies_total{result="failed"}'
	skipped = 'assent_copies_total{result="skipped"}'
	before = stack.metric(skipped)
	assert stack.metric(failed) > 0
	proxy.hook = None
	letter.insist()
	assert letter.copies(6) == once_each(who)
	assert stack.metric(skipped) == before + 5


NO_SUCH_USER = "550 5.1.1 no such user here"


def refuse(proxy, *recipients, meanwhile=None):
	"""The MTA refuses these, and defers `meanwhile`."""
	def answer(event):
		if event == f"RCPT TO:<{meanwhile}>":
			return "450 4.2.0 later"
		return event in {f"RCPT TO:<{r}>" for r in recipients} \
		    and NO_SUCH_USER
	proxy.hook = answer


def reports(letter):
	"""The notifications about a message."""
	letter.stack.idle()
	return [d for d in letter.stack.sunk(letter.marker) if not d.sender]


def test_a_copy_that_the_mta_refuses_for_good_is_reported(stack, proxy, forty):
	"""Once, and when nothing else can fail any more."""
	who = forty[:6]
	letter = Letter(stack, [*who, who[2].upper()])
	refused = 'assent_copies_total{result="refused"}'
	before = stack.metric(refused)
	refuse(proxy, who[2], meanwhile=who[4])
	assert letter.send().startswith("451 4.3.0 unfinished: ")
	assert not reports(letter)
	refuse(proxy, who[2])
	assert letter.send().startswith("250 ")
	assert letter.copies(5) == once_each([*who[:2], *who[3:]])
	(report,) = reports(letter)
	assert report.recipients == [SENDER]
	text = report.body.decode()
	assert re.findall("(?m)^Final-Recipient: .*; (.*)$", text) == [
	    who[2], who[2].upper()]
	assert re.findall("(?m)^Diagnostic-Code: smtp; (.*)$", text) == [
	    NO_SUCH_USER] * 2
	assert stack.metric(refused) == before + 2


def test_a_message_whose_copies_the_mta_all_refuses_is_refused(stack, proxy,
    forty):
	letter = Letter(stack, forty[:2])
	refuse(proxy, *forty[:2])
	assert letter.send().startswith("550 5.3.0 undeliverable: ")
	assert not reports(letter) and not proxy.taken()


def test_what_the_mta_refuses_of_the_set_up_is_tried_again(stack, proxy, forty):
	letter = Letter(stack, forty[:2])
	proxy.hook = lambda event: event.startswith("MAIL") \
	    and "530 5.7.0 must issue STARTTLS first"
	assert letter.send().startswith("451 4.3.0 unfinished: ")
	proxy.hook = None
	letter.insist()
	assert letter.copies(2) == once_each(forty[:2])


def test_who_has_a_copy_and_is_left_alone_gets_no_second(stack, proxy, forty):
	"""The other one leaves before the message comes again."""
	who = forty[:2]
	letter = Letter(stack, who)
	proxy.hook = lambda event: event.startswith(f"RCPT TO:<{who[1]}>") \
	    and "450 4.2.0 later"
	assert letter.send().startswith("451 4.3.0 unfinished: ")
	proxy.hook = None
	stack.ctl("withdraw", who[1], "newsletter")
	letter.insist()
	assert letter.replies[1].startswith("550 5.7.1 withdrawn: ")
	assert letter.copies() == once_each(who[:1])


def test_no_copy_begins_when_time_is_up(stack, proxy, forty):
	def slow(event):
		if event.startswith("MAIL "):
			time.sleep(0.25)

	letter = Letter(stack, forty[:8])
	configure(stack, ("copies-timeout", "1s"))
	proxy.hook = slow
	assert letter.send().startswith("451 4.3.0 unfinished: ")
	assert 0 < proxy.taken() < 8
	configure(stack, ("copies-timeout", "60s"))
	letter.insist()
	assert letter.copies(8) == once_each(forty[:8])


def test_the_envelopes_parameters_are_kept(stack, proxy, forty):
	letter = Letter(stack, forty[:2])
	assert letter.send(["SMTPUTF8", "RET=HDRS", "ENVID=campaign+2B11",
	    "SIZE=999"], ["NOTIFY=FAILURE", "ORCPT=rfc822;a@example.com"]
	    ).startswith("250 ")
	mail, rcpt = ([c for c in proxy.said if c.startswith(verb)]
	    for verb in ("MAIL", "RCPT"))
	assert mail == [f"MAIL FROM:<{SENDER}> BODY=8BITMIME SMTPUTF8 RET=HDRS "
	    "ENVID=campaign+2B11"] * 2
	assert rcpt == [f"RCPT TO:<{a}> NOTIFY=FAILURE "
	    "ORCPT=rfc822;a@example.com" for a in forty[:2]]


def test_too_large_to_be_kept_is_refused(stack, proxy, forty):
	body = b"x" * 70 + b"\r\n"
	letter = Letter(stack, forty[:2], body * 1500)
	assert letter.send().startswith("552 5.3.4 too-large: ")
	assert not proxy.said
	letter = Letter(stack, forty[:2], body * 1300)
	letter.insist()
	for d in letter.copies(2) and letter.found():
		assert d.body.count(b"x" * 70) == 1300


@on_both_mtas
def test_the_same_message_again_is_known_by_its_id(stack, forty):
	letter = Letter(stack, forty[:2])
	letter.insist()
	letter.insist()
	assert letter.copies(2) == once_each(forty[:2])
	other = Letter(stack, forty[:2], head=b"Subject: %s\r\n")
	other.insist()
	other.insist()
	assert other.copies(4) == once_each(forty[:2] * 2)


def test_mail_of_sendmail_is_tried_again_without_doubles(stack, proxy, forty):
	"""Each try gets another Message-ID of Postfix'."""
	who, marker = forty[:4], f"queued-{next(number)}"
	proxy.hook = lambda event: event.startswith(f"RCPT TO:<{who[3]}>") \
	    and "450 4.2.0 later"
	sendmail(stack, marker, *who)
	assert wait_for(lambda: proxy.taken() == 3)
	proxy.hook = None
	flush(stack)
	found = stack.delivered(marker, 4)
	stack.idle()
	assert sorted(d.recipients[0] for d in stack.sunk(marker)) == sorted(who)
	for d in found:
		check_list_fields(d)


def test_mail_of_sendmail_says_itself_that_it_is_utf8(stack, proxy, forty):
	marker = f"zażółć-{next(number)}"
	sendmail(stack, marker, *forty[:2])
	stack.delivered(marker, 2)
	assert [c for c in proxy.said if c.startswith("MAIL")] == [
	    f"MAIL FROM:<{SENDER}> SMTPUTF8"] * 2
	proxy.quiet()
	sendmail(stack, marker.encode("ascii", "replace").decode(), *forty[:2])
	stack.idle()
	assert [c for c in proxy.said if c.startswith("MAIL")] == [
	    f"MAIL FROM:<{SENDER}>"] * 2


def test_who_was_refused_late_is_told_about_once(stack, proxy, forty):
	proxy.hook = lambda event: event.startswith(f"RCPT TO:<{forty[1]}>") \
	    and "450 4.2.0 later"
	marker = f"late-{next(number)}"
	sendmail(stack, marker, *forty[:2], REFUSED[0])
	assert wait_for(lambda: proxy.taken() == 1)
	assert not [c for c in proxy.said if c.startswith("MAIL FROM:<>")]
	proxy.hook = None
	flush(stack)
	found = stack.delivered(marker, 3)
	stack.idle()
	assert sorted(d.recipients[0] for d in found) == sorted(
	    [*forty[:2], SENDER])
	assert len(stack.sunk(marker)) == 3


def test_the_record_reveals_nothing_and_old_rows_go(stack, forty):
	rows = stack.sql("SELECT c::text FROM assent.copy c")
	assert rows and not re.search("rcpt|news|shop", str(rows))
	stack.sql("UPDATE assent.copy SET until = now() - interval '1 s'")
	before = stack.sql("SELECT count(*) FROM assent.copy")[0][0]
	Letter(stack, forty[:3]).insist()
	assert stack.sql("SELECT count(*) FROM assent.copy")[0][0] \
	    == max(before - 6, 0) + 3
