# SPDX-License-Identifier: ISC
"""Streams on which only the Consent-Purpose header tells the purpose."""

import email

import pytest

from conftest import SENDER, on_both_mtas

pytestmark = on_both_mtas


def send(stack, recipients, header, sender=SENDER):
	headers = f"Consent-Purpose: {header}\r\n" if header else ""
	return stack.send(recipients, headers=headers, listener="HEADER_",
	    sender=sender)


def test_allowed(stack):
	sent = send(stack, "granted@rcpt.test", "newsletter; campaign=2026-11")
	assert sent.end.startswith("250 ")
	message = stack.delivered(sent.marker)
	assert message.all("Consent-Purpose") == []
	assert len(message.all("List-Unsubscribe")) == 1
	assert message.all("List-Id") == ["<newsletter.acme.optout.example.com>"]


def test_each_purpose_has_its_own_consent(stack):
	address = stack.subscriber("offers")
	sent = send(stack, address, "offers")
	message = stack.delivered(sent.marker)
	assert message.all("List-Id") == ["<offers.acme.optout.example.com>"]
	assert send(stack, address, "newsletter").end.startswith(
	    "550 5.7.1 no-consent: ")
	stack.click(message.link())
	assert send(stack, address, "offers").end.startswith(
	    "550 5.7.1 withdrawn: ")


@pytest.mark.parametrize("who", ["withdrawn", "objected", "restricted",
    "pending", "expired", "stranger"])
def test_refused(stack, who):
	sent = send(stack, f"{who}@rcpt.test", "newsletter")
	word = "unknown" if who == "stranger" else who
	assert sent.end.startswith(f"550 5.7.1 {word}: ")


@pytest.mark.parametrize("header", ["news letter", "newsletter;",
    "newsletter; campaign", "newsletter; campaign=", ";", "newsletter; x=1; X=2",
    'newsletter; x="open', "newsletter, offers", "=?utf-8?q?newsletter?=",
    "newsletter\r\nConsent-Purpose: newsletter"])
def test_malformed(stack, header):
	sent = send(stack, "granted@rcpt.test", header)
	assert sent.end.startswith("550 5.6.0 malformed: ")


def test_too_long_to_be_read_is_malformed(stack):
	header = "newsletter; x=1;\r\n " + ";\r\n ".join(
	    f"x{i}={'y' * 200}" for i in range(14)) + " @@@"
	sent = send(stack, "granted@rcpt.test", header)
	assert sent.end.startswith("550 5.6.0 malformed: ")


def test_missing(stack):
	sent = send(stack, "granted@rcpt.test", None)
	assert sent.end.startswith("550 5.6.0 missing: ")


def test_not_among_the_streams_purposes(stack):
	sent = send(stack, "granted@rcpt.test", "billing")
	assert sent.end.startswith("550 5.7.1 purpose-not-allowed: ")


def test_narrowing_within_a_stream_that_has_a_default(stack):
	address = stack.subscriber()
	sent = stack.send(address, headers="Consent-Purpose: offers\r\n")
	assert sent.replies[0].startswith("250 ")
	assert sent.end.startswith("550 5.7.1 no-consent: ")
	stack.ctl("grant", address, "offers")
	sent = stack.send(address, headers="Consent-Purpose: offers\r\n")
	assert stack.delivered(sent.marker).all("List-Id") == [
	    "<offers.acme.optout.example.com>"]


def test_the_sender_is_told_who_was_dropped(stack):
	sender = f"bounce-{stack.subscriber().split('@')[0]}@news.example.com"
	sent = send(stack, ["granted@rcpt.test", "Withdrawn@rcpt.test",
	    "granted2@rcpt.test", "stranger@rcpt.test"], "newsletter", sender)
	assert all(r.startswith("250 ") for r in sent.replies)
	assert sent.end.startswith("250 ")
	message, dsn = sorted(stack.delivered(sent.marker, 2),
	    key=lambda d: d.sender == "")
	assert sorted(message.recipients) == ["granted2@rcpt.test",
	    "granted@rcpt.test"]
	assert (dsn.sender, dsn.recipients) == ("", [sender])
	report = email.message_from_bytes(b"\n".join(dsn.fields) + b"\n\n" +
	    dsn.body)
	assert report["Auto-Submitted"] == "auto-replied"
	assert report.get_content_type() == "multipart/report"
	status = report.get_payload()[1].get_payload()
	told = {part["Final-Recipient"]: part["Diagnostic-Code"]
	    for part in status[1:]}
	assert set(told) == {"rfc822; Withdrawn@rcpt.test",
	    "rfc822; stranger@rcpt.test"}
	assert "550 5.7.1 withdrawn: " in told["rfc822; Withdrawn@rcpt.test"]
	assert "550 5.7.1 unknown: " in told["rfc822; stranger@rcpt.test"]


def test_several_recipients_share_a_link_that_names_nobody(stack):
	sent = send(stack, ["granted@rcpt.test", "granted2@rcpt.test"],
	    "newsletter")
	message = stack.delivered(sent.marker)
	assert message.all("List-Unsubscribe") == [
	    "<https://optout.example.com/u>"]
	assert message.all("List-Unsubscribe-Post") == []


def test_one_mailbox_named_twice_is_one_recipient(stack):
	sent = send(stack, ["granted@rcpt.test", "GRANTED@rcpt.test"],
	    "newsletter")
	message = stack.delivered(sent.marker)
	assert len(message.link()) == len("/u/") + 44


def test_all_refused_refuses_the_message(stack):
	sent = send(stack, ["withdrawn@rcpt.test", "pending@rcpt.test"],
	    "newsletter")
	assert sent.end.startswith("550 5.7.1 withdrawn: ")
	stack.idle()
	assert stack.sunk(sent.marker) == []


def test_nobody_to_tell_refuses_the_message(stack):
	sent = send(stack, ["granted@rcpt.test", "withdrawn@rcpt.test"],
	    "newsletter", sender="")
	assert sent.end.startswith("550 5.7.1 null-sender: ")
	stack.idle()
	assert stack.sunk(sent.marker) == []
