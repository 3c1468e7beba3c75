"""A store's files are beside it and named after it; a store of release 0.1.0 keeps its old places."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kit.run.command import openers

from openers.places import PlaceKind, base_of, places_of
from openers.settings import read_settings


def kept_at(folder: Path, name: str) -> set[str]:
    """Return the places of a SQLite store's files in the settings, relative to `folder`."""
    settings = read_settings({}, {"database_url": f"sqlite:///{folder / name}"})
    files = (settings.audit_key_file, settings.signing_key_file, settings.files_key_file, settings.access_code_key_file)
    folders = [
        *(path.parent for path in files),
        Path(settings.blob_url.removeprefix("file:")),
        settings.drafts_directory,
        settings.ca_directory,
    ]
    return {str(path.relative_to(folder)) for path in folders}


def test_two_stores_in_one_folder_share_nothing(tmp_path: Path) -> None:
    assert kept_at(tmp_path, "a.db") == {"a.db.keys", "a.db.blobs", "a.db.drafts", "a.db.ca"}
    assert kept_at(tmp_path, "b.db") == {"b.db.keys", "b.db.blobs", "b.db.drafts", "b.db.ca"}


def test_a_store_of_0_1_keeps_its_files_and_a_new_one_beside_it_does_not_take_them(tmp_path: Path) -> None:
    for name in ("keys", "blobs"):
        (tmp_path / name).mkdir()
    (tmp_path / "old.db").touch()
    assert kept_at(tmp_path, "old.db") == {"keys", "blobs", "drafts", "ca"}
    assert kept_at(tmp_path, "new.db") == {"new.db.keys", "new.db.blobs", "new.db.drafts", "new.db.ca"}
    assert openers("db", "migrate", "--database-url", f"sqlite:///{tmp_path / 'new.db'}").stdout == "migrated\n"
    assert kept_at(tmp_path, "new.db") == {"new.db.keys", "new.db.blobs", "new.db.drafts", "new.db.ca"}
    assert kept_at(tmp_path, "old.db") == {"keys", "blobs", "drafts", "ca"}


@pytest.mark.parametrize(
    ("there", "used", "expected"),
    [
        ((), True, "ers.keys"),
        (("keys",), True, "keys"),
        (("keys",), False, "ers.keys"),
        (("keys", "ers.keys"), True, "ers.keys"),
    ],
)
def test_a_database_that_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], used: bool, expected: str
) -> None:
    """The files are in var/, named after the database; the old folder is used only if the database is in use."""
    monkeypatch.chdir(tmp_path)
    for name in there:
        (tmp_path / "var" / name).mkdir(parents=True)
    found = places_of("postgresql://a:b@db:5432/ers?sslmode=require", lambda _: used)
    assert found.of(PlaceKind.KEYS) == Path("var") / expected


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("sqlite:///var/openers.db", "var/openers.db"),
        ("sqlite:////srv/a b.db", "/srv/a b.db"),
        ("postgresql://u@h/ers", "var/ers"),
        ("postgresql://u@h/e%2Fr%20s?host=/run", "var/e_r_s"),
        ("postgresql://u@h/", "var/postgresql"),
        ("postgresql://u@h", "var/postgresql"),
        ("postgresql:///ers?host=/run/pg", "var/ers"),
    ],
)
def test_what_names_begin_with(url: str, base: str) -> None:
    assert base_of(url) == Path(base)
