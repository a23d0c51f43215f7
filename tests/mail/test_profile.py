# SPDX-License-Identifier: ISC
"""The profile: asked for by a form, opened by a mailed link, done by presses."""

import csv
import email
import email.policy
import html
import http.client
import io
import itertools
import json
import math
import random
import re
import time
import urllib.parse

import pytest
from conftest import wait_for
from test_pages import translations

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
TABLES = ["contact", "endpoint", "consent", "event", "event_person", "permit",
    "sign_up", "profile_link", "address_change", "erasure"]
number = itertools.count(1)


def source():
	"""A source of its own, so that tests do not share a limit."""
	n = next(number)
	return {"X-Forwarded-For": f"203.0.{n // 250}.{n % 250}"}


def fresh():
	return f"Profile{next(number)}-{time.time_ns()}@rcpt.test"


def rows(stack):
	"""What stands in the database but the queue."""
	return {t: stack.sql(f"SELECT md5(string_agg(x::text, '' ORDER BY x::text"
	    f")) FROM assent.{t} x") for t in TABLES}


def epoch(stack):
	return stack.sql("SELECT epoch FROM assent.cache_epoch")[0][0]


@pytest.fixture(scope="module")
def pages(stack):
	stack.ctl("brand", "edit", "acme", "--sender", "hello@news.example.com")
	stack.ctl("page", "add", "profile", "me", "--brand", "acme",
	    "--edit", "language,addresses,attributes.name")
	stack.ctl("page", "add", "profile", "few", "--brand", "acme",
	    "--speaks", "pl", "--edit", "none")
	stack.ctl("page", "edit", "profile", "few", "--speaks", "it",
	    "--show", "consents,attributes.city")
	stack.ctl("page", "add", "sign-up", "timed", "--brand", "acme",
	    "--purpose", "newsletter")
	return stack


def subscribers(stack, folder, addresses):
	"""Many who have consented, made by one command."""
	lines = folder / "subscribers"
	lines.write_text("".join(f"grant {a} newsletter\n" for a in addresses))
	lines.chmod(0o644)
	stack.ctl("batch", str(lines))


@pytest.fixture(scope="module")
def guests(pages, tmp_path_factory):
	"""Some who have consented, and asked for their links already."""
	addresses = [fresh() for _ in range(16)]
	subscribers(pages, tmp_path_factory.mktemp("guests"), addresses)
	for a in addresses:
		assert request(pages, a)[0] == 200
	return iter(addresses)


def request(stack, address, page="", language="en", where=None, **more):
	body = urllib.parse.urlencode({"address": address, **more}).encode()
	return stack.page("POST", f"/p/{page}", body, {**URLENCODED,
	    "Accept-Language": language, **(where or source())})


def letters(stack, address):
	"""The mails that came to an address, read by another program."""
	found = [d for d in stack.sunk(address) if address in d.recipients]
	return [email.message_from_bytes(b"\n".join(d.fields) + b"\n\n" + d.body,
	    policy=email.policy.default) for d in found]


def letter(stack, address):
	(one,) = wait_for(lambda: letters(stack, address)) or [None]
	assert one is not None
	return one


def text_of(message):
	return message.get_body(["plain"]).get_content()


def path_in(message, what):
	(path,) = set(re.findall(rf"https://optout\.example\.com(/{what}/[\w-]+)",
	    text_of(message)))
	text = message.get_body(["html"]).get_content()
	assert path in text and "background: #0b57a4; color: #ffffff" in text
	return path


def link(stack, address):
	"""Where the link leads that was asked for."""
	return path_in(letter(stack, address), "p")


def mark(page):
	return re.search('name="form" value="([^"]*)"', page)[1]


class Visit:
	"""Somebody on the pages behind a link."""

	def __init__(self, stack, path):
		self.stack, self.path = stack, path
		self.status, self.page = stack.page("GET", path)
		assert self.status == 200

	def send(self, fields, headers=None):
		return self.stack.page("POST", self.path, urllib.parse.urlencode(
		    fields).encode(), {**URLENCODED, **(headers or {})})

	def press(self, do, headers=None, **more):
		"""Presses a button that is on the page."""
		assert f'name="do" value="{html.escape(do)}"' in self.page
		self.status, self.page = self.send({"form": mark(self.page),
		    "do": do, **more}, headers)
		return self.page

	def text(self):
		return html.unescape(" ".join(re.sub("<[^>]*>", " ",
		    self.page.partition("<main>")[2]).split()))


def visit(stack, address):
	v = Visit(stack, link(stack, address))
	v.press("open")
	assert v.status == 200
	return v


def pair(stack, slug="newsletter", channel="email", brand="acme"):
	((purpose,),) = stack.sql("SELECT p.id FROM assent.purpose p JOIN "
	    "assent.brand b ON b.id = brand_id WHERE b.slug = %s "
	    "AND p.slug = %s", brand, slug)
	return f"{purpose}:{channel}"


def test_from_request_to_deletion(pages):
	address = fresh()
	pages.ctl("grant", address, "newsletter", "--ip", "192.0.2.1")
	pages.ctl("contact", "edit", address, "--attribute", "name=N <b>",
	    "--attribute", "points=7", "--source-name", "The fair",
	    "--disclaimer", "v1")
	status, page = pages.page("GET", "/p/")
	assert status == 200 and "Acme mails you a link" in page
	status, said = request(pages, address)
	assert status == 200 and address not in said
	message = letter(pages, address)
	assert message["Auto-Submitted"] == "auto-generated"
	assert message["Subject"] == "The link to your profile"
	((until,),) = pages.sql("SELECT to_char(expires_at AT TIME ZONE 'UTC', "
	    "'YYYY-MM-DD HH24:MI') FROM assent.profile_link l JOIN "
	    "assent.endpoint e USING (key) WHERE original = %s AND "
	    "expires_at = requested_at + interval '1 hour'", address)
	assert f"until {until} (UTC)" in text_of(message)
	v = Visit(pages, path_in(message, "p"))
	assert address.lower() not in v.page.lower() and v.page.count("<button") == 1
	form = mark(v.page)
	v.press("open")
	text = v.text()
	assert "<script" not in v.page and 'value="N &lt;b&gt;"' in v.page
	for said in (address, "points: 7", "The fair", "terms “v1”",
	    "Newsletter (Acme), by email", "Such messages may be sent to you now",
	    "You agreed – Newsletter (Acme), by email – One of our staff "
	    "recorded it.", "somebody asked for the link to this profile"):
		assert said in text

	v.press("edit", **{"attribute.name": "M", "language": "pl"})
	assert '<html lang="pl">' in v.page and 'value="M"' in v.page
	v.press("edit", **{"attribute.name": "M", "language": "en",
	    "attribute.points": "8"})
	assert "points: 7" in v.text() and "Saved." in v.text()
	v.press("edit", **{"attribute.name": "M", "language": "en"})
	assert "Nothing was changed." in v.text()

	status, got = v.send({"form": mark(v.page), "do": "download:json"})
	mine, theirs = json.loads(got), json.loads(
	    pages.ctl("export", address).stdout)
	assert status == 200 and mine.keys() == theirs.keys()
	assert {k for k in mine if mine[k] != theirs[k]} == {"events"}
	assert mine["events"] == theirs["events"][:len(mine["events"])]
	assert mine["attributes"] == {"name": "M", "points": "7"}
	assert mine["events"][0]["personal"] == {"ip": "192.0.2.1"}
	_, got = v.send({"form": mark(v.page), "do": "download:csv"})
	cells = {tuple(r[:3]): r[3] for r in csv.reader(io.StringIO(got))}
	assert cells["addresses", "1", "address"] == address

	v.press("delete")
	assert v.page.count('value="forget"') == 1
	assert "Your profile" in v.press("open")
	v.press("delete")
	v.press("forget")
	assert v.status == 200 and "Everything is deleted" in v.text()
	assert "<form" not in v.page
	assert pages.rcpt(address).startswith("550 5.7.1 erased: ")
	assert pages.page("GET", v.path)[0] == 404
	assert v.send({"form": form, "do": "open"})[0] == 404
	assert request(pages, address)[0] == 200
	assert wait_for(lambda: len(letters(pages, address)) == 2)
	assert "Nothing is held about you" in {m["Subject"]
	    for m in letters(pages, address)}


def test_downloads_are_files(pages, guests):
	v = visit(pages, next(guests))
	for kind, what in (("json", "application/json"), ("csv", "text/csv")):
		c = http.client.HTTPConnection(urllib.parse.urlsplit(
		    pages.env["WEB_URL"]).netloc, timeout=30)
		c.request("POST", v.path, urllib.parse.urlencode({
		    "form": mark(v.page), "do": f"download:{kind}"}), URLENCODED)
		answer = c.getresponse()
		assert answer.status == 200
		assert answer.headers["Content-Disposition"] == \
		    f'attachment; filename="profile.{kind}"'
		assert answer.headers["Content-Type"].startswith(what)
		assert answer.headers["Cache-Control"] == "no-store"
		assert answer.headers["Referrer-Policy"] == "no-referrer"
		assert answer.headers["X-Content-Type-Options"] == "nosniff"
		c.close()


def test_looking_changes_nothing_and_shows_nobody(pages, guests):
	address = next(guests)
	path = link(pages, address)
	before = rows(pages)
	for where in (path, path[:-4] + "AAAA", "/p/", "/p", "/p/few", "/p/nix",
	    "/a/x", path.replace("/p/", "/a/")):
		for method in ("GET", "HEAD", "OPTIONS", "PUT"):
			_, page = pages.page(method, where)
			assert address.split("@", maxsplit=1)[0] not in page
	assert rows(pages) == before


def test_a_link_that_opens_nothing_gets_one_answer(pages, guests):
	address = next(guests)
	v = visit(pages, address)
	optout = pages.delivered(pages.send(address).marker).link()
	foreign = optout.removeprefix("/u/")
	form = {"form": mark(v.page), "do": "object"}
	pages.sql("UPDATE assent.profile_link SET expires_at = now() WHERE key = "
	    "(SELECT key FROM assent.endpoint WHERE original = %s)", address)
	before = rows(pages)
	answers = set()
	for path in (v.path, f"/p/{foreign}", "/p/" + "A" * 44):
		answers.add(pages.page("GET", path))
		answers.add(pages.page("POST", path, urllib.parse.urlencode(
		    form).encode(), URLENCODED))
	assert len(answers) == 1 and {s for s, _ in answers} == {404}
	for other in ("/c/", "/m/", "/a/"):
		status, page = pages.page("POST", other + v.path[3:], b"via=page",
		    URLENCODED)
		assert status in (200, 400, 404) and address not in page
	assert rows(pages) == before


def test_only_presses_on_its_own_pages_count(pages, guests):
	address = next(guests)
	path = link(pages, address)
	v, other = Visit(pages, path), visit(pages, next(guests))
	first = mark(v.page)
	before = rows(pages)
	stray = v.send({"do": "open"})
	assert stray[0] == 404
	for fields, headers in (
	    ({"form": "x", "do": "open"}, {}),
	    ({"form": "", "do": "open"}, {}),
	    ({"form": mark(other.page), "do": "open"}, {}),
	    ({"form": first, "do": "object"}, {}),
	    ({"form": first, "do": "forget"}, {}),
	    ({"form": first, "do": "x"}, {}),
	    ({"form": first}, {}),
	    ({"form": first, "do": "open"}, {"Origin": "https://evil.example"}),
	    ({"form": first, "do": "open"}, {"Origin": "https://optout.example"}),
	    ({"form": first, "do": "open"}, {"Sec-Fetch-Site": "cross-site"}),
	    ({"form": first, "do": "open"}, {"Sec-Fetch-Site": "same-site"}),
	    ({"form": first, "do": "open"}, {"Sec-Fetch-Site": "cross-site",
	     "Origin": "null"})):
		assert v.send(fields, headers) == stray
	assert rows(pages) == before
	for headers in ({"Origin": "null"}, {"Sec-Fetch-Site": "same-origin"},
	    {"Origin": "https://optout.example.com"}):
		status, page = v.send({"form": first, "do": "open"}, headers)
		assert status == 200 and address in page
	second = mark(page)
	assert v.send({"form": second, "do": "forget"}) == stray
	assert pages.rcpt(address).startswith("250")


def test_each_press_is_in_force_when_it_is_answered(pages, guests):
	address = next(guests)
	both, v = pair(pages), visit(pages, address)
	was = epoch(pages)
	for do, reply, said in (
	    ("object:", "550 5.7.1 objected: ", "You have objected to it"),
	    ("lift-objection:", "250 ", "may be sent to you now"),
	    ("restrict:", "550 5.7.1 restricted: ", "stopped at present"),
	    ("lift-restriction:", "250 ", "may be sent to you now"),
	    ("withdraw:", "550 5.7.1 withdrawn: ", "You have opted out")):
		v.press(do + both)
		assert pages.rcpt(address).startswith(reply)
		assert said in v.text() and "Saved." in v.text()
	# The cache was told each time, and needed not be distrusted.
	assert epoch(pages) == was
	got = pages.sql("SELECT act::text, source, fields ->> 'ip' FROM "
	    "assent.event v JOIN assent.event_person p ON event_id = v.id JOIN "
	    "assent.endpoint e USING (contact_id) WHERE original = %s AND "
	    "source = 'profile' AND act <> 'access' ORDER BY v.id", address)
	assert got == [(a, "profile", "127.0.0.1") for a in ("object",
	    "lift-objection", "restrict", "lift-restriction", "withdraw")]


def test_everything_at_once(pages, guests):
	address = next(guests)
	v = visit(pages, address)
	v.press("object")
	pages.ctl("grant", address, "offers")
	assert pages.explain(address)["purposes"][1]["verdict"] == "refuse"
	v.press("lift-objection")
	assert pages.rcpt(address).startswith("250")
	v.press("restrict")
	assert pages.rcpt(address).startswith("550 5.7.1 restricted: ")
	v.press("lift-restriction")
	v.press("withdraw")
	assert pages.rcpt(address).startswith("550 5.7.1 withdrawn: ")
	assert 'value="lift-objection"' not in v.page


def test_what_cannot_be_is_refused(pages, guests):
	address = next(guests)
	v = visit(pages, address)
	form = mark(v.page)
	for fields in ({"do": "object:0:email"}, {"do": "object:1"},
	    {"do": "object:1:pigeon"}, {"do": "object:99999:email"},
	    {"do": "remove:email"}, {"do": "edit", "attribute.name": "x" * 1001},
	    {"do": "edit", "attribute.name": b"\xff"},
	    {"do": "edit", "attribute.name": "a\0b"}):
		status, page = v.send({"form": form, **fields})
		assert status == 200 and "This could not be done." in page
	for fields in ({"do": "remove:email:" + address.lower()},
	    {"do": "remove:email:granted@rcpt.test"},
	    {"do": "edit", "attribute.other": "x"}):
		status, page = v.send({"form": form, **fields})
		assert status == 200 and "Nothing was changed." in page
	assert {what for (what,) in pages.sql("SELECT act::text FROM assent.event "
	    "JOIN assent.endpoint USING (contact_id) WHERE original = %s",
	    address)} == {"grant", "access"}


def test_another_address_counts_once_it_is_confirmed(pages, guests):
	address, other = next(guests), fresh()
	v = visit(pages, address)
	v.press("address:add", address="nobody")
	assert "Please give your email address" in v.text()
	v.press("address:add", address=other)
	assert "A message is on its way to the new address" in v.text()
	assert pages.rcpt(other).startswith("550 5.7.1 unknown")
	message = letter(pages, other)
	assert message["Subject"] == "Please confirm your address"
	assert message["Auto-Submitted"] == "auto-generated"
	path = path_in(message, "a")
	status, page = pages.page("GET", path)
	assert status == 200 and page.count("<button") == 1
	assert address not in page and pages.rcpt(other).startswith("550")
	assert pages.page("POST", path.replace("/a/", "/c/"))[0] == 404
	status, page = pages.page("POST", path)
	assert status == 200 and "This address is now on the profile" in page
	assert pages.rcpt(other).startswith("250")
	assert pages.page("POST", path) == (200, page) == pages.page("GET", path)
	# And goes again.
	_, v.page = v.send({"form": mark(v.page), "do": "open"})
	v.press(f"remove:email:{other.lower()}")
	assert pages.rcpt(other).startswith("550 5.7.1 unknown")
	assert pages.rcpt(address).startswith("250")


def test_an_address_that_replaces_another(pages, guests):
	address, other = next(guests), fresh()
	v = visit(pages, address)
	v.press("address:replace", address=other)
	path = path_in(letter(pages, other), "a")
	assert "is then removed" in pages.page("GET", path)[1]
	assert pages.page("POST", path)[0] == 200
	assert pages.rcpt(other).startswith("250")
	assert pages.rcpt(address).startswith("550 5.7.1 unknown")
	assert pages.page("GET", v.path)[0] == 404


def test_nobody_gets_anothers_address(pages, guests):
	mine, theirs, gone = next(guests), pages.subscriber(), pages.subscriber()
	pages.ctl("forget", gone, "--yes")
	v = visit(pages, mine)
	answers = set()
	for address in (theirs, gone):
		page = v.press("address:add", address=address)
		answers.add(re.sub("<h2>(Requests|What happened).*?</ul>", "", page,
		    flags=re.S))
		path = path_in(letter(pages, address), "a")
		status, page = pages.page("POST", path)
		assert status == 409 and "cannot be added" in page
	assert len(answers) == 1
	assert pages.rcpt(gone).startswith("550 5.7.1 erased")
	assert len(pages.sql("SELECT 1 FROM assent.endpoint n JOIN assent.endpoint e "
	    "USING (contact_id) WHERE e.original = %s", mine)) == 1


@pytest.mark.parametrize("language,subject,title", [
    ("pl", "Odnośnik do Twojego profilu", "Twój profil"),
    ("it", "Il link al tuo profilo", "Il tuo profilo")])
def test_mail_and_pages_speak_the_persons_language(pages, language, subject,
    title):
	address = pages.subscriber()
	request(pages, address, "me", language)
	path = link(pages, address)
	assert letter(pages, address)["Subject"] == subject
	v = Visit(pages, path)
	v.press("open")
	assert f"<h1>{title}</h1>" in v.page and f'lang="{language}"' in v.page


def entries(page):
	"""What the page says of each consent, by its heading."""
	return {" ".join(head.split()): [html.unescape(" ".join(line.split()))
	    for line in re.findall("<li>(.*?)</li>", body, re.S)]
	    for head, body in re.findall(
	    '<div class="entry">\n<h3[^>]*>(.*?)</h3>(.*?)</div>', page, re.S)}


def test_it_says_where_everything_came_from_and_when(pages, tmp_path):
	address = fresh()
	script = tmp_path / "script"
	script.write_text("brand add traced --name Traced\n" + "".join(
	    f"purpose add {one.lower()} --brand traced --title {one} "
	    "--channel email\n" for one in ("News", "Offers", "More")) +
	    f"grant {address} traced/all --at 2026-01-02T03:04Z "
	    "--source offline\n"
	    f"withdraw {address} traced/offers --source counter-7\n")
	pages.ctl("batch", str(script))
	pages.ctl("contact", "edit", address, "--source-name", "The fair")
	request(pages, address)
	v = visit(pages, address)
	v.press("withdraw:" + pair(pages, "news", brand="traced"))
	for language in ("en", "it", "pl"):
		v.press("edit", language=language)
		def say(text, **values):
			if language != "en":
				text = translations(language)[text]
			return re.sub("{{(.*?)}}", lambda m: values[m[1]
			    .replace(".", "_")], text)
		offline = say("It was recorded from a conversation or a form on "
		    "paper.")
		there, email = entries(v.page), say("by email")
		assert there[f"Traced (Traced), {email}"] == [
		    say("Since {{since}}", since="2026-01-02 03:04"), offline]
		assert there[f"Offers (Traced), {email}"][1] == say(
		    "It came by “{{door.other}}”.", door_other="counter-7")
		assert there[f"News (Traced), {email}"][1] == say(
		    "You used the page with your profile.")
		assert there[f"More (Traced), {email}"] == [say(
		    "It comes with “{{covered_by}}”", covered_by="Traced")]
		about = offline + " " + say(
		    "Your address came from: {{source_name}}.",
		    source_name="The fair")
		assert about in v.text()


def test_a_page_discloses_what_it_says(pages):
	address = fresh()
	pages.ctl("grant", address, "newsletter")
	pages.ctl("contact", "edit", address, "--attribute", "name=Hidden",
	    "--attribute", "city=Rome")
	assert '<html lang="it">' in pages.page("GET", "/p/few")[1]
	assert '<html lang="it">' in request(pages, address, "few")[1]
	v = visit(pages, address)
	assert '<html lang="it">' in v.page and "city: Rome" in v.text()
	assert "Newsletter (Acme)" in v.page
	got = json.loads(v.send({"form": mark(v.page), "do": "download:json"})[1])
	assert set(got) == {"since", "attributes", "consents"}
	assert "Hidden" not in v.page and address not in v.page
	v.send({"form": mark(v.page), "do": "edit", "attribute.city": "Oslo"})
	assert pages.sql("SELECT attributes ->> 'city' FROM assent.contact c JOIN "
	    "assent.endpoint ON contact_id = c.id WHERE original = %s",
	    address) == [("Rome",)]


def test_closed_pages_are_not_there(pages, guests):
	address = next(guests)
	path = link(pages, address)
	pages.ctl("page", "add", "profile", "soon-gone", "--brand", "acme")
	assert pages.page("GET", "/p/soon-gone")[0] == 200
	for slug in ("soon-gone", "me"):
		pages.ctl("page", "edit", "profile", slug, "--open", "no")
		assert pages.page("GET", f"/p/{slug}")[0] == 404
		assert request(pages, fresh(), slug)[0] == 404
	assert pages.page("GET", path)[0] == 404
	pages.ctl("page", "edit", "profile", "me", "--open", "yes")
	assert pages.page("GET", path)[0] == 200


def test_a_dead_link_leads_to_the_form_only_if_there_is_one(pages):
	there = [slug for (slug,) in pages.sql("SELECT slug FROM "
	    "assent.profile_page WHERE open")]
	dead = ("/p/" + "A" * 44, "/a/" + "A" * 44)
	def said():
		return [pages.page(method, path)[1].count('href="../p/"')
		    for path in dead for method in ("GET", "POST")]
	assert said() == [1] * 4
	for slug in there:
		pages.ctl("page", "edit", "profile", slug, "--open", "no")
	try:
		assert said() == [0] * 4
	finally:
		for slug in there:
			pages.ctl("page", "edit", "profile", slug, "--open", "yes")


def test_a_page_in_use_is_not_removed(pages, guests):
	link(pages, next(guests))
	assert pages.ctl("page", "remove", "profile", "me",
	    check=False).returncode == 1


def test_pages_have_words_of_their_own(pages):
	pages.ctl("page", "edit", "profile", "few", "--part", "ask", "--lang",
	    "it", "--title", "Ciao da {{brand}}")
	try:
		assert "<h1>Ciao da Acme</h1>" in pages.page("GET", "/p/few")[1]
		assert "Ciao" not in pages.page("GET", "/p/me?page=few")[1]
	finally:
		pages.ctl("page", "edit", "profile", "few", "--part", "ask",
		    "--lang", "it", "--title", "")


def test_every_address_is_answered_alike(pages):
	"""Known, unknown, forgotten, trapped, and one that had its mails."""
	known, gone, often = pages.subscriber(), pages.subscriber(), fresh()
	pages.ctl("forget", gone, "--yes")
	answers = {request(pages, a) for a in
	    (known, gone, fresh(), often, often, often, often, often)}
	before = rows(pages)
	answers.add(request(pages, fresh(), website="https://x.example"))
	assert rows(pages) == before
	assert len(answers) == 1
	assert letter(pages, known)["Subject"] == "The link to your profile"
	assert letter(pages, gone)["Subject"] == "Nothing is held about you"
	assert "/p/" not in text_of(letter(pages, gone))
	assert wait_for(lambda: len(letters(pages, often)) == 3)


def test_a_source_is_limited(pages):
	where = source()
	answers = [request(pages, fresh(), where=where)[0] for _ in range(22)]
	assert answers == [200] * 20 + [429] * 2
	assert request(pages, fresh())[0] == 200


@pytest.mark.parametrize("address", ["", "nobody", "a@b.test\r\nBcc: c@d.test",
    "\"><b>@x", "x" * 2000 + "@rcpt.test"])
def test_what_is_no_address_is_said(pages, address):
	before = rows(pages)
	status, page = request(pages, address)
	assert status == 422 and "Please give your email address" in page
	assert '"><b>' not in page and rows(pages) == before


def test_logs_name_nobody(pages, guests):
	address = next(guests)
	v = visit(pages, address)
	v.press("withdraw:" + pair(pages))
	log = pages.log("web")
	assert "profile act=withdraw result=changed" in log
	assert address not in log and v.path.removeprefix("/p/") not in log


# What a stranger learns from how long an answer takes.

BATCH, ROUNDS, LIMIT = 30, 1500, 4.5	# chance is that far off once in 150,000


def rank_test(a, b):
	"""Mann and Whitney's U, as a normal deviate; > 0 when a takes longer."""
	ranked = sorted([(x, 1) for x in a] + [(x, 0) for x in b])
	ranks = sum(i for i, (_, of_a) in enumerate(ranked, 1) if of_a)
	n, m = len(a), len(b)
	u = ranks - n * (n + 1) / 2
	return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


class Asker:
	"""Asks for three kinds of people in turns, and measures how long each
	takes: known, unknown, and known ones whom the database is made to look
	at for five milliseconds more."""

	def __init__(self, stack, people, path, fields):
		self.stack, self.people = stack, people
		self.path, self.fields = path, fields
		host = urllib.parse.urlsplit(stack.env["WEB_URL"]).netloc
		self.http = http.client.HTTPConnection(host, timeout=30)
		self.took = {kind: [] for kind in people}
		self.answers = set()

	def ask(self, kind, address):
		body = urllib.parse.urlencode({"address": address, **self.fields})
		begun = time.perf_counter()
		self.http.request("POST", self.path, body,
		    {**URLENCODED, **source()})
		answer = self.http.getresponse()
		text = answer.read()
		self.took[kind].append(time.perf_counter() - begun)
		headers = [h for h in answer.getheaders() if h[0] != "Date"]
		self.answers.add((answer.status, str(headers), text))

	def batch(self):
		for i in range(BATCH):
			for kind in random.sample(list(self.people), 3):
				self.ask(kind, self.people[kind][i])
		# For the limits of the next, and nobody reads these mails.
		for table in ("profile_link", "sign_up", "mail"):
			self.stack.sql(f"DELETE FROM assent.{table}")

	def differ(self, a, b):
		return rank_test(self.took[a], self.took[b])

	def run(self):
		"""As many as it takes to notice the five milliseconds; whether
		the others differ is then known as well."""
		self.batch()
		while self.differ("slow", "unknown") < LIMIT and \
		    len(self.took["slow"]) < ROUNDS:
			self.batch()
		self.http.close()
		((status, _, _),) = self.answers
		assert status == 200 and self.differ("slow", "unknown") > LIMIT
		return self.differ("known", "unknown")


@pytest.fixture(scope="module")
def people(pages, tmp_path_factory):
	kinds = {kind: [f"{kind}{i}-{time.time_ns()}@rcpt.test"
	    for i in range(BATCH)] for kind in ("known", "unknown", "slow")}
	subscribers(pages, tmp_path_factory.mktemp("people"),
	    kinds["known"] + kinds["slow"])
	pages.sql("CREATE FUNCTION public.dawdle() RETURNS trigger "
	    "LANGUAGE plpgsql AS $$BEGIN IF EXISTS (SELECT FROM assent.endpoint "
	    "WHERE key = NEW.key AND canonical LIKE 'slow%%') THEN "
	    "PERFORM pg_sleep(0.005); END IF; RETURN NEW; END$$")
	for table in ("profile_link", "sign_up"):
		pages.sql("CREATE TRIGGER dawdle BEFORE INSERT ON "
		    f"assent.{table} FOR EACH ROW EXECUTE FUNCTION public.dawdle()")
	yield kinds
	pages.sql("DROP FUNCTION public.dawdle CASCADE")


def test_how_long_a_request_takes_tells_nothing(pages, people):
	assert abs(Asker(pages, people, "/p/", {}).run()) < LIMIT


def test_how_long_a_sign_up_takes_tells_nothing(pages, people):
	page = pages.page("GET", "/s/timed")[1]
	form = {"shown": re.search('name="shown" value="([^"]*)"', page)[1],
	    "on": re.search('name="on" value="([^"]*)"', page)[1]}
	assert abs(Asker(pages, people, "/s/timed", form).run()) < LIMIT
