"""Serve the style guide: `python -m openers_web.style_guide [PORT]`, by default on a free port that it prints."""

from __future__ import annotations

import sys

import uvicorn

from openers_web.style_guide.page import PATH, application

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    print(f"the style guide is at {PATH}")
    uvicorn.run(application(), host="127.0.0.1", port=port, log_level="info")
