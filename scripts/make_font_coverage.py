"""Write the characters of each font of the documents to `src/openers/paper/coverage.tsv`.

Run it with `.venv/bin/python scripts/make_font_coverage.py` after a font was added or replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from fontTools.ttLib import TTFont

DOCUMENTS = Path(__file__).parents[1] / "src" / "openers" / "paper"


def main() -> None:
    """Write one line for each font: its file and its ranges of characters, hexadecimal, both ends included."""
    lines = [f"{path.name}\t{','.join(ranges(characters(path)))}" for path in sorted(DOCUMENTS.glob("fonts/*.ttf"))]
    (DOCUMENTS / "coverage.tsv").write_text("\n".join(lines) + "\n", "utf-8")


def characters(path: Path) -> list[int]:
    """Return the characters for which a font has a glyph."""
    with TTFont(path) as font:
        return sorted(font.getBestCmap())


def ranges(numbers: Iterable[int]) -> Iterator[str]:
    """Yield ranges of consecutive numbers."""
    first = last = -1
    for number in numbers:
        if number == last + 1 and first >= 0:
            last = number
            continue
        if first >= 0:
            yield f"{first:X}-{last:X}"
        first = last = number
    if first >= 0:
        yield f"{first:X}-{last:X}"


if __name__ == "__main__":
    main()
