# SPDX-License-Identifier: ISC
"""body - what filling in placeholders and adding a footer costs

Two messages, straight to the filters by mclient: a newsletter of 50 KB in
plain text and HTML, of which one has a link to leave by and the other gets the
footer, and a short text with an attachment of 1 MB.  Beside Assent, in turns,
run its twin, which does not want to see a body, and the copy, a twin that takes
the body and hands it back as it came: no filter that edits can do less.

Memory is what is resident in the milter over what was before any large message.
Messages are held before their end, one alone (which shows what its end takes)
and MEMORY_MESSAGES at once, and then let go together.  glibc keeps some of what
was freed, so what is counted is rather too much.
"""

import base64
import quopri
import random
import subprocess

from rig import RECIPIENT, Broken

NAMES = ("twin", "copy", "assent")
SENDER = "news@footed.example.com"	# whose stream edits bodies
CONNECTIONS = 2
MEMORY_MESSAGES = 16
HOLD_SECONDS = 60

# How many messages of a run there are for one of the attachment.
LETTERS = {"newsletter": 1, "attachment": 10}

HEADERS = f"""\
From: Acme <{SENDER}>
To: You <{RECIPIENT}>
Subject: This week at Acme
Date: Mon, 02 Nov 2026 10:00:00 +0100
Message-ID: <campaign-2026-12@footed.example.com>
MIME-Version: 1.0
Content-Type: multipart/{{}}; boundary="=_part"

"""
TEXT = """\
Nowości ze sklepu – więcej na https://example.com/nowe
Rabat 20 % przy zamówieniu za 300 zł, tylko do końca tygodnia.

"""
ROW = """\
<tr><td style="padding:4px;font-family:Arial,sans-serif" width="50%"><a
href="https://example.com/produkt?n=17&amp;z=news"><img alt="Żółty kubek"
src="https://example.com/i/17.jpg" width="280"></a></td><td><h2>Żółty kubek</h2>
<p>Cena dla klientów: <b>39 zł</b> &ndash; pytania? <a
href="https://example.com/pytania?n=17">Odpowiadamy</a></p></td></tr>
"""
TEXT_END = """{{brand}}
Leave: {{unsubscribe_url}}
Choose what you get: {{preferences_url}}
"""
HTML_END = """</table><p>{{brand}} | <a href=3D"{{preferences_url}}">Choose what you get</a>
| <a href=3D"{{why_url}}">Why you got this</a></p></body></html>
"""
TEXT_OCTETS, HTML_OCTETS = 10_000, 40_000
ATTACHED_OCTETS = 1 << 20


def part(headers, text):
	return f"--=_part\n{headers}\n\n{text}\n"


def fill(piece, octets):
	"""Copies of a piece, quoted-printable, of that many octets or so."""
	encoded = quopri.encodestring(piece.encode()).decode("ascii")
	return encoded * (octets // len(encoded))


def newsletter():
	def text(kind, content):
		return part(f"Content-Type: text/{kind}; charset=utf-8\n"
		    "Content-Transfer-Encoding: quoted-printable", content)

	return (HEADERS.format("alternative") +
	    text("plain", fill(TEXT, TEXT_OCTETS) + TEXT_END) +
	    text("html", "<html><body><table width=3D\"600\">\n" +
		fill(ROW, HTML_OCTETS) + HTML_END) +
	    "--=_part--\n").encode("ascii")


def attachment():
	octets = random.Random(1).randbytes(ATTACHED_OCTETS)
	return (HEADERS.format("mixed") +
	    part("Content-Type: text/plain; charset=us-ascii",
		"The catalogue is attached.\n") +
	    part("Content-Type: application/pdf; name=catalogue.pdf\n"
		"Content-Disposition: attachment; filename=catalogue.pdf\n"
		"Content-Transfer-Encoding: base64",
		base64.encodebytes(octets).decode("ascii")) +
	    "--=_part--\n").encode("ascii")


class Body:
	"""The measurements, on a rig that is up; without them it costs
	nothing.  sizes are the messages' on the wire, by their names."""

	def __init__(self, the_rig, mclient, messages):
		self.rig = the_rig
		self.mclient = mclient
		self.messages = messages
		self.names = [n for n in NAMES if n in the_rig.filters]
		self.paths, self.sizes, self.edits = {}, {}, {}
		for name, make in (("newsletter", newsletter),
		    ("attachment", attachment)):
			octets = make()
			self.paths[name] = the_rig.write(name, octets)
			self.sizes[name] = len(octets) + octets.count(b"\n")

	def options(self, letter):
		return ["--message", self.paths[letter], "--sender", SENDER,
		    "--rcpt", "granted%d@rcpt.test", "--range", "2-9"]

	def count_edits(self):
		"""All of a filter's messages must be edited alike, and Assent's
		more than by the twin, or there is no body to them."""
		for letter in LETTERS:
			for name in self.names:
				self.edits[letter, name] = self.mclient(name,
				    *self.options(letter), "--messages", "1")["edits"]
			if self.edits.get((letter, "assent"), 99) <= \
			    self.edits[letter, "twin"]:
				raise Broken(f"Assent does not edit the {letter}")

	def measure(self, letter):
		def one(name):
			count = self.messages // LETTERS[letter]
			used = self.rig.filters[name]
			before = used.cpu_seconds()
			told = self.mclient(name, *self.options(letter),
			    "--messages", str(count),
			    "--connections", str(CONNECTIONS),
			    "--edits", str(self.edits[letter, name]))
			return {"rate": told["rate"], "p50_us": told["p50_us"],
			    "cpu_us": (used.cpu_seconds() - before) / count * 1e6}
		return one

	def memory(self):
		"""What a message takes of Assent's memory, by letter."""
		used = self.rig.filters.get("assent")
		if used is None:
			return {}
		idle = used.memory()[0]
		found = {letter: {"size": self.sizes[letter]}
		    for letter in LETTERS}
		for count, held, peak in ((1, "alone held", "alone peak"),
		    (MEMORY_MESSAGES, "held", "peak")):
			for letter, used_by in found.items():
				used.forget_peak()
				used_by[held] = (self.hold(letter, used, count) -
				    idle) / count
				used_by[peak] = (used.memory()[1] - idle) / count
		return found

	def hold(self, letter, used, count):
		"""Octets resident while all messages wait for their end."""
		with subprocess.Popen([self.rig.program("mclient"),
		    *self.options(letter), "--hold",
		    "--daemon-name", self.rig.daemon_name,
		    "--connections", str(count), "--messages", str(count),
		    used.path],
		    stdin=subprocess.PIPE, stdout=subprocess.PIPE,
		    text=True) as client:
			try:
				if client.stdout.readline() != "held\n":
					raise Broken("nothing is held")
				held = used.memory()[0]
				client.communicate("go on\n", HOLD_SECONDS)
			finally:
				client.kill()
		if client.returncode != 0:
			raise Broken("assent: wrong verdicts after the wait")
		return held
