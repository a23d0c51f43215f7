# SPDX-License-Identifier: ISC
"""What people come for, walked through by each kind of person."""

from datetime import date, timedelta

import pytest
from chromium import PHONE, Person
from shop import fresh, letter, link, links, stands

LANGUAGES = ("en", "pl", "it")
# Each with all that hands and screens can be, and with the least.
PEOPLE = [(language, scripts) for language in LANGUAGES
    for scripts in (True, False)]
SUBMIT = "button[type=submit]"


@pytest.fixture(params=PEOPLE, ids=lambda p: p[0] + ("" if p[1] else
    "-keyboard-no-script"))
def person(browser, request):
	language, scripts = request.param
	return Person(browser, language) if scripts else \
	    Person(browser, language, scripts=False, keyboard=True, width=PHONE)


def test_opt_out(front, person):
	address = front.subscriber()
	path = front.delivered(front.send(address).marker).link()
	person.open(path).look("opt-out")
	assert front.rcpt(address).startswith("250 ")
	person.press(SUBMIT).look("left")
	assert front.rcpt(address).startswith("550 5.7.1 withdrawn")
	person.press("button[name=undo]").look("undone")
	assert front.rcpt(address).startswith("250 ")
	person.open(path).press(SUBMIT)
	person.tick(person.find("[name=reason]"))
	person.write("#words", "No time.").press("fieldset button")
	person.look("left-thanks")
	assert front.rcpt(address).startswith("550 5.7.1 withdrawn")


def test_opt_out_in_two_steps(shop, person):
	address = shop.subscriber("shop/journal")
	person.open(link(shop, address, "opt_out", "shop/journal"))
	person.look("opt-out-double").press(SUBMIT).look("leave-asked")
	assert stands(shop, address) == {"journal": "granted"}
	(url,) = links(letter(shop, address))
	person.open(url).look("leave-confirm").press(SUBMIT).look("left-double")
	assert stands(shop, address) == {"journal": "withdrawn"}


def test_opt_out_by_a_broken_link(front, person):
	person.open("/u/x").look("opt-out-unknown")
	person.press(SUBMIT).look("opted-out")


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
	person.tick(person.box("Offers")).press(SUBMIT)
	person.look("preferences-review").press(SUBMIT)
	person.look("preferences-saved")
	assert set(person.ticked()) == {"News", "Weekly"}
	assert stands(shop, address)["partner"] == "withdrawn"
	person.press(SUBMIT).look("preferences-same")
	person.write("#until", f"{date.today() + timedelta(30):%m%d%Y}")
	person.press("button[name=pause]").look("preferences-paused")
	assert stands(shop, address)["news"] == "paused"
	person.press("button[name=resume]")
	assert stands(shop, address)["news"] == "granted"
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
	(url,) = links(letter(shop, address))
	person.open(url).look("confirm")
	assert shop.rcpt(address).startswith("550 ")
	person.press(SUBMIT).look("confirmed")
	assert stands(shop, address) == {"offers": "granted"}


def test_profile(shop, person):
	address = shop.subscriber("shop/news")
	shop.ctl("contact", "edit", address, "--attribute", "name=N")
	person.open("/p/me").look("profile-ask")
	person.write("#address", address).press(SUBMIT).look("profile-mailed")
	(url,) = links(letter(shop, address))
	person.open(url).look("profile-link").press(SUBMIT).look("profile")
	assert address in person.text
	person.write("[name='attribute.name']", "ew").press("[value=edit]")
	person.look("profile-saved")
	person.press("[value^='withdraw:']").look("profile-withdrawn")
	assert stands(shop, address)["news"] == "withdrawn"
	person.press("[value=delete]").look("profile-delete")
	person.press("[value=forget]").look("profile-deleted")
	assert shop.ctl("show", address, check=False).returncode == 1


@pytest.mark.parametrize("name,path", [("shared", "/u"), ("void", "/c/x"),
    ("not-found", "/x/y"), ("preferences-unknown", "/m/x"),
    ("why-unknown", "/w/x")])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_else_there_is(browser, language, name, path):
	Person(browser, language).open(path).look(name)
