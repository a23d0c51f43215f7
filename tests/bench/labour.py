# SPDX-License-Identifier: ISC
"""labour - what it costs to work with so many contacts

People are drawn at random from all there are, each for one thing only, so that
what is found in a cache is what would be found there.  Each thing is timed
twice: by the clock, and as what it takes PostgreSQL of a processor, which is
the better figure on a machine that has other things to do.  A withdrawal does
not wait for the disk at its commit, which takes as long for few as for many.
"""

import os
import random
import subprocess
import time
from statistics import median

from rig import CPU_CLOCK, Broken
from seed import address

TICKS = os.sysconf("SC_CLK_TCK")
LOOK_UPS, WITHDRAWALS, COMMANDS = 5_000, 500, 30

# In the server, so that it is the look-up that is timed and not the way there.
LOOK_UP = """
DO $$
DECLARE
	one    bytea;
	found  bytea;
BEGIN
	FOR one IN SELECT key FROM drawn LOOP
		SELECT packed INTO STRICT found FROM assent.permit
		WHERE key = one;
	END LOOP;
END $$
"""
# As assent-web does it: the key is marked, in the generation that holds.
WITHDRAW = """
SELECT changed FROM assent.opt_out(assent.cache_generation(0) || ':0:' || %s,
	decode(%s, 'hex'), (SELECT p.id FROM assent.purpose p
		JOIN assent.brand b ON b.id = p.brand_id
		WHERE b.slug = 'acme' AND p.slug = 'newsletter'),
	'email', 'one-click', '{"ip": "192.0.2.1", "user_agent": "Mail/1.0"}')
"""


class Labour:
	"""Draws from the people of a Seed.  What returns something returns
	seconds of the clock and of PostgreSQL's processor."""

	def __init__(self, seed):
		self.seed = seed
		self.drawn = set()
		self.random = random.Random(1)
		self.postmaster = seed.house.env["POSTGRES_PID"]

	def _people(self, n):
		some = []
		while len(some) < n:
			i = self.random.randrange(self.seed.count)
			if i not in self.drawn:
				self.drawn.add(i)
				some.append(i)
		return some

	def _ended(self):
		"""Processor seconds of all server processes that have ended."""
		time.sleep(1)		# they do after their clients
		with open(f"/proc/{self.postmaster}/stat", encoding="ascii") as f:
			words = f.read().rpartition(")")[2].split()
		return (int(words[13]) + int(words[14])) / TICKS

	def look_up(self):
		keys = [self.seed.key(i) for i in self._people(LOOK_UPS)]
		with self.seed.session() as cursor:
			cursor.execute("CREATE TEMPORARY TABLE drawn AS "
			    "SELECT unnest(%s) AS key", (keys,))
			clock = ~cursor.connection.info.backend_pid << 3 | CPU_CLOCK
			cpu, begun = time.clock_gettime(clock), time.monotonic()
			cursor.execute(LOOK_UP)
			return ((time.monotonic() - begun) / LOOK_UPS,
			    (time.clock_gettime(clock) - cpu) / LOOK_UPS)

	def withdraw(self):
		took = []
		with self.seed.session("assent_owner") as cursor:
			cursor.execute("SET synchronous_commit = off")
			clock = ~cursor.connection.info.backend_pid << 3 | CPU_CLOCK
			cpu = time.clock_gettime(clock)
			for i in self._people(WITHDRAWALS):
				key = self.seed.key(i).hex()
				begun = time.monotonic()
				cursor.execute(WITHDRAW, (key, key))
				took.append(time.monotonic() - begun)
				if cursor.fetchall() != [(True,)]:
					raise Broken("nothing was withdrawn")
			return median(took), \
			    (time.clock_gettime(clock) - cpu) / WITHDRAWALS

	def ctl(self, *words):
		if subprocess.run([self.seed.house.env["ASSENTCTL"], *words],
		    stdout=subprocess.DEVNULL, check=False).returncode != 0:
			raise Broken(f"assentctl {' '.join(words)} failed")

	def command(self, *words):
		"""Of assentctl with somebody's ADDRESS."""
		took, cpu = [], self._ended()
		for i in self._people(COMMANDS):
			argv = [address(i) if w == "ADDRESS" else w
			    for w in words]
			begun = time.monotonic()
			self.ctl(*argv)
			took.append(time.monotonic() - begun)
		return median(took), (self._ended() - cpu) / COMMANDS

	def once(self, do):
		cpu, begun = self._ended(), time.monotonic()
		do()
		took = time.monotonic() - begun
		return took, self._ended() - cpu
