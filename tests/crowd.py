# SPDX-License-Identifier: ISC
"""crowd - clients that have begun to ask the web, and never come to an end"""

import contextlib
import resource
import select
import socket

MANY = 10_000		# connections
OUR_FILES = 500		# besides those
BEGUN = b"GET /u/slow HTTP/1.1\r\nX-Slow: "


def begin(where):
	s = socket.create_connection(where, timeout=30)
	s.sendall(BEGUN)
	return s


@contextlib.contextmanager
def crowd(where):
	"""Ten thousand of them at (host, port), or as many as this system gives
	one process; their sockets."""
	soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
	n = min(MANY, hard - OUR_FILES)
	assert n > MANY / 10, "too few open files to tell anything"
	resource.setrlimit(resource.RLIMIT_NOFILE,
	    (max(soft, n + OUR_FILES), hard))
	with contextlib.ExitStack() as closing:
		closing.callback(resource.setrlimit, resource.RLIMIT_NOFILE,
		    (soft, hard))
		yield [closing.enter_context(begin(where)) for _ in range(n)]


def is_there(sockets):
	"""Whether most of them still wait."""
	poll = select.poll()
	for s in sockets:
		poll.register(s, select.POLLIN)
	return len(poll.poll(0)) < len(sockets) / 2
