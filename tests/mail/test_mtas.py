# SPDX-License-Identifier: ISC
"""What must hold between the milter and either MTA."""

import re
import smtplib

import pytest

from conftest import SENDER, on_both_mtas, wait_for

pytestmark = on_both_mtas


@pytest.mark.parametrize("argument", [
    "<@granted.test:withdrawn@rcpt.test>",
    "<granted@rcpt.test,withdrawn@rcpt.test>",
    "<withdrawn@rcpt.test (granted@rcpt.test)>",
    "<(granted@rcpt.test) withdrawn@rcpt.test>",
    "granted@rcpt.test <withdrawn@rcpt.test>",
    "<granted@rcpt.test> <withdrawn@rcpt.test>",
    "<withdrawn%rcpt.test@mta.stack.test>",
    "<granted::withdrawn@rcpt.test>",
    "<rcpt.test!withdrawn>",
    "<with\\drawn@rcpt.test>"])
@pytest.mark.parametrize("listener", ["", "HEADER_"])
def test_no_spelling_hides_a_recipient(stack, listener, argument):
	"""The MTA must not read an address that the milter did not."""
	with stack.smtp(listener) as s:
		s.ehlo()
		s.mail(SENDER)
		code, _ = s.docmd("RCPT", f"TO:{argument}")
		if code == 250:
			code, _ = s.data(b"Consent-Purpose: newsletter\r\n\r\nx")
		assert 500 <= code <= 599


def test_the_log_names_the_message_as_the_mta_does(stack):
	sent = stack.send("granted@rcpt.test")
	queue_id = re.search(r"250 2\.0\.0 (?:Ok: queued as )?(\w+)",
	    sent.end)[1]
	assert wait_for(lambda: f" queue={queue_id} " in stack.log())


def first_refusal(port):
	"""The code of the first reply to an envelope that is not 250."""
	with smtplib.SMTP("127.0.0.1", int(port), timeout=30) as s:
		s.ehlo()
		codes = s.mail(SENDER)[0], s.rcpt("granted@rcpt.test")[0]
	return next((code for code in codes if code != 250), None)


def test_without_the_milter_only_its_own_mail_passes(stack):
	stack.stop("milter")
	try:
		refusals = [first_refusal(stack.env[f"{listener}_PORT"])
		    for listener in ("SMTP", "SMTP_HEADER", "SMTP_PLAIN",
			"INJECT")]
	finally:
		stack.start("milter")
	assert refusals == [451, 451, 451, None]
