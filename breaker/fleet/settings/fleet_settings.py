"""Settings of the fleet: `[fleet]` in the file."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, field_validator

from breakerd.breaker.fleet.settings.hub_address import FILE, HubAddress, parse_hub
from breakerd.breaker.settings import SettingsModel, setting

_WORD = r"^[A-Za-z0-9._-]*$"

LabelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
LabelValue = Annotated[str, StringConstraints(pattern=r"^[!-~]([ -~]{0,98}[!-~])?$")]


class FleetSettings(SettingsModel):
    """Membership of this process in a fleet: all processes of one service (`[fleet]`)."""

    hub: str = setting(
        FILE,
        "Where the processes of the service meet: 'file' for those of one host that read this "
        "file, `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://` for those of "
        "several hosts, or 'none', which leaves each alone. Without a file: 'none'.",
        max_length=2000,
    )
    name: str = setting(
        "",
        "Name of the fleet: one service in one environment, such as `shop-production`. Processes "
        "with the same name and hub share their breakers. Required with Redis.",
        pattern=_WORD,
        max_length=100,
    )
    share: Literal["evidence", "commands"] = setting(
        "evidence",
        "What is shared: operators' commands only, or also what the calls show, so that trouble "
        "of most processes opens all of them.",
    )
    role: str = setting(
        "",
        "What this process is, such as `web` or `worker`: evidence is shared by processes of one "
        "role. BREAKERD_FLEET_ROLE sets it where all read one file.",
        pattern=_WORD,
        max_length=50,
    )
    host: str = setting(
        "",
        "Name of the machine, or of the pod, that processes share. Empty: as the system says.",
        pattern=_WORD,
        max_length=253,
    )
    labels: dict[LabelName, LabelValue] = Field(
        default_factory=dict,
        description="Labels of this process for people, such as `pod`. `zone` names the failure "
        "domain: trouble of one zone opens there only. BREAKERD_FLEET_LABELS adds to them, as "
        "`zone=eu-1a,pod=web-7`.",
        max_length=16,
        strict=False,
    )
    interval: float = setting(
        1.0,
        "Time between two exchanges with the hub. The same for all processes of a fleet, which "
        "count a process as silent after 5 s.",
        unit="s",
        ge=0.2,
        le=4,
    )
    password: SecretStr | None = setting(
        None,
        "Password of Redis; better BREAKERD_FLEET_PASSWORD or `password_file`.",
        strict=False,
    )
    password_file: str | None = setting(
        None, "File that holds the password; read again when it changes."
    )
    sentinel_password: SecretStr | None = setting(
        None,
        "Password of the sentinels; better BREAKERD_FLEET_SENTINEL_PASSWORD or "
        "`sentinel_password_file`.",
        strict=False,
    )
    sentinel_password_file: str | None = setting(
        None, "File that holds the password of the sentinels; read again when it changes."
    )
    tls_ca_file: str | None = setting(
        None,
        "File with the certificates (PEM) that the server's may be signed by. Not set: those of "
        "the system.",
    )
    tls_cert_file: str | None = setting(
        None, "File with this process's certificate (PEM), where the server asks for one."
    )
    tls_key_file: str | None = setting(
        None, "File with the key of that certificate (PEM); not set if it is in `tls_cert_file`."
    )

    @field_validator("hub")
    @classmethod
    def _check_hub(cls, hub: str) -> str:
        parse_hub(hub)
        return hub

    @property
    def address(self) -> HubAddress:
        """Return where the hub is."""
        return parse_hub(self.hub)
