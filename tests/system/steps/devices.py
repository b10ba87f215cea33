"""Camera and sound card fall out and come back; nothing of it touches the seat."""

import time

from machine import Failure
from pictures import Picture
from room import eventually
from stand import KIOSK, Stand


def camera(stand: Stand) -> None:
    """The camera is pulled out while live: slate; put back: live picture again, same seat, no negotiation."""
    machine = _on_air(stand)
    begun = time.monotonic()
    machine.run("cable pull camera")
    stand.slate("the stage sees the slate")
    stand.note("camera out → slate at the stage", f"{time.monotonic() - begun:.1f} s")
    _camera_lost(stand)
    begun = time.monotonic()
    machine.run("cable push camera")
    _camera_back(stand, begun)


def camera_moves(stand: Stand) -> None:
    """It comes back under another number, because somebody still holds the old one."""
    machine = _on_air(stand)
    machine.run("nohup sh -c 'exec 9</dev/video0; exec sleep 600' >/dev/null 2>&1 & echo $! >/tmp/holder; sleep 1")
    machine.run("cable pull camera")
    _camera_lost(stand)
    begun = time.monotonic()
    machine.run("cable push camera")
    stand.note("the camera is now", machine.run("ls /dev/video*"))
    _camera_back(stand, begun)
    machine.run("kill $(cat /tmp/holder)")
    # The next time it is the first again.
    stand.operator.mark()
    machine.run("cable pull camera")
    _camera_lost(stand)
    machine.run("cable push camera")
    _camera_back(stand, time.monotonic())


def camera_busy(stand: Stand) -> None:
    """Somebody else takes it in the moment it comes back: that is said, and it is taken once it is free."""
    machine = _on_air(stand)
    machine.run("cable pull camera")
    _camera_lost(stand)
    machine.run(
        "cable push camera; nohup v4l2-ctl --set-fmt-video=width=320,height=180 --stream-mmap --stream-count=0"
        " >/dev/null 2>&1 & echo $! >/tmp/thief; sleep 5"
    )
    state = stand.wait_state(
        "camera_occupied is said", lambda state: (state["last_error"] or {}).get("code") == "camera_occupied"
    )
    stand.note("what it says", state["last_error"]["message"])
    if "is in use: sudo coguestd doctor says by whom" not in state["last_error"]["message"]:
        raise Failure("it does not say how to find out who has it")
    stand.note("doctor", machine.run("coguestd doctor | grep '^WRONG *camera .* is in use by v4l2-ctl'"))
    if not stand.is_live(state):
        raise Failure(f"a busy camera cost the seat: {state}")
    machine.run("kill $(cat /tmp/thief)")
    begun = time.monotonic()
    _camera_back(stand, begun)


def camera_stream(stand: Stand) -> None:
    """Its stream breaks, then most of its frames are lost."""
    machine = _on_air(stand)
    begun = time.monotonic()
    machine.run("v4l2-ctl -c inject_fatal_streaming_error=1")
    stand.wait_event("camera_lost")
    _camera_back(stand, begun)
    whole = stand.frame_rate()
    if whole < 4:
        raise Failure(f"{whole} frames a second are too few to lose some of them")
    machine.run("v4l2-ctl -c percentage_of_dropped_buffers=90")
    eventually("fewer frames are sent", lambda: stand.frame_rate() < whole / 2)
    few = stand.frame_rate()
    machine.run("v4l2-ctl -c percentage_of_dropped_buffers=0")
    eventually("as many as before", lambda: stand.frame_rate() > whole * 0.6)
    stand.note("frames a second", f"{whole} whole, {few} with nine of ten dropped")
    if not stand.is_live(stand.state()):
        raise Failure("it is no longer live")


def microphone(stand: Stand) -> None:
    """The sound card is pulled out while live and put back: silence, then the tone again."""
    machine = _on_air(stand)
    stand.play()
    stand.wait_level("the tone", lambda level: level is not None and level > -15)
    stand.operator.mark()
    # The driver lets go when everybody has.
    machine.run("nohup cable pull microphone >/dev/null 2>&1 &")
    stand.wait_event("microphone_lost")
    stand.hush()
    stand.wait_level("silence", lambda level: level is None or level < -60)
    eventually("the driver has let go", lambda: machine.succeeds("! test -e /proc/asound/Loopback"))
    begun = time.monotonic()
    machine.run("cable push microphone")
    stand.wait_event("microphone_back")
    stand.note("sound card in → microphone_back", f"{time.monotonic() - begun:.1f} s")
    stand.play()
    stand.wait_level("the tone again", lambda level: level is not None and level > -15)
    stand.stayed()


def _on_air(stand: Stand):
    machine = stand.seated()
    stand.pattern("the stage sees the test pattern")
    stand.operator.mark()
    return machine


def _camera_lost(stand: Stand) -> None:
    stand.wait_event("camera_lost")
    state = stand.wait_state("the camera is lost", lambda state: state["camera"]["status"] == "lost")
    if not stand.is_live(state):
        raise Failure(f"a lost camera cost the seat: {state}")


def _camera_back(stand: Stand, begun: float) -> None:
    stand.wait_event("camera_back")
    stand.wait_state("the camera is on", lambda state: state["camera"]["status"] == "on")
    stand.wait_picture("the test pattern again", Picture.is_pattern)
    stand.note("camera in → its picture at the stage", f"{time.monotonic() - begun:.1f} s")
    stand.stayed()
    if stand.operator.said("device/lobby-host/event/media_lost", lambda event: event["user"]["user_id"] == KIOSK):
        raise Failure("the stage lost the media in between")
