"""Reference data that ships with the service: code systems, clinical terms, and locations of postcodes.

The data files have our own format; the header of each gives its origin and licence. `bootstrap` passes one
`PackagedReference` to every world.
"""

from openers.reference.packaged import PackagedReference

__all__ = ["PackagedReference"]
