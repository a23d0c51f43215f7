# SPDX-License-Identifier: ISC
"""Many messages over many connections: every verdict right, nothing leaks."""

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import ROOT, SENDER, new_stack, wait_for

MCLIENT = ROOT / "build/bench/mclient"
HALF = 10000		# messages
CONNECTIONS = 50
POOLS = 32 + 8		# connections to Redis and PostgreSQL, as preset
WANT = {"granted": "granted%d@rcpt.test=250",
    **{s: f"{s}@rcpt.test=550:{s}" for s in
    ("withdrawn", "pending", "expired", "unknown")}}

# What memory may grow by in the second half, by what the milter is built
# with.  Release: 0.1 MB was measured, and a thread that first works in the
# second half adds an arena of malloc's; a leak of 250 octets a message is more.
# AddressSanitizer keeps some freed memory for each thread even with a small
# quarantine, but tells at the exit what leaked.  ThreadSanitizer's own records
# swing by 60 MB, so that nothing can be told.
MARGINS = {"libtsan": None, "libasan": 16 << 20, "": 2 << 20}


@pytest.fixture(scope="module")
def stack():
	"""A stack of this file's own: figures of nobody else's messages."""
	with pytest.MonkeyPatch.context() as patch:
		patch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS",
		    "quarantine_size_mb=1"))
		s = new_stack()
	yield s
	s.close()


def load(stack):
	"""Sends half of the messages; what the client counted."""
	wanted = [w for want in WANT.values() for w in ("-r", want)]
	done = subprocess.run([MCLIENT, "-n", str(HALF), "-c",
	    str(CONNECTIONS), "-m", "100", *wanted,
	    stack.env["MILTER_SOCKET"]], capture_output=True, text=True,
	    check=False, timeout=300)
	assert done.returncode == 0, done.stdout + done.stderr
	return json.loads(done.stdout)


def resident(pid):
	for line in Path(f"/proc/{pid}/status").read_text().splitlines():
		if line.startswith("VmRSS:"):
			return int(line.split()[1]) << 10
	return 0


def margin(pid):
	maps = Path(f"/proc/{pid}/maps").read_text()
	return next(m for name, m in MARGINS.items() if name in maps)


def files(pid):
	return len(os.listdir(f"/proc/{pid}/fd"))


def verdicts(stack, reason):
	return stack.metric("assent_verdicts_total"
	    f'{{stream="newsletter",reason="{reason}"}}')


def looked_up(stack):
	return sum(stack.metric(f'assent_lookups_total{{source="{source}"}}')
	    for source in ("cache", "filled", "database"))


def test_twenty_thousand_messages(stack):
	milter = stack.pid("milter")
	before = files(milter)
	first, memory = load(stack), resident(milter)
	second = load(stack)
	grown = resident(milter) - memory
	each = 2 * HALF // len(WANT)
	assert first["errors"] + second["errors"] == 0
	assert first["sessions"] + second["sessions"] == 2 * HALF
	assert first["accepted"] + second["accepted"] == each
	for reason in WANT:
		assert verdicts(stack, reason) == each
	for series in ("assent_lookup_seconds_count{}",
	    'assent_callback_seconds_count{stage="rcpt"}'):
		assert stack.metric(series) == 2 * HALF
	assert looked_up(stack) == 2 * HALF
	assert stack.metric("assent_lookups_failed_total{}") == 0
	assert stack.metric(
	    'assent_callback_seconds_count{stage="eom"}') == each
	assert margin(milter) is None or grown < margin(milter)
	# Some 200 connections have come and gone; only the pools may stay.
	assert wait_for(lambda: files(milter) <= before + POOLS)
	assert stack.pid("milter") == milter
	os.kill(milter, 0)


def test_four_hundred_messages_through_postfix(stack):
	marker = f"load-{time.time_ns()}"

	def send(client):
		with stack.smtp() as s:
			for i in range(20):
				who = f"granted{2 + (client + i) % 8}@rcpt.test"
				s.sendmail(SENDER, who, f"Subject: {marker}"
				    f"\r\n\r\n{marker}.{client}.{i}.\r\n")
				s.mail(SENDER)
				assert s.rcpt("withdrawn@rcpt.test")[0] == 550
				s.rset()

	with ThreadPoolExecutor(20) as pool:
		list(pool.map(send, range(20)))
	found = stack.delivered(marker, 400, 60)
	assert len(found) == len({d.body for d in found}) == 400
	stack.idle()
