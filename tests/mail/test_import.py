# SPDX-License-Identifier: ISC
"""assentctl import: what a file changes, and what is said of what does not."""

import contextlib
import csv
import itertools
import json
import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from conftest import wait_for

HEADER = "address,purpose,state,at,evidence\n"


def run(stack, path, *options, stdin=None):
	told = subprocess.run([stack.env["ASSENTCTL"], "import", "--json",
	    str(path), *options], capture_output=True, timeout=120, input=stdin)
	return told.returncode, json.loads(told.stdout)


def counts(answer):
	return tuple(answer[k] for k in ("records", "changed", "unchanged",
	    "rejected"))


def reasons(answer):
	return {r["line"]: r["reason"] for r in answer["first_rejects"]}


def verdict(stack, address, stream="newsletter"):
	return stack.explain(address, stream)["purposes"][0]["reason"]


def events(stack):
	return stack.sql("SELECT count(*) FROM assent.event")[0][0]


@pytest.fixture
def write(tmp_path):
	def write(text, name="file.csv"):
		path = tmp_path / name
		path.write_bytes(text if isinstance(text, bytes)
		    else text.encode())
		return path
	return write


def all_at_once(what, *over):
	"""Each waits for the nodes' leases; so they do together."""
	with ThreadPoolExecutor() as pool:
		return list(pool.map(what, *over))


FORMS = [
	HEADER + "{a},newsletter,granted,2026-01-01,form\n",
	"\ufeff" + HEADER.replace(",", ";").replace("\n", "\r\n")
	    + '{a};newsletter;granted;2026-01-01;"two\r\nlines; ""x"""\r\n',
	HEADER.replace(",", "\t") + "{a}\tnewsletter\tgranted\t2026-01-01\t",
	'{{"address": "{a}", "purpose": "newsletter", "state": "granted",'
	    ' "at": "2026-01-01", "evidence": "form"}}\n\n',
	'[{{"address": "{a}", "purpose": "newsletter",\n"state": "granted",'
	    ' "at": "2026-01-01"}}]']


def test_each_form_is_read_and_twice_is_once(stack, write):
	who = [f"form{i}-{time.time_ns()}@rcpt.test" for i in range(len(FORMS))]
	paths = [write(text.format(a=address), f"{i}.csv")
	    for i, (text, address) in enumerate(zip(FORMS, who))]
	for path in paths:
		assert run(stack, path, "--dry-run")[1]["changed"] == 1
	assert all(verdict(stack, a) == "unknown" for a in who)
	for code, answer in all_at_once(lambda p: run(stack, p), paths):
		assert (code, counts(answer)) == (0, (1, 1, 0, 0))
	for address in who:
		assert stack.rcpt(address).startswith("250")
	before = events(stack)
	for code, answer in all_at_once(lambda p: run(stack, p), paths):
		assert (code, counts(answer)) == (0, (1, 0, 1, 0))
	assert events(stack) == before
	assert not list(paths[0].parent.glob("*.rejects"))


BAD = [
	("nobody,newsletter,granted", "an @ is missing"),
	("a..b@@c,newsletter,granted", "address \"a..b@@c\""),
	("g@rcpt.test,nothing,granted", 'there is no purpose "nothing"'),
	("g@rcpt.test,newsletter,granted,2026-02-30", '"2026-02-30" is no date'),
	("g@rcpt.test,newsletter,granted,13/01/2026", "is no date"),
	("g@rcpt.test,newsletter,granted,2999-01-01", "is in the future"),
	("g@rcpt.test,newsletter,granted,0001-01-01", "is before 1970"),
	("g@rcpt.test,newsletter,maybe", 'state "maybe" is none of'),
	("g@rcpt.test,newsletter,granted,,,,,fax", 'channel "fax" is none of'),
	("600100200,newsletter,withdrawn,,,,,sms", "a number is +"),
	("+12345,newsletter,withdrawn,,,,,sms", "a number is +"),
	("+48600100200,newsletter,granted,,,,,sms", "does not use the channel"),
	("g@rcpt.test,newsletter,granted,,,2020-01-01", "not after the consent"),
	("g@rcpt.test,newsletter,granted,,,,x_y", 'language "x_y" is no code'),
	("g@rcpt.test,newsletter,granted,,,,pl,,77", "no text of version 77"),
	("too,many,fields,1,2,3,4,5,6,7", "10 fields, but the header has 9"),
	('"x"y', "text after a closing quote"),
	('a"b@rcpt.test', "a quote within a field without quotes"),
	(b"caf\xe9@rcpt.test", "not UTF-8"),
	(b"nul\0@rcpt.test", "a NUL octet"),
]


def test_every_bad_record_is_named_with_its_line(stack, write):
	good = f"good{time.time_ns()}@rcpt.test"
	lines = [b"address,purpose,state,at,evidence,expires,language,channel,"
	    b"text_version", f"{good},newsletter,granted,,,,,,".encode()]
	for text, _ in BAD:
		text = text if isinstance(text, bytes) else text.encode()
		if not text.startswith(b"too,"):
			text += b"," * (8 - text.count(b","))
		lines.append(text)
	path = write(b"\n".join(lines) + b'\n"never closed,')
	code, answer = run(stack, path)
	assert code == 1
	assert counts(answer) == (len(BAD) + 2, 1, 0, len(BAD) + 1)
	with open(answer["rejects"], encoding="utf-8", errors="replace") as f:
		rows = list(csv.reader(line.replace("\0", "") for line in f))
	assert rows[0] == ["line", "reason", "record"]
	for (number, reason, record), (text, said), at in zip(rows[1:], BAD,
	    range(3, 99)):
		assert number == str(at) and said in reason, (text, reason)
		if isinstance(text, str):
			assert record.startswith(text)
	assert "a quote is not closed" in rows[-1][1]
	assert os.stat(answer["rejects"]).st_mode & 0o777 == 0o600
	assert verdict(stack, "g@rcpt.test") == "unknown"
	assert verdict(stack, good) == "granted"


@pytest.mark.parametrize("text,options,said", [
	("address,purpose,state,address\n", [], 'columns 1, "address", and 4'),
	("address,Mail,state\n", ["--map", "Mail=address"], 'and 2, "Mail"'),
	("address,purpose,state,shoe\n", [], 'there is no column "shoe"'),
	("purpose,state\n", [], 'the column "address" is missing'),
	("address,state\n", [], 'the column "purpose" is missing'),
	("", [], "the file is empty"),
	("\xff\xfea\0", [], "UTF-16"),
	(HEADER, ["--purpose", "nothing"], 'there is no purpose "nothing"'),
	(HEADER, ["--at", "soon"], "is no date"),
	(HEADER, ["--source", "told by a@rcpt.test"], "has an @"),
	(HEADER, ["--encoding", "no-such"], "is not known"),
	(HEADER, ["--format", "abacus"], "is none of mailchimp"),
	(HEADER, ["--map", "x=y"], 'there is no column "y"')])
def test_what_is_wrong_with_the_file_stops_it_before_it_begins(stack, write,
    text, options, said):
	path = write(text.encode("latin-1")
	    + b"a@rcpt.test,newsletter,granted,x\n" * bool(text))
	before = events(stack)
	code, answer = run(stack, path, *options)
	assert code in (1, 2) and said in answer["error"]
	assert events(stack) == before and "records" not in answer


def test_columns_are_mapped_and_completed(stack, write):
	mail, phone = f"map{time.time_ns()}@rcpt.test", "+48 (22) 600-10-20"
	path = write(f"E-mail;Miasto;Uwagi\n{mail};Łódź;x\n".encode("cp1250"))
	code, answer = run(stack, path, "--map",
	    "E-mail=address,Miasto=attr.city,Uwagi=-", "--purpose",
	    "acme/newsletter,acme/offers", "--state", "granted", "--at",
	    "2026-01-01", "--encoding", "windows-1250", "--source", "fair")
	assert (code, counts(answer)) == (0, (1, 2, 0, 0))
	assert stack.sql("SELECT c.attributes, c.source_name, e.source, e.at::date"
	    "::text FROM assent.contact c JOIN assent.endpoint n ON n.contact_id ="
	    " c.id JOIN assent.event e ON e.contact_id = c.id WHERE n.canonical ="
	    " %s LIMIT 1", mail) == [({"city": "Łódź"}, "file.csv", "fair",
	    "2026-01-01")]
	path = write(f"address,channel\n{phone},sms\n")
	assert run(stack, path, "--purpose", "newsletter", "--state",
	    "objected")[1]["changed"] == 1
	assert stack.sql("SELECT original FROM assent.endpoint WHERE canonical ="
	    " '+48226001020' AND kind = 'phone'") == [(phone,)]


SUPPRESSED = {
	"mailchimp": ('"Email Address","First Name",UNSUB_TIME,UNSUB_REASON,'
	    'CLEAN_TIME\n{left},A,"2026-01-05 10:00:00",spam,\n'
	    '{bounced},B,,,"2026-02-05 10:00:00"\n'),
	"sendgrid": ('[{{"created": 1767607200, "email": "{left}"}}, {{"created": '
	    '1770285600,\n"email": "{bounced}", "reason": "550", "status": "5.1.1"'
	    '}}]'),
	"mautic": ("email,date_added,reason,channel,comments\n"
	    "{left},2026-01-05 10:00:00,1,email,x\n"
	    "{bounced},2026-02-05 10:00:00,2,email,\n"),
	"listmonk": ("uuid,email,name,attributes,status,created_at,updated_at\n"
	    'x,{left},A,"{{""a"": 1}}",blocklisted,,2026-01-05T10:00:00.000001Z\n'
	    'x,{bounced},A,{{}},disabled,,2026-02-05 10:00:00+00\n'
	    'x,{other},A,{{}},enabled,,2026-01-05T10:00:00Z\n'),
	"ses": ('{{\n "SuppressedDestinationSummaries": [\n  {{"EmailAddress": '
	    '"{left}",\n "Reason": "COMPLAINT", "LastUpdateTime": '
	    '"2026-01-05T10:00:00+00:00"}},\n {{"EmailAddress": "{bounced}", '
	    '"Reason": "BOUNCE", "LastUpdateTime": 1770285600.5}}\n ]\n}}\n'),
}


def test_other_systems_suppressions_take_away(stack, write):
	who = {s: {w: f"{w}{s}{time.time_ns()}@rcpt.test"
	    for w in ("left", "bounced", "other")} for s in SUPPRESSED}
	given = write(HEADER + "".join(f"{a},newsletter,granted,2025-12-01,\n"
	    for w in who.values() for a in w.values()))
	assert run(stack, given)[1]["changed"] == 15

	def suppress(system, *more):
		path = write(SUPPRESSED[system].format(**who[system]), system)
		return run(stack, path, "--format", system, "--brand", "acme",
		    "--all-of-brand", *more)
	for code, answer in all_at_once(suppress, SUPPRESSED):
		assert (code, answer["changed"]) == (0, 2), answer
	for system, w in who.items():
		left = "suspended" if system == "ses" else "withdrawn"
		assert verdict(stack, w["left"]) == left
		assert verdict(stack, w["bounced"]) == "suspended"
		assert verdict(stack, w["other"]) == "granted"
		assert stack.sql("SELECT e.source, e.at::date::text FROM "
		    "assent.event e JOIN assent.endpoint n USING (contact_id) "
		    "WHERE n.canonical = %s AND e.source <> 'import'",
		    w["left"]) == [(system, "2026-01-05")]
		assert suppress(system, "--dry-run")[1]["changed"] == 0


@pytest.mark.parametrize("system,text", [
	("ses", '{"EmailAddress": "a@rcpt.test", "Reason": "WHIM"}'),
	("mautic", "email,reason\na@rcpt.test,9"),
	("listmonk", "email,status\na@rcpt.test,")])
def test_a_word_that_is_not_known_is_a_reject(stack, write, system, text):
	code, answer = run(stack, write(text), "--format", system, "--purpose",
	    "newsletter", "--dry-run")
	assert code == 1 and "no word of " + system in str(answer)


def test_a_withdrawal_is_in_force_when_the_command_answers(stack, write):
	who = all_at_once(lambda _: stack.subscriber(), range(2))
	for address in who:
		assert stack.rcpt(address).startswith("250")
	path = write(HEADER + "".join(f"{a},newsletter,withdrawn,,\n" for a in who))
	assert run(stack, path)[0] == 0
	for address in who:
		assert stack.rcpt(address).startswith("550")


def test_who_left_on_a_day_may_have_agreed_earlier_on_it(stack, write):
	who = [f"day{i}-{time.time_ns()}@rcpt.test" for i in range(2)]
	today = time.strftime("%Y-%m-%d", time.gmtime())
	text = "".join(f"{a},newsletter,granted,{at},x\n{a},all,withdrawn,{day},\n"
	    for a, at, day in zip(who, ("2026-01-05T10:00:00Z", time.strftime(
	    "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 2))), ("2026-01-05",
	    today)))
	path = write(HEADER + text)
	assert counts(run(stack, path, "--brand", "acme")[1]) == (4, 4, 0, 0)
	assert [verdict(stack, a) for a in who] == 2 * ["withdrawn"]
	path = write(HEADER + "".join(f"{a},all,withdrawn,{day},\n"
	    for a, day in zip(who, ("2026-01-05", today))))
	assert run(stack, path, "--brand", "acme")[1]["unchanged"] == 2


def blocked(stack, n):
	"""Waits until n transactions wait for locks."""
	assert wait_for(lambda: stack.sql("SELECT count(DISTINCT pid) FROM "
	    "pg_locks WHERE NOT granted")[0][0] == n)


def importing(stack, path):
	return subprocess.Popen([stack.env["ASSENTCTL"], "import", "--json",
	    str(path)], stdout=subprocess.PIPE)


def act(db, what, address, key):
	db.cursor().execute("SELECT assent.change('', %s, %s, 'email', %s, %s, "
	    "(SELECT p.id FROM assent.purpose p JOIN assent.brand b ON b.id = "
	    "brand_id WHERE p.slug = 'newsletter' AND b.slug = 'acme'), 'email', "
	    "NULL, NULL, 'test', NULL)", (what, key, address, address))


def test_who_leaves_while_the_file_is_read_stays_away(stack, write):
	"""A contact whom somebody else makes at the same moment is locked, too.

	The import waits for who makes it, then for another contact of the file,
	then for who leaves.
	"""
	who = [f"lane{i}-{time.time_ns()}@rcpt.test" for i in range(3)]
	run(stack, write(HEADER + "".join(f"{a},offers,granted,,\n"
	    for a in who)))
	keys = dict(stack.sql("SELECT canonical, key FROM assent.endpoint WHERE "
	    "canonical = ANY (%s)", who))
	# Two of three go in one lane.
	old, new = next(pair for pair in itertools.combinations(who, 2)
	    if len({keys[a].tobytes()[0] % 2 for a in pair}) == 1)
	key = keys[new].tobytes()
	stack.sql("DELETE FROM assent.endpoint WHERE key = %s", key)
	path = write(HEADER + f"{new},newsletter,granted,,\n"
	    f"{old},offers,granted,,\n")
	with contextlib.ExitStack() as closing:
		makes, holds, leaves = (closing.enter_context(contextlib.closing(
		    psycopg2.connect(stack.env["DATABASE_URL"]))) for _ in range(3))
		act(makes, "restrict", new, key)
		act(makes, "lift-restriction", new, key)
		holds.cursor().execute("SELECT FROM assent.contact c JOIN "
		    "assent.endpoint e ON contact_id = c.id WHERE canonical = %s "
		    "FOR UPDATE OF c", (old,))
		child = importing(stack, path)
		blocked(stack, 1)
		makes.commit()
		blocked(stack, 1)
		act(leaves, "withdraw", new, key)
		holds.commit()
		blocked(stack, 1)
		leaves.commit()
		child.communicate(timeout=60)
	assert verdict(stack, new) == "withdrawn"


def test_who_is_forgotten_while_the_file_is_read_is_rejected(stack, write):
	address = stack.subscriber()
	path = write(HEADER + f"{address},offers,granted,,\n")
	db = psycopg2.connect(stack.env["DATABASE_URL"])
	db.cursor().execute("SELECT assent.forget('', key, 'test') FROM "
	    "assent.endpoint WHERE canonical = %s", (address,))
	child = importing(stack, path)
	blocked(stack, 1)
	db.commit()
	db.close()
	answer = json.loads(child.communicate(timeout=60)[0])
	assert counts(answer) == (1, 0, 0, 1)
	assert verdict(stack, address) == "erased"


def test_a_line_of_two_gigabytes_is_one_reject(stack):
	good = f"after{time.time_ns()}@rcpt.test"
	child = subprocess.Popen([stack.env["ASSENTCTL"], "import", "--json", "-"],
	    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
	child.stdin.write(HEADER.encode())
	block = b"x" * (1 << 22)
	# In full without the sanitizers, which slow each octet down.
	blocks = 512 if "asan" not in stack.env["ASSENTCTL"] else 32
	for _ in range(blocks):
		child.stdin.write(block)
	child.stdin.write(f"\n{good},newsletter,granted,,\n".encode())
	child.stdin.close()
	with open(f"/proc/{child.pid}/status", encoding="ascii") as f:
		peak = next(int(line.split()[1]) for line in f
		    if line.startswith("VmHWM"))
	answer = json.loads(child.stdout.read())
	assert child.wait(60) == 1 and counts(answer) == (2, 1, 0, 1)
	assert "longer than" in reasons(answer)[2]
	assert peak < 100_000 or "asan" in stack.env["ASSENTCTL"]
	assert verdict(stack, good) == "granted"


TABLES = """SELECT n.canonical, c.purpose_id, c.channel::text, c.state::text,
	c.since, c.suspended_at, e.act::text, e.at, e.source, p.fields::text,
	m.packed::text, k.attributes::text
	FROM assent.endpoint n JOIN assent.contact k ON k.id = n.contact_id
	JOIN assent.permit m ON m.key = n.key
	JOIN assent.event e ON e.contact_id = k.id
	JOIN assent.event_person p ON p.event_id = e.id
	JOIN assent.consent c ON c.contact_id = k.id
	WHERE n.canonical LIKE '%%@killed.test' ORDER BY e.id, 1, 2, 3"""


def test_killed_again_and_again_comes_to_the_same(own_stack, write):
	"""Twice the same file on the same database: once killed, once not."""
	rng = random.Random(7)
	rows = [(f"k{i // 2}@killed.test", ("newsletter", "offers")[i % 2],
	    rng.choice(["granted", "withdrawn"] + 12 * ["nonsense"]),
	    f"2026-0{rng.randrange(1, 9)}-01", f"form {i}", str(i % 7))
	    for i in range(120000)]
	path = write("address,purpose,state,at,evidence,attr.a\n" + "".join(
	    ",".join(row) + "\n" for row in rows))
	results = []
	for kills in (3, 0):
		for _ in range(kills):
			done = own_stack.sql("SELECT coalesce(max(octets), 0) FROM "
			    "assent.import WHERE ended_at IS NULL")[0][0]
			child = subprocess.Popen([own_stack.env["ASSENTCTL"],
			    "import", str(path)], stdout=subprocess.DEVNULL)
			time.sleep(rng.random())
			if done == 0:
				wait_for(lambda: own_stack.sql("SELECT count(*) FROM "
				    "assent.import WHERE octets > 0")[0][0], 60)
			child.send_signal(signal.SIGKILL)
			child.wait()
		code, answer = run(own_stack, path)
		rejects = path.with_name("file.csv.rejects").read_text()
		state = own_stack.sql("SELECT md5(string_agg(t::text, ' ' ORDER BY "
		    "t::text COLLATE \"C\")) FROM (" + TABLES.replace(
		    " ORDER BY e.id, 1, 2, 3", "") + ") AS t")
		results.append((code, answer["records"], answer["rejected"],
		    rejects, state, own_stack.sql("SELECT count(*) FROM "
		    "assent.event WHERE source = 'import'")))
		own_stack.sql("ALTER TABLE assent.event DISABLE TRIGGER USER; "
		    "ALTER TABLE assent.event_person DISABLE TRIGGER USER; "
		    "DELETE FROM assent.consent; DELETE FROM assent.event_person; "
		    "DELETE FROM assent.event; DELETE FROM assent.permit; "
		    "DELETE FROM assent.endpoint; DELETE FROM assent.contact; "
		    "ALTER TABLE assent.event ENABLE TRIGGER USER; "
		    "ALTER TABLE assent.event_person ENABLE TRIGGER USER")
	assert results[0] == results[1]
	assert results[0][1] == 120000 and results[0][0] == 1
