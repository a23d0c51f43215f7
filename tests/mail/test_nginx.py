# SPDX-License-Identifier: ISC
"""contrib/nginx before the web: what comes through, as what, and what is kept."""

import http.client
import os
import re
import signal
import socket
import subprocess
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT, new_stack, wait_for
from test_oneclick import FORMS
from test_pages import sentences, translations


@pytest.fixture(scope="module")
def front():
	s = new_stack("postfix", "--nginx")
	s.secrets = set()
	s.where = urllib.parse.urlsplit(s.env["WEB_URL"]).netloc
	yield s
	s.close()


@pytest.fixture(scope="module")
def slow(front):
	"""Connections whose request never gets whole; when each was opened."""
	def begin(text):
		host, port = front.where.split(":")
		s = front.trust.wrap_socket(socket.create_connection(
		    (host, int(port)), timeout=60), server_hostname=host)
		s.sendall(text)
		return s
	begun = [begin(b"GET /u/slow HTTP/1.1\r\nHost: x\r\nX-Slow: "),
	    begin(b"POST /u/slow HTTP/1.1\r\nHost: x\r\n"
	    b"Content-Length: 100\r\n\r\nvia")]
	yield begun
	for s in begun:
		s.close()


def link(front, address=None):
	"""The path of a delivered message's link, remembered as a secret."""
	address = address or front.subscriber()
	path = front.delivered(front.send(address).marker).link()
	front.secrets.add(path.rsplit("/", 1)[1])
	return path


def ask(front, method, path, body=None, headers=None, source=None,
    direct=None):
	"""Asks nginx; or, by one of its URLs, the web itself."""
	source = source and (source, 0)
	c = http.client.HTTPConnection(urllib.parse.urlsplit(direct).netloc,
	    timeout=30, source_address=source) if direct else \
	    http.client.HTTPSConnection(front.where, timeout=30,
	    context=front.trust, source_address=source)
	c.request(method, path, body, headers or {})
	answer = c.getresponse()
	answer.text = answer.read().decode()
	c.close()
	return answer


def ip_of(front, address):
	"""Where the ledger says that the opt-out came from."""
	((ip,),) = front.sql("SELECT p.fields ->> 'ip' FROM assent.event e "
	    "JOIN assent.event_person p ON p.event_id = e.id "
	    "JOIN assent.endpoint n ON n.contact_id = e.contact_id "
	    "WHERE n.canonical = %s AND e.act = 'withdraw'", address)
	return ip


@pytest.mark.parametrize("form", FORMS)
def test_one_click(front, slow, form):
	address = front.subscriber()
	assert front.page("POST", link(front, address), *FORMS[form])[0] == 200
	assert front.rcpt(address).startswith("550 5.7.1 withdrawn: ")


def is_nginx(answer):
	"""Whether nginx answers by itself: its pages have no style."""
	return "<style>" not in answer.text


# What nginx answers by itself: how it comes to that, and its page's words.
OWN = [(400, ("GET", "/u/x", None, {"X-Much": "x" * 9_000}),
	"This could not be read"),
    (404, ("GET", "/metrics"), "There is no such page"),
    (413, ("POST", "/u/x", b"x" * 17_000), "Too much was sent"),
    (414, ("GET", "/u/" + "x" * 9_000), "Too much was sent")]


def check_own(answer, status, language, title):
	"""A page as assent-web's are: its words, its language, its headers."""
	words = translations(language).__getitem__ if language != "en" else str
	assert answer.status == status and is_nginx(answer)
	assert f'<html lang="{language}">' in answer.text
	assert f"<h1>{words(title)}</h1>" in answer.text
	(said,) = re.findall("<p>(.*)</p>", answer.text)
	assert said in map(words, sentences())
	for name, value in (("Content-Security-Policy",
	    "default-src 'none'; frame-ancestors 'none'"),
	    ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
	    ("X-Content-Type-Options", "nosniff"), ("X-Robots-Tag", "noindex"),
	    ("Strict-Transport-Security", "max-age=63072000"),
	    ("Content-Type", "text/html; charset=utf-8")):
		assert answer.headers.get_all(name) == [value]


@pytest.mark.parametrize("accept,language", [(None, "en"), ("pl", "pl"),
    ("de-IT, it-CH;q=0.9, pl;q=0.8", "it"), ("plx, xit", "en")])
def test_nginx_speaks_the_readers_language(front, accept, language):
	for status, (method, path, *rest), title in OWN:
		body, headers = rest + [None, {}][len(rest):]
		wanted = {"Accept-Language": accept} if accept else {}
		# Of too long a path it has read nothing else.
		check_own(ask(front, method, path, body, wanted | headers),
		    status, language if status != 414 else "en", title)


def test_it_does_so_in_http_2(front):
	"""And has limits there, too."""
	def ask_2(path, *words, stdin=b""):
		done = subprocess.run(["curl", "-s", "--http2", "--max-time",
		    "30", "--cacert", front.env["WEB_CA"], "-w",
		    "%{http_version} %{http_code}", *words,
		    front.env["WEB_URL"] + path], input=stdin, check=False,
		    capture_output=True)
		return done.stdout.decode()
	for size in (17_000, 200_000):
		told = ask_2("/u/x", "--data-binary", "@-", stdin=b"x" * size)
		assert "<h1>Too much was sent</h1>" in told
		assert told.endswith("2 413")
	assert ask_2("/u/x").endswith("2 200")
	assert ask_2("/u/x", "-H", "X-Much: " + "x" * 20_000).endswith(" 000")
	assert ask_2("/u/" + "x" * 20_000).endswith(" 000")


def test_headers(front):
	for path, status in (("/u/x", 200), ("/metrics", 404)):
		answer = ask(front, "GET", path)
		assert answer.status == status
		assert answer.headers.get_all("Strict-Transport-Security") == \
		    ["max-age=63072000"]
		assert answer.getheader("Server") == "nginx"
	answer = ask(front, "GET", "/u/x")
	for name in ("Content-Security-Policy", "Referrer-Policy",
	    "Cache-Control", "X-Content-Type-Options"):
		assert len(answer.headers.get_all(name)) == 1


def test_pages_are_for_everybody_and_nothing_else(front):
	patterns = set(re.findall(r'{"[a-z-]+", "(/[^"]*)", METHOD_',
	    (ROOT / "web/route.c").read_text()))
	assert {"/u/*", "/u", "/healthz", "/metrics"} < patterns
	for pattern in patterns:
		answer = ask(front, "GET", pattern.replace("*", "x"))
		assert is_nginx(answer) == \
		    (pattern in ("/healthz", "/metrics")), pattern


@pytest.mark.parametrize("claimed", [None, "203.0.113.9",
    "203.0.113.9, 198.51.100.7"])
def test_the_client_is_who_nginx_saw(front, claimed):
	address = front.subscriber()
	headers = {"X-Forwarded-For": claimed} if claimed else {}
	assert ask(front, "POST", link(front, address), b"", headers,
	    source="127.0.0.42").status == 200
	assert ip_of(front, address) == "127.0.0.42"


def test_only_the_configured_proxy_is_believed(front):
	conf = front.folder / "assent.conf"
	before = conf.read_text()

	def set_proxy(text):
		conf.write_text(text)
		n = front.log("web").count("reload done")
		os.kill(front.pid("web"), signal.SIGHUP)
		assert wait_for(lambda: front.log("web").count(
		    "reload done") > n)

	set_proxy(before.replace("web {", 'web {\n\tproxy = "127.0.0.9/32"'))
	for source, ip in (("127.0.0.8", "127.0.0.8"),
	    ("127.0.0.9", "203.0.113.9")):
		address = front.subscriber()
		assert ask(front, "POST", link(front, address), b"",
		    {"X-Forwarded-For": "192.0.2.1, 203.0.113.9"}, source,
		    front.env["WEB_METRICS_URL"]).status == 200
		assert ip_of(front, address) == ip
	set_proxy(before)


def test_too_much_is_refused(front):
	address = front.subscriber()
	path = link(front, address)
	assert ask(front, "POST", path, b"x" * 17_000).status == 413
	assert ask(front, "POST", path, b"", {"X-Much": "x" * 9_000}) \
	    .status == 400
	assert ask(front, "GET", path + "x" * 9_000).status == 414
	assert front.rcpt(address).startswith("250 ")
	assert ask(front, "POST", path, b"x" * 16_000).status == 200


def test_many_pages_are_not_for_one_source(front):
	"""But clicks, of which a mailbox provider has many."""
	def many(method, path, source):
		with ThreadPoolExecutor(16) as pool:
			answers = list(pool.map(lambda _: ask(front, method,
			    path, b"", source=source), range(160)))
		return {s: [a for a in answers if a.status == s]
		    for s in {a.status for a in answers}}
	path = link(front)
	pages = many("GET", "/w/" + path[3:], "127.0.0.43")
	assert set(pages) == {200, 429} and len(pages[200]) >= 51
	check_own(pages[429][0], 429, "en", "Too often just now")
	assert pages[429][0].getheader("Retry-After") == "10"
	assert set(many("POST", path, "127.0.0.43")) == {200}
	assert ask(front, "GET", "/w/x", source="127.0.0.44").status == 200


def test_without_the_web_a_click_is_to_come_again(front):
	address = front.subscriber()
	path = link(front, address)
	front.stop("web")
	answer = ask(front, "POST", path, b"")
	front.start("web")
	check_own(answer, 503, "en", "It is not certain that this was done")
	assert answer.getheader("Retry-After") == "10"
	assert front.rcpt(address).startswith("250 ")
	assert wait_for(lambda: front.page("POST", path, b"")[0] == 200)
	assert front.rcpt(address).startswith("550 ")


def test_who_never_finishes_is_let_go(front, slow):
	for s in slow:
		said = s.recv(1000)
		assert said == b"" or b" 408 " in said


def test_no_log_has_a_link(front):
	path = link(front)
	for method in ("GET", "HEAD", "POST", "PUT"):
		ask(front, method, path + "?lang=pl", b"")
		ask(front, method, path.replace("/u/", "/m/"), b"")
	for wrong in ("/healthz", path + "/more", "/x" + path, "//" + path):
		ask(front, "GET", wrong)
	logs = [front.env["NGINX_LOG"], front.env["WEB_LOG"],
	    *front.folder.glob("nginx/*.log")]
	assert len(logs) == 4
	told = "".join(open(log, errors="replace").read() for log in logs)
	assert re.search(r"^127\.0\.0\.1 \[\S+\] POST /u 200 ", told, re.M)
	assert len(front.secrets) > 5
	for secret in front.secrets:
		assert secret not in told and secret[:12] not in told
