# SPDX-License-Identifier: ISC
"""chromium - people at a real browser, before a stack with nginx

One browser serves all tests.  A Person has a language, a screen, a mouse or
only a keyboard, and JavaScript or none; whoever comes next finds the browser
as if it were new.  Links are opened as they stand in mail, https and the
host's name included: the browser is told where that host is, and that there is
no other.

look() is what every page must stand in every state; its pictures are in
build/browser.
"""

import base64
import os
import re
import shutil

import pytest
from conftest import ROOT, new_stack, wait_for
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PICTURES = ROOT / "build/browser"
AXE = ROOT / "build/npm/node_modules/axe-core/axe.min.js"
HOST = "optout.example.com"
DOMAIN = "rcpt.test"	# of everybody's address
DESKTOP, PHONE = 1280, 360
# WCAG 2.2, 1.4.10: 1280 pixels at 400 %, 640 at 200 %.
ZOOMED = 320
TARGET = 44		# CSS pixels of what is pressed
MOST_TABS = 40

# What Tab must reach, in this order; of radio buttons only one.
REACHABLE = """return [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary')]
    .filter(e => !e.disabled && e.tabIndex >= 0 && e.checkVisibility())
    .filter((e, i, all) => e.type != 'radio' || e == (
	all.find(o => o.name == e.name && o.checked) ||
	all.find(o => o.name == e.name)))"""
FOCUS = """const e = document.activeElement, s = getComputedStyle(e);
    return [e, s.outlineStyle != 'none' && parseFloat(s.outlineWidth) >= 2]"""
SMALL = """return [...document.querySelectorAll('button, a.button, select,' +
    'input:not([type=hidden]):not([type=checkbox]):not([type=radio])')]
    .filter(e => e.tabIndex >= 0 && e.checkVisibility()).filter(e => {
	const r = e.getBoundingClientRect();
	return r.height < arguments[0] || r.width < arguments[0] })
    .map(e => e.outerHTML)"""
# Boxes: with their label they are at least that high.
SMALL_BOXES = """return [...document.querySelectorAll(
    'input[type=checkbox], input[type=radio]')].filter(e => {
	const r = e.getBoundingClientRect();
	return r.height < 24 || r.width < 24 || !e.labels.length })
    .map(e => e.outerHTML)"""
WIDTHS = """return [document.documentElement.scrollWidth,
    document.documentElement.clientWidth]"""
LOADED = """return performance.getEntriesByType('resource').map(r => r.name)"""
PAGE = "return [performance.timeOrigin, document.readyState]"
RUN_AXE = """const [rules, done] = arguments;
    axe.run(rules.length ? {runOnly: rules} : {}).then(r => done(r.violations.map(
	v => [v.id, v.help, ...v.nodes.map(n => n.html)])),
	e => done([String(e)]))"""


class Browser:
	"""Chromium, and what of it the WebDriver protocol has no word for."""

	def __init__(self, folder, port):
		options = webdriver.ChromeOptions()
		options.binary_location = "/usr/bin/chromium"
		options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
		for word in ("headless=new", "disable-gpu", "hide-scrollbars",
		    "disable-background-networking", "no-first-run",
		    "ignore-certificate-errors", f"user-data-dir={folder}",
		    "host-resolver-rules="
		    f"MAP {HOST} 127.0.0.1:{port},MAP * ~NOTFOUND"):
			options.add_argument(f"--{word}")
		if os.geteuid() == 0:
			options.add_argument("--no-sandbox")
		self.driver = webdriver.Chrome(options=options,
		    service=Service("/usr/bin/chromedriver"))
		self.do("Network.enable")
		self.do("Page.enable")
		self.do("Page.addScriptToEvaluateOnNewDocument",
		    source=AXE.read_text())

	def do(self, command, **arguments):
		return self.driver.execute_cdp_cmd(command, arguments)

	def screen(self, width, scale=1):
		self.do("Emulation.setDeviceMetricsOverride", width=width,
		    height=800, deviceScaleFactor=scale, mobile=False)

	def dark(self, yes):
		self.do("Emulation.setEmulatedMedia", features=[
		    {"name": "prefers-color-scheme",
		    "value": "dark" if yes else "light"}])

	def scripts(self, yes):
		self.do("Emulation.setScriptExecutionDisabled", value=not yes)
		self.driver.get("data:text/html,<title>no</title>"
		    "<script>document.title = 'yes'</script>")
		assert self.driver.title == ("yes" if yes else "no")

	def picture(self, path):
		shot = self.do("Page.captureScreenshot",
		    captureBeyondViewport=True)
		path.write_bytes(base64.b64decode(shot["data"]))


class Person:
	"""Somebody who reads and presses."""

	def __init__(self, browser, language="en", scripts=True,
	    keyboard=False, width=DESKTOP):
		self.browser, self.driver = browser, browser.driver
		self.language, self.width = language, width
		self.keyboard, self.scripts = keyboard, scripts
		browser.do("Network.setExtraHTTPHeaders",
		    headers={"Accept-Language": language})
		browser.screen(width)
		browser.dark(False)
		browser.scripts(scripts)

	def open(self, url):
		if url.startswith("/"):
			url = f"https://{HOST}{url}"
		self.driver.get(url)
		return self

	def run(self, script, *args):
		return self.driver.execute_script(script, *args)

	@property
	def title(self):
		return self.driver.find_element(By.TAG_NAME, "h1").text

	@property
	def text(self):
		return self.driver.find_element(By.TAG_NAME, "main").text

	def find(self, selector):
		return self.driver.find_element(By.CSS_SELECTOR, selector)

	def box(self, label):
		"""The box with that label."""
		return next(e for e in self.driver.find_elements(
		    By.CSS_SELECTOR, "input[type=checkbox], input[type=radio]")
		    if self.run("return arguments[0].labels[0].innerText", e)
		    == label)

	def ticked(self):
		"""The labels of the boxes that are."""
		return self.run("return [...document.querySelectorAll("
		    "'input:checked')].map(e => e.labels[0].innerText)")

	def links(self):
		return self.run(
		    "return [...document.links].map(a => a.href)")

	def keys(self, *words):
		ActionChains(self.driver).send_keys(*words).perform()

	def go_to(self, element):
		"""By the keyboard, as somebody without a mouse."""
		for _ in range(MOST_TABS):
			if self.run(FOCUS)[0] == element:
				return
			self.keys(Keys.TAB)
		raise AssertionError("not to be reached by Tab: " +
		    element.get_attribute("outerHTML"))

	def tick(self, box):
		return self.hit(box, Keys.SPACE)

	def press(self, selector):
		"""Presses a button or link and waits for what comes."""
		here = self.run(PAGE)[0]
		self.hit(self.find(selector), Keys.ENTER)
		def there():
			page, state = self.run(PAGE)
			return page != here and state == "complete"
		assert wait_for(there, 30), self.title
		return self

	def hit(self, element, key):
		if self.keyboard:
			self.go_to(element)
			self.keys(key)
		else:
			element.click()
		return self

	def write(self, selector, text):
		element = self.find(selector)
		if self.keyboard:
			self.go_to(element)
		else:
			element.click()
		self.keys(text)
		return self

	def look(self, name):
		"""The page as it stands: for every eye, hand and screen."""
		assert self.run("return document.documentElement.lang") == \
		    self.language
		assert len(self.driver.find_elements(By.TAG_NAME, "h1")) == 1
		assert self.run(LOADED) == []
		self.check_silence()
		# That an answer was not 200 is the only thing to be told.
		assert [e for e in self.driver.get_log("browser")
		    if e["source"] != "network"] == []
		self.check_tabs()
		if self.scripts:
			self.check_screens(name)
		return self

	def check_silence(self):
		"""No address goes elsewhere with the page's own, and a page that
		a forwarded message opens has none at all."""
		url = self.driver.current_url
		assert self.run("return document.referrer") == ""
		assert DOMAIN not in url
		if re.match(f"https://{HOST}/[umw]/", url):
			assert DOMAIN not in self.driver.page_source

	def check_tabs(self):
		"""Tab goes through everything, in order, and shows where."""
		self.run("document.activeElement.blur(); getSelection()"
		    ".setPosition(document.body, 0)")
		at = None
		for element in self.run(REACHABLE):
			last = at
			while at == last:	# a date has several stops
				self.keys(Keys.TAB)
				at, shows = self.run(FOCUS)
			assert at == element, at.get_attribute("outerHTML")
			assert shows, at.get_attribute("outerHTML")

	def check_screens(self, name):
		"""Colours do not depend on the language, widths do."""
		self.run("document.activeElement.blur()")
		for width, scale in (PHONE, 1), (ZOOMED, 2), (DESKTOP, 1):
			self.browser.screen(width, scale)
			needed, there = self.run(WIDTHS)
			assert needed <= there, f"{name}: {needed} > {there}"
			assert self.run(SMALL, TARGET) == []
			assert self.run(SMALL_BOXES) == []
			if width == PHONE:
				self.picture(name, "phone")
		self.check_axe()
		if self.language == "en":
			self.picture(name, "desktop")
			self.browser.dark(True)
			self.picture(name, "dark")
			self.check_axe("color-contrast")
			self.browser.dark(False)
		self.browser.screen(self.width)

	def check_axe(self, *rules):
		"""By these rules of axe-core's, or by all."""
		assert self.driver.execute_async_script(RUN_AXE, rules) == []

	def picture(self, name, word):
		self.browser.picture(
		    PICTURES / f"{name}-{self.language}-{word}.png")


def pytest_configure(config):
	"""Of several processes the first alone clears away what was there."""
	if not hasattr(config, "workerinput"):
		shutil.rmtree(PICTURES, ignore_errors=True)
		PICTURES.mkdir(parents=True)


@pytest.fixture(scope="session")
def front():
	"""A stack with nginx for all tests of this folder."""
	s = new_stack("postfix", "--nginx")
	yield s
	s.close()


@pytest.fixture(scope="session")
def browser(front, tmp_path_factory):
	b = Browser(tmp_path_factory.mktemp("chromium"),
	    front.env["NGINX_PORT"])
	yield b
	b.driver.quit()
