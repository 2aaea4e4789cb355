"""The runbook that alerts link to has a section for each topic."""

from __future__ import annotations

import re
import tomllib

from breakerd.alerts.content.topics import Topic
from breakerd.alerts.settings.texts import RUNBOOK
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
