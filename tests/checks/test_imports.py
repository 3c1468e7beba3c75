"""The tree satisfies the import contracts, and each contract detects a violation planted in a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.kit.run.project import ROOT

VIOLATIONS = (
    ("layers", "domain/planted.py", "from openers.usecases import ports"),
    ("layers", "usecases/planted.py", "import openers.store.engine.tables"),
    ("layers", "store/planted.py", "from openers.identity import planted"),
    ("layers", "stray.py", "x = 1"),
    ("pure-core", "domain/planted.py", "import structlog"),
    ("pure-core", "usecases/planted.py", "from sqlalchemy import select"),
    ("pure-core", "usecases/planted.py", "import typst"),
    ("layers", "usecases/planted.py", "import openers.paper.typesetter"),
    ("api-without-store", "api/planted.py", "from openers.store import tables"),
    ("api-without-store", "web/planted.py", "import openers.store.engine.tables"),
    ("sql-in-store", "api/planted.py", "import sqlite3"),
    ("sql-in-store", "identity/planted.py", "from sqlalchemy import select"),
    ("fhir-versions", "wire/stu3/planted.py", "from openers.wire.r4 import planted"),
    ("client-knows-nothing-of-us", "../openers_client/planted.py", "from openers.domain import planted"),
    ("client-for-the-command-line", "api/planted.py", "import openers_client.planted"),
    ("test-pas-is-an-island", "../openers_testpas/planted.py", "from openers.domain import planted"),
    ("nobody-knows-the-test-pas", "api/planted.py", "import openers_testpas.planted"),
    ("calls-to-pas-in-the-connector", "pas/planted.py", "from openers.usecases import ports"),
    ("relationship-in-the-api", "api/operations/planted.py", "import openers.domain.callers"),
    ("sql-in-store", "pas/planted.py", "import asyncpg"),
    ("layers", "outbound/planted.py", "import openers.store.engine.tables"),
    ("production-without-worlds", "bootstrap.py", "import openers.worlds.planted"),
    ("production-without-worlds", "api/planted.py", "import openers.worlds.planted"),
    ("order-of-api", "api/http/planted.py", "import openers.api.call"),
    ("order-of-api", "api/operation.py", "import openers.api.call"),
    ("order-of-api", "api/health.py", "import openers.api.oauth.routes"),
    ("order-of-api", "api/stray.py", "x = 1"),
    ("order-of-use-cases", "usecases/ports/planted.py", "import openers.usecases.world"),
    ("order-of-use-cases", "usecases/world.py", "import openers.usecases.finding"),
    ("order-of-use-cases", "usecases/finding.py", "import openers.usecases.directory.planted"),
    ("order-of-use-cases", "usecases/worklists/planted.py", "import openers.usecases.directory.planted"),
    ("order-of-use-cases", "usecases/files/planted.py", "import openers.usecases.booking.planted"),
    ("order-of-use-cases", "usecases/booking/planted.py", "import openers.usecases.referring.planted"),
    ("order-of-use-cases", "usecases/deciding/planted.py", "import openers.usecases.referring.planted"),
    ("order-of-use-cases", "usecases/referring/planted.py", "import openers.usecases.paper.planted"),
    ("order-of-use-cases", "usecases/paper/planted.py", "import openers.usecases.advice.planted"),
    ("order-of-use-cases", "usecases/due.py", "import openers.usecases.events.planted"),
    ("order-of-use-cases", "usecases/advice/planted.py", "import openers.usecases.jobs"),
    ("order-of-use-cases", "usecases/stray.py", "x = 1"),
    ("order-of-store", "store/engine/planted.py", "import openers.store.records.planted"),
    ("order-of-store", "store/records/planted.py", "import openers.store.audit.planted"),
    ("order-of-store", "store/sqlite.py", "import openers.store.opening"),
    ("order-of-wire", "wire/json.py", "import openers.wire.outcome"),
    ("order-of-wire", "wire/r4/planted.py", "import openers.wire.outcome"),
    ("order-of-wire", "wire/stu3/planted.py", "import openers.wire.schemas"),
    ("order-of-stu3", "wire/stu3/booking/planted.py", "import openers.wire.stu3.acts.planted"),
    ("order-of-stu3", "wire/stu3/worklists/planted.py", "import openers.wire.stu3.advice.planted"),
    ("order-of-worlds", "worlds/running/planted.py", "import openers.worlds.recording.planted"),
    ("order-of-worlds", "worlds/recording/planted.py", "import openers.worlds.running.planted"),
    ("order-of-worlds", "worlds/packs/planted.py", "import openers.worlds.faults.planted"),
    ("order-of-worlds", "worlds/http/planted.py", "import openers.worlds.mode"),
    ("order-of-worlds", "worlds/mode.py", "import openers.worlds.entrance"),
    ("order-of-test-pas", "../openers_testpas/hospital/planted.py", "import openers_testpas.fhir"),
    ("order-of-test-pas", "../openers_testpas/outbound/planted.py", "import openers_testpas.pages.planted"),
    ("portal-is-an-island", "../openers_portal/planted.py", "from openers.domain import planted"),
    ("order-of-portal", "../openers_portal/rules/planted.py", "import openers_portal.store"),
    ("quick-connect-is-an-island", "../openers_quickconnect/planted.py", "from openers.domain import planted"),
    ("order-of-quick-connect", "../openers_quickconnect/pages/planted.py", "import openers_quickconnect.routes"),
    ("web-kit-knows-nothing-of-us", "../openers_web/parts/planted.py", "from openers.domain import planted"),
    ("order-of-web-kit", "../openers_web/parts/planted.py", "import openers_web.layout"),
)
"""The contract, the file, and the line to plant. An imported module `planted` is created too."""
IMPORTED: Final = re.compile(r"(?:import|from) (openers[.\w]*?)(?:\.| import )planted")


def _lint(source: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [word for name in contracts for word in ("--contract", name)]
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", ROOT / ".importlinter", *chosen]
    environment = os.environ | {"PYTHONPATH": str(source)}
    return subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)


def test_the_tree_keeps_every_contract() -> None:
    result = _lint(ROOT / "src")
    assert result.returncode == 0, result.stdout


def test_every_folder_of_code_is_a_package_that_the_contracts_see() -> None:
    folders = {path.parent for path in (ROOT / "src").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize(("contract", "place", "line"), VIOLATIONS)
def test_a_planted_violation_breaks_its_contract(contract: str, place: str, line: str, tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__", "*.csv", "*.tsv"))
    for package in IMPORTED.findall(line):
        (source / package.replace(".", "/") / "planted.py").write_text("x = 1\n")
    target = source / "openers" / place
    target.write_text(f"{target.read_text() if target.exists() else ''}\n{line}\n")
    result = _lint(source, contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout
