"""A host and its stage that share nothing with the program: paho-mqtt on the room plane, aiortc for the media.

    stage.py PORT GUEST [forged] [audio] [lossy]

With `forged` its answers name a certificate that it does not have; with `lossy` it loses packets, and has them sent again. Opens the room `lobby` as `host-1`, invites GUEST to seat 1, with `audio` for sound only, as soon as it joins, seats it when it accepts, and answers its offer.
What is seen goes to stdout, a JSON object a line. Lines on stdin: `key` asks for a key frame, `bye` ends the peer connection,
`slow` sends nothing but a report every seven seconds, as a browser may that only hears.
"""

import asyncio
import json
import sys
import uuid

import numpy
import paho.mqtt.client as mqtt
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, rtcrtpreceiver
from aiortc.codecs import depayload
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.sdp import candidate_from_sdp

PORT, GUEST = int(sys.argv[1]), sys.argv[2]
FORGED = "forged" in sys.argv[3:]
LOSSY = "lossy" in sys.argv[3:]
NOBODY = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
MEDIA = "audio" if "audio" in sys.argv[3:] else "video"
PREFIX, ROOM, HOST = "coguest/v1", "lobby", {"user_id": "host-1", "user_name": "A host", "avatar_url": ""}
HERE = f"{PREFIX}/room/{ROOM}/guest/{GUEST}"
SEAT = {"seat_index": 1, "media": MEDIA}
# Seconds in which a tick must have come: there is one every second.
TICKED = 1.5
# Seconds between the reports of a slow one: browsers take 2.5 to 7.5.
REPORTED = 6.5


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


keys = 0


def look_into(codec, payload):
    """What aiortc takes out of a packet, with a look at what it is: key frames, and the profile of H.264."""
    global keys
    data = depayload(codec, payload)
    if codec.name == "VP8":
        descriptor, rest = VpxPayloadDescriptor.parse(payload)
        # RFC 6386, 9.1: the lowest bit of a frame is 0 in a key frame.
        if descriptor.partition_start and descriptor.partition_id == 0 and rest and not rest[0] & 1:
            keys += 1
    elif codec.name == "H264":
        for unit in data.split(b"\x00\x00\x00\x01")[1:]:
            if unit and unit[0] & 31 == 5:
                keys += 1
            elif unit and unit[0] & 31 == 7:
                say("sps", profile=unit[1], constraints=unit[2])
    return data


rtcrtpreceiver.depayload = look_into

# In bytes of UDP: the longest packet, and the longest of those that were sent again.
longest = {"first": 0, "again": 0}
seen = 0
take = RTCDtlsTransport._handle_rtp_data


async def measure(self, data, *more, **named):
    """Each packet as it came, before it is decrypted; with `lossy` every fiftieth is lost."""
    global seen
    again = data[1] & 127 in again_types
    key = "again" if again else "first"
    longest[key] = max(longest[key], len(data))
    seen += not again
    if again or not LOSSY or seen % 50:
        await take(self, data, *more, **named)


RTCDtlsTransport._handle_rtp_data = measure
again_types = set()


class Stage:
    def __init__(self, client):
        self.client = client
        self.peer = None
        self.session = None
        self.exchange = 0
        self.offers = 0
        self.early = []

    def to_guest(self, **message):
        self.client.publish(f"{HERE}/to_guest", json.dumps(message), qos=1)

    def signal(self, **body):
        self.to_guest(type="signal", session=self.session, exchange=self.exchange, **body)

    async def hear(self, topic, message):
        kind = message["type"]
        say("heard", type=kind, topic=topic.rsplit("/", 1)[1])
        if kind == "signal":
            return await self.hear_signal(message)
        more = {"seat": None, "application": None, "invitations": []} if kind == "join" else {}
        self.to_guest(type="result", request_id=message["request_id"], ok=True, **more)
        if kind == "join":
            self.to_guest(type="invitation", invitation_id=str(uuid.uuid4()), timeout=30, by=HOST, **SEAT)
        elif kind == "accept_invitation":
            self.to_guest(type="seated", grant={"transport": "mqtt", "stage": HOST["user_id"]}, **SEAT)
        elif kind == "devices":
            say("devices", camera=message["camera"], microphone=message["microphone"])

    async def hear_signal(self, message):
        if message.get("bye"):
            say("bye")
        elif "candidate" in message:
            await self.candidate(message["candidate"])
        elif "description" in message:
            await self.offer(message)

    async def offer(self, message):
        sdp = message["description"]["sdp"]
        self.offers += 1
        self.session, self.exchange = message["session"], message["exchange"]
        directions = [line[2:] for line in sdp.split("\r\n") if line in ("a=sendonly", "a=sendrecv", "a=recvonly")]
        formats = [line for line in sdp.split("\r\n") if line.startswith(("a=rtpmap:", "a=fmtp:"))]
        say("offer", exchange=self.exchange, offers=self.offers, directions=directions, formats=formats)
        again_types.update(int(line[9:].split()[0]) for line in formats if line.startswith("a=rtpmap:") and "rtx/" in line)
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.on("connectionstatechange", lambda: say("connection", state=self.peer.connectionState))
        self.peer.on("track", lambda track: asyncio.ensure_future(self.watch(track)))
        self.peer.addTrack(AudioStreamTrack())
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp, message["description"]["type"]))
        for candidate in self.early:
            await self.candidate(candidate)
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        # The ways here are said one after the other, as a browser does.
        lines = self.peer.localDescription.sdp.split("\r\n")
        answer = [line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
        if FORGED:
            answer = [line for line in answer if not line.startswith("a=fingerprint:")]
            # Into each section, after its name.
            answer = [more for line in answer for more in ([line, NOBODY] if line.startswith("a=mid:") else [line])]
        self.signal(description={"type": "answer", "sdp": "\r\n".join(answer)})
        mid = next(line[6:] for line in lines if line.startswith("a=mid:"))
        for line in dict.fromkeys(line for line in lines if line.startswith("a=candidate:")):
            self.signal(candidate={"candidate": line[2:], "sdpMid": mid, "sdpMLineIndex": 0})
        self.signal(candidate=None)

    async def candidate(self, candidate):
        if self.peer is None:
            self.early.append(candidate)
        elif candidate and candidate["candidate"]:
            way = candidate_from_sdp(candidate["candidate"].split(":", 1)[1])
            way.sdpMid, way.sdpMLineIndex = candidate.get("sdpMid"), candidate.get("sdpMLineIndex")
            await self.peer.addIceCandidate(way)

    async def watch(self, track):
        try:
            await (self.pictures(track) if track.kind == "video" else self.sound(track))
        except MediaStreamError:
            say("ended", kind=track.kind)

    async def pictures(self, track):
        frames, before = 0, None
        while True:
            frame = await track.recv()
            frames += 1
            if frames % 5 == 0:
                grey = frame.to_ndarray(format="gray").astype(int)
                moved = abs(grey - before).mean() if before is not None and before.shape == grey.shape else 0
                before = grey
                say("video", frames=frames, keys=keys, width=frame.width, height=frame.height,
                    contrast=float(grey.std()), moved=float(moved), longest=longest)

    async def sound(self, track):
        clock = asyncio.get_running_loop().time
        frames = 0
        loudest = 0
        due = clock() + TICKED
        while True:
            frame = await track.recv()
            frames += 1
            loudest = max(loudest, int(abs(frame.to_ndarray().astype(numpy.int32)).max()))
            # By the clock: of silence only a packet comes now and then.
            if clock() >= due:
                say("audio", frames=frames, loudest=loudest)
                loudest = 0
                due = clock() + TICKED

    async def told(self, line):
        if line == "key":
            receiver = next(r for r in self.peer.getReceivers() if r.track.kind == "video")
            for source in receiver.getSynchronizationSources():
                await receiver._send_rtcp_pli(source.source)
        elif line == "bye":
            self.signal(bye=True)
            await self.peer.close()
        elif line == "slow":
            transport = self.peer.getReceivers()[0].transport
            send, clock = transport._send_rtp, asyncio.get_running_loop().time
            last = clock()

            async def seldom(data):
                nonlocal last
                # RFC 5761: 201 is a receiver report.
                if data[1] == 201 and clock() >= last + REPORTED:
                    last = clock()
                    await send(data)
                    say("reported")

            transport._send_rtp = seldom


def open_room(client):
    client.publish(f"{PREFIX}/device/{HOST['user_id']}/status", "online", qos=1, retain=True)
    seat = {"locked": False, "user": None, "media": None, "microphone": "off", "camera": "off", "connection": None}
    state = {
        "live_id": ROOM, "status": "live", "host": HOST, "session": str(uuid.uuid4()), "seat_mode": "apply",
        "stage": HOST["user_id"], "revision": 1, "seats": [{"index": index, **seat} for index in range(4)],
    }
    client.publish(f"{PREFIX}/room/{ROOM}/state", json.dumps(state), qos=1, retain=True)


async def main():
    loop = asyncio.get_running_loop()
    messages = asyncio.Queue()
    versions = getattr(mqtt, "CallbackAPIVersion", None)
    client = mqtt.Client(*([versions.VERSION1] if versions else []), client_id=HOST["user_id"])
    put = messages.put_nowait
    client.on_message = lambda _c, _u, heard: loop.call_soon_threadsafe(put, (heard.topic, heard.payload))
    client.on_subscribe = lambda *_: loop.call_soon_threadsafe(put, ("subscribed", b""))
    client.connect("127.0.0.1", PORT)
    client.loop_start()
    client.subscribe([(f"{HERE}/to_host", 1), (f"{HERE}/to_stage", 1)])
    stage = Stage(client)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)

    async def take_orders():
        while line := await orders.readline():
            await stage.told(line.decode().strip())

    asyncio.ensure_future(take_orders())
    while True:
        topic, payload = await messages.get()
        if topic == "subscribed":
            open_room(client)
            say("ready")
        else:
            await stage.hear(topic, json.loads(payload))


asyncio.run(main())
