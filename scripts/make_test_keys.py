"""Make the published test keys of the demo world's applications: `src/openers/worlds/packs/keys/CLIENT.json`.

A developer runs it once for each application that signs assertions: `python scripts/make_test_keys.py CLIENT...`. The
private keys are published on purpose and open only test worlds; production mode refuses their applications.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from joserfc.jwk import KeyParameters, RSAKey

KEYS = Path(__file__).parents[1] / "src/openers/worlds/packs/keys"
BITS = 4096


def main() -> None:
    """Write a key for each named application without one."""
    for client_id in sys.argv[1:]:
        file = KEYS / f"{client_id}.json"
        if file.exists():
            raise SystemExit(f"{file.name} exists; delete it first to replace the key")
        parameters: KeyParameters = {"kid": f"{client_id}-1", "use": "sig", "alg": "RS512"}
        key = RSAKey.generate_key(BITS, parameters=parameters, private=True)
        file.write_text(json.dumps(key.as_dict(private=True), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
