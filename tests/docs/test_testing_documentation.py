"""The files of docs/testing.md, run by pytest as printed."""

from __future__ import annotations

import re

import pytest

from breakerd import Breaker
from breakerd.testing import BreakerHandle, Breakers, take_over
from tests.support.documented import PROJECT, Block, blocks

PAGE = "docs/testing.md"


def printed(language: str) -> list[Block]:
    return [block for block in blocks(language) if block.page == PAGE]


def test_its_files_run_as_printed(pytester: pytest.Pytester) -> None:
    for block in printed("python"):
        name = block.head.removeprefix("# ")
        (pytester.path / name).write_text(block.text)
    run = pytester.runpytest_subprocess(
        "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function"
    )
    run.assert_outcomes(passed=5)


def test_the_message_it_shows_is_true() -> None:
    (message,) = printed("text")
    with take_over() as breakers:
        breaker = Breaker(name="payments")
        breakers["payments"].open()
        breakers.advance(10)
        with pytest.raises(AssertionError) as failed:
            breakers[breaker].assert_transitions("CLOSED", "OPEN")
    told, _, _ = str(failed.value).partition("\nnote: ")  # of breakers that other tests hold
    assert f"AssertionError: {told}\n" == message.text


def test_it_lists_every_method() -> None:
    page = (PROJECT / PAGE).read_text()
    of_all, of_one = re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
    for shown, cls in ((of_all, Breakers), (of_one, BreakerHandle)):
        public = [name for name in vars(cls) if not name.startswith("_")]
        assert [name for name in public if not re.search(rf"`{name}\b|\b{name}`", shown)] == []
