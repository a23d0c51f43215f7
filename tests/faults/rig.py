# SPDX-License-Identifier: ISC
"""rig - two milters and two webs over one Redis and one PostgreSQL

A stack (tests/stack) whose own milter and web give way to nodes.  Each node
has a configuration of its own and reaches Redis and PostgreSQL through
proxies of its own, so that it can be cut off while the others are not: a
proxy that is stopped takes connections and octets and delivers nothing, until
it goes on and delivers all of it late, as a network does that comes back.
Postfix asks the first milter on its usual listener and the second one on
another.
"""

import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from load import Contact, Places
from stackparts import Milter, Part, Postgres, Web, owned_directory
from stackproc import (Failure, answers, as_root, reserve_ports, send_signal,
    wait_until)

ROOT = Path(__file__).resolve().parents[2]
NODES = 2			# of each kind
CONTACTS = 64
PORTS = ["MILTER1_PORT", "MILTER2_PORT", "WEB1_PORT", "WEB2_PORT", "SMTP2_PORT"]
QUIET_SECONDS = 120
# Without a beginning that matches anything: a log has 200,000 lines.
TROUBLE = re.compile("(?:AddressSanitizer|LeakSanitizer|ThreadSanitizer|"
    "runtime error:|Assertion .* failed|stack smashing).*")


def load_script(name):
	"""A script of tests/ that has no .py."""
	loader = importlib.machinery.SourceFileLoader(name,
	    str(ROOT / "tests" / name))
	module = importlib.util.module_from_spec(
	    importlib.util.spec_from_loader(name, loader))
	loader.exec_module(module)
	return module


script = load_script("stack")


class Proxy(Part):
	"""Between one node and one server."""

	def __init__(self, stack, node, server, socket, target):
		self.name = f"{node}-{server}"
		super().__init__(stack)
		self.socket, self.target = socket, target

	def command(self):
		return ["socat", f"UNIX-LISTEN:{self.socket},fork,backlog=128,"
		    "unlink-early,mode=777", f"UNIX-CONNECT:{self.target}"]

	def ready(self):
		return self.socket.exists()

	def signal(self, number):
		"""To it and to what it started for each connection."""
		os.killpg(self.stack.pids[self.name][0], number)


class Node:
	"""What a milter and a web of the rig have in common, mixed in before
	the part itself."""

	def __init__(self, stack, number):
		self.name = f"{type(self).name}{number}"
		self.number = number
		super().__init__(stack)
		self.home = stack.dir / self.name

	def prepare(self):
		owned_directory(self.home)
		self.proxies = {server: Proxy(self.stack, self.name, server,
		    self.home / socket, self.stack.run / socket)
		    for server, socket in self.sockets()}
		for proxy in self.proxies.values():
			self.stack.parts[proxy.name] = proxy
			proxy.start()
		self.conf = self.home / "assent.conf"
		self.conf.write_text(self.stack.render("assent.conf", **{
		    name: str(self.stack.values()[name]).replace(
			str(self.stack.run), str(self.home))
		    for name in ("DATABASE", "CACHE_URL")}, **self.values()))

	def sockets(self):
		"""Of the servers that have one: their names below run/."""
		parts = self.stack.parts
		if "redis" in parts:
			yield "redis", "redis.sock"
		for name in ("postgres", "standby"):
			if parts[name].wanted():
				yield name, f".s.PGSQL.{parts[name].port}"

	def command(self):
		return [self.program(f"assent-{type(self).name}"), "-c",
		    self.conf]

	def hold(self):
		send_signal(self.stack.pids[self.name][0], signal.SIGSTOP)

	def go_on(self):
		send_signal(self.stack.pids[self.name][0], signal.SIGCONT)

	def cut(self, server):
		self.proxies[server].signal(signal.SIGSTOP)

	def lose(self, server):
		"""It is not there any more, not even the machine it was on."""
		self.proxies[server].ask_to_stop()
		self.proxies[server].ensure_stopped(script.STOP_SECONDS)

	def find(self, server):
		self.proxies[server].start()

	def mend(self, server):
		self.proxies[server].signal(signal.SIGCONT)


class MilterNode(Node, Milter):
	@property
	def socket(self):
		"""The first has the place of the stack's own."""
		name = "milter.sock" if self.number == 1 else "milter2.sock"
		return self.stack.run / name

	def values(self):
		port = self.stack.ports[f"MILTER{self.number}_PORT"]
		return {"MILTER_SOCKET": self.socket, "MILTER_PORT": port}

	def spawn(self):
		self.socket.unlink(missing_ok=True)
		return Part.spawn(self)

	def ready(self):
		return answers(str(self.socket), b"", b"")


class WebNode(Node, Web):
	def values(self):
		return {"WEB_PORT": self.stack.ports[f"WEB{self.number}_PORT"]}

	@property
	def port(self):
		return self.values()["WEB_PORT"]

	def ready(self):
		return answers(("127.0.0.1", self.port),
		    b"GET /healthz HTTP/1.0\r\n\r\n", b"HTTP/1.1 200")


class Rig:
	"""All of it; a context manager."""

	def __init__(self, build, options=()):
		self.options = options
		self.dir = Path(tempfile.mkdtemp(prefix="assent-faults-"))
		os.rmdir(self.dir)
		self.build = build

	def __enter__(self):
		os.environ["BUILD"] = self.build
		script.up(script.parse(["up", str(self.dir), *self.options]))
		self.stack = script.Stack(self.dir)
		try:
			self.start_nodes()
			self.make_contacts()
		except BaseException:
			self.__exit__()
			raise
		return self

	def __exit__(self, *_):
		for part in self.stack.parts.values():
			for pid in part.leftovers():
				send_signal(pid, signal.SIGCONT, part.root)
		script.take_down(self.stack, 10)

	# The nodes

	def start_nodes(self):
		stack = self.stack
		for name in ("milter", "web"):
			self.stop(name)
			del stack.parts[name]
		ports, reserved = reserve_ports(PORTS)
		stack.ports.update(ports)
		self.milters = [MilterNode(stack, n + 1) for n in range(NODES)]
		self.webs = [WebNode(stack, n + 1) for n in range(NODES)]
		# Before the servers that they talk to.
		stack.parts = {n.name: n for n in self.nodes()} | stack.parts
		script.first_start(*self.nodes())
		self.add_listener()
		for s in reserved:
			s.close()

	def nodes(self):
		return self.milters + self.webs

	def add_listener(self):
		service = f"127.0.0.1:{self.stack.ports['SMTP2_PORT']}"
		config = self.stack.parts["mta"].config
		as_root(["postconf", "-c", config, "-M",
		    f"{service}/inet={service} inet n - n - - smtpd"])
		as_root(["postconf", "-c", config, "-P",
		    f"{service}/inet/milter_macro_daemon_name=campaigns",
		    f"{service}/inet/smtpd_milters="
		    f"unix:{self.milters[1].socket}"])
		as_root(["postfix", "-c", config, "reload"],
		    stderr=subprocess.DEVNULL)

	def use(self, build):
		"""The nodes, of another build, and a cache that knows nothing."""
		for node in self.nodes():
			self.stop(node.name)
		self.redis("FLUSHALL")
		self.stack.options["build"] = str(ROOT / build)
		for node in self.nodes():
			node.start()

	def stop(self, name):
		part = self.stack.parts[name]
		part.ask_to_stop()
		part.ensure_stopped(script.STOP_SECONDS)

	def start(self, name):
		self.stack.parts[name].start()

	def kill(self, name):
		"""At once, with what it started."""
		part = self.stack.parts[name]
		send_signal(self.pid(name), signal.SIGKILL)
		part.ensure_stopped(0)
		if isinstance(part, Postgres):
			# They name a process, and soon that is another one.
			for lock in (part.data / "postmaster.pid",
			    self.stack.run / f".s.PGSQL.{part.port}.lock"):
				lock.unlink(missing_ok=True)

	def pid(self, name):
		return self.stack.pids[name][0]

	def databases(self):
		"""The primary, and the one that follows it or is stopped."""
		servers = [self.stack.parts[n] for n in ("postgres", "standby")]
		if servers[0].psql("SELECT pg_is_in_recovery()").stdout == "f\n":
			return servers
		return servers[::-1]

	def reshard(self, source, target, slots):
		"""Moves slots from one master to another."""
		source, target = (self.stack.parts[n] for n in (source, target))
		source.cli("--cluster", "reshard", f"127.0.0.1:{source.port}",
		    "--cluster-from", source.cli("cluster", "myid"),
		    "--cluster-to", target.cli("cluster", "myid"),
		    "--cluster-slots", slots, "--cluster-yes")

	# What is asked

	def ctl(self, *words, **more):
		return subprocess.run([self.stack.dir / "bin" / "assentctl",
		    *words], check=True, capture_output=True, text=True,
		    **more).stdout

	def make_contacts(self):
		who = [f"person{n}@rcpt.test" for n in range(CONTACTS)]
		self.ctl("batch", "-", input="".join(
		    f"grant {address} newsletter\n" for address in who))
		self.contacts = [self.contact(address) for address in who]
		((self.purpose,),) = self.sql("SELECT id FROM assent.purpose "
		    "WHERE slug = 'newsletter'")

	def contact(self, address):
		links = json.loads(self.ctl("link", address, "newsletter",
		    "--json"))
		return Contact(address, *(urlsplit(links[name]).path
		    for name in ("opt_out", "preferences")))

	def places(self, folder):
		ports = self.stack.ports
		return Places(folder=folder, contacts=self.contacts,
		    purpose=self.purpose,
		    milters=[str(m.socket) for m in self.milters],
		    webs=[w.port for w in self.webs],
		    listeners=[ports["SMTP_PORT"], ports["SMTP2_PORT"]],
		    assentctl=str(self.stack.dir / "bin" / "assentctl"),
		    database=self.stack.values()["DATABASE_URL"])

	def sql(self, query, *args, user="assent_owner"):
		url = self.stack.values()["DATABASE_URL"].replace(
		    "assent_owner@", user + "@")
		with psycopg2.connect(url) as db, db.cursor() as cursor:
			cursor.execute(query, args)
			return cursor.fetchall() if cursor.description else None

	def redis(self, *words):
		subprocess.run(["redis-cli", "-s",
		    self.stack.values()["REDIS_SOCKET"], *words], check=True,
		    stdout=subprocess.DEVNULL)

	# What is found at the end

	def last_event(self):
		return self.sql("SELECT coalesce(max(id), 0) "
		    "FROM assent.event")[0][0]

	def withdrawals(self, since):
		"""How many are in the ledger, by address."""
		return dict(self.sql("""SELECT canonical, count(*)
			FROM assent.event JOIN assent.endpoint USING (contact_id)
			WHERE event.id > %s AND act = 'withdraw'
			GROUP BY canonical""", since))

	def states(self):
		"""(Address, state) as they are on record."""
		return self.sql("""SELECT canonical, state FROM assent.consent
			JOIN assent.endpoint USING (contact_id)
			WHERE purpose_id = %s AND canonical = ANY(%s)""",
		    self.purpose, [c.address for c in self.contacts])

	def trouble(self):
		"""What has become of the programs, since it was asked last."""
		found = []
		for node in self.nodes():
			if not node.running():
				found.append(f"{node.name} is gone")
			said = TROUBLE.search(node.log.read_text(
			    errors="replace"))
			if said:
				found.append(f"{node.name} said {said[0]}")
			shutil.copy(node.log, self.dir / "history")
			os.truncate(node.log, 0)
		return found

	def quiet(self):
		"""Waits until the MTA has delivered all it took."""
		mailq = self.stack.dir / "bin" / "mailq"
		flush = [self.stack.dir / "bin" / "sendmail", "-q"]
		subprocess.run(flush, check=True)
		if not wait_until(lambda: subprocess.run([mailq], check=True,
		    capture_output=True, text=True).stdout.endswith(
		    " is empty\n"), QUIET_SECONDS, 0.2):
			raise Failure("the MTA's queue did not become empty")

	def deliveries(self):
		"""How often each (marker, address) was; the sink is empty then."""
		sink = self.stack.dir / "sink"
		found = Counter()
		for path in sink.iterdir():
			text = path.read_text(errors="replace")
			marker = re.search("^Subject: (.*)$", text, re.M)[1]
			found.update((marker, address) for address in
			    re.findall("^X-Rcpt-Args: <(.*?)>", text, re.M))
			path.unlink()
		return found

	def folder(self):
		"""Where the histories of one run go, and the logs of its nodes."""
		path = self.dir / "history"
		shutil.rmtree(path, ignore_errors=True)
		path.mkdir()
		return path

	def keep(self, path):
		"""Puts those of the last run there, to be looked at."""
		shutil.copytree(self.dir / "history", path, dirs_exist_ok=True)
