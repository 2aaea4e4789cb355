"""A program whose pool of processes makes the calls.

Its arguments are how the processes of the pool are started, how many there are, and what it does
itself before. It reads an action and a number a line, has the pool answer so often, and prints the
answers as JSON.
"""

import json
import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from breakerd import Breakerd
from tests.support.deployment.answers import answer

breakers = Breakerd.from_file(os.environ["SERVICE_FILE"])
payments = breakers.get("payments")


def ask(action: str) -> dict[str, Any]:
    return answer(breakers, payments, action)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    method, workers, *actions = sys.argv[1:]
    for action in actions:
        ask(action)
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(int(workers), mp_context=context) as pool:
        print("ready", flush=True)
        for line in sys.stdin:
            action, times = line.split()
            answers = list(pool.map(ask, [action] * int(times)))
            print(f"answers: {json.dumps(answers)}", flush=True)


if __name__ == "__main__":
    main()
