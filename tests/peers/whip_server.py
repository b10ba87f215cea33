"""A WHIP server (RFC 9725), and a WHEP server of what it is given, that is not GStreamer: aiortc behind aiohttp. What it sees goes to stdout, a JSON object a line.

    whip_server.py PORT TOKEN

POST /whip/NAME publishes, and answers with a session to DELETE; /moved/NAME redirects there, /busy/NAME is full,
/garbage/NAME answers what is no SDP, /noise/NAME what is no text, /slow/NAME answers after three seconds, /soon/NAME after one and a half, /mute/NAME never does, and of /kept/NAME never the DELETE. POST /whep/NAME plays what
/whip/NAME publishes.
"""

import asyncio
import json
import sys

from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcdtlstransport import RTCDtlsTransport

PORT, TOKEN = int(sys.argv[1]), sys.argv[2]
sessions = {}
# By name and kind.
published = {}
relay = MediaRelay()


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


# In bytes of UDP: the longest packet of RTP, before it is decrypted.
longest = 0
take = RTCDtlsTransport._handle_rtp_data


async def measure(self, data, *more, **named):
    global longest
    longest = max(longest, len(data))
    await take(self, data, *more, **named)


RTCDtlsTransport._handle_rtp_data = measure


async def watch(name, track):
    frames = 0
    loudest = 0
    try:
        while True:
            frame = await track.recv()
            frames += 1
            if track.kind == "video":
                if frames % 15 == 1:
                    say("video", name=name, frames=frames, width=frame.width, height=frame.height, longest=longest)
            else:
                loudest = max(loudest, int(abs(frame.to_ndarray()).max()))
                if frames % 50 == 0:
                    say("audio", name=name, frames=frames, loudest=loudest)
    except MediaStreamError:
        say("ended", name=name, kind=track.kind)


async def publish(request):
    name = request.match_info["name"]
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        say("no token", name=name)
        return web.Response(status=401)
    if request.content_type != "application/sdp":
        return web.Response(status=415)
    offer = await request.text()
    directions = [line[2:] for line in offer.split("\r\n") if line in ("a=sendonly", "a=sendrecv", "a=recvonly")]
    say("offer", name=name, directions=directions, candidates=offer.count("a=candidate:"))
    if request.path.startswith("/mute/"):
        await asyncio.Event().wait()
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    def came(track):
        published[name, track.kind] = track
        asyncio.ensure_future(watch(name, relay.subscribe(track)))

    peer.on("track", came)
    await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    await asyncio.sleep({"slow": 3, "soon": 1.5}.get(request.path.split("/")[1], 0))
    kept = "kept-" if request.path.startswith("/kept/") else ""
    session = f"{kept}{name}-{len(sessions)}"
    sessions[session] = peer
    headers = {"Location": f"/session/{session}"}
    answer = peer.localDescription.sdp
    return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)


async def play(request):
    name = request.match_info["name"]
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        say("no token", name=name)
        return web.Response(status=401)
    if (name, "video") not in published:
        return web.Response(status=404)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    await peer.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
    for transceiver in peer.getTransceivers():
        peer.addTrack(relay.subscribe(published[name, transceiver.kind]))
    await peer.setLocalDescription(await peer.createAnswer())
    session = f"{name}-{len(sessions)}"
    sessions[session] = peer
    say("played", session=session)
    # To be resolved, as RFC 3986 has it.
    headers = {"Location": f"../session/{session}"}
    return web.Response(status=201, text=peer.localDescription.sdp, content_type="application/sdp", headers=headers)


async def delete(request):
    session = request.match_info["session"]
    if session in RUBBISH or session == "bare":
        say("deleted", session=session)
        return web.Response(status=200)
    if session.startswith("kept-"):
        say("kept", session=session)
        await asyncio.Event().wait()
    peer = sessions.pop(session, None)
    if peer is None:
        return web.Response(status=404)
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return web.Response(status=401)
    say("deleted", session=session)
    await peer.close()
    return web.Response(status=200)


async def moved(request):
    say("moved", name=request.match_info["name"])
    return web.Response(status=307, headers={"Location": f"/whip/{request.match_info['name']}"})


async def busy(request):
    say("busy", name=request.match_info["name"])
    return web.Response(status=503, headers={"Retry-After": "1"})


# No SDP, and no text.
RUBBISH = {"garbage": b"v=0\r\nno sdp", "noise": b"\x1f\x8b\xff\xfe"}


async def garbage(request):
    kind = request.match_info["kind"]
    say(kind, name=request.match_info["name"])
    headers = {"Location": f"/session/{kind}"}
    body = RUBBISH.get(kind) or without_credentials(await request.read())
    return web.Response(status=201, body=body, content_type="application/sdp", headers=headers)


def without_credentials(offer):
    """An answer that takes the offer and says nothing of ICE or DTLS."""
    left_out = (b"a=ice-", b"a=fingerprint", b"a=setup", b"a=candidate", b"a=ssrc", b"a=msid")
    lines = [line for line in offer.splitlines() if not line.startswith(left_out)]
    return b"\r\n".join(lines).replace(b"a=sendrecv", b"a=recvonly").replace(b"a=sendonly", b"a=recvonly") + b"\r\n"


async def main():
    app = web.Application()
    app.router.add_post("/whip/{name}", publish)
    for path in ("slow", "soon", "mute", "kept"):
        app.router.add_post(f"/{path}/{{name}}", publish)
    app.router.add_post("/whep/{name}", play)
    app.router.add_post("/moved/{name}", moved)
    app.router.add_post("/busy/{name}", busy)
    app.router.add_post("/{kind:garbage|noise|bare}/{name}", garbage)
    app.router.add_delete("/session/{session}", delete)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", PORT).start()
    say("ready")
    await asyncio.Event().wait()


asyncio.run(main())
