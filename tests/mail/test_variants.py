# SPDX-License-Identifier: ISC
"""Pages of one's own: a brand's look, its words, and its templates."""

import base64
import hashlib
import html
import json
import re
import shutil
import struct
import urllib.request
import zlib

import pytest
from browser import Page
from conftest import wait_for

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


def png(width=2, height=1, noise=b""):
	def chunk(kind, data):
		return struct.pack(">I", len(data)) + kind + data + \
		    struct.pack(">I", zlib.crc32(kind + data))
	rows = (b"\0" + b"\x0b\x57\xa4" * width) * height
	return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width,
	    height, 8, 2, 0, 0, 0)) + chunk(b"tEXt", b"c\0" + noise) + \
	    chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def brands(stack):
	"""A company and a brand below it."""
	stack.ctl("brand", "add", "group", "--name", "Group <& Sons>")
	stack.ctl("brand", "add", "look", "--name", "Look", "--parent", "group")
	for name in ("tips", "deals"):
		stack.ctl("purpose", "add", name, "--brand", "look", "--title",
		    name.title(), "--channel", "email")
	stack.ctl("brand", "edit", "group", "--sender", "group@news.example.com")
	return stack


def links(stack, purpose="look/tips"):
	"""The paths behind the links of a subscriber of a purpose."""
	address = stack.subscriber(purpose)
	told = json.loads(stack.ctl("link", address, purpose, "--json").stdout)
	return {k: told[k].removeprefix("https://optout.example.com")
	    for k in ("opt_out", "preferences", "why")}


def get(stack, path):
	"""A page and its Content-Security-Policy."""
	with urllib.request.urlopen(stack.env["WEB_URL"] + path, timeout=30) as r:
		return r.read().decode(), r.headers["Content-Security-Policy"]


def style_of(page):
	return re.search("<style>(.*?)</style>", page, re.S)[1]


def test_pages_look_like_their_brand(brands, tmp_path):
	paths = links(brands)
	logo = tmp_path / "logo"
	logo.write_bytes(png())
	brands.ctl("brand", "edit", "group", "--colour", "#FFD200", "--logo", logo)
	uri = "data:image/png;base64," + base64.b64encode(png()).decode()
	for path in paths.values():
		page, policy = get(brands, path)
		style = style_of(page)
		digest = base64.b64encode(hashlib.sha256(style.encode()).digest())
		assert f"style-src 'sha256-{digest.decode()}'" in policy
		assert "default-src 'none'" in policy and "script" not in policy
		assert "img-src data:;" in policy
		assert "--brand:#ffd200;--on-brand:#000000;" in style
		assert f'<header><img src="{uri}" alt="Look"></header>' in page
		assert not re.search(r'(src|href)="(?!data:)', page)
	# The nearest one holds, each thing for itself.
	brands.ctl("brand", "edit", "look", "--colour", "#0000ff")
	page, _ = get(brands, paths["why"])
	assert "--brand:#0000ff;--on-brand:#ffffff;" in page and uri in page
	brands.ctl("brand", "edit", "group", "--logo", "none")
	brands.ctl("brand", "edit", "look", "--colour", "none")
	page, policy = get(brands, paths["why"])
	assert "#ffd200" in page and "<header>Look</header>" in page
	assert "img-src" not in policy
	brands.ctl("brand", "edit", "group", "--colour", "none")
	assert style_of(get(brands, paths["why"])[0]) == \
	    style_of(get(brands, "/u")[0])


def test_names_are_escaped(brands):
	brands.ctl("purpose", "add", "big", "--brand", "group", "--title", "Big",
	    "--channel", "email")
	page, _ = get(brands, links(brands, "group/big")["opt_out"])
	assert "<header>Group &lt;&amp; Sons&gt;</header>" in page


@pytest.mark.parametrize("option,value,why", [
    ("--colour", "red", "is not like"), ("--colour", "#12345", "is not like"),
    ("--colour", "#0b57a4;}", "is not like"),
    ("--logo", b"", "no whole PNG or JPEG"),
    ("--logo", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no whole PNG"),
    ("--logo", png()[:-1], "no whole PNG"),
    ("--logo", png(noise=b"x" * 33000), "32 KB at most"),
    ("--logo", None, "No such file")])
def test_what_cannot_be_a_look_is_refused(brands, tmp_path, option, value, why):
	if option == "--logo":
		file = tmp_path / "logo.png"
		if value is not None:
			file.write_bytes(value)
		value = str(file)
	told = brands.ctl("brand", "edit", "look", option, value, check=False)
	assert told.returncode == 1 and why in told.stderr
	assert brands.sql("SELECT colour, logo FROM assent.brand_look l JOIN "
	    "assent.brand b ON b.id = brand_id WHERE slug = 'look' "
	    "AND num_nonnulls(colour, logo) > 0") == []
