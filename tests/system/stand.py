"""The whole stand: the machine with coguestd in it, and what is beside it. Brings itself to where a step begins."""

import subprocess
import time
from pathlib import Path

from machine import BESIDE, Failure, Machine
from pictures import Picture
from room import PATIENCE, Broker, Host, Operator, eventually

KIOSK = "kiosk-1"
# A lost guest keeps its seat so long; the protocol's own 15 s would measure how busy this host is.
HOLD = 90
UNIT = "coguestd.service"
PACKAGE = "/tmp/coguestd.deb"


class Stand:
    def __init__(self, image: Path, directory: Path, package: Path, host_program: Path):
        self.directory, self.package = directory, package
        self.machine = Machine(image, directory)
        self.broker = Broker(directory)
        self.operator = Operator(directory)
        self.host = Host(host_program, directory, HOLD)
        self.is_on = self.is_installed = False
        self.facts = []
        self.tone = None

    def note(self, what: str, value: str) -> None:
        """A fact for the report."""
        self.facts.append((what, value))
        print(f"    {what}: {value}", flush=True)

    # ---- where a step begins

    def on(self) -> Machine:
        if not self.is_on:
            self.note("switched on → login", f"{self.machine.boot():.1f} s")
            self.is_on = True
        return self.machine

    def installed(self) -> Machine:
        machine = self.on()
        if not self.is_installed:
            machine.put(self.package, PACKAGE)
            machine.run(f"DEBIAN_FRONTEND=noninteractive apt-get install -y {PACKAGE}", timeout=600)
            self.configure()
            self.is_installed = True
        return machine

    def configure(self) -> None:
        """The one file that is edited."""
        edits = {
            'id = "auto"': f'id = "{KIOSK}"',
            'url = "mqtt://127.0.0.1:1883"': f'url = "mqtt://{BESIDE}:1883"',
            '# live_id = "lobby"': 'live_id = "lobby"',
            'quality = "720p"': 'quality = "360p"',
            "stats_interval = 5": "stats_interval = 1",
            # A tone that stands still is noise to what suppresses it, and too loud or too quiet a voice to what controls the gain.
            "noise_suppression = true": "noise_suppression = false",
            "auto_gain_control = true": "auto_gain_control = false",
        }
        text = self.machine.run("cat /etc/coguestd/config.toml")
        for old, new in edits.items():
            if f"\n{old}" not in text:
                raise Failure(f"the shipped configuration has no line {old}")
            text = text.replace(f"\n{old}", f"\n{new}")
        self.machine.write("/etc/coguestd/config.toml", f"{text}\n")
        self.machine.run("coguestd check-config >/dev/null")

    def in_room(self) -> Machine:
        """Installed, running, and in the room."""
        machine = self.installed()
        machine.run(f"systemctl enable --quiet --now {UNIT}", timeout=240)
        self.operator.wait_until("the host's room is live", "room/lobby/state", lambda room: room["status"] == "live")
        self.operator.wait_until("the kiosk is online", f"device/{KIOSK}/status", lambda status: status == "online")
        self.wait_state("the kiosk is in the room", lambda state: state["room"]["membership"] == "inside")
        return machine

    def seated(self) -> Machine:
        """On air, with picture and sound of the machine's own devices."""
        machine = self.in_room()
        if not self.is_live(self.state()):
            self.sit()
        return machine

    # ---- what the kiosk says

    def state(self) -> dict:
        return self.operator.level(f"device/{KIOSK}/state")

    def wait_state(self, what: str, test, patience: float = PATIENCE) -> dict:
        return self.operator.wait_until(what, f"device/{KIOSK}/state", test, patience)

    def wait_event(self, event: str, patience: float = PATIENCE) -> dict:
        return self.operator.wait_for(f"the event {event}", f"device/{KIOSK}/event/{event}", patience=patience)

    def events(self, event: str) -> list:
        return self.operator.said(f"device/{KIOSK}/event/{event}")

    @staticmethod
    def is_live(state: dict) -> bool:
        return bool(state["seat"]) and state["seat"]["phase"] == "live"

    def sit(self) -> dict:
        """Applies for a seat (the host accepts at once) and waits until the media run; the event that says so."""
        self.operator.mark()
        if not self.state()["seat"]:
            self.operator.command(KIOSK, "apply_for_seat")
        live = self.wait_event("media_live")
        self.wait_live("it is live")
        return live

    def wait_live(self, what: str, patience: float = PATIENCE) -> dict:
        return self.wait_state(what, self.is_live, patience)

    def stayed(self) -> None:
        """Since the mark nothing was negotiated anew and the seat was kept."""
        for event in ("media_recovering", "media_failed", "unseated", "media_live"):
            if said := self.events(event):
                raise Failure(f"the stay did not go through: {event} {said}")
        if not self.is_live(self.state()):
            raise Failure(f"it is no longer live: {self.state()}")

    # ---- what the stage sees and hears

    def picture(self) -> Picture:
        return Picture(self.operator.command("lobby-host", "take_seat_snapshot", user_id=KIOSK))

    def wait_picture(self, what: str, test, patience: float = PATIENCE) -> Picture:
        """The first picture that passes; one is taken about every second."""

        def probe():
            try:
                picture = self.picture()
            except Failure as failure:
                # No picture was decoded yet.
                if "permission_denied" not in str(failure):
                    raise
                return None
            return picture if test(picture) else None

        return eventually(what, probe, patience)

    def pattern(self, what: str) -> Picture:
        return self.wait_picture(what, Picture.is_pattern)

    def slate(self, what: str) -> Picture:
        return self.wait_picture(what, lambda picture: len(picture.bars()) < 4)

    def seen(self) -> dict:
        """The newest measurement of the stage, not older than this call."""
        after = len(self.operator.messages)

        def probe():
            for _, topic, payload in self.operator.messages[after:]:
                if topic.endswith("/device/lobby-host/stats"):
                    for seat in payload["seats"]:
                        if seat["user_id"] == KIOSK:
                            return seat
            return None

        return eventually("the stage measures the kiosk", probe, changed=self.operator.changed)

    def frame_rate(self) -> float:
        """Pictures that the kiosk sends in a second, the middle of some measurements.

        The stage decodes only key frames when this host has too little time for more, so its own count says nothing.
        """
        after = len(self.operator.messages)

        def probe():
            said = [p for _, topic, p in self.operator.messages[after:] if topic.endswith(f"/device/{KIOSK}/stats")]
            rates = [stats["video"]["frame_rate"] for stats in said if stats["video"]]
            return sorted(rates) if len(rates) >= 5 else None

        return eventually("the kiosk measures what it sends", probe, changed=self.operator.changed)[2]

    def play(self) -> None:
        """A tone of 440 Hz at half volume: −9 dBFS at the far side. The card's first device hears what its second plays."""
        self.hush()
        tone = "audiotestsrc freq=440 volume=0.5 ! audio/x-raw,format=S16LE,rate=48000,channels=1"
        self.tone = self.machine.spawn(f"gst-launch-1.0 -q {tone} ! alsasink device=hw:CARD=Loopback,DEV=1")

    def hush(self) -> None:
        if self.tone:
            self.tone.kill()
            self.tone.wait()
            self.tone = None
        self.machine.run("pkill -x gst-launch-1.0; true")

    def wait_level(self, what: str, test) -> float:
        """Until the stage hears a level (None: silence) that passes."""
        heard = []

        def probe():
            level = (self.seen()["audio"] or {}).get("level_dbfs")
            heard.append(level)
            # Zero is as false as None.
            return (level,) if test(level) else None

        return eventually(what, probe, found=lambda: f"heard {heard[-5:]}")[0]

    # ---- what systemd says

    def shown(self, name: str) -> str:
        return self.machine.run(f"systemctl show --value -p {name} {UNIT}")

    def pid(self) -> int:
        return int(self.shown("MainPID"))

    def restarts(self) -> int:
        return int(self.shown("NRestarts"))

    def wait_restart(self, what: str, before: int, patience: float = PATIENCE) -> float:
        start = time.monotonic()
        eventually(what, lambda: self.restarts() > before and self.shown("ActiveState") == "active", patience)
        return time.monotonic() - start

    def reload(self, more) -> str:
        """systemctl reload with this drop-in (None: with none); what the journal says of it."""
        file = "/etc/coguestd/conf.d/90-reload.toml"
        if more is None:
            self.machine.run(f"rm {file}")
        else:
            self.machine.write(file, more)
        cursor = self.machine.run("journalctl -u coguestd -n 0 --show-cursor | sed -n 's/^-- cursor: //p'")
        self.machine.run(f"systemctl reload {UNIT}")
        journal = f"journalctl --no-pager -o cat -u coguestd --after-cursor='{cursor}'"
        line = f"{journal} | grep -m 1 -E 'configuration (read again|was not taken)'; true"
        return eventually("a line about the configuration", lambda: self.machine.run(line))

    def newer_package(self) -> Path:
        """The same package as a later version."""
        tree, file = self.directory / "newer", self.directory / "newer.deb"
        subprocess.run(["dpkg-deb", "-R", str(self.package), str(tree)], check=True)
        control = tree / "DEBIAN" / "control"
        lines = [
            f"{line}+upgrade" if line.startswith("Version:") else line for line in control.read_text().splitlines()
        ]
        control.write_text("\n".join(lines) + "\n")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(tree), str(file)], check=True, capture_output=True)
        return file

    def close(self) -> None:
        self.machine.cut()
        self.host.process.kill()
        self.broker.kill()
