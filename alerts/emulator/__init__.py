"""An OpsGenie or a Jira Service Management on loopback, for tests, demos and drills.

Example:
    with Emulator(api_keys={"key"}) as emulator:
        ...  # let something page emulator.url
        assert emulator.wait_for(emulator.alerts)
"""

from breakerd.alerts.emulator.api.messages import LogEntry
from breakerd.alerts.emulator.faults.fault import Fault, FaultError, FaultKind, schedule_from_json
from breakerd.alerts.emulator.server import Emulator, Mode
from breakerd.alerts.emulator.state.alert import EmulatedAlert, HistoryEntry
from breakerd.alerts.emulator.state.alerts import Summary
from breakerd.alerts.emulator.state.attachment import Attachment

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
