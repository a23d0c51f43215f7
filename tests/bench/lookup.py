# SPDX-License-Identifier: ISC
"""lookup - what the cache costs, what it saves, and how soon a click holds

Look-ups are timed inside one process, in turns with a bare GET (lookup.c), on a
Redis by a unix socket and on a cluster of three masters: what the second takes
longer than its GET, beyond what the first does, the cluster adds.

A message to somebody whose permit is not cached costs PostgreSQL a question;
the same messages once more do not.

A click is answered 200; from then on the milter must refuse.  Timed is how long
the client waits for that refusal, which its first attempt must bring.
"""

import json
import os
import pwd
import shutil
import smtplib
import subprocess
import time
import urllib.parse
import urllib.request
from statistics import median

from rig import SENDER, Broken

REDIS = ("one", "cluster")
COLD = ("cold", "warm")		# in this order: cold ones warm the cache
LOOKUPS = 20000
CLICKS = 100
PEOPLE = 2000
ACCOUNT = "nobody"		# whose the keys of a stack are


def setpriv():
	if os.geteuid() != 0:
		return []
	group = pwd.getpwnam(ACCOUNT).pw_gid
	return ["setpriv", "--reuid", ACCOUNT, "--regid", str(group),
	    "--clear-groups"]


class Lookup:
	"""On a stack with either Redis; `houses` by the words of REDIS."""

	def __init__(self, houses, programs):
		self.houses = houses
		self.program = {}
		for name, house in houses.items():
			# Its place may be closed to that account.
			path = os.path.join(house.dir, "lookup")
			shutil.copy(os.path.join(programs, "lookup"), path)
			self.program[name] = path

	def run(self, name):
		env = self.houses[name].env
		bare = env["REDIS_SOCKET"] if name == "one" \
		    else env["REDIS1_PORT"]
		done = subprocess.run([*setpriv(), self.program[name],
		    env["ASSENT_CONF"], bare, str(LOOKUPS)],
		    stdout=subprocess.PIPE, text=True, check=False)
		if done.returncode != 0:
			raise Broken(f"look-ups do not end well: {name}")
		told = json.loads(done.stdout)
		return {f"{who} {figure}": value for who, figures in
		    told.items() for figure, value in figures.items()}


class Cold:
	"""Messages to people who are not in the cache, and who are."""

	def __init__(self, house, mclient):
		self.house, self.mclient = house, mclient
		batch = house.write("cold", "".join(
		    f"grant cold{i}@rcpt.test newsletter\n"
		    for i in range(PEOPLE)).encode())
		subprocess.run([house.env["ASSENTCTL"], "batch", batch],
		    stdout=subprocess.DEVNULL, check=True)

	def run(self, name):
		if name == "cold":
			subprocess.run(["redis-cli", "-s",
			    self.house.env["REDIS_SOCKET"], "FLUSHALL"],
			    stdout=subprocess.DEVNULL, check=True)
		return self.mclient("assent", "--connections", "8",
		    "--messages", str(PEOPLE), "--rcpt", "cold%d@rcpt.test",
		    "--range", f"0-{PEOPLE - 1}")


def invite(house, word, n):
	"""Makes n people who have consented: the link of each to opt out."""
	who = [f"{word}{i}@rcpt.test" for i in range(n)]
	batch = house.write(word, "".join(
	    f"grant {a} newsletter\n" for a in who).encode())
	ctl = house.env["ASSENTCTL"]
	subprocess.run([ctl, "batch", batch],
	    stdout=subprocess.DEVNULL, check=True)
	return {a: json.loads(subprocess.run([ctl, "link", a,
	    "newsletter", "--json"], stdout=subprocess.PIPE,
	    check=True).stdout)["opt_out"] for a in who}


def click(house, link):
	"""One click on a link, to its 200."""
	path = urllib.parse.urlsplit(link).path
	request = urllib.request.Request(house.env["WEB_URL"] + path,
	    data=b"List-Unsubscribe=One-Click", method="POST",
	    headers={"Content-Type": "application/x-www-form-urlencoded"})
	with urllib.request.urlopen(request, timeout=30) as r:
		if r.status != 200:
			raise Broken(f"a click is answered {r.status}")


class Refusal:
	"""Somebody for each click."""

	def __init__(self, house):
		self.house = house
		self.links = invite(house, "click", CLICKS)

	def run(self):
		took, refused = [], []
		with smtplib.SMTP("127.0.0.1",
		    int(self.house.env["SMTP_PORT"])) as s:
			s.ehlo()
			for address, link in self.links.items():
				s.mail(SENDER)
				if s.rcpt(address)[0] != 250:
					raise Broken(f"{address} is refused")
				s.rset()
				s.mail(SENDER)
				begun = time.perf_counter()
				click(self.house, link)
				clicked = time.perf_counter()
				code, _ = s.rcpt(address)
				took.append(clicked - begun)
				refused.append(time.perf_counter() - clicked)
				if code != 550:
					raise Broken("accepted after a 200")
				s.rset()
		return {"clicks": CLICKS,
		    "click_ms": 1000 * median(took),
		    "refuse_p50_ms": 1000 * median(refused),
		    "refuse_p99_ms": 1000 * sorted(refused)[
			CLICKS * 99 // 100 - 1]}
