# SPDX-License-Identifier: ISC
"""assentctl: what it answers, in words and in JSON, and how it ends."""

import json
import os
import stat

import pytest

COMMANDS = ["keys new", "keys rotate", "migrate", "check", "brand add",
    "brand list", "purpose add", "purpose list", "grant", "withdraw", "object",
    "restrict", "show", "explain", "batch", "ledger checkpoint",
    "ledger verify", "ledger key", "proof", "proof verify"]


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


def test_a_consent_from_grant_to_show(stack):
	address = stack.subscriber()
	(consent,) = json.loads(stack.ctl("show", address,
	    "--json").stdout)["consents"]
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
