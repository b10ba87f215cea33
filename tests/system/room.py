"""What stands beside the machine: a broker, the room's host, and an operator who sees and commands everything."""

import itertools
import json
import signal
import subprocess
import threading
import time
from pathlib import Path

from machine import BESIDE, Failure

PREFIX = "coguest/v1"
# Everything here goes through a machine that may be as slow as it likes.
PATIENCE = 120


class Broker:
    def __init__(self, directory: Path):
        self.configuration = directory / "broker.conf"
        self.configuration.write_text(f"listener 1883 {BESIDE}\nallow_anonymous true\npersistence false\n")
        self.log = open(directory / "broker.log", "ab")
        self.process = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["mosquitto", "-c", str(self.configuration)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        eventually("the broker takes connections", self._takes_connections)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _takes_connections(self) -> bool:
        said = subprocess.run(
            ["mosquitto_pub", "-h", BESIDE, "-t", "test", "-n"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return said.returncode == 0


class Host:
    """The daemon of this machine in the host's role."""

    def __init__(self, program: Path, directory: Path, hold: int):
        self.configuration = directory / "host.toml"
        self.write(hold)
        self.log = directory / "host.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(program), "run", "--config", str(self.configuration)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def hold(self, seconds: int) -> None:
        """From now on a lost guest keeps its seat so long."""
        lines = len(self.log.read_text().splitlines())
        self.write(seconds)
        self.process.send_signal(signal.SIGHUP)
        said = lambda: any("read again" in line for line in self.log.read_text().splitlines()[lines:])
        eventually("the host has read its configuration again", said)

    def write(self, hold: int) -> None:
        self.configuration.write_text(
            f"""role = "host"
[user]
id = "lobby-host"
[mqtt]
url = "mqtt://{BESIDE}:1883"
[room]
live_id = "lobby"
[host]
seats = 4
accept_applications = "always"
hold = {hold}
[media]
stats_interval = 1
"""
        )


class Operator:
    """Keeps what the broker hands out, and sends commands.

    After `mark` only what came later counts as said.
    """

    def __init__(self, directory: Path):
        self.messages = []
        self.retained = {}
        self.changed = threading.Condition()
        self.numbers = itertools.count(1)
        self.since = 0
        self.log = open(directory / "operator.log", "a")
        threading.Thread(target=self._listen, daemon=True).start()

    def mark(self) -> None:
        with self.changed:
            self.since = len(self.messages)

    def said(self, topic: str, test=lambda payload: True) -> list:
        """What was said on a topic since the mark, oldest first."""
        with self.changed:
            return [p for _, t, p in self.messages[self.since :] if t == f"{PREFIX}/{topic}" and test(p)]

    def level(self, topic: str):
        """What stands retained on a topic."""
        with self.changed:
            return self.retained.get(f"{PREFIX}/{topic}")

    def wait_for(self, what: str, topic: str, test=lambda payload: True, patience: float = PATIENCE):
        """The first message on a topic since the mark that passes."""
        return eventually(what, lambda: next(iter(self.said(topic, test)), None), patience, self.changed)

    def wait_until(self, what: str, topic: str, test, patience: float = PATIENCE):
        """Until what stands on a topic passes."""

        def stands():
            level = self.level(topic)
            return level if level is not None and test(level) else None

        return eventually(what, stands, patience, self.changed, lambda: f"it is {self.level(topic)}")

    def command(self, device: str, name: str, patience: float = PATIENCE, **parameters) -> dict:
        """The result of a command; a refusal is a failure."""
        number = f"operator-{next(self.numbers)}"
        payload = json.dumps(parameters | {"id": number})
        topic = f"{PREFIX}/device/{device}/command/{name}"
        subprocess.run(["mosquitto_pub", "-h", BESIDE, "-q", "1", "-t", topic, "-m", payload], check=True)
        reply = eventually(
            f"a reply to {name}",
            lambda: next((p for _, t, p in self.messages if t.endswith(f"/reply/{name}") and p.get("id") == number), None),
            patience,
            self.changed,
        )
        if not reply["ok"]:
            raise Failure(f"{name} of {device} was refused: {reply['error']}")
        return reply["result"]

    def _listen(self) -> None:
        # A broker that is killed ends it; the next one is asked again.
        while True:
            command = ["mosquitto_sub", "-h", BESIDE, "-q", "1", "-F", "%j", "-t", f"{PREFIX}/#"]
            listener = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for line in listener.stdout:
                self._hear(line)
            listener.wait()
            time.sleep(0.2)

    def _hear(self, line: bytes) -> None:
        message = json.loads(line)
        topic, text = message["topic"], message.get("payload", "")
        try:
            payload = json.loads(text)
        except ValueError:
            payload = text
        print(f"{time.time():.2f} {topic} {text[:400]}", file=self.log, flush=True)
        with self.changed:
            # Replies, events and stats are never retained; status, info, state are levels.
            if topic.split("/")[-1] in ("status", "info", "state"):
                self.retained[topic] = payload
            self.messages.append((time.monotonic(), topic, payload))
            self.changed.notify_all()


def eventually(what: str, probe, patience: float = PATIENCE, changed=None, found=None):
    """The first true answer of a probe."""
    end = time.monotonic() + patience
    while True:
        if answer := probe():
            return answer
        left = end - time.monotonic()
        if left <= 0:
            detail = f"; {found()}" if found else ""
            raise Failure(f"not within {patience:.0f} s: {what}{detail}")
        if changed is None:
            time.sleep(min(0.5, left))
        else:
            with changed:
                changed.wait(min(1, left))
