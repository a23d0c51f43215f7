# SPDX-License-Identifier: ISC
"""What is written down while people read and press: nobody's name."""

from chromium import DOMAIN, Person
from shop import fresh, join, letter, link, links

SUBMIT = "button[type=submit]"


def test_no_log_names_anybody(shop, browser):
	reader, joining = shop.subscriber("shop/news"), fresh()
	shop.ctl("contact", "edit", reader, "--attribute", "name=Reader")
	person = Person(browser)
	for kind in ("why", "preferences", "opt_out"):
		person.open(link(shop, reader, kind, "shop/news"))
	person.press(SUBMIT)
	(url,) = links(join(shop, joining))
	person.open(url).press(SUBMIT)
	assert letter(shop, joining)
	told = "".join(path.read_text(errors="replace") for path in
	    (*shop.folder.glob("nginx/*.log"), *shop.folder.glob("log/web.log"),
	    *shop.folder.glob("log/nginx.log")))
	assert " POST /u 200 " in told and "confirm result=changed" in told
	assert DOMAIN not in told and "Reader" not in told
	for secret in (url, link(shop, reader, "opt_out", "shop/news")):
		assert secret.rsplit("/", 1)[1][:12] not in told
