"""Schemathesis makes calls of the administration from its document: no reply is a failure, and each is as declared."""

from __future__ import annotations

from typing import Final

import httpx

from openers.testing import TestedService
from openers_client import application_token
from tests.generated.prepared import TENANT
from tests.generated.tools import Tools
from tests.kit.service.live import client_of

OPS: Final = "demo-ops"
CHECKS: Final = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_no_call_of_the_administration_fails(tools: Tools, served: TestedService) -> None:
    """Right and wrong calls of every address, in a world of their own."""
    token = application_token(served.base_url, OPS, client_of(OPS).private_jwk or {}).access_token
    made = httpx.post(f"{served.base_url}/_test/worlds", json={"name": "administered", "from": "main"})
    assert made.is_success, made.text
    headers = f'{{ Authorization = "Bearer {token}", {TENANT} = "administered" }}'
    (tools.folder / "st.toml").write_text(f"seed = 1\nheaders = {headers}\n")
    words = ["--config-file", "st.toml", "run", f"{served.base_url}/admin/v1/openapi.json", "--checks", CHECKS]
    tools.python("schemathesis", *words, "--phases", "examples,fuzzing", "--max-examples", "4")
