# SPDX-License-Identifier: ISC
"""assentctl lint: each rule, broken one at a time."""

import json
import re
import subprocess

import pytest

from conftest import ROOT

GOOD = """\
Delivered-To: granted@rcpt.test
From: Shop <shop@news.example.com>
To: granted@rcpt.test
Date: Sat, 21 Nov 2026 10:00:00 +0000
Message-ID: <1@news.example.com>
Subject: =?utf-8?q?caf=C3=A9?=
List-Unsubscribe: <@URL@>,
\t<@MAILTO@>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
List-Id: Our news <newsletter.acme.optout.example.com>
DKIM-Signature: v=1; a=rsa-sha256; d=Example.com; s=x; bh=xx=; b=yy=;
\th=Subject:From : list-unsubscribe:List-Unsubscribe-Post:
\t From:List-Unsubscribe:List-Unsubscribe-Post
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain

Leave: @URL@.
--a
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>Hello, <a style=3D"font-size: 0.9em" href=3D"@URL@">leave</a>.</p>
--a--
--m
Content-Type: text/plain
Content-Disposition: attachment; filename=terms.txt

no link here
--m--
"""
URL, ANCHOR = "@URL@", '<a style=3D"font-size: 0.9em" href=3D"@URL@">leave</a>'
LIST = "List-Unsubscribe: <@URL@>,\n\t<@MAILTO@>\n"
PLAIN = "Leave: @URL@."


def anchor(html):
	return (ANCHOR, html.replace("=", "=3D"))


# What is replaced by what, and the rules that it breaks.
CASES = {
    "nothing": ("", "", ""),
    "no From": ("From: Shop <shop@news.example.com>\n", "", "from"),
    "two mailboxes": ("From: Shop", "From: a@news.example.com, Shop", "from"),
    "two From": ("MIME", "From: b@news.example.com\nMIME",
	"from dkim-oversign"),
    "no Date": ("Date:", "X-Date:", "date"),
    "no date in it": ("Sat, 21 Nov 2026 10:00:00", "soon", "date"),
    "two Date": ("MIME", "Date: Sat, 21 Nov 2026 10:00:00 +0000\nMIME", "date"),
    "no Message-ID": ("Message-ID:", "X-ID:", "message-id"),
    "no id in it": ("<1@news.example.com>", "1@news.example.com",
	"message-id"),
    "an id without a side": ("<1@news.example.com>", "<@news.example.com>",
	"message-id"),
    "two Message-ID": ("MIME", "Message-ID: <2@x.test>\nMIME", "message-id"),
    "two Subject": ("MIME", "Subject: x\nMIME", "once"),
    "raw UTF-8": ("MIME", "X-Word: café\nMIME", "encoded"),
    "998 octets": (PLAIN, PLAIN + "\n" + 998 * "x", ""),
    "999 octets": (PLAIN, PLAIN + "\n" + 999 * "x", "line-length"),
    "999 in the header": ("MIME", "X: " + 996 * "x" + "\nMIME", "line-length"),
    "a NUL": (PLAIN, PLAIN + "\0", "control"),
    "a lone CR": (PLAIN, PLAIN + "\rx", "control"),
    "no end": ("--m--\n", "", "mime"),
    "no boundary": ("multipart/mixed; boundary=m", "multipart/mixed",
	"mime link"),
    "no List-Unsubscribe": (LIST, "", "list-unsubscribe"),
    "two List-Unsubscribe": (LIST, LIST + LIST,
	"list-unsubscribe dkim-oversign"),
    "no brackets": ("<@URL@>,\n", "@URL@,\n",
	"list-unsubscribe https mailto"),
    "no comma": ("<@URL@>,\n", "<@URL@>\n", "list-unsubscribe mailto"),
    "a comment": (LIST, "List-Unsubscribe: (by web) <@URL@> , <@MAILTO@>\n",
	""),
    "no https": ("<@URL@>,\n", "\n", "https"),
    "two https": ("<@URL@>,\n", "<@URL@>, <https://x.example/>,\n", "https"),
    "http": ("<@URL@>,\n", "<@URL@>, <http://x.example/>,\n", "https"),
    "no mailto": (",\n\t<@MAILTO@>", "", "mailto"),
    "folded in a URI": ("<@URL@>,", "<@URL@\n >,", "whole-uri"),
    "no -Post": ("List-Unsubscribe-Post: List-Unsubscribe=One-Click\n", "",
	"one-click"),
    "another -Post": ("=One-Click", "=one-click", "one-click"),
    "no List-Id": ("List-Id:", "X-List:", "list-id"),
    "no dot": ("<newsletter.acme.optout.example.com>", "<news>", "list-id"),
    "two dots": ("<newsletter.", "<newsletter..", "list-id"),
    "not at the end": ("optout.example.com>\nDKIM",
	"optout.example.com> x\nDKIM", "list-id"),
    "256 octets": ("<newsletter", "<" + 232 * "n", "list-id"),
    "unsigned": ("DKIM-Signature:", "X-Signature:", "dkim"),
    "no hash": ("bh=xx=; ", "", "dkim"),
    "another domain": ("d=Example.com", "d=example.net", "dkim-aligned"),
    "the suffix only": ("d=Example.com", "d=com", "dkim-aligned"),
    "a sister": ("d=Example.com", "d=shop.example.com", ""),
    "From once in h": ("From : ", "", "dkim-oversign"),
    "From in h nowhere": ("h=Subject:From : list-unsubscribe:"
	"List-Unsubscribe-Post:\n\t From:List", "h=Subject:"
	"list-unsubscribe:List-Unsubscribe-Post:List", "dkim-covers"),
    "-Post not in h": ("list-unsubscribe:List-Unsubscribe-Post:\n\t From:"
	"List-Unsubscribe:List-Unsubscribe-Post", "list-unsubscribe:\n\t "
	"From:List-Unsubscribe", "dkim-covers"),
    "List-Unsubscribe once in h": ("list-unsubscribe:", "", "dkim-oversign"),
    "a better signature": ("DKIM-Signature:", "DKIM-Signature: v=1; a=x; "
	"d=x.example; s=x; bh=x; b=x; h=From\nDKIM-Signature:", ""),
    "a worse signature": ("MIME-Version:", "DKIM-Signature: v=1; a=x; "
	"d=x.example; s=x; bh=x; b=x; h=From\nMIME-Version:", ""),
    "no link in text": (PLAIN, "Leave?", "link"),
    "another link in text": (PLAIN, "https://www.example.com/u/", "link"),
    "no link in HTML": anchor("<p>leave</p>") + ("link",),
    "no words on it": anchor('<a href="@URL@"> &nbsp; </a>') + ("link",),
    "a picture on it": anchor('<a href="@URL@"><img src="x"></a>') + ("",),
    "not displayed": anchor('<a style="color:red;DISPLAY :none" '
	'href="@URL@">x</a>') + ("link",),
    "hidden around": anchor('<div hidden><p><a href="@URL@">x</a></div>') +
	("link",),
    "no size": anchor('<p style="font-size:0px"><a href="@URL@">x</a>') +
	("link",),
    "hidden before": anchor('<p style="display:none">x</p>'
	'<a href="@URL@">x</a>') + ("",),
    "in a comment": anchor('<!-- <a href="@URL@">x</a> -->') + ("link",),
    "in a script": anchor('<script>\'<a href="@URL@">x</a>\'</script>') +
	("link",),
    "on a map": anchor('<map><area href="@URL@"></map>') + ("",),
    "blanks around it": anchor('<a href=" @URL@\n">x</a>') + ("",),
    "too deep": anchor(600 * "<div>\n" + '<a href="@URL@">x</a>') +
	("link unread",),
    "a placeholder": (PLAIN, PLAIN + " {{brand}}", "placeholder"),
    "an unfilled link": (PLAIN, "{{unsubscribe_url}}", "placeholder link"),
    "encrypted": ("multipart/mixed; boundary=m", 'multipart/encrypted; '
	'boundary=m; protocol="x/y"', "unread"),
    "no text": ("multipart/alternative; boundary=a",
	"application/octet-stream", "link"),
    "an attachment first": ("--m\n", "--m\nContent-Type: text/plain\n"
	"Content-Disposition: attachment\n\nno link\n--m\n", ""),
    "a second text": ("--m\n", "--m\nContent-Type: text/plain\n\n"
	"no link\n--m\n", "link"),
    "too large": (PLAIN, PLAIN + 20000 * ("\n" + 60 * "x"), "unread"),
    "a longer token": (URL, URL + "A", "token"),
    "a token with a slip": (URL, "@SLIP@", "token"),
    "another page": (URL, "@PAGE@", "token"),
    "another's mailto": ("@MAILTO@", "mailto:" + 53 * "a" +
	"@optout.example.com", "token"),
    "mailto elsewhere": ("@MAILTO@", "mailto:a@x.example", ""),
    "mailto of a longer name": ("@MAILTO@",
	"mailto:a@optout.example.com.x.example", ""),
    "a link of a longer name": (PLAIN, PLAIN +
	" https://optout.example.com.x.example/u/a"
	" https://optout.example.com-u/a", ""),
    "somebody else's": ("Delivered-To: granted@", "Delivered-To: granted2@",
	"token"),
    "nobody's": ("Delivered-To: granted@rcpt.test\nFrom",
	"Cc: c@rcpt.test\nFrom", "unchecked"),
    "in To": ("Delivered-To: granted@rcpt.test\n", "", ""),
    "forwarded": ("Delivered-To: granted@rcpt.test\n", "Delivered-To: "
	"x@rcpt.test\nDelivered-To: GRANTED@Rcpt.Test\n", ""),
    "original": ("Delivered-To: granted@", "X-Original-To: "
	"granted@rcpt.test\nDelivered-To: x@", ""),
}


@pytest.fixture(scope="module")
def letter(stack):
	"""Makes GOOD, with the links of a real delivery and one thing else."""
	sent = stack.send("granted@rcpt.test")
	(value,) = stack.delivered(sent.marker).all("List-Unsubscribe")
	url, mailto = re.findall(r"<([^>]*)>", value)
	slip = "A" if url[-9] != "A" else "B"
	words = {"@URL@": url, "@MAILTO@": mailto,
	    "@SLIP@": url[:-9] + slip + url[-8:],
	    "@PAGE@": url.replace("/u/", "/x/")}

	def make(old="", new=""):
		assert old in GOOD
		text = GOOD.replace(old, new, -1 if old == URL else 1)
		for name, word in words.items():
			text = text.replace(name, word)
		return text.encode()
	return make


def lint(stack, *words, **kwargs):
	told = subprocess.run([stack.env["ASSENTCTL"], "lint", *words],
	    capture_output=True, timeout=60, check=False, **kwargs)
	return told.returncode, told.stdout.decode(), told.stderr.decode()


def rules(message):
	return {f["rule"] for f in message["findings"]}


@pytest.fixture(scope="module")
def messages(stack, letter, tmp_path_factory):
	"""Every case, linted in one go."""
	folder = tmp_path_factory.mktemp("lint")
	folder.chmod(0o755)
	for name, (old, new, _) in CASES.items():
		(folder / name).write_bytes(letter(old, new))
	status, out, _ = lint(stack, "--json", *[folder / n for n in CASES])
	assert status == 1
	return {m["file"].rsplit("/", 1)[1]: m
	    for m in json.loads(out)["messages"]}


@pytest.mark.parametrize("name", CASES)
def test_rule(messages, name):
	message = messages[name]
	assert rules(message) == set(CASES[name][2].split())
	told = [f["severity"] + "s" for f in message["findings"]]
	for severity in ("errors", "warnings", "notes"):
		assert message[severity] == told.count(severity)


def test_every_rule_is_broken_by_some_case(stack):
	_, out, _ = lint(stack, "--rules", "--json")
	told = {r["rule"] for r in json.loads(out)["rules"]}
	assert told == set(" ".join(c[2] for c in CASES.values()).split())


def test_crlf_is_the_same(stack, letter):
	good = letter(PLAIN, PLAIN + "\n" + 998 * "x").replace(b"\n",
	    b"\r\n")
	assert lint(stack, "-", input=good) == (0,
	    "-: errors 0, warnings 0, notes 0\n", "")


def test_text_names_file_rule_and_section(stack, letter):
	status, out, _ = lint(stack, "-", input=letter("List-Id:", "X-Id:"))
	assert (status, out.splitlines()) == (0, [
	    "-: warning: have one List-Id field that ends in "
	    "<label.namespace>, of at most 255 octets (there are 0) "
	    "[list-id, RFC 2919, 2 and 3]",
	    "-: errors 0, warnings 1, notes 0"])
	status, out, _ = lint(stack, "-", input=letter("Date:", "X-Date:"))
	assert status == 1 and out.startswith("-: error: write one Date field")


def test_rcpt_says_for_whom(stack, letter):
	for who, want in (("GRANTED@rcpt.test", set()),
	    ("granted2@rcpt.test", {"token"})):
		_, out, _ = lint(stack, "--rcpt", who, "-", "--json",
		    input=letter())
		(message,) = json.loads(out)["messages"]
		assert (rules(message), message["recipient"]) == (want, who)
	status, _, err = lint(stack, "--rcpt", "nobody", "-", input=letter())
	assert status == 1 and '--rcpt "nobody"' in err


def test_without_keys_a_note_says_so(stack, letter):
	for text, want in ((letter(), {"unchecked"}),
	    (letter(URL, "https://x.example/leave"), {"unchecked"}),
	    (letter(PLAIN, "x"), {"unchecked", "link"})):
		status, out, _ = lint(stack, "-c", "/nowhere", "-", "--json",
		    input=text)
		(message,) = json.loads(out)["messages"]
		assert rules(message) == want
		assert status == (1 if "link" in want else 0)
		assert "/nowhere" in message["findings"][0]["found"]


def test_other_links_must_open_too(stack, letter):
	wrong = letter(PLAIN, PLAIN + " https://optout.example.com/w/" + 44 * "A")
	_, out, _ = lint(stack, "-", "--json", input=wrong)
	assert rules(json.loads(out)["messages"][0]) == {"token"}


def test_what_cannot_be_read_fails(stack, tmp_path):
	for words, octets, status, text in (
	    ((), b"", 2, "needs a file"),
	    (("/nowhere",), b"", 1, "/nowhere: No such file"),
	    (("-",), b"", 1, "no message"),
	    (("-",), b"\n\nx", 1, "no message"),
	    (("-",), (64 << 20) * b"x" + b"\n\n", 1, "more than 64 MiB")):
		told = lint(stack, *words, input=octets)
		assert (told[0], text in told[2]) == (status, True), told


FIELDS = b"To: " + 5000 * b"a:" + b"\n\n"
GROWING = {
    "groups": FIELDS,
    "fields": 5000 * b"a:\n" + b"\n",
    "octets": b"X: " + 300000 * b";" + b"\n\n",
    "parts": b"From: x\n\n" + 10001 * b"--b\n\n",
    "a message": b"From: x\nContent-Type: MESSAGE/RFC822\n\n" + FIELDS,
    "a digest": b"From: x\nContent-Type: multipart/digest; boundary=b\n\n"
	b"--b\n\n" + FIELDS,
    "within within": b"From: x\nContent-Type: multipart/mixed; boundary=b\n\n"
	b"--b\nContent-Type:\n message/rfc822\n\n"
	b"Content-Type: message/rfc822\n\n" + FIELDS,
}


@pytest.mark.parametrize("name", GROWING)
def test_what_would_grow_a_hundredfold_is_refused(stack, name):
	status, _, err = lint(stack, "-", input=GROWING[name])
	assert status == 1 and "more parts or fields" in err


def test_the_manual_lists_the_rules(stack):
	manual = " ".join((ROOT / "man/assentctl.1").read_text().split())
	_, out, _ = lint(stack, "--rules", "--json")
	for r in json.loads(out)["rules"]:
		assert (f".It Cm {r['rule']} {r['severity']}; {r['section']}: "
		    f"{r['text']}.") in manual
