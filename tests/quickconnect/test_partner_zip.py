"""The zip for a partner, unpacked in an empty folder: it proves the connection, and a patient is referred."""

from __future__ import annotations

import json
import os
import re
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
from tests.kit.run.installed import environment_of, pack_wheels
from tests.kit.run.project import ROOT
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.live import free_port
from tests.kit.web.walker import Walker
from tests.quickconnect.conftest import KEY
from tests.quickconnect.test_journeys import GP, booked

STEPS: Final = (
    r"cd (HERE)",
    r"(?:! -x|not exist) (\S+)",
    r"python3 (-m venv \S+)",
    r"(\S+ -m pip install --quiet wheels/\*\.whl)",
    r"QUICKCONNECT_KEY_PASSWORD(?:=|:-)(\w+)",
    r"(serve)",
    r"(\S+/openers-quickconnect) (?:\"\$@\"|%\*)",
)
"""The steps of the programs, each with what must be the same."""
PROGRAMS: Final = r"(?:\.venv/bin/)?(?:python3?|pip|openers-quickconnect)\b"
FILES: Final = {"application.yml", "README.txt", "runme.sh", "runme.bat", "key.p12", "LICENSE", "THIRD-PARTY-NOTICES"}


@pytest.fixture(scope="module")
def port() -> int:
    """Return the port of the pages."""
    return free_port()


@pytest.fixture(scope="module")
def made(tested: TestedService, port: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the zip; return it."""
    zipped = tmp_path_factory.mktemp("zip") / "quickconnect.zip"
    command = [sys.executable, ROOT / "scripts/make_partner_zip.py", "--out", zipped, "--service", tested.base_url]
    subprocess.run([*command, "--port", str(port)], check=True, capture_output=True)
    return zipped


@pytest.fixture(scope="module")
def unpacked(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the zip in an empty folder, and install its wheel there quickly."""
    here = _unpacked(made, tmp_path_factory.mktemp("partner"))
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


def test_the_first_start_installs_it(made: Path, tmp_path: Path) -> None:
    """The first start makes an environment and lets pip install the wheel, here from a folder; a later one does not."""
    here = _unpacked(made, tmp_path)
    [wheel] = (here / "wheels").iterdir()
    wheels = pack_wheels(wheel, tmp_path / "index")
    base = Path(sys.base_prefix) / "bin"
    environment = {
        **_environment(),
        "PATH": f"{base}:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_CACHE_DIR": "1",
    }

    def _start(index: Path) -> subprocess.CompletedProcess[str]:
        told = {**environment, "PIP_FIND_LINKS": str(index)}
        command = ["sh", str(here / "runme.sh"), "--help"]
        return subprocess.run(command, cwd="/", env=told, capture_output=True, text=True, check=False)

    first = _start(wheels)
    assert (first.returncode, "worklist" in first.stdout) == (0, True), first.stderr
    again = _start(tmp_path)
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr


@pytest.mark.parametrize("own_key", [False, True])
def test_both_programs_take_the_same_steps(made: Path, tmp_path: Path, own_key: bool) -> None:
    """`runme.bat` and `runme.sh` have the same steps in the same order, and start the same programs, no others."""
    zipped = made
    if own_key:
        zipped, key = tmp_path / "own.zip", tmp_path / "own.jwk"
        key.write_text((ROOT / "src/openers/worlds/packs/keys/quickconnect.json").read_text())
        command = [sys.executable, ROOT / "scripts/make_partner_zip.py", "--out", zipped, "--key", key]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PARTNER_KEY_PASSWORD": "own"})
    with ZipFile(zipped) as file:
        texts = [file.read(f"quickconnect/runme.{kind}").decode() for kind in ("sh", "bat")]
    of_sh, of_bat = map(_plain, texts)
    steps = [each for each in STEPS if not own_key or "PASSWORD" not in each]
    for text in (of_sh, of_bat):
        places = [re.search(step, text) for step in steps]
        assert None not in places, (text, [step for step, at in zip(steps, places, strict=True) if at is None])
        starts = [each.start() for each in places if each is not None]
        assert starts == sorted(starts), text
    assert [re.findall(step, of_sh)[0] for step in steps] == [re.findall(step, of_bat)[0] for step in steps]
    assert set(re.findall(PROGRAMS, of_sh)) == set(re.findall(PROGRAMS, of_bat))
    assert ("PASSWORD" in of_sh, "PASSWORD" in of_bat) == (not own_key, not own_key), "the password is the user's"


def _plain(text: str) -> str:
    """Return a program without what only its shell needs: comments, kinds of slashes, endings, loops."""
    lines = [each for each in text.replace("\r", "").splitlines() if not each.startswith(("#", "rem ", "@echo"))]
    plain = "\n".join(lines).replace("\\", "/").replace("/Scripts/", "/bin/").replace(".exe", "")
    plain = (
        plain.replace("py -3 ", "python3 ")
        .replace("for %%w in (wheels/*.whl) do ", "")
        .replace('"%%w"', "wheels/*.whl")
    )
    return plain.replace('cd /d "%~dp0"', "cd HERE").replace('cd "$(dirname "$0")"', "cd HERE")


def _unpacked(zipped: Path, folder: Path) -> Path:
    """Unpack the zip in a folder; return the folder in it."""
    with ZipFile(zipped) as file:
        file.extractall(folder)
    return folder / "quickconnect"


def _environment() -> dict[str, str]:
    """Return the environment without what leads to the project's folder."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OPENERS", "QUICK"))}


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code == 200
    except httpx.TransportError:
        return False
