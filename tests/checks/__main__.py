"""Run all checks on the tree: `python -m tests.checks`. Print each finding, and fail if there is any."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.checks.catalogue import CHECKS, may_hold_no_example
from tests.checks.examples import borrowed, published
from tests.checks.rules import rule_findings
from tests.checks.source import Check, run, texts
from tests.checks.structure import TREE_CHECKS


def main() -> int:
    """Run all checks; return the exit status, 0 without findings."""
    checks = list(CHECKS)
    reference = os.environ.get("OPENERS_REFERENCE_DIR")
    if reference:
        checks.append(Check("no example in src", may_hold_no_example, borrowed(published(Path(reference)))))
    sources = list(texts())
    findings = [finding for check in checks for finding in run(check, sources)]
    findings += [finding for check in TREE_CHECKS for finding in check(sources)]
    findings += rule_findings(sources)
    for finding in findings:
        print(finding)
    print(f"{len(checks) + len(TREE_CHECKS) + 1} checks of {len(sources)} files: {len(findings) or 'no'} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
