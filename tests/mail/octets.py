# SPDX-License-Identifier: ISC
"""Where in a message's octets its parts are, found without a MIME library.

A message is cut top down into pieces that joined again are the message: for
every entity its head (with the empty line), for every leaf its body, and
between them the seams: preambles, boundary lines, epilogues.  What is inside
message/rfc822 is one leaf.  Parts are numbered as in IMAP: "1", "2.1"; the
root of a multipart message is "".
"""

import binascii
import codecs
import email
import email.policy
import re
from dataclasses import dataclass


@dataclass
class Piece:
	path: str
	kind: str	# head, body, seam
	octets: bytes
	entity: "Entity" = None


class Entity:
	"""One head and the body that belongs to it."""

	def __init__(self, path, octets, default="text/plain"):
		self.path = path
		empty = re.search(rb"\A\r?\n|\r?\n\r?\n", octets)
		end = empty.end() if empty else len(octets)
		self.head, self.body = octets[:end], octets[end:]
		self.fields = email.message_from_bytes(self.head,
		    policy=email.policy.compat32)
		self.fields.set_default_type(default)
		self.type = self.fields.get_content_type()

	def encoding(self):
		return (self.fields["Content-Transfer-Encoding"] or "7bit"
		    ).strip().lower()

	def charset(self):
		"""Python's name of the charset; ASCII if it knows none."""
		try:
			return codecs.lookup(
			    self.fields.get_content_charset() or "ascii").name
		except LookupError:
			return "ascii"

	def parameter(self, name):
		return (self.fields.get_param(name) or "").lower()

	def decoded(self):
		"""The body's octets without their transfer encoding."""
		if self.encoding() == "quoted-printable":
			return binascii.a2b_qp(self.body)
		if self.encoding() == "base64":
			return binascii.a2b_base64(self.body)
		return self.body

	def text(self):
		return self.decoded().decode(self.charset(), "surrogateescape")

	def delimiters(self):
		"""The matches of its boundary lines, the closing one last."""
		boundary = self.fields.get_boundary()
		if self.fields.get_content_maintype() != "multipart" or \
		    not boundary:
			return []
		found = []
		for match in re.finditer(rb"(?:\A|(?<=\n))--" +
		    re.escape(boundary.encode("latin-1", "replace")) +
		    rb"(--)?[ \t]*(\r?\n|\Z)", self.body):
			found.append(match)
			if match[1]:
				break
		return found


def cut(octets, path="", default="text/plain"):
	"""The pieces of an entity, in their order."""
	entity = Entity(path, octets, default)
	marks = entity.delimiters()
	if not marks:
		entity.path = path or "1"
		return [Piece(entity.path, "head", entity.head, entity),
		    Piece(entity.path, "body", entity.body, entity)]
	pieces = [Piece(path, "head", entity.head, entity)]
	inner = "message/rfc822" if entity.type == "multipart/digest" \
	    else "text/plain"
	at = 0
	ends = [m.start() for m in marks[1:]] + [len(entity.body)]
	for count, (mark, end) in enumerate(zip(marks, ends), 1):
		pieces.append(Piece(path, "seam", entity.body[at:mark.end()]))
		at = mark.end()
		if mark[1]:
			break
		if count < len(marks):	# the line's end belongs to the mark
			ending = re.search(rb"\r?\n\Z", entity.body[at:end])
			end -= len(ending[0]) if ending else 0
		pieces += cut(entity.body[at:end],
		    f"{path}.{count}".lstrip("."), inner)
		at = end
	pieces.append(Piece(path, "seam", entity.body[at:]))
	return pieces


def leaves(pieces):
	"""The leaves by their numbers."""
	return {p.path: p.entity for p in pieces if p.kind == "body"}


def fields(head):
	"""The octets of each field of a head, and of the empty line."""
	return [f for f in re.split(rb"(?<=\n)(?![ \t])", head) if f]


def outline(octets):
	"""How Python's parser sees the structure."""
	def line(part):
		return (part.get_content_type(), part.get_filename(),
		    part.get_content_disposition(), part.get_boundary(),
		    part["Content-ID"], len(part.get_payload())
		    if part.is_multipart() else 0,
		    [type(defect) for defect in part.defects])
	return [line(part) for part in email.message_from_bytes(octets).walk()]
