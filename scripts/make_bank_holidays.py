"""Write England's bank holidays of 2000 to 2100, from the package `holidays`, for the service and the Test PAS.

Run it after an upgrade of `holidays`; a test reports when that is needed: `.venv/bin/python
scripts/make_bank_holidays.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from holidays import country_holidays

FIRST: Final = 2000
LAST: Final = 2100
TARGETS: Final = ("src/openers/domain/bank_holidays.py", "src/openers_testpas/hospital/bank_holidays.py")
HEAD: Final = '''"""England's bank holidays, the days observed in their place included: a year a line.

Made by `scripts/make_bank_holidays.py`.
Later years have none here. Source: the package `holidays`; ADR 0051.
"""

from __future__ import annotations

from datetime import date
from typing import Final

_YEARS: Final = """
'''
TAIL: Final = '''"""

BANK_HOLIDAYS: Final = frozenset(
    date.fromisoformat(f"{year}-{day}") for year, *days in map(str.split, _YEARS.split("\\n")[1:-1]) for day in days
)
"""All of them."""
'''


def main() -> None:
    """Write both files."""
    root = Path(__file__).parents[1]
    lines: list[str] = []
    for year in range(FIRST, LAST + 1):
        days = sorted(country_holidays("GB", subdiv="ENG", years=year))
        lines.append(" ".join((str(year), *(day.strftime("%m-%d") for day in days))))
    text = HEAD + "".join(f"{line}\n" for line in lines) + TAIL
    for target in TARGETS:
        (root / target).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
