# SPDX-License-Identifier: ISC
"""Being forgotten: nothing is left, nobody is mailed, nothing brings them back."""

import csv
import io
import json
import os
import pty
import subprocess
import threading
import time
from pathlib import Path

import psycopg2
import pytest

from conftest import new_stack, wait_for

PG_BIN = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="module")
def stack():
	"""A stack whose logs hold no addresses, and that does not wait long."""
	s = new_stack()
	conf = Path(s.env["ASSENT_CONF"])
	conf.write_text(conf.read_text().replace("addresses = full",
	    "addresses = hashed").replace('redis.sock" }',
	    'redis.sock"  lease = 200ms }'))
	for part in ("milter", "web"):
		s.stop(part)
		s.start(part)
	yield s
	s.close()


def pg(stack, program, *words, user="assent_owner", database="assent"):
	return subprocess.run([PG_BIN / program, "-h", Path(
	    stack.env["ASSENT_CONF"]).parent / "run", "-p",
	    stack.env["POSTGRES_PORT"], "-U", user, "-d", database, *words],
	    check=True, capture_output=True, timeout=60).stdout


def redis(stack, *words):
	subprocess.run(["redis-cli", "-s", stack.env["REDIS_SOCKET"], *words],
	    check=True, capture_output=True)


def psql(stack, sql, database="assent"):
	pg(stack, "psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-c", sql,
	    user="postgres", database=database)


def key_of(stack, address):
	((key,),) = stack.sql("SELECT key FROM assent.endpoint "
	    "WHERE canonical = %s", address)
	return bytes(key)


def forget(stack, address):
	return json.loads(stack.ctl("forget", address, "--yes",
	    "--json").stdout)


class Person:
	"""Somebody with two addresses and all the data there can be."""

	def __init__(self, stack, name):
		self.stack = stack
		self.address = f"{name}.first@rcpt.test"
		self.second = f"{name}.second@rcpt.test"
		stack.ctl("grant", self.address, "newsletter", "--evidence",
		    f"{name}.form")
		self.key = key_of(stack, self.address)
		stack.ctl("grant", self.second, "newsletter")
		self.second_key = key_of(stack, self.second)
		stack.sql("DELETE FROM assent.endpoint WHERE key = %s",
		    self.second_key)
		with psycopg2.connect(stack.env["DATABASE_URL"]) as db, \
		    db.cursor() as c:
			c.execute("SELECT assent.endpoint_add('', %s, 't', %s, "
			    "'email', %s, %s)", (self.key, self.second_key,
			    self.second, self.second))
			c.execute("SELECT assent.contact_edit(%s, 't', 'pl', %s, "
			    "'form', %s, 'v1', NULL)", (self.key,
			    json.dumps({"name": f"{name}.attribute"}),
			    f"{name}.source"))
		db.close()
		self.traces = [f"{name}.{what}".encode() for what in
		    ("first", "second", "form", "attribute", "source")]

	def traces_in(self, octets):
		return [t.decode() for t in self.traces if t in octets.lower()]

	def traces_in_dump(self):
		return self.traces_in(pg(self.stack, "pg_dump"))

	def traces_in_files(self):
		"""What the files of the database itself hold."""
		psql(self.stack, "CHECKPOINT")
		base = self.stack.folder / "pg" / "base"
		return self.traces_in(b"".join(f.read_bytes()
		    for f in base.rglob("*") if f.is_file()))

	def traces_in_redis(self):
		for words in (("CONFIG", "SET", "rdbcompression", "no"), ("SAVE",)):
			redis(self.stack, *words)
		octets = (self.stack.folder / "redis" / "dump.rdb").read_bytes()
		assert self.key in octets, "Redis was not asked about them"
		return self.traces_in(octets)

	def traces_in_logs(self):
		return [t for part in ("milter", "web", "postgres")
		    for t in self.traces_in(self.stack.log(part).encode())]


def restore(stack, dump):
	"""Puts last night's backup in the place of the database."""
	for part in ("milter", "web"):
		stack.stop(part)
	psql(stack, "DROP DATABASE assent WITH (FORCE)", "postgres")
	psql(stack, "CREATE DATABASE assent OWNER assent_owner", "postgres")
	pg(stack, "pg_restore", dump, user="postgres")
	redis(stack, "FLUSHALL")
	for part in ("milter", "web"):
		stack.start(part)


def confirm(stack, person):
	"""The person's own double opt-in, as the web confirms it."""
	db = psycopg2.connect(stack.env["DATABASE_URL"], user="assent_web")
	with db, db.cursor() as c:
		c.execute("SELECT changed FROM assent.confirm('', %s, %s, %s, "
		    "(SELECT p.id FROM assent.purpose p JOIN assent.brand b "
		    "ON b.id = p.brand_id WHERE (b.slug, p.slug) = "
		    "('acme', 'newsletter')), 'email', NULL, jsonb_build_object("
		    "'requested_at', now(), 'confirmed_at', now(), "
		    "'message_id', '<1@optout.example.com>'))", (person.key,
		    person.address, person.address))
		assert c.fetchall() == [(True,)]
	db.close()


def test_nothing_is_left_and_nothing_brings_them_back(stack, tmp_path):
	p = Person(stack, "qfx7wholly")
	everything = len(p.traces)
	for address in (p.address, p.second):
		assert stack.rcpt(address).startswith("250")
	click = stack.delivered(stack.send(p.address).marker).link()
	stack.ctl("ledger", "checkpoint")
	proof, backup = tmp_path / "proof", tmp_path / "backup"
	proof.write_text(stack.ctl("proof", p.address).stdout)
	public = json.loads(stack.ctl("ledger", "key",
	    "--json").stdout)["keys"][0]["public"]
	pg(stack, "pg_dump", "-Fc", "-f", backup)
	psql(stack, "ANALYZE")
	assert len(p.traces_in_dump()) == everything
	assert len(p.traces_in_files()) == everything

	done = forget(stack, p.address)
	for address in (p.address, p.second):
		assert stack.rcpt(address).startswith("550 5.7.1 erased: ")
	assert done["changed"] and (done["addresses"], done["consents"]) == (2, 1)
	assert done["events"] >= 4	# grant, two edits, a proof
	assert stack.click(click) == 200
	stack.ctl("ledger", "checkpoint")

	def nothing_is_left():
		assert not p.traces_in_dump()
		assert not p.traces_in_redis()
		assert not p.traces_in_logs()
		assert json.loads(stack.ctl("ledger", "verify",
		    "--json").stdout)["ok"]
		for words in (("grant", p.address, "offers"),
		    ("withdraw", p.address, "newsletter")):
			told = stack.ctl(*words, check=False)
			assert told.returncode == 1
			assert "this person was forgotten on" in told.stderr
		told = stack.ctl("show", p.address, check=False)
		assert "the person was forgotten" in told.stderr
		assert stack.explain(p.address)["purposes"][0]["reason"] == "erased"

	nothing_is_left()
	psql(stack, "VACUUM FULL assent.endpoint, assent.contact, "
	    "assent.event_person")
	assert not p.traces_in_files()
	batch = tmp_path / "batch"
	batch.write_text(f"grant other@rcpt.test offers\n"
	    f"grant {p.second} offers\n")
	told = stack.ctl("batch", str(batch), check=False)
	assert f"{batch}:2: this person was forgotten" in told.stderr
	again = forget(stack, p.address)
	assert not again["changed"] and again["events"] == 0
	told = stack.ctl("proof", "verify", str(proof), "--key", public)
	assert told.returncode == 0

	erasures = stack.folder / "run" / "erasures"
	stack.ctl("erasures", "export", str(erasures))
	assert not p.traces_in(erasures.read_bytes())
	restore(stack, backup)
	assert stack.rcpt(p.address).startswith("250")
	assert len(p.traces_in_dump()) == everything
	told = json.loads(stack.ctl("erasures", "apply", str(erasures), "--url",
	    stack.env["DATABASE_URL"], "--json").stdout)
	assert told == {"lines": 2, "applied": 1}
	assert stack.rcpt(p.address).startswith("550 5.7.1 erased: ")
	nothing_is_left()
	told = json.loads(stack.ctl("erasures", "apply", str(erasures), "--url",
	    stack.env["DATABASE_URL"], "--json").stdout)
	assert told == {"lines": 2, "applied": 0}

	confirm(stack, p)
	assert wait_for(lambda: stack.rcpt(p.address).startswith("250"))
	told = stack.ctl("grant", p.address, "offers", "--at", "2020-01-01",
	    check=False)
	assert "after this consent of" in told.stderr
	assert json.loads(stack.ctl("ledger", "verify", "--json").stdout)["ok"]


def test_many_events_of_one_person(stack):
	address = stack.subscriber()
	stack.sql("SELECT count(assent.record('grant', contact_id, 1, 'email', "
	    "now(), NULL, 'test', '{\"ip\": \"192.0.2.1\"}')) "
	    "FROM assent.endpoint, generate_series(1, 5000) "
	    "WHERE canonical = %s", address)
	assert stack.rcpt(address).startswith("250")
	assert forget(stack, address)["events"] == 5001

	def refused_from_cache():
		assert stack.rcpt(address).startswith("550 5.7.1 erased: ")
		line = stack.log().rsplit("refuse reason=erased", 1)[1]
		return "source=cache" in line.splitlines()[0]

	# What was published is used: no milter found only a mark.
	assert wait_for(refused_from_cache)
	stack.ctl("ledger", "checkpoint")
	told = json.loads(stack.ctl("ledger", "verify", "--json").stdout)
	assert told["ok"] and told["erased"] >= 5001


def test_a_person_at_a_terminal_is_asked(stack):
	address = stack.subscriber()
	told = stack.ctl("forget", address, check=False)
	assert told.returncode == 2 and "--yes" in told.stderr

	def answer(text):
		master, slave = pty.openpty()
		with subprocess.Popen([stack.env["ASSENTCTL"], "forget", address],
		    stdin=slave, stdout=subprocess.PIPE,
		    stderr=subprocess.PIPE, text=True) as asked:
			os.write(master, text)
			out, err = asked.communicate(timeout=30)
		os.close(master)
		os.close(slave)
		assert "1 addresses and 1 consents" in err
		return asked.returncode, out

	for text in (b"y\n", b"yes please\n", b"\n", b"\4"):
		assert answer(text) == (1, "")
	assert stack.rcpt(address).startswith("250")
	status, out = answer(b"yes\n")
	assert status == 0 and "forgotten: 1 addresses" in out
	assert "erased" in stack.rcpt(address)


def test_a_backup_does_not_undo_a_click(stack):
	"""Who left, unknown to the backup, is kept by the key of the link."""
	address = stack.subscriber()
	sent = stack.send(address)
	link = stack.delivered(sent.marker).link()
	stack.sql("""WITH gone AS (DELETE FROM assent.endpoint
		WHERE canonical = %s RETURNING contact_id)
		DELETE FROM assent.consent USING gone
		WHERE consent.contact_id = gone.contact_id""", address)
	before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
	assert stack.click(link) == stack.click(link) == 200
	told = stack.ctl("grant", address, "newsletter", "--at", before,
	    check=False)
	assert told.returncode == 1 and "withdrawn on" in told.stderr
	stack.ctl("grant", address, "offers", "--at", before)
	assert json.loads(stack.ctl("show", address, "--json").stdout)[
	    "consents"][0]["state"] == "withdrawn"
	stack.ctl("grant", address, "newsletter")
	assert stack.rcpt(address).startswith("250")


def waits(stack):
	return stack.sql("SELECT pid FROM pg_locks WHERE NOT granted")


@pytest.mark.parametrize("what", ["forget", "click"])
def test_somebody_gets_the_address_at_the_same_moment(stack, what):
	"""Neither an erasure nor a click passes by an import under way."""
	address = stack.subscriber()
	link = stack.delivered(stack.send(address).marker).link()
	key = key_of(stack, address)
	stack.sql("DELETE FROM assent.endpoint WHERE key = %s", key)
	db = psycopg2.connect(stack.env["DATABASE_URL"])
	with db.cursor() as c:
		c.execute("INSERT INTO assent.contact DEFAULT VALUES RETURNING id")
		((who,),) = c.fetchall()
		c.execute("INSERT INTO assent.endpoint VALUES (%s, %s, 'email', "
		    "%s, %s)", (key, who, address, address))
		c.execute("INSERT INTO assent.consent (contact_id, purpose_id, "
		    "channel, state, since, event_id) SELECT %s, p.id, 'email', "
		    "'granted', now() - interval '1 day', 1 FROM assent.purpose p "
		    "JOIN assent.brand b ON b.id = brand_id "
		    "WHERE (b.slug, p.slug) = ('acme', 'newsletter')", (who,))
	act = {"forget": lambda: forget(stack, address),
	    "click": lambda: stack.click(link)}[what]
	thread = threading.Thread(target=act)
	thread.start()
	assert wait_for(lambda: waits(stack))
	db.commit()
	db.close()
	thread.join()
	assert stack.rcpt(address).split()[2] == {"forget": "erased:",
	    "click": "withdrawn:"}[what]
	assert len(stack.sql("SELECT 1 FROM assent.endpoint WHERE key = %s",
	    key)) == (what == "click")


def test_somebody_acts_for_them_at_the_same_moment(stack):
	"""By another address of theirs, waiting while they are forgotten."""
	p = Person(stack, "qfx7moment")
	db = psycopg2.connect(stack.env["DATABASE_URL"])
	with db.cursor() as c:
		c.execute("SELECT assent.forget('', %s, 'test')", (p.key,))
	told = []
	thread = threading.Thread(target=lambda: told.append(
	    stack.ctl("grant", p.second, "offers", check=False)))
	thread.start()
	assert wait_for(lambda: waits(stack))
	db.commit()
	db.close()
	thread.join()
	assert "this person was forgotten on" in told[0].stderr
	assert not p.traces_in_dump()


BAD_LINES = {
    "no JSON": "x",
    "no object": "[]",
    "cut off": '{"key":',
    "a key that is none": '{"key":"00","erased_at":'
	'"2026-01-01T00:00:00.000000Z","lifted_at":null}',
    "no key": '{"erased_at":"2026-01-01T00:00:00.000000Z","lifted_at":null}',
    "no lift": '{"key":"00112233445566778899aabbcc",'
	'"erased_at":"2026-01-01T00:00:00.000000Z"}',
    "more": '{"key":"00112233445566778899aabbcc","erased_at":'
	'"2026-01-01T00:00:00.000000Z","lifted_at":null,"a":1}',
    "no such day": '{"key":"00112233445566778899aabbcc","erased_at":'
	'"2026-02-30T00:00:00.000000Z","lifted_at":null}',
    "for ever": '{"key":"00112233445566778899aabbcc","erased_at":'
	'"infinity","lifted_at":null}',
    "lifted before": '{"key":"00112233445566778899aabbcc","erased_at":'
	'"2026-01-01T00:00:00.000000Z","lifted_at":'
	'"2025-01-01T00:00:00.000000Z"}',
    "too long": '{"key":"' + "0" * 100000 + '"}',
    "a NUL": '{"key":"0\0"}',
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_named_and_nothing_is_applied(stack, tmp_path, name):
	address = stack.subscriber()
	good = json.dumps({"key": key_of(stack, address).hex(),
	    "erased_at": "2026-01-01T00:00:00.000000Z", "lifted_at": None})
	f = tmp_path / "list"
	f.write_text(f"{good}\n" * 600 + BAD_LINES[name] + "\n" + good + "\n")
	told = stack.ctl("erasures", "apply", str(f), "--url",
	    stack.env["DATABASE_URL"], check=False)
	assert told.returncode == 1
	assert told.stderr.startswith(f"assentctl: {f}:601: "), told.stderr
	assert stack.explain(address)["purposes"][0]["reason"] == "granted"


def test_only_the_owner_applies_a_list(stack, tmp_path):
	f = tmp_path / "list"
	f.write_text('{"key":"00112233445566778899aabbcc","erased_at":'
	    '"2026-01-01T00:00:00.000000Z","lifted_at":null}\n')
	told = stack.ctl("erasures", "apply", str(f), "--url",
	    stack.env["DATABASE_URL"].replace("assent_owner",
	    "assent_operator"), check=False)
	assert told.returncode == 1 and "permission denied" in told.stderr


def test_export_of_one_person(stack, tmp_path):
	p = Person(stack, "=qfx7export")
	stack.sql("SELECT assent.contact_edit(%s, 't', NULL, %s, NULL, NULL, "
	    "NULL, NULL)", p.key, json.dumps({"a": "=1+1", "b": "+x", "c": "-1",
	    "d": "@x", "e": "a\r\n=x\t\u0001", "f": " =x", "g": "+48600100200",
	    "h": "say \"hi\", you"}))
	stack.ctl("object", p.address, "newsletter")
	data = json.loads(stack.ctl("export", p.address).stdout)
	assert [a["address"] for a in data["addresses"]] == [p.address, p.second]
	assert (data["language"], data["source"], data["source_name"],
	    data["disclaimer"]) == ("pl", "form", "=qfx7export.source", "v1")
	assert data["attributes"]["name"] == "=qfx7export.attribute"
	(consent,) = [c for c in data["consents"] if c["brand"] == "Acme"]
	assert (consent["brand"], consent["purpose"], consent["state"],
	    consent["comes_to"]) == ("Acme", "Newsletter", "granted", "objected")
	assert [e["what"] for e in data["events"]] == ["explicit consent",
	    "contact data changed", "contact data changed",
	    "contact data changed", "objection"]
	assert data["events"][0]["personal"] == {"evidence": "=qfx7export.form"}
	out = stack.folder / "run" / "person.csv"
	stack.ctl("export", p.address, "--format", "csv", "--output", str(out))
	assert out.stat().st_mode & 0o777 == 0o600
	rows = list(csv.reader(io.StringIO(out.read_text())))
	assert rows[0] == ["part", "number", "what", "value"]
	cells = {tuple(r[:3]): r[3] for r in rows}
	assert {k: cells["attributes", "", k] for k in "abcdefgh"} == {
	    "a": "'=1+1", "b": "'+x", "c": "'-1", "d": "'@x", "e": "a  =x  ",
	    "f": "' =x", "g": "+48600100200", "h": 'say "hi", you'}
	assert cells["consents", "1", "comes_to"] == "objected"
	assert cells["events", "6", "what"] == "record read"
	told = stack.ctl("export", p.address, "--output", str(out), check=False)
	assert told.returncode == 1 and "File exists" in told.stderr
	told = stack.ctl("export", "nobody@rcpt.test", check=False)
	assert told.returncode == 1 and "the address is unknown" in told.stderr


def audience(stack, *words):
	return {json.loads(line)["address"] for line in stack.ctl("audience",
	    *words, "--format", "ndjson").stdout.splitlines()}


def test_an_audience_is_who_would_be_accepted(stack):
	for words in (("grant", "qau1@rcpt.test"),
	    ("grant", "qau2@rcpt.test"), ("withdraw", "qau2@rcpt.test"),
	    ("grant", "qau3@rcpt.test"), ("object", "qau3@rcpt.test"),
	    ("grant", "qau4@rcpt.test", "--state", "pending"),
	    ("grant", "qau5@rcpt.test", "--expires", "2020-01-01"),
	    ("grant", "qau6+tag@rcpt.test"), ("grant", "qau6@rcpt.test"),
	    ("grant", "qau7+tag@rcpt.test"), ("object", "qau7@rcpt.test"),
	    ("grant", "qau8+tag@rcpt.test"), ("withdraw", "qau8@rcpt.test"),
	    ("grant", "qau9+tag@rcpt.test"), ("grant", "qauA@rcpt.test")):
		stack.ctl(*words[:2], "newsletter", *words[2:])
	stack.ctl("forget", "--yes", "qau9@rcpt.test")
	listed = audience(stack, "newsletter")
	known = {a for (a,) in stack.sql("SELECT original FROM assent.endpoint "
	    "WHERE original LIKE 'qau%%'")}
	accepted = {a for a in known
	    if stack.explain(a)["purposes"][0]["verdict"] == "accept"}
	assert {a for a in listed if a.startswith("qau")} == accepted == {
	    "qau1@rcpt.test", "qau6+tag@rcpt.test", "qau6@rcpt.test",
	    "qau8+tag@rcpt.test", "qauA@rcpt.test"}
	rows = list(csv.reader(io.StringIO(
	    stack.ctl("audience", "newsletter").stdout)))
	assert rows[0] == ["address", "language"]
	assert {r[0] for r in rows[1:]} == listed
	assert not {a for a in audience(stack, "offers") if a.startswith("qau")}
	((made, who),) = stack.sql("SELECT count(*), min(actor) "
	    "FROM assent.event WHERE act = 'audience'")
	assert (made, who) == (3, "assent_operator")
	told = stack.ctl("audience", "newsletter", "--channel", "sms").stdout
	assert told == '"address","language"\n'


def test_no_audience_from_permits_of_other_trees(stack):
	stack.sql("SELECT assent.outdate()")
	told = stack.ctl("audience", "newsletter", check=False)
	assert told.returncode == 1 and told.stdout == ""
	assert "assentctl repack" in told.stderr
	stack.ctl("repack")
	assert stack.ctl("audience", "newsletter").stdout
