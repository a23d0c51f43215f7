# SPDX-License-Identifier: ISC
"""Sign-up: a form, a mail that asks back, and a link that confirms."""

import email
import email.policy
import html
import itertools
import os
import re
import signal
import time
import urllib.parse

import pytest
from conftest import wait_for

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
TABLES = ["contact", "endpoint", "consent", "event", "permit", "sign_up",
    "mail"]
number = itertools.count(1)


@pytest.fixture(scope="module")
def forms(stack):
	stack.ctl("brand", "edit", "acme", "--sender", "hello@news.example.com")
	stack.ctl("purpose", "text", "add", "newsletter", "en", "--title",
	    "The <b>newsletter</b>", "--body", "What is new, once a week.")
	stack.ctl("purpose", "text", "add", "newsletter", "pl", "--title",
	    "Biuletyn", "--body", "Nowości co tydzień.")
	stack.ctl("page", "add", "sign-up", "join", "--brand", "acme",
	    "--purpose", "newsletter", "--purpose", "offers")
	return stack


def fresh():
	return f"Sign{next(number)}-{time.time_ns()}@rcpt.test"


def source():
	"""A source of its own, so that tests do not share a limit."""
	n = next(number)
	return {"X-Forwarded-For": f"198.51.{n // 250}.{n % 250}"}


def see(stack, slug="join", **headers):
	status, page = stack.page("GET", f"/s/{slug}", headers=headers)
	assert status == 200
	return page


def shown(page):
	return re.search('name="shown" value="([^"]*)"', page)[1]


def boxes(page):
	"""The purposes that can be ticked, by their titles."""
	return {html.unescape(title): value for value, title in re.findall(
	    r'type="checkbox"[^>]*value="(\d+)"[^>]*>\s*<label[^>]*>(.*?)<',
	    page)}


def press(stack, address, titles=("Offers",), page=None, where=None,
    language="en", slug="join", **more):
	headers = {"Accept-Language": language}
	page = page or see(stack, **headers)
	fields = [("shown", shown(page)), ("address", address),
	    *(("on", boxes(page)[t]) for t in titles), *more.items()]
	return stack.page("POST", f"/s/{slug}", urllib.parse.urlencode(
	    fields).encode(), {**URLENCODED, **headers,
	    **(where or source())})


def letters(stack, address):
	"""The mails that came to an address, read by another program."""
	found = [d for d in stack.sunk(address) if address in d.recipients]
	return [email.message_from_bytes(b"\n".join(d.fields) + b"\n\n" + d.body,
	    policy=email.policy.default) for d in found]


def letter(stack, address):
	(one,) = wait_for(lambda: letters(stack, address)) or [None]
	assert one is not None
	return one


def link(message):
	(path,) = set(re.findall(r"https://optout\.example\.com(/c/[\w-]+)",
	    message.get_body(["plain"]).get_content()))
	return path


def rows(stack):
	"""What stands in the database, once all mail is out."""
	assert wait_for(lambda: stack.sql("SELECT id FROM assent.mail WHERE "
	    "sent_at IS NULL") == [])
	return {t: stack.sql(f"SELECT md5(string_agg(x::text, '' ORDER BY x::text"
	    f")) FROM assent.{t} x") for t in TABLES}


def states(stack, address):
	got = stack.sql("SELECT p.slug, c.state FROM assent.endpoint e JOIN "
	    "assent.consent c USING (contact_id) JOIN assent.purpose p ON "
	    "p.id = purpose_id WHERE original = %s", address)
	return dict(got)


def test_from_form_to_accepted_mail(forms):
	address = fresh()
	page = see(forms)
	assert " checked" not in page and "Version 1" in page
	assert "The &lt;b&gt;newsletter&lt;/b&gt;" in page
	assert forms.rcpt(address).startswith("550")
	status, said = press(forms, address, ["The <b>newsletter</b>"])
	assert status == 200 and "on its way" in said and address not in said
	message = letter(forms, address)
	assert message["Auto-Submitted"] == "auto-generated"
	assert message["From"] == '=?utf-8?B?QWNtZQ==?= <hello@news.example.com>' \
	    or message["From"] == "Acme <hello@news.example.com>"
	assert message["To"].addresses[0].addr_spec == address
	assert re.fullmatch(r"<[0-9a-f]{32}@optout\.example\.com>",
	    message["Message-ID"])
	assert "The <b>newsletter</b>" in message.get_body(["plain"]).get_content()
	assert "The &lt;b&gt;newsletter&lt;/b&gt;" in \
	    message.get_body(["html"]).get_content()
	assert link(message) in message.get_body(["html"]).get_content()
	assert forms.rcpt(address).startswith("550")
	status, page = forms.page("POST", link(message), b"via=page",
	    {**URLENCODED, "User-Agent": "confirmer"})
	assert status == 200 and "<h1>Confirmed</h1>" in page
	assert states(forms, address) == {"newsletter": "granted"}
	sent = forms.send(address)
	assert sent.replies[0].startswith("250") and sent.end.startswith("250")
	((text, proof),) = forms.sql("SELECT t.body, p.fields FROM assent.event v "
	    "JOIN assent.event_person p ON event_id = v.id JOIN assent.endpoint e "
	    "USING (contact_id) JOIN assent.purpose_text t ON t.id = v.text_id "
	    "WHERE e.original = %s AND act = 'grant'", address)
	assert text == "What is new, once a week."
	assert proof["form"] == "join" and proof["language"] == "en"
	assert proof["ip"].startswith("198.51.") and "user_agent" in proof
	assert proof["confirmed_ip"] == "127.0.0.1"
	assert proof["confirmed_user_agent"] == "confirmer"
	assert proof["requested_at"] < proof["confirmed_at"]
	assert proof["message_id"] == message["Message-ID"]
	# Once more: nothing, and the same answer.
	before = rows(forms)
	assert forms.page("POST", link(message), b"", URLENCODED) == \
	    (200, page)
	assert forms.page("GET", link(message)) == (200, page)
	assert rows(forms) == before


def test_language_and_source_of_who_had_none(forms):
	def about(address):
		return forms.sql("SELECT language, source, source_name FROM "
		    "assent.contact c JOIN assent.endpoint e ON contact_id = c.id "
		    "WHERE original = %s", address)
	known, new = fresh(), fresh()
	forms.ctl("grant", known, "newsletter")
	forms.ctl("contact", "edit", known, "--language", "it", "--source",
	    "offline", "--source-name", "Fair")
	for address in (known, new):
		press(forms, address, language="pl")
		path = link(letter(forms, address))
		assert forms.page("POST", path)[0] == 200
	assert about(new) == [("pl", "form", "join")]
	assert about(known) == [("it", "offline", "Fair")]


@pytest.mark.parametrize("language,subject,title", [
    ("pl", "Potwierdź swój zapis", "Biuletyn"),
    ("it", "Conferma la tua iscrizione", "The <b>newsletter</b>")])
def test_mail_and_link_speak_the_forms_language(forms, language, subject,
    title):
	address = fresh()
	press(forms, address, [title], language=language)
	message = letter(forms, address)
	assert message["Subject"] == subject
	assert title in message.get_body(["plain"]).get_content()
	_, page = forms.page("GET", link(message))
	assert f'<html lang="{language}">' in page


def contrast(a, b):
	"""Of two colours, as WCAG 2.1 has it."""
	def luminance(colour):
		parts = (int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5))
		return sum(weight * (p / 12.92 if p <= 0.04045 else
		    ((p + 0.055) / 1.055) ** 2.4)
		    for weight, p in zip((0.2126, 0.7152, 0.0722), parts))
	high, low = sorted((luminance(a), luminance(b)), reverse=True)
	return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", ["none", "#ffd200", "#101010"])
def test_mail_looks_like_its_brand(forms, colour):
	address = fresh()
	forms.ctl("brand", "edit", "acme", "--colour", colour)
	try:
		press(forms, address)
	finally:
		forms.ctl("brand", "edit", "acme", "--colour", "none")
	message = letter(forms, address)
	text = message.get_body(["html"]).get_content()
	bar, on_bar, name = re.search(r'<p style="[^"]*background: (#\w{6}); '
	    r'color: (#\w{6})"><strong>(.*?)</strong>', text).groups()
	assert name == "Acme" and bar == ("#0b57a4" if colour == "none" else colour)
	assert contrast(bar, on_bar) >= 4.5
	(of_link,) = re.findall(r'<a href="https:[^"]*" style="color: (#\w{6});',
	    text)
	assert contrast(of_link, "#ffffff") >= 4.5
	assert "background: #ffffff" in text and "{{" not in text
	assert "#" not in message.get_body(["plain"]).get_content()


def test_looking_changes_nothing(forms):
	address = fresh()
	press(forms, address)
	path = link(letter(forms, address))
	before = rows(forms)
	for where in ("/s/join", path, path[:-4] + "AAAA", "/c/x", "/s/nix"):
		for method in ("GET", "HEAD", "OPTIONS"):
			forms.page(method, where)
	assert rows(forms) == before
	_, page = forms.page("GET", path)
	assert address.lower() not in page.lower()
	assert page.count("<button") == 1 and "<script" not in page


@pytest.mark.parametrize("path", ["/c/x", "/c/" + "A" * 44, "/c/%ff%00"])
def test_forged_links_say_what_to_do(forms, path):
	before = rows(forms)
	for method in ("GET", "POST"):
		status, page = forms.page(method, path)
		assert status == 404 and "ask once more where you did" in page
	assert rows(forms) == before


def test_links_for_something_else_confirm_nothing(forms):
	address = forms.subscriber()
	sent = forms.send(address)
	other = forms.delivered(sent.marker).link().removeprefix("/u/")
	assert forms.page("POST", f"/c/{other}")[0] == 404


def test_every_address_is_answered_alike(forms):
	"""Known, unknown, forgotten, and one that has had its mails."""
	known, gone, often = forms.subscriber(), forms.subscriber(), fresh()
	forms.ctl("forget", gone, "--yes")
	page = see(forms)
	answers = {press(forms, a, page=page) for a in
	    (known, gone, fresh(), often, often, often, often, often)}
	assert len(answers) == 1
	for address in (known, gone):
		assert letter(forms, address)
	assert wait_for(lambda: len(letters(forms, often)) == 3)
	forms.idle()
	assert forms.sql("SELECT count(*) FROM assent.sign_up WHERE original = %s",
	    often) == [(3,)]


def test_who_was_forgotten_comes_back_by_the_link(forms):
	address = forms.subscriber()
	forms.ctl("forget", address, "--yes")
	press(forms, address)
	path = link(letter(forms, address))
	assert forms.rcpt(address).startswith("550")
	assert forms.page("POST", path)[0] == 200
	assert states(forms, address) == {"offers": "granted"}


def test_forgetting_ends_what_was_asked_for(forms):
	address = forms.subscriber()
	press(forms, address)
	path = link(letter(forms, address))
	forms.ctl("forget", address, "--yes")
	assert forms.page("POST", path)[0] == 404
	assert forms.rcpt(address).startswith("550")


def test_a_source_is_limited(forms):
	where, page = source(), see(forms)
	answers = [press(forms, fresh(), page=page, where=where)[0]
	    for _ in range(22)]
	assert answers == [200] * 20 + [429] * 2
	assert press(forms, fresh(), page=page)[0] == 200


def test_what_fills_in_everything_asks_for_nothing(forms):
	page = see(forms)
	before = rows(forms)
	trapped = press(forms, fresh(), page=page, website="https://x.example")
	assert rows(forms) == before
	assert press(forms, fresh(), page=page) == trapped


@pytest.mark.parametrize("fields,status,said", [
    ({"address": "nobody"}, 422, "Please give your email address"),
    ({"address": "a@b.test\r\nBcc: c@d.test"}, 422, "Please give"),
    ({"address": "\"><b>@x"}, 422, "Please give"),
    ({"on": ""}, 422, "Please choose"),
    ({"on": "1"}, 422, "Please choose"),
    ({"shown": "x"}, 400, "is not what our page sends"),
    ({"shown": b"\xff"}, 400, "is not what our page sends"),
    ({f"x{n}": "" for n in range(200)} | {"shown": "x"}, 413,
     "takes a few kilobytes"),
    ({"shown": "99999:999999999,", "on": "99999"}, 422, "Please choose")])
def test_what_is_wrong_is_said(forms, fields, status, said):
	page = see(forms)
	before = rows(forms)
	all_ = {"shown": shown(page), "address": fresh(),
	    "on": boxes(page)["Offers"], **fields}
	got, text = forms.page("POST", "/s/join", urllib.parse.urlencode(
	    all_).encode(), {**URLENCODED, **source()})
	assert got == status and said in text and '"><b>' not in text
	assert rows(forms) == before


def test_snippet_signs_up_from_elsewhere(forms):
	snippet = forms.ctl("page", "snippet", "join").stdout
	assert 'action="https://optout.example.com/s/join?lang=en"' in snippet
	assert "The &lt;b&gt;newsletter&lt;/b&gt;" in snippet
	assert " checked" not in snippet and "<script" not in snippet
	address = fresh()
	forms.ctl("purpose", "text", "add", "newsletter", "en", "--title",
	    "The <b>newsletter</b>", "--body", "Another text.")
	on = re.search(r'value="(\d+)"> <b>The', snippet)[1]
	body = {"shown": shown(snippet), "address": address, "on": on}
	assert forms.page("POST", "/s/join", urllib.parse.urlencode(body)
	    .encode(), {**URLENCODED, **source()})[0] == 200
	assert forms.sql("SELECT t.version FROM assent.sign_up s JOIN "
	    "assent.purpose_text t ON t.id = s.texts[1] WHERE original = %s",
	    address) == [(1,)]


TOLD = {"en": ("Your email address", "Version", "nothing else until"),
    "pl": ("Twój adres e-mail", "Wersja", "nic więcej"),
    "it": ("Il tuo indirizzo e-mail", "Versione", "nient'altro")}


@pytest.mark.parametrize("language,button,title", [
    ("pl", "Chcę!", "Biuletyn"), ("it", "Iscriviti", "The <b>newsletter</b>")])
def test_a_snippet_speaks_one_language_to_the_end(forms, language, button,
    title):
	forms.ctl("page", "edit", "sign-up", "join", "--lang", "pl", "--button",
	    "Chcę!")
	try:
		told = forms.ctl("page", "snippet", "join", language)
		hosted = see(forms, "join?lang=" + language)
	finally:
		forms.ctl("page", "edit", "sign-up", "join", "--lang", "pl",
		    "--button", "")
	snippet = html.unescape(told.stdout)
	assert f'lang="{language}"' in snippet.splitlines()[0]
	for one in TOLD:
		assert (one == language) == all(w in snippet for w in TOLD[one])
	assert f">{button}</button>" in snippet and f"<b>{title}</b>" in snippet
	assert shown(told.stdout) == shown(hosted)
	# What is not in that language is marked, and named.
	assert (f'<p lang="en"><label><input type="checkbox" name="on" value="'
	    in snippet) == (language == "it")
	assert ("purpose newsletter has no text in it" in told.stderr) == \
	    (language == "it")
	path = re.search('action="https://optout.example.com([^"]*)"', snippet)[1]
	address = fresh()
	(on,) = re.findall(r'value="(\d+)"> <b>' + re.escape(html.escape(title)),
	    told.stdout)
	body = urllib.parse.urlencode({"shown": shown(told.stdout),
	    "address": address, "on": on}).encode()
	headers = {**URLENCODED, "Accept-Language": "en", **source()}
	status, page = forms.page("POST", path, body, headers)
	assert status == 200 and f'<html lang="{language}">' in page
	message = letter(forms, address)
	assert f'<html lang="{language}">' in \
	    message.get_body(["html"]).get_content()


def test_no_snippet_where_there_is_no_form(forms):
	for words, why in ((["nix"], 'no open page "nix"'), (["'"], "a name is"),
	    (["join", "xx"], '"xx" is no language of the pages')):
		told = forms.ctl("page", "snippet", *words, check=False)
		assert told.returncode == 1 and why in told.stderr


def test_closed_pages_are_not_there(forms):
	forms.ctl("page", "add", "sign-up", "soon-gone", "--brand", "acme",
	    "--purpose", "offers")
	page = see(forms, "soon-gone")
	forms.ctl("page", "edit", "sign-up", "soon-gone", "--open", "no")
	assert forms.page("GET", "/s/soon-gone")[0] == 404
	body = {"shown": shown(page), "address": fresh(),
	    "on": boxes(page)["Offers"]}
	assert forms.page("POST", "/s/soon-gone", urllib.parse.urlencode(
	    body).encode(), {**URLENCODED, **source()})[0] == 404
	assert "soon-gone" in forms.ctl("page", "list").stdout


def test_a_form_that_was_closed_confirms_nothing(forms):
	"""Whoever closed it wants no consent by it; one that is there stays."""
	forms.ctl("page", "add", "sign-up", "closing", "--brand", "acme",
	    "--purpose", "offers")
	early, late = fresh(), fresh()
	page = see(forms, "closing")
	for address in (early, late):
		press(forms, address, page=page, slug="closing")
	there, gone = (link(letter(forms, a)) for a in (early, late))
	confirmed = forms.page("POST", there)
	assert confirmed[0] == 200
	forms.ctl("page", "edit", "sign-up", "closing", "--open", "no")
	before = rows(forms)
	for method in ("GET", "POST"):
		status, said = forms.page(method, gone)
		assert status == 410 and "Acme has closed the form" in \
		    " ".join(said.split())
		assert "<form" not in said
		assert forms.page(method, there) == confirmed
	assert rows(forms) == before and states(forms, late) == {}
	forms.ctl("page", "edit", "sign-up", "closing", "--open", "yes")
	assert forms.page("POST", gone)[0] == 200
	assert states(forms, late) == {"offers": "granted"}


def test_logs_name_nobody(forms):
	address = fresh()
	press(forms, address)
	path = link(letter(forms, address))
	forms.page("POST", path)
	log = forms.log("web")
	assert "result=sent" in log and "confirm result=changed" in log
	assert address not in log and path not in log


def test_queued_mail_outlives_web_and_mta(forms):
	"""Queued while the MTA is away, web killed: it goes out, and once."""
	address = fresh()
	begin = len(forms.log("web"))
	forms.stop("mta")
	assert press(forms, address)[0] == 200
	assert wait_for(lambda: "mail result=failed" in forms.log("web")[begin:])
	os.kill(forms.pid("web"), signal.SIGKILL)
	forms.stop("web")
	forms.start("mta")
	forms.start("web")
	message = letter(forms, address)
	assert wait_for(lambda: forms.sql("SELECT sent_at IS NOT NULL, "
	    "tries > 1, message_id, num_nonnulls(key, recipient, language, data) "
	    "FROM assent.mail WHERE message_id = %s", message["Message-ID"]) == [
	    (True, True, message["Message-ID"], 0)])
	forms.idle()
	assert len(letters(forms, address)) == 1
	assert forms.page("POST", link(message))[0] == 200
	assert states(forms, address) == {"offers": "granted"}
