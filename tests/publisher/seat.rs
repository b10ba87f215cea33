//! A publisher and a stage in one process, with the signalling carried between them and everything they say kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coguestd::media::layers;
use coguestd::media::pictures;
use coguestd::media::profile::Profile;
use coguestd::media::publisher::{Explain, Locate, Located, Publisher, Settings, TurnMixer};
use coguestd::media::rate::RateLimits;
use coguestd::media::stage::{self, Stage};
use coguestd::media::webrtc::Ice;
use coguestd::model::hotplug::Notice;
use coguestd::model::media::{
    Ask, AudioPlan, Mirror, Picture, Plan, Quality, Report, Session, Sound, VideoPlan,
};
use coguestd::model::settings::VideoCodec;
use coguestd::model::stage::{SeatStats, StageAsk, StagePeer, StageReport};
use coguestd::model::voice::Voice;
use coguestd::model::volume::{Loudness, Taken};
use coguestd::model::{Media, UserId};
use tokio::sync::mpsc;

use crate::network;

/// No test waits longer for one thing; all is faster by far on any machine that can run it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often the carrier looks.
const PAUSE: Duration = Duration::from_millis(5);

pub const NOTHING: Plan = Plan { video: VideoPlan::Slate, audio: AudioPlan::Silence };
pub const CAMERA: Plan = Plan { video: VideoPlan::Camera, audio: AudioPlan::Silence };
pub const MICROPHONE: Plan = Plan { video: VideoPlan::Slate, audio: AudioPlan::Microphone };
pub const BOTH: Plan = Plan { video: VideoPlan::Camera, audio: AudioPlan::Microphone };

/// What a test changes of the usual.
pub struct Setup {
    pub profile: &'static str,
    pub directories: Vec<PathBuf>,
    pub file: Option<PathBuf>,
    pub codec: VideoCodec,
    pub locate: Option<Locate>,
    pub explain: Option<Explain>,
    pub microphone: &'static str,
    pub mixer: Option<TurnMixer>,
    /// What the witness says; it is passed on to the publisher.
    pub notices: Option<mpsc::UnboundedReceiver<Notice>>,
    pub layers: layers::Settings,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            profile: "test",
            directories: Vec::new(),
            file: None,
            codec: VideoCodec::H264,
            locate: None,
            explain: None,
            microphone: "auto",
            mixer: None,
            notices: None,
            layers: layers::Settings::default(),
        }
    }
}

pub struct Seat {
    publisher: Publisher,
    reports: mpsc::Receiver<Report>,
    stage: Stage,
    stage_reports: mpsc::Receiver<StageReport>,
    notices: Option<mpsc::UnboundedReceiver<Notice>>,
    /// What the publisher has said.
    pub said: Vec<Report>,
    /// What the stage has said.
    pub seen: Vec<StageReport>,
    session: Session,
    /// How much of both was carried to the other side.
    carried: (usize, usize),
}

impl Seat {
    pub fn open(setup: Setup) -> Self {
        network::ensure_interface();
        let profile = Profile::load(setup.profile, &setup.directories).expect("the profile loads");
        let (sink, reports) = mpsc::channel(1024);
        let locate: Locate = Arc::new(|_, choice| {
            let (id, address) = (choice.to_owned(), choice.to_owned());
            Ok(Located { id, address, offers: Vec::new(), node: PathBuf::from(choice) })
        });
        let settings = Settings {
            profile,
            locate: setup.locate.unwrap_or(locate),
            explain: setup.explain.unwrap_or_else(|| Arc::new(|_, _, refusal| refusal)),
            locate_speaker: Arc::new(|_| None),
            mixer: setup
                .mixer
                .unwrap_or_else(|| Arc::new(|_, _, _| Taken::Nobody("there is none".to_owned()))),
            camera: "auto".to_owned(),
            microphone: setup.microphone.to_owned(),
            speaker: "none".to_owned(),
            quality: Quality::P360,
            mirror: Mirror::No,
            voice: Voice::UNTOUCHED,
            capture_volume: Loudness::AsItIs,
            output_volume: Loudness::AsItIs,
            codec: setup.codec,
            file: setup.file,
            ice: Ice::default(),
            rate: RateLimits::default(),
            stats_interval: Duration::from_millis(300),
            name: "Seat".to_owned(),
            layers: setup.layers,
        };
        let publisher = Publisher::open(settings, sink).expect("the publisher opens");
        let (sink, stage_reports) = mpsc::channel(1024);
        let settings = stage::Settings { ice: Ice::default(), stats_interval: Duration::from_millis(300) };
        let stage = Stage::open(settings, sink).expect("the stage opens");
        let session = Session { epoch: 0, peer: 0, exchange: 1 };
        Self {
            publisher,
            reports,
            stage,
            stage_reports,
            notices: setup.notices,
            said: Vec::new(),
            seen: Vec::new(),
            session,
            carried: (0, 0),
        }
    }

    /// A new stay, with a new peer.
    pub fn sit_down(&mut self, plan: Plan) -> Session {
        let Session { epoch, peer, .. } = self.session;
        self.start(Session { epoch: epoch + 1, peer: peer + 1, exchange: 1 }, plan)
    }

    /// A new peer of the same stay.
    pub fn try_again(&mut self, plan: Plan) -> Session {
        self.start(Session { peer: self.session.peer + 1, ..self.session }, plan)
    }

    fn start(&mut self, session: Session, plan: Plan) -> Session {
        self.session = session;
        self.ask(Ask::Start { session, media: Media::Video, sound: Sound::BothWays, plan });
        session
    }

    pub fn plan(&self, plan: Plan) {
        self.ask(Ask::Plan { epoch: self.session.epoch, plan });
    }

    /// Leaves the seat and waits until everything of it is closed.
    pub fn stand_up(&mut self) {
        let epoch = self.session.epoch;
        self.ask(Ask::Stop { epoch });
        self.stage.ask(StageAsk::Close { peer: self.name() }).expect("there is room");
        self.wait("stopped", |seat| seat.said.contains(&Report::Stopped { epoch }).then_some(()));
    }

    pub fn ask(&self, ask: Ask) {
        self.publisher.ask(ask).expect("there is room");
    }

    pub fn is_alive(&self) -> bool {
        self.publisher.is_alive()
    }

    fn name(&self) -> StagePeer {
        let guest = UserId::try_from("kiosk-a".to_owned()).expect("a good id");
        StagePeer { guest, peer: self.session.peer }
    }

    /// Hands an offer to the stage.
    pub fn carry_offer(&self, sdp: &str) {
        let (peer, sdp) = (self.name(), sdp.to_owned());
        self.stage
            .ask(StageAsk::Offer { peer, exchange: 1, media: Media::Video, sdp })
            .expect("there is room");
    }

    /// Carries what was said, in both directions, until `found` has an answer.
    pub fn wait<T>(&mut self, what: &str, found: impl Fn(&Self) -> Option<T>) -> T {
        self.look_until(what, |seat| {
            seat.carry();
            found(seat)
        })
    }

    /// Carries what was said, in both directions, for so long.
    pub fn carry_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        self.wait("the time", |_| (Instant::now() >= until).then_some(()));
    }

    /// The same, but carries nothing yet: the test is between them.
    pub fn wait_alone<T>(&mut self, what: &str, found: impl Fn(&Self) -> Option<T>) -> T {
        self.look_until(what, |seat| found(seat))
    }

    fn look_until<T>(&mut self, what: &str, mut found: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(Ok(notice)) = self.notices.as_mut().map(mpsc::UnboundedReceiver::try_recv) {
                self.publisher.notice(notice).expect("there is room");
            }
            while let Ok(report) = self.reports.try_recv() {
                self.said.push(report);
            }
            while let Ok(report) = self.stage_reports.try_recv() {
                self.seen.push(report);
            }
            if let Some(found) = found(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "no {what}; said:\n{:#?}\nseen:\n{:#?}", self.said, self.seen);
            std::thread::sleep(PAUSE);
        }
    }

    fn carry(&mut self) {
        let (said, seen) = self.carried;
        self.said[said..].iter().for_each(|report| self.to_stage(report));
        self.seen[seen..].iter().for_each(|report| self.to_publisher(report));
        self.carried = (self.said.len(), self.seen.len());
    }

    fn to_stage(&self, report: &Report) {
        match report {
            Report::Offer { session, sdp } if *session == self.session => self.carry_offer(sdp),
            Report::Candidate { session, candidate } if *session == self.session => {
                let (peer, candidate) = (self.name(), candidate.clone());
                self.stage.ask(StageAsk::Candidate { peer, exchange: 1, candidate }).expect("there is room");
            }
            _ => {}
        }
    }

    fn to_publisher(&self, report: &StageReport) {
        let session = self.session;
        match report {
            StageReport::Answer { peer, sdp, .. } if *peer == self.name() => {
                self.ask(Ask::Answer { session, sdp: sdp.clone() });
            }
            StageReport::Candidate { peer, candidate, .. } if *peer == self.name() => {
                self.ask(Ask::Candidate { session, candidate: candidate.clone() });
            }
            _ => {}
        }
    }

    /// Waits until the stage shows it.
    pub fn live(&mut self) {
        let peer = self.name();
        self.wait("live", |seat| seat.seen.contains(&StageReport::Live { peer: peer.clone() }).then_some(()));
    }

    /// Waits for the stage to say something of the seat from now on.
    pub fn sees(&mut self, what: &str, is: impl Fn(&SeatStats) -> bool) -> SeatStats {
        let (from, peer) = (self.seen.len(), self.name());
        self.wait(what, |seat| {
            let all = seat.seen[from..].iter().filter_map(|report| match report {
                StageReport::Stats(all) => Some(all),
                _ => None,
            });
            all.flatten().find(|(of, stats)| *of == peer && is(stats)).map(|(_, stats)| stats.clone())
        })
    }

    /// Waits for the stage to show such a picture.
    pub fn shows(&mut self, what: &str, mut is: impl FnMut(&Picture) -> bool) -> Picture {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let from = self.seen.len();
            self.stage.ask(StageAsk::Snapshot { peer: self.name(), ticket: 1 }).expect("there is room");
            let picture = self.wait(what, |seat| {
                seat.seen[from..].iter().find_map(|report| match report {
                    StageReport::Snapshot { picture, .. } => Some(picture.clone()),
                    _ => None,
                })
            });
            match picture {
                Ok(picture) if is(&picture) => return picture,
                other => {
                    let last = other.map(|picture| {
                        pictures::look(&picture.jpeg)
                            .map(|look| look.contrast())
                            .map_err(|error| error.to_string())
                    });
                    assert!(
                        Instant::now() < deadline,
                        "never shown: {what}; the contrast is {last:?}; said: {:#?}",
                        self.said
                    );
                }
            }
        }
    }

    /// How many offers were made.
    pub fn offers(&self) -> usize {
        self.said.iter().filter(|report| matches!(report, Report::Offer { .. })).count()
    }

    pub fn close(self) {
        self.publisher.close(PATIENCE).expect("the publisher ends");
        self.stage.close(PATIENCE).expect("the stage ends");
    }
}
