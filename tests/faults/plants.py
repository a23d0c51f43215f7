# SPDX-License-Identifier: ISC
"""plants - bugs that must be found

Each is a few words changed in a copy of the sources, built beside the
programs: what is shipped never had it.  A bug that nothing finds says that
the rig has become blind to its kind.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import injuries
from run import run
from stackproc import Failure

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("Makefile", "policy", "mail", "page", "milter", "web", "ctl", "sql")
ROUNDS = 5			# at most, until it is found


class Plant(NamedTuple):
	name: str
	injury: object		# what brings it to light
	hold: float		# seconds for which that lasts
	edits: tuple		# file, pattern, what comes in its place


ALL = [
	Plant("acknowledge early", injuries.redis_from_webs_deaf, 2, (
	    ("policy/change.c", r"clock_sleep_until\(since \+ wait\)",
		"(void)since"),
	)),
	# Readers replace whatever is there, and writers leave that.
	Plant("ignore marks", injuries.redis_stutters, 2, (
	    ("policy/lookup.c", "(struct cache_nonce ticket);", r"\1 = {{0}};"),
	    ("policy/lookup.c", r"(if \(answer) == CACHE_MISS &&",
		r"\1 != CACHE_DOWN &&"),
	    ("policy/cache.c", r"(define IF_TICKET_THEN_PERMIT[^=]*)==ARGV\[1\]",
		r"\1~=1"),
	    ("policy/cache.c", r"'SET',KEYS\[1\],'X','PX',", "'ECHO',"),
	)),
	# Longer than a change that waits for the leases.
	Plant("trust an old generation", injuries.redis_from_webs, 4, (
	    ("policy/lookup.c", r"(\n\tanswer = ask_cache\()",
		r"\n\tstatic struct lease_term first;"
		r"\n\tif (first.timeline == 0)\n\t\tfirst = term;"
		r"\n\tterm = first;\1"),
	)),
]


def build(plant, programs):
	"""A build directory of the changed programs.

	What is built already is copied, so that little has to be made anew.
	"""
	copy = ROOT / programs / "plants" / plant.name.replace(" ", "-")
	shutil.rmtree(copy, ignore_errors=True)
	copy.mkdir(parents=True)
	for name in SOURCES:
		subprocess.run(["cp", "-a", ROOT / name, copy], check=True)
	(copy / programs).mkdir(parents=True)
	for path in (ROOT / programs).iterdir():
		if path.name in SOURCES or path.is_file():
			subprocess.run(["cp", "-a", path, copy / programs],
			    check=True)
	for name, pattern, new in plant.edits:
		edit(copy / name, pattern, new)
	made = subprocess.run(["make", "-s", f"BUILD={programs}", "all"],
	    check=False, cwd=copy, capture_output=True, text=True)
	if made.returncode:
		raise Failure(f"{plant.name}: cannot be planted:\n"
		    f"{made.stdout}{made.stderr}")
	return copy / programs


def edit(path, pattern, new):
	text, n = re.subn(pattern, new, path.read_text())
	if n != 1:
		raise Failure(f"{path}: {pattern} is there {n} times")
	path.write_text(text)


def caught(rig, plant, programs, say):
	"""Is it found?"""
	rig.use(build(plant, programs))
	injury = injuries.Injury(plant.name, plant.injury, plant.hold,
	    injuries.BRIEF_REST)
	for number in range(ROUNDS):
		result = run(rig, plant.name, [injury], 0, say)
		if result.wrong:
			say(f"planted, {plant.name}: caught in round "
			    f"{number + 1}, {len(result.wrong)} violations: "
			    f"{result.wrong[0]}")
			return True
	say(f"planted, {plant.name}: NOT caught")
	return False
