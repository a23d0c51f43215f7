# SPDX-License-Identifier: ISC
"""seed - contacts as an import leaves them, many times as fast

Set-based SQL, with the triggers off, makes the rows that "assentctl import"
makes of one contact and its purposes: keys are hashed as the programs do it,
commitments and leaves are those of the ledger's rules, so that `ledger verify`
passes and every person can be asked about.  Like an import it goes in lanes, a
part at a time, with contacts in the order of their keys and events in that of
the file, so that indexes come out as they would.  `growth` compares both, table
by table and index by index, before it relies on that.
"""

import base64
import contextlib
import hashlib
import io
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2

LANES = 2
PART = 12500			# contacts of a lane's transaction: as intake.h
CHECKPOINT = 250_000		# contacts between two of the ledger
HOSTS = 5003

PREPARE = """
SET session_replication_role = replica;
SET synchronous_commit = off;
SET jit = off;
CREATE TEMPORARY TABLE part (number bigint, key bytea, address text)
	ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE person (number bigint, key bytea, address text,
	contact bigint) ON COMMIT DELETE ROWS;
"""

# In the order of 013-import.sql; triggers being off, permits come last.
MAKE = """
INSERT INTO person SELECT number, key, address, nextval('assent.contact_id_seq')
FROM (SELECT * FROM part ORDER BY key) AS p;
INSERT INTO assent.contact (id, source, source_name) OVERRIDING SYSTEM VALUE
SELECT contact, 'import', 'contacts.csv' FROM person ORDER BY 1;
INSERT INTO assent.endpoint (key, contact_id, kind, canonical, original)
SELECT key, contact, 'email', address, address FROM person ORDER BY key;
WITH fact AS MATERIALIZED (
	SELECT nextval('assent.event_id_seq') AS id,
		clock_timestamp() AS recorded_at, at, contact, purpose,
		sha256(key || int4send(purpose)) AS salt,
		jsonb_build_object('evidence', 'form ' || number) AS fields
	FROM (SELECT o.*, p.id AS purpose, at FROM person AS o
		CROSS JOIN unnest(%(slugs)s, %(dates)s::timestamptz[])
			AS g (slug, at)
		JOIN assent.purpose p ON p.slug = g.slug
		JOIN assent.brand b ON b.id = p.brand_id AND b.slug = 'acme'
		ORDER BY number, at) AS said
), sealed AS MATERIALIZED (
	SELECT *, sha256(salt || convert_to(fields::text, 'UTF8'))
		AS commitment FROM fact
), told AS (
	INSERT INTO assent.event (id, recorded_at, at, act, contact_id,
		purpose_id, channel, source, actor, commitment, leaf)
	OVERRIDING SYSTEM VALUE
	SELECT id, recorded_at, at, 'grant', contact, purpose, 'email',
		'import', 'assent_operator', commitment, assent.event_leaf(ROW(
		id, recorded_at, at, 'grant', contact, purpose, 'email', NULL,
		'import', 'assent_operator', commitment, NULL, NULL, NULL,
		NULL)::assent.event) FROM sealed
), kept AS (
	INSERT INTO assent.event_person SELECT id, salt, fields FROM sealed
)
INSERT INTO assent.consent (contact_id, purpose_id, channel, state, since,
	event_id)
SELECT contact, purpose, 'email', 'granted', at, id FROM sealed ORDER BY 1, 2;
-- All have agreed to the same.
INSERT INTO assent.permit SELECT key, packed FROM person,
	(SELECT packed FROM assent.pack(ARRAY[(SELECT contact FROM person
		LIMIT 1)], 'email')) AS p ORDER BY key;
"""

EMPTY = """
SET session_replication_role = replica;
TRUNCATE assent.contact, assent.endpoint, assent.consent, assent.permit,
	assent.event, assent.event_person, assent.leaf, assent.merkle_node,
	assent.checkpoint, assent.import CASCADE;
"""


def address(i):
	return f"person{i}@host{i % HOSTS}.example"


class Seed:
	"""People in the database of a stack (rig.House), numbered from 0."""

	def __init__(self, house, given):
		"""`given`: by purposes of acme's, when it was."""
		self.house = house
		self.given = given
		self.count = 0
		path = os.path.join(house.dir, "stack/keys/keys")
		with open(path, encoding="ascii") as f:
			(secret,) = (words[1] for words in map(str.split, f)
			    if words[:1] == ["index"])
		self.secret = base64.b64decode(secret)

	def connect(self, role="postgres"):
		return psycopg2.connect(self.house.env["DATABASE_URL"],
		    user=role)

	def key(self, i):
		"""As policy/addr.c makes it."""
		return hashlib.blake2b(b"email\0" + address(i).encode(),
		    digest_size=16, key=self.secret).digest()[:13]

	@contextlib.contextmanager
	def session(self, role="postgres"):
		"""A cursor; each statement is a transaction."""
		db = self.connect(role)
		db.autocommit = True
		try:
			with db.cursor() as cursor:
				yield cursor
		finally:
			db.close()

	def empty(self):
		with self.session() as cursor:
			cursor.execute(EMPTY)
		self.count = 0

	def _part(self, db, first, last):
		with db, db.cursor() as cursor:
			# Before the events' numbers: see checkpoint_begin().
			cursor.execute("SELECT pg_current_xact_id()")
			cursor.copy_expert("COPY part FROM STDIN",
			    io.StringIO("".join(f"{i}\t\\\\x{self.key(i).hex()}"
			    f"\t{address(i)}\n" for i in range(first, last))))
			cursor.execute(MAKE, {"dates": list(self.given.values()),
			    "slugs": list(self.given)})

	def _lane(self, parts):
		db = self.connect()
		try:
			with db, db.cursor() as cursor:
				cursor.execute(PREPARE)
			for first, last in parts:
				self._part(db, first, last)
		finally:
			db.close()

	def _lanes(self, pool, until):
		parts = [(i, min(until, i + PART))
		    for i in range(self.count, until, PART)]
		for lane in [pool.submit(self._lane, parts[n::LANES])
		    for n in range(LANES)]:
			lane.result()
		self.count = until

	def grow(self, last, checkpoint):
		"""Adds people up to number `last`, and meanwhile has the ledger
		signed; says how far it is."""
		begun, first = time.monotonic(), self.count
		with ThreadPoolExecutor(LANES + 1) as pool:
			signing = pool.submit(checkpoint)
			while self.count < last:
				self._lanes(pool, min(last,
				    self.count + CHECKPOINT))
				signing.result()
				signing = pool.submit(checkpoint)
				rate = (self.count - first) / (time.monotonic()
				    - begun)
				print(f"seeded {self.count:,} of {last:,}, "
				    f"{rate:,.0f} a second", file=sys.stderr)
			signing.result()
