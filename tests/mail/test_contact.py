# SPDX-License-Identifier: ISC
"""Contacts: numbers and places, data, evidence, monitoring, exemptions."""

import json
import threading
import time

import psycopg2
import pytest

from conftest import number, wait_for

SLOW = "cache    { "
QUICK = SLOW + "lease = 100ms  "
GOOD = "--owner quality --reason recall --until 2099-01-01".split()


@pytest.fixture(scope="module", autouse=True)
def brand(stack):
	"""A brand with a purpose for every channel, and one for monitoring."""
	conf = (stack.folder / "assent.conf").read_text()
	assert SLOW in conf
	(stack.folder / "quick.conf").write_text(conf.replace(SLOW, QUICK))
	name = f"contact{time.time_ns()}"
	batch = stack.folder / "contact.batch"
	batch.write_text(f"""\
brand add {name} --name Contact
purpose add news --brand {name} --title News \
--channel email,sms,voice,paper,push --basis soft-opt-in
purpose add follow --brand {name} --title Follow --channel email,sms \
--monitoring yes
""")
	ctl(stack, "batch", str(batch))
	return name


def ctl(stack, *words, check=True):
	"""As one who knows that nobody asks the milter next: no lease of two
	seconds is waited out, that is."""
	return stack.ctl("-c", str(stack.folder / "quick.conf"), *words,
	    check=check)


def subscriber(stack, purpose="acme/newsletter"):
	address = f"sub{next(number)}-{time.time_ns()}@rcpt.test"
	ctl(stack, "grant", address, purpose)
	return address


def new_number():
	return f"+48{time.time_ns() % 10**8:08}{next(number):03}"


def show(stack, *address):
	return json.loads(ctl(stack, "show", *address, "--json").stdout)


def consents(found, *brands):
	"""Those of show() that are of these brands: of another's, which needs no
	consent, everybody has one."""
	return [c for c in found["consents"] if c["brand"] in brands]


def fields(stack, address):
	"""The personal fields of the person's last event."""
	return stack.sql("SELECT p.fields FROM assent.endpoint n "
	    "JOIN assent.event v USING (contact_id) "
	    "JOIN assent.event_person p ON p.event_id = v.id "
	    "WHERE n.canonical = %s ORDER BY v.id DESC LIMIT 1", address)[0][0]


def refused(stack, *words):
	told = ctl(stack, *words, check=False)
	assert told.returncode and told.stderr.startswith("assentctl: ")
	return f"{told.returncode} {told.stderr}"


# Endpoints

def test_a_number_is_one_contact_in_any_spelling(stack, brand):
	plain = new_number()
	spelled = f"{plain[:3]} ({plain[3:6]}) {plain[6:9]}-{plain[9:]}"
	ctl(stack, "grant", plain, f"{brand}/news", "--channel", "sms")
	ctl(stack, "withdraw", spelled, f"{brand}/news", "--channel", "sms")
	found = show(stack, plain)
	assert (found["kind"], found["canonical"]) == ("phone", plain)
	assert [(c["channel"], c["state"]) for c in consents(found, brand)] == [
	    ("sms", "withdrawn")]
	assert show(stack, spelled) == found


def test_the_channel_is_the_addresss_own(stack, brand):
	place = f"{next(number)} Mill  Lane"
	ctl(stack, "grant", place, f"{brand}/news", "--kind", "postal")
	found = show(stack, place.upper(), "--kind", "postal")
	assert [c["channel"] for c in consents(found, brand)] == ["paper"]
	assert found["canonical"] == place.lower().replace("  ", " ")
	why = refused(stack, "grant", new_number(), f"{brand}/news")
	assert why.startswith("2 ") and "sms, voice or phone" in why
	# One person's consent for a number may be given by their address.
	address = subscriber(stack)
	ctl(stack, "grant", address, f"{brand}/news", "--channel", "sms")
	assert {c["channel"] for c in consents(show(stack, address), brand,
	    "acme")} == {"email", "sms"}


@pytest.mark.parametrize("words", [["600100200"], ["+48"], ["+0480100200"],
    ["+44 (0)20 1234 5678"], ["+4860010020x"], ["+48600100200123456"],
    ["1 Mill Lane"], ["", "--kind", "postal"], ["x", "--kind", "pigeon"],
    ["ann@example.com", "--kind", "phone"]])
def test_what_is_no_address_is_refused(stack, brand, words):
	why = refused(stack, "grant", words[0], f"{brand}/news", "--channel",
	    "sms", *words[1:])
	assert why.startswith("1 ") and f'address "{words[0]}"' in why


def test_explain_answers_for_a_number(stack, brand):
	conf = stack.folder / "texts.conf"
	conf.write_text((stack.folder / "assent.conf").read_text() + f"""
stream texts {{
	match {{ listener = "texts" }}
	brand = "{brand}"
	purpose = "news"
}}
""")
	def explain(*words):
		return ctl(stack, "-c", str(conf), "explain", words[0], "texts",
		    *words[1:], check=False)
	def reason(*words):
		told = json.loads(explain(*words, "--json").stdout)
		return told["purposes"][0]["reason"]
	phone = new_number()
	assert reason(phone, "--channel", "sms") == "unknown"
	ctl(stack, "grant", phone, f"{brand}/news", "--channel", "sms")
	assert reason(phone, "--channel", "sms") == "granted"
	assert reason(phone, "--channel", "voice") == "no-consent"
	assert "which channel" in explain(phone).stderr
	assert "kind email" in explain("granted@rcpt.test", "--channel",
	    "sms").stderr


# Evidence

def test_evidence_is_kept_as_personal_fields(stack, brand):
	for version in ("one", "two"):
		ctl(stack, "purpose", "text", "add", f"{brand}/news", "en",
		    "--title", "News", "--body", version)
	address = f"evidence{time.time_ns()}@rcpt.test"
	ctl(stack, "grant", address, f"{brand}/news", "--evidence", "said so",
	    "--form", "f-1", "--document", "d-1", "--ip", "2001:DB8:0::1",
	    "--user-agent", "Browser/1", "--message-id", "<a@example.com>",
	    "--requested-at", "2026-11-01T10:00Z",
	    "--confirmed-at", "2026-11-01 12:00+01", "--text", "en")
	assert fields(stack, address) == {"evidence": "said so", "form": "f-1",
	    "document": "d-1", "ip": "2001:db8::1", "user_agent": "Browser/1",
	    "message_id": "<a@example.com>",
	    "requested_at": "2026-11-01T10:00:00.000000Z",
	    "confirmed_at": "2026-11-01T11:00:00.000000Z"}
	shown = "SELECT t.body FROM assent.endpoint n JOIN assent.event v " \
	    "USING (contact_id) JOIN assent.purpose_text t ON t.id = v.text_id " \
	    "WHERE n.canonical = %s ORDER BY v.id DESC LIMIT 1"
	assert stack.sql(shown, address) == [("two",)]
	ctl(stack, "grant", address, f"{brand}/news", "--text", "en:1")
	assert stack.sql(shown, address) == [("one",)]
	ctl(stack, "withdraw", address, f"{brand}/news", "--ip", "192.0.2.7")
	assert fields(stack, address) == {"ip": "192.0.2.7"}


@pytest.mark.parametrize("words,said", [
    (["--ip", "192.0.2.256"], "no IP address"), (["--ip", "x"], "no IP"),
    (["--confirmed-at", "someday"], "--confirmed-at"),
    (["--form", ""], "--form is empty"),
    (["--text", "en:9"], "en:1, en:2"), (["--text", "pl"], "en:1, en:2")])
def test_bad_evidence_is_named_and_nothing_done(stack, brand, words, said):
	address = f"bad{time.time_ns()}@rcpt.test"
	why = refused(stack, "grant", address, f"{brand}/news", *words)
	assert why.startswith("1 ") and said in why
	assert "unknown" in refused(stack, "show", address)


# Data

def test_a_contact_is_edited_and_shown(stack):
	address = subscriber(stack)
	ctl(stack, "contact", "edit", address, "--language", "pl",
	    "--attribute", "name=T", "--attribute", "city=X", "--attribute",
	    "note=a=b", "--source", "partner", "--source-name", "fair 2026",
	    "--disclaimer", "terms-3", "--disclaimer-at", "2026-11-02")
	told = ctl(stack, "contact", "edit", address, "--attribute", "city=",
	    "--json")
	assert json.loads(told.stdout)["changed"]
	found = show(stack, address)
	assert {k: found[k] for k in ("language", "attributes", "source",
	    "source_name", "disclaimer")} == {"language": "pl",
	    "attributes": {"name": "T", "note": "a=b"}, "source": "partner",
	    "source_name": "fair 2026", "disclaimer": "terms-3"}
	assert found["disclaimer_at"].startswith("2026-11-0")
	text = ctl(stack, "show", address).stdout
	for line in ("language pl", "source partner", "attribute name=T",
	    "disclaimer terms-3"):
		assert line in text
	told = ctl(stack, "contact", "edit", address, "--language", "pl",
	    "--json")
	assert not json.loads(told.stdout)["changed"]


@pytest.mark.parametrize("words,said", [
    (["--language", "Polish"], "language"), (["--source", "x"], "none of"),
    (["--attribute", "x"], "NAME=VALUE"), (["--attribute", "=x"], "NAME="),
    (["--disclaimer-at", "2026-01-01"], "--disclaimer"),
    (["--disclaimer", "x", "--disclaimer-at", "2999-01-01"], "in the future"),
    (["--language", "pl", "--language", "en"], "given twice"),
    (["--source-name", ""], "empty"), (["--monitoring", "on"], "grant"),
    (["--monitoring", "maybe"], "off")])
def test_a_bad_edit_is_named(stack, words, said):
	assert said in refused(stack, "contact", "edit", "granted@rcpt.test",
	    *words)


def test_nobody_cannot_be_edited(stack):
	assert "nobody on record" in refused(stack, "contact", "edit",
	    "nobody-here@rcpt.test", "--language", "pl")


# Addresses

def test_another_address_counts_at_once_and_so_does_its_end(stack):
	address = subscriber(stack)
	other = f"other{time.time_ns()}@rcpt.test"
	# Nodes have it cached that the address is unknown.
	assert stack.rcpt(other).startswith("550")
	assert stack.rcpt(other).startswith("550")
	stack.ctl("contact", "add-address", address, other.upper())
	assert stack.rcpt(other).startswith("250")
	assert stack.rcpt(other).startswith("250")
	assert [a["canonical"] for a in show(stack, address)["addresses"]] == [
	    other, address]
	stack.ctl("contact", "remove-address", other)
	assert stack.rcpt(other).startswith("550")
	assert stack.rcpt(address).startswith("250")
	assert "unknown" in refused(stack, "show", other)


def test_leaving_by_one_address_leaves_by_all(stack):
	address = subscriber(stack)
	other = f"other{time.time_ns()}@rcpt.test"
	stack.ctl("contact", "add-address", address, other)
	assert stack.rcpt(other).startswith("250")
	stack.ctl("withdraw", address, "acme/newsletter")
	assert stack.rcpt(other).startswith("550")


def test_an_address_belongs_to_one_contact(stack):
	one, two = subscriber(stack), subscriber(stack)
	assert "another contact" in refused(stack, "contact", "add-address",
	    one, two)
	assert "only address" in refused(stack, "contact", "remove-address",
	    one)
	phone = new_number()
	ctl(stack, "contact", "add-address", one, phone)
	assert show(stack, phone)["contact"] == show(stack, one)["contact"]
	told = ctl(stack, "contact", "add-address", one, phone, "--json")
	assert not json.loads(told.stdout)["changed"]


def test_a_change_that_waited_for_a_removal_finds_nobody(stack):
	"""Whoever removed the address was first: the change must not go to the
	contact who had it."""
	address = subscriber(stack)
	other = f"other{time.time_ns()}@rcpt.test"
	ctl(stack, "contact", "add-address", address, other)
	((key, old),) = stack.sql("SELECT key, contact_id FROM assent.endpoint "
	    "WHERE canonical = %s", other)
	with psycopg2.connect(stack.env["DATABASE_URL"]) as db:
		db.cursor().execute("SELECT assent.endpoint_remove('', %s, 't')",
		    (key,))
		change = threading.Thread(target=stack.sql, args=(
		    "SELECT assent.change('', 'object', %s, 'email', %s, %s, "
		    "(SELECT purpose_id FROM assent.consent WHERE contact_id = "
		    "%s), 'email', NULL, NULL, 't', NULL)", key, other, other,
		    old))
		change.start()
		assert wait_for(lambda: stack.sql("SELECT 1 FROM pg_locks "
		    "WHERE NOT granted"))
	change.join(20)
	assert stack.sql("SELECT objected_at FROM assent.consent "
	    "WHERE contact_id = %s", old) == [(None,)]
	((new,),) = stack.sql("SELECT contact_id FROM assent.endpoint "
	    "WHERE key = %s", key)
	assert new != old


# Monitoring

def monitored(stack, address, brand):
	(one,) = [m for m in show(stack, address)["monitoring"]
	    if m["brand"] == brand]
	return one["on"]


def test_monitoring_is_a_consent_of_its_own(stack, brand):
	address = f"follow{time.time_ns()}@rcpt.test"
	ctl(stack, "grant", address, f"{brand}/news")
	assert not monitored(stack, address, brand)
	ctl(stack, "grant", address, f"{brand}/follow")
	ctl(stack, "grant", address, f"{brand}/follow", "--channel", "sms")
	assert monitored(stack, address, brand)
	ctl(stack, "contact", "edit", address, "--monitoring", "off")
	assert not monitored(stack, address, brand)
	# Off is off: also when everything is granted later.
	ctl(stack, "grant", address, f"{brand}/all")
	ctl(stack, "grant", address, f"{brand}/all", "--channel", "sms")
	assert not monitored(stack, address, brand)
	assert f"monitoring off by {brand}" in ctl(stack, "show", address).stdout
	ctl(stack, "grant", address, f"{brand}/follow")
	assert monitored(stack, address, brand)


def test_a_brand_has_one_purpose_for_monitoring(stack, brand):
	def marked():
		listed = json.loads(ctl(stack, "purpose", "list",
		    "--json").stdout)["purposes"]
		return [p["purpose"] for p in listed
		    if p["brand"] == brand and p["monitoring"]]
	why = refused(stack, "purpose", "edit", f"{brand}/news",
	    "--monitoring", "yes")
	assert f"{brand}/follow is this brand's" in why
	assert "consent of its own" in refused(stack, "purpose", "edit",
	    f"{brand}/all", "--monitoring", "yes")
	assert marked() == ["follow"]
	ctl(stack, "purpose", "edit", f"{brand}/follow", "--monitoring", "no")
	ctl(stack, "purpose", "edit", f"{brand}/news", "--monitoring", "yes")
	assert marked() == ["news"]
	ctl(stack, "purpose", "edit", f"{brand}/news", "--monitoring", "no")
	ctl(stack, "purpose", "edit", f"{brand}/follow", "--monitoring", "yes")


def test_the_template_marks_online_profiling(stack):
	name = f"gdpr{time.time_ns()}"
	ctl(stack, "brand", "add", name, "--name", "GDPR")
	ctl(stack, "purpose", "template", "gdpr", "--brand", name)
	assert stack.sql("SELECT p.slug FROM assent.purpose p JOIN assent.brand b "
	    "ON b.id = p.brand_id WHERE b.slug = %s AND monitoring", name) == [
	    ("profiling-online",)]


# Exemptions

def test_an_exemption_is_in_force_when_it_is_added_and_over_when_ended(stack):
	left, objected = subscriber(stack, "acme/offers"), subscriber(stack, "acme/offers")
	ctl(stack, "object", objected, "acme/newsletter")
	name = f"recall{time.time_ns()}"
	assert stack.rcpt(left).startswith("550")
	stack.ctl("exemption", "add", name, "acme/newsletter", *GOOD)
	try:
		assert stack.rcpt(left).startswith("250")
		assert stack.rcpt(objected).startswith("550")
		step = [s for s in stack.explain(left)["purposes"][0]["path"]
		    if s["relation"] == "own"]
		assert step[0]["exemption"] == name
		assert f"by the exemption {name}" in ctl(stack, "explain", left,
		    "newsletter").stdout
		assert [x["name"] for x in show(stack, left)["exemptions"]] == [
		    name]
		assert show(stack, objected)["exemptions"] == []
		assert f"exemption {name}" in ctl(stack, "show", left).stdout
		listed = json.loads(ctl(stack, "exemption", "list",
		    "--json").stdout)["exemptions"]
		assert [(x["exemption"], x["purpose"], x["owner"]) for x in listed
		    ] == [(name, "acme/newsletter", "quality")]
		# Nothing overrides a refusal that comes while it lasts.
		stack.ctl("withdraw", left, "acme/newsletter")
		assert stack.rcpt(left).startswith("550")
		third = subscriber(stack, "acme/offers")
		assert stack.rcpt(third).startswith("250")
	finally:
		stack.ctl("exemption", "end", name)
	assert stack.rcpt(third).startswith("550")
	assert name not in ctl(stack, "exemption", "list").stdout
	(past,) = [x for x in json.loads(ctl(stack, "exemption", "list", "--all",
	    "--json").stdout)["exemptions"] if x["exemption"] == name]
	assert not past["in_force"]
	assert "already" in refused(stack, "exemption", "add", name,
	    "acme/newsletter", *GOOD)
	assert "was over" in ctl(stack, "exemption", "end", name).stdout


@pytest.mark.parametrize("words,said", [
    (["add", "x", "acme/newsletter", *GOOD[:4]], "2 assentctl: exemption add "
    "needs --until"), (["add", "x", "acme/newsletter", *GOOD[2:]], "--owner"),
    (["add", "x", "acme/newsletter", *GOOD[:4], "--until", "2020-01-01"],
    "is past"), (["add", "X", "acme/newsletter", *GOOD], "a name is"),
    (["add", "x", "acme/nothing", *GOOD], "nothing"),
    (["end", "nothing"], "no exemption")])
def test_a_bad_exemption_is_named(stack, words, said):
	assert said in refused(stack, "exemption", *words)


# Flags, brands, records

def test_show_has_the_flags_with_their_dates(stack):
	address = subscriber(stack)
	ctl(stack, "object", address, "acme/newsletter", "--at", "2026-03-04T05:06Z")
	ctl(stack, "suspend", address, "acme/newsletter", "--at", "2026-04-05T06:07Z")
	(one,) = consents(show(stack, address), "acme")
	assert (one["objected_at"], one["restricted_at"], one["suspended_at"]) == (
	    "2026-03-04T05:06:00Z", None, "2026-04-05T06:07:00Z")
	assert "objected 2026-03-04, suspended 2026-04-05" in ctl(stack, "show",
	    address).stdout


def test_a_brand_is_renamed_and_moved(stack, brand):
	company = f"company{time.time_ns()}"
	ctl(stack, "brand", "add", company, "--name", "Company")
	address = f"brand{time.time_ns()}@rcpt.test"
	ctl(stack, "grant", address, f"{company}/all")
	def effective():
		return {c["effective"] for c in show(stack, address)["consents"]
		    if (c["brand"], c["purpose"]) == (brand, "news")}
	ctl(stack, "brand", "edit", brand, "--name", "New", "--parent", company)
	assert effective() == {"granted"}
	assert "circle" in refused(stack, "brand", "edit", company, "--parent",
	    brand)
	assert "circle" in refused(stack, "brand", "edit", company, "--parent",
	    company)
	assert "no brand" in refused(stack, "brand", "edit", company,
	    "--parent", "nobody")
	assert refused(stack, "brand", "edit", company).startswith("2 ")
	ctl(stack, "brand", "edit", brand, "--parent", "none")
	assert effective() == set()
	assert stack.sql("SELECT b.name, p.title, parent_id FROM assent.brand b "
	    "JOIN (SELECT brand_id, title FROM assent.purpose WHERE slug = 'all') "
	    "AS p ON p.brand_id = b.id WHERE slug = %s", brand) == [
	    ("New", "New", None)]


def test_the_consent_record_has_basis_text_and_evidence(stack, brand):
	phone = new_number()
	ctl(stack, "purpose", "text", "add", f"{brand}/news", "it", "--title",
	    "Notizie", "--body", "Scriviamo.")
	ctl(stack, "grant", phone, f"{brand}/news", "--channel", "sms", "--text",
	    "it", "--ip", "192.0.2.9", "--form", "f-2")
	ctl(stack, "contact", "edit", phone, "--language", "it")
	ctl(stack, "ledger", "checkpoint")
	record = json.loads(ctl(stack, "proof", phone).stdout)["consent_record"]
	(purpose,) = record["pii_processing"]["purposes"]
	assert purpose["lawful_basis"] == "soft-opt-in"
	granted, edited = record["events"]
	assert granted["privacy_notice"] == {"language": "it", "version": 1,
	    "title": "Notizie", "text": "Scriviamo."}
	assert granted["evidence"] == {"ip": "192.0.2.9", "form": "f-2"}
	assert edited["event_type"] == "contact data changed"
	assert edited["evidence"]["after"]["language"] == "it"


def test_batch_takes_them_too(stack, brand):
	address = subscriber(stack)
	phone = new_number()
	file = stack.folder / "contacts.batch"
	file.write_text(f"contact add-address {address} '{phone}'\n"
	    f"contact edit {phone} --attribute a=1 --attribute 'b=2 3'\n"
	    f"grant {phone} {brand}/news --channel voice --form f\n"
	    f"contact remove-address {phone}\n")
	assert ctl(stack, "batch", str(file)).stdout == "4 done\n"
	assert show(stack, address)["attributes"] == {"a": "1", "b": "2 3"}
