"""A small client for any e-Referral Service: knows the published interface and nothing of the service's inside."""

from openers_client.log_in import Client, LogInFailed, ServiceUnreachable, Tokens, application_token, log_in

__all__ = ["Client", "LogInFailed", "ServiceUnreachable", "Tokens", "application_token", "log_in"]
