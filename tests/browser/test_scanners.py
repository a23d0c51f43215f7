# SPDX-License-Identifier: ISC
"""What opens every link of a message before its reader does changes nothing."""

import http.client
import re
import subprocess

from chromium import HOST, Person
from conftest import wait_for
from shop import ask_for_profile, fresh, join, links

HTML = """<p>Hello.</p><p><a href="{{unsubscribe_url}}">Leave</a>
<a href="{{preferences_url}}">Choose</a> <a href="{{why_url}}">Why</a></p>"""
HEADERS = "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
# Method, and what of its headers says that nobody is looking yet.
SCANNERS = [("GET", {}), ("HEAD", {}), ("OPTIONS", {}),
    ("GET", {"Purpose": "prefetch"}),
    ("GET", {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Dest": "empty"}),
    ("GET", {"X-Moz": "prefetch", "Range": "bytes=0-0"}),
    ("GET", {"User-Agent": "Scanner/1.0", "Accept": "*/*"})]
# Every key of Redis with its value; when it ends does not matter.
KEPT = """local all = {}
for i, key in ipairs(redis.call('KEYS', '*')) do
	all[i] = key .. redis.call('DUMP', key)
end
table.sort(all)
return redis.sha1hex(table.concat(all))"""


def everything(stack):
	"""All rows, all sequences, and what Redis keeps."""
	made = stack.sql("SELECT relkind::text, oid::regclass::text "
	    "FROM pg_class WHERE relnamespace = 'assent'::regnamespace "
	    "AND relkind IN ('r', 'S')")
	ask = {"r": "count(*), md5(string_agg(x::text, '' ORDER BY x::text))",
	    "S": "last_value, is_called"}
	kept = {name: stack.sql(f"SELECT {ask[kind]} FROM {name} x")
	    for kind, name in made}
	assert len(kept) > 20
	kept["Redis"] = subprocess.run(["redis-cli", "-u",
	    stack.env["REDIS_URL"], "EVAL", KEPT, "0"], check=True,
	    capture_output=True, text=True).stdout
	return kept


def ask(front, method, url, headers):
	c = http.client.HTTPSConnection("127.0.0.1",
	    int(front.env["NGINX_PORT"]), context=front.trust, timeout=30)
	c.request(method, url.removeprefix(f"https://{HOST}"), headers=headers)
	answer = c.getresponse()
	answer.read()
	c.close()
	return answer.status


def test_scanners_change_nothing(shop, browser):
	reader, joining = shop.subscriber(), fresh()
	sent = shop.send(reader, HTML, HEADERS, sender="news@footed.example.com")
	found = links(shop.delivered(sent.marker))
	assert {re.sub(f"https://{HOST}(/.).*", r"\1", url)
	    for url in found} == {"/u", "/m", "/w"}
	found |= links(join(shop, joining))
	found |= links(ask_for_profile(shop, shop.subscriber("shop/news")))
	assert {"/c", "/p"} < {re.sub(f"https://{HOST}(/.).*", r"\1", url)
	    for url in found}
	assert shop.rcpt(reader).startswith("250 ")
	assert shop.rcpt(joining).startswith("550 ")
	assert wait_for(lambda: shop.sql("SELECT id FROM assent.mail "
	    "WHERE sent_at IS NULL") == [])
	before = everything(shop)
	for method, headers in SCANNERS:
		for url in found:
			assert ask(shop, method, url, headers) in (200, 204)
	person = Person(browser)
	for url in sorted(found):
		person.open(url)
		for further in person.links():
			person.open(further)
	assert everything(shop) == before
	assert shop.rcpt(reader).startswith("250 ")
	assert shop.rcpt(joining).startswith("550 ")
