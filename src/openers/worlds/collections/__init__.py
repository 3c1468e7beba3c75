"""Request collections for Postman, Bruno and `.http` files, made from the examples of operations.

`walk` lists the requests in an order in which each finds what it needs. The writers turn them into files.
"""

from __future__ import annotations

from collections.abc import Mapping

from openers.worlds.collections.bruno import FOLDER as BRUNO
from openers.worlds.collections.bruno import bruno_files
from openers.worlds.collections.http_file import http_files
from openers.worlds.collections.postman import postman_files
from openers.worlds.collections.sessions import session_files
from openers.worlds.collections.walk import walk

__all__ = ["BRUNO", "collection_files"]


def collection_files(base_url: str) -> Mapping[str, str]:
    """Return the text of each file of the collections by its path, with `base_url` as the address of the service."""
    chapters = walk()
    return {
        **postman_files(chapters, base_url),
        **bruno_files(chapters, base_url),
        **http_files(chapters, base_url),
        **session_files(base_url),
    }
