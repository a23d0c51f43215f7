# SPDX-License-Identifier: ISC
"""stackproc - processes, ports and waiting, for the test stack

A process is known by its number and its start time: a number that was given
to another process since is never signalled.  A port is reserved by binding
it, so of two scripts that choose at once none gets the other's.
"""

import os
import random
import shlex
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path


class Failure(Exception):
	"""What went wrong, in words for the person at the terminal."""


# Processes

def proc_stat(pid):
	"""The fields of /proc/PID/stat after the command, or None."""
	try:
		text = Path(f"/proc/{pid}/stat").read_text()
	except OSError:
		return None
	return text.rpartition(")")[2].split()


def start_time(pid):
	"""When the process started, in ticks; None when it is dead."""
	fields = proc_stat(pid)
	return None if not fields or fields[0] in "ZX" else int(fields[19])


def alive(known):
	"""Is this (number, start time) still the process it was?"""
	return known is not None and known[1] is not None and \
	    start_time(known[0]) == known[1]


def session_of(known):
	"""Living members of the session that the known process led."""
	if start_time(known[0]) not in (None, known[1]):
		return []
	pids = [int(p.name) for p in Path("/proc").glob("[0-9]*")]
	found = []
	for pid in pids:
		fields = proc_stat(pid)
		if fields and fields[0] not in "ZX" and \
		    int(fields[3]) == known[0]:
			found.append(pid)
	return found


def working_in(directory, program):
	"""Living processes of that program in just this directory."""
	found = []
	for p in Path("/proc").glob("[0-9]*"):
		try:
			if os.readlink(p / "cwd") == str(directory) and \
			    os.readlink(p / "exe").startswith(program):
				found.append(int(p.name))
		except OSError:
			continue
	return found


def wait_until(done, seconds, step=0.02):
	deadline = time.monotonic() + seconds
	while not done():
		if time.monotonic() > deadline:
			return False
		time.sleep(step)
	return True


def child_environment():
	"""The caller's, without what would lead a client elsewhere."""
	clean = {k: v for k, v in os.environ.items()
		 if not k.startswith("PG") and k != "MAIL_CONFIG"}
	return {**clean, "PATH": clean["PATH"] + ":/usr/sbin:/sbin"}


def as_root(argv, **kwargs):
	"""Run a command as root; output goes nowhere unless asked for."""
	if os.geteuid() != 0:
		argv = ["sudo", "-n", *argv]
	kwargs.setdefault("stdout", subprocess.DEVNULL)
	kwargs.setdefault("env", child_environment())
	kwargs.setdefault("check", True)
	try:
		return subprocess.run([str(a) for a in argv], **kwargs)
	except (OSError, subprocess.CalledProcessError) as e:
		raise Failure(f"as root, {shlex.join(map(str, argv))}: {e}") \
		    from e


def send_signal(pid, number, root=False):
	try:
		if root and os.geteuid() != 0:
			as_root(["kill", f"-{int(number)}", pid], check=False,
			    stderr=subprocess.DEVNULL)
		else:
			os.kill(pid, number)
	except ProcessLookupError:
		pass


# Ports

def ephemeral_range():
	text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
	low, high = map(int, text.split())
	return range(low, high + 1)


def reserve_port(avoid):
	"""A free loopback port, and the socket that keeps others off it.

	The socket is bound without SO_REUSEADDR, so of two scripts choosing
	at once one fails; then it allows reuse, so that the daemon, which
	sets SO_REUSEADDR as daemons do, can listen beside it.
	"""
	for _ in range(1000):
		port = random.randrange(10000, 32000)
		if port in avoid:
			continue
		s = socket.socket()
		try:
			s.bind(("127.0.0.1", port))
		except OSError:
			s.close()
			continue
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		return port, s
	raise Failure("no free loopback port between 10000 and 32000")


def reserve_ports(names):
	avoid = ephemeral_range()
	if len(range(max(10000, avoid.start), min(32000, avoid.stop))) > 20000:
		avoid = ()		# it covers all there is: take the risk
	reserved = {name: reserve_port(avoid) for name in names}
	return ({n: p for n, (p, _) in reserved.items()},
		[s for _, s in reserved.values()])


# Readiness

def answers(address, say, expect):
	"""Does the server at address answer with the expected octets?"""
	family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
	with socket.socket(family) as s:
		s.settimeout(2)
		try:
			s.connect(address)
			s.sendall(say)
			return not expect or s.recv(200).startswith(expect)
		except OSError:
			return False


def http_ok(url):
	try:
		with urllib.request.urlopen(url, timeout=2) as r:
			return r.status == 200
	except (OSError, urllib.error.URLError, ValueError):
		return False
