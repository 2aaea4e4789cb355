"""Encryption of the connections to a hub, from the files that `[fleet]` names."""

import ssl

from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings


def tls_context(settings: FleetSettings) -> ssl.SSLContext:
    """Return what connections are encrypted with; the server's certificate and name are checked.

    Raises:
        OSError: a file cannot be read, or holds no certificate or key (`ssl.SSLError`).
    """
    context = ssl.create_default_context(cafile=settings.tls_ca_file)
    if settings.tls_cert_file:
        # An encrypted key would ask for its password on the terminal.
        context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file, _no_password)
    return context


def _no_password() -> str:
    return ""
