"""The runbook that alerts link to has a section for each topic."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import typer

from breakerd.alerts.content.topics import Topic, action
from breakerd.alerts.settings.texts import RUNBOOK
from breakerd.cli import app
from tests.docs.test_links import PROJECT, anchors

PAGE = PROJECT / "docs" / "runbook.md"
PARTS = ("Means", "Users feel", "Check first", "Do", "Silence or force")


def test_each_topic_has_a_section() -> None:
    assert {topic.value for topic in Topic} <= anchors(PAGE)


def test_each_section_has_every_part() -> None:
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert len(sections) == len(Topic)
    for section in sections:
        assert re.findall(r"^\*\*([^*]+)\*\*:", section, re.MULTILINE) == list(PARTS), section


def test_the_default_link_is_that_page_of_the_project() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    documentation = project["urls"]["Documentation"].removesuffix("README.md")
    assert f"{documentation}runbook.md#{{topic}}" == RUNBOOK


def test_its_commands_and_those_of_alerts_are_ones_that_the_command_line_takes() -> None:
    told = [PAGE.read_text(), *(action(topic, "payments") for topic in Topic)]
    commands = re.findall(r"`breakerd ([^`]+ [^`]+)`", "\n".join(told))
    assert {"reset --breaker NAME", "reset --breaker payments"} <= set(commands)
    for command in commands:
        parse(shlex.split(command))


def parse(arguments: list[str]) -> None:
    """Fail if the command line does not take these arguments; nothing is executed."""
    command: Any = typer.main.get_command(app)
    while arguments and arguments[0] in getattr(command, "commands", {}):
        command = command.commands[arguments.pop(0)]
    command.make_context(command.name, arguments)
