# SPDX-License-Identifier: ISC
"""The reply to each recipient."""

import re

import pytest

from conftest import SENDER, on_both_mtas, wait_for

pytestmark = on_both_mtas


@pytest.mark.parametrize("state", ["withdrawn", "objected", "restricted",
    "pending", "expired", "unknown"])
def test_each_refusal_has_its_word(stack, state):
	reply = stack.rcpt(f"{state}@rcpt.test")
	assert re.fullmatch(rf"550 5\.7\.1 {state}: [ -~]*\(newsletter, "
	    r"ref [0-9a-f]{8}\)", reply)
	others = {"withdrawn", "objected", "restricted", "pending", "expired",
	    "unknown"} - {state}
	assert not any(other in reply for other in others)
	assert len(reply) <= 510


def test_granted_is_accepted(stack):
	for i in ["", *range(2, 10)]:
		assert stack.rcpt(f"granted{i}@rcpt.test").startswith("250 ")


@pytest.mark.parametrize("spelling", ["GRANTED@RCPT.TEST", "Granted@rcpt.Test",
    '"granted"@rcpt.test'])
def test_spellings_of_one_address(stack, spelling):
	assert stack.rcpt(spelling).startswith("250 ")


def test_a_tag_never_grants_and_may_refuse(stack):
	assert " unknown:" in stack.rcpt("granted+x@rcpt.test")
	stack.ctl("grant", "objected+x@rcpt.test", "newsletter")
	assert " objected:" in stack.rcpt("objected+x@rcpt.test")
	stack.ctl("grant", "granted+y@rcpt.test", "newsletter")
	assert stack.rcpt("granted+y@rcpt.test").startswith("250 ")


def test_consent_is_to_one_purpose(stack):
	address = stack.subscriber("offers")
	assert " no-consent:" in stack.rcpt(address)


def test_unreadable_addresses(stack):
	assert stack.rcpt("granted").startswith("5")
	assert stack.rcpt("gra nted@rcpt.test").startswith("5")


def test_second_accepted_recipient_is_told_to_come_again(stack):
	sent = stack.send(["granted@rcpt.test", "withdrawn@rcpt.test",
	    "granted2@rcpt.test", "granted@rcpt.test"],
	    sender="shop@one.example.com")
	assert [r[:9] for r in sent.replies] == ["250 2.1.5", "550 5.7.1",
	    "452 4.5.3", "250 2.1.5"]
	assert sent.end.startswith("250 ")
	assert stack.delivered(sent.marker).recipients == ["granted@rcpt.test"]


def test_many_messages_on_one_connection(stack):
	with stack.smtp() as s:
		for i in range(30):
			who = ["granted2", "withdrawn", "pending"][i % 3]
			want = [250, 550, 550][i % 3]
			s.ehlo_or_helo_if_needed()
			s.mail(SENDER)
			assert s.rcpt(f"{who}@rcpt.test")[0] == want
			if i % 2:
				s.rset()
			elif want == 250:
				assert s.data(b"Subject: x\r\n\r\nx\r\n")[0] == 250
			else:
				s.rset()


def test_reply_and_log_share_a_reference(stack):
	reply = stack.rcpt("withdrawn@rcpt.test")
	reference = re.search("ref ([0-9a-f]{8})", reply)[1]
	(line,) = wait_for(lambda: [row for row in stack.log().splitlines()
	    if reference in row])
	assert "refuse reason=withdrawn stream=newsletter " \
	    "purpose=newsletter rcpt=withdrawn@rcpt.test" in line


def test_verdicts_are_counted(stack):
	series = 'assent_verdicts_total{stream="newsletter",reason="objected"}'
	before = stack.metric(series)
	stack.rcpt("objected@rcpt.test")
	assert stack.metric(series) == before + 1
	assert stack.metric("assent_lease_held") == 1
	assert stack.metric('assent_lookups_total{source="cache"}') > 0


def test_explain_agrees_with_the_milter(stack):
	for who in ("granted", "withdrawn", "objected", "restricted", "pending",
	    "expired", "nobody"):
		told = stack.explain(f"{who}@rcpt.test")
		word = told["purposes"][0]["reason"]
		reply = stack.rcpt(f"{who}@rcpt.test")
		assert reply.startswith("250 " if word == "granted"
		    else f"550 5.7.1 {word}: ")
