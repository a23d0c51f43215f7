# SPDX-License-Identifier: ISC
"""stackparts - the parts of a test stack

One class per process: what it needs on disk, how it is started, when it is
ready and how it ends.  None runs as root that can do without.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path

from stackproc import (Failure, alive, answers, child_environment, http_ok,
    send_signal, session_of, start_time, wait_until, working_in)

ROOT = Path(__file__).resolve().parent.parent
PG_BIN = Path("/usr/lib/postgresql/15/bin")
ACCOUNT = "nobody"		# what root runs children as
READY_SECONDS = 30
TAIL_LINES = 20


def owned_directory(path):
	"""A directory that the unprivileged children may write to."""
	path.mkdir()
	give_away(path)


def give_away(path):
	"""Let it belong to what the unprivileged children run as."""
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
	folder = "pg"

	@property
	def data(self):
		return self.stack.dir / self.folder

	@property
	def port(self):
		return self.stack.ports[self.name.upper() + "_PORT"]

	def make_data(self, *command):
		"""Run what fills the data directory."""
		owned_directory(self.data)
		self.data.chmod(0o700)
		made = subprocess.run([str(a) for a in command],
		    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		    stderr=subprocess.STDOUT, cwd=self.stack.dir,
		    env=child_environment(), text=True, check=False,
		    **unprivileged())
		with open(self.log, "a", encoding="utf-8") as log:
			log.write(made.stdout)
		if made.returncode:
			raise Failure(f"{self.name}: {command[0].name} failed"
			    + self.tail())

	def prepare(self):
		self.make_data(PG_BIN / "initdb", "--no-sync", "--no-locale",
		    "--encoding=UTF8", "--auth=trust", "--username=postgres",
		    f"--pgdata={self.data}")

	def follow(self, primary):
		"""Become a standby of it; what was here before is lost."""
		if self.data.exists():
			shutil.rmtree(self.data)
		self.make_data(PG_BIN / "pg_basebackup", "--no-sync",
		    "--checkpoint=fast", "--write-recovery-conf",
		    f"--pgdata={self.data}", f"--dbname=host={self.stack.run} "
		    f"port={primary.port} user=postgres "
		    f"application_name={self.name}")
		(self.data / "postgresql.auto.conf").open("a").write(
		    "synchronous_standby_names = ''\n")

	def wait_for(self, standby):
		"""Let no commit return before that standby has it."""
		done = self.psql("ALTER SYSTEM SET synchronous_standby_names "
		    f"= '{standby.name}';\nSELECT pg_reload_conf();\n")
		if done.returncode or not wait_until(lambda: self.psql(
		    "SELECT 1 FROM pg_stat_replication "
		    "WHERE sync_state = 'sync'").stdout, READY_SECONDS):
			raise Failure(f"{standby.name} does not follow"
			    + standby.tail())

	def command(self):
		settings = {
		    "listen_addresses": "127.0.0.1",
		    "port": self.port,
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
		     "-p", str(self.port), "-f", "-"],
		    input=sql, capture_output=True, text=True, check=False,
		    env={**child_environment(), "PGCONNECT_TIMEOUT": "5"})

	def ready(self):
		if not (self.stack.run / f".s.PGSQL.{self.port}").exists():
			return False
		return self.psql("SELECT 1").stdout == "1\n"

	def promote(self):
		"""Become the primary; returns when it is."""
		done = self.psql("SELECT pg_promote()")
		if done.stdout != "t\n":
			raise Failure(f"{self.name}: not promoted: "
			    f"{done.stderr.strip()}" + self.tail())

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


class Standby(Postgres):
	"""A second PostgreSQL, which every commit of the first waits for."""

	name = "standby"
	folder = "standby"

	def wanted(self):
		return bool(self.stack.options.get("standby"))

	def prepare(self):
		self.follow(self.stack.parts["postgres"])

	def finish(self):
		self.stack.parts["postgres"].wait_for(self)


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

	def prepare(self):
		"""Copied, because its place may be closed to the program."""
		share = self.stack.dir / "share"
		for part in ("templates", "locale"):
			shutil.copytree(ROOT / "web" / part, share / part)
		shutil.copy(ROOT / "web/style.css", share)
		subprocess.run(["chmod", "-R", "a+rX", share], check=True)

	def command(self):
		return [self.program("assent-web"),
			"-c", self.stack.dir / "assent.conf"]

	def ready(self):
		port = self.stack.ports["WEB_PORT"]
		return http_ok(f"http://127.0.0.1:{port}/healthz")
