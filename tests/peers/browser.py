"""A guest in a real Chromium: carries the messages of guest.html between the broker and the page, over the browser's own pipe.

    browser.py PORT USER PASSWORD HOST HERTZ TONE[,TONE]

Its microphone is a file of beeps of HERTZ. What the page says comes on stdout, a JSON object a line; a line on stdin is run in the page. The
browser ends with this program, however that ends: it is held by the pipe.
"""

import json
import math
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import wave
from array import array
from pathlib import Path

import paho.mqtt.client as mqtt

PORT, USER, PASSWORD, HOST = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
HERTZ, TONES = int(sys.argv[5]), [int(tone) for tone in sys.argv[6].split(",")]
PREFIX = "coguest/v1"
HERE = f"{PREFIX}/room/lobby/guest/{USER}"
RATE = 48000
PAGE = Path(__file__).resolve().with_name("guest.html")


def beeps(file):
    """Five beeps a second of 100 ms: Opus takes a steady tone for noise."""
    tone = (math.sin(2 * math.pi * HERTZ * at / RATE) if at % (RATE // 5) < RATE // 10 else 0 for at in range(2 * RATE))
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(array("h", (int(6500 * sample) for sample in tone)).tobytes())


class Browser:
    """Chromium, spoken to by its DevTools protocol: messages that end with a zero byte, on its descriptors 3 and 4."""

    def __init__(self, folder, messages):
        program = shutil.which("chromium") or sys.exit("apt-get install chromium")
        beeps(folder / "microphone.wav")
        switches = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe",
            f"--user-data-dir={folder}", "--autoplay-policy=no-user-gesture-required", "--disable-background-networking",
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={folder}/microphone.wav",
            # Names in place of addresses are for a network that has somebody to ask.
            "--disable-features=WebRtcHideLocalIpsWithMdns", "about:blank",
        ]
        reads, self.asks = os.pipe()
        self.says, writes = os.pipe()
        # The child's ends first out of the way of 3 and 4.
        ends = [os.dup2(end, 100 + number, inheritable=True) for number, end in enumerate((reads, writes))]
        command = f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, "chromium", program, *switches], pass_fds=ends, stdout=sys.stderr, stdin=subprocess.DEVNULL
        )
        for end in (reads, writes, *ends):
            os.close(end)
        self.number = 0
        threading.Thread(target=self.read, args=(messages,), daemon=True).start()

    def read(self, messages):
        rest = b""
        while piece := os.read(self.says, 1 << 16):
            *whole, rest = (rest + piece).split(b"\0")
            for message in whole:
                messages.put(("browser", json.loads(message)))
        messages.put(("browser", None))

    def ask(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self.asks, json.dumps(message).encode() + b"\0")
        return self.number


class Carrier:
    def __init__(self, client, browser):
        self.client, self.browser, self.session, self.prepared = client, browser, None, 0
        browser.ask("Target.setDiscoverTargets", discover=True)

    def run(self, text):
        self.browser.ask("Runtime.evaluate", self.session, expression=text)

    def broker(self, message):
        self.run(f"hear({message})")

    def stdin(self, line):
        self.run(line)

    def from_page(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Target.targetCreated" and params["targetInfo"]["type"] == "page" and not self.session:
            self.browser.ask("Target.attachToTarget", targetId=params["targetInfo"]["targetId"], flatten=True)
        elif method == "Target.attachedToTarget":
            self.session = params["sessionId"]
            self.browser.ask("Runtime.enable", self.session)
            for name in ("report", "carry"):
                self.browser.ask("Runtime.addBinding", self.session, name=name)
            begin = f"window.GUEST = {json.dumps(USER)}; window.TONES = {json.dumps(TONES)}; addEventListener('load', () => join());"
            self.browser.ask("Page.enable", self.session)
            self.prepared = self.browser.ask("Page.addScriptToEvaluateOnNewDocument", self.session, source=begin)
        elif message.get("id") == self.prepared:
            # Not before: it would be on its way before the page is told what to begin with.
            self.browser.ask("Page.navigate", self.session, url=PAGE.as_uri())
        elif method == "Runtime.bindingCalled" and params["name"] == "report":
            print(params["payload"], flush=True)
        elif method == "Runtime.bindingCalled":
            carried = json.loads(params["payload"])
            self.client.publish(f"{HERE}/to_{carried['whom']}", json.dumps(carried["message"]), qos=1)
        elif method == "Runtime.exceptionThrown" or "error" in message or message.get("result", {}).get("exceptionDetails"):
            print(json.dumps({"what": "error", "why": message}), flush=True)


def stdin(messages):
    for line in sys.stdin:
        messages.put(("stdin", line))
    # Whoever started this is gone.
    messages.put(("browser", None))


def main(folder):
    messages = queue.Queue()
    versions = getattr(mqtt, "CallbackAPIVersion", None)
    client = mqtt.Client(*([versions.VERSION1] if versions else []), client_id=USER)
    client.username_pw_set(USER, PASSWORD)
    client.on_message = lambda _client, _user, heard: messages.put(("broker", heard.payload.decode()))
    client.on_subscribe = lambda *_: messages.put(("subscribed", None))
    client.connect("127.0.0.1", PORT)
    client.loop_start()
    client.subscribe([(f"{HERE}/to_guest", 1)])
    while messages.get()[0] != "subscribed":
        pass
    client.publish(f"{PREFIX}/device/{USER}/status", "online", qos=1, retain=True)
    carrier = Carrier(client, Browser(folder, messages))
    threading.Thread(target=stdin, args=(messages,), daemon=True).start()
    while True:
        source, message = messages.get()
        if source == "browser" and message is None:
            return
        {"browser": carrier.from_page, "broker": carrier.broker, "stdin": carrier.stdin}[source](message)


with tempfile.TemporaryDirectory() as home:
    main(Path(home))
