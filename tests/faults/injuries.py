# SPDX-License-Identifier: ISC
"""injuries - what is done to the rig, and undone

Each is a generator: it does harm, yields how many seconds that shall last,
and mends it when it goes on.  It is normal again when the generator has
ended and the programs have noticed.
"""

import signal
import time
from functools import partial
from typing import NamedTuple

from stackproc import Failure, send_signal, wait_until

LEASES = """FROM pg_stat_activity
	WHERE application_name = 'assent-milter lease'"""
OFTEN = 0.25			# seconds
SNAPSHOT_AGE = 1
STUTTER = 0.03			# less than cache.timeout
TAKES = 60			# seconds: what another needs to take over
WATCHED = ("redis1", "redis2")	# of tests/stackredis.py: a master and its
CLUSTERED = ("redis1", "redis4")	# replica, whichever is which
SLOTS_PER_SECOND = 100
BRIEF_REST = 0.5


def ready(_rig):
	pass


def nothing(_rig, seconds):
	yield seconds


# Redis

def redis_empty(rig, seconds):
	rig.kill("redis")
	(rig.dir / "redis" / "dump.rdb").unlink(missing_ok=True)
	yield seconds
	rig.start("redis")


def save(rig):
	rig.redis("SAVE")
	time.sleep(SNAPSHOT_AGE)


def redis_snapshot(rig, seconds):
	rig.kill("redis")
	yield seconds
	rig.start("redis")


def redis_paused(rig, seconds):
	send_signal(rig.pid("redis"), signal.SIGSTOP)
	yield seconds
	send_signal(rig.pid("redis"), signal.SIGCONT)


def cut_off(server, nodes, seconds):
	for node in nodes:
		node.cut(server)
	yield seconds
	for node in nodes:
		node.mend(server)


def redis_from_webs(rig, seconds):
	yield from cut_off("redis", rig.webs, seconds)


def redis_from_milter(rig, seconds):
	yield from cut_off("redis", rig.milters[:1], seconds)


def redis_stutters(rig, seconds):
	"""What a milter says to Redis arrives late, but not too late."""
	proxy = rig.milters[0].proxies["redis"]
	for _ in range(int(seconds / STUTTER / 2)):
		proxy.signal(signal.SIGSTOP)
		yield STUTTER
		proxy.signal(signal.SIGCONT)
		yield STUTTER


def redis_from_webs_deaf(rig, seconds):
	"""Nothing but the leases can tell the milters."""
	for web in rig.webs:
		web.cut("redis")
	yield from deaf(rig, seconds)
	for web in rig.webs:
		web.mend("redis")


def is_master(part):
	return part.running() and \
	    "role:master" in part.cli("info", "replication")


def follows(part):
	return part.running() and \
	    "master_link_status:up" in part.cli("info", "replication")


def pair(rig, names):
	"""The master and its replica, when they are that."""
	def found():
		for master, replica in ((a, b), (b, a)):
			if is_master(master) and follows(replica):
				return master, replica
		return None
	a, b = (rig.stack.parts[name] for name in names)
	if not wait_until(found, TAKES, OFTEN):
		raise Failure(f"{names} are not a master and its replica")
	return found()


def redis_failover(rig, names):
	"""Who was the master comes back, and may still think that it is."""
	master, replica = pair(rig, names)
	rig.kill(master.name)
	for _ in range(int(TAKES / OFTEN)):
		yield OFTEN
		if is_master(replica):
			break
	rig.start(master.name)


def sentinel_failover(rig, _seconds):
	yield from redis_failover(rig, WATCHED)


def cluster_failover(rig, _seconds):
	yield from redis_failover(rig, CLUSTERED)


def resharded(rig, seconds):
	"""Slots go to another master, with what is in them, and come back."""
	for source, target in (("redis2", "redis3"), ("redis3", "redis2")):
		rig.reshard(source, target, int(seconds * SLOTS_PER_SECOND))
		yield seconds


# PostgreSQL

def postgres_killed(rig, seconds):
	rig.kill("postgres")
	yield seconds
	rig.start("postgres")


def postgres_restarted(rig, seconds):
	rig.stop("postgres")
	yield seconds
	rig.start("postgres")


def rejoin(rig):
	"""What was the primary before becomes the standby."""
	primary, other = rig.databases()
	if not other.running():
		other.follow(primary)
		other.start()
		primary.wait_for(other)
		for node in rig.nodes():
			node.find(other.name)


def postgres_failover(rig, seconds):
	primary, standby = rig.databases()
	for node in rig.nodes():
		node.lose(primary.name)
	rig.kill(primary.name)
	yield seconds
	standby.promote()


def postgres_from_milter(rig, seconds):
	yield from cut_off("postgres", rig.milters[:1], seconds)


def leases(rig):
	"""The backends that tell milters of a new epoch."""
	return [pid for pid, in rig.sql(f"SELECT pid {LEASES}", user="postgres")]


def notify_cut(rig, seconds):
	for _ in range(int(seconds / OFTEN)):
		rig.sql(f"SELECT pg_terminate_backend(pid) {LEASES}",
		    user="postgres")
		yield OFTEN


def deaf(rig, seconds):
	"""The connections are there, and nothing comes over them."""
	held = set()
	for _ in range(int(seconds / OFTEN)):
		for pid in leases(rig):
			send_signal(pid, signal.SIGSTOP)
			held.add(pid)
		yield OFTEN
	for pid in held:
		send_signal(pid, signal.SIGCONT)


# The nodes

def paused(node, seconds):
	node.hold()
	yield seconds
	node.go_on()


def milter_paused(rig, seconds):
	yield from paused(rig.milters[0], seconds)


def web_paused(rig, seconds):
	yield from paused(rig.webs[0], seconds)


class Injury(NamedTuple):
	name: str
	act: object
	hold: float = 4		# seconds that it lasts
	rest: float = 8		# and then nothing does
	brief: float = 1	# seconds that it lasts in a short run
	prepare: object = ready	# called before, while all is well
	stack: tuple = ()	# options that tests/stack needs for it

	def in_brief(self):
		return self._replace(hold=self.brief, rest=BRIEF_REST)


STANDBY = ("--standby", "--redis", "sentinel")
CLUSTER = ("--redis", "cluster")


ALL = [
	Injury("no fault", nothing),
	Injury("Redis killed, back empty", redis_empty),
	Injury("Redis killed, back with a snapshot", redis_snapshot,
	    prepare=save),
	Injury("Redis paused", redis_paused),
	Injury("Redis cut off from the webs", redis_from_webs),
	Injury("Redis cut off from webs, deaf milters",
	    redis_from_webs_deaf, brief=2),
	Injury("Redis cut off from a milter", redis_from_milter),
	Injury("Redis stutters for a milter", redis_stutters),
	Injury("PostgreSQL killed", postgres_killed),
	Injury("PostgreSQL restarted", postgres_restarted),
	Injury("PostgreSQL cut off from a milter", postgres_from_milter),
	Injury("NOTIFY connections cut", notify_cut),
	Injury("NOTIFY unheard", deaf),
	Injury("a milter paused", milter_paused, hold=30),
	Injury("a web paused", web_paused, hold=30),
	Injury("PostgreSQL failed over", postgres_failover, prepare=rejoin,
	    stack=STANDBY),
	Injury("Sentinel failed over", sentinel_failover,
	    prepare=partial(pair, names=WATCHED), stack=STANDBY),
	Injury("Cluster failed over", cluster_failover,
	    prepare=partial(pair, names=CLUSTERED), stack=CLUSTER),
	Injury("Cluster resharded", resharded, stack=CLUSTER),
]
