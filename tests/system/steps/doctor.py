"""Faults of the machine itself, staged for real, and what `coguestd doctor` says of each."""

import time

from machine import Failure
from room import eventually
from stand import KIOSK, Stand

# A control with a switch and no volume, as alsactl keeps it.
SWITCH = """state.Loopback {
  control.99 {
    iface MIXER
    name 'Mic Capture Switch'
    value true
    comment { access 'read write user' type BOOLEAN count 1 }
  }
}
"""


def doctor(stand: Stand) -> None:
    """Busy, missing, forbidden, muted devices and a wrong clock: each has its own sentence."""
    machine = stand.seated()
    stand.operator.command(KIOSK, "disconnect")
    stand.wait_state("its devices are closed", lambda state: not state["seat"])
    _nobody_holds_the_camera(machine)
    if said := _wrong(stand, "coguestd"):
        raise Failure(f"of a healthy machine it says: {said}")

    # The card's mixer has nothing to record with; this goes when the card does.
    machine.write("/tmp/mixer", SWITCH)
    machine.run("alsactl -I -f /tmp/mixer restore Loopback")
    _muted(stand, "microphone", "Loopback", "Mic nocap")

    machine.run("nohup v4l2-ctl --stream-mmap --stream-count=0 >/dev/null 2>&1 & echo $! >/tmp/thief; sleep 3")
    _names(stand, "root", "camera", "is in use by v4l2-ctl", "stop that program")
    machine.run("kill $(cat /tmp/thief)")
    _nobody_holds_the_camera(machine)

    machine.run("cable pull camera; cable pull microphone")
    said = _wrong(stand, "coguestd")
    _named(stand, said, "camera", "there is no camera", "plug one in")
    _named(stand, said, "microphone", "there is no microphone", "plug one in")
    machine.run("cable push camera; cable push microphone")

    machine.run("gpasswd -d coguestd video")
    said = _wrong(stand, "coguestd")
    _named(stand, said, "camera", "/dev/video0", "may not be opened")
    _named(stand, said, "groups", "coguestd is not in the group video: sudo usermod -aG video coguestd")
    machine.run("gpasswd -a coguestd video")

    machine.run("modprobe snd-hda-intel")
    _muted(stand, "microphone", "HDA-Intel", "Capture 80% nocap")
    eventually("its driver lets go", lambda: machine.succeeds("modprobe -r snd-hda-intel"))

    machine.speaker("in")
    _muted(stand, "speaker", "USB-Audio", "'Audio Output Volume Control' 80% mute")
    machine.speaker("out")
    eventually("its card is gone", lambda: not machine.succeeds("grep -q USB-Audio /proc/asound/cards"))

    machine.run("date -s '1999-12-31 12:00' >/dev/null")
    _names(stand, "coguestd", "clock", "the clock says 1999-12-31", "time server")
    machine.run(f"date -s @{int(time.time())} >/dev/null")

    if said := _wrong(stand, "coguestd"):
        raise Failure(f"all being mended it says: {said}")


def _muted(stand: Stand, what: str, driver: str, mute: str) -> None:
    """A second card, muted in its mixer; the command that the doctor names opens it."""
    machine = stand.machine
    eventually("its card is there", lambda: machine.succeeds(f"grep -q {driver} /proc/asound/cards"))
    card = machine.run(f"udevadm settle; sed -n 's/.*\\[\\(.*[^ ]\\) *\\]: {driver} .*/\\1/p' /proc/asound/cards")
    machine.run(f"amixer -q -c {card} sset {mute}")
    options = f"--set media.{what}=hw:CARD={card},DEV=0"
    sentence = _names(stand, "coguestd", what, "is muted in its mixer", options=options)
    machine.run(sentence.split("sudo ")[1].rstrip("; "))
    if said := _wrong(stand, "coguestd", options):
        raise Failure(f"the {what} being opened by the doctor's command it says: {said}")


def _nobody_holds_the_camera(machine) -> None:
    """One that is held comes back under another number."""
    eventually("nobody holds the camera", lambda: machine.succeeds("! fuser -s /dev/video0"))


def _wrong(stand: Stand, user: str, options: str = "") -> list:
    # The daemon's list of plugins: to make one anew each time takes longer than all the rest.
    plugins = "env GST_REGISTRY_1_0=$(echo /run/coguestd/plugins-*.bin)"
    said = stand.machine.run(f"runuser -u {user} -- {plugins} coguestd doctor {options}; true").splitlines()
    if not any(line.startswith("ok ") for line in said):
        raise Failure(f"the doctor finds nothing in order: {said}")
    return [" ".join(line.split()) for line in said if line.startswith("WRONG")]


def _names(stand: Stand, user: str, what: str, *parts: str, options: str = "") -> str:
    return _named(stand, _wrong(stand, user, options), what, *parts)


def _named(stand: Stand, said: list, what: str, *parts: str) -> str:
    fits = [line for line in said if line.startswith(f"WRONG {what} ") and all(part in line for part in parts)]
    if len(fits) != 1:
        raise Failure(f"{parts} is not what the doctor says of the {what}: {said}")
    stand.note("doctor", fits[0])
    return fits[0]
