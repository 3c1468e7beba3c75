"""`openers admin KIND list|show|put|end`, with a running service."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from openers.cli.admin.kinds import KINDS
from openers.domain.administration.rights import Resource
from openers.wire.admin.cells import UnreadableCell, cells_of, record_of
from tests.kit.run.command import openers
from tests.kit.service.administration import KEYS, key_of, records
from tests.kit.service.live import Live, live, settings_env
from tests.kit.service.running import copied

NAMES = {resource.value: name for name, resource in KINDS.items()}
CHANGES = {
    "organisations": ("telephone", "0113 2000000"),
    "sites": ("name", "South wing"),
    "people": ("roles", "RCD:SERVICE_PROVIDER_CLINICIAN+SERVICE_PROVIDER_ADMIN; D82106:REFERRING_ADMIN"),
    "applications": ("redirect_uris", "https://app.example/callback; https://app.example/other"),
    "code-sets": ("ended_specialties", "2WW; CARDIOLOGY"),
    "services": ("clinic_types", "CARDIOLOGY/HEART_FAILURE; CARDIOLOGY/ISCHAEMIC_HEART_DISEASE"),
    "commissioning-rules": ("starts", "2031-01-01"),
    "pas-links": ("url", "http://127.0.0.1:10/fhir"),
    "endpoints": ("source_addresses", "192.0.2.0/24; 198.51.100.7"),
    "patients": ("address", "1 Moor Lane; Leeds"),
}


@pytest.fixture(scope="module")
def service(sqlite_template: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """Run a service on the demo world."""
    with live(settings_env(copied(sqlite_template, tmp_path_factory.mktemp("commands")), keys)) as run:
        yield run


def said(service: Live, *words: str) -> str:
    """Run a command for the service; it must succeed."""
    done = openers("admin", *words, "--base-url", service.base_url)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_each_kind_is_put_changed_shown_and_ended(service: Live) -> None:
    """A record is created from cells, and changed in one field; the others keep their values. Then it ends."""
    for resource, record in records().items():
        kind, key = NAMES[resource], key_of(resource, record)
        cells = [f"{name}={text}" for name, text in cells_of(Resource(resource), record).items() if text]
        assert said(service, kind, "put", key, *cells) == f"{key}: created\n"
        field, text = CHANGES[resource]
        assert said(service, kind, "put", key, f"{field}={text}") == f"{key}: replaced\n"
        shown = json.loads(said(service, kind, "show", key, "--json"))
        assert (shown["key"], shown["version"]) == (key, 2)
        assert {**record, field: 0}.items() <= {**shown["value"], field: 0}.items()
        assert cells_of(Resource(resource), shown["value"])[field] == text
    for resource, record in reversed(records().items()):
        if resource != "patients":
            assert said(service, NAMES[resource], "end", key_of(resource, record)).endswith(": replaced\n")


def test_a_rehearsal_and_a_repetition_change_nothing(service: Live) -> None:
    """The command says what would change, what has changed, and that nothing is left to change; lists show it."""
    put = ("organisation", "put", "ZZ6", "name=A; B", "kind=PROVIDER", "postcode=LS1 4AP")
    assert said(service, *put, "--dry-run") == said(service, *put) == "ZZ6: created\n"
    assert said(service, *put) == "ZZ6: unchanged\n"
    assert "version=1\nods=ZZ6\nname=A; B\n" in said(service, "organisation", "show", "ZZ6")
    assert "ZZ6\tversion 1\tA; B\tPROVIDER\tLS1 4AP\n" in said(service, "organisation", "list")
    listed = json.loads(said(service, "organisation", "list", "--organisation", "ZZ6", "--json"))
    assert [each["key"] for each in listed] == ["ZZ6"]


def test_an_application_is_put_with_a_file_of_keys_and_administers_with_them(service: Live, tmp_path: Path) -> None:
    """`openers admin key new` makes the files that `put` and `--key` read; the new application may list others."""
    assert openers("admin", "key", "new", str(tmp_path / "ops.jwk")).returncode == 0
    public, private = f"keys=@{tmp_path / 'ops.jwk.public'}", ("--client-id", "ops", "--key", str(tmp_path / "ops.jwk"))
    fields = ("name=Ops", "mode=application-restricted", "administers=true", public)
    assert said(service, "application", "put", "ops", *fields) == "ops: created\n"
    assert "RCD\t" in said(service, "organisation", "list", *private)
    whole = tmp_path / "record.json"
    whole.write_text(json.dumps({"ods": "ZZ5", "name": "From a file", "kind": "PROVIDER", "postcode": "LS1 4AP"}))
    assert said(service, "organisation", "put", "ZZ5", "--file", str(whole), *private) == "ZZ5: created\n"
    assert "\nname=From a file\n" in said(service, "organisation", "show", "ZZ5")


def test_a_webhook_is_registered_and_removed(service: Live) -> None:
    """Only the registration shows the secret."""
    made = json.loads(said(service, "webhook", "put", "http://127.0.0.1:9/hook", "--json"))
    assert made["secret"] not in said(service, "webhook", "show", made["id"])
    assert said(service, "webhook", "end", made["id"]) == f"{made['id']}: removed\n"
    assert made["id"] not in said(service, "webhook", "list")


REFUSALS: list[tuple[tuple[str, ...], str]] = [
    (("organisation", "show", "ZZ9"), "there is no record ZZ9 among the organisations"),
    (("organisation", "put", "ZZ9", "name"), "name is not written as FIELD=VALUE"),
    (("organisation", "put", "ZZ9", "nam=A"), "organisations have no such field; use ods, name,"),
    (("organisation", "put", "ZZ9", "name=A"), "missing required field `kind`"),
    (("site", "put", "ZZ9", "organisation=ZZ8", "name=A", "postcode=LS1 4AP"), "(/organisation): register"),
    (("person", "put", "555900000099", "name=A", "roles=RCD"), "is not written as ODS:FUNCTION"),
    (("application", "put", "x", "keys=@/dev/null"), "/dev/null cannot be registered"),
    (("organisation", "list", "--client-id", "nobody"), "no key of nobody is known"),
    (("organisation", "list", "--key", "/dev/null"), "does not hold a private key"),
    (("organisation", "list", "--client-id", "demo-provider-app"), "is not registered to administer"),
]


@pytest.mark.parametrize(("words", "told"), REFUSALS)
def test_a_refusal_is_told_in_one_line(service: Live, words: tuple[str, ...], told: str) -> None:
    """The line has cause, place and cure; the exit status is 1."""
    done = openers("admin", *words, "--base-url", service.base_url)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert told in done.stderr


@pytest.mark.parametrize("text", ["[1]", "{", '"x"', "[" * 100_000])
def test_a_file_that_holds_no_draft_is_told(service: Live, tmp_path: Path, text: str) -> None:
    """The file is named, and nothing is printed that only programmers understand."""
    (tmp_path / "draft.json").write_text(text)
    words = ("create", "Name", "--organisation", "RCD", "--site", "RCD01", "--from", str(tmp_path / "draft.json"))
    done = openers("admin", "service", *words, "--base-url", service.base_url)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "draft.json" in done.stderr
    whole = ("put", "ZZ9", "--file", str(tmp_path / "draft.json"), "--base-url", service.base_url)
    done = openers("admin", "organisation", *whole)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "draft.json" in done.stderr


WRONG_BEFORE_A_CALL: list[tuple[tuple[str, ...], str]] = [
    (("organisation", "put", "ZZ9", "name"), "name is not written as FIELD=VALUE"),
    (("import", "no-such-file.csv"), "no-such-file.csv is not a file"),
    (("export", "no-such-folder", "--kind", "webhook"), "there is no kind webhook to export"),
]


@pytest.mark.parametrize(("words", "told"), WRONG_BEFORE_A_CALL)
def test_a_wrong_argument_is_told_without_a_service(words: tuple[str, ...], told: str) -> None:
    """A command logs in when it has something to send."""
    done = openers("admin", *words, "--base-url", "http://127.0.0.1:9")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert told in done.stderr


def test_every_fault_of_a_draft_is_told_in_a_line(service: Live) -> None:
    """What keeps a draft from being published has cause, place and cure for each check."""
    bare = ("create", "Bare clinic", "--organisation", "RCD", "--site", "RCD01")
    number = said(service, "service", *bare).strip()
    done = openers("admin", "service", "publish", number, "--base-url", service.base_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "openers: the service has no clinic type (/clinic_types): choose at least one specialty" in done.stderr
    assert done.stderr.count("openers: ") == done.stderr.count("\n") >= 5


def test_a_service_that_does_not_run_is_told() -> None:
    done = openers("admin", "organisation", "list", "--base-url", "http://127.0.0.1:9")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "--base-url" in done.stderr


VALUES: list[tuple[str, str, Any, str | None]] = [
    ("organisations", "name", "", '""'),
    ("organisations", "telephone", "", ""),
    ("services", "referrer_alert", "", '""'),
    ("services", "referrer_alert", None, ""),
    ("services", "appointment_wait_days", 7, "7"),
    ("services", "appointment_wait_days", "NOT_APPLICABLE", "NOT_APPLICABLE"),
    ("services", "clinicians", [], ""),
    ("services", "low_capacity", True, "true"),
    ("services", "clinic_types", [["A", "B"], ["C", "D"]], "A/B; C/D"),
    ("services", "clinic_types", [["A/B", "C"]], '[["A/B", "C"]]'),
    ("services", "ages", {"lowest": 16, "highest": None}, '{"lowest": 16, "highest": null}'),
    ("people", "workgroups", ["RCD/A", "RCD/B; C"], '["RCD/A", "RCD/B; C"]'),
    ("people", "roles", [], ""),
    ("people", "roles", [{"organisation": "RCD", "functions": ["A"], "from_claims": True}], None),
    ("applications", "keys", KEYS, json.dumps(KEYS)),
    ("patients", "address", [" 1 Moor Lane", "Leeds"], '[" 1 Moor Lane", "Leeds"]'),
]


@pytest.mark.parametrize(("resource", "field", "value", "cell"), VALUES)
def test_a_cell_is_read_as_it_was_written(resource: str, field: str, value: Any, cell: str | None) -> None:
    """Each value has one cell. A value without one is left out, as the record has it anyway."""
    written = cells_of(Resource(resource), {field: value})[field]
    assert cell is None or written == cell
    read = record_of(Resource(resource), {field: written}).get(field)
    assert read == value


@pytest.mark.parametrize(
    ("field", "text"), [("active", "yes"), ("roles", "[1"), ("roles", "RCD"), ("assurance", "{"), ("nam", "x")]
)
def test_an_unreadable_cell_is_named(field: str, text: str) -> None:
    with pytest.raises(UnreadableCell) as refused:
        record_of(Resource.PEOPLE, {field: text})
    assert refused.value.field == field
