# SPDX-License-Identifier: ISC
"""stackparts - the parts of a test stack

One class per process: what it needs on disk, how it is started, when it is
ready and how it ends.  None runs as root that can do without.
"""

import os
import pwd
import signal
import stat
import subprocess
from pathlib import Path

from stackproc import (Failure, alive, answers, as_root, child_environment,
    http_ok, proc_stat, reserve_ports, send_signal, session_of, start_time,
    wait_until, working_in)

PG_BIN = Path("/usr/lib/postgresql/15/bin")
ACCOUNT = "nobody"		# what root runs children as
READY_SECONDS = 30
TAIL_LINES = 20


def owned_directory(path):
	"""A directory that the unprivileged children may write to."""
	path.mkdir()
	if os.geteuid() == 0:
		who = pwd.getpwnam(ACCOUNT)
		os.chown(path, who.pw_uid, who.pw_gid)


def unprivileged():
	"""What makes subprocess run a child without privileges."""
	if os.geteuid() != 0:
		return {}
	who = pwd.getpwnam(ACCOUNT)
	return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def reachable(path):
	"""May anybody go down to this path?"""
	return all(os.stat(p).st_mode & stat.S_IXOTH for p in path.parents)


class Part:
	"""One process: how it is started, when it is ready, how it ends."""

	name = ""
	stop_signal = signal.SIGTERM
	root = False
	umask = 0o022

	def __init__(self, stack):
		self.stack = stack
		self.pid_name = f"{self.name.upper()}_PID"
		self.log = stack.logs / f"{self.name}.log"

	def wanted(self):
		return True

	def prepare(self):
		"""Once, before the first start."""

	def finish(self):
		"""Once, after the first start."""

	def command(self):
		raise NotImplementedError

	def program(self, name):
		"""A built program, copied when its place is closed to us."""
		path = self.stack.binary(name)
		if os.geteuid() != 0 or reachable(path):
			return path
		# By a process of its own: while we hold a file open for writing,
		# a child that another thread starts holds it too, and the copy
		# cannot be executed.
		copy = self.stack.dir / "bin" / name
		subprocess.run(["cp", "-p", "--remove-destination", path,
		    copy], check=True)
		return copy

	def environment(self):
		return child_environment()

	def ready(self):
		raise NotImplementedError

	def running(self):
		return alive(self.stack.pids.get(self.name))

	def spawn(self):
		"""Start the process; its number."""
		with open(self.log, "a", encoding="ascii") as log:
			child = subprocess.Popen(
			    [str(a) for a in self.command()],
			    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
			    cwd=self.stack.dir, env=self.environment(),
			    umask=self.umask, start_new_session=True,
			    **unprivileged())
		self.child = child	# lets wait_ready reap it
		return child.pid

	def start(self):
		pid = self.spawn()
		self.stack.pids[self.name] = [pid, start_time(pid)]
		self.stack.save()
		self.wait_ready()

	def wait_ready(self):
		def settled():
			return self.stack.cancelled.is_set() or \
			    not self.running() or self.ready()
		in_time = wait_until(settled, READY_SECONDS)
		if self.stack.cancelled.is_set():
			raise Failure(f"{self.name}: given up")
		if not self.running():
			raise Failure(f"{self.name} ended at its start"
			    + self.tail())
		if not in_time:
			raise Failure(f"{self.name} was not ready within "
			    f"{READY_SECONDS} s" + self.tail())

	def tail(self):
		try:
			lines = self.log.read_text(errors="replace")
		except OSError:
			return ""
		lines = lines.splitlines()[-TAIL_LINES:]
		return "".join(f"\n  {self.log.name}: {x}" for x in lines)

	def leftovers(self):
		known = self.stack.pids.get(self.name)
		return session_of(known) if known else []

	def ask_to_stop(self):
		if self.running():
			send_signal(self.stack.pids[self.name][0],
			    self.stop_signal, self.root)

	def ensure_stopped(self, seconds):
		"""Wait, then kill what is left of it."""
		wait_until(lambda: not self.running(), seconds)
		self.reap()
		wait_until(lambda: not self.leftovers(), 0.5)
		for pid in self.leftovers():
			send_signal(pid, signal.SIGKILL, self.root)
		wait_until(lambda: not self.leftovers(), 5)
		self.reap()
		self.stack.pids[self.name] = None

	def reap(self):
		child = getattr(self, "child", None)
		if child:
			child.poll()


class Postgres(Part):
	name = "postgres"
	stop_signal = signal.SIGINT	# at once, without waiting for clients

	@property
	def data(self):
		return self.stack.dir / "pg"

	def prepare(self):
		owned_directory(self.data)
		made = subprocess.run(
		    [PG_BIN / "initdb", "--no-sync", "--no-locale",
		     "--encoding=UTF8", "--auth=trust", "--username=postgres",
		     f"--pgdata={self.data}"],
		    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		    stderr=subprocess.STDOUT, cwd=self.stack.dir,
		    env=child_environment(), text=True, check=False,
		    **unprivileged())
		self.log.write_text(made.stdout)
		if made.returncode:
			raise Failure("postgres: initdb failed" + self.tail())

	def command(self):
		settings = {
		    "listen_addresses": "127.0.0.1",
		    "port": self.stack.ports["POSTGRES_PORT"],
		    "unix_socket_directories": self.stack.run,
		    # Shared memory stays in the directory, too.
		    "dynamic_shared_memory_type": "mmap",
		    "max_connections": 200,
		    "shared_buffers": "64MB",
		    "timezone": "UTC",
		}
		return [PG_BIN / "postgres", "-D", self.data] + [
		    a for k, v in settings.items() for a in ("-c", f"{k}={v}")]

	def psql(self, sql, database="postgres", user="postgres"):
		return subprocess.run(
		    [PG_BIN / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
		     "-h", self.stack.run, "-U", user, "-d", database,
		     "-p", str(self.stack.ports["POSTGRES_PORT"]), "-f", "-"],
		    input=sql, capture_output=True, text=True, check=False,
		    env={**child_environment(), "PGCONNECT_TIMEOUT": "5"})

	def ready(self):
		port = self.stack.ports["POSTGRES_PORT"]
		if not (self.stack.run / f".s.PGSQL.{port}").exists():
			return False
		return self.psql("SELECT 1").stdout == "1\n"

	def finish(self):
		done = self.psql("CREATE ROLE assent_owner LOGIN CREATEROLE;\n"
		    "CREATE DATABASE assent OWNER assent_owner;\n")
		if done.returncode:
			raise Failure(f"postgres: {done.stderr.strip()}"
			    + self.tail())

	def leftovers(self):
		"""Its children lead sessions of their own."""
		return super().leftovers() + \
		    working_in(self.data, str(PG_BIN))

	def ensure_stopped(self, seconds):
		super().ensure_stopped(seconds)
		self.remove_shared_memory()

	def remove_shared_memory(self):
		"""What a killed server leaves in the kernel."""
		try:
			lines = (self.data / "postmaster.pid").read_text()
			shmid = lines.splitlines()[6].split()[1]
		except (OSError, IndexError):
			return
		subprocess.run(["ipcrm", "-m", shmid], check=False,
		    stderr=subprocess.DEVNULL)


class Redis(Part):
	name = "redis"

	def prepare(self):
		owned_directory(self.stack.dir / "redis")

	def command(self):
		return ["redis-server", "--bind", "127.0.0.1",
			"--port", self.stack.ports["REDIS_PORT"],
			"--unixsocket", self.stack.run / "redis.sock",
			"--unixsocketperm", "777", "--daemonize", "no",
			"--dir", self.stack.dir / "redis",
			"--save", "", "--appendonly", "no"]

	def ready(self):
		ping = b"PING\r\n"
		return answers(str(self.stack.run / "redis.sock"), ping,
		    b"+PONG") and answers(
		    ("127.0.0.1", self.stack.ports["REDIS_PORT"]), ping,
		    b"+PONG")


class Sink(Part):
	name = "sink"

	def prepare(self):
		owned_directory(self.stack.dir / "sink")

	def command(self):
		return ["smtp-sink", "-4", "-d",
			self.stack.dir / "sink" / "%s.",
			f"127.0.0.1:{self.stack.ports['SINK_PORT']}", "1000"]

	def ready(self):
		return answers(("127.0.0.1", self.stack.ports["SINK_PORT"]),
		    b"", b"220")


class Mta(Part):
	"""Postfix, an instance of its own.  The one part that needs root."""

	name = "mta"
	root = True

	def __init__(self, stack):
		super().__init__(stack)
		self.config = stack.dir / "postfix"
		self.queue = self.config / "queue"
		self.log = stack.logs / "mail.log"

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

	def ready(self):
		# A listener that does not ask the milter, which is not there.
		return answers(("127.0.0.1", self.stack.ports["INJECT_PORT"]),
		    b"", b"220")

	def leftovers(self):
		"""Also a master whose number never was recorded."""
		return super().leftovers() + \
		    working_in(self.queue, "/usr/lib/postfix/")


class Milter(Part):
	name = "milter"
	umask = 0			# whoever may reach the socket may use it

	def wanted(self):
		return self.stack.options["milter"] is not None

	def command(self):
		path = self.stack.options["milter"]
		return [path or self.program("assent-milter"),
			"-c", self.stack.dir / "assent.conf"]

	def spawn(self):
		(self.stack.run / "milter.sock").unlink(missing_ok=True)
		return super().spawn()

	def environment(self):
		return {**super().environment(),
			"MILTER_SOCKET": str(self.stack.run / "milter.sock")}

	def ready(self):
		port = self.stack.ports["MILTER_PORT"]
		if not answers(str(self.stack.run / "milter.sock"), b"", b""):
			return False
		return bool(self.stack.options["milter"]) or \
		    http_ok(f"http://127.0.0.1:{port}/healthz")


class Web(Part):
	name = "web"

	def command(self):
		return [self.program("assent-web"),
			"-c", self.stack.dir / "assent.conf"]

	def ready(self):
		port = self.stack.ports["WEB_PORT"]
		return http_ok(f"http://127.0.0.1:{port}/healthz")


# In the order in which they are stopped.
PARTS = (Web, Milter, Mta, Sink, Redis, Postgres)
