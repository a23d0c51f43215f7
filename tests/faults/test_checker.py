# SPDX-License-Identifier: ISC
"""The checker itself, on histories with and without something wrong in them."""

import pytest

import checker
from history import Operation

A, B = "a@rcpt.test", "b@rcpt.test"
MINUTE = checker.COMMIT_MAX


def history(*rows):
	return [Operation(*row[:4], *(row[4:] + ("x",))[:2]) for row in rows]


def grant(start, end, outcome="done", who=A):
	return start, end, "grant", who, outcome


def withdraw(start, end, outcome="done", who=A):
	return start, end, "withdraw", who, outcome


def send(start, end, outcome, who=A):
	return start, end, "send", who, outcome


def message(marker, outcome, *to):
	return 1, 2, "message", marker, outcome, ",".join(to)


GOOD = {
    "nothing": [],
    "before anything is known": [send(1, 2, "accepted"),
	send(3, 4, "refused")],
    "one after the other": [grant(1, 2), send(3, 4, "accepted"),
	withdraw(5, 6), send(7, 8, "refused"), grant(9, 10),
	send(11, 12, "accepted")],
    "begun before the acknowledgement": [grant(1, 2), withdraw(3, 6),
	send(5, 9, "accepted"), send(5, 9, "refused")],
    "begun at the acknowledgement": [grant(1, 2), withdraw(3, 6),
	send(6, 9, "accepted")],
    "granted again meanwhile": [withdraw(1, 2), grant(3, 9),
	send(4, 5, "accepted"), send(6, 7, "refused")],
    "granted again before the check ended": [withdraw(1, 2), grant(5, 9),
	send(4, 6, "accepted")],
    "two changes at once": [grant(1, 2), withdraw(3, 8), grant(4, 7),
	send(9, 10, "accepted"), send(11, 12, "refused")],
    "deferred": [withdraw(1, 2), send(3, 4, "deferred")],
    "a withdrawal that failed": [grant(1, 2), withdraw(3, 4, "failed"),
	send(5, 6, "accepted"), send(7, 8, "refused")],
    "a grant that failed, and came late": [withdraw(1, 2),
	grant(3, 4, "failed"), withdraw(5, 6), send(7, 8, "accepted")],
    "somebody else": [grant(1, 2), withdraw(3, 4, who=B),
	send(5, 6, "accepted")],
}
BAD = {
    "accepted after a withdrawal": [withdraw(1, 2), send(3, 4, "accepted")],
    "refused after a grant": [grant(1, 2), send(3, 4, "refused")],
    "the grant was before": [grant(1, 2), withdraw(3, 4),
	send(5, 6, "accepted")],
    "the grant is later": [withdraw(1, 2), send(3, 4, "accepted"),
	grant(5, 6)],
    "the grant that failed was long ago": [grant(1, 2, "failed"),
	withdraw(MINUTE + 3, MINUTE + 4), send(MINUTE + 5, MINUTE + 6,
	"accepted")],
    "two withdrawals at once": [grant(1, 2), withdraw(3, 8), withdraw(4, 6),
	send(7, 9, "accepted")],
    "a grant over before both": [grant(3, 5), withdraw(4, 6),
	withdraw(7, 8), send(9, 10, "accepted")],
    "once, much later": [withdraw(1, 2), *(send(t, t + 1, "refused")
	for t in range(3, 90, 2)), send(100, 101, "accepted")],
}


@pytest.mark.parametrize("name", GOOD)
def test_finds_nothing_in(name):
	assert checker.stale(history(*GOOD[name])) == []


@pytest.mark.parametrize("name", BAD)
def test_finds(name):
	assert len(checker.stale(history(*BAD[name]))) == 1


TURNS = [
    ([], 0),
    ([withdraw(1, 2)], 0),
    ([grant(1, 2), withdraw(3, 4)], 1),
    ([grant(1, 2), withdraw(3, 4), withdraw(5, 6)], 1),
    ([grant(1, 2), withdraw(3, 4), grant(5, 6), withdraw(7, 8)], 2),
    ([grant(1, 2), withdraw(3, 4, "failed")], 0),
    ([grant(1, 2, "failed"), withdraw(3, 4)], 0),
    ([grant(1, 3), withdraw(2, 4)], 0),
    ([grant(1, 2), withdraw(3, 6), grant(4, 5), withdraw(7, 8)], 1),
]


@pytest.mark.parametrize("rows, least", TURNS)
def test_an_opt_out_is_missed_in_the_ledger(rows, least):
	operations = history(*rows)
	assert checker.lost_opt_outs(operations, {A: least}) == []
	if least:
		assert checker.lost_opt_outs(operations, {A: least - 1})
		assert checker.lost_opt_outs(operations, {B: least})


def test_what_reached_everybody_once_is_right():
	operations = history(message("m1", "deferred", A),
	    message("m1", "accepted", A, B), message("m2", "deferred", B))
	assert checker.messages(operations, {("m1", A): 1, ("m1", B): 1}) == []
	# A copy may be out already when a message is deferred.
	assert checker.messages(operations,
	    {("m1", A): 1, ("m1", B): 1, ("m2", B): 1}) == []


@pytest.mark.parametrize("delivered, word", [
    ({("m1", A): 1}, "lost"),
    ({("m1", A): 1, ("m1", B): 2}, "2 times"),
    ({("m1", A): 1, ("m1", B): 1, ("m1", "c@rcpt.test"): 1}, "not accepted"),
])
def test_a_message_is_missed_and_counted(delivered, word):
	(found,) = checker.messages(
	    history(message("m1", "accepted", A, B)), delivered)
	assert word in found
