# SPDX-License-Identifier: ISC
"""Recipients beyond ASCII, which Debian's Sendmail cannot take."""

import pytest


@pytest.mark.parametrize("spelling", ["\uff47ranted@rcpt.test",
    "granted@\uff52cpt.test"])
def test_spellings_of_one_address(stack, spelling):
	assert stack.rcpt(spelling).startswith("250 ")


def test_idn_in_every_spelling(stack):
	stack.ctl("grant", "J\u00f6rg@b\u00fccher.example", "newsletter")
	for spelling in ("j\u00f6rg@b\u00fccher.example",
	    "J\u00d6RG@xn--bcher-kva.example",
	    "jo\u0308rg@B\u00dcCHER.example"):
		assert stack.rcpt(spelling).startswith("250 ")
	stack.ctl("withdraw", "j\u00f6rg@xn--bcher-kva.example", "newsletter")
	assert " withdrawn:" in stack.rcpt("J\u00f6rg@b\u00fccher.example")
