# SPDX-License-Identifier: ISC
"""The units of contrib/systemd, and what the daemons tell who starts them."""

import os
import re
import signal
import socket
import subprocess

import pytest

from conftest import ROOT
from test_start import BUILD, DAEMONS, Variant

UNITS = sorted((ROOT / "contrib/systemd").glob("*.service"))
EXPOSURE = 15		# tenths: the most that systemd-analyze may find


@pytest.fixture
def unit(request, tmp_path):
	"""The unit, to start the program that was built."""
	text, n = re.subn("(?m)^ExecStart=/usr/local/s?bin/",
	    f"ExecStart={BUILD}/", request.param.read_text())
	assert n == 1
	path = tmp_path / request.param.name
	path.write_text(text)
	return path


def analyze(*words):
	return subprocess.run(["systemd-analyze", *words], text=True,
	    capture_output=True, timeout=60)


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.stem, indirect=True)
def test_units_are_understood_and_closed(unit):
	told = analyze("verify", "--man=no", unit)
	assert told.returncode == 0 and not told.stderr
	told = analyze("security", "--offline=true",
	    f"--threshold={EXPOSURE}", unit)
	assert told.returncode == 0, told.stdout


def test_every_daemon_has_a_unit():
	assert {u.stem for u in UNITS} >= set(DAEMONS)


@pytest.mark.parametrize("program", DAEMONS)
def test_the_service_manager_is_told(stack, tmp_path, program, monkeypatch):
	with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
		manager.bind(str(tmp_path / "notify"))
		manager.settimeout(20)
		monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
		monkeypatch.setenv("WATCHDOG_USEC", "300000")
		with Variant(stack, tmp_path).start(program) as daemon:
			told = [manager.recv(100) for _ in range(4)]
			daemon.send_signal(signal.SIGTERM)
			while told[-1] == b"WATCHDOG=1":
				told.append(manager.recv(100))
			daemon.communicate(timeout=20)
	assert told[0] == b"READY=1"
	assert told[1:4] == [b"WATCHDOG=1"] * 3
	assert told[-1] == b"STOPPING=1"
	assert daemon.returncode == 0


@pytest.mark.parametrize("program", DAEMONS)
def test_a_start_that_fails_is_never_ready(stack, tmp_path, program,
    monkeypatch):
	with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
		manager.bind(str(tmp_path / "notify"))
		monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
		variant = Variant(stack, tmp_path)
		os.unlink(variant.keys)
		variant.complaint(program)
		manager.setblocking(False)
		with pytest.raises(BlockingIOError):
			manager.recv(100)


@pytest.mark.parametrize("part", ["milter", "web"])
def test_memory_is_for_nobody_else(stack, part):
	"""What may leave no core dump belongs to root under /proc."""
	proc = f"/proc/{stack.pid(part)}"
	with open(f"{proc}/status") as f:
		assert not re.search(r"(?m)^Uid:\t0\t", f.read())
	assert os.stat(f"{proc}/environ").st_uid == 0
