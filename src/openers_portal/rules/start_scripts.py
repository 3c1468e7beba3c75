"""Scripts that start Quick Connect beside the files of an endpoint: on Linux, macOS and Windows."""

from __future__ import annotations

from typing import Final

PASSWORD: Final = "password.txt"
"""The file whose first line is the password of the key stores."""
READ_ME: Final = """Files of an endpoint

application.yml names the service, your application and its key. Two ways to start Quick Connect with it:

- Install OpenERS, so that the command `openers` is found, or
- put the wheel of Quick Connect (from quickconnect.zip) into a folder `wheels` here. You need Python 3.11 or newer.

Then start runme.sh (Linux, macOS) or runme.bat (Windows), and open http://127.0.0.1:8003.

runme.sh check                     proves the connection step by step, and says what to do
runme.sh serve --port 8013         serves the pages at another port
runme.sh worklist pull --to FOLDER downloads a worklist
"""
SH: Final = """#!/bin/sh
# Starts Quick Connect with the application.yml beside this file.
cd "$(dirname "$0")" || exit 1
if [ -z "$QUICKCONNECT_KEY_PASSWORD" ] && [ -f password.txt ]; then
  QUICKCONNECT_KEY_PASSWORD=$(head -n 1 password.txt)
  export QUICKCONNECT_KEY_PASSWORD
fi
if [ "$#" -eq 0 ]; then
  set -- serve
fi
if [ -d wheels ]; then
  if [ ! -x .venv/bin/openers-quickconnect ]; then
    python3 -m venv .venv && .venv/bin/python -m pip install --quiet wheels/*.whl || exit 1
  fi
  exec .venv/bin/openers-quickconnect "$@"
fi
if command -v openers >/dev/null; then
  exec openers quickconnect "$@"
fi
echo "Quick Connect is missing: README.txt names two ways to get it." >&2
exit 1
"""
BAT: Final = """@echo off
rem Starts Quick Connect with the application.yml beside this file.
cd /d "%~dp0"
if "%QUICKCONNECT_KEY_PASSWORD%"=="" if exist password.txt set /p QUICKCONNECT_KEY_PASSWORD=<password.txt
set arguments=%*
if "%~1"=="" set arguments=serve
if not exist wheels goto installed
if not exist .venv\\Scripts\\openers-quickconnect.exe (
  py -3 -m venv .venv || exit /b 1
  for %%w in (wheels\\*.whl) do .venv\\Scripts\\python -m pip install --quiet "%%w" || exit /b 1
)
.venv\\Scripts\\openers-quickconnect %arguments%
exit /b %errorlevel%
:installed
where openers >nul 2>nul || (echo Quick Connect is missing: README.txt names two ways to get it. & exit /b 1)
openers quickconnect %arguments%
"""


def start_scripts() -> dict[str, str]:
    """Return the files by name, with the line ends of their systems."""
    return {"runme.sh": SH, "runme.bat": BAT.replace("\n", "\r\n"), "README.txt": READ_ME}
