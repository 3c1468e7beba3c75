"""World packs: the initial content of a world, written by hand in TOML files beside this one.

A pack is read into the structs of the domain, checked, and completed with derived data. Examples: the location of a
service from its site, public keys from private ones, a crowd of patients from a seed. `worlds.running.loader` and the
command line call it.
"""

from openers.worlds.packs.loaded import keep_loaded, loaded_pack, pack_from, store_value
from openers.worlds.packs.pack import Pack, PackError, PackPas, Scene
from openers.worlds.packs.reading import (
    Stamp,
    is_path,
    knows_pack,
    pack_names,
    parse_pack,
    read_pack,
    reference_to,
    stamp_of,
    world_name,
)
from openers.worlds.packs.received import keep_received, to_send

__all__ = [
    "Pack",
    "PackError",
    "PackPas",
    "Scene",
    "Stamp",
    "is_path",
    "keep_loaded",
    "keep_received",
    "knows_pack",
    "loaded_pack",
    "pack_from",
    "pack_names",
    "parse_pack",
    "read_pack",
    "reference_to",
    "stamp_of",
    "store_value",
    "to_send",
    "world_name",
]
