# SPDX-License-Identifier: ISC
"""Mail from sendmail(1), which lies in the queue before it is checked."""

import subprocess

from conftest import SENDER


def sendmail(stack, marker, *recipients, headers=""):
	subprocess.run([stack.env["SENDMAIL"], "-f", SENDER, *recipients],
	    input=f"Subject: {marker}\n{headers}\nbody\n", text=True,
	    check=True, timeout=30)


def test_granted_passes(stack):
	sendmail(stack, "local-granted", "granted8@rcpt.test")
	message = stack.delivered("local-granted")
	assert message.recipients == ["granted8@rcpt.test"]
	assert len(message.all("List-Unsubscribe-Post")) == 1
	stack.idle()


def test_refused_goes_back_and_nothing_sticks(stack):
	sendmail(stack, "local-refused", "withdrawn@rcpt.test")
	bounce = stack.delivered("local-refused")
	assert (bounce.sender, bounce.recipients) == ("", [SENDER])
	stack.idle()
	assert len(stack.sunk("local-refused")) == 1


def test_mixed_drops_and_tells(stack):
	sendmail(stack, "local-mixed", "pending@rcpt.test",
	    "granted8@rcpt.test")
	message, dsn = sorted(stack.delivered("local-mixed", 2),
	    key=lambda d: d.sender == "")
	assert message.recipients == ["granted8@rcpt.test"]
	assert dsn.recipients == [SENDER]
	assert b"550 5.7.1 pending: " in dsn.body
	stack.idle()


def test_unreadable_header_goes_back(stack):
	sendmail(stack, "local-malformed", "granted8@rcpt.test",
	    headers="Consent-Purpose: ;;\n")
	assert stack.delivered("local-malformed").recipients == [SENDER]
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
