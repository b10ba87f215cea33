"""The daemon dies, stands still, or hangs; the clock jumps."""

import time

from machine import Failure
from room import eventually
from stand import Stand


def kill(stand: Stand) -> None:
    """kill -9 while live: the camera is closed in between, and it comes back to the same seat by itself."""
    _comes_back(stand, "kill -9", lambda: stand.machine.run("systemctl kill --kill-whom=main -s KILL coguestd"))


def stop(stand: Stand) -> None:
    """SIGSTOP while live: the watchdog ends it."""
    _comes_back(stand, "SIGSTOP", lambda: stand.machine.run("systemctl kill --kill-whom=main -s STOP coguestd"))
    _by_watchdog(stand)


def hang(stand: Stand) -> None:
    """One thread, that of the media, is frozen while the loop turns on: the watchdog ends it likewise."""
    stand.seated()
    pid = stand.pid()
    freeze = f"""set -e
for task in /proc/{pid}/task/*; do
  if grep -qx publisher $task/comm; then tid=${{task##*/}}; fi
done
cd /sys/fs/cgroup/system.slice/coguestd.service
mkdir frozen
echo threaded >frozen/cgroup.type
echo $tid >frozen/cgroup.threads
echo 1 >frozen/cgroup.freeze"""
    _comes_back(stand, "a media thread that hangs", lambda: stand.machine.run(freeze))
    _by_watchdog(stand)


def clock(stand: Stand) -> None:
    """The clock jumps by years, forth and back: nothing times out, nobody restarts."""
    machine = stand.seated()
    pid = stand.pid()
    stand.operator.mark()
    for jump in ("+5 years", "1999-12-31 23:59:50", "+20 years"):
        machine.run(f"date -s '{jump}' >/dev/null")
        time.sleep(4)
    stand.pattern("the picture goes on")
    stand.stayed()
    machine.run(f"date -s @{int(time.time())} >/dev/null")
    if stand.pid() != pid:
        raise Failure("the daemon was restarted when the clock jumped")


def _comes_back(stand: Stand, what: str, strike) -> None:
    machine = stand.seated()
    stand.pattern("the picture")
    seat, restarts, pid = stand.state()["seat"]["index"], stand.restarts(), stand.pid()
    stand.operator.mark()
    begun = time.monotonic()
    strike()
    eventually("the process is gone", lambda: not machine.succeeds(f"test -d /proc/{pid}"))
    eventually("nobody holds the camera in between, or it is a new process", lambda: _holder(stand) != pid)
    stand.wait_restart("systemd starts it again", restarts)
    stand.note(f"{what} → started again", f"{time.monotonic() - begun:.1f} s")
    stand.wait_event("media_live")
    state = stand.wait_live("it is live again")
    stand.pattern("the picture is back")
    stand.note(f"{what} → on air again", f"{time.monotonic() - begun:.1f} s")
    if state["seat"]["index"] != seat:
        raise Failure(f"it came back to seat {state['seat']['index']}, not {seat}")
    if said := stand.operator.said("device/lobby-host/event/guest_unseated"):
        raise Failure(f"the seat was lost in between: {said}")


def _by_watchdog(stand: Stand) -> None:
    if "Watchdog timeout" not in stand.machine.run("journalctl --no-pager -o cat -u coguestd -n 200"):
        raise Failure("it was not the watchdog")


def _holder(stand: Stand) -> int:
    said = stand.machine.run("fuser /dev/video0 2>/dev/null; true").split()
    return int(said[0]) if said else 0
