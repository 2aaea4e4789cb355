from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[3] / "docs" / "embedding.md"


def test_the_pages_examples_run() -> None:
    blocks = [part.split("```")[0] for part in PAGE.read_text().split("```python\n")[1:]]
    assert len(blocks) == 9
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, PAGE, "exec"), names)
    assert names["pay"](5) == "paid 5"
    assert asyncio.run(names["refund"](5)) == "refunded 5"
    counters = names["breaker"].counters()
    assert (counters.success, counters.error) == (4, 1)
    for closing in ("client", "session"):
        names[closing].close()
    asyncio.run(names["async_client"].aclose())
    for breaker in ("breaker", "incoming"):
        names[breaker].close()
