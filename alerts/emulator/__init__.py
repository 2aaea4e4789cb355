"""An OpsGenie on loopback, for tests, demos and drills.

Example:
    with Emulator(api_keys={"key"}) as emulator:
        ...  # let something page emulator.url
        assert emulator.wait_for(lambda: bool(emulator.alerts()))
"""

from alerts.emulator.book import EmulatedAlert
from alerts.emulator.faults import Fault, FaultKind
from alerts.emulator.server import Emulator, Entry

__all__ = ["EmulatedAlert", "Emulator", "Entry", "Fault", "FaultKind"]
