# SPDX-License-Identifier: ISC
"""assentctl: what it answers, in words and in JSON, and how it ends."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from conftest import wait_for

BASE = "https://optout.example.com"

COMMANDS = ["keys new", "keys rotate", "migrate", "check", "brand add",
    "brand edit", "brand list", "purpose add", "purpose edit", "purpose list", "purpose tree",
    "purpose depend", "purpose text add", "purpose text list",
    "purpose template gdpr", "footer set", "footer show", "footer remove",
    "footer preview", "page add", "page edit", "page list", "page snippet",
    "page preview", "page remove",
    "repack", "cache warm", "exemption add", "exemption end", "exemption list",
    "contact edit", "contact add-address", "contact remove-address",
    "grant", "withdraw", "object",
    "restrict", "suspend", "unsuspend", "show", "explain", "link", "batch", "import",
    "ledger checkpoint", "ledger verify", "ledger key", "proof", "proof verify"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(stack, command):
	told = stack.ctl(*command.split(), "--help")
	assert told.stdout.startswith(f"usage: assentctl [-c FILE] [--json] "
	    f"{command}") or command in told.stdout.splitlines()[0]
	assert command.split()[0] in stack.ctl("--help").stdout


@pytest.mark.parametrize("words,status", [
    (["nonsense"], 2), (["grant"], 2), (["grant", "a@b.test"], 2),
    (["show", "a@b.test", "--nonsense"], 2),
    (["grant", "no-address", "newsletter"], 1),
    (["grant", "a@b.test", "no-such-purpose"], 1),
    (["grant", "a@b.test", "newsletter", "--expires", "someday"], 1),
    (["grant", "a@b.test", "newsletter", "--at", "2999-01-01"], 1),
    (["purpose", "edit", "newsletter", "--basis", "whim"], 2),
    (["purpose", "edit", "newsletter", "--opt-in", "triple"], 2),
    (["purpose", "edit", "newsletter", "--validity", "soon"], 1),
    (["purpose", "edit", "newsletter", "--parent", "nothing"], 1),
    (["purpose", "depend", "newsletter", "likes", "offers"], 2),
    (["purpose", "depend", "newsletter", "requires", "newsletter"], 1),
    (["purpose", "tree", "--brand", "nobody"], 1),
    (["purpose", "text", "add", "newsletter", "en"], 2),
    (["footer", "set", "en"], 2),
    (["footer", "set", "english", "--text", "/dev/null", "--html",
	"/dev/null"], 1),
    (["footer", "preview", "en"], 2), (["footer", "preview", "en", "no"], 1),
    (["footer", "preview", "en", "newsletter", "--html", "--message", "-"], 2),
    (["footer", "preview", "en", "newsletter", "--message", "/no"], 1),
    (["footer", "remove", "de"], 1), (["footer", "show", "nothing"], 1),
    (["brand", "add", "x", "--name", "x", "--parent", "nobody"], 1),
    (["show", "nobody-at-all@rcpt.test"], 1),
    (["explain", "granted@rcpt.test", "no-such-stream"], 1),
    (["keys", "new"], 1), (["brand", "add", "acme", "--name", "x"], 1)])
def test_bad_input_is_named(stack, words, status):
	told = stack.ctl(*words, check=False)
	assert told.returncode == status
	assert told.stderr.startswith("assentctl: ") and not told.stdout
	if status == 1:
		told = stack.ctl(*words, "--json", check=False)
		assert json.loads(told.stdout)["error"]


@pytest.mark.parametrize("language,used,words", [
    ("en", "en", "This was sent to you by Acme"),
    ("pl", "pl", "Tę wiadomość wysyła do Ciebie Acme"),
    ("fi", "en", "This was sent to you by Acme")])
def test_a_footer_can_be_looked_at(stack, language, used, words):
	told = {}
	for option in ((), ("--html",)):
		command = ["footer", "preview", language, "newsletter", *option]
		text = stack.ctl(*command).stdout
		told = json.loads(stack.ctl(*command, "--json").stdout)
		assert words in text and text == told["footer"]
		assert "{{" not in text
		assert text.count(f"{BASE}/u/sample") == 1
		assert ("<p" in text) == bool(option)
		assert (told["language"], told["purpose"]) == (
		    used, "acme/newsletter")


def preview(stack, tmp_path, message):
	"""Exit status and text of a message's preview, and its JSON."""
	file = tmp_path / "message"
	file.write_bytes(message)
	file.chmod(0o644)
	tmp_path.chmod(0o755)
	command = ["footer", "preview", "en", "newsletter", "--message", str(file)]
	told = stack.ctl(*command, check=False)
	found = json.loads(stack.ctl(*command, "--json", check=False).stdout)
	assert found["message"] == told.stdout
	return told.returncode, told.stdout, found


def test_a_message_can_be_looked_at(stack, tmp_path):
	status, text, told = preview(stack, tmp_path, b"Subject: x\r\n"
	    b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    b"From {{brand}}: {{preferences_url}}\r\n")
	assert status == 0 and (told["placeholders"], told["footers"]) == (2, 1)
	assert text.startswith("Subject: x\nContent-Type: text/plain; "
	    f"charset=us-ascii\n\nFrom Acme: {BASE}/m/sample\n\nThis was sent")
	assert text.count(f"{BASE}/u/sample") == 1
	# A file's lines end in LF, and so what is edited of it again is no more.
	assert preview(stack, tmp_path, text.encode())[1] == text


def test_a_preview_has_the_fields_that_become_others(stack, tmp_path):
	text = preview(stack, tmp_path, b"Subject: x\nContent-Type: text/plain;"
	    b" charset=utf-8\nX-Last: y\n\n" + b"a" * 1200 + b"\n")[1]
	head, _, body = text.partition("\n\n")
	assert head.splitlines() == ["Subject: x",
	    "Content-Type: text/plain; charset=utf-8", "X-Last: y",
	    "Content-Transfer-Encoding: quoted-printable", "MIME-Version: 1.0"]
	assert max(map(len, body.splitlines())) <= 76


def test_a_preview_says_what_is_left_alone(stack, tmp_path):
	message = (b"Content-Type: multipart/signed; boundary=b\n\n--b\n\nHello\n"
	    b"--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n")
	status, text, told = preview(stack, tmp_path, message)
	assert status == 1 and told["skipped"] == "signed"
	assert text.encode() == message


def test_a_day_of_withdrawal_lasts_to_its_end(stack):
	for grant, withdrawal, verdict in (
	    ("2026-05-01T10:00:00Z", "2026-05-01", "refuse"),
	    ("2026-05-02T00:00:00Z", "2026-05-01", "accept"),
	    ("2026-05-01T10:00:00Z", "2026-05-01T09:00:00Z", "accept")):
		address = f"day{grant[:13]}-{withdrawal[10:13]}@rcpt.test".lower()
		stack.ctl("grant", address, "newsletter", "--at", grant)
		stack.ctl("withdraw", address, "acme/all", "--at", withdrawal)
		(answer,) = [a for a in stack.explain(address)["purposes"]
		    if a["purpose"].endswith("newsletter")]
		assert answer["verdict"] == verdict


def test_a_consent_from_grant_to_show(stack):
	address = stack.subscriber()
	(consent,) = [c for c in json.loads(stack.ctl("show", address,
	    "--json").stdout)["consents"] if c["brand"] == "acme"]
	assert (consent["purpose"], consent["channel"], consent["state"]) == (
	    "newsletter", "email", "granted")
	for command, flag in (("object", "objected"),
	    ("restrict", "restricted")):
		stack.ctl(command, address, "newsletter")
		assert stack.explain(address)["purposes"][0]["reason"] == flag
		stack.ctl(command, address, "newsletter", "--lift")
		assert stack.explain(address)["granted"]
	stack.ctl("withdraw", address, "--all")
	assert stack.explain(address)["purposes"][0]["reason"] == "withdrawn"


def test_an_older_consent_does_not_undo_a_withdrawal(stack):
	address = stack.subscriber()
	stack.ctl("withdraw", address, "newsletter")
	for state in ("granted", "pending"):
		told = stack.ctl("grant", address, "newsletter", "--state", state,
		    "--at", "2020-01-01", check=False)
		assert told.returncode == 1 and "newer consent" in told.stderr
	assert not stack.explain(address)["granted"]


def test_a_repeated_withdrawal_counts_from_the_last(stack):
	address = stack.subscriber()
	for day in ("2026-02-01", "2026-04-01"):
		stack.ctl("withdraw", address, "newsletter", "--at", day)
	told = stack.ctl("grant", address, "newsletter", "--at", "2026-03-01",
	    check=False)
	assert told.returncode == 1
	assert stack.explain(address)["purposes"][0]["reason"] == "withdrawn"


def test_a_withdrawal_outlives_what_came_after_it(stack):
	address = stack.subscriber()
	stack.ctl("withdraw", address, "newsletter")
	stack.ctl("grant", address, "newsletter", "--state", "pending")
	told = stack.ctl("grant", address, "newsletter", "--at", "2020-01-01",
	    check=False)
	assert told.returncode == 1 and "newer consent" in told.stderr


def test_explain_is_an_exit_status_too(stack):
	assert stack.ctl("explain", "granted9@rcpt.test", "newsletter",
	    check=False).returncode == 0
	assert stack.ctl("explain", "pending@rcpt.test", "newsletter",
	    check=False).returncode == 1


def test_batch_stops_at_the_first_error_and_names_it(stack, tmp_path):
	address = stack.subscriber()
	file = tmp_path / "changes"
	file.write_text(f"# two good lines\ngrant {address} offers\n"
	    f"withdraw {address} newsletter\ngrant {address}\n")
	file.chmod(0o644)
	tmp_path.chmod(0o755)
	told = stack.ctl("batch", str(file), check=False)
	assert told.returncode == 1 and f"{file}:4: " in told.stderr
	reasons = {p["purpose"]: p["reason"]
	    for p in stack.explain(address)["purposes"]}
	assert reasons == {"newsletter": "withdrawn", "offers": "granted"}


def test_check_tells_what_holds_and_what_does_not(stack, tmp_path):
	told = json.loads(stack.ctl("check", "--json").stdout)
	assert told["ok"] and {c["result"] for c in told["checks"]} == {"ok"}
	conf = stack.folder / "other.conf"
	conf.write_text((stack.folder / "assent.conf").read_text().replace(
	    '"offers"', '"nonsense"'))
	told = stack.ctl("-c", str(conf), "check", check=False)
	assert told.returncode == 1 and "nonsense" in told.stdout + told.stderr


def test_migrate_twice_changes_nothing(stack):
	owner = ["--url", stack.env["DATABASE_URL"]]
	before = stack.sql("SELECT * FROM assent.migration ORDER BY 1")
	stack.ctl("migrate", *owner)
	assert stack.sql("SELECT * FROM assent.migration ORDER BY 1") == before
	assert len(before) == len(list((
	    os.scandir(os.path.dirname(__file__) + "/../../sql"))))


def test_the_keys_file_is_closed_to_others(stack):
	mode = os.stat(stack.folder / "keys" / "keys").st_mode
	assert stat.S_IMODE(mode) == 0o600


def test_the_ledger_holds_every_change_once(stack):
	address = stack.subscriber()
	stack.ctl("withdraw", address, "newsletter")
	stack.ctl("withdraw", address, "newsletter")
	rows = stack.sql("""
		SELECT e.act::text, e.actor,
			e.commitment = sha256(p.salt || convert_to(
				p.fields::text, 'UTF8'))
		FROM assent.event e
		JOIN assent.event_person p ON p.event_id = e.id
		JOIN assent.endpoint n ON n.contact_id = e.contact_id
		WHERE n.canonical = %s ORDER BY e.id""", address)
	assert rows == [("grant", "assent_operator", True),
	    ("withdraw", "assent_operator", True)]


def path_of(stack, address):
	one = stack.explain(address)["purposes"][0]
	return one["reason"], {(s["relation"], s["brand"], s["purpose"]): s
	    for s in one["path"]}


def test_trees_cover_and_a_change_of_them_is_in_force(own_stack):
	s = own_stack
	s.ctl("brand", "add", "group", "--name", "Group")
	s.ctl("brand", "add", "sister", "--name", "Sister", "--parent", "group")
	assert [(b["brand"], b["depth"]) for b in json.loads(s.ctl("brand",
	    "list", "--json").stdout)["brands"]] == [("acme", 0), ("group", 0),
	    ("sister", 1)]
	s.ctl("purpose", "add", "marketing", "--brand", "acme", "--title", "M",
	    "--channel", "email,sms")
	s.ctl("purpose", "edit", "newsletter", "--parent", "marketing")
	s.ctl("grant", "tree@rcpt.test", "marketing")
	reason, path = path_of(s, "tree@rcpt.test")
	step = path["above", "acme", "marketing"]
	assert reason == "granted" and step["decides"] and step["event"]
	assert s.rcpt("tree@rcpt.test").startswith("250")
	shown = {c["purpose"]: (c["state"], c["effective"]) for c in json.loads(
	    s.ctl("show", "tree@rcpt.test", "--json").stdout)["consents"]}
	assert shown == {"marketing": ("granted", "granted"),
	    "newsletter": ("none", "granted")}
	# What takes away is in force when the command has answered.
	s.ctl("purpose", "edit", "newsletter", "--parent", "all")
	assert "no-consent" in s.rcpt("tree@rcpt.test")
	s.ctl("purpose", "edit", "newsletter", "--parent", "marketing")
	s.ctl("purpose", "depend", "newsletter", "requires", "offers")
	assert "no-consent" in s.rcpt("tree@rcpt.test")
	told = s.ctl("purpose", "depend", "offers", "requires", "newsletter",
	    check=False)
	assert told.returncode == 1 and \
	    "circle: acme/newsletter, acme/offers" in told.stderr
	s.ctl("purpose", "depend", "newsletter", "requires", "offers",
	    "--remove")
	assert s.rcpt("tree@rcpt.test").startswith("250")
	s.ctl("purpose", "edit", "marketing", "--validity", "1 second")
	assert wait_expired(s)
	assert not s.sql("SELECT * FROM assent.outdated")


def wait_expired(s):
	return wait_for(lambda: "expired" in s.rcpt("tree@rcpt.test"))


def test_what_was_interrupted_is_finished(stack):
	stack.sql("SELECT assent.outdate()")
	assert "repack" in stack.ctl("check", check=False).stdout
	assert json.loads(stack.ctl("repack", "--json").stdout) == {
	    "permits": 0}
	assert not stack.sql("SELECT * FROM assent.outdated")


def test_a_change_waits_for_who_began_before_it(stack):
	address = f"late-{os.getpid()}@rcpt.test"
	stack.ctl("purpose", "add", "late", "--brand", "acme", "--title", "L",
	    "--channel", "email", "--basis", "contract")
	with psycopg2.connect(stack.env["DATABASE_URL"]) as db, \
	    db.cursor() as cursor, ThreadPoolExecutor() as other:
		cursor.execute("SELECT assent.change('', 'grant', %s, 'email', "
		    "%s, %s, (SELECT id FROM assent.purpose WHERE slug = "
		    "'offers'), 'email', NULL, NULL, 'test', NULL)",
		    (os.urandom(13), address, address))
		edit = other.submit(stack.ctl, "purpose", "edit", "late",
		    "--basis", "consent")
		with pytest.raises(TimeoutError):
			edit.result(timeout=2)
		db.commit()
		assert "before" in edit.result(timeout=30).stderr
	# Only what the newest permit says holds: no contract, no grant.
	((packed,),) = stack.sql("SELECT packed FROM assent.permit "
	    "JOIN assent.endpoint USING (key) WHERE canonical = %s", address)
	((late,),) = stack.sql("SELECT id FROM assent.purpose "
	    "WHERE slug = 'late'")
	assert late.to_bytes(2, "big") + b"\x02" not in bytes(packed)


def test_suspension_stops_and_is_lifted(stack):
	address = stack.subscriber()
	stack.ctl("suspend", address, "newsletter")
	assert stack.explain(address)["purposes"][0]["reason"] == "suspended"
	stack.ctl("unsuspend", address, "newsletter")
	assert stack.explain(address)["granted"]


def test_the_gdpr_template_and_its_texts(stack):
	stack.ctl("brand", "add", "eu", "--name", "Eu")
	stack.ctl("purpose", "template", "gdpr", "--brand", "eu")
	tree = {p["purpose"]: p for p in json.loads(stack.ctl("purpose", "tree",
	    "--brand", "eu", "--json").stdout)["purposes"]}
	assert len(tree) == 13
	assert tree["marketing-automatic"]["channels"] == "email,sms,push,im"
	assert tree["marketing-automatic"]["parent"] == "eu/marketing"
	assert tree["soft-opt-in-email"]["basis"] == "soft-opt-in"
	told = stack.ctl("purpose", "text", "add", "eu/profiling", "pl",
	    "--title", "Profilowanie", "--body", "Nowy tekst", "--json")
	assert json.loads(told.stdout)["version"] == 2
	texts = json.loads(stack.ctl("purpose", "text", "list", "eu/profiling",
	    "--json").stdout)["texts"]
	assert [(t["language"], t["version"]) for t in texts] == [("en", 1),
	    ("it", 1), ("pl", 2), ("pl", 1)]
	# All of it or nothing.
	told = stack.ctl("purpose", "template", "gdpr", "--brand", "eu",
	    check=False)
	assert told.returncode == 1 and "marketing" in told.stderr
