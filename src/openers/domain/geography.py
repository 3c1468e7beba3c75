"""Points on the British National Grid, and distances in miles."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

METRES_PER_MILE: Final = 1609.344


class Point(NamedTuple):
    """Easting and northing in metres."""

    easting: int
    northing: int


def distance_miles(here: Point, there: Point) -> float:
    """Return the straight-line distance in miles."""
    return math.hypot(here.easting - there.easting, here.northing - there.northing) / METRES_PER_MILE
