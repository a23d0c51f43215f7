# SPDX-License-Identifier: ISC
"""The engine under test: the driver in $BUILD/tests/edit, and its plans."""

import json
import os
import subprocess

from conftest import ROOT

EDIT = ROOT / os.environ.get("BUILD", "build") / "tests" / "edit"
SITE = "https://optout.example.com"
TOKEN = "Bw3-x7VqT_0mK2bYp9RzLcE4uNsHaJd1GfWiQoXv6Ztk"
PLAN = {
	"unsubscribe_url": f"{SITE}/u/{TOKEN}",
	"preferences_url": f"{SITE}/m/{TOKEN}",
	"why_url": f"{SITE}/w/{TOKEN}",
	"brand": 'Żółw & "Syn" <Sklep>',
	"link_prefix": f"{SITE}/u/",
	"before_signature": False,
	"strip_tracking": False,
	"tracker_hosts": ["open.tracker.example"],
	"redirectors": ["click.tracker.example"],
	"max_size": 64 << 20,
	"aliases": dict.fromkeys([
		"{{amazonSESUnsubscribeUrl}}", "{{{pm:unsubscribe}}}",
		"{{{unsubscribe}}}", "[unsubscribe]",
		"<%asm_group_unsubscribe_raw_url%>", "%unsubscribe_url%",
		"%tag_unsubscribe_url%", "{unsubscribe_url}", "{dnc_url}",
		"{{own}}", "##optout##"], "unsubscribe"),
}


def footer(why, leave, lines=""):
	"""A footer in both forms."""
	return {
		"footer_text": f"{lines}{why} {PLAN['why_url']}\n"
		    f"{leave}: {PLAN['unsubscribe_url']}\n",
		"footer_html": f'<div class="opt-out"><p>{why} '
		    f'<a href="{PLAN["why_url"]}">?</a><br>\n'
		    f'<a href="{PLAN["unsubscribe_url"]}">{leave}</a>'
		    "</p></div>",
	}


ENGLISH = footer("You get this because this address was signed up.", "Leave")
POLISH = footer("Dostajesz tę wiadomość, bo zapisano ten adres.",
    "Wypisz się jednym kliknięciem")
JAPANESE = footer("このアドレスは登録されています。", "配信停止")
ODD = footer("You get this, and a line that is too long to be shown in one "
    "piece by a reader that flows its paragraphs.", "Leave",
    "From the shop\n> no quote\n  indented\n")
SPAN = f"""<span class="opt-out"><a
href='{PLAN["unsubscribe_url"]}'>leave</a> here</span>"""
PLANS = {
	"en": PLAN | ENGLISH,
	"pl": PLAN | POLISH,
	"ja": PLAN | JAPANESE,
	"odd": PLAN | ODD,
	"span": PLAN | ENGLISH | {"footer_html": SPAN},
	"bare": PLAN | {"footer_text": None, "footer_html": None},
	"sig": PLAN | ENGLISH | {"before_signature": True},
	"sigpl": PLAN | POLISH | {"before_signature": True},
	"strip": PLAN | POLISH | {"strip_tracking": True},
	"small": PLAN | ENGLISH | {"max_size": 2000},
}


def edit(jobs, folder):
	"""Edits messages: (plan, octets) each; (octets, report) each.

	One process for each plan does all of its messages.  What it dies at is
	None, and another one goes on behind it.
	"""
	todo = {}
	for n, (plan, octets) in enumerate(jobs):
		(folder / f"{n}.in").write_bytes(octets)
		todo.setdefault(plan, []).append(n)
	results = {}
	for plan, numbers in todo.items():
		(folder / "plan").write_text(json.dumps(PLANS[plan]))
		while numbers:
			done = run(folder, numbers)
			results.update(zip(numbers, done + [None]))
			numbers = numbers[len(done) + 1:]
	return [results[n] for n in range(len(jobs))]


def run(folder, numbers):
	"""The results as far as the driver comes."""
	files = [[folder / f"{n}.{end}" for end in ("in", "out", "report")]
	    for n in numbers]
	done = subprocess.run([EDIT, folder / "plan", *sum(files, [])],
	    capture_output=True, text=True, check=False)
	results = []
	for _, out, report in files:
		if not report.exists():
			break
		results.append((out.read_bytes(),
		    json.loads(report.read_text())))
		out.unlink()
		report.unlink()
	assert len(results) < len(numbers) or not done.returncode, done.stderr
	return results
