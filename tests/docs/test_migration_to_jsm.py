"""docs/migrate-to-jsm.md, walked word by word in an empty folder, against both emulators."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.command import Result
from tests.support.documented import Block, Command, blocks, commands
from tests.support.polling import until
from tests.support.shell_session import ShellSession

PAGE = "docs/migrate-to-jsm.md"
DRILL = "breakerd drill latency --breaker"
END = "breakerd drill latency --end"
SITE = "/jsm/ops/api/11111111-2222-3333-4444-555555555555"
FILE = re.compile(r"# (\S+\.toml)\n")

Alert = dict[str, Any]


class Walk:
    """The steps of the page, in its order: commands, and files to save."""

    def __init__(self, session: ShellSession) -> None:
        self._session = session
        self._steps = iter(
            [step for block in blocks() if block.page == PAGE for step in steps(block)]
        )
        self.saved: list[str] = []
        """Texts of breakers.toml, in the order of the page."""

    def perform(self, start: str) -> Result:
        """Run the next step, which is a command that begins with `start`."""
        step = next(self._steps)
        assert isinstance(step, Command), step
        assert step.text.startswith(start)
        return self._session.perform(step)

    def save(self, name: str) -> None:
        """Do the next step, which is to save that file, in full."""
        step = next(self._steps)
        assert isinstance(step, str), step
        self.write(name, step)

    def write(self, name: str, text: str) -> None:
        found = FILE.match(text)
        assert found, f"this block does not name its file:\n{text}"
        assert found[1] == name
        if name == "breakers.toml":
            self.saved.append(text)
        self._session.write(name, text)

    def repeat(self, start: str) -> None:
        """Run a command of the page once more, the one that begins with `start`."""
        (text,) = {each for each in all_commands() if each.startswith(start)}
        assert self._session.run(text).code == 0

    def receivers(self) -> list[str]:
        """Return the names of the receivers that the service uses now."""
        status = self._session.get("/breaker/opsgenie/status")
        return [each["name"] for each in status["receivers"]]

    def end(self) -> None:
        """Check that no step is left."""
        assert next(self._steps, None) is None


class Product:
    """One of the emulators, as it stands for a product."""

    def __init__(self, session: ShellSession, said: str) -> None:
        self._session = session
        self._said = said

    def _get(self, path: str) -> Any:
        url = f"http://{self._session.real[self._said]}/emulator/{path}"
        return httpx.get(url, timeout=30).raise_for_status().json()[path]

    def alerts(self) -> list[Alert]:
        """Return its alerts, oldest first."""
        found: list[Alert] = self._get("alerts")
        return found

    def paths(self) -> set[str]:
        """Return the beginnings of the paths that were asked for."""
        return {"/".join(each["path"].split("/")[:5]) for each in self._get("requests")}

    def wait(self, statuses: list[str]) -> Alert:
        """Wait until its alerts have these statuses, oldest first; return the last."""
        wait_until(lambda: [each["status"] for each in self.alerts()] == statuses)
        return self.alerts()[-1]


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what several processes do, on a slow machine as well."""
    until(condition, 240, pause=0.1)


def steps(block: Block) -> list[Command | str]:
    """Return the commands of a block, or the file that it is."""
    if block.language == "console":
        return list(commands(block))
    assert block.language == "toml", block
    return [block.text]


def all_commands() -> Iterator[str]:
    for block in blocks("console"):
        if block.page == PAGE:
            yield from (each.text for each in commands(block))


def counted(product: Product, alias: str, count: int) -> Callable[[], bool]:
    """Return a condition: the one alert of that alias was sent that often."""
    return lambda: [a["count"] for a in product.alerts() if a["alias"] == alias] == [count]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[ShellSession]:
    with ShellSession(tmp_path) as session:
        yield session


def test_the_page_word_by_word(session: ShellSession) -> None:
    walk = Walk(session)
    opsgenie, jsm = Product(session, "127.0.0.1:8081"), Product(session, "127.0.0.1:8082")
    as_it_is_today(walk, opsgenie, jsm)
    both_for_a_while(walk, opsgenie, jsm)
    the_operations_api_instead(walk, opsgenie, jsm)
    over_and_back_with_an_open_incident(walk, opsgenie, jsm)
    walk.end()
    over_with_an_incident_that_jsm_has_not_heard_of(walk, opsgenie, jsm)


def as_it_is_today(walk: Walk, opsgenie: Product, jsm: Product) -> None:
    walk.perform("breakerd emulator --port 8081")
    walk.perform("breakerd emulator --mode jsm")
    walk.perform("printf")
    walk.perform("printf")
    walk.save("breakers.toml")
    walk.perform("breakerd serve")
    walk.perform(DRILL)
    assert "payments" in opsgenie.wait(["open"])["message"]
    walk.perform(END)
    opsgenie.wait(["closed"])
    assert jsm.alerts() == []


def both_for_a_while(walk: Walk, opsgenie: Product, jsm: Product) -> None:
    walk.save("breakers.toml")
    walk.perform("breakerd doctor")
    walk.perform("breakerd doctor")
    for alert in (opsgenie.wait(["closed"] * 2), jsm.wait(["closed"])):
        assert alert["message"].startswith("TEST from breakerd on ")
    walk.perform(DRILL)
    alert = opsgenie.wait(["closed", "closed", "open"])
    assert jsm.wait(["closed", "open"])["alias"] == alert["alias"]
    walk.perform(END)
    opsgenie.wait(["closed"] * 3)
    jsm.wait(["closed"] * 2)
    assert SITE not in jsm.paths()


def the_operations_api_instead(walk: Walk, opsgenie: Product, jsm: Product) -> None:
    walk.perform("printf")
    walk.save("breakers.toml")
    walk.perform(DRILL)
    opsgenie.wait(["closed"] * 3 + ["open"])
    jsm.wait(["closed"] * 2 + ["open"])
    walk.perform(END)
    opsgenie.wait(["closed"] * 4)
    jsm.wait(["closed"] * 3)
    assert SITE in jsm.paths()


def over_and_back_with_an_open_incident(walk: Walk, opsgenie: Product, jsm: Product) -> None:
    walk.save("forgotten.toml")
    assert 'write `flavour = "jsm"` in [opsgenie]' in walk.perform("breakerd doctor").out
    walk.perform(DRILL)
    alias = opsgenie.wait(["closed"] * 4 + ["open"])["alias"]
    jsm.wait(["closed"] * 3 + ["open"])
    walk.save("breakers.toml")
    wait_until(counted(jsm, alias, 2))
    assert opsgenie.alerts()[-1]["status"] == "open"
    walk.save("breakers.toml")
    wait_until(lambda: walk.receivers() == ["opsgenie"])
    assert opsgenie.alerts()[-1]["status"] == "open"
    walk.perform(END)
    assert opsgenie.wait(["closed"] * 5)["count"] == 1
    jsm.wait(["closed"] * 4)


def over_with_an_incident_that_jsm_has_not_heard_of(
    walk: Walk, opsgenie: Product, jsm: Product
) -> None:
    today, *_, switched, again = walk.saved
    assert plain(again) == plain(today)
    walk.repeat(DRILL)
    left = opsgenie.wait(["closed"] * 5 + ["open"])
    walk.write("breakers.toml", switched)
    carried = jsm.wait(["closed"] * 4 + ["open"])
    assert (carried["alias"], carried["count"]) == (left["alias"], 1)
    assert carried["priority"] == left["priority"]
    walk.repeat(END)
    jsm.wait(["closed"] * 5)
    opsgenie.wait(["closed"] * 6)


def plain(text: str) -> str:
    """Return a file without its remarks."""
    return re.sub(r" +# .*", "", text)


def test_every_file_that_is_read_was_shown_before() -> None:
    """Every file that a step reads is one that an earlier step made."""
    made: set[str] = set()
    for step in (step for block in blocks() if block.page == PAGE for step in steps(block)):
        text = step if isinstance(step, str) else step.text
        found = FILE.match(text)
        read = set(re.findall(r"_file = \"([^\"]+)\"|--config (\S+)", text))
        assert {name for pair in read for name in pair if name} <= made, text
        made |= {found[1]} if found else set(re.findall(r"> (\S+)$", text))
