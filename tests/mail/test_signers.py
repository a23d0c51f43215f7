# SPDX-License-Identifier: ISC
"""OpenDKIM after assent, and mail that its author has signed."""

import email
import re
import subprocess

import pytest

from signing import octets, openssl

FIELDS = ("From: Shop <shop@news.example.com>\r\n"
    "To: {to}\r\n"
    "Date: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
    "Message-ID: <{id}@news.example.com>\r\n"
    "Subject: {id}\r\n")
COVERED = ("from", "list-unsubscribe", "list-unsubscribe-post")


def send(stack, address, name, rest):
	"""One message whose header goes on with `rest`; as it arrived."""
	head = FIELDS.format(to=address, id=name)
	with stack.smtp() as s:
		s.sendmail("shop@news.example.com", address, (head + rest)
		    .encode(), ["BODY=8BITMIME"])
	return octets(stack.delivered(name))


# Signed by OpenDKIM

@pytest.fixture(scope="module")
def letters(signing_stack):
	"""As they arrived: with the author's own List-* fields, folds, 8 bits."""
	rests = {
	    "plain": "\r\nhello {{unsubscribe_url}}\r\n",
	    "theirs": "List-Unsubscribe: <https://theirs.example/x>,\r\n"
		" <mailto:a@theirs.example>\r\n"
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
		"List-Id: theirs <x.theirs.example>\r\n"
		"Consent-Purpose: newsletter; campaign=x\r\n\r\n"
		"hello {{unsubscribe_url}}\r\n",
	    "folded": "X-Folded: one\r\n  two\r\n\tthree\r\nX-Empty:\r\n\r\n"
		" trailing \t \r\n..dots {{unsubscribe_url}}\r\n\r\n\r\n",
	    "8bit": "Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n"
		"Grüße {{unsubscribe_url}}\r\n",
	    "empty": "\r\n",
	}
	return {name: send(signing_stack, "granted@rcpt.test",
	    f"signed-{name}", rest) for name, rest in rests.items()}


def test_every_delivery_verifies(signing_stack, letters):
	for name, message in letters.items():
		assert " succeeded" in signing_stack.verify(message), name


def test_the_signature_covers_both_fields_and_what_may_be_added(letters):
	for message in letters.values():
		(value,) = email.message_from_bytes(message).get_all(
		    "DKIM-Signature")
		h = re.search(r"\bh=([^;]*);", value)[1]
		names = re.sub(r"\s", "", h).lower().split(":")
		assert [names.count(name) for name in COVERED] == [2, 2, 2]


@pytest.mark.parametrize("name", COVERED)
def test_a_change_or_an_addition_breaks_it(signing_stack, letters, name):
	message = letters["plain"]
	added = name.encode() + b": <https://evil.example/>\n" + message
	changed = re.sub(rb"(?mi)^(" + name.encode() + rb": .)", rb"\1x",
	    message)
	assert changed != message
	for broken in (added, changed):
		assert " succeeded" not in signing_stack.verify(broken)


def test_lint_finds_nothing_in_the_header(signing_stack, letters):
	for name, message in letters.items():
		_, found = signing_stack.lint(message)
		assert set(found) == ({"link"} if name == "empty" else set())


# Signed by the author

@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
	"""A certificate, and a GnuPG home with a key."""
	folder = tmp_path_factory.mktemp("secrets")
	openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
	    "-subj", "/CN=shop/emailAddress=shop@news.example.com",
	    "-addext", "extendedKeyUsage=emailProtection",
	    "-keyout", folder / "smime.key", "-out", folder / "smime.crt")
	home = folder / "gnupg"
	home.mkdir(mode=0o700)
	gpg(folder, "--passphrase", "", "--quick-gen-key",
	    "shop@news.example.com", "ed25519", "sign", "1d")
	yield folder
	subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"],
	    check=True, timeout=30)


def gpg(folder, *words, check=True, **kwargs):
	return subprocess.run(["gpg", "--homedir", folder / "gnupg", "--batch",
	    "--quiet", "--pinentry-mode", "loopback", *words], check=check,
	    capture_output=True, timeout=60, **kwargs)


PART = ("Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    "Your offer =E2=80=93 {{unsubscribe_url}}\r\n trailing =20\r\n\r\n")


def smime(folder):
	"""A clear-signed message: its header's end and its body."""
	made = openssl("smime", "-sign", "-binary", "-crlfeol",
	    "-signer", folder / "smime.crt", "-inkey", folder / "smime.key",
	    input=PART.encode()).decode()
	return made.replace("\r\n", "\n").replace("\n", "\r\n")


def test_smime_still_verifies(signing_stack, secrets):
	message = send(signing_stack, "granted2@rcpt.test", "author-smime",
	    smime(secrets))
	def verified(octets):
		return subprocess.run(["openssl", "smime", "-verify", "-CAfile",
		    secrets / "smime.crt"], input=octets, capture_output=True,
		    timeout=30, check=False)
	told = verified(message)
	assert told.returncode == 0, told.stderr
	assert b"Your offer" in told.stdout
	assert b"List-Unsubscribe-Post:" in message
	assert verified(message.replace(b"Your", b"Our")).returncode != 0


def test_openpgp_still_verifies(signing_stack, secrets):
	armor = gpg(secrets, "--armor", "--detach-sign", "--local-user",
	    "shop@news.example.com", input=PART.encode()).stdout.decode()
	armor = armor.replace("\n", "\r\n")
	message = send(signing_stack, "granted2@rcpt.test", "author-openpgp",
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/signed; micalg=pgp-sha512;\r\n"
	    ' protocol="application/pgp-signature"; boundary=frontier\r\n\r\n'
	    f"--frontier\r\n{PART}\r\n--frontier\r\n"
	    "Content-Type: application/pgp-signature\r\n\r\n"
	    f"{armor}\r\n--frontier--\r\n")
	assert b"List-Unsubscribe-Post:" in message
	_, part, signature, _ = re.split(rb"\n?--frontier(?:--)?\n", message)
	(secrets / "signature").write_bytes(signature.split(b"\n\n", 1)[1])

	def verified(part):
		return gpg(secrets, "--verify", secrets / "signature", "-",
		    input=part.replace(b"\n", b"\r\n"), check=False).returncode
	assert verified(part) == 0
	assert verified(part.replace(b"Your", b"Our")) != 0
