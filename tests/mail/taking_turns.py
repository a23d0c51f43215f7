# SPDX-License-Identifier: ISC
"""What the tests of several Redis processes share: people whose permits are
cached, and processes that are paused, killed and looked at."""

import contextlib
import os
import signal
import subprocess

from conftest import Stack, wait_for

REFUSED = "550 5.7.1 withdrawn: "
FAILOVER = 40		# seconds that one may take on a busy machine


class TurnsStack(Stack):
	def redis(self, part, *words, lines=None):
		"""What one Redis answers, a quoted line for each reply."""
		return subprocess.run(["redis-cli", "--no-raw", "-p",
		    self.env[f"{part.upper()}_PORT"], *map(str, words)],
		    input=lines, capture_output=True, text=True, check=True,
		    timeout=60).stdout.strip()

	def lookups(self, source):
		return self.metric(f'assent_lookups_total{{source="{source}"}}')

	def by_cache(self, address):
		"""Accepted, and on the word of Redis?"""
		before = self.lookups("cache")
		return self.rcpt(address).startswith("250 ") and \
		    self.lookups("cache") > before

	def cached(self, address, seconds=FAILOVER):
		assert wait_for(lambda: self.by_cache(address), seconds), \
		    "the cache is not used"

	def people(self, n):
		"""Addresses that have consented, each with its link."""
		who = [f"p{i}-{os.getpid()}@rcpt.test" for i in range(n)]
		batch = self.folder / "people"
		batch.write_text("".join(f"grant {a} newsletter\n" for a in who))
		self.ctl("batch", str(batch))
		marker = "Subject: links"
		with self.smtp() as s:
			for address in who:
				s.sendmail("shop@news.example.com", address,
				    f"{marker}\r\n\r\nx\r\n")
		links = {d.recipients[0]: d.link()
		    for d in self.delivered(marker, n)}
		return iter([(address, links[address]) for address in who])

	@contextlib.contextmanager
	def paused(self, *parts):
		for part in parts:
			os.kill(self.pid(part), signal.SIGSTOP)
		try:
			yield
		finally:
			for part in parts:
				with contextlib.suppress(ProcessLookupError):
					os.kill(self.pid(part), signal.SIGCONT)

	def kill(self, part):
		os.kill(self.pid(part), signal.SIGKILL)
		self.stop(part)		# sees it gone
