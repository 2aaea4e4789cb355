"""An OpsGenie on loopback, for tests, demos and drills.

Example:
    with Emulator(api_keys={"key"}) as emulator:
        ...  # let something page emulator.url
        assert emulator.wait_for(emulator.alerts)
"""

from alerts.emulator.alert import EmulatedAlert, Happening
from alerts.emulator.exchange import Entry
from alerts.emulator.faults import Fault, FaultError, FaultKind
from alerts.emulator.server import Emulator

__all__ = [
    "EmulatedAlert",
    "Emulator",
    "Entry",
    "Fault",
    "FaultError",
    "FaultKind",
    "Happening",
]
