"""The test facilities of a service: faults, the call inspector and explanations.

`openers.worlds.mode` adds them to the world's adapters, the edge and the pages.
"""

from __future__ import annotations

from functools import cached_property

import msgspec

from openers.api.edge import PREFIX
from openers.api.gateway import Gateway
from openers.api.observer import UNOBSERVED, Observer
from openers.api.openapi import openapi_document
from openers.api.registry import REGISTRY
from openers.api.routes import Routes
from openers.settings import Settings
from openers.usecases.world import World
from openers.worlds.faults.board import FaultBoard
from openers.worlds.faults.faulty_pas import FaultyPas
from openers.worlds.faults.faulty_scanner import FaultyScanner
from openers.worlds.http.control import Offered
from openers.worlds.http.event_routes import event_routes
from openers.worlds.http.explain_routes import explain_routes
from openers.worlds.http.fault_routes import fault_routes
from openers.worlds.http.request_routes import request_routes
from openers.worlds.http.visibility_routes import visibility_routes
from openers.worlds.http.webhook_routes import webhook_routes
from openers.worlds.recording.call_recorder import CallRecorder
from openers.worlds.recording.contract import Document
from openers.worlds.recording.exchange import Exchange, Exchanges
from openers.worlds.recording.recorder import Recorder
from openers.worlds.recording.watched import Validators, Watched, exchange_of
from openers.worlds.recording.world_resolver import WorldResolver


class TestFacilities:
    """The test facilities of one service with all its worlds."""

    def __init__(self, settings: Settings) -> None:
        """Start without faults and recorded calls."""
        self._settings = settings
        self._faults = FaultBoard()
        self._recorder = Recorder(Exchanges(settings.kept_exchanges), self._exchange)

    @cached_property
    def _judges(self) -> Validators:
        """Return the validators, created for the first recorded call because the document is slow to build."""
        return Validators(Routes(REGISTRY), Document(openapi_document(self._settings.fhir_base_url), PREFIX))

    def _exchange(self, watched: Watched) -> Exchange:
        return exchange_of(watched, self._judges)

    def can_fail(self, world: World, name: str) -> World:
        """Return the same world with a PAS and a scanner that apply the faults of the world of this name."""
        faults = self._faults.of(name)
        pas, scanner = FaultyPas(world.pas, faults), FaultyScanner(world.scanner, faults)
        return msgspec.structs.replace(world, pas=pas, scanner=scanner)

    def observer(self, gateway: Gateway, finder: WorldResolver) -> Observer:
        """Return the observer of the service's calls; one that does nothing if no calls are to be stored."""
        if not self._settings.kept_exchanges:
            return UNOBSERVED
        return CallRecorder(self._recorder, self._faults, gateway, finder)

    def routes(self, finder: WorldResolver, gateway: Gateway) -> list[Offered]:
        """Return the addresses below `/_test`."""
        return [
            *fault_routes(finder, self._faults),
            *request_routes(finder, self._recorder),
            *explain_routes(finder, self._recorder, gateway),
            *visibility_routes(finder),
            *event_routes(finder),
            *webhook_routes(finder),
        ]
