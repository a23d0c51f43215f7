# SPDX-License-Identifier: ISC
"""The pages behind the links: what they answer, and what they change.

Only the stack's stack.env is used: a link is taken from a message that came
through, what a click did is asked of assentctl.
"""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import itertools
import json
import re
import smtplib
import subprocess
import time
import urllib.parse
from pathlib import Path

import psycopg2
import pytest
from conftest import wait_for

ONE_CLICK = "List-Unsubscribe=One-Click"
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=boundary"}
MULTIPART_BODY = ("--boundary\r\nContent-Disposition: form-data; "
    'name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--boundary--\r\n')
PRESS = "via=page"
BODIES = [(ONE_CLICK, URLENCODED), (MULTIPART_BODY, MULTIPART), ("", {}),
	  (PRESS, URLENCODED), ("garbage", {"Content-Type": "x/y"})]
BAD_TOKENS = ["forged", "A" * 44, "x%00y", "%00", "a" * 60, "%22%3E%3Cb%3E"]
number = itertools.count(1)


class Web:
	"""One stack, seen from its web."""

	def __init__(self, env):
		self.env = env
		self.where = urllib.parse.urlsplit(env["WEB_URL"]).netloc

	def ask(self, method, path, body=None, headers=None):
		c = http.client.HTTPConnection(self.where, timeout=30)
		c.request(method, path, body, headers or {})
		answer = c.getresponse()
		answer.text = answer.read().decode()
		c.close()
		return answer

	def ctl(self, *args):
		return subprocess.run([self.env["ASSENTCTL"], *args],
		    check=True, capture_output=True, text=True).stdout

	def subscriber(self):
		address = f"web{next(number)}-{time.time_ns()}@rcpt.test"
		self.ctl("grant", address, "newsletter")
		return address

	def state(self, address):
		"""Where the address stands for the newsletter."""
		told = self.ctl("show", address, "--json")
		return json.loads(told)["consents"][0]["state"]

	def link(self, address):
		"""The path of the opt-out link of a message to the address."""
		with smtplib.SMTP("127.0.0.1", int(self.env["SMTP_PORT"])) as s:
			s.sendmail("shop@news.example.com", address,
			    "Subject: x\r\n\r\nx\r\n")
		deadline = time.monotonic() + 10
		while time.monotonic() < deadline:
			for f in Path(self.env["SINK_DIR"]).iterdir():
				text = f.read_text(errors="replace")
				if address in text and (found := re.search(
				    r"<https://[^/]*(/u/[\w-]+)>", text)):
					return found[1]
			time.sleep(0.05)
		pytest.fail("no message with a link came through")


@pytest.fixture
def web(stack):
	return Web(stack.env)


def check_headers(answer):
	assert answer.getheader("Set-Cookie") is None
	assert answer.getheader("Location") is None
	assert answer.getheader("Cache-Control") == "no-store"
	assert answer.getheader("Referrer-Policy") == "no-referrer"
	assert answer.getheader("X-Content-Type-Options") == "nosniff"
	assert answer.getheader("X-Robots-Tag") == "noindex"
	policy = answer.getheader("Content-Security-Policy")
	assert policy.startswith("default-src 'none';")


def test_page_is_plain_and_closed(web):
	page = web.ask("GET", "/u/whatever")
	assert page.status == 200
	check_headers(page)
	for needed in ('<html lang="en">', 'name="viewport"', "<title>",
		       '<form method="post">'):
		assert page.text.count(needed) == 1
	assert len(re.findall("<h1>", page.text)) == 1
	assert len(re.findall("<button", page.text)) == 1
	assert not re.search("<script|https?:|src=|href=", page.text)
	style = re.search("<style>(.*?)</style>", page.text, re.S)[1]
	digest = hashlib.sha256(style.encode()).digest()
	assert f"'sha256-{base64.b64encode(digest).decode()}'" in \
	    page.getheader("Content-Security-Policy")


def test_looking_changes_nothing(web):
	address = web.subscriber()
	path = web.link(address)
	for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE") * 20:
		web.ask(method, path)
	assert web.state(address) == "granted"
	plain = web.ask("GET", "/u/forged").text
	for token in BAD_TOKENS + [path[3:-1]]:
		assert web.ask("GET", "/u/" + token).text == plain


@pytest.mark.parametrize("body,headers", BODIES)
def test_click(web, body, headers):
	address = web.subscriber()
	path = web.link(address)
	answers = [web.ask("POST", p, body, headers) for p in
		   [path, path] + ["/u/" + t for t in BAD_TOKENS]]
	for answer in answers:
		assert answer.status == 200
		check_headers(answer)
	# Only who presses the button of the page sees more.
	for answer in answers[2 if body == PRESS else 0:]:
		assert answer.text == answers[-1].text
	assert web.state(address) == "withdrawn"
	assert path[3:] not in Path(web.env["WEB_LOG"]).read_text()


def test_bad_tokens_change_nothing(web):
	address = web.subscriber()
	path = web.link(address)
	last = "A" if path[-1] != "A" else "Q"
	for forged in (path[:-1], path[:-1] + last, path + "A",
		       path[:8] + path[9:] + "A", path.lower()):
		assert web.ask("POST", forged, ONE_CLICK,
		    URLENCODED).status == 200
	assert web.state(address) == "granted"


@pytest.mark.parametrize("method,path,status,allow", [
    ("OPTIONS", "/u/x", 204, "GET, HEAD, POST, OPTIONS"),
    ("PUT", "/u/x", 405, "GET, HEAD, POST, OPTIONS"),
    ("POST", "/u/", 405, "GET, HEAD, OPTIONS"),
    ("POST", "/healthz", 405, "GET, HEAD, OPTIONS"),
    ("GET", "/healthz%00", 404, None), ("GET", "/", 404, None),
    ("GET", "/u/x/y", 404, None),
    ("GET", "/u", 200, None), ("GET", "/u/", 200, None),
])
def test_methods(web, method, path, status, allow):
	answer = web.ask(method, path)
	assert (answer.status, answer.getheader("Allow")) == (status, allow)
	assert "<form" not in answer.text
	check_headers(answer)


def test_large_body_is_refused(web):
	address = web.subscriber()
	path = web.link(address)
	for size in (17_000, 900_000):
		assert web.ask("POST", path, "x" * size).status == 413
	assert web.state(address) == "granted"
	assert web.ask("POST", path, "x" * 16_000).status == 200
	assert web.state(address) == "withdrawn"


def test_clicks_at_once_on_one_link(web):
	address = web.subscriber()
	path = web.link(address)
	with concurrent.futures.ThreadPoolExecutor(16) as pool:
		answers = list(pool.map(lambda _: web.ask("POST", path).status,
		    range(64)))
	assert set(answers) == {200}
	assert web.state(address) == "withdrawn"


@contextlib.contextmanager
def held(stack, address):
	"""Holds what every change of this contact waits for."""
	with psycopg2.connect(stack.env["DATABASE_URL"]) as db:
		db.cursor().execute("SELECT FROM assent.contact c JOIN "
		    "assent.endpoint e ON e.contact_id = c.id "
		    "WHERE e.canonical = %s FOR UPDATE OF c", (address,))
		yield


def waits(stack):
	return stack.sql("SELECT clock_timestamp() FROM pg_locks "
	    "WHERE NOT granted LIMIT 1")


def test_clicks_on_one_link_do_not_wait_for_each_other(stack, web):
	"""More than there are connections, and places to wait for one; and who
	comes late is not told of what began before."""
	address = web.subscriber()
	path = web.link(address)
	def click(_):
		return web.ask("POST", path).status
	with concurrent.futures.ThreadPoolExecutor(100) as pool:
		with held(stack, address):
			first = pool.submit(click, 0)
			(begun,), = wait_for(lambda: waits(stack), pause=0.01)
			others = pool.map(click, range(99))
			time.sleep(0.5)
		assert {first.result(), *others} == {200}
	assert web.state(address) == "withdrawn"
	assert stack.sql("SELECT c.since < %s, c.withdrawn_at > %s "
	    "FROM assent.consent c JOIN assent.endpoint e USING (contact_id) "
	    "WHERE e.canonical = %s", begun, begun, address) == [(True, True)]


def test_health_and_metrics(web):
	assert web.ask("GET", "/healthz").text == "ok\n"
	web.ask("POST", "/u/forged")
	text = web.ask("GET", "/metrics").text
	count = re.search(r'^assent_web_opt_outs_total\{result="bad-token"\} '
	    r"(\d+)$", text, re.M)
	assert int(count[1]) > 0
	assert 'assent_web_requests_total{route="opt-out",status="200"}' in text
	assert 'assent_web_opt_out_seconds_bucket{le="+Inf"}' in text
