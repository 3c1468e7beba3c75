"""Record every example again, then write the parts of `docs/operations` that show them, and the collections."""

from __future__ import annotations

import asyncio
import logging

from tests.kit.examples.collections import write_collections
from tests.kit.examples.files import fill_in, write
from tests.kit.examples.pages import write_pages
from tests.kit.examples.stories import recorded

if __name__ == "__main__":
    logging.disable(logging.INFO)  # a line for each request
    fill_in()
    write(asyncio.run(recorded()))
    write_pages()
    write_collections()
