# SPDX-License-Identifier: ISC
"""contrib/grafana and the manuals name the metrics that there are."""

import json
import re
import time
import urllib.request

import pytest

from conftest import ROOT

DASHBOARD = ROOT / "contrib/grafana/dashboard.json"
ALERTS = ROOT / "contrib/grafana/alerts.yml"
SERIES = re.compile(r'^(\w+)\{(.*)\} |^(\w+) ', re.M)
LABEL = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')


def expressions():
	for panel in json.loads(DASHBOARD.read_text())["panels"]:
		for target in panel["targets"]:
			yield target["expr"]
	# What a rule's summary names is text.
	for rule in ALERTS.read_text().split("- alert: ")[1:]:
		yield rule.split("expr:")[1].split("labels:")[0]


USED = sorted({(name, labels.replace("\\", "")) for e in expressions()
    for name, labels in re.findall(r"\b(assent_\w+)(\{[^}]*\})?", e)})


def fetch(url):
	with urllib.request.urlopen(url, timeout=20) as r:
		return r.read().decode()


@pytest.fixture(scope="module")
def page(stack):
	return fetch(stack.env["MILTER_METRICS_URL"]) + \
	    fetch(stack.env["WEB_URL"] + "/metrics")


@pytest.fixture(scope="module")
def series(page):
	"""Each series: its name and its labels."""
	return [(name or bare, {k: v for k, _, v in LABEL.findall(labels)})
	    for name, labels, bare in SERIES.findall(page)]


def waits(url, pool):
	return int(re.search(rf"(?m)^assent_{pool}_wait_seconds_count{{}} (.*)$",
	    fetch(url))[1])


@pytest.mark.parametrize("pool", ["cache", "database"])
def test_every_use_of_a_pool_is_counted(stack, pool):
	programs = (stack.env["MILTER_METRICS_URL"],
	    lambda: stack.rcpt(f"{time.time_ns()}@rcpt.test")), (
	    stack.env["WEB_URL"] + "/metrics",
	    lambda: stack.page("GET", "/healthz"))
	for url, use in programs:
		before = waits(url, pool)
		use()
		assert waits(url, pool) > before, url


def matches(labels, key, operator, value):
	if key == "instance":		# Prometheus adds it
		return True
	has = labels.get(key)
	if has is None or operator == "=~":
		return has is not None and re.fullmatch(value, has)
	return (has == value) == (operator == "=")


@pytest.mark.parametrize("name,labels", USED)
def test_what_is_asked_for_exists(series, name, labels):
	wanted = LABEL.findall(labels)
	assert any(n == name and all(matches(has, *w) for w in wanted)
	    for n, has in series)


def test_labels_that_are_summed_by_exist(series):
	known = {"instance", *(key for _, has in series for key in has)}
	for e in expressions():
		for by in re.findall(r"\bby \(([^)]*)\)", e):
			assert set(by.split(", ")) <= known, e


def test_every_metric_is_shown_and_documented(page):
	families = set(re.findall(r"^# TYPE (\w+) ", page, re.M))
	assert len(families) > 15
	shown = {re.sub("_bucket$", "", name) for name, _ in USED}
	assert shown == families
	manuals = "".join((ROOT / "man" / m).read_text()
	    for m in ("assent-milter.8", "assent-web.8"))
	assert families <= set(re.findall(r"\bassent_\w+", manuals))
