"""The settings of the portal: the list of environments, and the key of sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from openers_portal.settings import BadSettings, read_environments, read_key

ONE: Final = """
[[environments]]
name = "DEV1"
base_url = "https://dev1.example"
client_id = "admin"
key_file = "admin.jwk"
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "environments.toml"
    path.write_text(text)
    return path


def test_a_key_file_is_found_beside_the_list(tmp_path: Path) -> None:
    [found] = read_environments(_file(tmp_path, ONE))
    assert (found.name, found.key_file, found.test_mode) == ("DEV1", tmp_path / "admin.jwk", False)
    assert read_environments(_file(tmp_path, "")) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ONE + ONE, "two environments have the same name"),
        (ONE.replace("client_id", "client"), "client"),
        (ONE.replace('"admin.jwk"', "1"), "key_file"),
        ("[[environments", "is not TOML"),
    ],
)
def test_a_wrong_list_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadSettings, match=told) as raised:
        read_environments(_file(tmp_path, text))
    assert "environments.toml" in str(raised.value)


def test_a_list_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be read"):
        read_environments(tmp_path / "none.toml")


def test_the_key_is_made_once_for_its_owner_alone_and_damage_is_told(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = read_key(state)
    assert read_key(state) == first
    assert (state / "keys").stat().st_mode & 0o777 == 0o600
    (state / "keys").write_bytes(b"short")
    with pytest.raises(BadSettings, match="is damaged"):
        read_key(state)
