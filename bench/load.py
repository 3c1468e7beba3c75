"""Load by wrk: run one scenario for some seconds at some connections, and return the measurement."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec

_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_TOTAL = re.compile(r"(\d+) requests in")
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)")
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Request(msgspec.Struct, frozen=True):
    """The repeated request; `paths` are requested in turn. `file` is the body if that is not JSON."""

    name: str
    method: str
    paths: tuple[str, ...]
    headers: dict[str, str]
    body: dict[str, Any] | None = None
    file: Path | None = None


class Measured(msgspec.Struct, frozen=True):
    """The result of one run: requests a second, 99th percentile in milliseconds, number of 2xx replies."""

    rate: float
    p99_ms: float
    answered: int


def run(base_url: str, request: Request, connections: int, seconds: int, directory: Path) -> Measured:
    """Run wrk for `seconds`. Raises RuntimeError for any reply other than 2xx."""
    script = directory / f"{request.name}.lua"
    script.write_text(_lua(request))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), base_url]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own command
    failed = _FAILED.search(printed)
    if failed:
        raise RuntimeError(f"{request.name}: {failed[0]}")
    rate, p99, total = _RATE.search(printed), _P99.search(printed), _TOTAL.search(printed)
    if not (rate and p99 and total):
        raise RuntimeError(f"unexpected output of wrk:\n{printed}")
    return Measured(float(rate[1]), float(p99[1]) * _MS[p99[2]], int(total[1]))


def _lua(request: Request) -> str:
    """Return the wrk script of a request."""
    body = f"[==[{'' if request.body is None else msgspec.json.encode(request.body).decode()}]==]"
    if request.file is not None:
        body = f'io.open([[{request.file}]], "rb"):read("*a")'
    headers = "\n".join(f'wrk.headers["{name}"] = [[{value}]]' for name, value in request.headers.items())
    paths = ", ".join(f"[[{path}]]" for path in request.paths)
    return f"""
wrk.method = "{request.method}"
wrk.body = {body}
{headers}
local paths, at = {{ {paths} }}, 0
local ready = {{}}
function request()
  at = at % #paths + 1
  ready[at] = ready[at] or wrk.format(nil, paths[at])
  return ready[at]
end
"""
