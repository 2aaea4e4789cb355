"""Files that hostile ones are made from: valid, with something of every section."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]

BASE: Final = "wait_time = 10\nlatency_threshold = 300\n[breakers.base]\npercentile = 0.9\n"
"""The configuration in force, which no hostile file may change."""

BREAKERS: Final = """\
# a comment
percentile = 0.95 # of all
wait_time = 5
latency_threshold = 1_500.5
trend_analysis_enabled = true
slo = { success_rate = 0.99, timeout = 2.0 }
recovery.probes = 3

[breakers.payments]
latency_threshold = 100
recovery = { probes = 2, max_wait_time = 60 }

[breakers."eu.search"]
wait_time = 20
[breakers."eu.search".slo]
success_rate = 0.9
timeout = 1.5

[limiter]
enabled = true
[load]
load_threshold = 4.0
"""
ALERTS: Final = """\
[opsgenie]
enabled = true
team = 'platform'
environment = "test"
tags = ["Team:platform", "tier:1"]
time_before_send_alert = 60

[alerts]
group_window = 10

[[alerts.stages]]
after = 0
priority = "P3"
[[alerts.stages]]
after = 300
priority = "P1"
responders = ["team:platform"]

[alerts.receivers.webhook.chat]
url = "https://chat.example.org/hook"
template = '{"text": "$priority $message"}'
headers = { X-Tenant = "payments" }

[alerts.receivers.slack.ops]
url = "https://hooks.slack.com/services/T/B/C"
fallback = true

[alerts.maintenance.backups]
matchers = ["breaker=payments|eu.*", "priority!=P1"]
days = ["mon", "sun"]
begins = "01:30"
ends = "02:15"
timezone = "Europe/Madrid"

[alerts.inhibition.database]
source = ["breaker=payments"]
target = ["breaker=eu.*", "kind=latency"]
equal = ["Environment"]

[alerts.templates.open]
message = "$breaker in $environment: $cause"
description = \"\"\"
$summary
$impact\"\"\"
"""
OPERATION: Final = """\
\ufeff[circuit_breaker]
memory_threshold = 85
latency_window_size = 128
[api]
port = 8081
[fleet]
hub = "none"
labels = { zone = "a" }
"""


def seeds() -> list[str]:
    """Return all of them; the small ones first."""
    reference = (ROOT / "config" / "breakers.toml").read_text()
    texts = [BASE, BREAKERS, ALERTS, OPERATION, BREAKERS + ALERTS]
    return [*texts, BREAKERS.replace("\n", "\r\n"), reference]
