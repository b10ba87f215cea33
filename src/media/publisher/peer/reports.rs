//! What is reported of a peer from time to time: its path, its speaker, its statistics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::path::PathWatch;
use super::peer_rate::PeerRate;
use super::route_watch::RouteWatch;
use crate::media::publisher::send_meter::{Pictures, SendMeter, SendReading, TransportStats};
use crate::media::rate::RateTarget;
use crate::model::Media;
use crate::model::media::{Path, Quality, Report, Session};
use crate::model::sound::SpeakerStatus;
use crate::network::RouteState;

/// The transport is asked at least so often, so that a report has fresh numbers.
const TRANSPORT_EVERY: Duration = Duration::from_secs(1);

/// What a connected peer has to report, and when.
struct Schedule {
    heard: PathWatch,
    route: RouteWatch,
    /// The path as it was reported last.
    path: Path,
    stats: Instant,
    /// The counters at the last report.
    from: SendReading,
    transport: Instant,
}

impl Schedule {
    fn look(&mut self, now: Instant, heard: u64) -> Path {
        let path = self.heard.look(now, heard);
        match self.route.look(now) {
            RouteState::Kept => path,
            RouteState::Moved => Path::Moved,
            RouteState::Lost => Path::Unreachable,
        }
    }
}

/// The reports of one peer.
pub struct PeerReports {
    session: Session,
    meter: Arc<SendMeter>,
    interval: Duration,
    transport: TransportStats,
    rate: PeerRate,
    /// What was last said of its speaker.
    speaker: SpeakerStatus,
    schedule: Option<Schedule>,
}

impl PeerReports {
    /// Of a peer that is not connected yet; statistics come every `interval`.
    pub fn new(session: Session, meter: Arc<SendMeter>, interval: Duration, rate: PeerRate) -> Self {
        let (transport, speaker) = (TransportStats::default(), SpeakerStatus::Off);
        Self { session, meter, interval, transport, rate, speaker, schedule: None }
    }

    /// What the encoder is to do.
    pub fn rate(&self) -> RateTarget {
        self.rate.target()
    }

    /// It is connected; `heard` is how often something has come from the far side.
    pub fn connected(&mut self, now: Instant, heard: u64, media: Media) {
        self.schedule = Some(Schedule {
            heard: PathWatch::new(now, heard, media),
            route: RouteWatch::new(now),
            path: Path::Flowing,
            stats: now + self.interval,
            from: self.meter.read(now),
            transport: now,
        });
    }

    /// What the transport reports by now.
    pub fn take_transport(&mut self, now: Instant, stats: TransportStats) {
        if let (Some(schedule), Some(pair)) = (&mut self.schedule, stats.pair()) {
            schedule.route.follow(pair);
        }
        self.transport = stats.after(self.transport);
        self.rate.take_transport(now, &self.transport);
    }

    /// Whether the transport is to be asked again; then that counts as done.
    pub fn asks_transport(&mut self, now: Instant) -> bool {
        match &mut self.schedule {
            Some(schedule) if now >= schedule.transport => {
                schedule.transport = now + TRANSPORT_EVERY;
                true
            }
            Some(_) | None => false,
        }
    }

    /// What is new; pictures are captured in this size.
    pub fn tick(
        &mut self,
        now: Instant,
        captured: Quality,
        heard: u64,
        speaker: SpeakerStatus,
        media: Media,
    ) -> Vec<Report> {
        let (session, mut reports) = (self.session, Vec::new());
        if std::mem::replace(&mut self.speaker, speaker) != speaker {
            reports.push(Report::Speaker(session, speaker));
        }
        let Some(schedule) = &mut self.schedule else { return reports };
        let path = schedule.look(now, heard);
        if std::mem::replace(&mut schedule.path, path) != path {
            reports.push(Report::Path { session, path });
        }
        let picture = self.rate.tick(now, captured);
        reports.extend(picture.filter(|_| media == Media::Video));
        if now >= schedule.stats {
            schedule.stats = now + self.interval;
            let reading = self.meter.read(now);
            let from = std::mem::replace(&mut schedule.from, reading);
            let pictures = match media {
                Media::Video => Pictures::Sent,
                Media::Audio => Pictures::None,
            };
            let stats = self.rate.add_to(now, reading.since(&from, self.transport, pictures));
            reports.push(Report::Stats { session, stats });
        }
        reports
    }
}
