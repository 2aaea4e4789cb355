"""An OpsGenie or a Jira Service Management on loopback, for tests, demos and drills.

Example:
    with Emulator(api_keys={"key"}) as emulator:
        ...  # let something page emulator.url
        assert emulator.wait_for(emulator.alerts)
"""

from alerts.emulator.alert import EmulatedAlert, Happening
from alerts.emulator.attachment import Attachment
from alerts.emulator.book import Summary
from alerts.emulator.exchange import Entry
from alerts.emulator.fault import Fault, FaultError, FaultKind, schedule_from_json
from alerts.emulator.server import Emulator, Mode

__all__ = [
    "Attachment",
    "EmulatedAlert",
    "Emulator",
    "Entry",
    "Fault",
    "FaultError",
    "FaultKind",
    "Happening",
    "Mode",
    "Summary",
    "schedule_from_json",
]
