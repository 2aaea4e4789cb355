"""The sections `[opsgenie]` and `[alerts]`."""
