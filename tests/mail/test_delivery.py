# SPDX-License-Identifier: ISC
"""What reaches the recipient, octet by octet."""

import re
import smtplib

import pytest

from conftest import SENDER, on_both_mtas

pytestmark = on_both_mtas

OURS = ("list-unsubscribe", "list-unsubscribe-post", "list-id")
AWKWARD = (b"From: Shop <shop@news.example.com>\r\n"
    b"To:granted2@rcpt.test\r\n"
    b"SUBJECT: =?utf-8?q?caf=C3=A9?=  two  spaces \r\n"
    b"X-Folded: one\r\n  two\r\n\tthree\r\n"
    b"X-Empty:\r\n"
    b"x-8bit: gr\xc3\xbc\xc3\x9fe\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n"
    b"Message-ID: <%s@news.example.com>\r\n"
    b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\n")
BODY = (b"line one\r\n\r\n..dots\r\n.\xe2\x80\xa6\r\nFrom the start\r\n"
    b" trailing \t \r\n" + b"x" * 900 + b"\r\n\r\n\r\nend\r\n")


def send_octets(stack, head, body, rcpt="granted2@rcpt.test", listener=""):
	with stack.smtp(listener) as s:
		s.ehlo()
		s.mail(SENDER, ["BODY=8BITMIME"])
		assert s.rcpt(rcpt)[0] == 250
		code, text = s.data(head + b"\r\n" + body)
		assert code == 250, text


def without(fields, names):
	return [f for f in fields
	    if f.split(b":")[0].lower().decode() not in names]


def as_sent(head):
	return re.split(rb"\n(?![ \t])", head.replace(b"\r\n", b"\n").strip())


def check_list_fields(message):
	(value,) = message.all("List-Unsubscribe")
	assert re.fullmatch(
	    r"<https://optout\.example\.com/u/[A-Za-z0-9_-]{44}>,\n\t"
	    r"<mailto:[a-z2-7]{53}@optout\.example\.com\?subject=unsubscribe>",
	    value)
	assert message.all("List-Unsubscribe-Post") == [
	    "List-Unsubscribe=One-Click"]
	assert message.all("List-Id") == [
	    "<newsletter.acme.optout.example.com>"]
	assert message.all("Consent-Purpose") == []


@pytest.mark.parametrize("theirs", [b"",
    b"List-Unsubscribe: <https://tracker.example/leave>\r\n",
    b"list-unsubscribe: <mailto:a@example.com>,\r\n <https://b.example>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"LIST-UNSUBSCRIBE: <https://c.example>\r\nList-ID: theirs <x.y>\r\n",
    b"Consent-Purpose: newsletter; campaign=2026-11; lang=pl\r\n",
    b"CONSENT-PURPOSE:\r\n newsletter\r\nList-Unsubscribe:\r\n"])
def test_only_the_list_fields_change(stack, theirs):
	marker = f"id{abs(hash(theirs))}"
	head = AWKWARD % marker.encode()
	send_octets(stack, head[:60] + head[60:].replace(
	    b"X-Empty:", theirs + b"X-Empty:", 1), BODY)
	message = stack.delivered(marker)
	check_list_fields(message)
	fields = without(message.fields, OURS)
	assert fields.pop(0).startswith(b"Received: ")
	assert fields.pop(0).startswith(b"Received: ")
	assert fields == as_sent(head)
	# smtp-sink ends its file with an empty line.
	assert message.body.rstrip(b"\n") == BODY.replace(
	    b"\r\n", b"\n").rstrip(b"\n")


def test_links_differ_by_recipient_and_last(stack):
	links = []
	for who in ("granted3", "granted4", "granted3"):
		sent = stack.send(f"{who}@rcpt.test")
		links.append(stack.delivered(sent.marker).link())
	assert links[0] == links[2] != links[1]


def test_link_tells_nothing(stack):
	sent = stack.send("granted5@rcpt.test")
	text = stack.delivered(sent.marker).all("List-Unsubscribe")[0]
	for secret in ("granted5", "rcpt.test", "newsletter", "acme"):
		assert secret not in text


def test_an_empty_message_gets_its_fields(stack):
	with stack.smtp() as s:
		s.sendmail(SENDER, "granted6@rcpt.test",
		    "Subject: empty-body-of-this-one\r\n\r\n")
	check_list_fields(stack.delivered("empty-body-of-this-one"))


def test_a_large_message_passes_whole(stack):
	body = b"".join(b"%07d %s\r\n" % (i, b"y" * 60) for i in range(40000))
	send_octets(stack, AWKWARD % b"large-one", body)
	message = stack.delivered("large-one")
	assert message.body.rstrip(b"\n") == body.replace(
	    b"\r\n", b"\n").rstrip(b"\n")


def test_no_stream_passes_untouched(stack):
	head = AWKWARD % b"plain-one" + \
	    b"List-Unsubscribe: <https://theirs.example>\r\n" \
	    b"Consent-Purpose: whatever; ;;\r\nList-Id: theirs <x.y>\r\n"
	send_octets(stack, head, BODY, "withdrawn@rcpt.test", "PLAIN_")
	message = stack.delivered("plain-one")
	assert message.fields[2:] == as_sent(head)
	assert message.body.rstrip(b"\n") == BODY.replace(
	    b"\r\n", b"\n").rstrip(b"\n")
	sent = stack.send(["withdrawn@rcpt.test", "nobody@rcpt.test"],
	    listener="PLAIN_")
	assert all(r.startswith("250 ") for r in sent.replies)


def test_connection_may_mix_streams_of_messages(stack):
	"""A refused header leaves nothing behind for the next message."""
	with stack.smtp("HEADER_") as s:
		for purpose, want in (("newsletter", 250), ("bad one", 550),
		    ("newsletter", 250), ("offers", 550)):
			try:
				s.sendmail(SENDER, "granted7@rcpt.test",
				    f"Consent-Purpose: {purpose}\r\n\r\nx\r\n")
				code = 250
			except smtplib.SMTPDataError as e:
				code = e.smtp_code
			assert code == want
