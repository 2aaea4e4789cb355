"""Emulates OpsGenie or Jira Service Management on loopback, for tests, demos and drills.

Example:
    with Emulator(api_keys={"key"}) as emulator:
        ...  # send an alert to emulator.url
        assert emulator.wait_for(emulator.alerts)
"""

from breakerd.alerts.emulator.faults.fault import Fault, FaultError, FaultKind, schedule_from_json
from breakerd.alerts.emulator.server import Emulator, Mode
from breakerd.alerts.emulator.state.alert import EmulatedAlert, HistoryEntry
from breakerd.alerts.emulator.state.alerts import Summary
from breakerd.alerts.emulator.state.attachment import Attachment
from breakerd.alerts.emulator.state.request_log import LogEntry

__all__ = [
    "Attachment",
    "EmulatedAlert",
    "Emulator",
    "Fault",
    "FaultError",
    "FaultKind",
    "HistoryEntry",
    "LogEntry",
    "Mode",
    "Summary",
    "schedule_from_json",
]
