"""Runs ceph/s3-tests (test_s3.py and test_headers.py) against a storage service of its own, and says what is wrong.

    git clone https://github.com/ceph/s3-tests DIR && git -C DIR checkout 8f0ae7b404a3a2fcf7038bf1e6bf29544fe9b6a3
    python3 tests/peers/s3_tests/run.py --suite DIR [--program FILE] [-k EXPRESSION]

Needs Python 3.11 to 3.14 with venv, OpenSSL 3, and cargo unless --program names a maily-storage. The suite's packages are
installed by pip in Maily's cache folder, once, each by its digest (xtask/pins/s3-tests.txt, for Linux). Ends with 0 when nothing
is wrong in the areas of `verdicts.BAR`.
"""

import argparse
import json
import os
import pathlib
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import verdicts

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# What xtask/pins/pin has made of the names in xtask/commands/src/pins.rs.
PINS = ROOT / "xtask/pins/s3-tests.txt"
FILES = ["s3tests/functional/test_headers.py", "s3tests/functional/test_s3.py"]
REGION = "eu"
# The suite's accounts. Maily has none: each is a key of its own that may do everything.
ACCOUNTS = ["main", "alt", "tenant", "iam", "root", "alt-root"]
READY_SECONDS = 120
TEST_SECONDS = 300
ALL_SECONDS = 3 * 3600

OPENSSL = """
[req]
distinguished_name = name
prompt = no
[name]
CN = s3-tests
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[service]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:storage.maily.internal,URI:spiffe://maily.internal/storage
[edge]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost,IP:127.0.0.1
"""


def environment() -> pathlib.Path:
    """The interpreter with the suite's packages: those of the list, of which none is built, and no others."""
    cache = pathlib.Path(os.environ.get("MAILY_CACHE") or pathlib.Path.home() / ".cache/maily")
    venv = cache / "s3-tests"
    python, stamp = venv / "bin/python", venv / "installed"
    pins = PINS.read_text()
    if not stamp.exists() or stamp.read_text() != pins:
        print("Installing the suite's packages (PyPI, xtask/pins/s3-tests.txt)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        command = [python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--require-hashes", "-r", PINS]
        subprocess.run(command, check=True)
        stamp.write_text(pins)
    return python


def built() -> pathlib.Path:
    """The storage service, built by cargo."""
    subprocess.run(["cargo", "build", "--package=maily-storage", "--bins"], cwd=ROOT, check=True)
    asked = ["cargo", "metadata", "--no-deps", "--format-version=1"]
    target = json.loads(subprocess.run(asked, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)["target_directory"]
    return pathlib.Path(target) / "debug/maily-storage"


def certificates(folder: pathlib.Path) -> None:
    """An authority (`ca`) and what it signs: `service` for the internal listener, `edge` for clients."""
    (folder / "openssl.cnf").write_text(OPENSSL)
    for name, extensions in [("ca", "authority"), ("service", "service"), ("edge", "edge")]:
        command = ["openssl", "req", "-x509", "-config", "openssl.cnf", "-extensions", extensions, "-days", "7", "-nodes"]
        command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", f"{name}.key", "-out", f"{name}.pem"]
        if name != "ca":
            command += ["-CA", "ca.pem", "-CAkey", "ca.key"]
        subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)


def ports(count: int) -> list[int]:
    """Free ports of 127.0.0.1."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return found


class Storage:
    """A storage service with nothing in it, in a folder that ends with it."""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path):
        certificates(folder)
        self.folder = folder
        self.keys = {name: (f"s3tests-{name}", secrets.token_urlsafe(30)) for name in ACCOUNTS}
        credentials = "".join(
            f'[[key]]\nid = "{id}"\nsecret = "{secret}"\nname = "{name}"\nregions = ["{REGION}"]\n'
            'allow = [{ bucket = "*", actions = ["read", "write", "delete", "list"] }]\n'
            for name, (id, secret) in self.keys.items()
        )
        (folder / "credentials.toml").write_text(credentials)
        internal, self.port, self.health = ports(3)
        quoted = lambda name: json.dumps(str(folder / name))
        (folder / "storage.toml").write_text(
            f"""
environment = "dev"
data = {quoted("data")}
[internal]
listen = "127.0.0.1:{internal}"
ca = {quoted("ca.pem")}
certificate = {quoted("service.pem")}
key = {quoted("service.key")}
[edge]
listen = "127.0.0.1:{self.port}"
certificate = {quoted("edge.pem")}
key = {quoted("edge.key")}
requests_per_second = 2000
[health]
listen = "127.0.0.1:{self.health}"
[service]
credentials = {quoted("credentials.toml")}
"""
        )
        (folder / "data").mkdir()
        with open(folder / "log", "wb") as log:
            command = [program, "--config", folder / "storage.toml"]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_until_ready(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/readyz", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"storage is not ready:\n{self.log()}")

    def log(self) -> str:
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-20:])

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def configuration(storage: Storage) -> str:
    """The suite's own configuration file. Emails, ids and names are those that Maily answers where it has to."""
    sections = {"main": "s3 main", "alt": "s3 alt", "tenant": "s3 tenant", "iam": "iam", "root": "iam root"}
    sections["alt-root"] = "iam alt root"
    text = f"[DEFAULT]\nhost = 127.0.0.1\nport = {storage.port}\nis_secure = True\nssl_verify = True\n"
    # No name of the orchestrator's (maily-mail-…, maily-campaigns): those are nobody else's.
    text += "[fixtures]\nbucket prefix = s3-tests-{random}-\n"
    for account, section in sections.items():
        id, secret = storage.keys[account]
        text += f"[{section}]\naccess_key = {id}\nsecret_key = {secret}\n"
        text += f"display_name = maily\nuser_id = maily\nemail = {account}@example.com\ntenant = {account}\n"
        text += f"api_name = {REGION}\n"
    return text


def run(suite: pathlib.Path, python: pathlib.Path, storage: Storage, only: str | None) -> list[dict]:
    """What each test met (`plugin.py`)."""
    settings, report = storage.folder / "s3tests.conf", storage.folder / "report.jsonl"
    settings.write_text(configuration(storage))
    report.touch()
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    variables = kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "MAILY_CA": str(storage.folder / "ca.pem"),
        "MAILY_REPORT": str(report),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join([str(suite), str(HERE)]),
        "S3TEST_CONF": str(settings),
        # For the tests that open a socket themselves.
        "SSL_CERT_FILE": str(storage.folder / "ca.pem"),
    }
    command = [python, "-m", "pytest", "-p", "plugin", "-p", "no:cacheprovider", "-q", "--tb=no", "--no-header", "-r", "N"]
    command += [f"--timeout={TEST_SECONDS}", "--timeout-method=signal", *FILES]
    if only:
        command += ["-k", only]
    try:
        ended = subprocess.run(command, cwd=suite, env=variables, timeout=ALL_SECONDS).returncode
    except subprocess.TimeoutExpired:
        ended = "no end in time"
    tests = [json.loads(line) for line in report.read_text().splitlines()]
    # 0 and 1 are pytest's when all tests were run.
    if ended not in (0, 1) or not tests:
        sys.exit(f"pytest did not run the suite ({ended}); storage said last:\n{storage.log()}")
    return tests


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", type=pathlib.Path, required=True, help="a checkout of ceph/s3-tests")
    parser.add_argument("--program", type=pathlib.Path, help="maily-storage; without it cargo builds it")
    parser.add_argument("-k", dest="only", metavar="EXPRESSION", help="only these tests, in pytest's words")
    options = parser.parse_args()
    suite = options.suite.resolve()
    if not (suite / FILES[0]).is_file():
        parser.error(f"{suite} is no checkout of ceph/s3-tests")
    python = environment()
    program = options.program.resolve() if options.program else built()
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="maily-s3-tests-") as folder:
        storage = Storage(program, pathlib.Path(folder))
        try:
            storage.wait_until_ready()
            tests = run(suite, python, storage, options.only)
        finally:
            storage.stop()
    return verdicts.tell(tests)


if __name__ == "__main__":
    sys.exit(main())
