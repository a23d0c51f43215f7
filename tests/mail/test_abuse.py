# SPDX-License-Identifier: ISC
"""What is sent to the web to wear it out: each has a limit and an answer.

assent-web(8) states them, under LIMITS.
"""

import contextlib
import http.client
import socket
import sys
import threading
import urllib.parse

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests"))
from crowd import crowd, is_there

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def where(stack):
	host, port = urllib.parse.urlsplit(
	    stack.env["WEB_METRICS_URL"]).netloc.split(":")
	return host, int(port)


def say(stack, text, seconds=30):
	"""Sends octets; what came back until the connection's end."""
	with socket.create_connection(where(stack), timeout=seconds) as s:
		with contextlib.suppress(ConnectionError):
			s.sendall(text.encode() if isinstance(text, str)
			    else text)
		answer = b""
		with contextlib.suppress(ConnectionError):
			while piece := s.recv(65536):
				answer += piece
	return answer.decode(errors="replace")


def link(stack, address):
	return stack.delivered(stack.send(address).marker).link()


@pytest.fixture(scope="module")
def slow(stack):
	"""Clients that send an octet a second, and never come to an end."""
	beginnings = (b"GET /u/x HTTP/1.1\r\nHost: x\r\nX-Slow: ",
	    b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n",
	    b"GET /u/x HTTP/1.1\r\nHost: x\r\n\r\nGET /u/x HTTP/1.1\r\nX-Slow:")
	begun = [socket.create_connection(where(stack), timeout=60)
	    for _ in beginnings]
	done = threading.Event()
	def trickle():
		for s, text in zip(begun, beginnings):
			s.sendall(text)
		while not done.wait(1):
			for s in begun:
				with contextlib.suppress(OSError):
					s.send(b"x")
	thread = threading.Thread(target=trickle)
	thread.start()
	yield begun
	done.set()
	thread.join()
	for s in begun:
		s.close()


def test_a_crowd_of_slow_clients_holds_up_no_click(stack, slow):
	"""How long it takes is told by the benchmark."""
	address = stack.subscriber()
	path = link(stack, address)
	with crowd(where(stack)) as sockets:
		c = http.client.HTTPConnection(*where(stack), timeout=10)
		c.request("POST", path, b"List-Unsubscribe=One-Click")
		assert c.getresponse().status == 200
		c.close()
		assert is_there(sockets), "the crowd has gone"
	assert stack.rcpt(address).startswith("550 5.7.1 withdrawn: ")


@pytest.mark.parametrize("head", ["X-Long: " + "x" * 20_000 + "\r\n",
    "".join(f"X-{i}: y\r\n" for i in range(5000))], ids=["long", "many"])
def test_too_many_headers(stack, head):
	assert say(stack, f"GET /u/x HTTP/1.1\r\nHost: x\r\n{head}\r\n") \
	    .startswith("HTTP/1.1 431 ")


def test_too_long_a_path(stack):
	answer = say(stack, f"GET /u/{'x' * 20_000} HTTP/1.1\r\nHost: x\r\n\r\n")
	assert answer.startswith("HTTP/1.1 414 ")


def test_a_body_that_is_said_to_be_huge_is_not_waited_for(stack):
	answer = say(stack, "POST /u/x HTTP/1.1\r\nHost: x\r\n" + FORM +
	    f"Content-Length: {10 << 30}\r\n\r\n")
	assert answer.startswith("HTTP/1.1 413 ")


def test_a_body_without_an_end(stack):
	address = stack.subscriber()
	path = link(stack, address)
	chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
	answer = say(stack, f"POST {path} HTTP/1.1\r\nHost: x\r\n{FORM}"
	    "Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * 40)
	assert answer.startswith("HTTP/1.1 413 ")
	assert stack.rcpt(address).startswith("250 ")


@pytest.mark.parametrize("ends", [["Content-Length: 26"] * 2,
    ["Content-Length: 26", "Content-Length: 0"],
    ["Content-Length: 26", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked"] * 2, ["Transfer-Encoding: gzip"],
    ["Transfer-Encoding: gzip, chunked"]])
def test_a_body_that_could_end_in_two_places(stack, ends):
	"""What follows is no request, wherever a proxy sees its beginning."""
	address = stack.subscriber()
	path = link(stack, address)
	answer = say(stack, f"POST {path} HTTP/1.1\r\nHost: x\r\n{FORM}" +
	    "".join(end + "\r\n" for end in ends) +
	    "\r\nList-Unsubscribe=One-ClickGET /healthz HTTP/1.1\r\n"
	    "Host: x\r\n\r\n")
	assert answer.startswith("HTTP/1.1 400 ")
	assert answer.count("HTTP/1.1 ") == 1
	assert "is not what our page sends" in " ".join(answer.split())
	assert stack.rcpt(address).startswith("250 ")


def test_a_form_of_too_many_fields_opts_out_all_the_same(stack):
	"""Whoever wants to leave may, whatever else is in the body."""
	address = stack.subscriber()
	assert stack.page("POST", link(stack, address), b"&".join([b"a=b"] *
	    2000), {"Content-Type": "application/x-www-form-urlencoded"})[0] \
	    == 200
	assert stack.rcpt(address).startswith("550 ")


def test_who_never_finishes_is_let_go(slow):
	for s in slow:
		s.settimeout(60)
		with contextlib.suppress(ConnectionError):
			while s.recv(65536):
				pass
