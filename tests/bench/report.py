# SPDX-License-Identifier: ISC
"""report - the benchmark's figures as tables

A ratio is taken within each round, between runs seconds apart, and then the
median over the rounds: the quotient of two medians would compare moments at
which the machine had other things to do.
"""

from statistics import median

MODE_NAMES = {"reused": "connection reused",
    "new": "a connection per message"}

PLACES = {
    "postfix": "Postfix, {mode}",
    "direct": "mclient, {connections} connections, {mode}",
    "change": "a single change, 8 clients",
    "click": "one-click POSTs, 8 clients",
}

# Title, where, connections (without Postfix), figure, variant and the other
# one, whether the ratio is to be at least or at most the bound, and the bound.
TARGETS = (
    ("rate, Assent / twin", "postfix", None, "rate",
    "assent", "twin", "at least", 0.92),
    ("rate, Assent / OpenDKIM", "postfix", None, "rate",
    "assent", "opendkim", "at least", 2.0),
    ("rate, Assent / twin", "direct", "8", "rate",
    "assent", "twin", "at least", 0.70),
    ("p99, Assent / twin", "direct", "8", "p99_us",
    "assent", "twin", "at most", 1.6),
    ("time, Assent / bare", "change", None, "latency_us",
    "assent", "bare", "at most", 4.0),
    ("rate, assent-web / the same by pgbench", "click", None, "rate",
    "web", "pgbench", "at least", 0.6),
)


# Title, message, what is taken of the CPU times of a round, and at most.
BODY_TARGETS = (
    ("CPU ms, Assent - twin", "newsletter",
    lambda cpu: (cpu["assent"] - cpu["twin"]) / 1000, 0.5),
    ("CPU, Assent / copy", "attachment",
    lambda cpu: cpu["assent"] / cpu["copy"], 3.0),
)
MB = 1 << 20

# Of a look-up: figure, and at most so many times the bare GET's.
LOOKUP_TARGETS = (
    ("p50_us", "p50, Assent / bare GET", 1.3),
)

# Of a click among slow clients, in seconds.
SLOW_TITLE = "a click among {connections} slow connections: p99, seconds"
SLOW_MOST = 1.0

# Of the import: figure, title, sense and bound.
IMPORT_TARGETS = (
    ("rate_ratio", "rate, Assent / COPY", "at least", 0.10),
    ("client_mb", "memory of the client, MB", "at most", 100),
    ("permit_octets", "octets of a permit of 20 pairs", "at most", 96),
    ("redis_octets", "octets of a contact in Redis", "at most", 220),
)


def ratio(runs, figure, name, other):
	"""Median of the rounds' ratios, or None if one was not measured."""
	if name not in runs or other not in runs:
		return None
	return median(a[figure] / b[figure]
	    for a, b in zip(runs[name], runs[other]))


def middle(runs, figure):
	return median(run[figure] for run in runs)


def mean(runs, figure):
	"""For CPU time, in which a run's pauses do not count."""
	return sum(run[figure] for run in runs) / len(runs)


def verdict(value, sense, bound):
	if value is None:
		return "not measured"
	met = value >= bound if sense == "at least" else value <= bound
	return "met" if met else "missed"


def target(what, value, sense, bound):
	return {"what": what, "ratio": value, "sense": sense, "bound": bound,
	    "verdict": verdict(value, sense, bound)}


def body_targets(results):
	rows = []
	for title, letter, figure, bound in BODY_TARGETS:
		runs = results.get("body", {}).get(letter, {})
		rounds = [{name: run["cpu_us"] for name, run in
		    zip(runs, one)} for one in zip(*runs.values())]
		if rounds:
			rows.append(target(f"the {letter}: {title}",
			    median(map(figure, rounds)) if "assent" in runs
			    else None, "at most", bound))
	for letter, used in results.get("memory", {}).items():
		rows.append(target(f"the {letter}: MB of one message",
		    max(octets for key, octets in used.items()
			if key != "size") / MB,
		    "at most", 4 * used["size"] / MB + 1))
	return rows


def lookup_ratio(runs, figure):
	"""Median of the runs' ratios to the GET in the same run."""
	return median(run["assent " + figure] / run["bare " + figure]
	    for run in runs)


def lookup_targets(results):
	runs = results.get("lookup", {}).get("one")
	return [target(f"a look-up: {title}", lookup_ratio(runs, figure),
	    "at most", bound) for figure, title, bound in LOOKUP_TARGETS
	    if runs]


def targets(results):
	"""Each target with the ratio measured and the word for it."""
	rows = []
	for title, where, connections, figure, name, other, sense, bound \
	    in TARGETS:
		for mode, runs in results.get(where, {}).items():
			if connections:
				runs = runs[connections]
			value = ratio(runs, figure, name, other)
			place = PLACES[where].format(connections=connections,
			    mode=MODE_NAMES.get(mode))
			rows.append(target(f"{place}: {title}", value, sense,
			    bound))
	rows += body_targets(results) + lookup_targets(results)
	if "slow" in results:
		slow = results["slow"]
		rows.append(target(SLOW_TITLE.format(**slow),
		    slow["among"]["p99_ms"] / 1000, "at most", SLOW_MOST))
	for figure, title, sense, bound in IMPORT_TARGETS:
		rows.append(target(f"import: {title}",
		    results["import"][figure], sense, bound))
	return rows


def table(title, head, rows):
	cells = [head, *rows]
	widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
	print("\n" + title)
	for first, *others in cells:
		line = [first.ljust(widths[0])]
		line += [c.rjust(w) for c, w in zip(others, widths[1:])]
		print("  " + "  ".join(line).rstrip())


def number(value, digits):
	return "-" if value is None else f"{value:.{digits}f}"


def added_latency(runs, name):
	"""What a message takes longer than without a filter, in us."""
	return median(a["latency_us"] - b["latency_us"]
	    for a, b in zip(runs[name], runs["none"]))


def postfix_table(results, mode, runs):
	rows = []
	for name in runs:
		cpu, latency = "-", number(
		    middle(runs["none"], "latency_us") / 1000, 2)
		if name != "none":
			cpu = number(mean(runs[name], "cpu_us"), 0)
			latency = f"{added_latency(runs, name) / 1000:+.2f}"
		rows.append([
		    name,
		    number(middle(runs[name], "rate"), 0),
		    number(ratio(runs, "rate", name, "none"), 3),
		    number(ratio(runs, "rate", name, "noop"), 3),
		    number(ratio(runs, "rate", name, "twin"), 3),
		    cpu, latency])
	table(f"Through Postfix, {MODE_NAMES[mode]}: {results['sessions']} "
	    f"sessions, 4 KB, {results['messages']} messages, "
	    f"{results['rounds']} rounds",
	    ["filter", "messages/s", "of none", "of noop", "of twin",
	    "its CPU us/message", "latency ms"], rows)


def direct_table(mode, by_connections):
	rows = []
	for connections, runs in by_connections.items():
		for name in runs:
			rows.append([
			    f"{connections:>2} {name}",
			    number(middle(runs[name], "rate"), 0),
			    number(ratio(runs, "rate", name, "twin"), 3),
			    number(middle(runs[name], "p50_us"), 0),
			    number(middle(runs[name], "p99_us"), 0),
			    number(ratio(runs, "p99_us", name, "twin"), 3)])
	table(f"Without Postfix, {MODE_NAMES[mode]}, by connections at once",
	    ["filter", "sessions/s", "of twin", "p50 us", "p99 us",
	    "p99 of twin"], rows)


def change_table(runs):
	table("A single change, 8 clients, on disk: a withdrawal (5 purposes) and "
	    "one UPDATE, INSERT and NOTIFY",
	    ["transaction", "per second", "ms", "times bare"],
	    [[name, number(middle(runs[name], "rate"), 0),
	    number(middle(runs[name], "latency_us") / 1000, 2),
	    number(ratio(runs, "latency_us", name, "bare"), 2)]
	    for name in runs])


def click_table(runs):
	table("One-click POSTs, 8 connections, on disk; the same transaction by "
	    "pgbench; and the rows alone that it writes, without rules",
	    ["", "per second", "ms", "of pgbench", "of the rows"],
	    [[name, number(middle(runs[name], "rate"), 0),
	    number(middle(runs[name], "latency_us") / 1000, 2),
	    number(ratio(runs, "rate", name, "pgbench"), 2),
	    number(ratio(runs, "rate", name, "rows"), 2)]
	    for name in runs])


def import_table(r):
	table(f"Import of {r['contacts']} contacts with {r['purposes']} purposes "
	    "each, on disk",
	    ["", "rows/s", "of COPY", "client MB", "octets a contact"],
	    [["COPY", number(r["copy_rate"], 0), number(1, 3), "-", "-"],
	    ["assentctl import", number(r["import_rate"], 0),
	    number(r["rate_ratio"], 3), number(r["client_mb"], 1),
	    number(r["postgresql_octets"], 0)],
	    ["Redis", "-", "-", "-", number(r["redis_octets"], 0)]])
	print(f"Killed {r['kills']} times in the middle and begun again, it "
	    "came to the same.")


def body_table(letter, runs):
	table(f"The {letter}, without Postfix: placeholders and footer",
	    ["filter", "messages/s", "its CPU us/message", "p50 us"],
	    [[name, number(middle(runs[name], "rate"), 0),
	    number(mean(runs[name], "cpu_us"), 0),
	    number(middle(runs[name], "p50_us"), 0)] for name in runs])


def memory_table(memory):
	table("Memory of one message, alone and of several at once, MB",
	    ["message", "its size", "alone held", "alone peak", "held", "peak"],
	    [[letter, *(number(used[key] / MB, 2) for key in ("size",
		"alone held", "alone peak", "held", "peak"))]
	    for letter, used in memory.items()])


def extra(run):
	"""What a look-up takes longer than a GET in the same run, in us."""
	return run["assent p50_us"] - run["bare p50_us"]


def lookup_table(lookups):
	rows = []
	for name, runs in lookups.items():
		added = [extra(run) - extra(one)
		    for run, one in zip(runs, lookups["one"])]
		rows.append([name, *(number(middle(runs, f"{who} {figure}"), 1)
		    for who in ("assent", "bare")
		    for figure in ("p50_us", "p99_us")),
		    number(lookup_ratio(runs, "p50_us"), 2),
		    number(lookup_ratio(runs, "p99_us"), 2),
		    f"{median(added):+.1f}" if name != "one" else "-"])
	table("A look-up from the cache, in turns with a bare GET: one Redis, and "
	    "a cluster of three",
	    ["Redis", "p50 us", "p99 us", "GET p50", "GET p99", "p50 of GET",
	    "p99 of GET", "added us"], rows)


def cold_table(runs):
	table("Messages to people who are not in the cache, and who are, 8 "
	    "connections", ["cache", "messages/s", "of warm", "p50 us", "p99 us"],
	    [[name, number(middle(runs[name], "rate"), 0),
	    number(ratio(runs, "rate", name, "warm"), 3),
	    number(middle(runs[name], "p50_us"), 0),
	    number(middle(runs[name], "p99_us"), 0)] for name in runs])


def refusal_table(click):
	table(f"From the 200 of a click to the milter's refusal, {click['clicks']} "
	    "people, all at the first attempt",
	    ["click ms", "refusal p50 ms", "refusal p99 ms"],
	    [[number(click[key], 2) for key in ("click_ms", "refuse_p50_ms",
		"refuse_p99_ms")]])


def slow_table(r):
	table(f"A click, from its sending to its 200, {r['clicks']} each: alone, "
	    f"and with {r['connections']} slow connections open",
	    ["", "p50 ms", "p99 ms"],
	    [[name, number(r[name]["p50_ms"], 2), number(r[name]["p99_ms"], 2)]
	    for name in ("alone", "among")])


def print_all(results):
	for mode, runs in results.get("postfix", {}).items():
		postfix_table(results, mode, runs)
	for mode, by_connections in results.get("direct", {}).items():
		direct_table(mode, by_connections)
	for letter, runs in results.get("body", {}).items():
		body_table(letter, runs)
	if results.get("memory"):
		memory_table(results["memory"])
	for runs in results.get("change", {}).values():
		change_table(runs)
	for runs in results.get("click", {}).values():
		click_table(runs)
	if results.get("lookup"):
		lookup_table(results["lookup"])
	if results.get("cold"):
		cold_table(results["cold"])
	if results.get("refusal"):
		refusal_table(results["refusal"])
	if results.get("slow"):
		slow_table(results["slow"])
	import_table(results["import"])
	table("Targets", ["ratio", "measured", "wanted", ""],
	    [[row["what"], number(row["ratio"], 3),
	    f"{row['sense']} {row['bound']:.2f}", row["verdict"]]
	    for row in results["targets"]])
