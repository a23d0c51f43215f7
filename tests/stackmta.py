# SPDX-License-Identifier: ISC
"""stackmta - the mail server of a test stack: Postfix or Sendmail

Both have the same listeners, ask the milter on the same ones, and relay
everything to the sink; what differs is in one class each.
"""

import os
import pwd
import subprocess
from pathlib import Path

from stackparts import ACCOUNT, Part, give_away, owned_directory
from stackproc import Failure, answers, as_root, working_in

ROOT = Path(__file__).resolve().parent.parent
UNPACKED = ROOT / "build" / "sendmail"


class Mta(Part):
	name = "mta"

	def __init__(self, stack):
		super().__init__(stack)
		self.log = stack.logs / "mail.log"

	def values(self):
		"""What it adds to stack.env."""
		return {}

	def wrappers(self):
		"""Scripts for DIR/bin: how its sendmail and mailq are run."""
		raise NotImplementedError

	def ready(self):
		# A listener that does not ask the milter, which is not there.
		return answers(("127.0.0.1", self.stack.ports["INJECT_PORT"]),
		    b"", b"220")


class Postfix(Mta):
	"""An instance of its own.  The one part that needs root."""

	root = True

	def __init__(self, stack):
		super().__init__(stack)
		self.config = stack.dir / "postfix"
		self.queue = self.config / "queue"

	def values(self):
		return {"POSTFIX_CONFIG": self.config}

	def wrappers(self):
		return {
		    "sendmail": f"MAIL_CONFIG={self.config} "
			f"exec {self.config}/bin/sendmail \"$@\"",
		    "mailq": f"exec /usr/sbin/postqueue -c {self.config} -p",
		}

	def prepare(self):
		try:
			as_root(["true"], stderr=subprocess.DEVNULL)
		except Failure:
			raise Failure("mta: Postfix needs root: run as root, "
			    "or allow sudo without a password") from None
		as_root(["install", "-d", "-o", "root", self.config,
		    self.queue, self.config / "bin"])
		as_root(["install", "-d", "-o", "postfix",
		    self.config / "data"])
		self.install_config()
		self.install_commands()
		self.postfix("post-install", "create-missing")

	def install_config(self):
		for name in ("main.cf", "master.cf"):
			as_root(["tee", self.config / name],
			    input=self.stack.render(name).encode())

	def install_commands(self):
		"""Postfix's commands, with a postdrop for everybody.

		The installed postdrop is set-group-id and therefore refuses
		other configurations than the machine's own.  A plain copy
		does not, and needs a queue that anybody may drop mail into.
		"""
		bin_ = self.config / "bin"
		commands = [p for p in Path("/usr/sbin").glob("post*")
			    if p.name != "postdrop"]
		as_root(["ln", "-s", *commands, "/usr/sbin/sendmail", bin_])
		as_root(["install", "-m", "755", "/usr/sbin/postdrop", bin_])
		as_root(["install", "-d", "-o", "postfix", "-m", "1733",
		    self.queue / "maildrop"])
		as_root(["install", "-d", "-o", "postfix", "-m", "711",
		    self.queue / "public"])

	def postfix(self, *args):
		with open(self.log, "ab") as log:
			as_root(["postfix", "-c", self.config, *args],
			    stdout=log, stderr=log, cwd="/")

	def spawn(self):
		# This marker makes it start without its checks, which take
		# half a second to find fault with our postdrop.
		as_root(["touch", self.queue / "quick-start"])
		self.postfix("start")
		found = as_root(["cat", self.queue / "pid" / "master.pid"],
		    stdout=subprocess.PIPE).stdout
		return int(found)

	def leftovers(self):
		"""Also a master whose number never was recorded."""
		return super().leftovers() + \
		    working_in(self.queue, "/usr/lib/postfix/")


class Sendmail(Mta):
	"""Unpacked by tests/deps, since it cannot be installed beside Postfix.

	Two configurations, as everywhere: the daemon's, which asks the
	milter, and that of sendmail(1), which has a queue of its own and
	hands mail to the daemon by SMTP.  What must wait there is tried
	again from the daemon's session.
	"""

	def __init__(self, stack):
		super().__init__(stack)
		self.home = stack.dir / "sendmail"

	def run(self, config, *options):
		return " ".join(map(str, [self.home / "sendmail", "-C",
		    self.home / config, *options]))

	def own_name(self):
		"""Sendmail sleeps for a minute, before it has read anything,
		when the machine's name has no dot: this gives it one."""
		return {"LD_PRELOAD": "libnss_wrapper.so",
			"NSS_WRAPPER_HOSTNAME": "mta.stack.test",
			"NSS_WRAPPER_HOSTS": str(self.home / "hosts")}

	def environment(self):
		return {**super().environment(), **self.own_name()}

	def wrappers(self):
		export = "export " + " ".join(f"{k}={v}"
		    for k, v in self.own_name().items())
		return {
		    "sendmail": f"{export}\n"
			f"exec {self.run('submit.cf')} \"$@\"",
		    "mailq": f"{export}\n{self.run('submit.cf', '-bp')} &&\n"
			f"exec {self.run('sendmail.cf', '-bp')}",
		}

	def prepare(self):
		if not UNPACKED.exists():
			subprocess.run([ROOT / "tests" / "deps"], check=True)
		self.home.mkdir()
		for name in ("queue", "client-queue"):
			owned_directory(self.home / name)
		# Without set-group-id, which would keep the wrapper out.
		subprocess.run(["install", "-m", "755",
		    UNPACKED / "usr/libexec/sendmail/sendmail",
		    self.home], check=True)
		(self.home / "hosts").write_text("127.0.0.1 mta.stack.test\n")
		for name in ("sendmail", "submit"):
			self.install_config(name)
		self.log.touch()
		give_away(self.log)

	def install_config(self, name):
		user = ACCOUNT if os.geteuid() == 0 else \
		    pwd.getpwuid(os.geteuid()).pw_name
		source = self.home / f"{name}.mc"
		source.write_text(self.stack.render(source.name, USER=user))
		cf = UNPACKED / "usr/share/sendmail/cf"
		made = subprocess.run(["m4", f"-D_CF_DIR_={cf}/",
		    cf / "m4/cf.m4", source], capture_output=True, text=True,
		    check=False)
		if made.returncode or made.stderr:
			raise Failure(f"mta: m4 {source}: {made.stderr}")
		(self.home / f"{name}.cf").write_text(made.stdout)

	def command(self):
		# It logs to the machine's syslog or not at all; -X writes the
		# SMTP sessions down.
		daemon = self.run("sendmail.cf", "-bD", "-q2s", "-X", self.log)
		retry = self.run("submit.cf", "-q")
		return ["sh", "-c", f"while sleep 2; do {retry}; done & "
		    f"exec {daemon}"]

	def leftovers(self):
		"""Deliveries lead sessions of their own."""
		program = str(self.home / "sendmail")
		return super().leftovers() + [pid
		    for name in ("queue", "client-queue")
		    for pid in working_in(self.home / name, program)]


MTAS = {"postfix": Postfix, "sendmail": Sendmail}
