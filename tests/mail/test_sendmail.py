# SPDX-License-Identifier: ISC
"""Mail from sendmail(1).

Postfix queues it before it asks the milter; Sendmail's goes to a listener by
SMTP, and what is refused there comes back from sendmail(1) itself.
"""

import subprocess

import pytest

from conftest import SENDER, on_both_mtas


def sendmail(stack, marker, *recipients, headers="", sender=SENDER):
	# What Sendmail's exits with tells of refusals, which are wanted here.
	subprocess.run([stack.env["SENDMAIL"], "-f", sender, *recipients],
	    input=f"Subject: {marker}\n{headers}\nbody\n", text=True,
	    check=False, timeout=30)


@on_both_mtas
def test_granted_passes(stack):
	sendmail(stack, "local-granted", "granted8@rcpt.test")
	message = stack.delivered("local-granted")
	assert message.recipients == ["granted8@rcpt.test"]
	assert len(message.all("List-Unsubscribe-Post")) == 1
	stack.idle()


@on_both_mtas
def test_refused_goes_back_and_nothing_sticks(stack):
	sendmail(stack, "local-refused", "withdrawn@rcpt.test")
	bounce = stack.delivered("local-refused")
	assert (bounce.sender, bounce.recipients) == ("", [SENDER])
	assert b" withdrawn: the recipient has opted out" in bounce.body
	stack.idle()
	assert len(stack.sunk("local-refused")) == 1


@on_both_mtas
def test_mixed_drops_and_tells(stack):
	sendmail(stack, "local-mixed", "pending@rcpt.test",
	    "granted8@rcpt.test")
	message, dsn = sorted(stack.delivered("local-mixed", 2),
	    key=lambda d: d.sender == "")
	assert message.recipients == ["granted8@rcpt.test"]
	assert dsn.recipients == [SENDER]
	assert b" pending: the recipient has not confirmed yet" in dsn.body
	stack.idle()


@on_both_mtas
def test_unreadable_header_goes_back(stack):
	sendmail(stack, "local-malformed", "granted8@rcpt.test",
	    headers="Consent-Purpose: ;;\n")
	assert stack.delivered("local-malformed").recipients == [SENDER]
	stack.idle()


@pytest.mark.parametrize("stack", ["sendmail"], indirect=True)
def test_who_is_told_to_come_again_does(stack):
	sendmail(stack, "local-two", "granted8@rcpt.test",
	    "granted9@rcpt.test", sender="shop@one.example.com")
	one, other = stack.delivered("local-two", 2)
	assert sorted(one.recipients + other.recipients) == [
	    "granted8@rcpt.test", "granted9@rcpt.test"]
	assert one.link() != other.link()
	stack.idle()


def test_too_many_recipients_go_back(own_stack):
	conf = own_stack.folder / "assent.conf"
	conf.write_text(conf.read_text().replace("milter {",
	    "milter {\n\tmax-recipients = 2", 1))
	own_stack.stop("milter")
	own_stack.start("milter")
	sendmail(own_stack, "local-crowd", *[f"granted{i}@rcpt.test"
	    for i in (2, 3, 4)])
	assert own_stack.delivered("local-crowd").recipients == [SENDER]
	own_stack.idle()
