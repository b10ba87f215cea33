"""A guest that shares nothing with the program: paho-mqtt on the room plane, aiortc for the media.

    guest.py PORT GUEST HOST [forged] [data] [mute] [deaf] [hertz=N]

Joins the room `lobby` of HOST, applies for a seat, offers a tone and a moving picture to the stage, and says on stdout what it sees, a JSON object a
line. With `forged` its offer names a certificate that it does not have, with `data` it offers a data channel, too; with `mute` it only receives sound, with
`deaf` it only sends. The tone has 2400 Hz, or what `hertz` says.
"""

import asyncio
import json
import math
import sys
import uuid
from array import array

import paho.mqtt.client as mqtt
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.sdp import candidate_from_sdp

PORT, GUEST, HOST = int(sys.argv[1]), sys.argv[2], sys.argv[3]
FORGED, DATA, MUTE, DEAF = (word in sys.argv[4:] for word in ("forged", "data", "mute", "deaf"))
HERTZ = int(next((word[6:] for word in sys.argv[4:] if word.startswith("hertz=")), "2400"))
PREFIX = "coguest/v1"
HERE = f"{PREFIX}/room/lobby/guest/{GUEST}"
NOBODY = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
SESSION = str(uuid.uuid4())
packets = 0


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


def count(name):
    whole = getattr(RTCDtlsTransport, name)

    async def counted(self, data, *more, **named):
        global packets
        packets += 1
        return await whole(self, data, *more, **named)

    setattr(RTCDtlsTransport, name, counted)


for name in ("_handle_rtp_data", "_handle_rtcp_data"):
    count(name)


class Tone(AudioStreamTrack):
    """A square wave, whole in each frame of 20 ms."""

    async def recv(self):
        frame = await super().recv()
        half = frame.sample_rate / HERTZ / 2
        wave = (4000 if int(sample / half) % 2 else -4000 for sample in range(frame.samples))
        frame.planes[0].update(array("h", wave).tobytes())
        return frame


class Guest:
    def __init__(self, client):
        self.client = client
        self.peer = None

    def to(self, whom, **message):
        self.client.publish(f"{HERE}/to_{whom}", json.dumps(message), qos=1)

    def ask(self, **message):
        self.to("host", request_id=str(uuid.uuid4()), **message)

    async def hear(self, message):
        kind = message["type"]
        say("heard", type=kind, ok=message.get("ok"), bye=message.get("bye"))
        if kind == "seated":
            self.ask(type="devices", camera="on", microphone="on")
            await self.offer()
        elif kind == "signal" and "description" in message:
            sdp = message["description"]["sdp"]
            lines = sdp.split("\r\n")
            ways = [line[2:] for line in lines if line[2:] in ("sendrecv", "sendonly", "recvonly", "inactive")]
            say("answer", sections=[line for line in lines if line.startswith("m=")], ways=ways)
            await self.peer.setRemoteDescription(RTCSessionDescription(**message["description"]))
        elif kind == "signal" and (message.get("candidate") or {}).get("candidate"):
            way = candidate_from_sdp(message["candidate"]["candidate"].split(":", 1)[1])
            way.sdpMid, way.sdpMLineIndex = message["candidate"]["sdpMid"], message["candidate"]["sdpMLineIndex"]
            await self.peer.addIceCandidate(way)

    async def listen(self, track):
        """Says of each second of what it hears how loud it is and how high."""
        if track.kind != "audio":
            return
        while True:
            sound = array("h")
            while len(sound) < 48000:
                frame = await track.recv()
                sound.extend(array("h", bytes(frame.planes[0]))[: frame.samples * 2 : 2])
            power = sum(sample * sample for sample in sound) / len(sound)
            level = 10 * math.log10(power / 32768**2) if power else None
            turns = sum((one < 0) != (other < 0) for one, other in zip(sound, sound[1:]))
            say("hears", level=level, hertz=turns / 2 * 48000 / len(sound))

    async def offer(self):
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.on("connectionstatechange", lambda: say("connection", state=self.peer.connectionState, packets=packets))
        self.peer.on("track", lambda track: asyncio.ensure_future(self.listen(track)))
        if MUTE:
            self.peer.addTransceiver("audio", direction="recvonly")
        elif DEAF:
            self.peer.addTransceiver(Tone(), direction="sendonly")
        else:
            self.peer.addTrack(Tone())
        self.peer.addTrack(VideoStreamTrack())
        if DATA:
            self.peer.createDataChannel("data")
        await self.peer.setLocalDescription(await self.peer.createOffer())
        lines = self.peer.localDescription.sdp.split("\r\n")
        if FORGED:
            lines = [line for line in lines if not line.startswith("a=fingerprint:")]
            lines = [more for line in lines for more in ([line, NOBODY] if line.startswith("a=mid:") else [line])]
        sdp = "\r\n".join(lines)
        self.to("stage", type="signal", session=SESSION, exchange=1, description={"type": "offer", "sdp": sdp})


async def main():
    loop = asyncio.get_running_loop()
    messages = asyncio.Queue()
    versions = getattr(mqtt, "CallbackAPIVersion", None)
    client = mqtt.Client(*([versions.VERSION1] if versions else []), client_id=GUEST)
    client.on_message = lambda _c, _u, heard: loop.call_soon_threadsafe(messages.put_nowait, (heard.topic, heard.payload))
    client.on_subscribe = lambda *_: loop.call_soon_threadsafe(messages.put_nowait, ("subscribed", b""))
    client.connect("127.0.0.1", PORT)
    client.loop_start()
    client.subscribe([(f"{HERE}/to_guest", 1)])
    guest = Guest(client)
    while True:
        topic, payload = await messages.get()
        if topic == "subscribed":
            client.publish(f"{PREFIX}/device/{GUEST}/status", "online", qos=1, retain=True)
            user = {"user_id": GUEST, "user_name": "A guest", "avatar_url": ""}
            guest.ask(type="join", user=user, session=SESSION)
            guest.ask(type="apply", seat_index=-1, timeout=30, media="video", extra_info="")
            say("ready")
        else:
            await guest.hear(json.loads(payload))


asyncio.run(main())
