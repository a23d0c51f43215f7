# SPDX-License-Identifier: ISC
"""What the tests of whole programs stand on: a stack, and words for it."""

import contextlib
import itertools
import json
import os
import re
import shlex
import smtplib
import ssl
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import psycopg2
import pytest

ROOT = Path(__file__).resolve().parents[2]
SENDER = "shop@news.example.com"
TROUBLE = re.compile("AddressSanitizer|LeakSanitizer|ThreadSanitizer|"
    "runtime error:|Assertion .* failed|stack smashing")
# For tests of what the milter and the MTA do together.
on_both_mtas = pytest.mark.parametrize("stack", ["postfix", "sendmail"],
    indirect=True)
# For what the stack starts.
os.environ.setdefault("LSAN_OPTIONS", "print_suppressions=0")
number = itertools.count(1)


def wait_for(what, seconds=15, pause=0.05):
	"""The first true value of what(), or the last false one."""
	deadline = time.monotonic() + seconds
	while not (value := what()) and time.monotonic() < deadline:
		time.sleep(pause)
	return value


def reply(code, text):
	"""A reply as one line.

	Sendmail puts the recipient before what the milter says about it; that
	is taken off.
	"""
	words = re.sub(r"^([245]\.\d\.\d) <[^>]*>\.\.\. ", r"\1 ", text.decode())
	return f"{code} {words}"


class Delivery:
	"""One message as the sink took it: envelope and octets."""

	def __init__(self, octets):
		lines = octets.split(b"\n")
		self.sender = self.arg(lines, b"X-Mail-Args")[0]
		self.recipients = self.arg(lines, b"X-Rcpt-Args")
		start = next(i for i, line in enumerate(lines)
		    if not line.startswith(b"X-"))
		text = b"\n".join(lines[start:])
		head, _, self.body = text.partition(b"\n\n")
		self.fields = re.split(rb"\n(?![ \t])", head)

	@staticmethod
	def arg(lines, name):
		return [line.split(b"<", 1)[1].split(b">")[0].decode()
		    for line in lines if line.startswith(name)]

	def all(self, name):
		"""The values of every field of that name."""
		name = name.lower().encode() + b":"
		return [f[len(name):].strip().decode() for f in self.fields
		    if f.lower().startswith(name)]

	def link(self):
		"""The path of the one-click link."""
		(value,) = self.all("List-Unsubscribe")
		return re.match("<https://optout.example.com(/u/[^>]*)>",
		    value)[1]


class Stack:
	"""One private installation, and what a test does with it."""

	def __init__(self, folder, mta, *words):
		self.folder = Path(folder)
		self.run("up", "--mta", mta, *words)
		self.read_env()

	def run(self, *words):
		subprocess.run([ROOT / "tests/stack", words[0], self.folder,
		    *words[1:]], check=True, timeout=120)

	def read_env(self):
		text = (self.folder / "stack.env").read_text()
		self.env = dict(word.split("=", 1)
		    for word in shlex.split(text))
		self.trust = ssl.create_default_context(
		    cafile=self.env["WEB_CA"] or None)

	def stop(self, part):
		self.run("stop", part)
		self.read_env()

	def start(self, part):
		self.run("start", part)
		self.read_env()

	def pid(self, part):
		return int(self.env[part.upper() + "_PID"])

	def ctl(self, *args, check=True):
		done = subprocess.run([self.env["ASSENTCTL"], *args],
		    check=False, capture_output=True, text=True, timeout=60)
		assert not check or done.returncode == 0, done.stderr
		return done

	def sql(self, query, *args):
		with psycopg2.connect(self.env["DATABASE_URL"]) as db, \
		    db.cursor() as cursor:
			cursor.execute(query, args)
			return cursor.fetchall() if cursor.description else None

	def explain(self, address, stream="newsletter"):
		return json.loads(self.ctl("explain", address, stream,
		    "--json", check=False).stdout)

	def subscriber(self, purpose="newsletter"):
		"""A fresh address that has consented."""
		address = f"sub{next(number)}-{time.time_ns()}@rcpt.test"
		self.ctl("grant", address, purpose)
		return address

	def smtp(self, listener=""):
		port = int(self.env[f"SMTP_{listener}PORT"])
		return smtplib.SMTP("127.0.0.1", port, timeout=30)

	def rcpt(self, address, listener="", sender=SENDER):
		"""What one RCPT is answered."""
		with self.smtp(listener) as s:
			s.ehlo()
			utf8 = [] if address.isascii() else ["SMTPUTF8"]
			s.command_encoding = "utf-8"
			s.mail(sender, utf8)
			return reply(*s.rcpt(address))

	def send(self, recipients, text="", headers="", listener="",
	    sender=SENDER):
		"""Sends one message: marker, replies to RCPT, reply to DATA."""
		marker = f"m{next(number)}-{time.time_ns()}"
		data = f"Subject: {marker}\r\n{headers}\r\n{text or marker}\r\n"
		if isinstance(recipients, str):
			recipients = [recipients]
		with self.smtp(listener) as s:
			s.ehlo()
			s.mail(sender)
			replies = [s.rcpt(r) for r in recipients]
			end = s.data(data.encode()) if any(
			    c == 250 for c, _ in replies) else (0, b"")
		return Sent(marker, [reply(*r) for r in replies], reply(*end))

	def delivered(self, marker, n=1, seconds=15):
		"""The n deliveries that mention the marker."""
		def look():
			found = self.sunk(marker)
			return found if len(found) >= n else None
		found = wait_for(look, seconds)
		assert found, f"{marker} was not delivered {n} times"
		return found[0] if n == 1 else found

	def sunk(self, marker):
		found = []
		for f in sorted(Path(self.env["SINK_DIR"]).iterdir()):
			octets = f.read_bytes()
			if marker.encode() in octets and self.at_rest(f):
				found.append(Delivery(f.read_bytes()))
		return found

	@staticmethod
	def at_rest(file):
		"""Has the sink finished writing it?"""
		return time.time() - file.stat().st_mtime > 0.2

	def idle(self):
		"""Waits until the MTA has nothing left to do."""
		def empty():
			told = subprocess.run([self.env["MAILQ"]], check=True,
			    capture_output=True, text=True).stdout
			return told and all(
			    line.endswith((" is empty", " requests: 0"))
			    for line in told.splitlines())
		assert wait_for(empty), "the queue did not become empty"

	def page(self, method, path, body=None, headers=None):
		request = urllib.request.Request(self.env["WEB_URL"] + path,
		    data=body, method=method, headers=headers or {})
		try:
			with urllib.request.urlopen(request, timeout=30,
			    context=self.trust) as r:
				return r.status, r.read().decode()
		except urllib.error.HTTPError as e:
			return e.code, e.read().decode()

	def click(self, path):
		return self.page("POST", path, b"List-Unsubscribe=One-Click",
		    {"Content-Type": "application/x-www-form-urlencoded"})[0]

	def metric(self, line):
		"""The value of a series of the milter."""
		url = self.env["MILTER_METRICS_URL"]
		with urllib.request.urlopen(url, timeout=10) as r:
			text = r.read().decode()
		found = [row.rsplit(" ", 1)[1] for row in text.splitlines()
		    if row.startswith(line + " ")]
		return float(found[0]) if found else 0.0

	def log(self, part="milter"):
		return Path(self.env[part.upper() + "_LOG"]).read_text(
		    errors="replace")

	def close(self):
		"""Stops all; what the sanitizers said is a failure."""
		try:
			for part in ("milter", "web"):
				self.stop(part)
			said = {part: self.log(part)
			    for part in ("milter", "web")}
		finally:
			self.run("down")
		for part, text in said.items():
			trouble = TROUBLE.search(text)
			assert not trouble, f"{part}: {text[trouble.start():][:3000]}"


class Sent:
	"""What became of one message at the SMTP client."""

	def __init__(self, marker, replies, end):
		self.marker, self.replies, self.end = marker, replies, end


def new_stack(mta="postfix", *words, kind=Stack):
	folder = tempfile.mkdtemp(prefix="assent-")
	os.rmdir(folder)
	return kind(folder, mta, *words)


@pytest.fixture(scope="session")
def stacks():
	"""One stack for each MTA, started when the first test wants it."""
	started = {}
	with contextlib.ExitStack() as closing:
		def stack_with(mta):
			if mta not in started:
				started[mta] = new_stack(mta)
				closing.callback(started[mta].close)
			return started[mta]
		yield stack_with


@pytest.fixture(scope="session")
def stack(stacks, request):
	"""The stack for all tests that leave it as it was."""
	return stacks(getattr(request, "param", "postfix"))


@pytest.fixture(scope="session")
def signing_stack():
	"""One stack for all tests that want deliveries signed."""
	from signing import SigningStack
	s = new_stack(kind=SigningStack)
	yield s
	s.close()


@pytest.fixture
def own_stack():
	"""A stack for one test that breaks things."""
	s = new_stack()
	yield s
	s.close()
