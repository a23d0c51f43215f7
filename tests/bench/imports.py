# SPDX-License-Identifier: ISC
"""imports - what a file of a million contacts costs

The same CSV file, a row for each contact and purpose, goes into a table with a
primary key and a unique index by COPY, and then into Assent by assentctl
import: contacts, ledger, consent and permits, under the rules.  Beside the
rates: what the client needs of memory, what a contact takes in PostgreSQL and,
once looked up, in Redis, and how long a permit of 20 pairs is.

Then once more on another stack, where assentctl is killed in the middle, KILLS
times, and begun again: it must come to the same.
"""

import os
import socket
import subprocess
import time
import urllib.parse

from rig import Broken

PURPOSES = 5
PAIRS = 20
KILLS = 3
BATCH = 2000
POLL = 0.1			# seconds
CACHE_MS = 3600000

SETUP = """
SELECT assent.brand_add('bench', 'Bench');
SELECT assent.purpose_add('bench', 'p' || n, 'P', '{email}')
FROM generate_series(1, %d) AS n;
"""
TABLE = """
CREATE TABLE public.copied (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	address text NOT NULL, purpose text NOT NULL, state text NOT NULL,
	at timestamptz NOT NULL, evidence text,
	UNIQUE (address, purpose));
"""
COLUMNS = "address,purpose,state,at,evidence"
SIZE = """SELECT sum(pg_total_relation_size(oid)) FROM pg_class
	WHERE relnamespace = 'assent'::regnamespace AND relkind = 'r'"""
# What is known after an import, whatever order it came in: a sum of hashes of
# each consent with its event and proof, one of each permit, and the events.
KNOWN = """
SELECT count(*), sum(hashtextextended(concat_ws('|', n.canonical, c.purpose_id,
	c.channel, c.state, c.since, c.expires_at, c.withdrawn_at, e.act, e.at,
	e.source, p.fields), 0)::numeric)
FROM assent.consent c
JOIN assent.endpoint n USING (contact_id)
JOIN assent.event e ON e.id = c.event_id
JOIN assent.event_person p ON p.event_id = e.id
WHERE n.canonical LIKE 'person%';
SELECT count(*), sum(hashtextextended(n.canonical || encode(m.packed, 'hex'),
	0)::numeric)
FROM assent.permit m JOIN assent.endpoint n USING (key)
WHERE n.canonical LIKE 'person%';
SELECT act, count(*) FROM assent.event WHERE contact_id IS NOT NULL
GROUP BY act ORDER BY act;
"""


class Import:
	"""The measurement, on a stack (rig.House) of its own."""

	brand = "bench"

	def __init__(self, house, contacts, path=None):
		self.house = house
		self.contacts = contacts
		self.path = path or os.path.join(house.dir, "contacts.csv")

	def _psql(self, text, **more):
		done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
		    "-d", self.house.env["DATABASE_URL"], "-f", "-"],
		    input=text, text=True, stdout=subprocess.PIPE, check=False,
		    **more)
		if done.returncode != 0:
			raise Broken("the database refused the benchmark's SQL")
		return done.stdout.strip()

	def _write(self):
		with open(self.path, "w", encoding="ascii") as f:
			f.write(COLUMNS + "\n")
			for i in range(self.contacts):
				for p in range(1, PURPOSES + 1):
					f.write(f"person{i}@host{i % 5003}.example,"
					    f"p{p},granted,2026-0{p}-11T10:00:00Z,"
					    f"form {i}\n")

	def _copy(self):
		self._psql(TABLE)
		start = time.perf_counter()
		self._psql(f"\\copy public.copied ({COLUMNS}) FROM "
		    f"'{self.path}' (FORMAT csv, HEADER)\n")
		seconds = time.perf_counter() - start
		self._psql("DROP TABLE public.copied")
		return seconds

	def _begin(self, path):
		return subprocess.Popen([self.house.env["ASSENTCTL"], "-c",
		    self.house.env["ASSENT_CONF"], "import", path,
		    "--brand", self.brand], stdout=subprocess.DEVNULL)

	def _import(self, path):
		"""Seconds, and the client's peak of memory in octets."""
		start = time.perf_counter()
		child = self._begin(path)
		_, status, usage = os.wait4(child.pid, 0)
		child.returncode = os.waitstatus_to_exitcode(status)
		if child.returncode != 0:
			raise Broken("assentctl did not import the file")
		return time.perf_counter() - start, usage.ru_maxrss * 1024

	def _check(self):
		found = self._psql("SELECT count(*) FROM assent.consent WHERE "
		    "state = 'granted' AND event_id > 0; SELECT count(*) FROM "
		    "assent.permit WHERE octet_length(packed) = "
		    f"{3 + 4 * PURPOSES}").split()
		wanted = [self.contacts * PURPOSES, self.contacts]
		if int(found[0]) < wanted[0] or int(found[1]) != wanted[1]:
			raise Broken(f"{wanted} consents and permits came to {found}")

	def _permit(self):
		"""Octets of a permit of PAIRS pairs with three expiries."""
		path = os.path.join(self.house.dir, "pairs.csv")
		with open(path, "w", encoding="ascii") as f:
			f.write("address,purpose,state,expires\n")
			for p in range(1, PAIRS + 1):
				f.write(f"pairs@rcpt.test,p{p},granted,"
				    f"{('2090', '2091', '2092')[p % 3]}-01-01\n")
		self._import(path)
		return int(self._psql("SELECT octet_length(packed) FROM "
		    "assent.permit JOIN assent.endpoint USING (key) "
		    "WHERE canonical = 'pairs@rcpt.test'"))

	def redis(self, most=BATCH * 500):
		"""What Redis needs for a contact that was looked up: one SET as
		policy/cache.c has it."""
		url = urllib.parse.urlsplit(self.house.env["REDIS_URL"])
		if url.scheme == "unix":
			s = socket.socket(socket.AF_UNIX)
			s.connect(url.path)
		else:
			s = socket.create_connection((url.hostname, url.port))
		with s, s.makefile("rb") as answers:
			def used():
				s.sendall(b"INFO memory\r\n")
				size = int(answers.readline()[1:])
				text = answers.read(size + 2).decode()
				return int(text.split("used_memory:")[1].split()[0])
			before = used()
			keys = self._psql("SELECT encode(key, 'hex'), "
			    "encode(packed, 'hex') FROM assent.permit "
			    f"LIMIT {most}").split()
			for at in range(0, len(keys), BATCH):
				part = [k.split("|") for k in keys[at:at + BATCH]]
				s.sendall(b"".join(self._set(bytes.fromhex(k),
				    bytes.fromhex(v)) for k, v in part))
				for _ in part:
					answers.readline()
			return (used() - before) / len(keys)

	@staticmethod
	def _set(key, permit):
		words = [b"SET", b"\0" * 8 + key, b"P" + permit, b"PX",
		    str(CACHE_MS).encode()]
		return b"*%d\r\n" % len(words) + b"".join(
		    b"$%d\r\n%s\r\n" % (len(w), w) for w in words)

	def _kill(self, share):
		"""Begins, or goes on, until so much of the file is done."""
		enough = share * os.path.getsize(self.path)
		child = self._begin(self.path)
		while int(self._psql("SELECT coalesce(max(octets), 0) "
		    "FROM assent.import")) < enough:
			if child.poll() is not None:
				raise Broken("assentctl ended before it was killed: "
				    "too few contacts")
			time.sleep(POLL)
		child.kill()
		child.wait()

	def run_killed(self):
		"""What is known after an import with accidents."""
		self._psql(SETUP % PAIRS)
		for i in range(KILLS):
			self._kill((i + 1) / (KILLS + 1))
		self._import(self.path)
		return self._psql(KNOWN)

	def run(self, other):
		"""`other` is a stack for the import that is killed."""
		self._write()
		self._psql(SETUP % PAIRS)
		before = int(self._psql(SIZE))
		copied = self._copy()
		took, peak = self._import(self.path)
		self._check()
		size = int(self._psql(SIZE)) - before
		rows = self.contacts * PURPOSES
		if Import(other, self.contacts, self.path).run_killed() \
		    != self._psql(KNOWN):
			raise Broken("killed, the import came to something else")
		os.unlink(self.path)
		return {"contacts": self.contacts, "purposes": PURPOSES,
		    "kills": KILLS,
		    "copy_rate": rows / copied, "import_rate": rows / took,
		    "rate_ratio": copied / took, "client_mb": peak / 1e6,
		    "postgresql_octets": size / self.contacts,
		    "redis_octets": self.redis(),
		    "permit_octets": self._permit()}
