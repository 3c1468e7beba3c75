"""The zip for a partner, unpacked in an empty folder: it proves the connection, and a patient is referred."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from openers.testing import TestedService
from tests.kit.run.installed import environment_of
from tests.kit.run.project import ROOT
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.live import free_port
from tests.kit.web.walker import Walker
from tests.quickconnect.conftest import KEY
from tests.quickconnect.test_journeys import GP, booked

FILES: Final = {"application.yml", "README.txt", "runme.sh", "runme.bat", "key.p12", "LICENSE", "THIRD-PARTY-NOTICES"}


@pytest.fixture(scope="module")
def port() -> int:
    """Return the port of the pages."""
    return free_port()


@pytest.fixture(scope="module")
def unpacked(tested: TestedService, port: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the zip, unpack it in an empty folder, and install its wheel there as its first start does."""
    folder = tmp_path_factory.mktemp("partner")
    made = folder / "quickconnect.zip"
    command = [sys.executable, ROOT / "scripts/make_partner_zip.py", "--out", made, "--service", tested.base_url]
    subprocess.run([*command, "--port", str(port)], check=True, capture_output=True)
    with ZipFile(made) as file:
        file.extractall(folder)
    here = folder / "quickconnect"
    [wheel] = (here / "wheels").iterdir()
    environment_of(wheel, here / ".venv")
    return here


@pytest.fixture
def pages(unpacked: Path, port: int) -> Generator[str]:
    """Run the pages as the partner does; return their address."""
    process = subprocess.Popen(["sh", unpacked / "runme.sh"], cwd="/", env=_environment())
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is None and _answers(address), "the pages do not answer")
        yield address
    finally:
        process.terminate()
        process.wait(HANGS_AFTER_S)


def test_the_zip_has_quick_connect_and_nothing_of_the_service(unpacked: Path) -> None:
    assert {each.name for each in unpacked.iterdir()} == {*FILES, "wheels", ".venv"}
    [wheel] = (unpacked / "wheels").iterdir()
    with ZipFile(wheel) as file:
        folders = {name.partition("/")[0] for name in file.namelist() if ".dist-info" not in name}
    assert folders == {"openers_client", "openers_web", "openers_quickconnect"}
    assert b"\r\n" in (unpacked / "runme.bat").read_bytes()


def test_a_key_of_ones_own_needs_a_password_of_ones_own(tmp_path: Path) -> None:
    """It is in no starter and not on the command line; values of the settings stay texts."""
    key, made = tmp_path / "own.json", tmp_path / "own.zip"
    shutil.copy(KEY, key)
    command = [sys.executable, ROOT / "scripts/make_partner_zip.py", "--out", made, "--key", key, "--client-id", "no"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, "PARTNER_KEY_PASSWORD" in refused.stderr, made.exists()) == (2, True, False)
    given = {**os.environ, "PARTNER_KEY_PASSWORD": "secret-of-mine"}
    subprocess.run(command, check=True, capture_output=True, env=given)
    with ZipFile(made) as file:
        texts = {name: file.read(name) for name in file.namelist() if not name.endswith(".whl")}
    assert not [name for name, text in texts.items() if b"secret-of-mine" in text or b"published" in text]
    assert yaml.safe_load(texts["quickconnect/application.yml"])["application"]["client-id"] == "no"
    with pytest.raises(ValueError, match="password"):
        load_pkcs12(texts["quickconnect/key.p12"], b"published")
    assert load_pkcs12(texts["quickconnect/key.p12"], b"secret-of-mine").key


def test_it_proves_the_connection(unpacked: Path) -> None:
    words = ["check", "--user", GP, "--organisation", "D82106", "--business-function", "REFERRING_CLINICIAN", "--json"]
    done = subprocess.run(
        ["sh", unpacked / "runme.sh", *words], cwd="/", env=_environment(), capture_output=True, text=True, check=False
    )
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, [each["name"] for each in steps if not each["holds"]]) == (0, []), done.stderr
    assert steps[-1]["name"] == "first call"


def test_a_patient_is_referred_and_booked(pages: str) -> None:
    gp = Walker(pages)
    gp.log_in(GP)
    booked(gp)
    gp.close()


def _environment() -> dict[str, str]:
    """Return the environment without what leads to the project's folder."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OPENERS", "QUICK"))}


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code == 200
    except httpx.TransportError:
        return False
