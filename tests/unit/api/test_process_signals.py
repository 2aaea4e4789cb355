from __future__ import annotations

import queue
import signal
import subprocess
import sys

from breakerd.api.process_signals import ExitLimit
from tests.support.command import BREAKERD


def test_the_process_is_ended_when_the_time_is_up() -> None:
    ended: queue.SimpleQueue[object] = queue.SimpleQueue()
    limit = ExitLimit(lambda: ended.put("told"), ended.put)
    limit.set(3600, 1)
    limit.set(0, 7)
    assert ended.get(timeout=30) == "told"
    assert ended.get(timeout=30) == 7


def test_it_is_ended_even_if_nothing_can_be_told() -> None:
    def fail() -> None:
        raise RuntimeError

    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    ExitLimit(fail, ended.put).set(0, 7)
    assert ended.get(timeout=30) == 7


def test_a_hangup_before_anything_is_imported_waits() -> None:
    """The command holds it back as the first thing that it does."""
    program = (
        "import os, signal, sys\n"
        "from breakerd.main import main\n"
        "class Trap:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'breakerd.cli':\n"
        "            os.kill(os.getpid(), signal.SIGHUP)\n"
        "            assert signal.SIGHUP in signal.sigpending()\n"
        "            print('held', flush=True)\n"
        "            os._exit(0)\n"
        "sys.meta_path.insert(0, Trap())\n"
        "sys.argv = ['breakerd', 'serve']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr


def test_other_commands_end_by_a_hangup() -> None:
    """A terminal that is closed takes `demo`, `top` and the like with it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` would be inherited
    process = subprocess.Popen([*BREAKERD, "emulator", "--port", "0"], stdout=subprocess.PIPE)
    signal.signal(signal.SIGHUP, before)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == -signal.SIGHUP
