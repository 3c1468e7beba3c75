"""A small client for any e-Referral Service; it uses only the published interface."""

from openers_client.log_in import Client, LogInFailed, ServiceUnreachable, Tokens, application_token, log_in

__all__ = ["Client", "LogInFailed", "ServiceUnreachable", "Tokens", "application_token", "log_in"]
