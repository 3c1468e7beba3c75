"""The same client for programs that are not asynchronous: each call waits for its result.

The calls run in an event loop of their own, in a thread that ends with the client. Several threads may call at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from types import TracebackType
from typing import Any, Concatenate, Final, Generic, ParamSpec, Self, TypeVar

from openers_client.administration.sync import SyncAdministration
from openers_client.applications import Application, Tokens
from openers_client.caller import Caller
from openers_client.client import ErsClient
from openers_client.oauth import LOG_IN_WITHIN_S, Browse, open_browser
from openers_client.retries import RetryPolicy
from openers_client.roles import Role
from openers_client.runner import Runner
from openers_client.sessions import Session

P = ParamSpec("P")
T = TypeVar("T")


class _Waiting(Generic[P, T]):
    """A method of `Caller` that waits for its result."""

    def __init__(self, method: Callable[Concatenate[Caller, P], Coroutine[Any, Any, T]]) -> None:
        self._method = method

    def __get__(self, instance: SyncCaller, owner: type[SyncCaller]) -> Callable[P, T]:
        def _call(*args: P.args, **kwargs: P.kwargs) -> T:
            return instance.runner.run(self._method(instance.inner, *args, **kwargs))

        _call.__doc__ = self._method.__doc__
        return _call


class _Iterating(Generic[P, T]):
    """A method of `Caller` that yields its results one by one."""

    def __init__(self, method: Callable[Concatenate[Caller, P], AsyncIterator[T]]) -> None:
        self._method = method

    def __get__(self, instance: SyncCaller, owner: type[SyncCaller]) -> Callable[P, Iterator[T]]:
        def _call(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
            return instance.runner.each(self._method(instance.inner, *args, **kwargs))

        _call.__doc__ = self._method.__doc__
        return _call


class SyncCaller:
    """All operations of `openers_client.caller.Caller`, each of which waits for its result."""

    def __init__(self, inner: Caller, runner: Runner) -> None:
        """Store the caller `inner` and the runner of its calls."""
        self.inner: Final = inner
        self.runner: Final = runner

    @property
    def role(self) -> Role | None:
        """Return the role in which the caller acts; `None` for an application."""
        return self.inner.role

    @property
    def administration(self) -> SyncAdministration:
        """Return the registers of the administration API, for a role that may administer."""
        return SyncAdministration(self.inner.administration, self.runner)

    def correlated(self, correlation_id: str) -> SyncCaller:
        """Return the same caller, all of whose calls have this correlation id."""
        return SyncCaller(self.inner.correlated(correlation_id), self.runner)

    read_referral = _Waiting(Caller.read_referral)
    create_referral = _Waiting(Caller.create_referral)
    create_referral_and_send_for_triage = _Waiting(Caller.create_referral_and_send_for_triage)
    maintain_letter = _Waiting(Caller.maintain_letter)
    change_shortlist = _Waiting(Caller.change_shortlist)
    change_shortlist_and_send_for_triage = _Waiting(Caller.change_shortlist_and_send_for_triage)
    cancel_referral = _Waiting(Caller.cancel_referral)
    available_actions = _Waiting(Caller.available_actions)
    find_requests = _Waiting(Caller.find_requests)
    accept_referral = _Waiting(Caller.accept_referral)
    reject_referral = _Waiting(Caller.reject_referral)
    cancel_appointment_action_later = _Waiting(Caller.cancel_appointment_action_later)
    record_review_outcome = _Waiting(Caller.record_review_outcome)
    slot_page = _Waiting(Caller.slot_page)
    slots = _Iterating(Caller.slots)
    book = _Waiting(Caller.book)
    defer = _Waiting(Caller.defer)
    read_appointment = _Waiting(Caller.read_appointment)
    cancel_appointment = _Waiting(Caller.cancel_appointment)
    ask_for_advice = _Waiting(Caller.ask_for_advice)
    read_advice_request = _Waiting(Caller.read_advice_request)
    conversation = _Waiting(Caller.conversation)
    send_response = _Waiting(Caller.send_response)
    convert_advice = _Waiting(Caller.convert_advice)
    reply_to_provider = _Waiting(Caller.reply_to_provider)
    close_advice = _Waiting(Caller.close_advice)
    worklist = _Waiting(Caller.worklist)
    advice_worklist = _Waiting(Caller.advice_worklist)
    find_names = _Waiting(Caller.find_names)
    find_patients = _Waiting(Caller.find_patients)
    patient_requests = _Waiting(Caller.patient_requests)
    overviews = _Waiting(Caller.overviews)
    history = _Waiting(Caller.history)
    upload = _Waiting(Caller.upload)
    upload_large = _Waiting(Caller.upload_large)
    download = _Waiting(Caller.download)
    file_address = _Waiting(Caller.file_address)
    download_small = _Waiting(Caller.download_small)
    print_summary = _Waiting(Caller.print_summary)
    print_letter = _Waiting(Caller.print_letter)
    print_conversation = _Waiting(Caller.print_conversation)
    code_system = _Waiting(Caller.code_system)
    search_services = _Waiting(Caller.search_services)
    read_service = _Waiting(Caller.read_service)
    service_version = _Waiting(Caller.service_version)
    read_services = _Waiting(Caller.read_services)
    my_roles = _Waiting(Caller.my_roles)
    clinicians_to_act_for = _Waiting(Caller.clinicians_to_act_for)


class SyncErsClient:
    """`ErsClient` for programs that are not asynchronous. Use it in a `with` statement, or close it."""

    def __init__(
        self,
        base_url: str,
        *,
        issuer: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        """The values are those of `ErsClient`."""
        self._client = ErsClient(base_url, issuer=issuer, headers=headers, retry=retry)
        self._runner = Runner()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections and end the thread."""
        self.close()

    def close(self) -> None:
        """Close all connections and end the thread."""
        self._runner.run(self._client.close())
        self._runner.close()

    def caller(self, session: Session, role: Role | None = None) -> SyncCaller:
        """Return the operations of a session in a role."""
        return SyncCaller(self._client.caller(session, role), self._runner)

    def administration(self, session: Session, role: Role | None = None) -> SyncAdministration:
        """Return the registers of the administration API, as `ErsClient.administration` does."""
        return SyncAdministration(self._client.administration(session, role), self._runner)

    def log_in(
        self, application: Application, browse: Browse = open_browser, within_s: float = LOG_IN_WITHIN_S
    ) -> Session:
        """Log a user in with their browser, as `ErsClient.log_in` does."""
        return self._runner.run(self._client.log_in(application, browse, within_s))

    def log_in_as(self, application: Application, user_id: str) -> Session:
        """Log a user in without a browser, which only services in test mode allow."""
        return self._runner.run(self._client.log_in_as(application, user_id))

    def exchange_id_token(self, application: Application, id_token: str) -> Session:
        """Exchange the ID token of another log-in for a session."""
        return self._runner.run(self._client.exchange_id_token(application, id_token))

    def application_session(self, application: Application) -> Session:
        """Return a session of an application that acts for itself."""
        return self._runner.run(self._client.application_session(application))

    def session(self, application: Application, tokens: Tokens) -> Session:
        """Return a session of tokens that were stored before."""
        return self._client.session(application, tokens)
