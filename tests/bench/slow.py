# SPDX-License-Identifier: ISC
"""slow - how long a click waits while ten thousand clients dawdle

One click after the other, each somebody's first, from when it is sent until its
200 is there: with nobody else about, and with a crowd of connections open whose
requests never come to an end.
"""

import time
import urllib.parse

from lookup import click, invite
from rig import Broken
from crowd import crowd, is_there

WARM = 5		# clicks before those that count


class Slow:
	"""On a stack (rig.House) that is up; so many clicks of each kind."""

	def __init__(self, house, clicks):
		self.house, self.clicks = house, clicks
		self.links = iter(invite(house, "slow",
		    WARM + 2 * clicks).values())
		self.where = urllib.parse.urlsplit(
		    house.env["WEB_METRICS_URL"]).netloc.split(":")

	def timed(self):
		begun = time.perf_counter()
		click(self.house, next(self.links))
		return time.perf_counter() - begun

	def measure(self):
		took = sorted(self.timed() for _ in range(self.clicks))
		return {"p50_ms": 1000 * took[self.clicks // 2],
		    "p99_ms": 1000 * took[-1 - self.clicks // 100]}

	def run(self):
		for _ in range(WARM):
			self.timed()
		alone = self.measure()
		with crowd(self.where) as sockets:
			among = self.measure()
			if not is_there(sockets):
				raise Broken("the slow connections have gone")
			return {"clicks": self.clicks,
			    "connections": len(sockets),
			    "alone": alone, "among": among}
