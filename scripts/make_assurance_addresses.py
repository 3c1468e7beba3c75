"""Write the table of addresses by which `openers assurance` recognises the operations in a HAR file.

Run it after an operation was added: `python scripts/make_assurance_addresses.py`. A test reports when that is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from openers.api import operations  # noqa: F401 - registers today's operations
from openers.api.edge import PREFIX
from openers.api.legacy import assembly  # noqa: F401 - registers those of 2018
from openers.api.legacy.edge import PREFIX as LEGACY_PREFIX
from openers.api.legacy.registry import LEGACY, LegacyOperation, facade
from openers.api.registry import all_operations

TABLE: Final = Path(__file__).parent.parent / "src/openers_assurance/addresses.csv"


def table() -> str:
    """Return the table: operation, generation, method and path of each address."""
    today = {(each.id, each.fhir.name, each.method, f"{PREFIX}{each.path}") for each in all_operations()}
    earlier = {
        (each.id, str(each.generation), each.method, f"{LEGACY_PREFIX}{each.path}")
        for each in (endpoint.operation for endpoint in (*LEGACY, *facade()))
        if isinstance(each, LegacyOperation)
    }
    return "".join(f"{','.join(row)}\n" for row in sorted(today | earlier))


if __name__ == "__main__":
    TABLE.write_text(table())
