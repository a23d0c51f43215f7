# SPDX-License-Identifier: ISC
"""Random MIME trees whose right edits are known from how they were made."""

import base64
import dataclasses
import random
import string
from dataclasses import dataclass, field

from edits import Edit

ASCII = ["catalogue", "summer", "=", "=3D", "1", "&", "--", "-- ", "{{", "}}",
    "%", "[", "From", ".", "sale!", ">"]
WORDS = {
	"us-ascii": [],
	"utf-8": ["żółw", "łódź", "été", "привет", "こんにちは", "😀"],
	"iso-8859-1": ["été", "naïve", "señor", "£"],
	"iso-8859-2": ["żółw", "łódź", "Žižka"],
	"windows-1250": ["żółw", "„cudzysłów”", "€"],
	"koi8-r": ["привет", "мир"],
	"iso-2022-jp": ["こんにちは", "新しい"],
	"shift_jis": ["ボゼソ表", "カタログ"],
	"utf-16": ["żółw", "こんにちは", "😀"],
}
LEAVE = ["{{unsubscribe_url}}", "{dnc_url}", "[unsubscribe]",
    "{{{unsubscribe}}}", "%tag_unsubscribe_url%"]
OTHER = ["{{preferences_url}}", "{{why_url}}", "{{brand}}"]
# Where words go, and tags that change nothing about where the body ends.
PAGES = [
	"<html><body>@</body></html>",
	"<HTML><HEAD><TITLE></BODY></TITLE></HEAD><BODY>@</BODY>\n</HTML>\n",
	"@",
	"<p>@",
	"<html><body>@<!-- </body> --></html>",
	"<html><body>@</body></html>\n<!-- </body> -->\n",
	"<html><head><style>p { margin: 0 }</style></head><body>@",
	"<html><body>@<script>a = '</body>';</script></body></html>",
	"<table><tr><td>@</td></tr></table>\n",
	"<table><tr><td>@</td></tr>\n",
	"<html><body><table><tr><td>@</body></html>",
	"<html><body>@<table><tr><td>x</td></tr></body></html>",
	"<html><body>@</body></html><p>Behind</p>",
	"<html><body>@<!--[if mso]></body><![endif]--></body></html>",
	"<html><body><a title='</body>'>@</a></body>",
]
# What a page may be made of by somebody who does not look at the result.
SOUP = [
	"<p>", "</p>", "<div>", "</div>", "<b>", "</b>", "<table>", "<tr>",
	"<td>", "</td>", "</tr>", "</table>", "<ul><li>", "</ul>", "<center>",
	"<body>", "</body>", "</BODY >", "</html>", "<html>", "<head>",
	"<!-- ", " -->", "<!--[if mso]>", "<![endif]-->", "<!-->", "--!>",
	"<title>", "</title>", "<style>", "</style>", "<script>",
	"</script>", "<textarea>", "</textarea>", "<select><option>",
	"</select>", "<a href='https://shop.example.com/'>", "</a>",
	"<a title='", "'>", '<img alt="', '">', "<", "</", "<!x>", "<?php ",
	"&lt;", "<br/>", "<svg><title>x</title></svg>", "<tbody>", "<h1>",
	"</h1>", '<div style="display:none">', "<p hidden>",
	"<font>", "</font>", "<noscript>", "</noscript>",
]
OPAQUE = [
	("image/png", "inline"), ("application/pdf", "attachment"),
	("text/plain", "attachment"), ("text/html", "attachment"),
	("text/calendar", None), ("text/csv", "inline"),
	("application/ms-tnef", "attachment"), ("message/rfc822", None),
]


@dataclass
class Node:
	octets: bytes	# fields, empty line, body
	texts: list = field(default_factory=list)	# to edit: (path, Edit)


class Grower:
	"""Grows one tree from a seed."""

	def __init__(self, seed):
		self.random = random.Random(seed)
		self.pick = self.random.choice

	def maybe(self, chance):
		return self.random.random() < chance

	def message(self):
		"""The octets, and the edits by part."""
		node = self.entity(0, "b")
		edits = {path.strip(".") or "1": edit
		    for path, edit in node.texts if edit.footer or edit.fills}
		return (b"From: Shop <shop@news.example.com>\r\n"
		    b"To: reader@rcpt.test\r\nSubject: A tree\r\n"
		    b"MIME-Version: 1.0\r\n" + node.octets), edits

	def entity(self, depth, boundary):
		if depth < 4 and self.maybe(0.6 if depth else 0.85):
			return self.multipart(depth, boundary)
		return self.text() if self.maybe(0.6) else self.opaque(depth)

	def multipart(self, depth, above):
		kind = self.pick(["alternative", "alternative", "mixed",
		    "mixed", "related", "parallel", "x-own"])
		boundary = self.boundary(above)
		mark = b"--" + boundary.encode()
		parts = [self.entity(depth + 1, boundary)
		    for _ in range(self.random.randint(1, 3))]
		node = Node(self.head([("Content-Type",
		    f'multipart/{kind}; boundary="{boundary}"')]))
		node.octets += self.aside() + mark + self.blanks() + b"\r\n"
		node.octets += (b"\r\n" + mark + b"\r\n").join(
		    part.octets for part in parts)
		if self.maybe(0.85):
			node.octets += b"\r\n" + mark + b"--" + \
			    self.blanks() + self.pick([b"", b"\r\n",
			    b"\r\n" + self.aside()])
		texts = [[(f".{n}{path}", edit) for path, edit in part.texts]
		    for n, part in enumerate(parts, 1) if part.texts]
		# What is below the first text gets no footer.
		if kind != "alternative":
			texts[1:] = [[(path, dataclasses.replace(edit,
			    footer=False)) for path, edit in part]
			    for part in texts[1:]]
		node.texts = sum(texts, [])
		return node

	def boundary(self, above):
		"""One that is no other line, but may begin one."""
		if self.maybe(0.3):
			return above + self.pick("=_x1")
		return "".join(self.random.choices(string.ascii_letters +
		    string.digits + "'()+_,-./:=?", k=self.random.randint(8, 60)
		    )) + "b"

	def aside(self):
		"""A preamble or an epilogue: no reader shows it."""
		return self.pick([b"", b"This is a message in MIME format.\r\n",
		    b"{{unsubscribe_url}} </body>\r\n\r\n"])

	def blanks(self):
		return self.pick([b"", b"", b"", b" ", b"\t "])

	def head(self, fields):
		"""Fields in any order, case and folding, and the empty line."""
		self.random.shuffle(fields)
		lines = []
		for name, value in fields:
			name = self.pick([name, name.lower(), name.upper()])
			fold = self.pick(["; ", ";", ";\r\n ", ";\r\n\t"])
			lines.append(f"{name}:{self.pick(['', ' ', '  '])}" +
			    value.replace("; ", fold) + "\r\n")
		return ("".join(lines) + "\r\n").encode()

	def opaque(self, depth):
		"""A leaf that nobody may touch."""
		kind, disposition = self.pick(OPAQUE)
		fields = [("Content-Type", kind)]
		if disposition:
			fields.append(("Content-Disposition",
			    f'{disposition}; filename="a.dat"'))
		body = self.prose("us-ascii", LEAVE + OTHER)[0].encode()
		if kind == "message/rfc822":
			body = b"Subject: inner\r\n" + \
			    self.entity(depth + 1, "inner-").octets
		elif not kind.startswith("text/"):
			fields.append(("Content-Transfer-Encoding", "base64"))
			body = self.base64(body)
		return Node(self.head(fields) + body)

	def prose(self, charset, names):
		"""Lines of words, and which of the names are among them."""
		words = ASCII + WORDS[charset]
		lines, used = [], []
		for _ in range(self.random.randint(0, 6)):
			line = self.random.choices(words,
			    k=self.random.randint(0, 14))
			if names and self.maybe(0.3):
				name = self.pick(names)
				line.insert(self.random.randint(0, len(line)),
				    name)
				used.append(name)
			lines.append(self.pick(" \t" if self.maybe(0.1) else " "
			    ).join(line))
		return "\r\n".join(lines) + self.pick(["", "\r\n"]), used

	def text(self):
		html = self.maybe(0.5)
		charset = self.pick(list(WORDS))
		names = self.pick([[], OTHER, LEAVE + OTHER])
		text, used = self.prose(charset, names)
		if html:
			text = self.page().replace("\n", "\r\n").replace(
			    "@", text)
		value = f"text/{'html' if html else 'plain'}"
		if charset != "us-ascii" or self.maybe(0.5):
			label = self.pick([charset, charset.upper()])
			value += f"; charset={label}"
		if not html and self.maybe(0.15):
			value += "; format=flowed"
		encoding, body = self.encoded(text.encode(charset), charset)
		fields = [("Content-Type", value)]
		if encoding != "7bit" or self.maybe(0.5):
			fields.append(("Content-Transfer-Encoding", encoding))
		if self.maybe(0.2):
			fields.append(("Content-Disposition", "inline"))
		if value == "text/plain" and encoding == "7bit" and \
		    self.maybe(0.3):
			fields = []
		edit = Edit(len(used), set(used).isdisjoint(LEAVE))
		return Node(self.head(fields) + body, [("", edit)])

	def page(self):
		"""A page with an "@" for the text."""
		if self.maybe(0.5):
			return self.pick(PAGES)
		words = self.random.choices(SOUP + ["Hello "] * 9,
		    k=self.random.randint(1, 20))
		return "".join(["@"] + words)

	def encoded(self, octets, charset):
		choice = ["base64"]
		if charset in ("us-ascii", "iso-2022-jp"):
			choice += ["quoted-printable", "7bit"]
		elif charset != "utf-16":
			choice += ["quoted-printable", "8bit"]
		encoding = self.pick(choice)
		if encoding == "base64":
			return encoding, self.base64(octets)
		if encoding == "quoted-printable":
			return encoding, self.quoted(octets)
		return encoding, octets

	def base64(self, octets):
		code = base64.b64encode(octets)
		width = 4 * self.random.randint(1, 19)
		return b"\r\n".join(code[i:i + width]
		    for i in range(0, len(code), width)) + \
		    self.pick([b"", b"\r\n"])

	def quoted(self, octets):
		"""Quoted-printable as the worst of writers would do it."""
		eager = self.pick([0, 0, 0.05, 0.3])
		width = self.random.randint(10, 75)
		lines = []
		for line in octets.split(b"\r\n"):
			made, length = b"", 0
			for n, c in enumerate(line):
				code = self.code(c, n == len(line) - 1, eager)
				if length + len(code) > width or \
				    self.maybe(eager / 2):
					made, length = made + b"=\r\n", 0
				made, length = made + code, length + len(code)
			lines.append(made)
		return b"\r\n".join(lines)

	def code(self, c, last, eager):
		if c in b"=" or not (32 <= c < 127 or c == 9) or \
		    last and c in b" \t" or self.maybe(eager):
			return self.pick([b"=%02X", b"=%02x"]) % c
		return bytes([c])
