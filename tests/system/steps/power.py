"""The plug is pulled; the disk may not be written to."""

import time

from machine import BOOT, Failure
from stand import HOLD, KIOSK, UNIT, Stand


# A hold that is over before anything boots, in seconds.
SHORT = 5
UNSEATED = "device/lobby-host/event/guest_unseated"


def cut(stand: Stand) -> None:
    """The plug is pulled while live. With power back within the hold it is on air by itself, on its seat."""
    stand.seated()
    stand.hush()
    seat = stand.state()["seat"]["index"]
    # Within the hold, however slowly it boots here.
    stand.host.hold(2 * BOOT)
    stand.operator.mark()
    begun = time.monotonic()
    stand.machine.cut()
    _up_again(stand)
    state = stand.wait_live("it is live by itself")
    stand.note("power cut → on air again", f"{time.monotonic() - begun:.1f} s")
    if state["seat"]["index"] != seat or stand.operator.said(UNSEATED):
        raise Failure(f"it came back to seat {state['seat']['index']}, not {seat}, or was unseated in between")
    stand.pattern("the picture is back")
    stand.host.hold(HOLD)
    said = stand.machine.run("journalctl --no-pager -o cat -b -1 ROOM=lobby | tail -n 200")
    if "live on seat" not in said:
        raise Failure("the journal of the boot before the cut is not readable")


def readonly(stand: Stand) -> None:
    """The same with a root that cannot be written to, and the hold over before: in the room by itself, without the seat."""
    stand.seated()
    stand.hush()
    stand.machine.run("sed -i 's/ext4 noatime/ext4 ro,noatime/' /etc/fstab && sync")
    stand.host.hold(SHORT)
    stand.operator.mark()
    stand.machine.cut()
    stand.operator.wait_for("the host gives the seat away", UNSEATED)
    _up_again(stand, "ro")
    if seat := stand.state()["seat"]:
        raise Failure(f"it sits where nobody keeps a seat for it: {seat}")
    stand.host.hold(HOLD)
    options = stand.machine.run("findmnt -no OPTIONS /")
    if not options.startswith("ro"):
        raise Failure(f"the root is not read-only: {options}")
    stand.sit()
    stand.pattern("on air from a read-only root")
    stand.machine.run("mount -o remount,rw / && sed -i 's/ext4 ro,/ext4 /' /etc/fstab && sync")


def _up_again(stand: Stand, words: str = "") -> None:
    machine = stand.machine
    # The broker notices by its keep-alive; what stood retained before is no sign of the new life.
    stand.operator.wait_until("its will is said", f"device/{KIOSK}/status", lambda status: status == "offline")
    login = machine.boot(words)
    stand.operator.wait_until("online by itself", f"device/{KIOSK}/status", lambda status: status == "online", 300)
    stand.wait_state("in the room by itself", lambda state: state["room"]["membership"] == "inside", 300)
    ready = int(machine.run(f"systemctl show --value -p ActiveEnterTimestampMonotonic {UNIT}")) / 1e6
    stand.note("power → login", f"{login:.1f} s")
    stand.note("boot → ready", f"{ready:.1f} s")
