"""Run commands as the documentation prints them, with services on free ports."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.support.command import BREAKERD, TERMINAL, Result, run
from tests.support.documented import Command

ADDRESSES = {"serve": "127.0.0.1:8080", "emulator": "127.0.0.1:8081"}
"""The addresses that the documentation has for what listens."""
_SHELL = re.compile(r"[|;<>&$`]")
_ID = re.compile(r"[0-9a-f]{12}")


class ShellSession:
    """Commands that are run one after the other in `folder`; `real` maps what differs here.

    A command that serves is started, and ends with the session. What it prints as its address, and
    identifiers, are replaced in later commands by the real ones.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.real: dict[str, str] = {}
        self._processes: list[subprocess.Popen[str]] = []
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        wrapper = bin_folder / "breakerd"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(BREAKERD)} "$@"\n')
        wrapper.chmod(0o755)
        self._path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.communicate(timeout=30)

    def address(self, what: str) -> str:
        """Return the URL of the service or the emulator."""
        return f"http://{self.real[ADDRESSES[what]]}"

    def write(self, name: str, text: str) -> None:
        """Write a file as the documentation shows it, with the real addresses, in one step."""
        new = self.folder / f"{name}.new"
        new.write_text(self._with_real(text))
        new.replace(self.folder / name)

    def get(self, path: str) -> Any:
        """Return what the service answers to whoever has its token."""
        token = (self.folder / "var/token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(self.address("serve") + path, headers=headers, timeout=30)
        return answer.raise_for_status().json()

    def perform(self, command: Command) -> Result:
        """Run one command; it prints what the documentation says, or else ends with 0."""
        result = self.run(command.text)
        if not command.output:
            assert result.code == 0, f"{command.text}: {result.err}"
            return result
        printed = (result.out + result.err).splitlines()
        for said, found in zip(command.output, printed, strict=False):
            if _ID.fullmatch(said) and _ID.fullmatch(found):
                self.real[said] = found
        assert printed == [self._with_real(line) for line in command.output], command.text
        return result

    def run(self, text: str) -> Result:
        """Run a command to its end, or start it if it serves."""
        words = shlex.split(self._with_real(text), comments=True)
        variables = {}
        while re.fullmatch(r"[A-Z_]+=.*", words[0]):
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
        if words[:1] != ["breakerd"]:
            return self._run_shell(text)
        if words[1] in ADDRESSES:
            return self._start(words[1:], variables)
        if _SHELL.search(text):
            return self._run_shell(text)
        return run(*words[1:], folder=self.folder, **variables, **self._environment())

    def _environment(self) -> dict[str, str]:
        served = self.real.get(ADDRESSES["serve"])
        return {"BREAKERD_URL": f"http://{served}"} if served else {}

    def _run_shell(self, text: str) -> Result:
        done = subprocess.run(
            ["bash", "-c", self._with_real(text)],
            cwd=self.folder,
            env=os.environ | TERMINAL | self._environment() | {"PATH": self._path},
            stdout=subprocess.PIPE,
            # Both in their order, but for the progress that curl shows.
            stderr=subprocess.DEVNULL if text.startswith("curl") else subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout, "")

    def _start(self, words: list[str], variables: dict[str, str]) -> Result:
        what, said = words[0], ADDRESSES[words[0]]
        if "--port" in words:
            at = words.index("--port")
            said = f"127.0.0.1:{words[at + 1]}"
            del words[at : at + 2]
        file = self.folder / f"{what}-{said.rpartition(':')[2]}.log"
        log = file.open("w")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "breakerd", *words, "--port", "0"],
                cwd=self.folder,
                env=os.environ | TERMINAL | variables,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.rpartition("http://")[2].strip()
        assert address, file.read_text()
        self.real[said] = address
        self.real.setdefault(ADDRESSES[what], address)
        return Result(0, line, "")

    def _with_real(self, text: str) -> str:
        for said, real in self.real.items():
            text = text.replace(said, real)
        return text
