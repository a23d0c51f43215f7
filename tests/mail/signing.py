# SPDX-License-Identifier: ISC
"""A stack whose Postfix asks OpenDKIM after Assent, with contrib's settings."""

import json
import os
import subprocess
import sys

from conftest import ROOT, Stack, wait_for

sys.path.insert(0, str(ROOT / "tests"))
from stackparts import unprivileged
from stackproc import as_root

CONTRIB = ROOT / "contrib/opendkim/opendkim.conf"
KEY_NAME = "assent._domainkey.example.com"
# What only an installation can know.
OURS = {"UserID", "Syslog", "UMask", "Socket", "KeyFile"}


def openssl(*words, **kwargs):
	return subprocess.run(["openssl", *map(str, words)], check=True,
	    capture_output=True, timeout=60, **kwargs).stdout


def octets(delivery):
	"""A message as it arrived."""
	return b"\n".join(delivery.fields) + b"\n\n" + delivery.body


class SigningStack(Stack):
	"""Stack, with OpenDKIM behind the milter; lint() and verify()."""

	def __init__(self, folder, mta):
		self.signer = None
		super().__init__(folder, mta)
		try:
			self.attach()
		except BaseException:
			self.close()
			raise

	def attach(self):
		self.place = self.folder / "run"
		self.socket = self.place / "opendkim.sock"
		self.keys = self.place / "dkim.txt"
		self.make_key()
		self.start_signer()
		milter = self.env["MILTER_SOCKET"]
		self.postfix("postconf", "-e",
		    f"smtpd_milters=unix:{milter},unix:{self.socket}")
		self.postfix("postfix", "reload")

	def postfix(self, program, *words):
		as_root([program, "-c", self.env["POSTFIX_CONFIG"], *words],
		    stderr=subprocess.DEVNULL)

	def make_key(self):
		"""A key of this test's own; its public half as the DNS has it."""
		key = self.place / "dkim.key"
		openssl("genrsa", "-out", key, "2048")
		key.chmod(0o600)
		if os.geteuid() == 0:
			os.chown(key, self.place.stat().st_uid, -1)
		pem = openssl("rsa", "-in", key, "-pubout", text=True)
		self.keys.write_text(f"{KEY_NAME} v=DKIM1; k=rsa; p=" +
		    "".join(pem.splitlines()[1:-1]) + "\n")

	def settings(self):
		"""contrib's lines but those that name places."""
		kept = [line for line in CONTRIB.read_text().splitlines()
		    if line.split(None, 1)[:1] and
		    line.split(None, 1)[0] not in OURS]
		return "\n".join(kept + ["UMask 000", "Background no",
		    "RequireSafeKeys no",
		    f"KeyFile {self.place}/dkim.key",
		    f"Socket local:{self.socket}", ""])

	def start_signer(self):
		conf = self.place / "opendkim.conf"
		conf.write_text(self.settings())
		self.signer = subprocess.Popen(["opendkim", "-f", "-x", conf],
		    stdin=subprocess.DEVNULL, **unprivileged())
		assert wait_for(self.socket.exists), "opendkim did not start"

	def verify(self, octets):
		"""What OpenDKIM as a verifier says of a message."""
		conf = self.place / "verify.conf"
		conf.write_text(f"Mode v\nTestPublicKeys {self.keys}\n")
		message = self.place / "verify.eml"
		message.write_bytes(octets)
		told = subprocess.run(["opendkim", "-x", conf, "-t", message],
		    capture_output=True, text=True, errors="replace",
		    timeout=30, check=True)
		return told.stdout + told.stderr

	def lint(self, octets, *words):
		"""The exit status, and what was found as {rule: finding}."""
		told = subprocess.run([self.env["ASSENTCTL"], "lint", "--json",
		    "-", *words], input=octets, capture_output=True,
		    timeout=60, check=False)
		(message,) = json.loads(told.stdout)["messages"]
		return told.returncode, {f["rule"]: f
		    for f in message["findings"]}

	def close(self):
		if self.signer:
			self.signer.terminate()
			self.signer.wait(10)
		super().close()
