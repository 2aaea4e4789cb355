"""Settings models of the sections `[opsgenie]` and `[alerts]`."""
