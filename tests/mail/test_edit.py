# SPDX-License-Identifier: ISC
"""Placeholders and footers, octet by octet: the messages of corpus/, some
that are too big to keep, and random trees.

EDIT_SEED is the seed of the first tree, EDIT_TREES says how many.
"""

import base64
import functools
import os
from pathlib import Path

import pytest

from edits import Edit, check, guess
from engine import PLANS, edit
from trees import Grower

CORPUS = Path(__file__).parent / "corpus"
SEED = int(os.environ.get("EDIT_SEED", 0))
SEEDS = range(SEED, SEED + int(os.environ.get("EDIT_TREES", 300)))
PLANNED = ["en", "pl", "ja", "span"]	# for the trees, in turn


def parse(words):
	"""A line's edits, and the reason that it expects for none."""
	edits, skipped = {}, None
	for word in words:
		part, _, acts = word.partition("=")
		if part == "skipped":
			skipped = acts
			continue
		edits[part] = Edit()
		for act in acts.split("+"):
			what, _, count = act.partition(":")
			setattr(edits[part], what, int(count or 1))
	return edits, skipped


TABLE = {name: (plan, words) for name, plan, *words in (line.split()
    for line in (CORPUS / "table").read_text().splitlines()
    if line and not line.startswith("#"))}


def twice(jobs, folder):
	"""The results of each job, and of doing it again to the result."""
	once = edit(jobs, folder)
	again = iter(edit([(plan, done[0]) for (plan, _), done in
	    zip(jobs, once) if done], folder))
	return [(done, next(again)) if done else (None, None) for done in once]


def judge(before, plan, edits, skipped, results):
	"""Everything that must hold for one message."""
	(after, report), second = results
	if edits is None:
		edits = guess(before, after, PLANS[plan])
	check(before, after, edits, PLANS[plan])
	for count, what in (("placeholders", "fills"), ("footers", "footer"),
	    ("pixels", "pixels"), ("links", "links")):
		assert report[count] == sum(getattr(e, what)
		    for e in edits.values()), count
	if skipped == "*":
		assert report["skipped"]
	elif skipped is not None:
		assert report["skipped"] in skipped.split("|")
	assert second, "the second pass did not end"
	assert second[0] == after, "a second pass changes it again"
	assert not any(second[1][count] for count in
	    ("placeholders", "footers", "pixels", "links"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
	jobs = [(plan, (CORPUS / f"{name}.eml").read_bytes())
	    for name, (plan, _) in TABLE.items()]
	return dict(zip(TABLE, zip(jobs, twice(jobs,
	    tmp_path_factory.mktemp("corpus")))))


def test_every_message_is_in_the_table():
	assert {p.stem for p in CORPUS.glob("*.eml")} == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_corpus(corpus, name):
	(plan, before), results = corpus[name]
	assert results[0], "the driver died at this message"
	_, words = TABLE[name]
	edits, skipped = parse(words) if words != ["any"] else (None, None)
	judge(before, plan, edits, skipped, results)


def part(kind, octets, *fields):
	return "\r\n".join([f"Content-Type: {kind}", *fields, "", ""]
	    ).encode() + octets


def several(kind, parts, boundary="b"):
	mark = f"--{boundary}".encode()
	return part(f"multipart/{kind}; boundary={boundary}", b"".join(
	    mark + b"\r\n" + octets + b"\r\n" for octets in parts) +
	    mark + b"--\r\n")


TEXT = part("text/plain", b"Hello\r\n")
LINK = b"{{unsubscribe_url}}"
BASE64 = "Content-Transfer-Encoding: base64"
QUOTED = "Content-Transfer-Encoding: quoted-printable"
ATTACHED = part("application/pdf", (b"JVBERi0xLjQ" * 6 + b"\r\n") * 300, BASE64)
LONG = part("text/plain", b"word - --b word\r\n -b\r\n" * 1000)
# Messages, and their edits; None where the engine may choose.
BIG = {
	"attachment": (lambda: several("mixed", [TEXT, part(
	    "application/pdf", base64.encodebytes(bytes(3 << 20)).replace(
	    b"\n", b"\r\n"), BASE64)]), {"1": Edit(footer=True)}),
	"between attachments": (lambda: several("mixed", [ATTACHED, LONG,
	    part("message/rfc822", several("mixed", [LONG, ATTACHED], "bc")),
	    ATTACHED, part("text/plain", LINK), ATTACHED]),
	    {"2": Edit(footer=True), "5": Edit(fills=1)}),
	"text": (lambda: part("text/plain", (b"word=20" * 10 + b"=\r\n" +
	    b"word " * 10 + b"\r\n") * 4000 + LINK, QUOTED),
	    {"1": Edit(fills=1)}),
	"fills": (lambda: part("text/plain", (b"Leave: " + LINK + b"\r\n") *
	    1000), {"1": Edit(fills=1000)}),
	"newsletter": (lambda: part("text/html", b"<html><body><table>" +
	    b"<tr><td><a href='https://shop.example.com/'>Shop</a></td>\r\n"
	    * 800 + b"</table></body></html>\r\n"), {"1": Edit(footer=True)}),
	"parts": (lambda: several("mixed", [TEXT] + [part(
	    "image/png", b"iVBORw0KGgo=", BASE64)] * 200),
	    {"1": Edit(footer=True)}),
	"depth": (lambda: functools.reduce(lambda inner, n: several("mixed",
	    [inner], f"b{n}-"), range(200), TEXT), None),
	"pages": (lambda: several("alternative", [TEXT, part("text/html",
	    b"".join(b"<p>%d</p>\r\n" % n for n in range(9000)) + LINK)]),
	    {"1": Edit(footer=True), "2": Edit(fills=1)}),
	"open braces": (lambda: part("text/plain", b"{{" * 400 + b"\r\n" +
	    (b"{{unsubscribe_ur" * 50 + b"\r\n") * 400 + LINK),
	    {"1": Edit(fills=1)}),
	"open tags": (lambda: part("text/html", LINK + b"\r\n<a b='" +
	    b"<a href=\"<!--\r\n" * 20000), {"1": Edit(fills=1)}),
	"open comments": (lambda: part("text/html", LINK + b"\r\n" +
	    b"<!--[if mso]><!-- --\r\n" * 20000), {"1": Edit(fills=1)}),
	"open elements": (lambda: part("text/html", LINK + b"\r\n" +
	    b"<table><tr><td><b><script></style>\r\n" * 10000),
	    {"1": Edit(fills=1)}),
	"boundaries": (lambda: several("mixed", [part("text/plain", LINK +
	    b"\r\n--bb\r\n--\r\n--b-\r\n" * 20000)]), None),
}


@pytest.mark.parametrize("name", BIG)
def test_big(name, tmp_path):
	make, edits = BIG[name]
	before = b"From: Shop <shop@news.example.com>\r\n" + make()
	(results,) = twice([("en", before)], tmp_path)
	assert results[0], "the driver died"
	judge(before, "en", edits, None, results)


@pytest.fixture(scope="module")
def forest(tmp_path_factory):
	trees = {seed: Grower(seed).message() for seed in SEEDS}
	jobs = [(PLANNED[seed % len(PLANNED)], octets)
	    for seed, (octets, _) in trees.items()]
	results = twice(jobs, tmp_path_factory.mktemp("trees"))
	return {seed: (plan, *trees[seed], done)
	    for seed, (plan, _), done in zip(trees, jobs, results)}


@pytest.mark.parametrize("seed", SEEDS)
def test_tree(forest, seed):
	plan, before, edits, results = forest[seed]
	assert results[0], "the driver died at this tree"
	judge(before, plan, edits, None, results)
