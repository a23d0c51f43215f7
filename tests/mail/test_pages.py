# SPDX-License-Identifier: ISC
"""The pages' words: every sentence in every language, chosen as asked."""

import json
import re
import subprocess

import pytest
from conftest import ROOT

WEB = ROOT / "web"
LANGUAGES = sorted(p.stem for p in (WEB / "locale").glob("*.po"))


def sentences():
	"""What the templates and the programs say, as a translator gets it."""
	said = set()
	for path in (WEB / "templates").glob("*.mustache"):
		said |= {" ".join(s.split()) for s in re.findall(
		    r"{{#t}}(.*?){{/t}}", path.read_text(), re.S)}
	for path in [*WEB.glob("*.c"), *(ROOT / "page").glob("*.c")]:
		for literals in re.findall(r'N_\(((?:\s*"(?:[^"\\]|\\.)*")+)\)',
		    path.read_text()):
			said.add("".join(json.loads(f'"{s}"') for s in
			    re.findall(r'"((?:[^"\\]|\\.)*)"', literals)))
	return said


def translations(language):
	"""By gettext's own reading of the file."""
	text = subprocess.run(["msgcat", "--no-wrap",
	    str(WEB / "locale" / f"{language}.po")], check=True,
	    capture_output=True, text=True).stdout
	return {json.loads(a): json.loads(b) for a, b in re.findall(
	    r'^msgid (".*")\nmsgstr (".*")$', text, re.M) if a != '""'}


def test_there_are_three_languages():
	assert {"it", "pl"} <= set(LANGUAGES)
	assert len(sentences()) > 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(language):
	there = translations(language)
	assert set(there) == sentences()
	for sentence, translated in there.items():
		assert translated and translated != sentence
		assert sorted(re.findall("{{.*?}}", translated)) == \
		    sorted(re.findall("{{.*?}}", sentence))


@pytest.mark.parametrize("query,accept,language", [
    ("", None, "en"), ("", "", "en"), ("", "de, fr;q=0.5", "en"),
    ("", "pl", "pl"), ("", "PL-pl", "pl"), ("", "de, it", "it"),
    ("", "pl;q=0.5, it;q=0.9", "it"), ("", "it;q=0.1, en-GB", "en"),
    ("", "pl;q=0", "en"), ("", ",;q=,=,;;,pl", "pl"), ("", "x" * 4000, "en"),
    ("?lang=it", "pl", "it"), ("?lang=nix", "pl", "pl"),
    ("?lang=", "pl", "pl"), ("?lang=it&lang=pl", None, "it")])
def test_language_is_the_one_asked_for(stack, query, accept, language):
	headers = {} if accept is None else {"Accept-Language": accept}
	_, page = stack.page("GET", "/u/x" + query, headers=headers)
	assert f'<html lang="{language}">' in page
	title = translations(language)["Stop this mail?"] \
	    if language != "en" else "Stop this mail?"
	assert f"<h1>{title}</h1>" in page


def test_every_page_speaks_every_language(stack):
	for language in LANGUAGES:
		words = translations(language)
		for method, path, title in (
		    ("GET", "/u/x", "Stop this mail?"),
		    ("POST", "/u/x", "Your request has been dealt with"),
		    ("GET", "/u", "How to stop this mail"),
		    ("GET", "/w/x", "Why did I get this message?"),
		    ("GET", "/x", "There is no such page"),
		    ("PUT", "/u/x", "This page cannot be used that way")):
			_, page = stack.page(method, path,
			    headers={"Accept-Language": language})
			assert f"<h1>{words[title]}</h1>" in page
			assert "{{" not in page
