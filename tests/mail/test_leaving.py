# SPDX-License-Identifier: ISC
"""The opt-out page: what it says before and after, and the way back."""

import base64
import email
import email.policy
import html
import json
import re
import urllib.parse
import urllib.request

import pytest
from conftest import wait_for

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
BRAND = """
brand add shop --name "Shop & Co"
purpose add news --brand shop --title News --channel email
purpose add weekly --brand shop --title Weekly --channel email --parent news
purpose add bargains --brand shop --title Offers --channel email
purpose add partner --brand shop --title Partners --channel email
purpose add club --brand shop --title Club --channel email --opt-out double
brand edit shop --sender shop@news.example.com
"""
PEOPLE = 26


@pytest.fixture(scope="module")
def shop(stack, tmp_path_factory):
	"""Makes everybody at once: each command by itself would wait."""
	people = [f"q-{i}@leaving.test" for i in range(PEOPLE)]
	script = tmp_path_factory.mktemp("shop") / "script"
	script.write_text(BRAND + "".join(f"grant {a} shop/{p}\n"
	    for a in people for p in ("news", "bargains", "partner", "club")))
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
		    if c["brand"] == "shop" and c["effective"] == "granted"}

	def lists(self):
		"""The lists on the page by the sentence above them."""
		return {html.unescape(head): re.findall("<li>(.*)</li>", body)
		    for head, body in re.findall(
		    "<p>([^<]*)</p>\\s*<ul>(.*?)</ul>", self.text, re.S)}


@pytest.fixture
def reader(shop):
	return Reader(shop, next(shop.people))


REST = {"bargains", "club"}
ALL = {"news", "weekly", "partner"} | REST


def letters(stack, address):
	return [d for d in stack.sunk("Auto-Submitted: auto-generated")
	    if d.recipients == [address]]


def asked(reader, n=1):
	"""The path of the link in the n-th mail that asks back."""
	assert wait_for(lambda: len(letters(reader.stack, reader.address)) >= n)
	mail = letters(reader.stack, reader.address)[-1]
	message = email.message_from_bytes(b"\n".join(mail.fields) + b"\n\n"
	    + mail.body, policy=email.policy.default)
	(path,) = set(re.findall(r"https://optout\.example\.com(/c/[\w-]+)",
	    message.get_body(("plain",)).get_content()))
	return message, path


def test_page_says_what_ends_and_what_stays(reader):
	page = reader.see()
	assert "Shop &amp; Co will send no more “News” to q***@l***.test" in \
	    " ".join(page.split())
	assert reader.lists() == {"This ends with it:": ["Weekly", "Partners"],
	    "This stays as it is:": ["Offers", "Club"]}
	assert reader.granted() == ALL


def test_after_it_the_page_tells_what_is_so(reader):
	reader.see()
	page = reader.press()
	assert "<h1>This mail has stopped</h1>" in page
	assert reader.lists() == {"This ended with it:": ["Weekly", "Partners"],
	    "This stays as it is:": ["Offers", "Club"]}
	assert reader.granted() == REST
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
	assert owner.granted() == REST


def test_a_later_refusal_is_not_taken_back(shop):
	"""Not even by who had pressed before the owner did."""
	owner = Reader(shop, next(shop.people))
	thief = Reader(shop, owner.address)
	thief.see()
	thief.press()
	shop.click(owner.path)
	assert "This cannot be taken back" in thief.press(undo=1)
	assert owner.granted() == REST


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
	assert reader.granted() == REST
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


def kept(reader):
	"""The reasons on record."""
	return reader.stack.sql("SELECT p.fields ->> 'reason', "
	    "p.fields ->> 'words' FROM assent.event v "
	    "JOIN assent.event_person p ON p.event_id = v.id "
	    "JOIN assent.endpoint e ON e.contact_id = v.contact_id "
	    "WHERE e.canonical = %s AND v.act = 'reason'", reader.address)


def test_no_other_reasons_are_kept(reader):
	"""But that somebody left stands, and the page says no more than that."""
	reader.see()
	reader.press()
	for reason in ("nix", "", b"\xff", "often\0"):
		page = reader.press(reason=reason, words="x")
		assert "<h1>This mail has stopped</h1>" in page
		assert "Thank you." not in page
		assert "why did you leave" in page
	assert kept(reader) == []
	assert "Thank you." in reader.press(reason="often", words="")
	assert kept(reader) == [("often", None)]
	assert "Thank you." in reader.press(reason="other", words="once more")
	assert kept(reader) == [("often", None)]


@pytest.mark.parametrize("words,text", [("x" * 1001, "x" * 1000),
    (b"\xff \xc3\xb3 \xed\xa0\x80", "\ufffd \xf3 \ufffd"),
    ("a\0b", "a\ufffdb"), (b"\xc3", "\ufffd")])
def test_words_are_kept_as_far_as_they_are_text(reader, words, text):
	reader.see()
	reader.press()
	assert "Thank you." in reader.press(reason="other", words=words)
	assert kept(reader) == [("other", text)]


def test_it_is_in_the_language_of_the_person(reader):
	stack = reader.stack
	stack.ctl("contact", "edit", reader.address, "--language", "it")
	reader.see(**{"Accept-Language": "pl"})
	assert "Premi il pulsante" in reader.text
	assert "Questi messaggi non arriveranno" in reader.press()
	assert "<h1>Annullato</h1>" in reader.press(undo=1)


def test_two_steps_change_nothing_before_the_second(shop):
	reader = Reader(shop, next(shop.people), "shop/club")
	assert "You then get a message" in reader.see()
	page = " ".join(reader.press().split())
	assert "Please look into your mailbox" in page
	assert "Nothing has changed yet" in page
	message, path = asked(reader)
	assert message["Subject"] == "Please confirm that you want to leave"
	text = message.get_body(("html",)).get_content()
	assert "“Club”" in text and "background: #0b57a4; color: #ffffff" in text
	for method in ("GET", "HEAD", "OPTIONS"):
		status, text = shop.page(method, path)
		assert status in (200, 204)
	assert reader.granted() == ALL
	_, reader.text = shop.page("GET", path)
	assert "will send no more “Club”" in reader.text
	assert "You then get a message" not in reader.text
	assert "<h1>This mail has stopped</h1>" in reader.press(path=path)
	assert reader.granted() == ALL - {"club"}
	assert "<h1>This mail has stopped</h1>" in reader.press(path=path)
	assert "<h1>This mail has stopped</h1>" in shop.page("GET", path)[1]
	assert "<h1>This mail has stopped</h1>" in reader.see()


def test_one_click_is_one_step_for_every_purpose(shop):
	"""RFC 8058 knows no second one."""
	reader = Reader(shop, next(shop.people), "shop/club")
	assert shop.click(reader.path) == 200
	assert reader.granted() == ALL - {"club"}
	assert letters(shop, reader.address) == []


def test_nobodys_mailbox_is_filled(shop):
	reader = Reader(shop, next(shop.people), "shop/club")
	for _ in range(6):
		reader.see()
		reader.press()
	asked(reader, 3)
	shop.idle()
	assert len(letters(shop, reader.address)) == 3
	assert shop.sql("SELECT count(*) FROM assent.leave_request r "
	    "JOIN assent.endpoint e USING (key) WHERE e.canonical = %s",
	    reader.address) == [(3,)]


# What is on record of one person, none of it to be seen by a link's holder.
SECRETS = ("quentin.secretson", "hidden-host", "Secretname", "48600100299",
    "Mailer-of-a-person", "No-words-of-mine")


def test_pages_links_and_logs_name_nobody(stack):
	address = "quentin.secretson@hidden-host.test"
	stack.ctl("grant", address, "newsletter")
	stack.ctl("contact", "edit", address, "--attribute",
	    "name=Secretname")
	stack.ctl("contact", "add-address", address, "+48600100299")
	reader = Reader(stack, address, "acme/newsletter")
	key = stack.sql("SELECT key FROM assent.endpoint WHERE canonical = %s",
	    address)[0][0]
	seen, paths = [], [urllib.parse.urlsplit(u).path for u in
	    reader.links.values() if u.startswith("https:")]
	agent = {"User-Agent": "Mailer-of-a-person", **URLENCODED}

	def ask(method, path, **fields):
		body = urllib.parse.urlencode(fields).encode() if fields else None
		request = urllib.request.Request(stack.env["WEB_URL"] + path,
		    data=body, method=method, headers=agent)
		with urllib.request.urlopen(request, timeout=30) as answer:
			text = answer.read().decode()
			assert answer.headers["Referrer-Policy"] == "no-referrer"
			assert answer.headers["Location"] is None
			seen.append(str(answer.headers) + text)
			paths.extend(urllib.parse.urljoin(path, html.unescape(h))
			    for h in re.findall('(?:href|src|action)="([^"]*)"',
			    text))
		return text

	for path in list(paths):
		ask("GET", path)
	text = ask("GET", reader.path)
	form = {"via": "page", "reference": re.search(
	    'name="reference" value="([0-9a-f]+)"', text)[1]}
	ask("POST", reader.path, **form)
	ask("POST", reader.path, **form, reason="other",
	    words="No-words-of-mine")
	ask("POST", reader.path, **form, undo=1)
	preferences = urllib.parse.urlsplit(reader.links["preferences"]).path
	shown = re.search('name="shown" value="([^"]*)"',
	    ask("GET", preferences))[1]
	ask("POST", preferences, shown=shown, all=1)
	ask("POST", preferences, pause=1, until="2026-02-30")
	for path in set(paths):
		ask("GET", path)
		token = path.rsplit("/", 1)[1]
		octets = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
		assert bytes(key) not in octets and address.encode() not in octets
	seen += paths + [stack.log(part)
	    for part in ("web", "milter", "postgres")]
	assert len(paths) > 4
	for secret in SECRETS:
		assert not any(secret in text for text in seen), secret


def test_without_database_it_still_asks(stack):
	"""And says that it is not certain, which is true."""
	reader = Reader(stack, stack.subscriber(), "acme/newsletter")
	reader.see()
	stack.stop("postgres")
	assert stack.page("GET", "/healthz")[0] == 503
	assert "no more mail of the kind" in reader.see()
	assert "it is not certain" in " ".join(reader.press(status=503).split())
	assert "may or may not" in " ".join(reader.press(status=503, undo=1).split())
	for line in ("health", "opt-out result=failed .*",
	    "opt-out-undo result=failed"):
		assert re.search(f': {line} error=".+"$',
		    stack.log("web"), re.M), line
	stack.start("postgres")
	reader.see()
	assert "This mail has stopped" in reader.press()
