"""The plug is pulled; the disk may not be written to."""

import time

from machine import Failure
from stand import KIOSK, UNIT, Stand


def cut(stand: Stand) -> None:
    """The plug is pulled while live. With power back it is in the room by itself."""
    stand.seated()
    stand.hush()
    stand.operator.mark()
    stand.machine.cut()
    _up_again(stand)
    said = stand.machine.run("journalctl --no-pager -o cat -b -1 ROOM=lobby | tail -n 200")
    if "live on seat" not in said:
        raise Failure("the journal of the boot before the cut is not readable")


def readonly(stand: Stand) -> None:
    """A root that cannot be written to: the same."""
    stand.in_room()
    stand.hush()
    stand.machine.run("sed -i 's/ext4 noatime/ext4 ro,noatime/' /etc/fstab && sync")
    stand.operator.mark()
    stand.machine.cut()
    _up_again(stand, "ro")
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
