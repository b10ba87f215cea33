"""A viewer that shares nothing with the program: aiortc, which is told on stdin what a host offers and says on stdout what it answers and sees.

    viewer.py SOUND HERTZ [forged] [other]

Lines on stdin are JSON objects: `{"offer": "v=0…"}`, or `{"flood": 10}`, seconds in which it sends up to two thousand reports and a thousand packets of pictures a second. What it hears goes into the
file SOUND, 16 bit of 48,000 Hz; what it says is a tone of HERTZ. With `forged` its answer names a certificate that it does not have, with `other` it
answers other sections than those that were offered.
"""

import asyncio
import json
import os
import struct
import sys
from array import array

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

SOUND, HERTZ = open(sys.argv[1], "wb", buffering=0), int(sys.argv[2])
FORGED, OTHER = (word in sys.argv[3:] for word in ("forged", "other"))
NOBODY = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


class Tone(AudioStreamTrack):
    """A square wave, whole in each frame of 20 ms."""

    async def recv(self):
        frame = await super().recv()
        half = frame.sample_rate / HERTZ / 2
        wave = (4000 if int(sample / half) % 2 else -4000 for sample in range(frame.samples))
        frame.planes[0].update(array("h", wave).tobytes())
        return frame


class Viewer:
    def __init__(self):
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.on("connectionstatechange", lambda: say("connection", state=self.peer.connectionState))
        self.peer.on("track", lambda track: asyncio.ensure_future(self.follow(track)))
        self.peer.addTrack(Tone())

    async def follow(self, track):
        try:
            await (self.pictures(track) if track.kind == "video" else self.sound(track))
        except MediaStreamError:
            say("ended", kind=track.kind)

    async def pictures(self, track):
        frames = 0
        while True:
            frame = await track.recv()
            frames += 1
            if frames == 1 or frames % 10 == 0:
                picture = frame.to_ndarray(format="rgb24")
                row = picture[frame.height // 5]
                bars = [[int(part) for part in row[frame.width * (2 * bar + 1) // 14]] for bar in range(7)]
                say("video", frames=frames, width=frame.width, height=frame.height, bars=bars)

    async def sound(self, track):
        while True:
            frame = await track.recv()
            SOUND.write(array("h", bytes(frame.planes[0]))[: frame.samples * 2 : 2].tobytes())

    async def answer(self, offer):
        await self.peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        sdp = self.peer.localDescription.sdp
        lines = sdp.split("\r\n")
        if FORGED:
            lines = [line for line in lines if not line.startswith("a=fingerprint:")]
            lines = [more for line in lines for more in ([line, NOBODY] if line.startswith("a=mid:") else [line])]
        say("answer", sdp="\r\n".join(lines))
        if OTHER:
            say("other", sdp=sdp[: sdp.rindex("m=")])

    async def flood(self, seconds):
        """What a browser does not do: ever new key frames and packets asked for, and pictures that nobody wants."""
        receiver = next(r for r in self.peer.getReceivers() if r.track.kind == "video")
        source = receiver.getSynchronizationSources()[0].source
        transport = receiver.transport
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while clock() < until:
            for _ in range(10):
                await receiver._send_rtcp_pli(source)
                await receiver._send_rtcp_nack(source, [number % 65536 for number in range(os.getpid(), os.getpid() + 500)])
                await transport._send_rtp(struct.pack("!BBHII", 0x80, 96, 1, 1, 77) + bytes(1000))
            await asyncio.sleep(0.01)
        say("flooded")


async def main():
    viewer, loop = Viewer(), asyncio.get_running_loop()
    say("ready")
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        told = json.loads(line)
        if "offer" in told:
            await viewer.answer(told["offer"])
        if "flood" in told:
            await viewer.flood(told["flood"])
    os._exit(0)


asyncio.run(main())
