# SPDX-License-Identifier: ISC
"""The ledger: what a superuser changes shows, and a proof stands alone."""

import contextlib
import json
import os
import subprocess
import threading

import psycopg2
import pytest

from conftest import ROOT, new_stack

ASSENTCTL = ROOT / os.environ.get("BUILD", "build") / "assentctl"


@pytest.fixture(scope="module")
def ledger(request):
	"""A stack whose ledger has a past: three roots, and events after."""
	s = new_stack()
	request.addfinalizer(s.close)
	for _ in range(2):
		for _ in range(5):
			s.subscriber()
		s.ctl("ledger", "checkpoint")
	s.erased = s.sql("SELECT max(id) - 1 FROM assent.event")[0][0]
	s.sql("SELECT assent.erase_person_fields(ARRAY[%s]::bigint[], 'test')",
	    s.erased)
	s.ctl("ledger", "checkpoint")
	s.subscriber()
	return s


def superuser(stack):
	db = psycopg2.connect(stack.env["DATABASE_URL"], user="postgres")
	with db, db.cursor() as cursor:
		cursor.execute("SET session_replication_role = replica")
	return db


@contextlib.contextmanager
def tampered(stack, *statements):
	"""Runs SQL that no trigger sees, and puts all tables back after."""
	tables = "event", "event_person", "leaf", "merkle_node", "checkpoint"
	db = superuser(stack)
	with db, db.cursor() as cursor:
		for t in tables:
			cursor.execute(f"CREATE TABLE public.keep_{t} AS "
			    f"SELECT * FROM assent.{t}")
	try:
		with db, db.cursor() as cursor:
			for s in statements:
				cursor.execute(s)
				assert cursor.rowcount, s
		yield
	finally:
		with db, db.cursor() as cursor:
			for t in tables:
				cursor.execute(f"DELETE FROM assent.{t};"
				    f"INSERT INTO assent.{t} OVERRIDING SYSTEM VALUE "
				    f"SELECT * FROM public.keep_{t};"
				    f"DROP TABLE public.keep_{t}")
		db.close()


def verify(stack):
	told = stack.ctl("ledger", "verify", "--json", check=False)
	out = json.loads(told.stdout)
	assert told.returncode == (0 if out.get("ok") else 1), out
	return out


def flip(column, where, table="event", octet=0):
	return (f"UPDATE assent.{table} SET {column} = set_byte({column}, "
	    f"{octet}, get_byte({column}, {octet}) # 1) WHERE {where}")


def swap(table, key, columns, a, b):
	"""Gives row a what row b has, and the other way round."""
	sets = ", ".join(f"{c} = o.{c}" for c in columns)
	return (f"UPDATE assent.{table} AS t SET {sets} FROM "
	    f"(SELECT * FROM assent.{table} WHERE {key} IN ({a}, {b})) AS o "
	    f"WHERE (t.{key} = {a} AND o.{key} = {b}) "
	    f"OR (t.{key} = {b} AND o.{key} = {a})")


FACTS = ("recorded_at", "at", "act", "contact_id", "purpose_id", "channel",
    "expires_at", "source", "actor", "commitment", "about",
    "text_id", "detail")
RELEAF = "UPDATE assent.event e SET leaf = assent.event_leaf(e) WHERE id = %s"
HASHES = "UPDATE assent.leaf l SET hash = leaf FROM assent.event " \
    "WHERE id = event_id AND hash <> leaf"
INSERT = ("INSERT INTO assent.event ({0}, leaf, id) OVERRIDING SYSTEM VALUE "
    "SELECT {0}, leaf, {1} FROM assent.event WHERE id = 7")

TAMPERINGS = {
    # table, kind, event named (None: none, "": any), statements
    "event: a text": ("event", "changed", 7,
	["UPDATE assent.event SET source = source || 'x' WHERE id = 7"]),
    "event: a byte of the commitment": ("event", "changed", 7,
	[flip("commitment", "id = 7")]),
    "event: a byte of the leaf": ("event", "changed", 7,
	[flip("leaf", "id = 7")]),
    "event: another act": ("event", "changed", 7,
	["UPDATE assent.event SET act = 'withdraw' WHERE id = 7"]),
    "event: another contact": ("event", "changed", 7,
	["UPDATE assent.event SET contact_id = contact_id + 1 WHERE id = 7"]),
    "event: no channel": ("event", "changed", 7, ["UPDATE assent.event "
	"SET channel = NULL, purpose_id = NULL WHERE id = 7"]),
    "event: re-dated": ("event", "changed", 7, ["UPDATE assent.event "
	"SET at = at - interval '1 microsecond' WHERE id = 7"]),
    "event: recorded earlier": ("event", "changed", 7,
	["UPDATE assent.event SET recorded_at = recorded_at - interval '1 day' "
	"WHERE id = 7"]),
    "event: an expiry": ("event", "changed", 7,
	["UPDATE assent.event SET expires_at = now() WHERE id = 7"]),
    "event: another text": ("event", "changed", 7,
	["UPDATE assent.event SET text_id = 1 WHERE id = 7"]),
    "event: re-dated, with its leaf": ("event", "changed", 7,
	["UPDATE assent.event SET at = at - interval '1 day' WHERE id = 7",
	RELEAF % 7]),
    "event: re-dated, with its leaf in the tree": ("event", "changed", "",
	["UPDATE assent.event SET at = at - interval '1 day' WHERE id = 7",
	RELEAF % 7, HASHES]),
    "event: removed": ("event", "removed", 7,
	["DELETE FROM assent.event WHERE id = 7"]),
    "event: removed with its personal fields": ("event", "removed", 7,
	["DELETE FROM assent.event_person WHERE event_id = 7",
	"DELETE FROM assent.event WHERE id = 7"]),
    "event: removed with its leaf": ("leaf", "removed", "",
	["DELETE FROM assent.event_person WHERE event_id = 7",
	"DELETE FROM assent.leaf WHERE event_id = 7",
	"DELETE FROM assent.event WHERE id = 7"]),
    "event: swapped": ("event", "swapped", 7,
	[swap("event", "id", FACTS, 7, 12)]),
    "event: swapped with leaves": ("event", "swapped", 7,
	[swap("event", "id", (*FACTS, "leaf"), 7, 8)]),
    "event: inserted": ("event", "changed", 900, [INSERT.format(
	", ".join(FACTS), 900)]),
    "event: inserted, with a leaf": ("event_person", "removed", 900,
	[INSERT.format(", ".join(FACTS), 900), RELEAF % 900]),
    "event: inserted into the past": ("event", "inserted", -7,
	[INSERT.format(", ".join(FACTS), -7), RELEAF % -7,
	"INSERT INTO assent.event_person SELECT -7, salt, fields "
	"FROM assent.event_person WHERE event_id = 7"]),
    "event: the last one, not signed yet": ("event", "changed", "",
	["UPDATE assent.event SET source = 'x' "
	"WHERE id = (SELECT max(id) FROM assent.event)"]),
    "event_person: a byte of the salt": ("event_person", "changed", 7,
	[flip("salt", "event_id = 7", "event_person", 31)]),
    "event_person: a field": ("event_person", "changed", 7,
	["UPDATE assent.event_person SET fields = '{\"a\": 1}' "
	"WHERE event_id = 7"]),
    "event_person: removed": ("event_person", "removed", 7,
	["DELETE FROM assent.event_person WHERE event_id = 7"]),
    "event_person: inserted": ("event_person", "inserted", 900,
	["INSERT INTO assent.event_person SELECT 900, salt, fields "
	"FROM assent.event_person WHERE event_id = 7"]),
    "event_person: back after its erasure": ("event_person", "inserted",
	"erased", ["INSERT INTO assent.event_person SELECT {erased}, salt, "
	"fields FROM assent.event_person WHERE event_id = 7"]),
    "event_person: swapped": ("event_person", "swapped", 7,
	[swap("event_person", "event_id", ("salt", "fields"), 7, 8)]),
    "leaf: a byte": ("leaf", "changed", 7,
	[flip("hash", "event_id = 7", "leaf")]),
    "leaf: another event": ("leaf", "changed", 7,
	["UPDATE assent.leaf SET event_id = 900 WHERE event_id = 7"]),
    "leaf: removed": ("leaf", "removed", 7,
	["DELETE FROM assent.leaf WHERE event_id = 7"]),
    "leaf: inserted": ("checkpoint", "removed", "",
	["INSERT INTO assent.leaf SELECT max(l.number) + 1, max(e.id), "
	"sha256('') FROM assent.leaf l, assent.event e"]),
    "leaf: hashes swapped": ("leaf", "swapped", 7,
	[swap("leaf", "event_id", ("hash",), 7, 8)]),
    "leaf: events swapped": ("leaf", "swapped", 8,
	["UPDATE assent.leaf SET event_id = -1 WHERE event_id = 8",
	"UPDATE assent.leaf SET event_id = 8 WHERE event_id = 7",
	"UPDATE assent.leaf SET event_id = 7 WHERE event_id = -1"]),
    "merkle_node: a byte": ("merkle_node", "changed", 7,
	[flip("hash", "level = 1 AND index = 3", "merkle_node", 9)]),
    "merkle_node: a byte above": ("merkle_node", "changed", 1,
	[flip("hash", "level = 4 AND index = 0", "merkle_node", 9)]),
    "merkle_node: removed": ("merkle_node", "removed", 7,
	["DELETE FROM assent.merkle_node WHERE level = 1 AND index = 3"]),
    "merkle_node: inserted": ("merkle_node", "inserted", None,
	["INSERT INTO assent.merkle_node VALUES (1, 500, sha256(''))"]),
    "merkle_node: another place": ("merkle_node", "removed", 5,
	["UPDATE assent.merkle_node SET index = 900 "
	"WHERE level = 1 AND index = 2"]),
    "merkle_node: swapped": ("merkle_node", "changed", 7,
	["UPDATE assent.merkle_node SET index = -1 + 1000 "
	"WHERE level = 1 AND index = 3",
	"UPDATE assent.merkle_node SET index = 3 WHERE level = 1 AND index = 4",
	"UPDATE assent.merkle_node SET index = 4 "
	"WHERE level = 1 AND index = 999"]),
    "checkpoint: a byte of the root": ("checkpoint", "changed", None,
	[flip("root", "number = 2", "checkpoint")]),
    "checkpoint: a byte of the signature": ("checkpoint", "changed", None,
	[flip("signature", "number = 2", "checkpoint", 63)]),
    "checkpoint: removed": ("checkpoint", "removed", None,
	["DELETE FROM assent.checkpoint WHERE number = 1"]),
    "checkpoint: the last removed": ("checkpoint", "removed", "",
	["DELETE FROM assent.checkpoint WHERE number = 3"]),
    "checkpoint: inserted": ("checkpoint", "changed", None,
	["INSERT INTO assent.checkpoint SELECT 4, size + 1, root, signed_at, "
	"key_id, signature, last_id, horizon, settled FROM assent.checkpoint "
	"WHERE number = 3"]),
    "checkpoint: swapped": ("checkpoint", "changed", None,
	["UPDATE assent.checkpoint SET number = 9 WHERE number = 1",
	"UPDATE assent.checkpoint SET number = 1 WHERE number = 2",
	"UPDATE assent.checkpoint SET number = 2 WHERE number = 9"]),
    **{f"checkpoint: another {c}": ("checkpoint", "changed", None,
	[f"UPDATE assent.checkpoint SET {c} = {c} + {d} WHERE number = 2"])
	for c, d in (("size", -1), ("signed_at", "interval '1 microsecond'"),
	("last_id", 1), ("horizon", 1), ("settled", -1))},
    "checkpoint: another key": ("checkpoint", "changed", None,
	["UPDATE assent.checkpoint SET key_id = 1 WHERE number = 2"]),
}


def test_an_unaltered_ledger_stands(ledger):
	out = verify(ledger)
	assert out["ok"] and out["checkpoints"] == 3 and out["unsigned"] == 1
	assert out["erased"] == 1
	assert "stands" in ledger.ctl("ledger", "verify").stdout


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found_and_named(ledger, what):
	table, kind, event, statements = TAMPERINGS[what]
	statements = [s.replace("{erased}", str(ledger.erased))
	    for s in statements]
	with tampered(ledger, *statements):
		out = verify(ledger)
		assert not out["ok"], out
		(problem,) = out["problems"]
		assert (problem["table"], problem["kind"]) == (table, kind), \
		    problem
		if event == "erased":
			event = ledger.erased
		if event == "":
			assert problem["event"] > 0
		else:
			assert problem.get("event") == event, problem
		told = ledger.ctl("ledger", "verify", check=False)
		assert told.returncode == 1 and problem["text"] in told.stdout
	assert verify(ledger)["ok"]


def test_a_rewritten_past_is_not_signed_again(ledger):
	"""The whole tree was made to fit: only the signed root does not."""
	with tampered(ledger,
	    "UPDATE assent.event SET source = 'x' WHERE id = 7", RELEAF % 7,
	    HASHES, "DELETE FROM assent.merkle_node",
	    "SELECT assent.grow(0, (SELECT count(*) FROM assent.leaf))"):
		out = verify(ledger)
		assert not out["ok"] and "checkpoint 1 " in \
		    out["problems"][0]["text"], out
		told = ledger.ctl("ledger", "checkpoint", check=False)
		assert told.returncode == 1 and "will not be signed" in \
		    told.stderr, told
	assert verify(ledger)["ok"]


def test_a_key_that_is_not_known_is_named(ledger):
	keys = ledger.folder / "keys" / "keys"
	before = keys.read_text()
	ledger.ctl("keys", "rotate", "--ledger")
	assert verify(ledger)["ok"]
	listed = json.loads(ledger.ctl("ledger", "key", "--json").stdout)["keys"]
	assert [(k["number"], k["signs"]) for k in listed] == [
	    (1, True), (0, False)]
	keys.write_text("\n".join(line for line in
	    keys.read_text().splitlines() if "ledger 0" not in line) + "\n")
	assert "ledger key 0" in verify(ledger)["problems"][0]["text"]
	keys.write_text(before)
	assert verify(ledger)["ok"]


@pytest.fixture(scope="module")
def written():
	"""A stack whose ledger is whole, and written at by tests."""
	s = new_stack()
	yield s
	s.close()


def test_concurrent_writers_lose_nothing(written):
	"""Transactions that commit in another order than they began."""
	s = written
	failures = []

	def write(who):
		with psycopg2.connect(s.env["DATABASE_URL"]) as db:
			for i in range(40):
				with db.cursor() as cursor:
					for _ in range(3):
						cursor.execute("""
						    SELECT assent.record('grant', %s,
							1, 'email', now(), NULL,
							'test', '{}'),
							pg_sleep(0.002)""",
						    (1000 + who,))
				if i % 7:
					db.commit()
				else:
					db.rollback()

	def checkpoint():
		while any(w.is_alive() for w in writers):
			told = s.ctl("ledger", "checkpoint", check=False)
			if told.returncode:
				failures.append(told.stderr)

	writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
	signer = threading.Thread(target=checkpoint)
	for t in (*writers, signer):
		t.start()
	for t in (*writers, signer):
		t.join()
	assert not failures
	s.ctl("ledger", "checkpoint")
	((events, leaves),) = s.sql("SELECT (SELECT count(*) FROM assent.event), "
	    "(SELECT count(*) FROM assent.leaf)")
	assert events == leaves >= 4 * 34 * 3
	out = verify(s)
	assert out["ok"] and out["unsigned"] == 0 and out["checkpoints"] > 2
	# The search moves on: it does not go back to the first event.
	s.ctl("grant", "one-more@rcpt.test", "newsletter")
	s.ctl("ledger", "checkpoint")
	((settled, last),) = s.sql("SELECT c.settled, (SELECT max(last_id) "
	    "FROM assent.checkpoint WHERE number < c.number) "
	    "FROM assent.checkpoint c ORDER BY number DESC LIMIT 1")
	assert settled == last


def test_a_late_commit_gets_a_later_leaf(written):
	s = written
	late = psycopg2.connect(s.env["DATABASE_URL"])
	record = ("SELECT assent.record('grant', 1, 1, 'email', now(), NULL, "
	    "'test', '{}')")
	with late.cursor() as cursor:
		cursor.execute(record)
		(early_id,) = cursor.fetchone()
	for _ in range(3):
		((later_id,),) = s.sql(record)
		s.ctl("ledger", "checkpoint")
	assert early_id < later_id and verify(s)["ok"]
	late.commit()
	late.close()
	assert verify(s)["unsigned"] == 1
	s.ctl("ledger", "checkpoint")
	(numbers,) = zip(*s.sql("SELECT number FROM assent.leaf WHERE event_id "
	    "IN (%s, %s) ORDER BY event_id", early_id, later_id))
	assert numbers[0] > numbers[1] and verify(s)["ok"]


def test_the_service_signs_by_itself(own_stack):
	s = own_stack
	service = subprocess.Popen([s.env["ASSENTCTL"], "ledger", "checkpoint",
	    "--every", "200ms"], stdout=subprocess.PIPE, text=True)
	try:
		assert service.stdout.readline().startswith("checkpoint 1: ")
		s.subscriber()
		assert service.stdout.readline().startswith("checkpoint 2: ")
		s.stop("postgres")
		s.start("postgres")
		s.subscriber()
		assert service.stdout.readline().startswith("checkpoint 3: ")
	finally:
		service.terminate()
	assert service.wait(10) == 0
	assert verify(s)["ok"]


ROLES = ["milter", "reader", "web", "operator", "checkpointer", "auditor",
    "dpo"]
TABLES = ["event", "event_person", "leaf", "merkle_node", "checkpoint",
    "opened"]
MAY_READ = {"checkpointer": {"leaf", "merkle_node", "checkpoint"},
    "dpo": {"leaf", "merkle_node", "checkpoint"},
    "auditor": {"event", "opened", "leaf", "merkle_node", "checkpoint"}}
CALLS = {"checkpoint_begin": "SELECT * FROM assent.checkpoint_begin()",
    "checkpoint_sign": "SELECT assent.checkpoint_sign(NULL, NULL, NULL, NULL, "
	"NULL, NULL, NULL, NULL, NULL)",
    "person_ledger": "SELECT * FROM assent.person_ledger('\\x00', 'test')",
    "erase": "SELECT assent.erase_person_fields('{1}', 'test')",
    "record": "SELECT assent.record('grant', 1, 1, 'email', now(), NULL, "
	"'test', NULL)",
    "grow": "SELECT assent.grow(0, 1)",
    "person_data": "SELECT assent.person_data('\\x00', 'export')",
    "forget": "SELECT * FROM assent.forget('', NULL, 'test')",
    "confirm": "SELECT * FROM assent.confirm('', NULL, '', '', NULL, NULL, "
	"NULL, NULL)",
    "lift": "SELECT assent.lift(NULL, NULL, 'test')",
    "erasures_apply": "SELECT assent.erasures_apply('[]')"}
MAY_CALL = {"checkpointer": {"checkpoint_begin", "checkpoint_sign"},
    "dpo": {"person_ledger", "person_data"}, "web": {"confirm"},
    "operator": {"forget"}}


def let_in(db, statement):
	try:
		with db.cursor() as cursor:
			cursor.execute(statement)
		return True
	except psycopg2.errors.InsufficientPrivilege:
		return False
	except psycopg2.Error:
		return True
	finally:
		db.rollback()


@pytest.mark.parametrize("role", ROLES)
def test_each_role_by_its_own_login(ledger, role):
	db = psycopg2.connect(ledger.env["DATABASE_URL"],
	    user=f"assent_{role}")
	for table in TABLES:
		assert let_in(db, f"SELECT FROM assent.{table}") == (
		    table in MAY_READ.get(role, ())), table
		for statement in (f"INSERT INTO assent.{table} DEFAULT VALUES",
		    f"DELETE FROM assent.{table}",
		    f"UPDATE assent.{table} SET {COLUMN[table]} = NULL"):
			assert not let_in(db, statement), statement
		if table != "opened":
			assert not let_in(db, f"TRUNCATE assent.{table}")
			assert not let_in(db, f"ALTER TABLE assent.{table} "
			    "DISABLE TRIGGER ALL")
	for name, call in CALLS.items():
		assert let_in(db, call) == (name in MAY_CALL.get(role, ())), name
	assert not let_in(db, "SET session_replication_role = replica")
	db.close()


COLUMN = {"event": "source", "event_person": "salt", "leaf": "hash",
    "merkle_node": "hash", "checkpoint": "root", "opened": "event_id"}


@pytest.fixture(scope="module")
def proof(ledger):
	"""A proof in a file, its document, and the public key."""
	address = ledger.subscriber()
	ledger.ctl("withdraw", address, "newsletter", "--evidence",
	    "a \"parchment\" zażółć 7")
	ledger.ctl("grant", address, "offers", "--expires", "2999-01-01")
	ledger.ctl("ledger", "checkpoint")
	ledger.ctl("withdraw", address, "offers")
	told = ledger.ctl("proof", address)
	key = ledger.ctl("ledger", "key").stdout.split()[1]
	return address, json.loads(told.stdout), key


def examine(document, key):
	"""Offline: no configuration, no server."""
	text = document if isinstance(document, str) else json.dumps(document)
	told = subprocess.run([ASSENTCTL, "-c", "/nonexistent", "proof",
	    "verify", "-", "--key", key, "--json"], input=text,
	    capture_output=True, text=True, check=False, timeout=30)
	out = json.loads(told.stdout)
	assert told.returncode == (0 if out.get("ok") else 1), told
	return out


def scalars(node, path=()):
	"""Every value that is no list and no object, with its place."""
	if isinstance(node, (dict, list)):
		pairs = node.items() if isinstance(node, dict) else \
		    enumerate(node)
		for key, value in pairs:
			yield from scalars(value, (*path, key))
	else:
		yield path, node


def changed(document, path, value):
	copy = json.loads(json.dumps(document))
	at = copy
	for key in path[:-1]:
		at = at[key]
	at[path[-1]] = value
	return copy


def flips(value):
	"""The value with one character flipped, at both ends and inside."""
	if isinstance(value, str):
		for i in {0, len(value) // 2, len(value) - 1} if value else ():
			for bit in (1, 32):
				c = chr(ord(value[i]) ^ bit)
				yield value[:i] + c + value[i + 1:]
	elif isinstance(value, int):
		yield from (value + 1, -value - 1, str(value), float(value))
	else:
		yield from (0, "", False)


def test_a_proof_holds_offline(proof):
	address, document, key = proof
	out = examine(document, key)
	assert out["ok"] and out["events"] == 3 and out["address"] == address
	assert document["unsigned"] == 1
	facts = [e["facts"] for e in document["events"]]
	assert [f["act"] for f in facts] == ["grant", "withdraw", "grant"]
	assert json.loads(document["events"][1]["personal"]["fields"]) == {
	    "evidence": "a \"parchment\" zażółć 7"}
	# Written in another way it is the same document.
	assert examine(json.dumps(document, indent=7, sort_keys=True), key)["ok"]


def test_a_proof_has_a_consent_record(proof):
	address, document, _ = proof
	record = document["consent_record"]
	assert record["schema_version"] == "ISO/IEC TS 27560:2023"
	assert record["pii_principal_id"] == address
	assert {p["purpose"] for p in record["pii_processing"]["purposes"]} == {
	    "acme/newsletter", "acme/offers"}
	assert [p["party_name"] for p in record["party_identification"]] == [
	    "Acme"]
	assert [e["event_state"] for e in record["events"]] == ["given",
	    "withdrawn", "given"]


def test_no_flipped_character_is_proof(proof):
	_, document, key = proof
	tried = 0
	for path, value in scalars(document):
		for other in flips(value):
			out = examine(changed(document, path, other), key)
			assert not out.get("ok"), (path, value, other)
			tried += 1
	assert tried > 200


def test_no_altered_document_is_proof(proof):
	_, document, key = proof
	for alter in (lambda d: d["events"].pop(), lambda d: d["events"].reverse(),
	    lambda d: d["events"].append(d["events"][0]),
	    lambda d: d.update(more=1), lambda d: d.pop("made_at"),
	    lambda d: d["checkpoint"].update(more=1), lambda d: d.pop("events"),
	    lambda d: d["events"][0].update(personal=None),
	    lambda d: d.pop("signature"), lambda d: d.pop("checkpoint"),
	    lambda d: d["events"][0]["path"].pop()):
		copy = json.loads(json.dumps(document))
		alter(copy)
		assert not examine(copy, key).get("ok")
	for text in ("", "[]", "{}", "null", "{\"a\": 1, \"a\": 1}", "\x00"):
		assert not examine(text, key).get("ok")
	assert not examine(document, "A" * 43 + "=")["ok"]
	for bad in ("", "x", key[:-4], key + "AAAA"):
		told = subprocess.run([ASSENTCTL, "proof", "verify", "-",
		    f"--key={bad}", "--json"], input="{}",
		    capture_output=True, text=True, check=False)
		assert told.returncode == 2 and json.loads(told.stdout)["error"]


def test_a_proof_outlives_the_person(ledger, proof):
	address, document, key = proof
	ids = [e["facts"]["id"] for e in document["events"]]
	assert ledger.sql("SELECT assent.erase_person_fields(%s::bigint[], "
	    "'forget')", ids) == [(3,)]
	assert verify(ledger)["ok"]
	ledger.ctl("ledger", "checkpoint")
	assert verify(ledger)["ok"]
	assert examine(document, key)["ok"]
	later = json.loads(ledger.ctl("proof", address).stdout)
	assert examine(later, key)["ok"]
	erased = [e for e in later["events"] if e["personal"] is None]
	assert [e["facts"]["id"] for e in erased] == ids
	assert {e["facts"]["about"] for e in later["events"]
	    if e["facts"]["act"] == "erase"} == set(ids)
	assert "parchment" not in json.dumps(later)


def owner_runs(stack, script):
	"""A script of contrib/postgresql, as its text."""
	subprocess.run(["psql", "-XAtq", "-d", stack.env["DATABASE_URL"]],
	    input=script, text=True, check=True)


def next_numbers(stack):
	"""Goes on, but for two numbers, where the last part begins."""
	stack.sql("""SELECT setval('assent.event_id_seq', max(substring(
	    pg_get_expr(relpartbound, oid) FROM '\\d+')::bigint) - 3)
	    FROM pg_class WHERE relname ~ '^event_\\d+$'""")


def test_a_ledger_in_parts(own_stack):
	"""It is split while sessions have used it whole, and again; all of it
	is still checked, proved and erased."""
	s = own_stack
	split, another = (
	    (ROOT / "contrib/postgresql" / name).read_text()
	    for name in ("partition-ledger.sql", "next-ledger-part.sql"))
	record = ("SELECT assent.record('grant', 1, 1, 'email', now(), NULL, "
	    "'test', '{}')")
	first = s.subscriber()
	s.ctl("ledger", "checkpoint")
	with contextlib.closing(psycopg2.connect(s.env["DATABASE_URL"])) as db:
		db.autocommit = True
		with db.cursor() as cursor:
			cursor.execute(record)
			owner_runs(s, split)
			cursor.execute(record)
			owner_runs(s, another)
			next_numbers(s)
			for _ in range(4):
				cursor.execute(record)
	# Interrupted before the tables are locked, and run again.
	owner_runs(s, another.split("BEGIN;\nLOCK TABLE")[0])
	second = s.subscriber()
	owner_runs(s, another)
	next_numbers(s)
	for address in first, second, second:
		s.ctl("withdraw", address, "newsletter")
		s.ctl("grant", address, "newsletter")
	assert [r[0] for r in s.sql("SELECT DISTINCT tableoid::regclass::text "
	    "FROM assent.event ORDER BY 1")] == [
	    f"assent.event_{n}" for n in (1, 2, 3)]
	assert s.sql("SELECT count(*) FROM assent.event v FULL JOIN "
	    "assent.event_person ON event_id = id "
	    "WHERE id IS NULL OR event_id IS NULL") == [(0,)]
	s.ctl("ledger", "checkpoint")
	assert verify(s)["ok"]
	for n in 1, 2, 3:
		((event,),) = s.sql(f"SELECT max(id) FROM assent.event_{n}")
		with tampered(s, f"UPDATE assent.event_{n} SET source = 'x' "
		    f"WHERE id = {event}"):
			(problem,) = verify(s)["problems"]
			assert (problem["kind"], problem["event"]) == (
			    "changed", event)
	key = s.ctl("ledger", "key").stdout.split()[1]
	assert examine(s.ctl("proof", first).stdout, key)["ok"]
	s.ctl("forget", first, "--yes")
	# A grant, a withdrawal and a grant, and that this was read.
	assert s.sql("SELECT count(*) FROM assent.event WHERE act = 'erase'") \
	    == [(4,)]
	assert verify(s)["ok"]


def test_reading_is_recorded(ledger, proof):
	address = proof[0]
	def reads():
		return ledger.sql("""SELECT e.actor FROM assent.event e
		    JOIN assent.endpoint n USING (contact_id)
		    WHERE e.act = 'access' AND n.canonical = %s""", address)
	before = len(reads())
	ledger.ctl("proof", address.upper())
	assert len(reads()) == before + 1 and reads()[-1] == ("assent_dpo",)


def test_a_proof_in_a_file(ledger, proof):
	address, _, key = proof
	file = ledger.folder / "run" / "proof.json"
	ledger.ctl("proof", address, "--out", str(file))
	try:
		assert file.stat().st_mode & 0o777 == 0o600
		told = ledger.ctl("proof", "verify", str(file), "--key", key)
		assert told.stdout.startswith("the proof holds: ")
		assert ledger.ctl("proof", address, "--out", str(file),
		    check=False).returncode == 1
	finally:
		file.unlink()
	told = ledger.ctl("proof", "nobody-at-all@rcpt.test", check=False)
	assert told.returncode == 1 and "unknown" in told.stderr
	told = ledger.ctl("proof", ledger.subscriber(), check=False)
	assert told.returncode == 1 and "ledger checkpoint" in told.stderr
