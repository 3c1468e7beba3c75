"""Plant the faults one by one, two at a time, and say which test noticed each: `python -m tests.sabotage`."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Final

from tests.kit.run.faults import Fault, Misfit
from tests.kit.run.project import ROOT
from tests.sabotage.table import PAGE, page, read_faults
from tests.sabotage.trial import LONGEST_S, Copy, Run

AT_ONCE: Final = 2
SHOWN_LINES: Final = 25


def main(arguments: list[str]) -> int:
    """Plant the faults named by `arguments`, or all of them.

    Return 0 if each was noticed, 1 if one was not, 2 if the tests fail without a fault.
    """
    parser = argparse.ArgumentParser(prog="make sabotage", description=__doc__)
    parser.add_argument("--only", metavar="ID", action="append", help="only this fault; may be repeated")
    only: list[str] = parser.parse_args(arguments).only or []
    everything = read_faults()
    chosen = tuple(fault for fault in everything if not only or fault.id in only)
    if unknown := set(only) - {fault.id for fault in chosen}:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    with TemporaryDirectory(prefix="sab") as directory:
        place = Path(directory).resolve()
        copies = [Copy(ROOT, place / str(number), place / "c") for number in range(AT_ONCE)]
        if not _is_green(copies[0], chosen):
            return 2
        noticed = _plant_all(copies, chosen)
    survived = [fault.id for fault in chosen if fault.id not in noticed]
    if survived:
        print(f"\n{len(survived)} of {len(chosen)} faults went unnoticed: {', '.join(survived)}")
        return 1
    print(f"\nEach of {len(chosen)} faults was noticed.")
    if chosen == everything:
        PAGE.write_text(page(everything, noticed), "utf-8")
    return 0


def _is_green(copy: Copy, faults: tuple[Fault, ...]) -> bool:
    """Return whether the tests of all faults pass without a fault."""
    tests = list(dict.fromkeys(test for fault in faults for test in fault.tests))
    run = copy.run(tests, ("-n", str(AT_ONCE)))
    if run.is_green:
        print(f"{'without a fault: green':62} {run.seconds:5.1f} s", flush=True)
    else:
        print(run.output, "\nThe tests are not green without a fault: nothing can be told of the faults.", sep="")
    return run.is_green


def _plant_all(copies: list[Copy], faults: tuple[Fault, ...]) -> dict[str, str]:
    """Plant each fault in a free copy; return the test that noticed it, by id of the fault."""
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)
    noticed: dict[str, str] = {}

    def plant(fault: Fault) -> None:
        copy = free.get()
        try:
            with copy.planted(fault):
                run = copy.run(fault.tests)
        except Misfit as error:
            print(f"{fault.id}: does not fit any more\n{error}", flush=True)
            return
        finally:
            free.put(copy)
        _tell(fault, run)
        if run.is_red and run.red is not None:
            noticed[fault.id] = run.red

    with ThreadPoolExecutor(len(copies)) as pool:
        list(pool.map(plant, faults))
    return noticed


def _tell(fault: Fault, run: Run) -> None:
    if run.is_red:
        print(f"{fault.id:36} {run.seconds:5.1f} s  {run.red}", flush=True)
        return
    if run.status is None:
        verdict = f"hung for {LONGEST_S} s"
    else:
        verdict = "WENT UNNOTICED" if run.is_green else f"ended with {run.status} and without a red test"
    shown = "" if run.is_green else "\n" + "\n".join(run.output.splitlines()[-SHOWN_LINES:])
    print(f"{fault.id:36} {run.seconds:5.1f} s  {verdict}{shown}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
