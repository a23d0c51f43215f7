# SPDX-License-Identifier: ISC
"""What people come for, walked through by each kind of person."""

import itertools
import json
import re
import time
import urllib.parse

import pytest
from chromium import PHONE, Person
from conftest import wait_for

number = itertools.count(1)
LANGUAGES = ("en", "pl", "it")
# Each with all that hands and screens can be, and with the least.
PEOPLE = [(language, scripts) for language in LANGUAGES
    for scripts in (True, False)]
SUBMIT = "button[type=submit]"

# A brand with a tree, and a purpose that another one needs.
BRAND = """
brand add shop --name "Shop & Sons"
brand edit shop --sender hello@news.example.com
purpose add news --brand shop --title News --channel email
purpose add weekly --brand shop --title Weekly --channel email --parent news
purpose add offers --brand shop --title Offers --channel email
purpose add partner --brand shop --title Partners --channel email
"""


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
	return front


@pytest.fixture(params=PEOPLE, ids=lambda p: p[0] + ("" if p[1] else
    "-keyboard-no-script"))
def person(browser, request):
	language, scripts = request.param
	return Person(browser, language) if scripts else \
	    Person(browser, language, scripts=False, keyboard=True, width=PHONE)


def fresh():
	return f"walk{next(number)}-{time.time_ns()}@rcpt.test"


def link(stack, address, kind, purpose):
	told = json.loads(stack.ctl("link", address, purpose, "--json").stdout)
	return told[kind]


def stands(stack, address):
	told = json.loads(stack.ctl("show", address, "--json").stdout)
	return {c["purpose"]: c["effective"] for c in told["consents"]}


def confirmation(stack, address):
	"""The link in the mail that came."""
	(mail,) = wait_for(lambda: stack.sunk(address)) or [None]
	assert mail is not None
	return re.search(rb"https://[^\s\"]*/c/[\w-]+", mail.body)[0].decode()


def test_opt_out(front, person):
	address = front.subscriber()
	path = front.delivered(front.send(address).marker).link()
	person.open(path).look("opt-out")
	assert front.rcpt(address).startswith("250 ")
	person.press(SUBMIT).look("opted-out")
	assert front.rcpt(address).startswith("550 5.7.1 withdrawn")


def test_why(shop, person):
	address = shop.subscriber("shop/weekly")
	person.open(link(shop, address, "why", "shop/weekly")).look("why")
	assert "Weekly" in person.text and "s***@r***.test" in person.text


def test_preferences(shop, person):
	address = shop.subscriber("shop/news")
	shop.ctl("grant", address, "shop/offers")
	shop.ctl("grant", address, "shop/partner")
	person.open(link(shop, address, "preferences", "shop/news"))
	person.look("preferences")
	assert set(person.ticked()) == {"News", "Weekly", "Offers", "Partners"}
	# Leaving one leaves the one that requires it.
	person.tick(person.box("Offers")).press(SUBMIT).look("preferences-saved")
	assert set(person.ticked()) == {"News", "Weekly"}
	assert stands(shop, address)["partner"] == "withdrawn"
	person.press(SUBMIT).look("preferences-same")
	person.press("button[name=all]").look("preferences-left")
	assert person.ticked() == []
	assert set(stands(shop, address).values()) == {"withdrawn"}


def test_sign_up(shop, person):
	address = fresh()
	person.open("/s/join").look("sign-up")
	assert person.ticked() == []
	person.write("#address", address).press(SUBMIT)
	person.look("sign-up-none-chosen")
	person.tick(person.box("Offers")).press(SUBMIT).look("asked")
	person.open(confirmation(shop, address)).look("confirm")
	assert shop.rcpt(address).startswith("550 ")
	person.press(SUBMIT).look("confirmed")
	assert stands(shop, address) == {"offers": "granted"}


@pytest.mark.parametrize("name,path", [("shared", "/u"), ("void", "/c/x"),
    ("not-found", "/x/y"), ("preferences-unknown", "/m/x"),
    ("why-unknown", "/w/x")])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_else_there_is(browser, language, name, path):
	Person(browser, language).open(path).look(name)
