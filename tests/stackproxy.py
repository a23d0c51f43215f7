# SPDX-License-Identifier: ISC
"""stackproxy - nginx in front of a test stack's web, as contrib/nginx has it

The shipped file is used, with this stack's ports and places put in: a line of
it that these do not find any more is an error.  The certificate is made for
the stack, and clients are told whom to believe by WEB_CA.
"""

import resource
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from stackparts import Part, owned_directory, unprivileged
from stackproc import Failure

ROOT = Path(__file__).resolve().parent.parent
CONTRIB = ROOT / "contrib/nginx/assent.conf"
ERRORS = "errors"		# beside it
HOST = "optout.example.com"
MOST_FILES = 16384		# of a worker, where the system gives as many

MAIN = """\
daemon off;
pid {dir}/nginx.pid;
error_log stderr;
worker_processes 2;
worker_rlimit_nofile {files};
events {{
	worker_connections {files};
}}
http {{
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	include {dir}/assent.conf;
}}
"""


class Nginx(Part):
	name = "nginx"

	@property
	def dir(self):
		return self.stack.dir / "nginx"

	@property
	def certificate(self):
		return self.dir / "cert.pem"

	def wanted(self):
		return self.stack.options.get("nginx", False)

	def prepare(self):
		owned_directory(self.dir)
		self.make_certificate()
		files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1],
		    MOST_FILES)
		(self.dir / "nginx.conf").write_text(MAIN.format(dir=self.dir,
		    files=files))
		(self.dir / "assent.conf").write_text(self.settings())
		# Where it may read them, wherever this tree is.
		errors = self.dir / ERRORS
		shutil.copytree(CONTRIB.parent / ERRORS, errors)
		subprocess.run(["chmod", "-R", "a+rX", errors], check=True)

	def make_certificate(self):
		made = subprocess.run(["openssl", "req", "-x509", "-newkey",
		    "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
		    "-days", "30", "-subj", f"/CN={HOST}", "-addext",
		    f"subjectAltName=DNS:{HOST},IP:127.0.0.1",
		    "-keyout", self.dir / "key.pem", "-out", self.certificate],
		    capture_output=True, text=True, check=False,
		    **unprivileged())
		if made.returncode:
			raise Failure(f"nginx: openssl: {made.stderr}")

	def settings(self):
		"""contrib's, with what only an installation can know."""
		text = CONTRIB.read_text()
		port = self.stack.ports
		for theirs, ours in (
		    ("listen 443", f"listen 127.0.0.1:{port['NGINX_PORT']}"),
		    ("listen [::]:443", f"listen [::1]:{port['NGINX_PORT']}"),
		    ("127.0.0.1:8080", f"127.0.0.1:{port['WEB_PORT']}"),
		    ("/etc/ssl/assent/fullchain.pem", self.certificate),
		    ("/etc/ssl/assent/key.pem", self.dir / "key.pem"),
		    ("/etc/nginx/assent;", f"{self.dir};"),
		    ("/var/log/nginx/", f"{self.dir}/")):
			if theirs not in text:
				raise Failure(f"{CONTRIB}: no {theirs} in it")
			text = text.replace(theirs, str(ours))
		return text

	def command(self):
		return ["nginx", "-p", self.dir, "-c", self.dir / "nginx.conf",
		    "-e", "stderr"]

	def ready(self):
		"""It answers itself what is not for others."""
		port = self.stack.ports["NGINX_PORT"]
		trust = ssl.create_default_context(cafile=self.certificate)
		try:
			urllib.request.urlopen(
			    f"https://127.0.0.1:{port}/healthz", timeout=2,
			    context=trust)
		except urllib.error.HTTPError as e:
			return e.code == 404
		except (OSError, urllib.error.URLError):
			return False
		return False
