# SPDX-License-Identifier: ISC
"""change - what a single withdrawal costs

A click on a link is one transaction (assent.opt_out): state, ledger and permit
of a contact who has granted PURPOSES purposes.  Two rounds of turns show what
it costs, with CLIENTS at once, on a PostgreSQL that writes to disk: what does
not wait for it is no transaction anybody relies on.

- By pgbench, with prepared statements, beside the least that could be done: a
  transaction of one UPDATE, one INSERT and one NOTIFY.
- By clicks on assent-web, which marks the cache before and tells it after,
  beside the same transaction by pgbench: what the web adds.  And beside the
  rows alone that it writes, into tables of the same indexes with no rules (two
  UPDATEs and two INSERTs): what the rules cost.

Programs keep their sessions, in which each statement is planned once.  So a
run is long enough for that not to count for much.  Every withdrawal is
somebody's first, and all are counted.
"""

import json
import os
import re
import subprocess

from rig import Broken, sp

NAMES = ("assent", "bare")
CLICKS = ("web", "pgbench", "rows")
CLIENTS = 8
PURPOSES = 5

SETUP = """
SET client_min_messages = warning;
CREATE SCHEMA bench;
CREATE TABLE bench.account (id bigint PRIMARY KEY, balance int NOT NULL);
CREATE TABLE bench.history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(),
	delta int NOT NULL);
CREATE TABLE bench.consent (LIKE assent.consent INCLUDING INDEXES);
CREATE TABLE bench.event (LIKE assent.event INCLUDING DEFAULTS
	INCLUDING IDENTITY INCLUDING INDEXES);
CREATE TABLE bench.event_person (LIKE assent.event_person INCLUDING INDEXES);
CREATE TABLE bench.permit (LIKE assent.permit INCLUDING INDEXES);
SELECT assent.brand_add('bench', 'Bench');
SELECT assent.purpose_add('bench', 'p' || n, 'P', '{email}')
FROM generate_series(1, %(purposes)d) AS n;
"""

# Somebody for each transaction: client and number make the key.
PEOPLE = """
CREATE TEMPORARY TABLE person AS
SELECT decode('be' || lpad(to_hex(client), 4, '0')
	|| lpad(to_hex(i), 20, '0'), 'hex') AS key,
	nextval(pg_get_serial_sequence('assent.contact', 'id')) AS id
FROM generate_series(0, %(clients)d - 1) AS client,
	generate_series(%(from)d, %(to)d) AS i;
INSERT INTO assent.contact (id) OVERRIDING SYSTEM VALUE SELECT id FROM person;
INSERT INTO assent.endpoint (key, contact_id, kind, canonical, original)
SELECT key, id, 'email', 'b' || id || '@rcpt.test', 'b' || id || '@rcpt.test'
FROM person;
INSERT INTO assent.consent (contact_id, purpose_id, channel, state, since,
	event_id)
SELECT c.id, p.id, 'email', 'granted', now() - interval '1 day', 0
FROM person c, assent.purpose p WHERE p.slug ~ '^p[0-9]+$'
	AND p.brand_id = (SELECT id FROM assent.brand WHERE slug = 'bench');
INSERT INTO bench.account SELECT id, 0 FROM person;
INSERT INTO bench.consent SELECT c.* FROM assent.consent c
JOIN person p ON p.id = c.contact_id;
INSERT INTO bench.permit SELECT m.* FROM assent.permit m JOIN person USING (key);
"""

# As assent-web does it: the key is marked, in the generation that holds.
WITHDRAWAL = r"""
\set i :i + 1
SELECT o.changed FROM (SELECT 'be' || lpad(to_hex(:client_id::int), 4, '0')
	|| lpad(to_hex(:i::int), 20, '0') AS hex) AS k,
	LATERAL assent.opt_out(:generation || ':0:' || hex, decode(hex, 'hex'),
	:purpose::int, 'email', 'one-click',
	'{"ip": "192.0.2.1", "user_agent": "Mail/1.0"}') AS o;
"""
BARE = r"""
\set who random(:first, :last)
BEGIN;
UPDATE bench.account SET balance = balance + 1 WHERE id = :who;
INSERT INTO bench.history (account_id, delta) VALUES (:who, 1);
NOTIFY bench;
END;
"""
ROWS = r"""
\set who random(:first, :last)
BEGIN;
UPDATE bench.consent SET state = 'withdrawn', since = now(),
	withdrawn_at = now(), event_id = event_id + 1
WHERE contact_id = :who AND purpose_id = :purpose AND channel = 'email';
INSERT INTO bench.event (at, act, contact_id, purpose_id, channel, source,
	commitment, leaf)
VALUES (now(), 'withdraw', :who, :purpose, 'email', 'one-click', sha256('c'),
	sha256('l'));
INSERT INTO bench.event_person VALUES (
	currval(pg_get_serial_sequence('bench.event', 'id')), sha256('s'),
	'{"ip": "192.0.2.1", "user_agent": "Mail/1.0"}');
UPDATE bench.permit SET packed = set_byte(packed, 1, 4)
WHERE key = (SELECT key FROM assent.endpoint WHERE contact_id = :who);
END;
"""
SCRIPTS = {"assent": WITHDRAWAL, "bare": BARE, "pgbench": WITHDRAWAL,
    "rows": ROWS}


class Change:
	"""The measurement, on a stack (rig.House) that is up."""

	def __init__(self, house, programs, transactions):
		self.house = house
		self.url = house.env["DATABASE_URL"]
		self.clicker = os.path.join(programs, "clicker")
		self.keys = self._copy_keys()
		self.scripts = {name: house.write(name + ".sql", text.encode())
		    for name, text in SCRIPTS.items()}
		self.transactions = transactions
		self.done = 0
		self._psql(SETUP % {"purposes": PURPOSES})

	def _copy_keys(self):
		"""Keys must be their reader's own: where they are now."""
		path = os.path.join(self.house.dir, "keys")
		octets = sp.as_root(["cat", os.path.join(self.house.dir,
		    "stack", "keys", "keys")], stdout=subprocess.PIPE).stdout
		with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600),
		    "wb") as f:
			f.write(octets)
		return path

	def _psql(self, text, *options):
		done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
		    *options, "-d", self.url, "-f", "-"], input=text, text=True,
		    stdout=subprocess.PIPE, check=False)
		if done.returncode != 0:
			raise Broken("the database refused the benchmark's SQL")
		return done.stdout.strip()

	def prepare(self):
		"""People for one more run, outside of what is measured, and so
		is what autovacuum would do about them meanwhile."""
		self._psql(PEOPLE % {"clients": CLIENTS, "from": self.done + 1,
		    "to": self.done + self.transactions}, "-1")
		self._psql("VACUUM ANALYZE")
		self.first, self.last, self.generation, self.purpose = \
		    self._psql("SELECT min(id), max(id) FROM bench.account; "
			"SELECT assent.cache_generation(0); "
			"SELECT id FROM assent.purpose WHERE slug = 'p1'"
			).replace("\n", "|").split("|")

	def _pgbench(self, name):
		"""Transactions per second."""
		told = subprocess.run(["pgbench", "-n", "-M", "prepared",
		    "-c", str(CLIENTS), "-j", "2", "-t", str(self.transactions),
		    "-D", f"i={self.done}", "-D", f"first={self.first}",
		    "-D", f"last={self.last}", "-D", f"generation={self.generation}",
		    "-D", f"purpose={self.purpose}",
		    "-f", self.scripts[name], self.url],
		    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
		    check=False)
		rate = re.search(r"^tps = ([0-9.]+)", told.stdout, re.M)
		if told.returncode != 0 or not rate:
			raise Broken(f"pgbench did not end well: {name}")
		return float(rate[1])

	def _click(self):
		"""Clicks per second."""
		told = subprocess.run([self.clicker, self.keys,
		    self.house.env["WEB_URL"].rpartition(":")[2], self.purpose,
		    str(CLIENTS), str(self.done), str(self.transactions)],
		    stdout=subprocess.PIPE, text=True, check=False)
		if told.returncode != 0:
			raise Broken("assent-web did not answer every click")
		done = json.loads(told.stdout)
		return done["clicks"] / done["seconds"]

	def run(self, name):
		withdraws = name in ("assent", "web", "pgbench")
		if withdraws:
			self.prepare()
		rate = self._click() if name == "web" else self._pgbench(name)
		if withdraws:
			self.done += self.transactions
			self.check(name)
		return {"rate": rate, "latency_us": CLIENTS / rate * 1e6}

	def check(self, name):
		"""Everybody so far has left, once each, and in the ledger."""
		found = self._psql("SELECT count(*) FROM assent.consent c "
		    "JOIN assent.event v ON v.id = c.event_id "
		    "AND v.act = 'withdraw' WHERE c.state = 'withdrawn' "
		    f"AND c.purpose_id = {self.purpose}; "
		    "SELECT assent.cache_generation(0)").split()
		wanted = str(CLIENTS * self.done)
		if found[0] != wanted:
			raise Broken(f"{wanted} withdrawals came to {found[0]}")
		# assent-web may move it: when Redis does not answer in time.
		if name != "web" and found[1] != self.generation:
			raise Broken("the marks did not hold")
