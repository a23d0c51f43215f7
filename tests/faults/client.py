# SPDX-License-Identifier: ISC
"""client - those who ask: a mail server, a browser, a sending program

None waits longer than a mail server would, none tries again by itself.
"""

import http.client
import smtplib
import socket
import struct
import subprocess
import urllib.parse

from history import ACCEPTED, DEFERRED, DONE, FAILED, REFUSED

PATIENCE = 10			# seconds for one answer
SENDER = "shop@news.example.com"
# Of the milter protocol, version 6: what is offered, what the filter may skip
# and leave unanswered.
OFFER = struct.pack("!III", 6, 0x1ff, 0x1fffff)
NO = {"C": 0x1, "H": 0x2}
UNANSWERED = {"C": 0x1000, "H": 0x2000, "M": 0x4000}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class MailServer:
	"""Asks a milter about recipients, as Postfix would."""

	def __init__(self, path):
		self.path = path
		self.input = self.socket = None

	def ask(self, recipient):
		try:
			if self.socket is None:
				self.connect()
			self.say("M", f"<{SENDER}>\0")
			answer = self.answer("M")
			if answer == ACCEPTED:
				self.say("R", f"<{recipient}>\0")
				answer = self.answer("R")
			self.say("A")
		except OSError:
			self.close()
			return DEFERRED
		return answer

	def connect(self):
		self.socket = socket.socket(socket.AF_UNIX)
		self.socket.settimeout(PATIENCE)
		self.socket.connect(self.path)
		self.input = self.socket.makefile("rb")
		self.say("O", OFFER)
		self.protocol = struct.unpack("!I", self.packet()[9:13])[0]
		self.say("D", "C{daemon_name}\0campaigns\0")
		for command, data in (("C", b"localhost\x004\0\0127.0.0.1\0"),
		    ("H", b"client.test\0")):
			if not self.protocol & NO[command]:
				self.say(command, data)
				self.answer(command)

	def close(self):
		for s in filter(None, (self.input, self.socket)):
			s.close()
		self.input = self.socket = None

	def say(self, command, data=b""):
		data = data.encode() if isinstance(data, str) else data
		self.socket.sendall(struct.pack("!I", len(data) + 1)
		    + command.encode() + data)

	def octets(self, n):
		data = self.input.read(n)
		if len(data) < n:
			raise ConnectionError("the milter is gone")
		return data

	def packet(self):
		return self.octets(struct.unpack("!I", self.octets(4))[0])

	def answer(self, command):
		if self.protocol & UNANSWERED.get(command, 0):
			return ACCEPTED
		packet = self.packet()
		if packet[:1] == b"c":
			return ACCEPTED
		if packet[:1] == b"r" or packet[:2] == b"y5":
			return REFUSED
		if packet[:1] == b"t" or packet[:2] == b"y4":
			return DEFERRED
		raise AssertionError(f"the milter said {packet} to {command}")


class Browser:
	"""Uses the links of a message."""

	def __init__(self, port):
		self.port = port
		self.connection = None

	def post(self, path, **fields):
		try:
			if self.connection is None:
				self.connection = http.client.HTTPConnection(
				    "127.0.0.1", self.port, timeout=PATIENCE)
			self.connection.request("POST", path,
			    urllib.parse.urlencode(fields), FORM)
			response = self.connection.getresponse()
			response.read()
		except (OSError, http.client.HTTPException):
			self.connection.close()
			self.connection = None
			return FAILED
		return DONE if response.status == 200 else FAILED

	def one_click(self, contact, _purpose):
		return self.post(contact.opt_out,
		    **{"List-Unsubscribe": "One-Click"})

	def leave(self, contact, purpose):
		return self.post(contact.preferences, shown=f"{purpose}:0:1,")

	def join(self, contact, purpose):
		return self.post(contact.preferences, shown=f"{purpose}:0:0,",
		    on=purpose)


class Operator:
	"""Uses assentctl."""

	def __init__(self, assentctl):
		self.assentctl = assentctl

	def run(self, *words):
		done = subprocess.run([self.assentctl, *words], check=False,
		    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		return FAILED if done.returncode else DONE

	def grant(self, contact, _purpose):
		return self.run("grant", contact.address, "newsletter")

	def withdraw(self, contact, _purpose):
		return self.run("withdraw", contact.address, "newsletter")


class Program:
	"""Sends messages by SMTP."""

	def __init__(self, port):
		self.port = port

	def send(self, marker, recipients, ask):
		"""One message: who was accepted, and what became of it.

		`ask` is called with each recipient and what asks about it.
		"""
		to = []
		try:
			with smtplib.SMTP("127.0.0.1", self.port,
			    timeout=6 * PATIENCE) as s:
				s.ehlo("client.test")
				s.mail(SENDER)
				to = [r for r in recipients if ask(r, lambda r:
				    outcome(s.rcpt(r)[0])) == ACCEPTED]
				if not to:
					return [], REFUSED
				return to, outcome(s.data(text(marker))[0])
		except (OSError, smtplib.SMTPException):
			return to, DEFERRED


def outcome(code):
	return {2: ACCEPTED, 5: REFUSED}.get(code // 100, DEFERRED)


def text(marker):
	"""The same each time it is tried."""
	return (f"From: {SENDER}\r\nTo: undisclosed-recipients:;\r\n"
	    f"Subject: {marker}\r\nMessage-ID: <{marker}@client.test>\r\n"
	    "Date: Mon, 02 Nov 2026 10:00:00 +0100\r\n\r\nNews\r\n").encode()
