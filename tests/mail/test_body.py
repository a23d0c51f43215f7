# SPDX-License-Identifier: ISC
"""The body through a real mail server: placeholders, footers, tracking.

What is edited, and how, is shown by test_edit.py; here, that the milter asks
for the right edits and that the mail server carries them out.
"""

import email
import email.policy
import re
import time
import urllib.parse

import pytest

from conftest import new_stack, on_both_mtas

# How long milters may go on with a permit that was changed by hand.
LEASE = 2.5
FOOTED = "shop@footed.example.com"
UNTRACKED = "shop@untracked.example.com"
BASE = "https://optout.example.com"
HTML = "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
ALTERNATIVE = ('MIME-Version: 1.0\r\nContent-Type: multipart/alternative; '
    'boundary="b"\r\n')
BOTH = ("--b\r\nContent-Type: text/plain\r\n\r\nPlain {0}\r\n--b\r\n"
    "Content-Type: text/html\r\n\r\n<html><body><p>Rich {0}</p></body></html>"
    "\r\n--b--")


def parts(delivery):
	"""The decoded text parts of what was delivered."""
	raw = b"\n".join(delivery.fields) + b"\n\n" + delivery.body
	message = email.message_from_bytes(raw, policy=email.policy.default)
	return {part.get_content_type(): part.get_content()
	    for part in message.walk() if part.get_content_maintype() == "text"}


def links(text):
	return {kind: re.findall(f"{BASE}/{kind}/([A-Za-z0-9_-]+)", text)
	    for kind in "umw"}


def send(stack, who, text, headers="", sender=FOOTED, n=1, **more):
	sent = stack.send(who, f"{text}\r\n@@", headers, sender=sender, **more)
	assert sent.end.startswith("250"), (sent.replies, sent.end)
	return stack.delivered(sent.marker, n)


def test_footer_has_working_links(stack):
	who = stack.subscriber()  # who leaves
	text = parts(send(stack, who, "Hello"))["text/plain"]
	assert text.startswith("Hello")
	found = links(text)
	assert len(found["u"]) == len(found["w"]) == 1
	assert "newsletter" in text.lower() and "Acme" in text
	_, why = stack.page("GET", "/w/" + found["w"][0])
	assert "You may" in why or "Such messages may be sent to you now." in why
	assert stack.click("/u/" + found["u"][0]) == 200
	assert " withdrawn:" in stack.rcpt(who)


@on_both_mtas
def test_placeholders_are_filled_and_no_footer_added(stack):
	who = "granted@rcpt.test"
	got = parts(send(stack, who, BOTH.format("{{unsubscribe_url}} "
	    "{{preferences_url}} {{why_url}} {{brand}} *|UNSUB|*"), ALTERNATIVE))
	for text in got.values():
		found = links(text)
		assert [len(found[k]) for k in "umw"] == [2, 1, 1]
		assert "Acme" in text and "{{" not in text and "UNSUB" not in text
		assert "This was sent to you by" not in text
	path = "/m/" + links(got["text/html"])["m"][0]
	assert "What Acme may send to" in stack.page("GET", path)[1]


@on_both_mtas
def test_a_copy_has_the_fields_that_a_message_to_one_has(stack):
	"""Also those that an edited body needs, space and place."""
	who = ["granted@rcpt.test", stack.subscriber()]
	long = "x" * 1200 + " {{brand}}"
	headers = "Content-Type: text/plain; charset=utf-8\r\n" \
	    "content-transfer-encoding: 7bit\r\nX-After: 1\r\n"
	want = [b"content-type: text/plain; charset=utf-8",
	    b"content-transfer-encoding: quoted-printable", b"x-after: 1",
	    b"mime-version: 1.0"]
	(copy,) = [d for d in send(stack, who, long, headers, n=2)
	    if d.recipients == who[:1]]
	alone = send(stack, who[0], long, headers)
	for d in copy, alone:
		fields = [f.lower() for f in d.fields]
		first = fields.index(want[0])
		assert fields[first:first + 4] == want


@on_both_mtas
def test_each_text_part_gets_the_footer(stack):
	got = parts(send(stack, "granted@rcpt.test", BOTH.format("x"), ALTERNATIVE))
	assert set(got) == {"text/plain", "text/html"}
	for text in got.values():
		assert len(links(text)["u"]) == 1
		assert "This was sent to you by" in text
	assert got["text/html"].index("Rich x") < \
	    got["text/html"].index("This was sent") < \
	    got["text/html"].index("</body>")


@pytest.mark.parametrize("person,header,words", [
    ("pl", "", "Tę wiadomość wysyła"), ("pl-PL", "lang=it", "Tę wiadomość"),
    (None, "lang=it", "Questo messaggio"), (None, "lang=fi", "This was sent"),
    ("fi", "lang=pl", "This was sent"), (None, "", "This was sent")])
def test_footer_speaks_the_persons_language(stack, person, header, words):
	who = "granted7@rcpt.test"
	stack.sql("UPDATE assent.contact SET language = %s WHERE id = (SELECT "
	    "contact_id FROM assent.endpoint WHERE original = %s)", person, who)
	stack.sql("SELECT assent.repack(ARRAY[contact_id]) FROM assent.endpoint "
	    "WHERE original = %s", who)
	time.sleep(LEASE)
	headers = f"Consent-Purpose: newsletter; {header}\r\n" if header else ""
	assert words in parts(send(stack, who, "x", headers))["text/plain"]


@on_both_mtas
def test_copies_have_their_own_links(stack):
	people = [f"granted{i}@rcpt.test" for i in (2, 3, 4)]
	got = send(stack, people, BOTH.format("{{unsubscribe_url}}"), ALTERNATIVE,
	    n=3)
	seen = set()
	for delivery in got:
		(who,) = delivery.recipients
		mine = {link for text in parts(delivery).values()
		    for link in links(text)["u"]}
		assert mine == {delivery.link().rsplit("/", 1)[1]}
		seen |= mine
		others = set(people) - {who}
		assert not any(o.encode() in delivery.body for o in others)
	assert len(seen) == 3


@on_both_mtas
def test_a_shared_message_names_nobody(stack):
	people = ["granted5@rcpt.test", "granted6@rcpt.test"]
	got = send(stack, people, "{{unsubscribe_url}} {{why_url}}",
	    sender="shop@footed-shared.example.com")
	text = parts(got)["text/plain"]
	assert f"{BASE}/u {BASE}/u" in text
	assert not any(links(text).values())
	alone = send(stack, people[:1], "{{unsubscribe_url}}",
	    sender="shop@footed-shared.example.com")
	assert len(links(parts(alone)["text/plain"])["u"]) == 1


def test_somebody_elses_link_is_not_ones_own(stack):
	"""A campaign that was made of one that somebody had received."""
	people = [stack.subscriber() for _ in range(3)]
	first = parts(send(stack, people[0], "x"))["text/plain"]
	foreign, = links(first)["u"]
	old = f"<a href='{BASE}/u/{foreign}'>Leave</a>, {BASE}/users"
	for d in send(stack, people[1:], old, HTML, n=2):
		found = set(links(parts(d)["text/html"])["u"])
		own = d.link().removeprefix("/u/")
		assert found == {foreign, own} and own != foreign
	shared = send(stack, people[1:], old, HTML,
	    "shop@footed-shared.example.com")
	assert f'"{BASE}/u"' in parts(shared)["text/html"]
	# Again through the milter: nothing is added.
	again = parts(send(stack, people[0], first.rstrip()))["text/plain"]
	assert links(again) == links(first)


def test_footer_before_the_signature(stack):
	text = parts(send(stack, "granted@rcpt.test", "Hello\r\n-- \r\nThe shop",
	    sender="shop@signature.example.com"))["text/plain"]
	assert text.index("This was sent") < text.index("-- \n")


def test_a_signed_message_keeps_its_body(stack):
	signed = ("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=From;\r\n"
	    " bh=x; b=x\r\n")
	got = send(stack, "granted@rcpt.test", "Hello", signed,
	    sender="shop@spared.example.com")
	assert "This was sent" not in parts(got)["text/plain"]
	assert got.all("DKIM-Signature")


def test_oversize(stack):
	size = re.search(r"max-message = (\d+)", stack.ctl("check").stdout)
	lines = ("x" * 70 + "\r\n") * (int(size[1]) // 72 + 1)
	sent = stack.send("granted@rcpt.test", lines,
	    sender="shop@signature.example.com")
	assert sent.end.startswith("552 5.3.4")
	# The same for private copies, also when only editing finds it out.
	for text in lines, "{{brand}} " * 150000:
		sent = stack.send(["granted@rcpt.test", stack.subscriber()], text,
		    sender="shop@signature.example.com")
		assert sent.end.startswith("552 5.3.4"), sent.end
	got = send(stack, "granted@rcpt.test", lines)
	assert b"This was sent" not in got.body
	assert got.all("List-Unsubscribe")


TRACKED = ('<p>Hi <a href="https://click.example/r?u=https%3A%2F%2F'
    'shop.example%2Fa">go</a><img src="https://pixel.example/o.gif" alt="">'
    '<img src="https://cdn.example/p.gif" width="1" height="1">'
    '<img src="https://cdn.example/real.png" width="300" alt="x"></p>')
RECEIPTS = ("Disposition-Notification-To: shop@news.example.com\r\n"
    "Return-Receipt-To: shop@news.example.com\r\n")


@on_both_mtas
def test_tracking_is_stripped(stack):
	got = send(stack, "granted@rcpt.test", TRACKED, HTML + RECEIPTS, UNTRACKED)
	text = parts(got)["text/html"]
	assert "pixel.example" not in text and "p.gif" not in text
	assert "real.png" in text
	assert 'href="https://shop.example/a"' in text
	assert not got.all("Disposition-Notification-To")
	assert not got.all("Return-Receipt-To")
	assert stack.metric('assent_body_edits_total{what="pixel"}') >= 2


@pytest.fixture(scope="module")
def edited():
	"""A stack whose purposes and footers are changed."""
	s = new_stack()
	yield s
	s.close()


def test_who_agreed_to_be_followed_is(edited):
	stack = edited
	stack.ctl("purpose", "add", "profiling", "--brand", "acme", "--title",
	    "Profiling", "--channel", "email")
	stack.sql("UPDATE assent.purpose SET monitoring = true "
	    "WHERE slug = 'profiling'")
	stack.run("stop", "milter")
	stack.start("milter")
	people = ["granted5@rcpt.test", "granted6@rcpt.test"]
	stack.ctl("grant", people[0], "profiling")
	for delivery in send(stack, people, TRACKED, HTML + RECEIPTS, UNTRACKED,
	    n=2):
		followed = delivery.recipients == people[:1]
		assert (TRACKED.encode() in delivery.body) == followed
		assert bool(delivery.all("Return-Receipt-To")) == followed


def test_footers_can_be_set(edited, tmp_path):
	stack = edited
	(tmp_path / "text").write_text("Żegnaj: {{unsubscribe_url}}\n")
	(tmp_path / "html").write_text("<p>{{brand}} {{unsubscribe_url}}</p>\n")
	stack.ctl("footer", "set", "en", "newsletter", "--text",
	    str(tmp_path / "text"), "--html", str(tmp_path / "html"))
	got = parts(send(stack, "granted@rcpt.test", BOTH.format("x"), ALTERNATIVE))
	assert "Żegnaj: https://" in got["text/plain"]
	assert "<p>Acme https://" in got["text/html"]


def test_links_of_a_body_do_nothing_when_looked_at(stack):
	who = "granted@rcpt.test"
	text = parts(send(stack, who, "{{preferences_url}}"
	    " {{unsubscribe_url}} {{why_url}}"))["text/plain"]
	for url in re.findall(f"{BASE}\\S+", text):
		for method in ("GET", "HEAD", "OPTIONS"):
			stack.page(method, urllib.parse.urlsplit(url).path)
	assert stack.rcpt(who).startswith("250")
