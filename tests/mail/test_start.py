# SPDX-License-Identifier: ISC
"""A start that cannot work ends at once and says what to do about it."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import psycopg2
import pytest

from conftest import ROOT

BUILD = ROOT / os.environ.get("BUILD", "build")
DAEMONS = ["assent-milter", "assent-web"]
PROGRAMS = [*DAEMONS, "assentctl"]
COMMAND = {"assentctl": ["show", "granted@rcpt.test"]}


def free_port():
	"""One below those that the system gives to connections meanwhile."""
	while True:
		port = random.randrange(10000, 30000)
		with socket.socket() as s, contextlib.suppress(OSError):
			s.bind(("127.0.0.1", port))
			return port


class Variant:
	"""The stack's configuration, listening elsewhere, to be spoilt."""

	def __init__(self, stack, folder):
		self.folder, self.path = folder, folder / "assent.conf"
		self.keys = folder / "keys"
		shutil.copyfile(stack.folder / "keys/keys", self.keys)
		self.keys.chmod(0o600)
		self.text = Path(stack.env["ASSENT_CONF"]).read_text()
		self.edit('file = ".*"', f'file = "{self.keys}"')
		self.edit('socket .*', f'socket = "unix:{folder}/milter.sock"')
		self.edit('metrics .*', f'metrics = "127.0.0.1:{free_port()}"')
		self.edit('listen .*', f'listen = "127.0.0.1:{free_port()}"')

	def edit(self, old, new):
		"""Replaces once; the number of the line."""
		at = re.search(old, self.text)
		self.text = self.text[:at.start()] + new + self.text[at.end():]
		self.path.write_text(self.text)
		return self.text[:at.start()].count("\n") + 1

	def start(self, program, *words):
		return subprocess.Popen([BUILD / program, "-c", self.path,
		    *(words or COMMAND.get(program, []))],
		    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		    stderr=subprocess.PIPE, text=True)

	def complaint(self, program, *words):
		"""The one line about a start that failed."""
		with self.start(program, *words) as process:
			try:
				_, said = process.communicate(timeout=20)
			except subprocess.TimeoutExpired:
				process.kill()
				pytest.fail(f"{program} has started")
		assert process.returncode == 1
		assert said.count("\n") == 1, said
		assert said.startswith(f"{program}: ")
		return said


@pytest.fixture
def variant(stack, tmp_path):
	return Variant(stack, tmp_path)


@pytest.fixture
def taken():
	"""HOST:PORT of a port that somebody else listens on."""
	with socket.create_server(("127.0.0.1", 0)) as s:
		yield f"127.0.0.1:{s.getsockname()[1]}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_missing_configuration(variant, program):
	variant.path.unlink()
	said = variant.complaint(program)
	assert f"{variant.path}: No such file" in said


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("old,new,word", [
    ("timeout = 5s", "tmeout = 5s", "tmeout"),
    ("timeout = 5s", "timeout = soon", "soon"),
    ("timeout = 5s", "timeout = 5parsecs", "5parsecs"),
    ("to = stderr", "to = paper", "paper"),
    ("database {", "databse {", "databse"),
    ("recipients .*= split", "recipients = two", "two"),
    ('channel .*', 'chanel = "email"', "chanel"),
])
def test_unreadable_value_names_file_and_line(variant, program, old, new, word):
	line = variant.edit(old, new)
	said = variant.complaint(program)
	assert said.startswith(f"{program}: {variant.path}:{line}: ")
	assert word in said


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("old,word", [
    ("brand .*", "brand is missing"),
    ('match { listener = "header" }', "a match block is missing"),
    (r"purposes .*\n(?=.*\n.*shared)", "neither purpose nor purposes"),
])
def test_incomplete_stream_is_named(variant, program, old, word):
	variant.edit(old, "")
	said = variant.complaint(program)
	assert re.match(rf"{program}: {variant.path}:\d+: stream \w+: ", said)
	assert word in said


def test_unknown_purpose(variant):
	variant.edit('"offers"', '"ofers"')
	said = variant.complaint("assent-milter")
	for word in (str(variant.path), "stream newsletter", '"ofers"',
	    "assentctl purpose add"):
		assert word in said


def test_check_tells_of_an_unknown_purpose(variant):
	variant.edit('"offers"', '"ofers"')
	with variant.start("assentctl", "check") as process:
		told, _ = process.communicate(timeout=20)
	assert process.returncode == 1
	assert re.search('problem +stream newsletter: .*"ofers"', told)


@pytest.mark.parametrize("program", PROGRAMS)
def test_keys_that_others_may_read(variant, program):
	variant.keys.chmod(0o644)
	assert f"chmod 600 {variant.keys}" in variant.complaint(program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_missing_keys(variant, program):
	variant.keys.unlink()
	said = variant.complaint(program)
	assert str(variant.keys) in said
	assert "assentctl keys new" in said


@pytest.mark.parametrize("program", PROGRAMS)
def test_damaged_keys(variant, program):
	with variant.keys.open("a") as f:
		f.write("token 1 no-secret\n")
	lines = len(variant.keys.read_text().splitlines())
	assert f"{variant.keys}:{lines}: " in variant.complaint(program)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("where", ["/nonexistent", "127.0.0.1"])
def test_no_postgresql(variant, program, where):
	port = free_port()
	variant.edit(r"host=[^&]*&port=\d+", f"host={where}&port={port}")
	said = variant.complaint(program)
	assert "PostgreSQL" in said
	assert where in said and str(port) in said


@pytest.fixture(scope="module")
def empty_database(stack):
	"""The name of a database without Assent's schema."""
	url = stack.env["DATABASE_URL"].replace("assent_owner@", "postgres@")
	db = psycopg2.connect(url)
	db.autocommit = True
	with db.cursor() as cursor:
		cursor.execute("CREATE DATABASE empty OWNER assent_owner")
		yield "empty"
		cursor.execute("DROP DATABASE empty WITH (FORCE)")
	db.close()


@pytest.mark.parametrize("program", PROGRAMS)
def test_not_migrated(variant, empty_database, program):
	variant.edit("///assent", f"///{empty_database}")
	assert "assentctl migrate" in variant.complaint(program)


@pytest.mark.parametrize("program,role", [("assent-milter", "milter"),
    ("assent-web", "web"), ("assent-web", "reader"), ("assentctl", "operator")])
def test_role_not_made_yet(variant, program, role):
	variant.edit("database {", f'database {{ {role}-role = "nobody_here"')
	said = variant.complaint(program)
	assert "nobody_here" in said
	assert "assentctl migrate" in said


def test_milter_socket_in_no_folder(variant):
	variant.edit('socket .*', 'socket = "unix:/nonexistent/milter.sock"')
	assert "/nonexistent/milter.sock" in variant.complaint("assent-milter")


def test_web_socket_in_no_folder(variant):
	variant.edit('listen .*', 'listen = "unix:/nonexistent/web.sock"')
	assert "/nonexistent/web.sock" in variant.complaint("assent-web")


@pytest.mark.parametrize("program,key", [("assent-milter", "metrics"),
    ("assent-web", "listen")])
def test_port_is_taken(variant, taken, program, key):
	variant.edit(f'{key} .*', f'{key} = "{taken}"')
	assert taken in variant.complaint(program)


def test_milter_port_is_taken(variant, taken):
	host, port = taken.split(":")
	variant.edit('socket .*', f'socket = "inet:{port}@{host}"')
	assert f"inet:{port}@{host}" in variant.complaint("assent-milter")


def test_milter_leaves_a_file_that_is_no_socket(variant):
	path = variant.folder / "milter.sock"
	path.write_text("precious")
	assert str(path) in variant.complaint("assent-milter")
	assert path.read_text() == "precious"


@contextlib.contextmanager
def running(variant, program):
	"""The program, started and stopped again: that must work, too."""
	with variant.start(program) as process:
		try:
			assert any(" start" in line
			    for line in process.stderr)
			yield process
		finally:
			process.send_signal(signal.SIGTERM)
			process.communicate(timeout=60)
	assert process.returncode == 0


def test_second_milter_leaves_the_first_its_socket(variant):
	"""Whether or not the second one's metrics are elsewhere."""
	path = variant.folder / "milter.sock"
	with running(variant, "assent-milter"):
		before = path.stat().st_ino
		variant.complaint("assent-milter")
		variant.edit('metrics .*',
		    f'metrics = "127.0.0.1:{free_port()}"')
		assert str(path) in variant.complaint("assent-milter")
		assert path.stat().st_ino == before


def test_second_web_leaves_the_first_its_socket(variant):
	path = variant.folder / "web.sock"
	variant.edit('listen .*', f'listen = "unix:{path}"')
	with running(variant, "assent-web"):
		before = path.stat().st_ino
		assert str(path) in variant.complaint("assent-web")
		assert path.stat().st_ino == before


def test_socket_of_a_killed_milter_is_used_again(variant):
	process = variant.start("assent-milter")
	with process:
		assert any(" start" in line for line in process.stderr)
		process.kill()
	assert (variant.folder / "milter.sock").exists()
	with running(variant, "assent-milter"), \
	    socket.socket(socket.AF_UNIX) as s:
		s.connect(str(variant.folder / "milter.sock"))


def test_signals_reach_the_milter_not_libmilter(variant):
	"""libmilter waits for them too, and would stop.  All threads that are
	stopped and go on together look for what came meanwhile."""
	with running(variant, "assent-milter") as process:
		for _ in range(20):
			process.send_signal(signal.SIGSTOP)
			process.send_signal(signal.SIGHUP)
			process.send_signal(signal.SIGCONT)
			assert any(" reloaded" in line
			    for line in process.stderr)


def test_web_starts_without_redis(variant):
	"""Only slower: Redis is no reason not to start."""
	variant.edit('(?m)^(cache .*)"unix:.*"',
	    'cache { url = "unix:/nonexistent/redis.sock"')
	with running(variant, "assent-web"):
		pass


@pytest.mark.parametrize("program", PROGRAMS)
def test_usage(program):
	def run(*words):
		return subprocess.run([BUILD / program, *words], timeout=20,
		    capture_output=True, text=True)
	for words in (["--help"], ["--version"]):
		done = run(*words)
		assert (done.returncode, done.stderr) == (0, "")
		assert program in done.stdout
	done = run("--no-such-option")
	assert (done.returncode, done.stdout) == (2, "")
	assert "no-such-option" in done.stderr
	assert run("-c").returncode == 2
	assert run("-c", "/nonexistent", "superfluous").returncode == 2


@pytest.mark.parametrize("file,text,told", [
    ("templates/opt-out.mustache", "{{#t}}", "line 1"),
    ("templates/opt-out.mustache", "a\n{{x", "line 2"),
    ("locale/pl.po", 'msgid "a"\nmsgstr b\n', "pl.po:2"),
    ("style.css", None, "No such file")])
def test_damaged_pages(variant, file, text, told):
	share = variant.folder / "share"
	for part in ("templates", "locale"):
		shutil.copytree(ROOT / "web" / part, share / part)
	shutil.copy(ROOT / "web/style.css", share)
	if text is None:
		(share / file).unlink()
	else:
		(share / file).write_text(text)
	variant.edit('share .*', f'share = "{share}"')
	said = variant.complaint("assent-web")
	assert str(share / file) in said and told in said
