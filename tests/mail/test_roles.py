# SPDX-License-Identifier: ISC
"""Who may do what: each role logs in and tries each thing.

tests/sql/roles.sql tries every table and function there is; here is what that
comes to, in words.  "no" is PostgreSQL's refusal, or the ledger's own; "yes"
is that it worked.  Everything is taken back.
"""

import time

import psycopg2
import pytest

# web writes, reader is the web's GET routes, owner is the administrator.
MATRIX = """
                              milter reader web operator dpo auditor checkpointer owner
read a permit                    yes    yes  no      yes  no      no           no   yes
read the purposes                yes    yes yes      yes  no      no           no   yes
read an address                   no     no  no      yes  no      no           no   yes
read a contact's data             no     no  no      yes  no      no           no   yes
read a consent                    no     no  no      yes  no      no           no   yes
ask why                           no     no  no      yes  no      no           no   yes
opt out by a link                 no     no yes       no  no      no           no   yes
record a consent                  no     no  no      yes  no      no           no   yes
record a withdrawal               no     no  no      yes  no      no           no   yes
edit a contact                    no     no  no      yes  no      no           no   yes
add an address                    no     no  no      yes  no      no           no   yes
end monitoring                    no     no  no      yes  no      no           no   yes
change the trees                  no     no  no      yes  no      no           no   yes
add a text                        no     no  no      yes  no      no           no   yes
add an exemption                  no     no  no      yes  no      no           no   yes
compute permits anew              no     no  no      yes  no      no           no   yes
distrust the cache                no     no yes      yes  no      no           no   yes
write a consent by hand           no     no  no       no  no      no           no   yes
write a permit by hand            no     no  no       no  no      no           no   yes
write a purpose by hand           no     no  no       no  no      no           no   yes
delete an address by hand         no     no  no       no  no      no           no   yes
read the ledger                   no     no  no       no  no     yes           no   yes
read everybody's personal fields  no     no  no       no  no      no           no   yes
read one person's ledger          no     no  no       no yes      no           no   yes
check commitments                 no     no  no       no  no     yes           no   yes
read the tree                     no     no  no       no yes     yes          yes   yes
sign a checkpoint                 no     no  no       no  no      no          yes   yes
append an event by hand           no     no  no       no  no      no           no   yes
change an event                   no     no  no       no  no      no           no    no
delete an event                   no     no  no       no  no      no           no    no
empty the ledger                  no     no  no       no  no      no           no    no
change personal fields            no     no  no       no  no      no           no    no
delete personal fields            no     no  no       no  no      no           no    no
erase personal fields, recorded   no     no  no       no  no      no           no   yes
change the rules                  no     no  no       no  no      no           no   yes
become the operator               no     no  no      yes  no      no           no    no
become the dpo                    no     no  no       no yes      no           no    no
"""

TRIES = {
    "read a permit": "SELECT packed FROM assent.permit WHERE key = %(key)s",
    "read the purposes": "SELECT title FROM assent.purpose",
    "read an address":
	"SELECT canonical FROM assent.endpoint WHERE key = %(key)s",
    "read a contact's data":
	"SELECT attributes FROM assent.contact WHERE id = %(who)s",
    "read a consent":
	"SELECT state FROM assent.consent WHERE contact_id = %(who)s",
    "ask why": "SELECT * FROM assent.explain(%(key)s, %(purpose)s, 'email')",
    "opt out by a link": "SELECT * FROM assent.opt_out('', %(key)s, "
	"%(purpose)s, 'email', 'page', NULL)",
    "record a consent": "SELECT * FROM assent.change('', 'grant', %(key)s, "
	"'email', 'x', 'x', %(purpose)s, 'email', NULL, NULL, 'x', NULL)",
    "record a withdrawal": "SELECT * FROM assent.change('', 'withdraw', "
	"%(key)s, 'email', 'x', 'x', %(purpose)s, 'email', NULL, NULL, 'x', "
	"NULL)",
    "edit a contact": "SELECT assent.contact_edit(%(key)s, 'x', 'pl', NULL, "
	"NULL, NULL, NULL, NULL)",
    "add an address": "SELECT * FROM assent.endpoint_add('', %(key)s, 'x', "
	"%(other)s, 'phone', '+48600100200', '+48600100200')",
    "end monitoring": "SELECT * FROM assent.monitoring_off('', %(key)s, 'x', "
	"NULL)",
    "change the trees": "SELECT assent.purpose_add('acme', 'roles', 'x', "
	"'{email}')",
    "add a text": "SELECT assent.text_add(%(purpose)s, 'en', 'x', 'x')",
    "add an exemption": "SELECT assent.exemption_add('roles', %(purpose)s, "
	"'x', 'x', now() + interval '1 day')",
    "compute permits anew": "SELECT * FROM assent.repack_batch(%(who)s - 1, 1)",
    "distrust the cache": "SELECT assent.move_epoch()",
    "write a consent by hand": "UPDATE assent.consent SET state = 'granted' "
	"WHERE contact_id = %(who)s",
    "write a permit by hand": "UPDATE assent.permit SET packed = '\\x010000' "
	"WHERE key = %(key)s",
    "write a purpose by hand": "UPDATE assent.purpose SET title = 'x' "
	"WHERE id = %(purpose)s",
    "delete an address by hand":
	"DELETE FROM assent.endpoint WHERE key = %(key)s",
    "read the ledger": "SELECT act FROM assent.event",
    "read everybody's personal fields":
	"SELECT fields FROM assent.event_person",
    "read one person's ledger":
	"SELECT * FROM assent.person_ledger(%(key)s, 'x')",
    "check commitments": "SELECT commitment FROM assent.opened",
    "read the tree": "SELECT leaf.hash, root FROM assent.checkpoint, "
	"assent.leaf LEFT JOIN assent.merkle_node ON level = 1",
    "sign a checkpoint": "SELECT assent.checkpoint_sign(number, size, "
	"sha256(''), now(), 0, sha512(''), last_id, horizon, "
	"coalesce(settled, 0)) FROM assent.checkpoint_begin()",
    "append an event by hand": "INSERT INTO assent.event (at, act, source, "
	"commitment, leaf) VALUES (now(), 'define', 'x', sha256(''), "
	"sha256(''))",
    "change an event": "UPDATE assent.event SET source = 'x' "
	"WHERE contact_id = %(who)s",
    "delete an event": "DELETE FROM assent.event WHERE contact_id = %(who)s",
    "empty the ledger": "TRUNCATE assent.event CASCADE",
    "change personal fields": "UPDATE assent.event_person SET fields = '{}'",
    "delete personal fields": "DELETE FROM assent.event_person",
    "erase personal fields, recorded":
	"SELECT assent.erase_person_fields(ARRAY[%(event)s], 'x')",
    "change the rules": "CREATE OR REPLACE FUNCTION assent.epoch_lock() "
	"RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 1::bigint'",
    "become the operator": "SET ROLE assent_operator",
    "become the dpo": "SET ROLE assent_dpo",
}

HEAD, *ROWS = MATRIX.strip("\n").splitlines()
ROLES = HEAD.split()
CELLS = {(" ".join(words[:-len(ROLES)]), role): answer == "yes"
    for words in map(str.split, ROWS)
    for role, answer in zip(ROLES, words[-len(ROLES):])}


@pytest.fixture(scope="module")
def person(stack):
	"""Somebody with a consent, personal fields and events not signed yet."""
	address = f"roles{time.time_ns()}@rcpt.test"
	stack.ctl("grant", address, "newsletter", "--ip", "192.0.2.1")
	stack.ctl("ledger", "checkpoint")
	stack.ctl("withdraw", address, "newsletter")
	((key, who),) = stack.sql("SELECT key, contact_id FROM assent.endpoint "
	    "WHERE canonical = %s", address)
	((purpose, event),) = stack.sql("SELECT purpose_id, max(id) "
	    "FROM assent.event WHERE contact_id = %s GROUP BY 1", who)
	return {"key": key, "who": who, "purpose": purpose, "event": event,
	    "other": bytes(13)}


@pytest.fixture(scope="module")
def logins(stack):
	found = {role: psycopg2.connect(stack.env["DATABASE_URL"],
	    user=f"assent_{role}", options="-c lock_timeout=20s")
	    for role in ROLES}
	yield found
	for db in found.values():
		db.close()


def works(db, what, person):
	"""Tries it and takes it back."""
	try:
		with db.cursor() as cursor:
			cursor.execute(TRIES[what], person)
			assert cursor.rowcount != 0, "it did nothing"
		return True
	except psycopg2.errors.InsufficientPrivilege:
		return False
	except psycopg2.errors.RaiseException as e:
		assert "append-only" in str(e)
		return False
	finally:
		db.rollback()


@pytest.mark.parametrize("what", TRIES)
def test_each_role_may_do_what_it_needs_and_no_more(logins, person, what):
	found = {role: works(db, what, person) for role, db in logins.items()}
	assert found == {role: CELLS[what, role] for role in ROLES}


def test_the_matrix_is_whole(stack):
	assert {what for what, _ in CELLS} == set(TRIES)
	assert {role for (role,) in stack.sql("SELECT rolname FROM pg_roles "
	    "WHERE rolname LIKE 'assent\\_%%' AND rolcanlogin")} == {
	    f"assent_{role}" for role in ROLES}
