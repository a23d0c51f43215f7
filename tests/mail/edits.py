# SPDX-License-Identifier: ISC
"""What an edit of a message may and must do, told without the engine.

check() takes a message before and after, and which of its parts were to be
edited and how.  All other octets must be the same; an edited part, decoded,
must be the old text with its placeholders filled and the footer in its place,
and nothing else.
"""

import binascii
import html
import itertools
import re
from dataclasses import dataclass

from browser import Page
from octets import cut, fields, leaves, outline

BRAND = "\ue000"	# stands for the brand, which has many spellings in HTML
# What may be written with a footer to close what the page left open.
CLOSERS = re.compile(r"(?:\s|-->|</[a-z][a-z0-9]*>)*", re.I)
SHIFTED = re.compile(rb"\x1b\$[@B](?:(?!\x1b\([BJ]).)*\n", re.S)
SPACE = re.compile(r"[\r\n]*")


@dataclass
class Edit:
	"""What is to be done to one part."""
	fills: int = 0
	footer: bool = False
	pixels: int = 0
	links: int = 0


def names(plan):
	"""Every placeholder with its value."""
	kinds = {kind: plan[f"{kind}_url"]
	    for kind in ("unsubscribe", "preferences", "why")}
	return {"{{brand}}": BRAND} | {
	    f"{{{{{kind}_url}}}}": url for kind, url in kinds.items()} | {
	    name: kinds[kind] for name, kind in plan["aliases"].items()}


def placeholders(plan, is_html):
	"""Matches a placeholder, in HTML also URL-escaped or referenced."""
	def spelling(c):
		return re.escape(c) if c.isalnum() or not is_html else \
		    f"(?i:%{ord(c):02x}|&#0*{ord(c)};|&#x0*{ord(c):x};|" \
		    f"{re.escape(html.escape(c))}|{re.escape(c)})"
	found = names(plan)
	order = sorted(found, key=len, reverse=True)
	return re.compile("|".join("(" + "".join(map(spelling, name)) + ")"
	    for name in order)), [found[name] for name in order]


def fill(text, plan, is_html):
	"""The text with its placeholders filled, and how many there were."""
	pattern, values = placeholders(plan, is_html)
	return pattern.subn(lambda m: values[m.lastindex - 1], text)


def stripped(text):
	"""The text without what the corpus marks as tracking."""
	text = re.sub(r'(?i)<img\b[^>]*class="pixel"[^>]*>', "", text)
	return re.sub(r"""https?:[^"'\s>]*(["']?\s+data-target="([^"]*)")""",
	    r"\2\1", text)


def written(text, is_html):
	"""Matches the text as a part may write it."""
	def spelling(c):
		if c.isascii() and c not in "&<>\"'":
			return re.escape(c)
		word = re.escape(html.escape(c, quote=c == '"'))
		return f"(?:&#{ord(c)};|&#(?i:x0*{ord(c):x});|{word})"
	if not is_html:
		return re.escape(text)
	return "".join(map(spelling, text))


def footer_pattern(plan, is_html, flowed):
	text = plan["footer_html" if is_html else "footer_text"].strip()
	if is_html:	# its own markup stays, other characters may be escaped
		parts = re.split(r"(\s+|[&<>\"'])", text)
		return "".join(r"\s+" if part.isspace() else
		    re.escape(part) if part in tuple("&<>\"'") else
		    written(part, True) for part in parts if part)
	if flowed:
		return r"\r\n".join(" *" + r"\s+".join(
		    map(re.escape, line.split())) + " *"
		    for line in text.splitlines())
	return r"\r?\n".join(map(re.escape, text.splitlines()))


def unflowed(text, delsp):
	"""The paragraphs of a format=flowed text (RFC 3676)."""
	paragraphs, open_at = [], None
	for line in text.split("\r\n"):
		content = line.lstrip(">")
		depth = len(line) - len(content)
		content = content.removeprefix(" ")
		flows = content.endswith(" ") and content != "-- "
		if flows and delsp:
			content = content[:-1]
		if open_at == depth and content != "-- ":
			paragraphs[-1] += content
		else:
			paragraphs.append(">" * depth + content)
		open_at = depth if flows else None
	return [p.rstrip() for p in paragraphs if p.strip()]


def split_at(result, filled, footer, loose):
	"""Where the footer went: an index into filled."""
	found = list(re.finditer(footer, result))
	assert len(found) == 1, f"the footer is there {len(found)} times"
	before, after = result[:found[0].start()], result[found[0].end():]
	low = max(len(filled) - len(after), 0)
	for at in range(low, min(len(before), len(filled)) + 1):
		rest = len(after) - (len(filled) - at)
		if before.startswith(filled[:at]) and \
		    after.endswith(filled[at:]) and \
		    loose.fullmatch(before[at:]) and \
		    SPACE.fullmatch(after[:rest]):
			return at
	raise AssertionError("more than the footer was changed: "
	    f"{before[-60:]!r} | {after[:60]!r}; was {filled[-120:]!r}")


def check_page(filled, result, plan):
	"""The footer as a browser shows it."""
	# Behind an end tag that is cut off at once nothing can be shown.
	was, now = (Page(text.removesuffix("</")) for text in (filled, result))
	if now.frames:	# nowhere to show it
		return
	marks = now.find("opt-out")
	assert len(marks) == 1, f"{len(marks)} footers on the page"
	footer, path = marks[0]
	assert now.shows(path), "hidden in " + ">".join(e.tag for e in path)
	own = Page(plan["footer_html"])
	assert now.words(footer) == own.words(), "another text in the footer"
	assert not now.after(footer), f"text below: {now.after(footer)}"
	assert now.words()[:-len(own.words())] == was.words(), \
	    "another text above the footer"
	assert now.links() == was.links() + own.links(), "other links"


def check_text(before, after, edit, plan):
	"""The decoded text.  Returns where the footer is in the old text."""
	is_html = before.type == "text/html"
	flowed = before.parameter("format") == "flowed"
	source = before.text()
	if plan["strip_tracking"]:
		source = stripped(source)
	filled, count = fill(source, plan, is_html)
	assert count == edit.fills, f"{count} placeholders in {source!r}"
	result = after.text()
	if "{{brand}}" in source:
		result = re.sub(written(plan["brand"], is_html), BRAND, result)
	if not edit.footer:
		assert result == filled, f"{result!r} is not {filled!r}"
		return None
	at = split_at(result, filled, footer_pattern(plan, is_html, flowed),
	    CLOSERS if is_html else SPACE)
	if is_html:
		check_page(filled.replace(BRAND, html.escape(plan["brand"])),
		    after.text(), plan)
		return at
	signature = re.search(r"(?:\A|\n)(-- \r?\n)(?!.*\n-- \r?\n)", filled,
	    re.S) if plan["before_signature"] else None
	end = signature.start(1) if signature else len(filled)
	assert not filled[min(at, end):max(at, end)].strip(), \
	    f"the footer is at {at}, not at {end} of {len(filled)}"
	if flowed:
		delsp = before.parameter("delsp") == "yes"
		own = plan["footer_text"].splitlines()
		assert unflowed(result, delsp) == \
		    unflowed(filled[:at], delsp) + own + \
		    unflowed(filled[at:], delsp)
	return at


def check_head(before, after, edit, plan):
	"""Only the two fields about the content, and only when they must."""
	own = rb"(?i)content-(type|transfer-encoding)\s*:"
	if before.fields["MIME-Version"] is None and before.path == "1":
		own += rb"|MIME-Version:"
	def others(head):
		return [f for f in fields(head) if not re.match(own, f)]
	assert others(before.head) == others(after.head)
	assert after.type == before.type
	rest = [[p for p in part.fields.get_params(failobj=[])[1:]
	    if p[0].lower() != "charset"] for part in (before, after)]
	assert rest[0] == rest[1] or before.fields["Content-Type"] is None
	inserted = new_text(before, edit, plan)
	if before.charset() != after.charset():
		assert after.charset() == "utf-8"
		assert before.type == "text/plain", "HTML has escapes"
		assert not fits(inserted, before.charset())
	if before.encoding() in ("quoted-printable", "base64"):
		assert after.encoding() == before.encoding()
	elif before.encoding() != after.encoding():
		assert after.encoding() in ("quoted-printable", "base64")
		cause = before if before.type == "text/html" else after
		assert not cause.decoded().isascii() or any(len(line) > 998
		    for line in after.decoded().split(b"\r\n")), \
		    "no need to encode"


def fits(text, charset):
	try:
		text.encode(charset)
	except UnicodeEncodeError:
		return False
	return True


def new_text(before, edit, plan):
	"""All that came into the part."""
	is_html = before.type == "text/html"
	text = plan["brand"] if "{{brand}}" in before.text() else ""
	if edit.footer:
		text += plan["footer_html" if is_html else "footer_text"]
	return text


def check_lines(before, after, at, plan):
	"""Lengths, and that an encoded body is spliced, not made anew."""
	old = before.body.splitlines(keepends=True)
	new = after.body.splitlines(keepends=True)
	assert all(len(line.rstrip(b"\r\n")) <= 998 for line in new)
	if after.charset() == "iso2022_jp":	# RFC 1468: lines end in ASCII
		assert not SHIFTED.search(after.decoded())
	if after.encoding() not in ("quoted-printable", "base64"):
		return
	same = (before.encoding(), before.charset()) == \
	    (after.encoding(), after.charset())
	known = set(old) if same else set()
	for line in new:
		assert line in known or len(line.rstrip(b"\r\n")) <= 76, line
	if not same or plan["strip_tracking"]:
		return
	rest = iter(new)
	for line in kept(before, old, at, plan):
		assert line in rest, f"lost or changed: {line!r}"


def spots(before, at, plan):
	"""Where the edits are: spans of the decoded octets."""
	text = before.text()
	pattern, values = placeholders(plan, before.type == "text/html")
	spans = []
	for match in pattern.finditer(text):
		spans.append(match.span())
		value = values[match.lastindex - 1]
		if at is not None and at >= match.start() + len(value):
			at -= len(value) - len(match[0])
	if at is not None:
		spans.append((at, at))
	return [tuple(len(text[:end].encode(before.charset(),
	    "surrogateescape")) for end in span) for span in spans]


def kept(before, lines, at, plan):
	"""Lines of an encoded body that have to stay: in quoted-printable those
	that no edit is on or next to, in base64 those above the first edit, but
	not the last, which may go on."""
	spans = spots(before, at, plan)
	if before.encoding() == "base64":
		codes = 4 * (min(first for first, _ in spans) // 3)
		ends = itertools.accumulate(len(line.strip()) for line in lines)
		return [line for line, end in zip(lines[:-1], ends)
		    if end <= codes]
	near, start = set(), 0
	for n, line in enumerate(lines):
		end = start + len(binascii.a2b_qp(line))
		if any(start <= last and end >= first
		    for first, last in spans):
			near |= {n - 1, n, n + 1}
		start = end
	return [line for n, line in enumerate(lines) if n not in near]


def check(before, after, edits, plan):
	"""Asserts that the message was edited as said, and nowhere else."""
	if not edits:
		assert after == before, "nothing was to be edited"
		return
	old, new = cut(before), cut(after)
	assert b"".join(p.octets for p in old) == before
	assert [(p.path, p.kind) for p in old] == \
	    [(p.path, p.kind) for p in new], "another structure"
	assert set(edits) <= set(leaves(old)), "the part is not there"
	for was, now in zip(old, new):
		if was.path not in edits or was.kind == "seam":
			assert was.octets == now.octets, \
			    f"{was.kind} of {was.path or 'the message'} changed"
	for path, edit in edits.items():
		check_part(leaves(old)[path], leaves(new)[path], edit, plan)
	assert outline(before) == outline(after)


def check_part(before, after, edit, plan):
	at = check_text(before, after, edit, plan)
	check_head(before, after, edit, plan)
	check_lines(before, after, at, plan)
	if before.encoding() not in ("8bit", "binary"):
		assert after.body.isascii() or not before.body.isascii(), \
		    "8-bit octets where there were none"


def guess(before, after, plan):
	"""The edits that were made, where readers may differ on which."""
	edits = {}
	new = leaves(cut(after))
	for path, old in leaves(cut(before)).items():
		if path in new and new[path].body != old.body:
			is_html = old.type == "text/html"
			count = fill(old.text(), plan, is_html)[1]
			edits[path] = Edit(count, bool(re.search(
			    footer_pattern(plan, is_html, False),
			    new[path].text())))
	return edits
