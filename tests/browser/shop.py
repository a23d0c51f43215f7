# SPDX-License-Identifier: ISC
"""shop - who sends the mail that people of these tests follow to the pages

A brand with a tree of purposes, one of which another one needs, and a form.
"""

import email
import email.policy
import itertools
import json
import re
import time
import urllib.parse

import pytest
from chromium import HOST
from conftest import wait_for

BRAND = """
brand add shop --name "Shop & Sons"
brand edit shop --sender hello@news.example.com
purpose add news --brand shop --title News --channel email
purpose add weekly --brand shop --title Weekly --channel email --parent news
purpose add offers --brand shop --title Offers --channel email
purpose add partner --brand shop --title Partners --channel email
purpose add journal --brand shop --title Journal --channel email
purpose edit shop/journal --opt-out double
"""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
number = itertools.count(1)


@pytest.fixture(scope="session")
def shop(front, tmp_path_factory):
	script = tmp_path_factory.mktemp("shop") / "script"
	script.write_text(BRAND)
	front.ctl("batch", str(script))
	front.ctl("purpose", "depend", "shop/partner", "requires", "shop/offers")
	for purpose, body in (("news", "What is new, once a week."),
	    ("offers", "Reductions, four times a year.")):
		front.ctl("purpose", "text", "add", f"shop/{purpose}", "en",
		    "--title", purpose.capitalize(), "--body", body)
	front.ctl("page", "add", "sign-up", "join", "--brand", "shop",
	    "--purpose", "news", "--purpose", "offers")
	front.ctl("page", "add", "profile", "me", "--brand", "shop", "--edit",
	    "language,addresses,attributes.name")
	return front


def fresh():
	"""An address that nobody knows."""
	return f"walk{next(number)}-{time.time_ns()}@rcpt.test"


def link(stack, address, kind, purpose):
	"""The link that a message of that purpose would have."""
	told = json.loads(stack.ctl("link", address, purpose, "--json").stdout)
	return told[kind]


def stands(stack, address):
	"""Purpose to what holds."""
	told = json.loads(stack.ctl("show", address, "--json").stdout)
	return {c["purpose"]: c["effective"] for c in told["consents"]}


def letter(stack, address):
	"""The one mail that came to an address."""
	(mail,) = wait_for(lambda: stack.sunk(address)) or [None]
	assert mail is not None
	return mail


def links(delivery):
	"""The addresses of pages in a message, its header fields included."""
	message = email.message_from_bytes(b"\n".join(delivery.fields) +
	    b"\n\n" + delivery.body, policy=email.policy.default)
	texts = [str(v) for v in message.values()] + [
	    part.get_content() for part in message.walk()
	    if part.get_content_maintype() == "text"]
	return set(re.findall(rf"https://{HOST}[^\s\"<>]*", " ".join(texts)))


def ask_for_profile(stack, address):
	"""Asks for the link to what is held about somebody; the mail with it."""
	body = urllib.parse.urlencode({"address": address})
	assert stack.page("POST", "/p/me", body.encode(), FORM)[0] == 200
	return letter(stack, address)


def join(stack, address):
	"""Signs an address up for everything; the mail that asks back."""
	page = stack.page("GET", "/s/join")[1]
	fields = [("address", address), *re.findall(
	    r'name="(shown|on)" value="([^"]*)"', page)]
	body = urllib.parse.urlencode(fields + [("on", box) for box in
	    re.findall(r'name="on" value="(\d+)"', page)])
	assert stack.page("POST", "/s/join", body.encode(), FORM)[0] == 200
	return letter(stack, address)
