# SPDX-License-Identifier: ISC
"""The opt-out page: what it says before and after, and the way back."""

import html
import json
import re
import urllib.parse

import pytest

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
BRAND = """
brand add shop --name "Shop & Co"
purpose add news --brand shop --title News --channel email
purpose add weekly --brand shop --title Weekly --channel email --parent news
purpose add offers --brand shop --title Offers --channel email
purpose add partner --brand shop --title Partners --channel email
"""
PEOPLE = 24


@pytest.fixture(scope="module")
def shop(stack, tmp_path_factory):
	"""Makes everybody at once: each command by itself would wait."""
	people = [f"q-{i}@leaving.test" for i in range(PEOPLE)]
	script = tmp_path_factory.mktemp("shop") / "script"
	script.write_text(BRAND + "".join(f"grant {a} shop/{p}\n"
	    for a in people for p in ("news", "offers", "partner")))
	stack.ctl("batch", str(script))
	stack.ctl("purpose", "depend", "shop/partner", "requires", "shop/news")
	stack.people = iter(people)
	return stack


class Reader:
	"""Somebody with an opt-out link in a browser."""

	def __init__(self, stack, address, purpose="shop/news"):
		self.stack, self.address = stack, address
		self.links = json.loads(stack.ctl("link", address, purpose,
		    "--json").stdout)
		self.path = urllib.parse.urlsplit(self.links["opt_out"]).path

	def see(self, **headers):
		status, self.text = self.stack.page("GET", self.path,
		    headers=headers)
		assert status == 200
		return self.text

	def press(self, *, status=200, path=None, **fields):
		"""Sends the form that was seen last, with other fields."""
		reference = re.search('name="reference" value="([0-9a-f]{32})"',
		    self.text)
		if reference:
			fields.setdefault("reference", reference[1])
		got, self.text = self.stack.page("POST", path or self.path,
		    urllib.parse.urlencode({"via": "page", **fields}).encode(),
		    URLENCODED)
		assert got == status
		return self.text

	def granted(self):
		shown = json.loads(self.stack.ctl("show", self.address,
		    "--json").stdout)
		return {c["purpose"] for c in shown["consents"]
		    if c["effective"] == "granted"}

	def lists(self):
		"""The lists on the page by the sentence above them."""
		return {html.unescape(head): re.findall("<li>(.*)</li>", body)
		    for head, body in re.findall(
		    "<p>([^<]*)</p>\\s*<ul>(.*?)</ul>", self.text, re.S)}


@pytest.fixture
def reader(shop):
	return Reader(shop, next(shop.people))


ALL = {"news", "weekly", "offers", "partner"}


def test_page_says_what_ends_and_what_stays(reader):
	page = reader.see()
	assert "Shop &amp; Co will send no more “News” to q***@l***.test" in \
	    " ".join(page.split())
	assert reader.lists() == {"This ends with it:": ["Weekly", "Partners"],
	    "This you still get:": ["Offers"]}
	assert reader.granted() == ALL


def test_after_it_the_page_tells_what_is_so(reader):
	reader.see()
	page = reader.press()
	assert "<h1>This mail has stopped</h1>" in page
	assert reader.lists() == {"This ended with it:": ["Weekly", "Partners"],
	    "This you still get:": ["Offers"]}
	assert reader.granted() == {"offers"}
	assert "<h1>This mail has stopped</h1>" in reader.see()
	assert "Take it back" not in reader.text


def test_a_press_can_be_taken_back(reader):
	reader.see()
	reader.press()
	page = reader.press(undo=1)
	assert "<h1>Taken back</h1>" in page and "again, as" in page
	assert reader.granted() == ALL
	assert "Press the button" in reader.see()
	events = reader.stack.sql("SELECT v.act::text, v.source, "
	    "p.fields ->> 'ip' FROM assent.event v "
	    "JOIN assent.event_person p ON p.event_id = v.id "
	    "JOIN assent.endpoint e ON e.contact_id = v.contact_id "
	    "WHERE e.canonical = %s ORDER BY v.id", reader.address)
	assert events[-2:] == [("withdraw", "page", "127.0.0.1"),
	    ("undo", "page", "127.0.0.1")]


def test_what_is_taken_back_is_sent_again(stack):
	"""The milter asks the cache: it must not have kept the refusal."""
	reader = Reader(stack, stack.subscriber(), "acme/newsletter")
	for _ in range(2):
		assert stack.rcpt(reader.address).startswith("250 ")
		reader.see()
		reader.press()
		assert stack.rcpt(reader.address).startswith("550 5.7.1 withdrawn")
		reader.press(undo=1)
	assert stack.rcpt(reader.address).startswith("250 ")


def test_pressed_twice_is_one_press(reader):
	reader.see()
	form = reader.text
	reader.press()
	reader.text = form
	reader.press()
	reader.press(undo=1)
	assert reader.granted() == ALL


def test_the_link_alone_takes_nothing_back(shop):
	"""Whoever has the link, and saw its page, but did not press first."""
	owner = Reader(shop, next(shop.people))
	thief = Reader(shop, owner.address)
	thief.see()
	owner.see()
	owner.press()
	for reference in (None, "0" * 32, "x"):
		fields = {"reference": reference} if reference else {}
		assert "This cannot be taken back" in thief.press(undo=1,
		    **fields)
	thief.press()
	assert "Take it back" not in thief.text
	thief.press(undo=1)
	assert owner.granted() == {"offers"}


def test_a_later_refusal_is_not_taken_back(shop):
	"""Not even by who had pressed before the owner did."""
	owner = Reader(shop, next(shop.people))
	thief = Reader(shop, owner.address)
	thief.see()
	thief.press()
	shop.click(owner.path)
	assert "This cannot be taken back" in thief.press(undo=1)
	assert owner.granted() == {"offers"}


def test_the_page_leads_to_one_that_only_leaves(reader):
	reader.see()
	reader.press()
	path = "/m/" + re.search('href="../m/([^"]*)"', reader.text)[1]
	status, page = reader.stack.page("GET", path)
	assert status == 200 and "Here you can only leave." in page
	boxes = dict(re.findall(r'<input type="checkbox" id="p(\d+)"([^>]*)>',
	    page))
	shown = re.search('name="shown" value="([^"]*)"', page)[1]
	body = urllib.parse.urlencode([("shown", shown)] + [("on", b)
	    for b in boxes]).encode()
	assert reader.stack.page("POST", path, body, URLENCODED)[0] == 200
	assert reader.granted() == {"offers"}
	body = urllib.parse.urlencode({"shown": shown}).encode()
	assert reader.stack.page("POST", path, body, URLENCODED)[0] == 200
	assert reader.granted() == set()


def test_a_reason_may_be_given_and_is_the_persons(reader):
	reader.see()
	reader.press()
	page = reader.press(reason="other", words="Zażółć <b> &")
	assert "Thank you." in page and "Zażółć" not in page
	assert "why did you leave" not in page
	stack = reader.stack
	assert "Zażółć <b> &" in stack.ctl("export", reader.address).stdout
	stack.ctl("forget", reader.address, "--yes")
	assert stack.sql("SELECT count(*) FROM assent.event_person "
	    "WHERE fields ->> 'words' = 'Zażółć <b> &'") == [(0,)]


@pytest.mark.parametrize("fields", [{"reason": "nix"}, {"reason": ""},
    {"reason": "often", "words": "x" * 1001}])
def test_no_other_reasons_are_kept(reader, fields):
	reader.see()
	reader.press()
	before = reader.stack.sql("SELECT count(*) FROM assent.event")
	reader.press(status=503, **fields)
	assert reader.stack.sql("SELECT count(*) FROM assent.event") == before


def test_it_is_in_the_language_of_the_person(reader):
	stack = reader.stack
	stack.ctl("contact", "edit", reader.address, "--language", "it")
	reader.see(**{"Accept-Language": "pl"})
	assert "Premi il pulsante" in reader.text
	assert "Questi messaggi non arriveranno" in reader.press()
	assert "<h1>Annullato</h1>" in reader.press(undo=1)


def test_without_database_it_still_asks(own_stack):
	"""And says that it is not certain, which is true."""
	reader = Reader(own_stack, own_stack.subscriber(), "acme/newsletter")
	reader.see()
	own_stack.stop("postgres")
	assert "no more mail of the kind" in reader.see()
	assert "it is not certain" in " ".join(reader.press(status=503).split())
	assert "may or may not" in " ".join(reader.press(status=503, undo=1).split())
	own_stack.start("postgres")
	reader.see()
	assert "This mail has stopped" in reader.press()
