# SPDX-License-Identifier: ISC
"""change - what a single withdrawal costs

A click on a link is one transaction (assent.opt_out): state, ledger and permit
of a contact who has granted PURPOSES purposes.  Beside it, in turns, the least
that could be done: a transaction of one UPDATE, one INSERT and one NOTIFY.
Both by pgbench with prepared statements, CLIENTS at once, on a PostgreSQL that
writes to disk: what does not wait for it is no transaction anybody relies on.
Every withdrawal is somebody's first, and all are counted.
"""

import os
import re
import subprocess

from rig import Broken

NAMES = ("assent", "bare")
CLIENTS = 8
PURPOSES = 5

SETUP = """
SET client_min_messages = warning;
CREATE SCHEMA bench;
CREATE TABLE bench.account (id bigint PRIMARY KEY, balance int NOT NULL);
CREATE TABLE bench.history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(),
	delta int NOT NULL);
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
"""

# As assent-web does it: the key is marked, in the epoch that holds.
WITHDRAWAL = r"""
\set i :i + 1
SELECT o.changed FROM (SELECT 'be' || lpad(to_hex(:client_id::int), 4, '0')
	|| lpad(to_hex(:i::int), 20, '0') AS hex) AS k,
	LATERAL assent.opt_out(:epoch || ':' || hex, decode(hex, 'hex'),
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


class Change:
	"""The measurement, on a stack (rig.House) that is up."""

	def __init__(self, house, transactions):
		self.url = house.env["DATABASE_URL"]
		self.scripts = {}
		for name, text in zip(NAMES, (WITHDRAWAL, BARE)):
			self.scripts[name] = os.path.join(house.dir,
			    name + ".sql")
			with open(self.scripts[name], "w",
			    encoding="ascii") as f:
				f.write(text)
		self.transactions = transactions
		self.done = 0
		self._psql(SETUP % {"purposes": PURPOSES})

	def _psql(self, text):
		done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
		    "-1", "-d", self.url, "-f", "-"], input=text, text=True,
		    stdout=subprocess.PIPE, check=False)
		if done.returncode != 0:
			raise Broken("the database refused the benchmark's SQL")
		return done.stdout.strip()

	def prepare(self):
		"""People for one more run, outside of what is measured."""
		self._psql(PEOPLE % {"clients": CLIENTS, "from": self.done + 1,
		    "to": self.done + self.transactions})
		self._psql("ANALYZE bench.account")
		self.first, self.last, self.epoch, self.purpose = \
		    self._psql("SELECT min(id), max(id) FROM bench.account; "
			"SELECT epoch FROM assent.cache_epoch; "
			"SELECT id FROM assent.purpose WHERE slug = 'p1'"
			).replace("\n", "|").split("|")

	def run(self, name):
		if name == "assent":
			self.prepare()
		told = subprocess.run(["pgbench", "-n", "-M", "prepared",
		    "-c", str(CLIENTS), "-j", "2", "-t", str(self.transactions),
		    "-D", f"i={self.done}", "-D", f"first={self.first}",
		    "-D", f"last={self.last}", "-D", f"epoch={self.epoch}",
		    "-D", f"purpose={self.purpose}",
		    "-f", self.scripts[name], self.url],
		    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
		    check=False)
		rate = re.search(r"^tps = ([0-9.]+)", told.stdout, re.M)
		if told.returncode != 0 or not rate:
			raise Broken(f"pgbench did not end well: {name}")
		if name == "assent":
			self.done += self.transactions
			self.check()
		return {"rate": float(rate[1]),
		    "latency_us": CLIENTS / float(rate[1]) * 1e6}

	def check(self):
		"""Everybody so far has left, once each, and in the ledger."""
		found = self._psql("SELECT count(*) FROM assent.consent c "
		    "JOIN assent.event v ON v.id = c.event_id "
		    "AND v.act = 'withdraw' WHERE c.state = 'withdrawn' "
		    f"AND c.purpose_id = {self.purpose}; "
		    "SELECT epoch FROM assent.cache_epoch").split()
		if found != [str(CLIENTS * self.done), self.epoch]:
			raise Broken(f"{CLIENTS * self.done} withdrawals came "
			    f"to {found[0]}, in epoch {found[1]}")
