# SPDX-License-Identifier: ISC
"""Mail that its author signed: a signature never breaks unnoticed."""

import itertools
import time

import pytest

from conftest import on_both_mtas

number = itertools.count()
SIGNATURE = ("DKIM-Signature: v=1; a=rsa-sha256; d=news.example.com; s=x;\r\n"
    "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
    "\th={};\r\n\tb=AAAA\r\n")
PLAIN = SIGNATURE.format("From : Subject:\r\n\t Date")
OVER = [SIGNATURE.format(h) for h in ("From:List-Unsubscribe",
    "from:subject:\r\n\tlist-unsubscribe-POST :date", " List-Id")] + [
    PLAIN.replace("DKIM-Signature", "ARC-Message-Signature")
	.replace("Date", "List-Id"),
    "DKIM-Signature: v=1; b=AAAA\r\n",
    PLAIN + SIGNATURE.format("From:Subject:List-Unsubscribe"),
    SIGNATURE.format("From:Subject:List-Unsubscribe") + PLAIN]
WHO = ["granted3@rcpt.test", "granted4@rcpt.test"]


def send(stack, domain, headers, recipients=WHO[0]):
	return stack.send(recipients, headers=f"{headers}From: a@example.com\r\n"
	    f"Date: x{next(number)} {time.time_ns()}\r\n",
	    sender=f"shop@{domain}")


@pytest.mark.parametrize("headers", [PLAIN, *OVER])
def test_refused_by_default(stack, headers):
	sent = send(stack, "news.example.com", headers)
	assert sent.end.startswith("550 5.6.0 signed: ")


def test_unsigned_passes_everywhere(stack):
	for domain in ("news", "spared", "stripped"):
		sent = send(stack, f"{domain}.example.com", "X: DKIM-Signature\r\n")
		assert sent.end.startswith("250 ")


@on_both_mtas
@pytest.mark.parametrize("recipients", [WHO[0], WHO])
def test_spared_where_it_covers_nothing_of_ours(stack, recipients):
	sent = send(stack, "spared.example.com", PLAIN, recipients)
	assert sent.end.startswith("250 ")
	n = 1 if isinstance(recipients, str) else 2
	found = stack.delivered(sent.marker, n)
	for d in [found] if n == 1 else found:
		assert b"\n".join(d.fields).replace(b"\n", b"\r\n").count(
		    PLAIN.strip().encode()) == 1
		assert len(d.all("List-Unsubscribe-Post")) == 1


@pytest.mark.parametrize("headers", OVER)
def test_refused_where_it_would_break(stack, headers):
	for recipients in (WHO[0], WHO):
		sent = send(stack, "spared.example.com", headers, recipients)
		assert sent.end.startswith("550 5.6.0 signed: ")
	stack.idle()


def test_a_purpose_header_that_was_signed_cannot_be_taken_out(stack):
	signed = SIGNATURE.format("From:Consent-Purpose")
	purpose = "Consent-Purpose: newsletter\r\n"
	sent = send(stack, "spared.example.com", signed + purpose)
	assert sent.end.startswith("550 5.6.0 signed: ")
	sent = send(stack, "spared.example.com", signed)
	assert sent.end.startswith("250 ")


@on_both_mtas
@pytest.mark.parametrize("recipients", [WHO[0], WHO])
def test_stripped(stack, recipients):
	arc = "".join(f"ARC-{name}: i=1; x=y\r\n" for name in
	    ("Seal", "Message-Signature", "Authentication-Results"))
	sent = send(stack, "stripped.example.com", PLAIN + arc + OVER[0],
	    recipients)
	assert sent.end.startswith("250 ")
	n = 1 if isinstance(recipients, str) else 2
	found = stack.delivered(sent.marker, n)
	for d in [found] if n == 1 else found:
		head = b"\n".join(d.fields).lower()
		assert b"dkim-signature" not in head and b"\narc-" not in head
		assert d.all("From") == ["a@example.com"]
		assert len(d.all("List-Unsubscribe")) == 1
