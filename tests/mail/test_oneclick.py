# SPDX-License-Identifier: ISC
"""The promise of one click: from a message's link to the next refusal."""

import re

import pytest

from conftest import on_both_mtas

pytestmark = on_both_mtas

FORMS = {
	"urlencoded": (b"List-Unsubscribe=One-Click",
	    {"Content-Type": "application/x-www-form-urlencoded"}),
	"multipart": (b'--b\r\nContent-Disposition: form-data; '
	    b'name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
	    {"Content-Type": "multipart/form-data; boundary=b"}),
	"empty": (b"", {}),
}

# Everything that a request could change.
TABLES = ("contact", "endpoint", "consent", "permit", "event", "event_person",
    "cache_epoch")


def everything(stack):
	return {t: stack.sql(f"SELECT * FROM assent.{t} ORDER BY 1")
	    for t in TABLES}


def link_of(stack, address):
	return stack.delivered(stack.send(address).marker).link()


@pytest.mark.parametrize("form", FORMS)
def test_one_click_refuses_the_very_next_message(stack, form):
	address = stack.subscriber()
	path = link_of(stack, address)
	body, headers = FORMS[form]
	status, _ = stack.page("POST", path, body, headers)
	assert status == 200
	assert stack.rcpt(address).startswith("550 5.7.1 withdrawn: ")


def test_looking_a_hundred_times_changes_nothing(stack):
	address = stack.subscriber()
	path = link_of(stack, address)
	before = everything(stack)
	for _ in range(100):
		assert stack.page("GET", path)[0] == 200
		assert stack.page("HEAD", path)[0] == 200
		stack.page("OPTIONS", path)
	assert everything(stack) == before
	assert stack.rcpt(address).startswith("250 ")


def test_bad_tokens_get_the_same_page_and_change_nothing(stack):
	address = stack.subscriber()
	path = link_of(stack, address)
	other = path[:-1] + ("A" if path[-1] != "A" else "Q")
	bad = [path[:-1], other, "/u/" + "A" * 44, path[:3] + path[:2:-1],
	    "/u/x", path[:20] + "%00" + path[20:]]
	plain = stack.page("GET", "/u/forged")
	before = everything(stack)
	answers = set()
	for p in bad:
		assert stack.page("GET", p) == plain
		answers.add(stack.page("POST", p, *FORMS["urlencoded"]))
	assert everything(stack) == before
	assert stack.rcpt(address).startswith("250 ")
	answers.add(stack.page("POST", path, *FORMS["urlencoded"]))
	assert len(answers) == 1 and answers.pop()[0] == 200


def test_clicking_again_records_nothing_more(stack):
	address = stack.subscriber()
	path = link_of(stack, address)
	stack.click(path)
	before = everything(stack)
	assert stack.click(path) == 200
	after = everything(stack)
	# The withdrawal now counts from the second click.
	assert after.pop("consent") != before.pop("consent")
	assert after == before


def test_a_click_ends_one_purpose_only(stack):
	address = stack.subscriber()
	stack.ctl("grant", address, "offers")
	stack.click(link_of(stack, address))
	sent = stack.send(address, listener="HEADER_",
	    headers="Consent-Purpose: offers\r\n")
	assert sent.end.startswith("250 ")


def test_the_mail_spelling_opens_too(stack):
	address = stack.subscriber()
	message = stack.delivered(stack.send(address).marker)
	spelling = re.search("mailto:([a-z2-7]{53})@",
	    message.all("List-Unsubscribe")[0])[1]
	assert stack.click("/u/" + spelling.upper()) == 200
	assert stack.rcpt(address).startswith("550 5.7.1 withdrawn: ")


def test_the_proof_is_kept_and_consent_may_come_back(stack):
	address = stack.subscriber()
	stack.page("POST", link_of(stack, address), FORMS["urlencoded"][0],
	    {**FORMS["urlencoded"][1], "User-Agent": "Mailer/1.0"})
	((source, fields),) = stack.sql("""
		SELECT e.source, p.fields FROM assent.event e
		JOIN assent.event_person p ON p.event_id = e.id
		JOIN assent.endpoint n ON n.contact_id = e.contact_id
		WHERE n.canonical = %s AND e.act = 'withdraw'""", address)
	assert source == "one-click"
	assert fields == {"ip": "127.0.0.1", "user_agent": "Mailer/1.0"}
	stack.ctl("grant", address, "newsletter")
	assert stack.rcpt(address).startswith("250 ")
