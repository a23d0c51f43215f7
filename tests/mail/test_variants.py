# SPDX-License-Identifier: ISC
"""Pages of one's own: a brand's look, its words, and its templates."""

import base64
import hashlib
import html
import json
import os
import quopri
import re
import signal
import struct
import urllib.request
import zlib
from pathlib import Path

import pytest
from conftest import ROOT, wait_for

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


def png(width=2, height=1, noise=b""):
	def chunk(kind, data):
		return struct.pack(">I", len(data)) + kind + data + \
		    struct.pack(">I", zlib.crc32(kind + data))
	rows = (b"\0" + b"\x0b\x57\xa4" * width) * height
	return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width,
	    height, 8, 2, 0, 0, 0)) + chunk(b"tEXt", b"c\0" + noise) + \
	    chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def brands(stack):
	"""A company and a brand below it."""
	stack.ctl("brand", "add", "group", "--name", "Group <& Sons>")
	stack.ctl("brand", "add", "look", "--name", "Look", "--parent", "group")
	for name in ("tips", "deals"):
		stack.ctl("purpose", "add", name, "--brand", "look", "--title",
		    name.title(), "--channel", "email")
	stack.ctl("brand", "edit", "group", "--sender", "group@news.example.com")
	return stack


def links(stack, purpose="look/tips"):
	"""The paths behind the links of a subscriber of a purpose."""
	address = stack.subscriber(purpose)
	told = json.loads(stack.ctl("link", address, purpose, "--json").stdout)
	return {k: told[k].removeprefix("https://optout.example.com")
	    for k in ("opt_out", "preferences", "why")}


def get(stack, path):
	"""A page without its random reference, and its policy."""
	with urllib.request.urlopen(stack.env["WEB_URL"] + path, timeout=30) as r:
		return re.sub('(name="reference" value)="[^"]*"', r"\1",
		    r.read().decode()), r.headers["Content-Security-Policy"]


def style_of(page):
	return re.search("<style>(.*?)</style>", page, re.S)[1]


def test_pages_look_like_their_brand(brands, tmp_path):
	paths = links(brands)
	logo = tmp_path / "logo"
	logo.write_bytes(png())
	brands.ctl("brand", "edit", "group", "--colour", "#FFD200", "--logo", logo)
	uri = "data:image/png;base64," + base64.b64encode(png()).decode()
	for path in paths.values():
		page, policy = get(brands, path)
		style = style_of(page)
		digest = base64.b64encode(hashlib.sha256(style.encode()).digest())
		assert f"style-src 'sha256-{digest.decode()}'" in policy
		assert "default-src 'none'" in policy and "script" not in policy
		assert "img-src data:;" in policy
		assert "--brand:#ffd200;--on-brand:#000000;" in style
		assert f'<header><img src="{uri}" alt="Look"></header>' in page
		assert not re.search(r'src="(?!data:)|https?:', page)
	# The nearest one holds, each thing for itself.
	brands.ctl("brand", "edit", "look", "--colour", "#0000ff")
	page, _ = get(brands, paths["why"])
	assert "--brand:#0000ff;--on-brand:#ffffff;" in page and uri in page
	brands.ctl("brand", "edit", "group", "--logo", "none")
	brands.ctl("brand", "edit", "look", "--colour", "none")
	page, policy = get(brands, paths["why"])
	assert "#ffd200" in page and "<header>Look</header>" in page
	assert "img-src" not in policy
	brands.ctl("brand", "edit", "group", "--colour", "none")
	assert style_of(get(brands, paths["why"])[0]) == \
	    style_of(get(brands, "/u")[0])


FROM = {"en": "Look sends mail about these pages from:",
    "pl": "Wiadomości dotyczące tych stron Look wysyła z adresu:",
    "it": "Look invia i messaggi su queste pagine da:"}


@pytest.mark.parametrize("language", FROM)
def test_every_page_names_its_sender(brands, language):
	brands.ctl("page", "add", "sign-up", "footed", "--brand", "look",
	    "--purpose", "tips", check=False)
	brands.ctl("page", "add", "profile", "footed", "--brand", "look",
	    check=False)
	for path in [*links(brands).values(), "/s/footed", "/p/footed"]:
		page, _ = get(brands, f"{path}?lang={language}")
		assert f"<footer>{FROM[language]} " \
		    "<address>group@news.example.com</address></footer>" in page
	# One of its own, and of nobody.
	brands.ctl("brand", "edit", "look", "--sender", "look@news.example.com")
	try:
		assert "<address>look@news" in get(brands, "/s/footed")[0]
	finally:
		brands.sql("UPDATE assent.brand SET sender = NULL "
		    "WHERE slug = 'look'")
	for path in ("/u", "/u/x"):
		assert "<footer" not in get(brands, path)[0]


def test_names_are_escaped(brands):
	brands.ctl("purpose", "add", "big", "--brand", "group", "--title", "Big",
	    "--channel", "email")
	page, _ = get(brands, links(brands, "group/big")["opt_out"])
	assert "<header>Group &lt;&amp; Sons&gt;</header>" in page


@pytest.mark.parametrize("option,value,why", [
    ("--colour", "red", "is not like"), ("--colour", "#12345", "is not like"),
    ("--colour", "#0b57a4;}", "is not like"),
    ("--logo", b"", "no whole PNG or JPEG"),
    ("--logo", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no whole PNG"),
    ("--logo", png()[:-1], "no whole PNG"),
    ("--logo", png(noise=b"x" * 33000), "32 KB at most"),
    ("--logo", None, "No such file")])
def test_what_cannot_be_a_look_is_refused(brands, tmp_path, option, value, why):
	if option == "--logo":
		file = tmp_path / "logo.png"
		if value is not None:
			file.write_bytes(value)
		value = str(file)
	told = brands.ctl("brand", "edit", "look", option, value, check=False)
	assert told.returncode == 1 and why in told.stderr
	assert brands.sql("SELECT colour, logo FROM assent.brand_look l JOIN "
	    "assent.brand b ON b.id = brand_id WHERE slug = 'look' "
	    "AND num_nonnulls(colour, logo) > 0") == []


TOP, BOTTOM = "{{>top}}", "{{>bottom}}"


@pytest.fixture(scope="module")
def pages(brands):
	"""A page of one's own for the links of a purpose."""
	brands.ctl("page", "add", "opt-out", "bye", "--brand", "look")
	brands.ctl("page", "edit", "opt-out", "bye", "--lang", "en", "--title",
	    "Leaving {{brand}}?", "--body", "Sorry & <b>bye</b>.\n\nNo more "
	    "{{purpose}} then.", "--button", "Stop {{purpose}}")
	brands.ctl("page", "edit", "opt-out", "bye", "--lang", "pl", "--title",
	    "Koniec?")
	brands.ctl("purpose", "edit", "look/deals", "--opt-out-page", "bye")
	return brands


def headed(page):
	return html.unescape(re.search("<h1>(.*?)</h1>", page)[1])


def test_a_purposes_links_open_its_page(pages):
	path = links(pages, "look/deals")["opt_out"]
	page, _ = get(pages, path)
	assert headed(page) == "Leaving Look?"
	assert "<p>Sorry &amp; &lt;b&gt;bye&lt;/b&gt;.</p>\n" \
	    "<p>No more Deals then.</p>" in page
	assert ">Stop Deals</button>" in page
	assert headed(get(pages, links(pages, "look/tips")["opt_out"])[0]) == \
	    "Stop this mail?"
	# A language has its own words, or the program's, never another's.
	page, _ = get(pages, path + "?lang=pl")
	assert headed(page) == "Koniec?" and "Sorry" not in page
	assert "Rezygnuję</button>" in page
	page, _ = get(pages, path + "?lang=it")
	assert headed(page) == "Non vuoi più questi messaggi?"
	assert 'own=opt-out/bye error="no words in it"' in pages.log("web")
	status, page = pages.page("POST", path, b"via=page", URLENCODED)
	assert status == 200 and "<header>Look</header>" in page
	assert headed(page) == "This mail has stopped"


def test_a_link_may_name_a_page_of_its_brand(pages):
	tips = links(pages, "look/tips")["opt_out"]
	assert headed(get(pages, tips + "?page=bye")[0]) == "Leaving Look?"
	for name in ("nix", "%27", "%ff", "x" * 100, ""):
		page, _ = get(pages, f"{tips}?page={name}")
		assert headed(page) == "Stop this mail?"
		assert "<header>Look</header>" in page
	other = links(pages, "acme/newsletter")["opt_out"]
	assert headed(get(pages, other + "?page=bye")[0]) == "Stop this mail?"


def test_a_stream_names_a_page(pages):
	"""In the links of the body, while the header has none."""
	conf = Path(pages.env["ASSENT_CONF"])
	text = conf.read_text()
	stream = """stream paged {
		match { listener = "campaigns"  sender = "*@paged.example.com" }
		brand = "look"  purpose = "tips"  opt-out-page = "bye"
	}
	"""

	def reload(text):
		done = 'assent_reloads_total{result="done"}'
		before = pages.metric(done)
		conf.write_text(text)
		os.kill(pages.pid("milter"), signal.SIGHUP)
		assert wait_for(lambda: pages.metric(done) > before)
	reload(text.replace("stream one {", stream + "stream one {"))
	try:
		sent = pages.send(pages.subscriber("look/tips"),
		    "{{unsubscribe_url}}\r\n", sender="x@paged.example.com")
		mail = pages.delivered(sent.marker)
		told = pages.ctl("check", check=False).stdout
		conf.write_text(conf.read_text().replace('"bye"', '"nix"'))
		missing = pages.ctl("check", check=False)
	finally:
		reload(text)
	body = quopri.decodestring(mail.body).decode()
	(path,) = re.findall(r"https://optout.example.com(/u/\S+)", body)
	assert path == mail.link() + "?page=bye"
	assert headed(get(pages, path)[0]) == "Leaving Look?"
	assert "has no opt-out page" not in told and 'page = "bye"' in told
	assert missing.returncode == 1
	assert 'brand look has no opt-out page "nix"' in \
	    missing.stdout + missing.stderr


def test_a_preview_is_what_people_see(pages):
	told = pages.ctl("page", "preview", "opt-out", "bye").stdout
	page, _ = get(pages, links(pages, "look/deals")["opt_out"])
	assert headed(told) == headed(page) and style_of(told) == style_of(page)
	for line in re.findall("<header>.*|<p>Sorry.*", page):
		assert line in told
	assert ">Stop Newsletter</button>" in told
	told = pages.ctl("page", "preview", "opt-out", "bye", "--lang", "it")
	assert "no words in it" in told.stderr
	assert headed(told.stdout) == "Non vuoi più questi messaggi?"


def test_a_preview_becomes_a_file_whole_or_not_at_all(pages, tmp_path):
	command = ["page", "preview", "opt-out", "bye", "--out"]
	printed = pages.ctl(*command, "-").stdout
	file = tmp_path / "bye.html"
	file.write_text("before")
	old = file.open()
	told = pages.ctl(*command, file)
	assert told.stdout == "" and file.read_text() == printed
	assert old.read() == "before"	# another file took its place
	told = json.loads(pages.ctl(*command, file, "--json").stdout)
	assert told["file"] == str(file) and "html" not in told
	for path, why in ((tmp_path, "no file"), ("/dev/null", "no file"),
	    (tmp_path / "nix/x", "No such file")):
		told = pages.ctl(*command, path, check=False)
		assert told.returncode == 1 and why in told.stderr
	assert [p.name for p in tmp_path.iterdir()] == ["bye.html"]


def test_every_part_of_every_kind_has_a_preview(pages):
	told = pages.ctl("page", "preview", "opt-out", "bye", "--part", "nix",
	    check=False)
	assert told.returncode == 2
	pages.ctl("page", "add", "preferences", "ours", "--brand", "look")
	pages.ctl("page", "add", "sign-up", "in", "--brand", "look",
	    "--purpose", "tips")
	for kind, slug in (("opt-out", "bye"), ("preferences", "ours"),
	    ("sign-up", "in")):
		told = pages.ctl("page", "preview", kind, slug, "--part", "nix",
		    check=False).stderr
		for part in re.search("none of (.*)", told)[1].split(", "):
			page = pages.ctl("page", "preview", kind, slug, "--part",
			    part).stdout
			assert "{{" not in page and headed(page)


def test_forms_have_own_words(pages):
	pages.ctl("page", "add", "sign-up", "club", "--brand", "look",
	    "--purpose", "tips")
	pages.ctl("page", "edit", "sign-up", "club", "--lang", "en", "--title",
	    "Join the club", "--button", "Me, too")
	pages.ctl("page", "edit", "sign-up", "club", "--part", "asked", "--lang",
	    "en", "--body", "A letter is under way.")
	page, _ = get(pages, "/s/club")
	assert headed(page) == "Join the club" and ">Me, too</button>" in page
	assert "<header>Look</header>" in page
	# What is missing has to be said.
	status, page = pages.page("POST", "/s/club", b"address=x&shown=1:0,",
	    URLENCODED)
	assert status == 422 and headed(page) == "Something is missing"
	page = pages.page("POST", "/s/club", b"website=x", URLENCODED)[1]
	assert "A letter is under way." in page


@pytest.mark.parametrize("option,text,why", [
	("--title", "{{nix}}", "line 1: {{nix}} is nothing that this page knows"),
	("--body", "x\n{{#t}}x", "line 2: a section is not closed"),
	("--body", "{{#t}}x{{/t}}", "only have names"),
	("--body", "{{>top}}", "only have names"),
	("--button", "{{{brand}}}", "has to be escaped")])
def test_words_are_checked_when_they_are_written(pages, option, text, why):
	told = pages.ctl("page", "edit", "opt-out", "bye", "--lang", "en", option,
	    text, check=False)
	assert told.returncode == 1 and why in told.stderr


# Spaces of every kind, and letters without a shape.
BLANK = ["  ", "\u00a0", "\u200b\u2060", "\u3164", "\u2800", "\u00ad\n",
    "\ufe0f", "\u202e", "{{! nothing }}"]


@pytest.mark.parametrize("option", ["--title", "--body", "--button"])
def test_words_of_which_nothing_is_seen_are_refused(pages, option):
	before = pages.sql("SELECT * FROM assent.page_text ORDER BY 1, 2, 3, 4")
	for text in BLANK:
		told = pages.ctl("page", "edit", "opt-out", "bye", "--lang", "pl",
		    option, text, check=False)
		assert told.returncode == 1, repr(text)
		assert f"{option} in pl: nothing of it can be seen" in told.stderr
	assert pages.sql("SELECT * FROM assent.page_text ORDER BY 1, 2, 3, 4") \
	    == before
	for words in (["brand", "edit", "look", "--name"],
	    ["purpose", "edit", "look/tips", "--title"]):
		told = pages.ctl(*words, "\u200b", check=False)
		assert told.returncode != 0 and "can be seen" in told.stderr


def test_words_that_come_to_nothing_are_the_programs_again(pages):
	"""A form's page belongs to no purpose."""
	pages.ctl("page", "add", "sign-up", "hollow", "--brand", "look",
	    "--purpose", "tips")
	pages.ctl("page", "edit", "sign-up", "hollow", "--lang", "en", "--button",
	    "{{purpose}}", "--title", "\u00a0{{purpose}}", "--body", "{{purpose}} ")
	page, _ = get(pages, "/s/hollow")
	assert ">Sign up</button>" in page and headed(page) == "Sign up"
	assert "Choose what Look may send you" in page
	assert 'own=sign-up/hollow error="title: nothing' in pages.log("web")


@pytest.mark.parametrize("words,why", [
    (["--lang", "en", "--title", "x" * 201], "--title in en: 201 characters"),
    (["--lang", "pl", "--body", "ż" * 4001], "--body in pl: 4001 characters"),
    (["--lang", "en", "--button", "x" * 101], "at most 100"),
    (["--lang", "en", "--title", b"a\n\xff"], "line 2: this is no UTF-8"),
    (["--lang", "en", "--title", "a\x07"], "a control character (U+0007)"),
    (["--lang", "en-", "--title", "x"], 'language "en-"'),
    (["--lang", "en-x", "--title", "x"], 'language "en-x"'),
    (["--lang", "English", "--title", "x"], 'language "English"')])
def test_odd_words_are_named_by_the_command(pages, words, why):
	"""And not by the database."""
	told = pages.ctl("page", "edit", "opt-out", "bye", *words, check=False)
	assert told.returncode == 1 and why in told.stderr
	assert "constraint" not in told.stderr and "ERROR" not in told.stderr


@pytest.mark.parametrize("words,why", [
    (["add", "opt-out", "xß", "--brand", "look"], "a name is"),
    (["add", "opt-out", "x" * 64, "--brand", "look"], "a name is"),
    (["add", "opt-out", "x", "--brand", "l'\"}{"], "a name is"),
    (["add", "sign-up", "x", "--brand", "look", "--purpose", "tips",
	"--purpose", "tips"], '"tips" is given twice'),
    (["add", "sign-up", "x", "--brand", "look", *(w for n in range(33)
	for w in ("--purpose", f"p{n}"))], "at most 32 purposes"),
    (["add", "profile", "x", "--brand", "look", "--show", b"\xff"],
	"--show: line 1: this is no UTF-8"),
    (["edit", "profile", "x", "--edit", "{\x01"], "--edit: line 1: a control"),
    (["remove", "opt-out", "ß"], "a name is"),
    (["remove", "nix", "x"], "is no kind of page"),
    (["preview", "opt-out", "x'{\""], "a name is")])
def test_odd_names_are_named_by_the_command(pages, words, why):
	told = pages.ctl("page", *words, check=False)
	assert told.returncode in (1, 2) and why in told.stderr
	assert "constraint" not in told.stderr and "ERROR" not in told.stderr


@pytest.mark.parametrize("text", ["'; DROP TABLE assent.page; --",
    'quote " and \\ and {,}', "x" * 200])
def test_words_may_have_any_sign(pages, text):
	pages.ctl("page", "add", "opt-out", "signs", "--brand", "look",
	    check=False)
	pages.ctl("page", "edit", "opt-out", "signs", "--lang", "en", "--title",
	    text)
	told = pages.ctl("page", "preview", "opt-out", "signs").stdout
	assert html.unescape(headed(told)) == text


BUTTON = "{{>button}}"
BAD_TEMPLATES = [
    (TOP + "<p>Stay!</p>" + BOTTOM, "the page lacks what ours has in form 1"),
    (TOP + f"<!-- {BUTTON} -->" + BOTTOM, "the page lacks what"),
    (TOP + BUTTON + "<script>x</script>" + BOTTOM, "<script> is not allowed"),
    (TOP + BUTTON + "<img src=https://x.example>" + BOTTOM, "<img> loads"),
    (TOP + BUTTON + "\n{{nix}}" + BOTTOM, "line 2: {{nix}} is nothing"),
    (TOP + BUTTON + "\n{{#look}}" + BOTTOM, "line 2: a section is not closed"),
    (TOP + BUTTON + "{{{title}}}" + BOTTOM, "has to be escaped"),
    (TOP + BUTTON + "{{>nix}}" + BOTTOM, "no template that there is"),
    (TOP + BUTTON, "lacks what ours has in its text: <address>"),
    (TOP + BUTTON + "<address>me@look.example</address>" + BOTTOM,
	"has more than ours has in its text: <address>"),
    (TOP + '\n<a href="https://look.example/?who={{address}}">x</a>' + BUTTON
	+ BOTTOM, "line 2: <a> has something filled into its link"),
    (TOP.replace("}}", "}}<meta name=viewport content=user-scalable=no>")
	+ BUTTON + BOTTOM, "line 1: <meta> keeps people from zooming"),
    ("<meta charset=latin2>" + TOP + BUTTON + BOTTOM, "charset=utf-8"),
    (TOP + f"<fieldset disabled>{BUTTON}</fieldset>" + BOTTOM,
	"the page lacks what ours has in form 1"),
    (b"x\n\xff", "line 2: this is no UTF-8"),
    ("x" * 32769, "at most 32768 octets"), ("", "at most 32768 octets")]


@pytest.mark.parametrize("template,why", BAD_TEMPLATES,
    ids=range(len(BAD_TEMPLATES)))
def test_templates_that_could_harm_are_refused(pages, tmp_path, template, why):
	file = tmp_path / "t.mustache"
	file.write_bytes(template if isinstance(template, bytes)
	    else template.encode())
	told = pages.ctl("page", "edit", "opt-out", "bye", "--template", file,
	    check=False)
	assert told.returncode == 1 and why in told.stderr
	assert str(file) in told.stderr
	assert pages.sql("SELECT count(*) FROM assent.page_template "
	    "WHERE slug = 'bye'") == [(0,)]


SHIPPED = ROOT / "web/templates"


@pytest.mark.parametrize("kind", ["opt-out", "preferences", "sign-up"])
def test_what_is_shipped_is_a_template_to_start_from(pages, kind):
	slug = f"as-shipped-{kind}"
	pages.ctl("page", "add", kind, slug, "--brand", "look",
	    *(["--purpose", "tips"] if kind == "sign-up" else []))
	pages.ctl("page", "edit", kind, slug, "--template",
	    SHIPPED / f"{kind}.mustache")


@pytest.mark.parametrize("old,new", [
    ('type="checkbox"', 'type="checkbox" required'),
    ('type="email"', 'type="email" maxlength="1"')], ids=range(2))
def test_a_form_cannot_be_made_to_coerce(pages, tmp_path, old, new):
	file = tmp_path / "t.mustache"
	shipped = (SHIPPED / "sign-up.mustache").read_text()
	assert old in shipped
	file.write_text(shipped.replace(old, new))
	pages.ctl("page", "add", "sign-up", "coercing", "--brand", "look",
	    "--purpose", "tips", check=False)
	told = pages.ctl("page", "edit", "sign-up", "coercing", "--template",
	    file, check=False)
	assert told.returncode == 1 and "ours has in form" in told.stderr


def test_own_template(pages, tmp_path):
	file = tmp_path / "t.mustache"
	file.write_text(TOP + '<p><a href="https://look.example/help">Help for '
	    '{{look.brand}}</a></p>' + BUTTON + BOTTOM)
	pages.ctl("page", "edit", "opt-out", "bye", "--template", file)
	path = links(pages, "look/deals")["opt_out"]
	page, policy = get(pages, path)
	assert "Help for Look" in page and headed(page) == "Leaving Look?"
	assert "img-src data:;" in policy and "script" not in policy
	assert pages.page("POST", path, b"via=page", URLENCODED)[0] == 200
	pages.ctl("page", "edit", "opt-out", "bye", "--template", "none")
	assert "Help" not in get(pages, path)[0]


@pytest.mark.parametrize("template,why", [
    (TOP + "Stay!" + BOTTOM, "the page lacks what"),
    (TOP + "<p>Stay!</p><script>x</script>" + BUTTON, "<script> is not"),
    (TOP + "{{#title}}" + BUTTON, "a section is not closed"),
    # In a preview it is there.
    (TOP + "{{#takes}}" + BUTTON + "{{/takes}}" + BOTTOM, "lacks what"),
    (TOP + '{{=<% %>=}}<a href="https://x.example/?<%address%>">x</a>'
	"<%>button%><%>bottom%>", "something filled into its link"),
    (BUTTON * 2000, "too large or too deep")], ids=range(6))
def test_whoever_spoils_a_template_cannot_take_the_button(pages, template,
    why):
	"""Written past all checks, into the database itself."""
	pages.ctl("page", "add", "opt-out", "spoilt", "--brand", "look",
	    check=False)
	pages.sql("DELETE FROM assent.page_template")
	pages.sql("INSERT INTO assent.page_template VALUES "
	    "('opt-out', 'spoilt', 'opt-out', %s)", template)
	path = links(pages, "look/tips")["opt_out"]
	seen = len(pages.log("web"))
	assert get(pages, path + "?page=spoilt")[0] == get(pages, path)[0]
	told = pages.log("web")[seen:]
	assert 'own=opt-out/spoilt error="template: ' in told and why in told


def test_broken_words_are_the_programs_again(pages):
	pages.ctl("page", "add", "opt-out", "broken", "--brand", "look")
	pages.sql("INSERT INTO assent.page_text VALUES ('opt-out', 'broken', "
	    "'opt-out', 'en', '{{#x', 'Kept {{{brand}}} <i>', '{{/x}}')")
	page, _ = get(pages, links(pages)["opt_out"] + "?page=broken")
	assert headed(page) == "Stop this mail?"
	assert ">Stop this mail</button>" in page
	assert "<p>Kept Look &lt;i&gt;</p>" in page
	assert 'own=opt-out/broken error="title: ' in pages.log("web")


def test_pages_are_listed_and_removed(pages):
	told = json.loads(pages.ctl("page", "list", "--json").stdout)["pages"]
	(bye,) = [p for p in told if p["page"] == "bye"]
	assert bye["kind"] == "opt-out" and bye["words"] == "en,pl"
	assert bye["address"] == "https://optout.example.com/u/TOKEN?page=bye"
	told = pages.ctl("page", "remove", "opt-out", "bye", check=False)
	assert told.returncode == 1 and "look/deals" in told.stderr
	pages.ctl("page", "add", "opt-out", "short-lived", "--brand", "look")
	pages.ctl("page", "remove", "opt-out", "short-lived")
	assert "short-lived" not in pages.ctl("page", "list").stdout


@pytest.mark.parametrize("words,status", [
    (["page", "add", "nix", "x", "--brand", "look"], 2),
    (["page", "add", "opt-out", "x"], 2),
    (["page", "add", "opt-out", "x", "--brand", "look", "--purpose", "tips"], 2),
    (["page", "add", "opt-out", "x", "--brand", "nix"], 1),
    (["page", "add", "opt-out", "bye", "--brand", "look"], 1),
    (["page", "edit", "opt-out", "bye"], 2),
    (["page", "edit", "opt-out", "bye", "--title", "x"], 2),
    (["page", "edit", "opt-out", "bye", "--lang", "en"], 2),
    (["page", "edit", "opt-out", "bye", "--open", "no"], 2),
    (["page", "edit", "opt-out", "nix", "--lang", "en", "--title", "x"], 1),
    (["page", "preview", "opt-out", "nix"], 1),
    (["page", "preview", "opt-out", "bye", "--lang", "xx"], 1),
    (["purpose", "edit", "look/tips", "--opt-out-page", "nix"], 1),
    (["purpose", "edit", "acme/offers", "--opt-out-page", "bye"], 1)])
def test_bad_commands_are_named(pages, words, status):
	told = pages.ctl(*words, check=False)
	assert told.returncode == status and told.stderr.startswith("assentctl: ")


def test_the_persons_language_comes_first(pages):
	address = pages.subscriber("look/tips")
	pages.ctl("contact", "edit", address, "--language", "pl")
	told = json.loads(pages.ctl("link", address, "look/tips", "--json").stdout)
	for link in ("preferences", "why"):
		path = told[link].removeprefix("https://optout.example.com")
		_, page = pages.page("GET", path + "?lang=it",
		    headers={"Accept-Language": "en"})
		assert '<html lang="pl">' in page
	path = links(pages)["why"]
	for query, accept, language in (("?lang=it", "pl", "it"),
	    ("", "pl", "pl"), ("?lang=xx", "it", "it"), ("", "xx", "en")):
		_, page = pages.page("GET", path + query,
		    headers={"Accept-Language": accept})
		assert f'<html lang="{language}">' in page


def test_a_language_is_one_more_file(stack):
	def reload(path, language):
		os.kill(stack.pid("web"), signal.SIGHUP)
		return wait_for(lambda: (page := get(stack, path)[0]) and
		    f'lang="{language}"' in page and page)
	share = stack.folder / "share/locale"
	file = share / "eo.po"
	text = (share / "pl.po").read_text()
	file.write_text(text.replace("Language: pl", "Language: eo").replace(
	    'msgstr "Zrezygnować z tych wiadomości?"', 'msgstr "Ĉu fini?"'))
	file.chmod(0o644)
	try:
		assert headed(reload("/u/x?lang=eo", "eo")) == "Ĉu fini?"
	finally:
		file.unlink()
	assert reload("/u/x?lang=eo", "en")
