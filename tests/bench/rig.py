# SPDX-License-Identifier: ISC
"""rig - what the benchmark needs running

One stack (tests/stack) carries everything, so that all variants share one
Postfix, one disk and one cache and differ in nothing but the filter.  Beside
the stack's own milter it starts the other filters, and it gives Postfix one
more listener per variant: a copy of the stack's SMTP_PORT listener with
another smtpd_milters.

What is accepted is held in the queue and removed after the run.  Measured is
how fast the client gets its answers, which is where a filter stands in the
way; a delivery, even to the discard transport, would compete with it for the
same processors, add noise and make every filter look cheaper than it is.

The queue lies in memory where that can be had: the disk is the same for all
variants, and its hesitations are none of their doing.  What a transaction costs
is another matter: that is measured on a stack whose database lies on disk.

Everything started here is stopped by its process id, whatever happens.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import stackproc as sp
from stackproc import Failure

# Whose stream leaves bodies alone, as the twin does.
SENDER = "news@one.example.com"
RECIPIENT = "granted@rcpt.test"
MESSAGE_SIZE = 4096
START_SECONDS = 20
MEMORY = "/dev/shm"
MEMORY_FREE = 1 << 30
CPU_CLOCK = 2			# of a process by its number, as clock_getcpuclockid(3)

MESSAGE_HEADERS = f"""\
From: Acme <{SENDER}>
To: You <{RECIPIENT}>
Subject: This week at Acme
Date: Mon, 02 Nov 2026 10:00:00 +0100
Message-ID: <campaign-2026-11@news.example.com>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
List-Unsubscribe: <https://tool.example.com/leave/2026-11>
Consent-Purpose: newsletter
X-Mailer: Campaign tool

"""
MESSAGE_LINE = "Good news from Acme, and more of it at https://example.com/\n"


class Broken(Failure):
	"""Something does not run or answers wrongly: no figures then."""


def message():
	"""A campaign's message of MESSAGE_SIZE octets on the wire (CRLF)."""
	size = len(MESSAGE_HEADERS) + MESSAGE_HEADERS.count("\n")
	lines = -(-(MESSAGE_SIZE - size) // (len(MESSAGE_LINE) + 1))
	body = MESSAGE_LINE * lines
	excess = size + len(body) + lines - MESSAGE_SIZE
	return MESSAGE_HEADERS + body[:len(body) - 1 - excess] + "\n"


def wait_for(what, done, seconds=START_SECONDS):
	if not sp.wait_until(done, seconds):
		raise Broken(f"{what}: not within {seconds} seconds")


def place():
	"""Where the rig's directory goes; None leaves it to tempfile."""
	try:
		fs = os.statvfs(MEMORY)
	except OSError:
		return None
	usable = os.access(MEMORY, os.W_OK | os.X_OK) and \
	    not fs.f_flag & os.ST_NOEXEC and \
	    fs.f_bavail * fs.f_frsize >= MEMORY_FREE
	return MEMORY if usable and "TMPDIR" not in os.environ else None


class Filter:
	"""A milter that runs: where it listens, what it has used."""

	def __init__(self, name, path, pid):
		self.name = name
		self.path = path
		self.pid = pid

	def cpu_seconds(self):
		try:
			return time.clock_gettime(~self.pid << 3 | CPU_CLOCK)
		except OSError as e:
			raise Broken(f"{self.name} is gone") from e

	def memory(self):
		"""Octets resident now, and the most since forget_peak()."""
		with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
			sizes = dict(line.split(":", 1) for line in f)
		return tuple(1024 * int(sizes[name].split()[0])
		    for name in ("VmRSS", "VmHWM"))

	def forget_peak(self):
		sp.as_root(["sh", "-c", f"echo 5 > /proc/{self.pid}/clear_refs"])


class House:
	"""A running stack in a directory below `where`; a context manager.

	env is the stack's stack.env.  Leaving ignores Ctrl-C from then on: what
	was started is stopped.
	"""

	def __init__(self, stack, where, with_assent, *options):
		self.stack = stack
		self.options = options
		self.where = where
		self.with_assent = with_assent
		self.dir = None
		self.env = {}
		self.children = []

	def __enter__(self):
		self.dir = tempfile.mkdtemp(prefix="assent-bench.",
		    dir=self.where)
		os.chmod(self.dir, 0o755)
		try:
			self._up()
		except BaseException:
			self.__exit__()
			raise
		return self

	def __exit__(self, *_):
		for number in (signal.SIGINT, signal.SIGTERM):
			signal.signal(number, signal.SIG_IGN)
		for child in self.children:
			child.terminate()
		for child in self.children:
			try:
				child.wait(5)
			except subprocess.TimeoutExpired:
				child.kill()
				child.wait()
		self._run_stack("down")
		shutil.rmtree(self.dir, ignore_errors=True)

	def _path(self, name):
		return os.path.join(self.dir, name)

	def write(self, name, octets):
		"""A file of the rig's: where it is."""
		with open(self._path(name), "wb") as f:
			f.write(octets)
		return self._path(name)

	def _up(self):
		self._stack_up()

	def _run_stack(self, command, *options):
		"""In a session of its own: Ctrl-C comes to us, and the stack
		ends in good order when asked."""
		child = subprocess.Popen(
		    [self.stack, command, self._path("stack"), *options],
		    stdout=subprocess.DEVNULL, start_new_session=True)
		try:
			return child.wait()
		except BaseException:
			child.terminate()
			child.wait()
			raise

	def _stack_up(self):
		options = [] if self.with_assent else ["--no-milter"]
		if self._run_stack("up", *options, *self.options) != 0:
			raise Broken("the stack did not come up")
		with open(self._path("stack/stack.env"), encoding="utf-8") as f:
			for line in shlex.split(f.read(), comments=True):
				name, equals, value = line.partition("=")
				if equals:
					self.env[name] = value


class Rig(House):
	"""A stack with filters and listeners.

	filters and ports are by variant name; the variant without a filter is
	"none".
	"""

	def __init__(self, stack, programs, with_assent):
		super().__init__(stack, place(), with_assent)
		self.programs = programs
		self.model = {}
		self.queue = None
		self.filters = {}
		self.ports = {}

	def program(self, name):
		return os.path.join(self.programs, name)

	@property
	def message(self):
		return self._path("message")

	def _up(self):
		with open(self.message, "w", encoding="ascii") as f:
			f.write(message())
		super()._up()
		self._start_filters()
		self._add_listeners()

	# Filters.

	def _start_filters(self):
		for name, *argv in (("noop", "noop"), ("twin", "twin"),
		    ("copy", "twin", "--body")):
			self._start(name, [self.program(argv[0]), *argv[1:],
			    "unix:" + self._path(name + ".sock")])
		if self.with_assent:
			self.filters["assent"] = Filter("assent",
			    self.env["MILTER_SOCKET"].removeprefix("unix:"),
			    int(self.env["MILTER_PID"]))
		opendkim = shutil.which("opendkim")
		if opendkim:
			self._start("opendkim", [opendkim, "-f", "-x",
			    self._opendkim_conf()])

	def _start(self, name, argv):
		path = self._path(name + ".sock")
		# Postfix connects as a user of its own, hence the open umask; a
		# session of its own keeps Ctrl-C for us, who stop it in order.
		child = subprocess.Popen(argv, umask=0, start_new_session=True,
		    stdin=subprocess.DEVNULL,
		    stdout=subprocess.DEVNULL)
		self.children.append(child)
		wait_for(name, lambda: child.poll() is not None or
		    sp.answers(path, b"", b""))
		if child.poll() is not None:
			raise Broken(f"{name} ended at its start with status "
			    f"{child.returncode}")
		self.filters[name] = Filter(name, path, child.pid)

	def _opendkim_conf(self):
		key = self._path("opendkim.key")
		subprocess.run(["openssl", "genrsa", "-out", key, "2048"],
		    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
		    check=True)
		conf = self._path("opendkim.conf")
		with open(conf, "w", encoding="ascii") as f:
			f.write(f"Socket local:{self._path('opendkim.sock')}\n"
			    f"KeyFile {key}\n"
			    f"Domain {SENDER.partition('@')[2]}\n"
			    "Selector bench\n"
			    "Mode s\n"
			    "Canonicalization relaxed/simple\n"
			    "OversignHeaders From\n"
			    "UMask 000\n"
			    "RequireSafeKeys no\n"
			    "Syslog no\n")
		return conf

	# Listeners.

	def _postconf(self, *args):
		return sp.as_root(["postconf", "-c", self.env["POSTFIX_CONFIG"],
		    *args], stdout=subprocess.PIPE, text=True).stdout

	def _read_model(self):
		"""The options of the stack's listener that is copied."""
		for line in self._postconf("-P").splitlines():
			key, _, value = line.partition(" = ")
			service, kind, name = key.split("/", 2)
			if kind == "inet" and \
			    service.rpartition(":")[2] == self.env["SMTP_PORT"]:
				self.model[name] = value

	def _add_listener(self, name, port):
		service = f"127.0.0.1:{port}"
		milters = (f"unix:{self.filters[name].path}"
		    if name in self.filters else "")
		options = {**self.model, "smtpd_milters": milters,
		    "milter_default_action": "tempfail", "max_use": "100000",
		    "smtpd_end_of_data_restrictions":
			"check_client_access,static:hold"}
		self._postconf("-M",
		    f"{service}/inet={service} inet n - n - - smtpd")
		self._postconf("-P", *(f"{service}/inet/{option}={value}"
		    for option, value in options.items()))

	def _add_listeners(self):
		self._read_model()
		self.ports, reserved = sp.reserve_ports(["none",
		    *(name for name in self.filters if name != "copy")])
		for name, port in self.ports.items():
			self._add_listener(name, port)
		sp.as_root(["postfix", "-c", self.env["POSTFIX_CONFIG"],
		    "reload"], stderr=subprocess.DEVNULL)
		for name, port in self.ports.items():
			wait_for(f"the listener for {name}", lambda p=port:
			    sp.answers(("127.0.0.1", p), b"", b"220"))
		for s in reserved:
			s.close()
		self.queue = self._postconf("-h", "queue_directory").strip()

	@property
	def daemon_name(self):
		"""What a stream of the configuration matches."""
		return self.model.get("milter_macro_daemon_name", "bench")

	def empty_queue(self):
		"""Removes what was held; how many messages that were."""
		queues = [os.path.join(self.queue, q)
		    for q in ("incoming", "active", "deferred", "hold")]
		found = sp.as_root(["find", *queues, "-type", "f", "-print",
		    "-delete"], stdout=subprocess.PIPE, text=True).stdout
		return found.count("\n")
