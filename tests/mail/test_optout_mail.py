# SPDX-License-Identifier: ISC
"""Opt-outs by mail: the mailto form of the link."""

import re
import time

import pytest

from conftest import SENDER, on_both_mtas
from test_sendmail import sendmail
from test_faults import flush

PERSON = "ann@elsewhere.test"
DOMAIN = "optout.example.com"


def mailto_of(stack, address):
	sent = stack.send(address)
	(value,) = stack.delivered(sent.marker).all("List-Unsubscribe")
	return re.search("<mailto:([^?]*)", value)[1]


@pytest.fixture
def subscriber(stack):
	"""An address that has consented, and the mailto of its link."""
	address = stack.subscriber()
	return address, mailto_of(stack, address)


def mail(stack, recipients, headers="", sender=PERSON, listener="PLAIN_",
    text=""):
	return stack.send(recipients, text, headers, listener, sender)


def state(stack, address):
	return stack.rcpt(address).split()[2].rstrip(":") \
	    if stack.rcpt(address)[0] == "5" else "granted"


def counted(stack, result):
	return stack.metric(f'assent_opt_outs_total{{result="{result}"}}')


@on_both_mtas
@pytest.mark.parametrize("listener", ["PLAIN_", "HEADER_", ""])
def test_a_mail_ends_it(stack, subscriber, listener):
	address, mailto = subscriber
	before = counted(stack, "changed")
	sent = mail(stack, mailto, "Subject: unsubscribe\r\n",
	    listener=listener)
	assert sent.end.startswith("250 ")
	assert state(stack, address) == "withdrawn"
	assert counted(stack, "changed") == before + 1
	(source, fields), = stack.sql("""SELECT e.source, p.fields
		FROM assent.event e JOIN assent.event_person p ON e.id = p.event_id
		JOIN assent.endpoint n USING (contact_id)
		WHERE n.canonical = %s AND act = 'withdraw'""", address)
	assert (source, fields) == ("mail", {"sender": PERSON})
	# It goes nowhere, and nobody answers it.
	stack.idle()
	assert stack.sunk(sent.marker) == []
	assert stack.sunk(PERSON) == []


def test_again_changes_nothing(stack, subscriber):
	address, mailto = subscriber
	for want in ("changed", "already"):
		before = counted(stack, want)
		assert mail(stack, mailto).end.startswith("250 ")
		assert counted(stack, want) == before + 1
	assert state(stack, address) == "withdrawn"


@on_both_mtas
@pytest.mark.parametrize("spell", [str.upper, str.title,
    lambda a: '"{}"@{}'.format(*a.split("@")),
    lambda a: a.replace(DOMAIN, DOMAIN.upper())])
def test_spellings(stack, subscriber, spell):
	address, mailto = subscriber
	assert mail(stack, spell(mailto)).end.startswith("250 ")
	assert state(stack, address) == "withdrawn"


@pytest.mark.parametrize("spoil", [
    lambda a: a[1:], lambda a: "x" + a, lambda a: "nobody@" + DOMAIN,
    lambda a: a[:20] + ("b" if a[20] == "a" else "a") + a[21:],
    lambda a: "+x@".join(a.split("@"))])
def test_no_token(stack, subscriber, spoil):
	address, mailto = subscriber
	before = counted(stack, "bad-token")
	for listener in ("PLAIN_", ""):
		assert stack.rcpt(spoil(mailto), listener).startswith(
		    "550 5.1.1 no-such-link: ")
	assert counted(stack, "bad-token") == before + 2
	assert state(stack, address) == "granted"


def test_the_links_other_spelling_is_no_address(stack):
	sent = stack.send("granted@rcpt.test")
	link = stack.delivered(sent.marker).link().rsplit("/", 1)[1]
	assert stack.rcpt(f"{link}@{DOMAIN}", "PLAIN_").startswith("550 5.1.1 ")


def test_people_of_the_domain_can_be_written_to(stack):
	for who in ("postmaster", "Abuse"):
		sent = mail(stack, f"{who}@{DOMAIN}")
		assert stack.delivered(sent.marker).recipients == [
		    f"{who}@{DOMAIN}"]
	sent = mail(stack, f"ann@not{DOMAIN}")
	assert stack.delivered(sent.marker)


@pytest.mark.parametrize("headers", [
    "Auto-Submitted: auto-replied\r\n", "Auto-Submitted: auto-generated; x=y\r\n",
    "auto-submitted:\r\n (hm) auto-notified\r\n",
    "Precedence: bulk\r\n", "PRECEDENCE: Junk\r\n", "Precedence: list\r\n",
    "Precedence: auto_reply\r\n", "X-Autoreply: yes\r\n",
    "X-Autorespond: away\r\n", "X-Auto-Response-Suppress: All\r\n",
    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
    " boundary=x\r\n"])
def test_no_program_can_opt_out(stack, subscriber, headers):
	address, mailto = subscriber
	before = counted(stack, "ignored")
	sent = mail(stack, mailto, headers)
	assert sent.end.startswith("250 ")
	assert counted(stack, "ignored") == before + 1
	assert state(stack, address) == "granted"
	stack.idle()
	assert stack.sunk(sent.marker) == []


@on_both_mtas
def test_a_bounce_changes_nothing(stack, subscriber):
	address, mailto = subscriber
	assert mail(stack, mailto, sender="").end.startswith("250 ")
	assert state(stack, address) == "granted"
	assert "opt-out result=ignored source=mail" in stack.log()


def test_what_says_that_a_person_sent_it(stack, subscriber):
	address, mailto = subscriber
	mail(stack, mailto, "Auto-Submitted: no\r\nPrecedence: normal\r\n"
	    "Content-Type: multipart/alternative; boundary=x\r\n")
	assert state(stack, address) == "withdrawn"


@on_both_mtas
def test_among_other_recipients(stack, subscriber):
	address, mailto = subscriber
	other = f"bob{time.time_ns()}@elsewhere.test"
	sent = mail(stack, [other, mailto])
	assert stack.delivered(sent.marker).recipients == [other]
	assert state(stack, address) == "withdrawn"
	stack.idle()
	assert len(stack.sunk(sent.marker)) == 1


@on_both_mtas
def test_among_the_recipients_of_a_campaign(stack, subscriber):
	address, mailto = subscriber
	sent = stack.send([mailto, "granted@rcpt.test", "granted2@rcpt.test"])
	found = stack.delivered(sent.marker, 2)
	assert sorted(d.recipients for d in found) == [
	    ["granted2@rcpt.test"], ["granted@rcpt.test"]]
	assert state(stack, address) == "withdrawn"
	# And of one to nobody else who may get it.
	sent = stack.send([mailto, "withdrawn@rcpt.test"])
	assert sent.replies[1].startswith("550 5.7.1 withdrawn: ")
	assert sent.end.startswith("250 ")
	stack.idle()
	assert stack.sunk(sent.marker) == []


def restart(stack):
	stack.stop("milter")
	stack.start("milter")


def test_with_a_key_that_the_milter_was_not_told_of(own_stack):
	address = own_stack.subscriber()
	keys = own_stack.folder / "keys/keys"
	old = keys.read_text()
	own_stack.ctl("keys", "rotate")
	new = keys.read_text()
	restart(own_stack)
	mailto = mailto_of(own_stack, address)
	keys.write_text(old)
	restart(own_stack)
	assert own_stack.rcpt(mailto, "PLAIN_").startswith("550 5.1.1 ")
	keys.write_text("damaged")
	assert own_stack.rcpt(mailto, "PLAIN_").startswith("451 4.3.0 ")
	keys.write_text(new)
	# And what cannot be written down is not acknowledged.
	own_stack.stop("postgres")
	assert mail(own_stack, mailto).end.startswith("451 4.3.0 ")
	own_stack.start("postgres")
	assert mail(own_stack, mailto).end.startswith("250 ")
	assert state(own_stack, address) == "withdrawn"


@on_both_mtas
def test_by_sendmail(stack, subscriber):
	address, mailto = subscriber
	sendmail(stack, "opt-out-by-sendmail", mailto)
	stack.idle()
	assert state(stack, address) == "withdrawn"
	assert stack.sunk("opt-out-by-sendmail") == []


@on_both_mtas
def test_by_sendmail_to_a_bad_address_and_others(stack, subscriber):
	_, mailto = subscriber
	marker = f"queued-bad-{time.time_ns()}"
	sendmail(stack, marker, "x" + mailto, "granted2@rcpt.test")
	message, dsn = sorted(stack.delivered(marker, 2),
	    key=lambda d: d.sender == "")
	assert message.recipients == ["granted2@rcpt.test"]
	assert dsn.recipients == [SENDER]
	assert b" no-such-link: " in dsn.body
	marker = f"queued-alone-{time.time_ns()}"
	sendmail(stack, marker, "x" + mailto)
	assert stack.delivered(marker).recipients == [SENDER]
	flush(stack)
	stack.idle()
