"""An asynchronous httpx client whose every request is guarded.

Run it against any URL (needs `pip install . httpx` in a clone):

    python examples/async_client.py http://127.0.0.1:8080/healthz

It sends ten requests, one after the other, and prints what became of each. Answers from 500 on,
transport errors and time-outs count as errors; once the breaker is open, nothing is sent.
"""

import asyncio
import sys

import httpx

from breakerd import Breaker, BreakerOpenError, Settings, deadline
from breakerd.breaker.integrations.httpx import AsyncBreakerTransport

breaker = Breaker(Settings(error_threshold=0.5, minimum_calls=5), name="upstream")


async def fetch(client: httpx.AsyncClient, url: str) -> str:
    """Send one request that nobody waits for longer than two seconds, and describe its end."""
    try:
        with deadline(2.0):
            response = await client.get(url)
    except BreakerOpenError as error:
        return f"not sent: {error.reason}"
    except httpx.TransportError as error:
        return f"failed: {type(error).__name__}"
    return f"answered: {response.status_code}"


async def main(url: str) -> None:
    """Send ten requests through one client."""
    async with httpx.AsyncClient(transport=AsyncBreakerTransport(breaker)) as client:
        for number in range(10):
            print(f"request {number} {await fetch(client, url)}")
    print(f"the breaker is {breaker.state.value}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
