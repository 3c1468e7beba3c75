"""Reference data that ships with the service: code systems, clinical terms, places of postcodes.

Data files in our own format, each with its origin and licence in its header. Called by `bootstrap`, which hands one
`PackagedReference` to every world.
"""

from openers.reference.packaged import PackagedReference

__all__ = ["PackagedReference"]
