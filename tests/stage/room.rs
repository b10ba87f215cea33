//! A stage and the publishers in front of it, with the signalling carried between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use coguestd::media::stage::{Settings, Stage};
use coguestd::media::webrtc::Ice;
use coguestd::model::media::{IceCandidate, Picture};
use coguestd::model::stage::{SeatStats, StageAsk, StagePeer, StageReport};
use coguestd::model::{Media, Refusal, UserId};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use tokio::sync::mpsc;

use crate::network;
use crate::publisher::{Publisher, Said};

/// No test waits longer for one thing; all is faster by far on any machine that can run it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the carrier looks.
const PAUSE: Duration = Duration::from_millis(5);

/// A sound offer of codecs nobody here decodes.
pub const OTHER_CODECS: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 45\r\na=mid:0\r\na=rtcp-mux\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\n\
    a=ice-pwd:0123456789012345678901\r\na=rtpmap:45 AV1/90000\r\n";

pub struct Room {
    stage: Stage,
    reports: mpsc::Receiver<StageReport>,
    publishers: BTreeMap<u64, (StagePeer, Media, Publisher)>,
    /// Whose `Live` no test has waited for yet.
    live: BTreeSet<u64>,
    /// Who names another's certificate in its offers.
    pub forges: BTreeSet<u64>,
    /// What becomes of whose offers on the way.
    pub edits: BTreeMap<u64, fn(&str) -> String>,
    next: u64,
}

impl Room {
    pub fn open() -> Self {
        network::ensure_interface();
        let (sink, reports) = mpsc::channel(256);
        let settings = Settings { ice: Ice::default(), stats_interval: Duration::from_millis(500) };
        let stage = Stage::open(settings, sink).expect("the stage opens");
        Self {
            stage,
            reports,
            publishers: BTreeMap::new(),
            live: BTreeSet::new(),
            forges: BTreeSet::new(),
            edits: BTreeMap::new(),
            next: 1,
        }
    }

    pub fn enter(&mut self, guest: &str, media: Media, publisher: Publisher) -> StagePeer {
        let peer = self.name(guest);
        self.publishers.insert(peer.peer, (peer.clone(), media, publisher));
        peer
    }

    fn name(&mut self, guest: &str) -> StagePeer {
        let guest = UserId::try_from(guest.to_owned()).expect("a good id");
        self.next += 1;
        StagePeer { guest, peer: self.next }
    }

    pub fn ask(&self, ask: StageAsk) {
        self.stage.ask(ask).expect("there is room");
    }

    /// Whether the stage has answered since this was asked last.
    pub fn is_alive(&self) -> bool {
        self.stage.is_alive()
    }

    pub fn leave(&mut self, peer: &StagePeer) {
        self.ask(StageAsk::Close { peer: peer.clone() });
        self.publishers.remove(&peer.peer);
    }

    pub fn publisher(&self, peer: &StagePeer) -> &Publisher {
        &self.publishers[&peer.peer].2
    }

    pub fn offer_raw(&mut self, guest: &str, exchange: u32, sdp: &str) -> StagePeer {
        let peer = self.name(guest);
        self.ask(StageAsk::Offer { peer: peer.clone(), exchange, media: Media::Video, sdp: sdp.to_owned() });
        peer
    }

    pub fn candidate_raw(&self, peer: &StagePeer, exchange: u32, line: Option<u32>, text: &str) {
        let candidate = IceCandidate {
            candidate: text.to_owned(),
            sdp_mid: None,
            sdp_m_line_index: line,
            username_fragment: None,
        };
        self.ask(StageAsk::Candidate { peer: peer.clone(), exchange, candidate: Some(candidate) });
    }

    /// Carries what the publishers say to the stage.
    fn carry(&self) {
        for (peer, media, publisher) in self.publishers.values() {
            while let Some(said) = publisher.listen() {
                self.ask(match said {
                    Said::Offer { exchange, sdp } => {
                        let sdp = if self.forges.contains(&peer.peer) { forged(&sdp) } else { sdp };
                        let sdp = self.edits.get(&peer.peer).map_or_else(|| sdp.clone(), |edit| edit(&sdp));
                        StageAsk::Offer { peer: peer.clone(), exchange, media: *media, sdp }
                    }
                    Said::Candidate { exchange, line, text } => StageAsk::Candidate {
                        peer: peer.clone(),
                        exchange,
                        candidate: Some(IceCandidate {
                            candidate: text,
                            sdp_mid: None,
                            sdp_m_line_index: Some(line),
                            username_fragment: None,
                        }),
                    },
                });
            }
        }
    }

    /// The next report, carried on to its publisher where it is for one.
    pub fn next(&mut self) -> Option<StageReport> {
        self.carry();
        let report = self.reports.try_recv().ok();
        match &report {
            Some(StageReport::Answer { peer, sdp, .. }) => {
                if let Some((_, _, publisher)) = self.publishers.get(&peer.peer) {
                    publisher.answer(sdp);
                }
            }
            Some(StageReport::Candidate { peer, candidate: Some(candidate), .. }) => {
                if let Some((_, _, publisher)) = self.publishers.get(&peer.peer) {
                    let line = candidate.sdp_m_line_index.expect("the stage names the section");
                    assert!(candidate.sdp_mid.is_some());
                    publisher.candidate(line, &candidate.candidate);
                }
            }
            Some(StageReport::Live { peer }) => {
                self.live.insert(peer.peer);
            }
            Some(_) => {}
            None => std::thread::sleep(PAUSE),
        }
        report
    }

    /// Carries what comes, for so long.
    pub fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.next();
        }
    }

    pub fn until_some<T>(&mut self, what: &str, mut found: impl FnMut(&StageReport) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while Instant::now() < deadline {
            let Some(report) = self.next() else { continue };
            if let Some(found) = found(&report) {
                return found;
            }
            seen.push(match report {
                StageReport::Answer { peer, exchange, .. } => format!("Answer {} {exchange}", peer.peer),
                other => format!("{other:?}"),
            });
        }
        panic!("no {what}; seen:\n{}", seen.join("\n"));
    }

    pub fn until(&mut self, what: &str, mut is: impl FnMut(&StageReport) -> bool) {
        self.until_some(what, |report| is(report).then_some(()));
    }

    /// Waits for the peer's `Live`; a failure of any peer ends the test at once.
    pub fn live(&mut self, peer: &StagePeer) {
        let deadline = Instant::now() + PATIENCE;
        while !self.live.remove(&peer.peer) {
            assert!(Instant::now() < deadline, "{peer:?} is not live");
            if let Some(StageReport::Failed { peer, fault }) = self.next() {
                panic!("{peer:?} failed: {fault:?}");
            }
        }
    }

    /// Frames decoded so far.
    pub fn frames(&mut self, peer: &StagePeer) -> u64 {
        self.stats_until(peer, |stats| stats.video.is_some()).video.map_or(0, |video| video.frames)
    }

    pub fn restart_ice(&self, peer: &StagePeer) {
        self.publisher(peer).restart_ice();
    }

    pub fn stats_until(&mut self, peer: &StagePeer, is: impl Fn(&SeatStats) -> bool) -> SeatStats {
        self.until_some("such statistics", |report| match report {
            StageReport::Stats(all) => {
                all.iter().find(|(of, stats)| of == peer && is(stats)).map(|(_, stats)| stats.clone())
            }
            _ => None,
        })
    }

    pub fn snapshot(&mut self, peer: &StagePeer) -> Result<Picture, Refusal> {
        self.next += 1;
        let question = self.next;
        self.ask(StageAsk::Snapshot { peer: peer.clone(), ticket: question });
        self.until_some("snapshot", |report| match report {
            StageReport::Snapshot { ticket, picture } if *ticket == question => Some(picture.clone()),
            _ => None,
        })
    }

    pub fn close(self) {
        drop(self.publishers);
        self.stage.close(PATIENCE).expect("the stage ends");
    }
}

/// The description with a fingerprint that nobody has.
pub fn forged(sdp: &str) -> String {
    let nobody = format!("a=fingerprint:sha-256 {}", ["AB"; 32].join(":"));
    let lines = sdp.lines().map(|line| if line.starts_with("a=fingerprint:") { &nobody } else { line });
    lines.flat_map(|line| [line, "\r\n"]).collect()
}

/// What a publisher offers first.
pub fn offer_of(publisher: &Publisher) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match publisher.listen() {
            Some(Said::Offer { sdp, .. }) => return sdp,
            Some(Said::Candidate { .. }) => {}
            None => std::thread::sleep(PAUSE),
        }
        assert!(Instant::now() < deadline, "no offer");
    }
}

/// The mean colour of a JPEG.
pub fn picture_colour(picture: &Picture) -> (u8, u8, u8) {
    let pipeline = gst::parse::launch(
        "appsrc name=in ! jpegdec ! videoconvert ! video/x-raw,format=RGB ! appsink name=out sync=false",
    )
    .expect("apt-get install gstreamer1.0-plugins-good")
    .downcast::<gst::Pipeline>()
    .expect("a pipeline");
    let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().expect("an appsrc");
    let sink = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().expect("an appsink");
    source.set_caps(Some(&gst::Caps::new_empty_simple("image/jpeg")));
    pipeline.set_state(gst::State::Playing).expect("it plays");
    source.push_buffer(gst::Buffer::from_slice(picture.jpeg.clone())).expect("it takes the file");
    source.end_of_stream().expect("it ends");
    let sample = sink.pull_sample().expect("the JPEG decodes");
    pipeline.set_state(gst::State::Null).expect("it stops");
    let info = gst_video::VideoInfo::from_caps(sample.caps().expect("caps")).expect("raw video");
    assert_eq!((info.width(), info.height()), (picture.width, picture.height), "the size is true");
    let buffer = sample.buffer_owned().expect("a picture");
    let frame = gst_video::VideoFrame::from_buffer_readable(buffer, &info).expect("it maps");
    let (data, stride) = (frame.plane_data(0).expect("one plane"), info.stride()[0] as usize);
    let mut sums = [0u64; 3];
    for y in 0..info.height() as usize {
        for x in 0..info.width() as usize {
            for (channel, sum) in sums.iter_mut().enumerate() {
                *sum += u64::from(data[y * stride + x * 3 + channel]);
            }
        }
    }
    let pixels = u64::from(info.width() * info.height());
    let mean = sums.map(|sum| u8::try_from(sum / pixels).expect("a mean of bytes"));
    (mean[0], mean[1], mean[2])
}
