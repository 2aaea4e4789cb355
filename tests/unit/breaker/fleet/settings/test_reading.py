from __future__ import annotations

from pathlib import Path

import pytest

from breakerd.breaker.config.document import parse_document
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.reading import read_fleet_section
from breakerd.breaker.fleet.settings.secrets import read_fleet_secrets
from tests.support.certificates import Certificates

REDIS = '[fleet]\nhub = "redis://h"\nname = "shop"\n'
TLS = '[fleet]\nhub = "rediss://h"\nname = "shop"\n'


def read(text: str, **environ: str) -> FleetSettings:
    return read_fleet_section(parse_document(Path("f.toml"), text), environ)


def problems(text: str, **environ: str) -> list[ConfigProblem]:
    with pytest.raises(ConfigError) as failure:
        read(text, **environ)
    return list(failure.value.problems)


def password_of(settings: FleetSettings) -> str | None:
    return settings.password.get_secret_value() if settings.password else None


def test_without_the_section_each_process_is_alone() -> None:
    settings = read("")
    assert (settings.hub, settings.share, settings.interval) == ("none", "evidence", 1.0)
    assert read_fleet_section(None, {}) == settings


def test_variables_win_over_the_file() -> None:
    text = f'{REDIS}role = "web"\nlabels = {{zone = "a", rack = "7"}}\n'
    settings = read(
        text,
        BREAKERD_FLEET_HUB="redis://other",
        BREAKERD_FLEET_NAME="other",
        BREAKERD_FLEET_ROLE="worker",
        BREAKERD_FLEET_HOST="pod-1",
        BREAKERD_FLEET_LABELS="zone=b, pod = web-1",
    )
    assert settings.hub == "redis://other"
    assert (settings.name, settings.role, settings.host) == ("other", "worker", "pod-1")
    assert settings.labels == {"zone": "b", "rack": "7", "pod": "web-1"}


def test_what_is_wrong_in_a_variable_is_told_by_its_name() -> None:
    assert [(each.where, each.key) for each in problems("", BREAKERD_FLEET_HUB="redi://h")] == [
        ("environment", "BREAKERD_FLEET_HUB")
    ]
    (problem,) = problems("", BREAKERD_FLEET_LABELS="zone")
    assert (problem.where, problem.key) == ("environment", "BREAKERD_FLEET_LABELS")
    (problem,) = problems("", BREAKERD_FLEET_LABELS="Zone=a")
    assert (problem.where, problem.key) == ("environment", "BREAKERD_FLEET_LABELS")


def test_a_variable_does_not_excuse_what_is_wrong_in_the_file() -> None:
    (problem,) = problems('[fleet]\nhub = "redi://h"\n', BREAKERD_FLEET_HUB="none")
    assert (problem.where, problem.line, problem.key) == ("f.toml", 2, "fleet.hub")


def test_a_hub_on_a_server_needs_a_name() -> None:
    (problem,) = problems('[fleet]\nhub = "redis+cluster://h"\n')
    assert (problem.line, problem.key, problem.found) == (1, "fleet.name", "nothing")
    assert read("", BREAKERD_FLEET_HUB="redis://h", BREAKERD_FLEET_NAME="x").name == "x"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('hub = "fil"', "fleet.hub"),
        ('share = "all"', "fleet.share"),
        ('name = "a b"', "fleet.name"),
        ('name = "{a}"', "fleet.name"),
        ("interval = 0.1", "fleet.interval"),
        ("rol = 1", "fleet.rol"),
        ('labels = {Zone = "a"}', "fleet.labels.Zone"),
        ('labels = {zone = ""}', "fleet.labels.zone"),
        ('tls_ca_file = "x"', "fleet.tls_ca_file"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, key: str) -> None:
    assert [(each.line, each.key) for each in problems(f"[fleet]\n{text}\n")] == [(2, key)]


def test_the_section_must_be_a_table() -> None:
    (problem,) = problems("fleet = 3\n")
    assert problem.allowed == "a table [fleet]"


def test_a_password_is_found_in_a_variable_a_file_and_the_setting(tmp_path: Path) -> None:
    (named := tmp_path / "named").write_text("from-named\n")
    (file := tmp_path / "file").write_text("from-file\n")
    own = f'{REDIS}password = "from-setting"\n'
    with_file = f'{own}password_file = "{file}"\n'
    assert password_of(read(REDIS)) is None
    assert password_of(read(own)) == "from-setting"
    assert password_of(read(with_file)) == "from-file"
    variable = {"BREAKERD_FLEET_PASSWORD_FILE": str(named)}
    assert password_of(read(with_file, **variable)) == "from-named"
    assert password_of(read(with_file, **variable, BREAKERD_FLEET_PASSWORD="x")) == "x"
    sentinel = read(REDIS, BREAKERD_FLEET_SENTINEL_PASSWORD="y").sentinel_password
    assert sentinel is not None
    assert sentinel.get_secret_value() == "y"


def test_passwords_are_in_no_text_of_the_settings() -> None:
    settings = read(f'{REDIS}password = "geheim"\n', BREAKERD_FLEET_SENTINEL_PASSWORD="geheim")
    assert "geheim" not in repr(settings) + str(settings.model_dump(mode="json"))


def test_a_password_file_that_cannot_be_read_is_told_and_not_shown(tmp_path: Path) -> None:
    (problem,) = problems(f'{REDIS}password_file = "{tmp_path}/none"\n')
    assert (problem.line, problem.key) == (4, "fleet.password_file")
    assert str(tmp_path) not in str(problem)
    (problem,) = problems(REDIS, BREAKERD_FLEET_PASSWORD_FILE=str(tmp_path))
    assert (problem.where, problem.key) == ("environment", "BREAKERD_FLEET_PASSWORD_FILE")


def test_a_changed_password_file_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    document = parse_document(Path("f.toml"), f'{REDIS}password_file = "{file}"\n')
    secrets = read_fleet_secrets(document, {})
    assert not secrets.changed()
    file.write_text("")
    assert not secrets.changed(), "who writes it may not have finished"
    file.write_text("two")
    assert secrets.changed()


@pytest.mark.needs("openssl")
def test_files_of_tls_are_checked(tmp_path: Path) -> None:
    made = Certificates.make(tmp_path)
    text = f'{TLS}tls_ca_file = "{made.authority}"\n'
    client = f'tls_cert_file = "{made.certificate}"\ntls_key_file = "{made.key}"\n'
    assert read(text + client).tls_key_file == str(made.key)
    (problem,) = problems(f'{text}tls_key_file = "{made.key}"\n')
    assert problem.key == "fleet.tls_cert_file"
    (problem,) = problems(f'{TLS}tls_ca_file = "{made.key}"\n')
    assert (problem.line, problem.key) == (4, "fleet.tls_ca_file")
    (problem,) = problems(f'{TLS}tls_ca_file = "{tmp_path}/none"\n')
    assert problem.found == "files that cannot be used: No such file or directory"
