"""From a fresh machine to a kiosk on air, a newer version, and nothing left."""

import time

from machine import Failure
from room import eventually
from stand import KIOSK, UNIT, Stand


def install(stand: Stand) -> None:
    """apt installs it, nothing runs yet; one file is edited; systemctl enable --now; it is in the room."""
    machine = stand.installed()
    for question, expected in (("is-enabled", "disabled"), ("is-active", "inactive")):
        if (said := machine.run(f"systemctl {question} {UNIT} || true")) != expected:
            raise Failure(f"after the installation systemctl {question} says {said}")
    exposure = float(machine.run(f"systemd-analyze security {UNIT} --no-pager | tail -1 | grep -o '[0-9.]\\+ ' | head -1"))
    stand.note("systemd-analyze security", str(exposure))
    if exposure > 1.5:
        raise Failure("the unit is more exposed than 1.5")
    stand.in_room()
    first = _ready_after(stand)
    in_room = float(machine.run(f"{_MONOTONIC} | awk '/in lobby/ {{print; exit}}' | cut -d' ' -f1"))
    stand.note("first start → ready (with the scan of plugins)", f"{first:.1f} s")
    stand.note("ready → in room", f"{in_room - _stamp(stand, 'ActiveEnterTimestampMonotonic'):.1f} s")
    machine.run(f"systemctl restart {UNIT}", timeout=240)
    again = _ready_after(stand)
    stand.note("start → ready", f"{again:.1f} s")
    if not machine.succeeds("test -s /run/coguestd/plugins-*.bin"):
        raise Failure("the list of plugins was not kept in /run/coguestd")
    _idle(stand)


def main(stand: Stand) -> None:
    """The camera's own picture, moving, and the tone that its microphone hears, at the stage."""
    machine = stand.seated()
    live = stand.operator.said(f"device/{KIOSK}/event/media_live")
    if live:
        stand.note("accept → first packet", f"{live[-1]['accept_to_first_packet_ms']} ms")
    stand.pattern("the stage sees the test pattern of the camera")
    machine.run("v4l2-ctl -c horizontal_movement=6")
    one = stand.pattern("the pattern, moving")
    stand.wait_picture("the picture moves", lambda two: two.is_pattern() and two.difference(one) > 20)
    stand.play()
    stand.note("the tone at the stage", f"{stand.wait_level('the tone', _is_tone):.1f} dBFS")
    stand.hush()
    stand.wait_level("silence when nobody plays", lambda level: level is None or level < -60)
    stand.play()
    video = stand.seen()["video"]
    stand.note("picture at the stage", f"{video['width']}x{video['height']}, {stand.frame_rate()} a second were sent")
    before = int(stand.shown("CPUUsageNSec")), time.monotonic()
    time.sleep(10)
    spent = int(stand.shown("CPUUsageNSec")) - before[0]
    stand.note("CPU of the daemon on air", f"{spent / 1e7 / (time.monotonic() - before[1]):.0f} % of one core")
    stand.note("memory of the daemon on air", _memory(stand))


def reload(stand: Stand) -> None:
    """systemctl reload while on air: what can be applied is, what needs a restart is said, nonsense changes nothing."""
    machine = stand.seated()
    pid = stand.pid()
    stand.operator.mark()
    told = stand.reload('[user]\nname = "The lobby"\n[media]\ncapture_volume = 70\n[mqtt]\nkeep_alive = 20\n')
    stand.note("reloaded", told)
    if "applied user.name, media.capture_volume; a restart is needed for mqtt.keep_alive" not in told:
        raise Failure(f"of the new configuration it says: {told}")
    stand.operator.wait_until("its new name", f"device/{KIOSK}/info", lambda info: info["user"]["user_name"] == "The lobby")
    stand.wait_state("its new volume", lambda state: state["microphone"]["volume"] == 70)
    told = stand.reload("[media]\nquality = 7\n")
    stand.note("reloaded nonsense", told)
    if "the old one stays" not in told or "90-reload.toml:2" not in told:
        raise Failure(f"of a wrong configuration it says: {told}")
    told = stand.reload(None)
    if "applied user.name, media.capture_volume" not in told:
        raise Failure(f"of the old configuration it says: {told}")
    stand.pattern("the picture goes on")
    stand.stayed()
    if stand.pid() != pid or not machine.succeeds("systemctl is-active coguestd"):
        raise Failure("it was restarted")


def upgrade(stand: Stand) -> None:
    """A newer version while it is on air: the same seat, and on air again by itself."""
    machine = stand.seated()
    seat, pid = stand.state()["seat"]["index"], stand.pid()
    machine.put(stand.newer_package(), "/tmp/newer.deb")
    stand.operator.mark()
    begun = time.monotonic()
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get install -y /tmp/newer.deb", timeout=600)
    eventually("another process", lambda: stand.pid() not in (0, pid))
    stand.wait_event("media_live")
    state = stand.wait_live("it is live again")
    stand.note("upgrade, on air again after", f"{time.monotonic() - begun:.1f} s")
    if state["seat"]["index"] != seat:
        raise Failure(f"it came back to seat {state['seat']['index']}, not {seat}")
    if stand.operator.said("device/lobby-host/event/guest_unseated"):
        raise Failure("the host took the seat away")
    if not machine.succeeds(f"grep -q 'id = \"{KIOSK}\"' /etc/coguestd/config.toml"):
        raise Failure("the edited configuration was not kept")


def journal(stand: Stand) -> None:
    """journalctl ROOM=lobby tells the story."""
    machine = stand.seated()
    lines = machine.run("journalctl --no-pager -o cat ROOM=lobby SYSLOG_IDENTIFIER=coguestd | tail -n 40").splitlines()
    if not any("live on seat" in line for line in lines):
        raise Failure(f"the journal of the room does not say that it was live: {lines}")
    for line in lines[-12:]:
        print(f"    | {line}")
    status = stand.shown("StatusText")
    stand.note("STATUS=", status)
    if "live" not in status:
        raise Failure("STATUS= does not say that it is live")


def purge(stand: Stand) -> None:
    """Remove keeps the configuration, purge leaves nothing; the room hears a goodbye."""
    machine = stand.seated()
    stand.operator.mark()
    stand.hush()
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get remove -y coguestd", timeout=300)
    stand.operator.wait_until("it says that it is gone", f"device/{KIOSK}/status", lambda status: status == "offline")
    if not machine.succeeds("test -e /etc/coguestd/config.toml -a ! -e /usr/lib/systemd/system/coguestd.service -a ! -e /usr/bin/coguestd"):
        raise Failure("removed: the configuration should stay and the unit go")
    machine.run("DEBIAN_FRONTEND=noninteractive apt-get purge -y coguestd", timeout=300)
    left = machine.run("find / -xdev -iname '*coguestd*' -not -path '/tmp/*' -not -path '/proc/*'; ls -d /run/coguestd* 2>/dev/null; getent passwd coguestd; getent group coguestd; true")
    if left:
        raise Failure(f"left after the purge:\n{left}")
    failed = machine.run("systemctl list-units --state=failed --plain --no-legend 'coguestd*'")
    if failed:
        raise Failure(f"systemd still speaks of it: {failed}")
    stand.is_installed = False


_MONOTONIC = "journalctl --no-pager -b -o short-monotonic -u coguestd | tr -d '[]' | sed 's/^ *//'"


def _is_tone(level) -> bool:
    return level is not None and -15 < level < -5


def _stamp(stand: Stand, name: str) -> float:
    return int(stand.shown(name)) / 1e6


def _ready_after(stand: Stand) -> float:
    return _stamp(stand, "ActiveEnterTimestampMonotonic") - _stamp(stand, "ExecMainStartTimestampMonotonic")


def _memory(stand: Stand) -> str:
    status = stand.machine.run(f"grep -E 'VmHWM|RssAnon|Threads' /proc/{stand.pid()}/status | tr -s '\\t\\n ' ' '")
    return f"{int(stand.shown('MemoryCurrent')) >> 20} MiB in the unit; {status}"


def _idle(stand: Stand) -> None:
    stand.wait_state("it is in the room again", lambda state: state["room"]["membership"] == "inside")
    stand.note("memory of the daemon in standby", _memory(stand))
    if codecs := stand.machine.run(f"grep -o 'libavcodec.*' /proc/{stand.pid()}/maps | sort -u"):
        raise Failure(f"what only a stay may need is loaded in standby: {codecs}")
