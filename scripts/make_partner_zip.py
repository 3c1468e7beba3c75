"""Make `quickconnect.zip` for a partner: Quick Connect without the service, settings, a key store, and how to run it.

The wheel in it has the client, the web kit and Quick Connect. Without options the zip is for the demo world of this
machine, with its published key.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from joserfc.jwk import RSAKey

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("openers_client", "openers_web", "openers_quickconnect")
NEEDS: Final = (
    *("aiohttp", "cryptography", "httptools", "jinja2", "joserfc", "msgspec", "nh3", "nhsuk-frontend-jinja"),
    *("sqlalchemy", "starlette", "typer", "tzdata", "uvicorn"),
)
"""Names of the packages that these three need, of those that the project needs."""
DEMO_KEY: Final = ROOT / "src/openers/worlds/packs/keys/quickconnect.json"
PASSWORD: Final = "published"
HOOK: Final = "import sys; from setuptools import build_meta as b; print('\\n' + b.build_wheel(sys.argv[1]))"
READ_ME: Final = """Quick Connect

You need Python 3.11 or newer, and a network that reaches a Python package index at the first start.

1. Name the service, your application and its key in application.yml. The key may be a JSON Web Key, PEM, PKCS#8,
   PKCS#12 or JKS. Give its password in the environment variable QUICKCONNECT_KEY_PASSWORD.
2. Start runme.sh (Linux, macOS) or runme.bat (Windows), and open http://127.0.0.1:8003.

runme.sh check                     proves the connection step by step, and says what to do
runme.sh worklist pull --to FOLDER downloads a worklist
"""
SH: Final = """#!/bin/sh
# Installs Quick Connect beside this file at the first start, then runs it.
cd "$(dirname "$0")" || exit 1
if [ ! -x .venv/bin/openers-quickconnect ]; then
  python3 -m venv .venv && .venv/bin/python -m pip install --quiet wheels/*.whl || exit 1
fi
if [ -z "$QUICKCONNECT_KEY_PASSWORD" ]; then
  export QUICKCONNECT_KEY_PASSWORD={password}
fi
if [ "$#" -eq 0 ]; then
  set -- serve
fi
exec .venv/bin/openers-quickconnect "$@"
"""
BAT: Final = """@echo off
rem Installs Quick Connect beside this file at the first start, then runs it.
cd /d "%~dp0"
if not exist .venv\\Scripts\\openers-quickconnect.exe (
  py -3 -m venv .venv || exit /b 1
  for %%w in (wheels\\*.whl) do .venv\\Scripts\\python -m pip install --quiet "%%w" || exit /b 1
)
if "%QUICKCONNECT_KEY_PASSWORD%"=="" set QUICKCONNECT_KEY_PASSWORD={password}
if "%~1"=="" (
  .venv\\Scripts\\openers-quickconnect serve
) else (
  .venv\\Scripts\\openers-quickconnect %*
)
"""
YML: Final = """service:
  base-url: {service}
application:
  client-id: {client_id}
  key-file: key.p12
  key-password: ${{QUICKCONNECT_KEY_PASSWORD}}
  kid: {kid}
pages:
  port: {port}
  state: state
"""


def main() -> None:
    """Make the zip that the command line asks for."""
    parser = argparse.ArgumentParser(prog="make_partner_zip", description=__doc__)
    parser.add_argument("--service", default="http://127.0.0.1:8000", help="base URL of the service")
    parser.add_argument("--client-id", default="quickconnect", help="id of the partner's application")
    parser.add_argument("--key", type=Path, default=DEMO_KEY, help="its private JSON Web Key")
    parser.add_argument("--password", default=PASSWORD, help="password of the key store in the zip")
    parser.add_argument("--port", type=int, default=8003, help="port of the pages")
    parser.add_argument("--out", type=Path, default=ROOT / "dist/quickconnect.zip", help="the zip")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        wheel = build_wheel(Path(name))
        write_zip(wheel, options)
    print(f"{options.out}, {options.out.stat().st_size // 1000} kB")


def build_wheel(folder: Path) -> Path:
    """Build the wheel of the three packages in `folder`, without network; return its path."""
    source = folder / "source"
    for name in PACKAGES:
        shutil.copytree(ROOT / "src" / name, source / "src" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "THIRD-PARTY-NOTICES"):
        shutil.copy(ROOT / name, source)
    (source / "pyproject.toml").write_text(_project())
    command = [sys.executable, "-c", HOOK, str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)  # noqa: S603 -- our own command
    if done.returncode:
        raise SystemExit(done.stderr)
    return folder / done.stdout.splitlines()[-1]


def write_zip(wheel: Path, options: argparse.Namespace) -> None:
    """Write the zip with the wheel."""
    key: dict[str, Any] = json.loads(options.key.read_text())
    yml = YML.format(service=options.service, client_id=options.client_id, kid=key["kid"], port=options.port)
    password = options.password if options.key == DEMO_KEY else ""
    texts = {
        "application.yml": yml,
        "README.txt": READ_ME,
        "runme.sh": SH.format(password=password or "''"),
        "runme.bat": BAT.format(password=password).replace("\n", "\r\n"),
        "LICENSE": (ROOT / "LICENSE").read_text(),
        "THIRD-PARTY-NOTICES": (ROOT / "THIRD-PARTY-NOTICES").read_text(),
    }
    with ZipFile(options.out, "w", ZIP_DEFLATED) as out:
        for name, text in texts.items():
            info = ZipInfo(f"quickconnect/{name}")
            info.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
            info.compress_type = ZIP_DEFLATED
            out.writestr(info, text)
        out.writestr("quickconnect/key.p12", _key_store(key, options.password))
        out.write(wheel, f"quickconnect/wheels/{wheel.name}")


def _project() -> str:
    """Return the project file of the wheel, with the version and the bounds of this project."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    everything = [*told["dependencies"], *told["optional-dependencies"]["quickconnect"]]
    extra = {each.partition(">")[0] for each in told["optional-dependencies"]["quickconnect"]}
    needs = [each for each in everything if each.partition(">")[0] in {*NEEDS, *extra}]
    return f"""[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "openers-quickconnect"
version = "{told["version"]}"
description = "Quick Connect: the application for professionals of an e-Referral Service"
license = "MIT"
license-files = ["LICENSE", "THIRD-PARTY-NOTICES"]
requires-python = "{told["requires-python"]}"
dependencies = {json.dumps(needs)}

[project.scripts]
openers-quickconnect = "openers_quickconnect.__main__:app"

[tool.setuptools.packages.find]
where = ["src"]

[tool.setuptools.package-data]
"*" = ["*", "**/*"]
"""


def _key_store(key: dict[str, Any], password: str) -> bytes:
    """Return a PKCS#12 key store with the key."""
    private = load_pem_private_key(RSAKey.import_key(key).as_pem(private=True), None)
    if not isinstance(private, RSAPrivateKey):
        raise SystemExit("the key is no RSA key")
    lock = BestAvailableEncryption(password.encode())
    return serialize_key_and_certificates(key["kid"].encode(), private, None, None, lock)


if __name__ == "__main__":
    main()
