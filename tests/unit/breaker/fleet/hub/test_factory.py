from __future__ import annotations

from pathlib import Path

import pytest

from breakerd.breaker.fleet.hub.factory import hub_file, make_hub
from breakerd.breaker.fleet.hub.file.hub import FileHub
from breakerd.breaker.fleet.hub.redis.hub import RedisHub
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from tests.support.program import run_program


def test_each_kind_is_made_and_connects_later(tmp_path: Path) -> None:
    database = tmp_path / "breakerd.db"
    assert make_hub(FleetSettings(hub="none"), database) is None
    assert isinstance(make_hub(FleetSettings(hub="file"), database), FileHub)
    for url in ("redis://h", "redis+sentinel://h/main", "rediss+cluster://h"):
        assert isinstance(make_hub(FleetSettings(hub=url, name="x"), database), RedisHub)
    assert list(tmp_path.iterdir()) == []


def test_two_services_in_one_folder_are_two_fleets() -> None:
    assert hub_file(Path("var/a.db")) != hub_file(Path("var/b.db"))
    assert hub_file(Path("var/a.db")) == Path("var/a-fleet.db")


def test_without_the_extra_it_is_told() -> None:
    found = run_program(
        """
        import json, sys
        sys.modules["redis"] = None
        from pathlib import Path
        from breakerd.breaker.fleet.hub.factory import make_hub
        from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
        from breakerd.breaker.errors import ConfigError
        try:
            make_hub(FleetSettings(hub="redis://h", name="x"), Path("x.db"))
        except ConfigError as error:
            print(json.dumps(str(error)))
        """
    )
    assert found.endswith("pip install 'breakerd[redis]'")


@pytest.mark.parametrize("hub", ["file", "none"])
def test_other_hubs_do_not_load_the_client(hub: str) -> None:
    program = f"""
    import json, sys
    from pathlib import Path
    from breakerd.breaker.fleet.hub.factory import make_hub
    from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
    make_hub(FleetSettings(hub={hub!r}), Path("x.db"))
    print(json.dumps("redis" in sys.modules))
    """
    assert run_program(program) is False
