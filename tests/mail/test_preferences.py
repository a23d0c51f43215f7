# SPDX-License-Identifier: ISC
"""The preferences page: shows a brand's purposes, changes what it showed."""

import datetime
import html
import json
import re
import urllib.parse

import pytest
from conftest import wait_for

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


class Person:
	"""Somebody with a link to the page."""

	def __init__(self, stack, address, linked="news", brand="chooser"):
		self.stack, self.address = stack, address
		self.links = json.loads(stack.ctl("link", self.address,
		    f"{brand}/{linked}", "--json").stdout)
		self.path = urllib.parse.urlsplit(self.links["preferences"]).path

	def see(self, **headers):
		status, page = self.stack.page("GET", self.path, headers=headers)
		assert status == 200
		return Page(page)

	def press(self, page, *on, button=None):
		fields = [("shown", page.shown)] + [
		    ("on", page.boxes[title]["id"]) for title in on]
		if button:
			fields.append((button, "1"))
		return self.send(*fields)

	def send(self, *fields, **more):
		status, text = self.stack.page("POST", self.path,
		    urllib.parse.urlencode([*fields, *more.items()]).encode(),
		    URLENCODED)
		assert status == 200
		return Page(text)

	def stands(self, purpose):
		shown = json.loads(self.stack.ctl("show", self.address,
		    "--json", check=False).stdout)
		return {c["purpose"]: c["effective"] for c in shown["consents"]
		    if c["brand"] == "chooser"}.get(purpose, "none")


class Page:
	def __init__(self, text):
		self.text = text
		found = re.search('name="shown" value="([^"]*)"', text)
		self.shown = found[1] if found else None
		self.boxes = {}
		for box, title in re.findall(
		    r'<input type="checkbox"([^>]*)>\s*<label[^>]*>(.*?)</label>',
		    text):
			self.boxes[html.unescape(title)] = {
			    "id": re.search('value="([^"]*)"', box)[1],
			    "on": " checked" in box, "fixed": " disabled" in box}

	def on(self):
		return {t for t, b in self.boxes.items() if b["on"]}


# A brand with a small tree, a dependency, and a company above it.
BRAND = """
brand add holding --name Holding
brand add chooser --name "Chooser & Co" --parent holding
purpose add group --brand holding --title "Group news" --channel email
purpose add news --brand chooser --title News --channel email
purpose add weekly --brand chooser --title Weekly --channel email --parent news
purpose add bargains --brand chooser --title Offers --channel email
purpose add partner --brand chooser --title Partners --channel email
purpose add twice --brand chooser --title Confirmed --channel email \
--opt-in double
purpose add bill --brand chooser --title Bills --channel email \
--basis contract
""".replace("\\\n", "")
# What each group of people has agreed to, and what they did then.
PEOPLE = {
    "news": 20 * ["grant {} chooser/news"],
    "some": 6 * ["grant {0} chooser/news\ngrant {0} chooser/bargains\n"
	"grant {0} chooser/partner"],
    "group": 2 * ["grant {0} chooser/news\ngrant {0} holding/group"],
    "object": ["grant {0} chooser/news\nobject {0} chooser/news"],
    "restrict": ["grant {0} chooser/news\nrestrict {0} chooser/news"],
    "gone": 2 * ["grant {0} chooser/news\nwithdraw {0} chooser/news"],
    "foreign": ["grant {0} chooser/news\ngrant {0} acme/newsletter"]}


@pytest.fixture(scope="module")
def chooser(stack, tmp_path_factory):
	"""Makes them all at once: each command by itself would wait."""
	people = {group: [(f"p-{group}{i}@rcpt.test", acts)
	    for i, acts in enumerate(each)] for group, each in PEOPLE.items()}
	script = tmp_path_factory.mktemp("chooser") / "script"
	script.write_text(BRAND + "\n".join(acts.format(address)
	    for each in people.values() for address, acts in each))
	stack.ctl("batch", str(script))
	stack.ctl("purpose", "depend", "chooser/partner", "requires",
	    "chooser/bargains")
	stack.ctl("purpose", "text", "add", "chooser/bargains", "pl", "--title",
	    "Oferty", "--body", "Raz w miesiącu <b>.")
	stack.people = {group: iter([address for address, _ in each])
	    for group, each in people.items()}
	return stack


@pytest.fixture
def someone(chooser):
	"""The next person of a group."""
	return lambda group, **more: Person(chooser, next(chooser.people[group]),
	    **more)


def test_it_shows_the_brand_and_its_company(chooser, someone):
	page = someone("some").see()
	assert set(page.boxes) == {"Group news", "News", "Weekly", "Offers",
	    "Partners", "Confirmed"}
	assert page.on() == {"News", "Weekly", "Offers", "Partners"}
	assert page.boxes["Confirmed"]["fixed"]
	assert "Chooser &amp; Co" in page.text and "p***@r***.test" in page.text
	assert "Leaving this also leaves: Weekly." in page.text
	assert "Leaving this also leaves: Partners." in page.text


def test_it_changes_what_was_pressed(chooser, someone):
	person = someone("some")
	page = person.press(person.see(), "News", "Weekly", "Group news")
	assert "Saved." in page.text
	assert page.on() == {"Group news", "News", "Weekly"}
	assert person.stands("bargains") == "withdrawn"
	assert person.stands("partner") == "withdrawn"
	again = person.press(page, *page.on())
	assert "Nothing was changed." in again.text
	assert again.on() == page.on()


def titles(page, head):
	"""The list under a sentence of the page."""
	found = re.search(re.escape(head) + "</p>\\s*<ul>(.*?)</ul>", page.text,
	    re.S)
	return re.findall("<li>(.*)</li>", found[1]) if found else []


def hidden(page):
	return [(name, html.unescape(value)) for name, value in re.findall(
	    r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)]


def test_what_else_it_would_end_is_asked_first(someone):
	person = someone("some")
	page = person.press(person.see(), "News", "Weekly", "Partners")
	assert "<h1>Nothing is saved yet</h1>" in page.text
	assert titles(page, "ends, too:") == ["Partners"]
	assert titles(page, "begins, too:") == []
	assert person.stands("bargains") == person.stands("partner") == "granted"
	page = person.send(*hidden(page))
	assert "Saved." in page.text and page.on() == {"News", "Weekly"}
	assert person.stands("partner") == "withdrawn"


def test_what_else_it_would_begin_is_asked_first(someone):
	person = someone("gone")
	page = person.press(person.see(), "News")
	assert titles(page, "begins, too:") == ["Weekly"]
	assert titles(page, "ends, too:") == []
	assert person.stands("news") == "withdrawn"
	assert person.send(*hidden(page)).on() == {"News", "Weekly"}


def test_a_part_can_be_kept(chooser, someone):
	person = someone("news")
	page = person.press(person.see(), "Weekly")
	assert page.on() == {"Weekly"}
	assert person.stands("weekly") == "granted"


def test_only_what_was_shown_is_changed(chooser, someone):
	person = someone("news")
	page = person.see()
	person.stack.ctl("grant", person.address, "chooser/bargains")
	person.press(page, "News", "Weekly")
	assert person.stands("bargains") == "granted"


def test_everything_is_left_at_once(chooser, someone):
	person = someone("group")
	page = person.press(person.see(), "News", "Group news", button="all")
	assert page.on() == set()
	for purpose in ("news", "weekly", "bargains"):
		assert person.stands(purpose) == "withdrawn"
	assert "250" not in chooser.rcpt(person.address)
	assert person.stands("bill") == "withdrawn"


@pytest.mark.parametrize("act,words", [
    ("object", "You have objected to this."),
    ("restrict", "This is stopped at present.")])
def test_a_flag_is_told_and_stays(chooser, someone, act, words):
	person = someone(act)
	page = person.see()
	assert words in page.text and page.boxes["News"]["fixed"]
	assert person.press(page, "News").on() == set()


def day(days):
	return (datetime.datetime.now(datetime.timezone.utc)
	    + datetime.timedelta(days=days)).strftime("%Y-%m-%d")


def test_a_pause_refuses_until_its_day(stack):
	"""Asked of the milter, whose cache had the consent, and has it again."""
	person = Person(stack, stack.subscriber(), "newsletter", "acme")
	assert stack.rcpt(person.address).startswith("250")
	page = person.send(pause=1, until=day(7))
	assert f"nothing of this is sent to you before {day(7)}" in page.text
	assert stack.rcpt(person.address).startswith("550 5.7.1 paused: ")
	told = stack.explain(person.address)["purposes"][0]
	assert told["reason"] == "paused"
	assert told["path"][-1]["paused_until"].startswith(day(7))
	shown = stack.ctl("show", person.address).stdout
	assert f"paused until {day(7)}" in shown
	held = json.loads(stack.ctl("export", person.address).stdout)
	assert {c["comes_to"] for c in held["consents"]
	    if c["name"] == "acme/newsletter"} == {"paused"}
	assert "End the pause" in page.text
	person.send(resume=1)
	assert stack.rcpt(person.address).startswith("250")


def test_a_pause_is_over_by_itself(stack):
	"""Nobody computes anything when it is: the permit knows the date."""
	person = Person(stack, stack.subscriber(), "newsletter", "acme")
	stack.sql("UPDATE assent.consent c SET paused_until = now() + "
	    "interval '4 seconds' FROM assent.endpoint e "
	    "WHERE e.contact_id = c.contact_id AND e.canonical = %s",
	    person.address)
	packed = "SELECT packed FROM assent.permit JOIN assent.endpoint " \
	    "USING (key) WHERE canonical = %s"
	before = stack.sql(packed, person.address)
	assert stack.rcpt(person.address).startswith("550 5.7.1 paused: ")
	assert wait_for(lambda: stack.rcpt(person.address).startswith("250"))
	assert stack.sql(packed, person.address) == before


@pytest.mark.parametrize("until", [day(0), day(-1), day(400), "", "x",
    "2026-02-30", "9" * 400])
def test_no_other_day_is_a_pause(chooser, until):
	person = Person(chooser, "p-news0@rcpt.test")
	before = chooser.sql("SELECT count(*) FROM assent.event")
	assert "Please choose a day" in person.send(pause=1, until=until).text
	assert chooser.sql("SELECT count(*) FROM assent.event") == before


def test_double_opt_in_is_not_given_here(chooser, someone):
	person = someone("news")
	page = person.press(person.see(), "News", "Weekly", "Confirmed")
	assert "Confirmed" not in page.on()


def test_the_proof_has_text_and_place(chooser, someone):
	person = someone("gone")
	page = person.see(**{"Accept-Language": "pl"})
	assert "Raz w miesiącu &lt;b&gt;." in page.text
	person.press(page, "Oferty")
	(row,) = chooser.sql("SELECT v.source, t.body, p.fields ->> 'ip' "
	    "FROM assent.event v JOIN assent.event_person p ON p.event_id = v.id "
	    "JOIN assent.purpose_text t ON t.id = v.text_id "
	    "JOIN assent.endpoint e ON e.contact_id = v.contact_id "
	    "WHERE e.original = %s", person.address)
	assert row == ("preferences", "Raz w miesiącu <b>.", "127.0.0.1")


def test_foreign_purposes_are_out_of_reach(chooser, someone):
	person = someone("foreign")
	((newsletter,),) = chooser.sql("SELECT p.id FROM assent.purpose p "
	    "JOIN assent.brand b ON b.id = p.brand_id "
	    "WHERE b.slug = 'acme' AND p.slug = 'newsletter'")
	page = person.see()
	page.shown += f"{newsletter}:0:1,"
	person.press(page, "News", "Weekly")
	assert chooser.rcpt(person.address).startswith("250")


@pytest.mark.parametrize("body,status,said", [
    (b"shown=", 200, "Nothing was changed"),
    *((body, 400, "is not what our page sends") for body in (b"", b"shown=x",
    b"=x&on=", b"shown=1:0:1", b"shown=-1:0:1,", b"shown=99999999999:0:1,",
    b"shown=1:-2:1,", b"shown=%ff%00")),
    (b"&".join([b"on=1"] * 500), 413, "takes a few kilobytes")])
def test_a_form_that_is_none_changes_nothing(chooser, someone, body, status,
    said):
	person = someone("news")
	before = chooser.sql("SELECT count(*) FROM assent.event")
	got, page = chooser.page("POST", person.path, body, URLENCODED)
	assert got == status and said in " ".join(page.split())
	assert chooser.sql("SELECT count(*) FROM assent.event") == before
	assert person.stands("news") == "granted"


def test_links_do_only_what_they_were_made_for(chooser, someone):
	person = someone("news")
	token = {k: urllib.parse.urlsplit(v).path.rsplit("/", 1)[1]
	    for k, v in person.links.items() if v.startswith("https:")}
	assert len(set(token.values())) == 3
	for kind, path in (("opt_out", "/m/"), ("why", "/m/"),
	    ("opt_out", "/w/"), ("preferences", "/w/")):
		assert "Nothing is on record for this link" in chooser.page(
		    "GET", path + token[kind])[1]
	for kind in ("preferences", "why"):
		chooser.page("POST", "/u/" + token[kind], b"", URLENCODED)
	assert person.stands("news") == "granted"


def test_looking_changes_nothing(chooser, someone):
	person = someone("news")
	tables = [name for (name,) in chooser.sql("SELECT relname FROM pg_class "
	    "WHERE relnamespace = 'assent'::regnamespace AND relkind = 'r'")]
	look = lambda: [chooser.sql(f"SELECT count(*), md5(string_agg(x::text, "
	    f"'' ORDER BY x::text)) FROM assent.{t} AS x") for t in tables]
	before = look()
	for kind in ("opt_out", "preferences", "why"):
		path = urllib.parse.urlsplit(person.links[kind]).path
		for method in ("GET", "HEAD", "OPTIONS"):
			chooser.page(method, path)
	assert look() == before


def test_why_says_what_it_rests_on(chooser, someone):
	person = someone("news", linked="weekly")
	path = urllib.parse.urlsplit(person.links["why"]).path
	_, page = chooser.page("GET", path)
	for words in ("p***@r***.test", "Chooser &amp; Co", "Weekly", "News",
	    "One of our staff recorded it.",
	    "Such messages may be sent to you now."):
		assert words in page
	assert person.address not in page
	person.press(person.see(), button="all")
	assert "You have opted out since" in chooser.page("GET", path)[1]
