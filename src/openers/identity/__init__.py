"""Authentication: tokens, signed assertions, ID tokens and log-ins. Logic over the ports; no web framework."""
