# SPDX-License-Identifier: ISC
"""Random trees, dependencies, histories and exemptions, one verdict.

Three readings of it: SQL (assent.effective), the permit as C decodes it
(assentctl explain), and a naive model that replays each history: it knows
dates, trees and a list of acts, and looks things up the long way round.  PROPERTY_SEED repeats a run,
PROPERTY_WORLDS says how many trees.
"""

import datetime
import json
import os
import random
import time

import psycopg2
import pytest

SEED = int(os.environ.get("PROPERTY_SEED", 20261121))
WORLDS = int(os.environ.get("PROPERTY_WORLDS", 300))
NOW = datetime.datetime.now(datetime.timezone.utc).replace(
    hour=0, minute=0, second=0, microsecond=0)
DAY = datetime.timedelta(days=1)
FREE = ("contract", "legitimate-interest")
# From what permits least to what permits most.
ORDER = ["objected", "restricted", "withdrawn", "suspended", "pending",
    "none", "granted"]
LASTING = ("granted", "suspended")	# these may have run out
STANDINGS = ["none", "pending", "granted", "withdrawn", "objected",
    "restricted", "suspended"]


def refused(cursor, *statement):
	"""Runs what a rule may refuse: the refusal, or None."""
	cursor.execute("SAVEPOINT before")
	try:
		cursor.execute(*statement)
	except psycopg2.errors.RaiseException as e:
		cursor.execute("ROLLBACK TO before")
		return str(e)
	return None


class Purpose:
	def __init__(self, name, parent, basis="consent", validity=None):
		self.name, self.parent = name, parent
		self.basis, self.validity = basis, validity
		self.requires, self.withdraws = [], []
		self.exemptions = []	# since, until

	def path(self):
		"""Itself and all above it, nearest first."""
		return [self] + (self.parent.path() if self.parent else [])


class Record:
	"""What one person has done about one purpose."""

	def __init__(self):
		self.state, self.since, self.ends = "none", None, None
		self.left = None
		self.flags = {}	# since when
		self.paused = None	# until when

	def do(self, act, at, ends):
		"""Replays an act; False when the rules refuse it."""
		if act in ("pend", "grant") and self.left and at <= self.left:
			return False
		if act == "pend" and self.state in ("none", "withdrawn"):
			self.state, self.since = "pending", at
		elif act == "grant" and (self.state != "granted"
		    or at > self.since):
			self.state, self.since, self.ends = "granted", at, ends
		elif act == "withdraw" and (self.state != "withdrawn"
		    or at > self.since):
			self.state, self.since = "withdrawn", at
			self.left = max(self.left or at, at)
		elif act in FLAGS:
			self.flags.setdefault(FLAGS[act], at)
		elif act in LIFTS:
			self.flags.pop(LIFTS[act], None)
		elif act in ("pause", "resume"):
			self.paused = ends
		return True


FLAGS = {"object": "objected", "restrict": "restricted",
    "suspend": "suspended"}
LIFTS = {"lift-objection": "objected", "lift-restriction": "restricted",
    "unsuspend": "suspended"}


class Model:
	"""What should hold, the slow way."""

	def __init__(self, purposes, records):
		self.purposes, self.records = purposes, records

	def record(self, purpose):
		return self.records.get(purpose.name) or Record()

	def leavers(self, purpose):
		"""What leaves the purpose when it is left, at any remove."""
		found, todo = set(), [purpose]
		while todo:
			at = todo.pop()
			more = {q for q in self.purposes if at in q.withdraws}
			if at.parent:
				more.add(at.parent)
			todo += more - found
			found |= more
		return found - set(purpose.path())

	def required(self, purpose):
		seen, found, todo = set(), set(), [purpose]
		while todo:
			at = todo.pop()
			if at in seen:
				continue
			seen.add(at)
			todo += at.requires + ([at.parent] if at.parent else [])
			found |= set(at.requires)
		return found

	def alone(self, purpose):
		"""Where it stands without what it requires, and its ends."""
		path = purpose.path()
		left_by = [self.record(q).left for q in self.leavers(purpose)
		    if self.record(q).left]
		state, ends = self.state(purpose, path, left_by)
		flags = [f for p in path for f in self.record(p).flags]
		left_by += [self.record(p).left for p in path
		    if self.record(p).left]
		until = self.exempt(purpose, left_by)
		if until and not flags and (state != "granted" or
		    any(end < until for end in ends)):
			return "granted", [until]
		return worst([state] + flags), ends

	@staticmethod
	def exempt(purpose, left_by):
		"""Until when, if nobody has left since it began."""
		lasting = [x for x in purpose.exemptions if x[1] > NOW]
		if not lasting:
			return None
		since, until = max(lasting, key=lambda x: x[1])
		return None if any(left >= since for left in left_by) else until

	def state(self, purpose, path, left_by):
		free = purpose.basis in FREE
		asked = ended = False
		for i, p in enumerate(path):
			r = self.record(p)
			if r.state == "withdrawn":
				return "withdrawn", []
			if r.state == "pending" and r.left:
				return "pending", []
			if r.state == "pending":
				asked = True
			if r.state != "granted":
				continue
			over = left_by + [self.record(q).left
			    for q in path[i + 1:] if self.record(q).left]
			if any(left >= r.since for left in over):
				ended = True
				continue
			if free:
				return "granted", []
			if asked and p.basis == "soft-opt-in":
				return "pending", []
			return "granted", self.ends(purpose, p, r)
		if ended or (free and left_by):
			return "withdrawn", []
		if free:
			return "granted", []
		return "pending" if asked else "none", []

	@staticmethod
	def ends(purpose, granter, r):
		ends = []
		if r.ends:
			ends.append(r.ends)
		elif granter.validity:
			ends.append(r.since + granter.validity)
		if purpose is not granter and purpose.validity:
			ends.append(r.since + purpose.validity)
		return ends

	def pauses(self, purpose):
		"""Until when nothing of it is wanted."""
		return [self.record(p).paused for p in purpose.path()
		    if self.record(p).paused and purpose.basis != "contract"]

	def verdict(self, purpose, now):
		own, ends = self.alone(purpose)
		if own == "none":
			return own
		pauses = self.pauses(purpose)
		for q in self.required(purpose):
			other, more = self.alone(q)
			own, ends = worst([own, other]), ends + more
			pauses += self.pauses(q)
		if own in LASTING and any(end <= now for end in ends):
			return "expired"
		if own == "granted" and any(until > now for until in pauses):
			return "paused"
		return own


def worst(states):
	return min(states, key=ORDER.index)


class World:
	"""One random company, and one person's history with it."""

	def __init__(self, number):
		self.number = number
		self.dice = random.Random(f"{SEED}/{number}")
		stem = f"w{number}-{time.time_ns()}"
		self.addresses = [f"{stem}@rcpt.test", f"{stem}-2@rcpt.test"]
		self.keys = [(2 * number + i).to_bytes(13, "big")
		    for i in range(2)]
		self.known = 1	# of the addresses
		self.log, self.purposes, self.brands = [], [], {}
		self.records = {}

	def say(self, *what):
		self.log.append(" ".join(map(str, what)))

	def plant(self, cursor):
		"""Brands and purposes."""
		dice, above = self.dice, None
		for i in range(dice.randint(1, 2)):
			brand = f"w{SEED}-{self.number}-{i}-{os.getpid()}"
			cursor.execute("SELECT assent.brand_add(%s, %s, %s)",
			    (brand, brand, above))
			root = Purpose((brand, "all"),
			    self.brands[above] if above else None)
			self.brands[brand] = root
			self.purposes.append(root)
			above = brand
		for i in range(dice.randint(2, 7)):
			self.add(cursor, f"p{i}")

	def add(self, cursor, slug):
		dice = self.dice
		brand = dice.choice(list(self.brands))
		parent = dice.choice([p for p in self.purposes
		    if p.name[0] == brand])
		basis = dice.choice(["consent"] * 5 + ["soft-opt-in", *FREE])
		validity = dice.choice([None, None, None, 5 * DAY, 20 * DAY])
		purpose = Purpose((brand, slug), parent, basis, validity)
		self.say("purpose", brand, slug, "below", parent.name[1], basis,
		    validity)
		cursor.execute("SELECT assent.purpose_add(%s, %s, %s, "
		    "'{email}', %s, %s, %s)", (brand, slug, slug,
		    parent.name[1], basis, validity))
		self.purposes.append(purpose)

	def tie(self, cursor):
		"""A dependency; what would go in a circle is refused."""
		a, b = self.dice.sample(self.purposes, 2)
		kind = self.dice.choice(["requires", "withdraws"])
		if a.name[1] == "all" and kind == "requires":
			return
		wrong = self.circle(a, b, kind)
		why = refused(cursor, "SELECT assent.purpose_depend("
		    "(SELECT id FROM assent.purpose WHERE "
		    "assent.purpose_name(id) = %s), %s, "
		    "(SELECT id FROM assent.purpose WHERE "
		    "assent.purpose_name(id) = %s), false)",
		    ("/".join(a.name), kind, "/".join(b.name)))
		assert bool(why) == wrong, (self.log, a.name, kind, b.name)
		if why:
			assert "circle" in why
			return
		self.say(a.name, kind, b.name)
		getattr(a, kind).append(b)

	def circle(self, a, b, kind):
		"""Would what bears on a purpose come back to it?"""
		start, end = (a, b) if kind == "requires" else (b, a)
		seen, todo = set(), [end]
		while todo:
			at = todo.pop()
			if at is start:
				return True
			if at in seen:
				continue
			seen.add(at)
			if at.parent:
				todo.append(at.parent)
			if kind == "requires":
				todo += at.requires
			else:
				todo += [q for q in self.purposes
				    if at in q.withdraws]
		return False

	def exempt(self, cursor):
		"""An exemption, past or present; the longest is one of a kind."""
		purpose = self.dice.choice(self.purposes)
		since = NOW - self.dice.randint(12, 25) * DAY
		until = NOW + self.dice.choice([-2, 3, 9]) * DAY
		if until in [u for _, u in purpose.exemptions]:
			return
		self.say("exempt", purpose.name, since.date(), until.date())
		purpose.exemptions.append((since, until))
		cursor.execute("INSERT INTO assent.exemption (name, purpose_id, "
		    "owner, reason, since, until) VALUES (%s, (SELECT id FROM "
		    "assent.purpose WHERE assent.purpose_name(id) = %s), 't', "
		    "'t', %s, %s)", (f"{'-'.join(purpose.name)}-"
		    f"{len(purpose.exemptions)}", "/".join(purpose.name), since,
		    until))

	def meet(self, cursor):
		"""The person's second address."""
		self.say("second address")
		cursor.execute("SELECT assent.endpoint_add('', %s, 't', %s, "
		    "'email', %s, %s)", (self.keys[0], self.keys[1],
		    self.addresses[1], self.addresses[1]))
		self.known = 2

	def live(self, cursor):
		"""The person's history, in no order of dates."""
		acts = ["grant"] * 6 + ["withdraw"] * 4 + ["pend"] * 3 + \
		    list(FLAGS) + list(LIFTS) + ["pause"] * 3 + ["resume"]
		self.act(cursor, "grant", self.dice.choice(self.purposes), 30)
		if self.dice.random() < 0.5:
			self.meet(cursor)
		for _ in range(self.dice.randint(0, 8)):
			self.act(cursor, self.dice.choice(acts),
			    self.dice.choice(self.purposes),
			    self.dice.randint(1, 30))

	def act(self, cursor, act, purpose, days):
		at = NOW - days * DAY
		ends = None
		if act == "grant" and self.dice.random() < 0.3:
			ends = NOW + self.dice.randint(-10, 10) * DAY
		if act == "pause":
			ends = NOW + self.dice.randint(-2, 10) * DAY
		record = self.records.setdefault(purpose.name, Record())
		good = record.do(act, at, ends)
		self.say(act, purpose.name, at.date(), ends)
		by = self.dice.randrange(self.known)
		why = refused(cursor, "SELECT assent.change('', %s, %s, "
		    "'email', %s, %s, (SELECT id FROM assent.purpose "
		    "WHERE assent.purpose_name(id) = %s), 'email', "
		    "%s, %s, 'test', NULL)", (act, self.keys[by],
		    self.addresses[by], self.addresses[by],
		    "/".join(purpose.name), at, ends))
		assert (why is None) == good, (self.log, why)
		assert good or "withdrawn on" in why

	def move(self, cursor):
		"""Changes the tree under the person's consent."""
		purpose = self.dice.choice(self.purposes)
		if purpose.name[1] == "all":
			return
		parent = self.dice.choice([p for p in self.purposes
		    if p.name[0] == purpose.name[0] and p is not purpose])
		validity = self.dice.choice([None, 3 * DAY, 25 * DAY])
		why = refused(cursor, "SELECT assent.purpose_edit((SELECT id "
		    "FROM assent.purpose WHERE assent.purpose_name(id) "
		    "= %s), NULL, NULL, %s, NULL, %s, NULL, NULL)",
		    ("/".join(purpose.name), parent.name[1], validity))
		if why:
			assert "circle" in why, (self.log, why)
			return
		self.say("move", purpose.name, parent.name, validity)
		purpose.parent = parent
		purpose.validity = validity or purpose.validity

	def answers_sql(self, cursor):
		cursor.execute("SELECT assent.purpose_name(purpose), standing, "
		    "expires, paused FROM assent.effective(ARRAY(SELECT contact_id FROM "
		    "assent.endpoint WHERE key = %s), 'email')",
		    (self.keys[self.known - 1],))
		return {name: "expired" if ends and ends <= NOW
		    and standing in (2, 6) else "paused" if standing == 2
		    and until and until > NOW else STANDINGS[standing]
		    for name, standing, ends, until in cursor.fetchall()}

	def check_flags(self, cursor):
		"""Each flag has the date that it was first set."""
		cursor.execute("SELECT assent.purpose_name(purpose_id), "
		    "objected_at, restricted_at, suspended_at FROM "
		    "assent.consent JOIN assent.endpoint USING (contact_id) "
		    "WHERE key = %s AND assent.purpose_name(purpose_id) = "
		    "ANY (%s)", (self.keys[0],
		    ["/".join(p.name) for p in self.purposes]))
		found = {name: tuple(dates) for name, *dates in
		    cursor.fetchall()}
		for name, record in self.records.items():
			if "/".join(name) in found or record.flags:
				assert found["/".join(name)] == tuple(
				    record.flags.get(f) for f in FLAGS.values()
				    ), (name, self.log)


@pytest.fixture(scope="module")
def database(stack):
	db = psycopg2.connect(stack.env["DATABASE_URL"])
	yield db.cursor()
	db.close()


def find_keys(stack, worlds):
	"""The keys that the programs give the addresses: made in one go."""
	batch = stack.folder / "property.batch"
	batch.write_text("".join(f"restrict {w.addresses[0]} offers\n"
	    f"restrict {w.addresses[0]} offers --lift\n"
	    f"contact add-address {w.addresses[0]} {w.addresses[1]}\n"
	    for w in worlds))
	stack.ctl("batch", str(batch))
	found = dict(stack.sql("SELECT canonical, key FROM assent.endpoint"))
	for world in worlds:
		world.keys = [bytes(found[a]) for a in world.addresses]
		world.known = 2


def repack(cursor):
	last = 0
	while last is not None:
		cursor.execute("SELECT last FROM assent.repack_batch(%s, 50)",
		    (last,))
		(last,) = cursor.fetchone()
	cursor.execute("SELECT assent.repacked(generation) FROM assent.outdated")


def permits(stack, worlds):
	"""What C makes of each permit: a stream for every brand."""
	text = (stack.folder / "assent.conf").read_text()
	for world in worlds:
		for brand in world.brands:
			slugs = ", ".join(f'"{p.name[1]}"'
			    for p in world.purposes if p.name[0] == brand)
			text += (f'\nstream {brand} {{\n\tmatch {{ listener = '
			    f'"{brand}" }}\n\tbrand = "{brand}"\n\tpurposes = '
			    f'{{ {slugs} }}\n}}\n')
	conf = stack.folder / "property.conf"
	conf.write_text(text)
	found = {}
	for world in worlds:
		for brand in world.brands:
			told = json.loads(stack.ctl("-c", str(conf), "explain",
			    world.addresses[world.number // 10 % 2], brand,
			    "--json",
			    check=False).stdout)
			for one in told["purposes"]:
				if one["purpose"]:
					found[world.number, brand,
					    one["purpose"]] = one["reason"]
	return found


def compare(world, read, reader):
	model = Model(world.purposes, world.records)
	for purpose in world.purposes:
		want = model.verdict(purpose, NOW)
		got = read(purpose)
		assert got == want, (f"{reader} says {got}, the model {want}, "
		    f"of {purpose.name}; PROPERTY_SEED={SEED}, world "
		    f"{world.number}:\n" + "\n".join(world.log))


def test_sql_and_c_and_a_naive_model_agree(stack, database):
	worlds = [World(number) for number in range(WORLDS)]
	# C reads a sample of them: a process each.
	sample = [w for w in worlds if w.number % 10 == 0]
	find_keys(stack, sample)
	for world in worlds:
		world.plant(database)
		for _ in range(world.dice.randint(0, 4)):
			world.tie(database)
		for _ in range(world.dice.choice([0, 0, 1, 3])):
			world.exempt(database)
		world.live(database)
		world.check_flags(database)
		read = world.answers_sql(database)
		compare(world, lambda p, read=read: read.get("/".join(p.name),
		    "none"), "SQL")
		if world.dice.random() < 0.5:
			world.move(database)
			read = world.answers_sql(database)
			compare(world, lambda p, read=read: read.get(
			    "/".join(p.name), "none"), "SQL, moved,")
		# What C will not read is taken back: small trees are quick.
		if world in sample:
			database.connection.commit()
		else:
			database.connection.rollback()
	repack(database)
	database.connection.commit()
	found = permits(stack, sample)
	for world in sample:
		compare(world, lambda p, w=world: found[w.number, *p.name]
		    .replace("no-consent", "none"), "the permit in C")
