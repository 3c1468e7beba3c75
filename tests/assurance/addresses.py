"""Write the table of addresses by which `openers assurance` recognises the operations in a HAR file.

Run it after an operation was added: `python -m tests.assurance.addresses`. A test reports when that is needed.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

from openers.api.edge import PREFIX
from openers.api.legacy.edge import PREFIX as LEGACY_PREFIX
from openers.api.legacy.registry import LEGACY, LegacyOperation, facade
from openers.api.registry import all_operations

TABLE: Final = Path(__file__).parents[2] / "src/openers_assurance/addresses.csv"


def table() -> str:
    """Return the table: operation, generation, method and path of each address."""
    import_module("openers.bootstrap")  # it registers all operations
    today = {(each.id, each.fhir.name, each.method, f"{PREFIX}{each.path}") for each in all_operations()}
    earlier = {
        (each.id, str(each.generation), each.method, f"{LEGACY_PREFIX}{each.path}")
        for each in (endpoint.operation for endpoint in (*LEGACY, *facade()))
        if isinstance(each, LegacyOperation)
    }
    return "".join(f"{','.join(row)}\n" for row in sorted(today | earlier))


if __name__ == "__main__":
    TABLE.write_text(table())
