"""Find everything in a source that outlives a request and grows: cached functions, and containers.

`ROWS` lists each one with the limit of its size, number and key. A new one without a row is a finding.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.checks.source import Finding, Source

MEMOS: Final = frozenset({"cache", "lru_cache"})
CONTAINERS: Final = frozenset(
    {
        "Counter", "OrderedDict", "WeakKeyDictionary", "WeakValueDictionary", "defaultdict", "deque", "dict", "list",
        "set",
    }
)  # fmt: skip

ROWS: Final[dict[str, str]] = {
    "openers/api/oauth/remote.py::RemoteKeys._fetched": "MOST_ADDRESSES; keys are registered addresses",
    "openers/api/http/connections.py::Connections.silent": "one for each connection, at most Connections.most",
    "openers/api/http/connections.py::Connections.idle": "one for each connection, at most Connections.most",
    "openers/api/http/connections.py::Connections.handshakes": "one for each connection, at most Connections.most",
    "openers/usecases/ports/neighbours.py::Mirroring.under_way": "one for each number that PDS is being asked for",
    "openers/usecases/ports/neighbours.py::Mirroring.absent": "MOST_ABSENT numbers that PDS does not know",
    "openers/worlds/mocks/faults.py::Faults.requests": "ends with the mock; paths that tests call",
    "openers/worlds/mocks/pds.py::MockPds._tokens": "ends with the mock; tokens that have ended go",
    "openers/tls/reading.py::read_certificate": "256 certificates of at most LONGEST_DER bytes",
    "openers/tls/trust.py::Trust._revoked": "the revocation lists that the operator names",
    "openers/tls/trust.py::Trust._verified": "MOST_VERIFIED certificates of at most LONGEST_DER bytes",
    "openers/api/exchanges/log.py::ExchangeLog._waiting": "worlds with lines; MOST_WAITING bytes of lines in all",
    "openers/api/exchanges/line.py::_digest": "1024 ids of sessions that were found, or of LONGEST_TEXT",
    "openers_assurance/history.py::Recent._kept": "as many as its maker says, MOST by default",
    "openers_assurance/history.py::History.operations": "MOST_NAMES operations",
    "openers_assurance/history.py::History.tried": "MOST_NAMES operations",
    "openers_assurance/history.py::History.generations": "MOST_NAMES versions",
    "openers_assurance/history.py::History._running": "MOST calls that run",
    "openers_assurance/har.py::_Sessions._roles": "the sessions of one HAR file, of MOST_HAR_BYTES",
    "openers_assurance/har.py::_addresses": "no argument",
    "openers_assurance/reading.py::Sorter._waiting": "MOST_WAITING exchanges",
    "openers_assurance/hazards.py::hazards": "no argument",
    "openers_assurance/register.py::requirements": "no argument",
    "openers_assurance/tom.py::tabs": "no argument",
    "openers_assurance/assessment.py::Assessment._rules": "MOST_NAMES operations",
    "openers_assurance/rules/mark.py::_GENERAL": "the rules of the package",
    "openers_assurance/rules/mark.py::_SPECIAL": "the rules of the package",
    "openers_assurance/rules/mark.py::RULES": "the rules of the package",
    "openers/api/failures.py::Failures._counts": "MOST_SOURCES addresses",
    "openers/api/failures.py::Failures._proofs": "MOST_PROVED keys: an address and a client id",
    "openers/api/http/media.py::_accepts_cached": "256 headers of at most LONGEST_CACHED characters",
    "openers/api/http/media.py::_is_fhir_json_cached": "256 headers of at most LONGEST_CACHED characters",
    "openers/api/rate_limit.py::RateLimit._buckets": "MOST_KEYS: client ids and addresses",
    "openers/api/registry.py::REGISTRY": "the operations of the package",
    "openers/api/legacy/catalogue.py::entries": "no argument",
    "openers/api/legacy/registry.py::LEGACY": "the operations of the package",
    "openers/api/legacy/registry.py::SESSIONS": "the operations of the package",
    "openers/wire/dstu2/parameters.py::Sent._values": "ends with the request; the names that an operation knows",
    "openers/api/renderings.py::ResponseCache._kept": "32 MiB of replies; keys are of stored records",
    "openers/api/renderings.py::ByAddress._made": "MOST_ADDRESSES addresses of worlds",
    "openers/api/routes.py::_Node.literal": "the operations of the package",
    "openers/api/routes.py::_Node.endpoints": "the operations of the package",
    "openers/api/routes.py::Routes._paths": "the operations of the package",
    "openers/api/routes.py::_pieces": "256 paths, cut to LONGEST_COMPARED",
    "openers/api/routes.py::_compared": "1024 pairs of a known path and one cut to LONGEST_COMPARED",
    "openers/paper/legible.py::_printable_cached": "4096 texts of at most LONGEST_CLUSTER_CACHED characters",
    "openers/paper/legible.py::_fonts_with": "8192 single characters",
    "openers/paper/legible.py::_coverage": "no argument",
    "openers/files/sniffing.py::ContentTap._marks": "ends with the upload",
    "openers/paper/typesetter.py::_Press._compilers": "one for each kind of document",
    "openers/domain/listings.py::Listings._by_id": "the published services of the directory",
    "openers/domain/listings.py::Listings._shelves": "as above: a service is on a few shelves",
    "openers/domain/listings.py::Listings._orders": "REMEMBERED_ORDERS, REMEMBERED_ROWS; keys are checked criteria",
    "openers/usecases/administration/references.py::_Remembering._known": "ends with the act; MOST_NAMES references",
    "openers/identity/access.py::AccessCache._callers": "10,000 callers by the digest of a token that was found",
    "openers/identity/access.py::AccessCache._reading": "one for each token that is being read",
    "openers/identity/access.py::AccessCache._gone": "MOST_GONE digests of tokens that were found",
    "openers/usecases/dated_reference.py::DatedReference._mappings": "the code sets of the world",
    "openers/usecases/dated_reference.py::DatedReference._systems": "specialties and clinic types",
    "openers/reference/packaged.py::PackagedReference._systems": "the code systems of the package",
    "openers/store/audit/verify.py::_Chain.gaps": "ends with the verification",
    "openers/store/audit/verify.py::_Chain.late": "ends with the verification",
    "openers/store/audit/verify.py::_Check._chains": "ends with the verification",
    "openers/store/audit/verify.py::_Check._damages": "ends with the verification",
    "openers/store/audit/verify.py::_Check._findings": "ends with the verification",
    "openers/store/audit/verify.py::_Check._headed": "ends with the verification",
    "openers/store/audit/verify.py::_Check._marks": "ends with the verification",
    "openers/store/engine/batches.py::Batches._waiting": "one for each call under way",
    "openers/store/records/credentials.py::_decoder_of": "one for each kind of credential",
    "openers/store/sqlite.py::_Group.entries": "one for each call under way",
    "openers/store/sqlite.py::_Group.waiters": "one for each call under way",
    "openers/store/records/worklists.py::_statement": "tables, kinships and filters of the package",
    "openers/telemetry/metrics.py::Metrics._unlogged": "no label",
    "openers/telemetry/metrics.py::Metrics._due": "kinds of due work and two outcomes",
    "openers/usecases/events/feed.py::Feed._missing": "MOST_MISSING numbers",
    "openers/usecases/due.py::DECLARED": "the jobs of the package",
    "openers/usecases/due.py::DueRunner._under_way": "one for each place of a kind of work",
    "openers/worlds/running/content.py::NamedContent._copies": "one for each copy of a world that exists",
    "openers/worlds/faults/board.py::Faults._orders": "MOST_FAULTS, each within the lengths of its fields",
    "openers/worlds/faults/board.py::FaultBoard._faults": "one for each world that exists",
    "openers/worlds/packs/reading.py::_read": "16 packs, read from files of the operator or sent in test mode",
    "openers/worlds/running/kept.py::KeptWorlds._places": "MOST_KEPT worlds",
    "openers/worlds/running/kept.py::KeptWorlds._saved": "MOST_KEPT worlds",
    "openers/worlds/running/registry.py::Worlds.kept": "MOST_KEPT worlds",
    "openers/worlds/contents/archive.py::ArchiveWriter._parts": "ends with the export",
    "openers/worlds/packs/loaded.py::_value": "MOST_LOADED values of packs that the operator loaded",
    "openers/worlds/packs/reading.py::_base_of": "64 files of the operator, or sent in test mode",
    "openers/worlds/recording/recorder.py::Recorder._waiting": "as many calls as are kept, MOST_HELD bytes of bodies",
    "openers/worlds/recording/repeats.py::Repeats._beginnings": "ends with the exchange that is masked",
    "openers/worlds/recording/contract.py::Document._validators": "the schemas of our OpenAPI document",
    "openers/worlds/recording/exchange.py::Exchanges._kept": "OPENERS_KEPT_EXCHANGES, and MOST_CHARACTERS together",
    "openers/worlds/recording/masking.py::Clean._texts": "4096 texts of at most LONGEST_CACHED characters",
    "openers/worlds/running/anonymous_log_in.py::AnonymousLogIn._known": "MOST_KNOWN, of LONGEST_CACHED characters",
    "openers/worlds/running/own_pas.py::OwnPas._booked": "one for each booking that is stored",
    "openers/worlds/running/baselines.py::Baselines._origins": "MOST_PACKS packs with a seed, MOST_SCENES scenes",
    "openers/worlds/packs/acts.py::form_names": "no argument",
    "openers/worlds/packs/acts.py::read_form": "the forms of the package: others are errors, which are not kept",
    "openers/worlds/running/registry.py::Worlds._forks": "MOST_FORKS names of at most 64 characters",
    "openers/worlds/running/registry.py::Worlds._gone": "MOST_GONE names of at most 64 characters",
    "openers/worlds/running/registry.py::Worlds._used": "one for each copy of a world that exists",
    "openers/worlds/running/registry.py::Worlds._latest": "one for each world that exists",
    "openers/worlds/running/scenes.py::KeptReply._messages": "ends with the request",
    "openers/worlds/running/pack_player.py::PackPlayer._tokens": "ends with the loading of a pack",
    "openers/worlds/running/pack_player.py::PackPlayer._replies": "ends with the loading of a pack",
    "openers_portal/assessments.py::Assessments._kept": "MOST assessments of known environments",
    "openers_portal/mailing.py::Resting._until": "MOST_RESTING numbers of messages",
    "openers_portal/pages/public.py::words": "no argument",
    "openers_portal/rules/catalogue.py::operations": "no argument",
    "openers_portal/rules/documents.py::documents": "no argument",
    "openers_portal/rules/questions.py::questions": "no argument",
    "openers_web/assets.py::load_assets": "no argument",
    "openers_web/environments.py::_macro": "the macros of the design system",
    "openers_web/environments.py::_macro_environment": "no argument",
    "openers_web/environments.py::_bytecode_cache": "no argument",
    "openers_web/form.py::Form._values": "MOST_FIELDS; ends with the request",
    "openers_web/form.py::Form._errors": "the fields of the page; ends with the request",
    "openers_testpas/auth.py::ServiceKeys._keys": "the keys that the service publishes, replaced at each fetch",
    "openers_testpas/faults.py::Faults.played": "kinds of faults",
    "openers_testpas/faults.py::Faults.second_answers": "one for each fault `twice` that a tester orders",
    "openers/wire/naming.py::_Naming.components": "the schemas of the package",
}


def caches(source: Source) -> Iterator[Finding]:
    """Yield growing things without a row."""
    for name, node in found(source):
        if name not in ROWS:
            yield source.at(node, f"{name} may grow: say in tests/checks/caches.py what bounds it, number and key")


def found(source: Source) -> Iterator[tuple[str, ast.AST]]:
    """Yield each growing thing: `path::name` and its place."""
    module = source.path.removeprefix("src/")
    for node in source.tree.body:
        for name in _names_of_container(node):
            yield f"{module}::{name}", node
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_memo, node.decorator_list)):
            yield f"{module}::{node.name}", node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and _is_memo_call(node.value):
            yield f"{module}::{_target(node)}", node
        elif isinstance(node, ast.ClassDef):
            for inner in ast.walk(node):
                for name in _names_of_container(inner):
                    if name.startswith("self."):
                        yield f"{module}::{node.name}.{name.removeprefix('self.')}", inner


def _names_of_container(node: ast.AST) -> Iterator[str]:
    """Yield the name of an assigned empty container, because an empty container is meant to grow."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _is_container(node.value):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (ast.unparse(each) for each in targets if isinstance(each, ast.Name | ast.Attribute))


def _is_container(value: ast.expr) -> bool:
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case ast.Call(func=function):
            return _last_name(function) in CONTAINERS and not _copies(value)
        case _:
            return False


def _copies(call: ast.Call) -> bool:
    """Return whether the container is a copy: `set(x)`, but neither `defaultdict(x)` nor `deque(maxlen=9)`."""
    return bool(call.args) and _last_name(call.func) in {"OrderedDict", "dict", "list", "set"}


def _is_memo(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return _last_name(function) in MEMOS


def _is_memo_call(value: ast.expr | None) -> bool:
    """Return whether the value is a cached function without a decorator: `lru_cache(9)(f)`, `cache(f)`."""
    if not isinstance(value, ast.Call):
        return False
    return _last_name(value.func) in MEMOS or _is_memo_call(value.func)


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(value=inner):
            return _last_name(inner)
        case _:
            return ""
