"""A Celery task that is tried again when the breaker says so.

Run a worker in one terminal and this file in another (needs `pip install . celery` in a clone):

    celery --workdir examples -A celery_app worker --concurrency 1
    python examples/celery_app.py

Five payments fail and open the breaker. The sixth is rejected at once, and is tried again after
`retry_after` seconds, as a probe that closes the breaker. The broker is a folder (CELERY_FOLDER,
./var/celery by default); use Redis or RabbitMQ in production. Each worker process has breakers of
its own, which start with its first task. Settings come from breakers.toml beside this file.
"""

import os
from pathlib import Path

from celery import Celery, Task

from breakerd import Breakerd, BreakerOpenError

FOLDER = Path(os.environ.get("CELERY_FOLDER", "var/celery")).absolute()
for name in ("queue", "results"):
    (FOLDER / name).mkdir(parents=True, exist_ok=True)

app = Celery("celery_app", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.broker_transport_options = {
    "data_folder_in": FOLDER / "queue",
    "data_folder_out": FOLDER / "queue",
    "control_folder": FOLDER / "control",
    "polling_interval": 0.1,
}

breakers = Breakerd.from_file(Path(__file__).with_name("breakers.toml"))
breaker = breakers.get("tasks")


@app.task(bind=True, max_retries=None)
def pay(self: "Task[..., str]", amount: int) -> str:
    """Pay; where the breaker rejects the call, come back when it may let one through."""
    try:
        with breaker.guard():
            if amount < 0:
                raise ConnectionError("the provider is down")
            return f"paid {amount} at try {self.request.retries + 1}"
    except BreakerOpenError as error:
        raise self.retry(exc=error, countdown=max(0.1, error.retry_after)) from error


def main() -> None:
    """Send six payments and print what became of each."""
    for amount in (-1, -2, -3, -4, -5, 6):
        print(amount, repr(pay.delay(amount).get(timeout=60, propagate=False, interval=0.1)))


if __name__ == "__main__":
    main()
