# SPDX-License-Identifier: ISC
"""The template engine: Mustache's specification, and what may not happen."""

import json
import os
import subprocess

import pytest
from conftest import ROOT

PROGRAM = ROOT / os.environ.get("BUILD", "build") / "tests/mustache"
SPECIFICATION = ROOT / "build/mustache/usr/lib/R/site-library/whisker/specs"
REQUIRED = {"comments": 11, "delimiters": 14, "interpolation": 30,
    "inverted": 21, "partials": 10, "sections": 25}


def render(*requests):
	"""What each template comes to; {"error"} for one that cannot be."""
	lines = "".join(json.dumps(r) + "\n" for r in requests)
	done = subprocess.run([PROGRAM], input=lines, capture_output=True,
	    text=True, check=True, timeout=60)
	return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("module", REQUIRED)
def test_specification(module):
	tests = json.loads(
	    (SPECIFICATION / f"{module}.json").read_text())["tests"]
	assert len(tests) >= REQUIRED[module]
	got = render(*({"template": t["template"], "data": t["data"],
	    "partials": t.get("partials", {})} for t in tests))
	assert dict(zip((t["name"] for t in tests), got)) == \
	    {t["name"]: t["expected"] for t in tests}


@pytest.mark.parametrize("template,told", [
    ("{{", "not closed"), ("a\n\n{{x", "line 3"), ("{{{x}}", "not closed"),
    ("{{x}", "not closed"), ("{{}}", "no name"), ("{{#}}{{/}}", "no name"),
    ("{{#a}}", "a section is not closed"), ("{{/a}}", "no section is open"),
    ("{{#a}}{{#b}}{{/a}}{{/b}}", "another section"),
    ("{{=x=}}", "no delimiters"), ("{{= =}}", "no name"),
    ("{{= " + "x" * 40 + " y =}}", "no delimiters"),
    ("{{#a}}" * 100, "too many sections"),
    ("{{>loop}}", "contains itself"), ("{{>bad}}", "bad")])
def test_what_cannot_be_rendered(template, told):
	((answer),) = render({"template": template, "data": {"a": [1]},
	    "partials": {"loop": "{{>loop}}", "bad": "{{#x}}"}})
	assert told in answer["error"]


@pytest.mark.parametrize("inner", ["", "x" * 20000])
def test_lists_in_lists_end(inner):
	template = "{{#a}}" * 30 + inner + "{{/a}}" * 30
	((answer),) = render({"template": template, "data": {"a": [1, 2]},
	    "partials": {}})
	assert "too much" in answer["error"]


def test_values_cannot_be_templates():
	assert render({"template": "{{x}}{{{x}}}", "data": {
	    "x": "{{y}}<&>", "y": "secret"}, "partials": {}}) == [
	    "{{y}}&lt;&amp;&gt;{{y}}<&>"]
