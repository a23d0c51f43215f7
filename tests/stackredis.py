# SPDX-License-Identifier: ISC
"""stackredis - the Redis of a test stack: one, or several that take turns

  one        redis
  sentinel   redis1 is the master at first and redis2 its replica;
             sentinel1 to 3 watch over them, and two must agree
  cluster    redis1 to 3 are masters of a third of the slots each, redis4 is
             the replica of redis1

They notice a failure within a second or two, not in Debian's fifteen.
"""

import subprocess

from stackproc import Failure, answers, child_environment, wait_until
from stackparts import READY_SECONDS, Part, give_away, owned_directory

MASTER = "assent"		# the name that the sentinels know
NOTICE_MS = 1000
SLOTS = 16384
MASTERS = 3


class Redis(Part):
	"""The only one, by TCP and by a unix socket."""

	name = "redis"
	number = 0

	@property
	def port(self):
		return self.stack.ports[f"{self.name.upper()}_PORT"]

	@property
	def directory(self):
		return self.stack.dir / self.name

	def prepare(self):
		owned_directory(self.directory)

	def command(self):
		return ["redis-server", "--bind", "127.0.0.1",
			"--port", self.port, "--daemonize", "no",
			"--dir", self.directory,
			"--save", "", "--appendonly", "no", *self.settings()]

	def settings(self):
		return ["--unixsocket", self.stack.run / "redis.sock",
			"--unixsocketperm", "777"]

	def ready(self):
		return answers(("127.0.0.1", self.port), b"PING\r\n",
		    b"+PONG")

	def cli(self, *words):
		done = subprocess.run(["redis-cli", "-e", "-p",
		    str(self.port), *map(str, words)], capture_output=True,
		    text=True, check=False, env=child_environment())
		if done.returncode:
			raise Failure(f"{self.name}: {' '.join(map(str, words))}:"
			    f" {done.stdout}{done.stderr}" + self.tail())
		return done.stdout.strip()


class Replicated(Redis):
	"""One of those that the sentinels watch."""

	def settings(self):
		follow = [] if self.number == 1 else ["--replicaof",
		    f"127.0.0.1 {self.stack.ports['REDIS1_PORT']}"]
		return ["--repl-diskless-sync-delay", "0", *follow]

	def ready(self):
		"""The replica is there: sentinels look for it every ten seconds."""
		return super().ready() and (self.number == 1 or
		    "master_link_status:up" in self.cli("info", "replication"))


class Sentinel(Redis):
	def prepare(self):
		super().prepare()
		conf = self.directory / "sentinel.conf"
		conf.write_text(
		    f"sentinel monitor {MASTER} 127.0.0.1 "
		    f"{self.stack.ports['REDIS1_PORT']} 2\n"
		    f"sentinel down-after-milliseconds {MASTER} {NOTICE_MS}\n"
		    f"sentinel failover-timeout {MASTER} {5 * NOTICE_MS}\n")
		give_away(conf)

	def command(self):
		return ["redis-server", self.directory / "sentinel.conf",
			"--sentinel", "--bind", "127.0.0.1",
			"--port", self.port, "--daemonize", "no",
			"--dir", self.directory]

	def finish(self):
		"""Of the last one: do all know each other and the replica?"""
		if self.number == MASTERS and not wait_until(
		    lambda: all(self.knows_all(s) for s in
			self.stack.redis() if isinstance(s, Sentinel)),
		    READY_SECONDS):
			raise Failure("the sentinels do not find each other"
			    + self.tail())

	@staticmethod
	def knows_all(sentinel):
		told = sentinel.cli("sentinel", "master", MASTER).split("\n")
		facts = dict(zip(told[::2], told[1::2]))
		return facts["num-slaves"] == "1" and \
		    facts["num-other-sentinels"] == str(MASTERS - 1)


class Clustered(Redis):
	@property
	def bus(self):
		return self.stack.ports[f"{self.name.upper()}_BUS_PORT"]

	def settings(self):
		return ["--cluster-enabled", "yes", "--cluster-port", self.bus,
			"--cluster-node-timeout", 2 * NOTICE_MS,
			"--cluster-config-file", "nodes.conf",
			"--cluster-replica-validity-factor", "0",
			"--repl-diskless-sync-delay", "0"]

	def nodes(self):
		return [p for p in self.stack.parts.values()
		    if isinstance(p, Clustered)]

	def finish(self):
		"""Of the last one: make a cluster of all."""
		if self.number == MASTERS + 1:
			self.assemble()

	def assemble(self):
		nodes = self.nodes()
		for i, node in enumerate(nodes[:MASTERS]):
			first, end = (SLOTS * j // MASTERS for j in (i, i + 1))
			node.cli("cluster", "set-config-epoch", i + 1)
			node.cli("cluster", "addslotsrange", first, end - 1)
		for node in nodes[1:]:
			nodes[0].cli("cluster", "meet", "127.0.0.1", node.port,
			    node.bus)
		known = f"cluster_known_nodes:{len(nodes)}"
		if not wait_until(lambda: all("cluster_state:ok" in text and
		    known in text for text in (n.cli("cluster", "info")
			for n in nodes)), READY_SECONDS):
			raise Failure("the cluster does not come together"
			    + self.tail())
		self.cli("cluster", "replicate", nodes[0].cli("cluster", "myid"))
		if not wait_until(lambda: "master_link_status:up" in
		    self.cli("info", "replication"), READY_SECONDS):
			raise Failure("redis4 does not follow redis1"
			    + self.tail())


def several(kind, word, count):
	"""Parts that are alike but for their number."""
	return [type(f"{kind.__name__}{n}", (kind,), {"name": f"{word}{n}",
	    "number": n}) for n in range(1, count + 1)]


KINDS = {
    "one": [Redis],
    "sentinel": several(Replicated, "redis", 2) +
	several(Sentinel, "sentinel", MASTERS),
    "cluster": several(Clustered, "redis", MASTERS + 1),
}


def ports(kind):
	"""The names of the ports that they need."""
	names = [c.name.upper() + "_PORT" for c in KINDS[kind]]
	if kind == "cluster":
		names += [c.name.upper() + "_BUS_PORT" for c in KINDS[kind]]
	return names


def url(stack):
	"""What assent.conf says."""
	def hosts(word):
		return ",".join(f"127.0.0.1:{p.port}"
		    for p in stack.parts.values() if p.name.startswith(word))
	return {
	    "one": f"unix:{stack.run}/redis.sock",
	    "sentinel": f"sentinel://{hosts('sentinel')}/{MASTER}",
	    "cluster": f"cluster://{hosts('redis')}",
	}[stack.options["redis"]]
