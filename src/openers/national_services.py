"""Connect national services: PDS for patients, ODS for organisations. `openers.bootstrap` calls it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from joserfc.jwk import RSAKey

from openers.identity.assertions import ALGORITHM
from openers.identity.jose import sign
from openers.key_files import private_jwk, read_secret
from openers.neighbours import ods
from openers.neighbours.access_token import AccessTokens
from openers.neighbours.calls import Bounds, Neighbour
from openers.neighbours.pds import NAME, Pds
from openers.settings import Settings
from openers.system import SystemClock
from openers.telemetry.metrics import Metrics
from openers.usecases.ports.neighbours import Mirroring, OrganisationSource


def mirroring_of(settings: Settings, metrics: Metrics) -> Mirroring | None:
    """Return how the world mirrors PDS, if it has one. Raises SettingsError."""
    if settings.pds_url is None:
        return None
    bounds = Bounds(settings.pds_timeout_s, settings.pds_per_second)
    neighbour = Neighbour(NAME, bounds, metrics.neighbour_asked)
    pds = Pds(neighbour, settings.pds_url, _tokens(settings, neighbour), SystemClock())
    ages = (settings.pds_fresh_s, settings.pds_stale_s, settings.pds_renewed_s)
    return Mirroring(pds, *(timedelta(seconds=each) for each in ages))


def ods_of(settings: Settings, metrics: Metrics) -> OrganisationSource | None:
    """Return what organisations are refreshed from, if there is anything."""
    if settings.ods_url is None:
        return None
    neighbour = Neighbour(ods.NAME, Bounds(ods.TIMEOUT_S, ods.PER_SECOND), metrics.neighbour_asked)
    return ods.Ods(neighbour, settings.ods_url, SystemClock())


def _tokens(settings: Settings, neighbour: Neighbour) -> AccessTokens | None:
    """Return the tokens for PDS; a sandbox needs none. Raises SettingsError."""
    address, client_id, key_file = settings.pds_token_url, settings.pds_client_id, settings.pds_key_file
    if address is None or client_id is None or key_file is None:
        return None
    key = read_secret(key_file, private_jwk, strict=settings.production)
    signs = partial(sign, key=RSAKey.import_key(dict(key)), kid=key["kid"], algorithm=ALGORITHM)
    return AccessTokens(neighbour, address, client_id, signs, SystemClock())
