# SPDX-License-Identifier: ISC
"""Campaigns of real senders arrive as mailbox providers want them."""

import smtplib
import subprocess
from email.message import EmailMessage

import pytest

from conftest import ROOT, SENDER
from signing import octets

CLIENTS = ROOT / "tests/clients"
TEXT = ("Zażółć gęślą jaźń, and a line that is long enough for any client to "
    "want it broken somewhere.\n\nLeave: {{unsubscribe_url}}\n")
HTML = ("<!DOCTYPE html>\n<html lang=\"pl\"><head><title>Oferta</title></head>"
    "<body><h1>Zażółć gęślą jaźń</h1><table><tr><td>" + "cena 10&nbsp;zł " * 9 +
    '</td></tr></table><p>Nie chcesz? <a style="color: #888" '
    'href="{{unsubscribe_url}}">Wypisz się</a>.</p></body></html>\n')


def run(*words, **kwargs):
	subprocess.run([str(w) for w in words], check=True, timeout=60,
	    stdout=subprocess.DEVNULL, **kwargs)


def by_nodemailer(stack, address, subject):
	run("node", CLIENTS / "nodemailer.js", stack.env["SMTP_PORT"], address,
	    subject, TEXT, HTML, env={"PATH": "/usr/bin:/bin",
	    "NODE_PATH": "/usr/share/nodejs"})


def by_smtplib(stack, address, subject):
	message = EmailMessage()
	message["From"] = "Żółw Shop <shop@news.example.com>"
	message["To"] = address
	message["Subject"] = subject
	message["Date"] = "Sat, 21 Nov 2026 10:00:00 +0000"
	message["Message-ID"] = f"<{subject}@news.example.com>"
	message.set_content(TEXT)
	message.add_alternative(HTML, subtype="html")
	with smtplib.SMTP("127.0.0.1", int(stack.env["SMTP_PORT"])) as s:
		s.send_message(message, SENDER, [address])


def by_swaks(stack, address, subject):
	run("swaks", "--server", "127.0.0.1", "--port", stack.env["SMTP_PORT"],
	    "--from", SENDER, "--to", address, "--h-Subject", subject,
	    "--h-From", "Shop <shop@news.example.com>",
	    "--body", TEXT.encode("ascii", "replace").decode(),
	    "--attach-type", "text/html; charset=us-ascii", "--attach-body",
	    HTML.encode("ascii", "xmlcharrefreplace").decode())


def by_php(stack, address, subject):
	run("php", "-d", f"sendmail_path={stack.env['SENDMAIL']} -t -i "
	    f"-f {SENDER}", CLIENTS / "mail.php", address, subject, HTML)


@pytest.mark.parametrize("send", [by_nodemailer, by_smtplib, by_swaks, by_php])
def test_campaign(signing_stack, send):
	subject = send.__name__.replace("_", "-")
	send(signing_stack, "granted3@rcpt.test", subject)
	message = octets(signing_stack.delivered(subject))
	assert " succeeded" in signing_stack.verify(message)
	status, found = signing_stack.lint(message)
	assert not found
	assert status == 0
