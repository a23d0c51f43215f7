# SPDX-License-Identifier: ISC
"""plants - bugs that must be found

Each is a patch to a copy of the sources, built beside the programs: what is
shipped never had it.  A bug that nothing finds says that the rig has become
blind to its kind.
"""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import injuries
from run import Course, run
from stackproc import Failure

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("Makefile", "policy", "mail", "milter", "web", "ctl", "sql")
ROUNDS = 5			# at most, until it is found
COURSE = Course(0, 2.5, 0.5)


class Plant(NamedTuple):
	name: str		# of its patch, too
	injury: object		# what brings it to light


ALL = [
	Plant("acknowledge-early", injuries.redis_from_webs_deaf),
	Plant("ignore-marks", injuries.redis_stutters),
	Plant("trust-old-generation", injuries.redis_snapshot),
]


def build(plant, programs):
	"""A build directory of the patched programs.

	What is built already is copied, so that little has to be made anew.
	"""
	copy = ROOT / programs / "plants" / plant.name
	shutil.rmtree(copy, ignore_errors=True)
	copy.mkdir(parents=True)
	for name in SOURCES:
		subprocess.run(["cp", "-a", ROOT / name, copy], check=True)
	(copy / programs).mkdir(parents=True)
	for path in (ROOT / programs).iterdir():
		if path.name in SOURCES or path.is_file():
			subprocess.run(["cp", "-a", path, copy / programs],
			    check=True)
	patch = Path(__file__).parent / "plants" / f"{plant.name}.patch"
	made = subprocess.run(f"patch -s -p1 < '{patch}' && "
	    f"make -s BUILD='{programs}' all", shell=True, check=False,
	    cwd=copy, capture_output=True, text=True)
	if made.returncode:
		raise Failure(f"{plant.name} cannot be planted:\n"
		    f"{made.stdout}{made.stderr}")
	return copy / programs


def caught(rig, plant, programs, say):
	"""Is it found?"""
	rig.use(build(plant, programs))
	(injury,) = [i for i in injuries.ALL if i.act is plant.injury]
	for number in range(ROUNDS):
		result = run(rig, injury, COURSE, say)
		if result.wrong:
			say(f"planted {plant.name}: caught in round "
			    f"{number + 1}, {len(result.wrong)} violations: "
			    f"{result.wrong[0]}")
			return True
	say(f"planted {plant.name}: NOT caught")
	return False
