//! What the guest asks of the publisher.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use gstreamer as gst;

use super::ELEMENTS;
use super::bridge::Kind;
use super::desk::{Desk, MOST_ENDING, Stay};
use super::easel;
use super::events::Tell;
use super::filler::{self, Filler};
use super::peer::{self, Answer, Peer};
use super::playback::{Find, Speaker};
use crate::media::{description, elements};
use crate::model::media::{Ask, AudioPlan, Fault, Plan, Quality, Report, Session, Sound, Ticket, VideoPlan};
use crate::model::volume::Loudness;
use crate::model::{Code, Media, Refusal};

/// Pictures are asked for faster than they are made.
const TOO_MANY: (Code, &str) = (Code::RateLimited, "too many pictures are being made: ask again later");

impl Desk {
    pub(super) fn ask(&mut self, now: Instant, ask: Ask) {
        match ask {
            Ask::Prepare => self.prepare(),
            Ask::Start { session, media, sound, plan } => self.start(now, session, media, sound, plan),
            Ask::Plan { epoch, plan } => {
                if let Some(stay) = self.stay.as_mut().filter(|stay| stay.epoch == epoch) {
                    stay.plan = plan;
                    self.follow_plan(now);
                    self.tell_refused(epoch, plan);
                }
            }
            Ask::Answer { session, sdp } => match self.peer_of(session).map(|peer| peer.answer(&sdp)) {
                None | Some(Ok(Answer::Nothing)) => {}
                Some(Ok(Answer::But(kinds))) => self.refused(now, &kinds),
                Some(Err(fault)) => self.peer_failed(fault),
            },
            Ask::Candidate { session, candidate } => {
                if let (Some(peer), Some(candidate)) = (self.peer_of(session), candidate) {
                    peer.candidate(&candidate);
                }
            }
            Ask::EndPeer { peer } => {
                if self.peer.as_ref().is_some_and(|present| present.session.peer == peer) {
                    self.end_peer();
                }
            }
            Ask::Stop { epoch } => self.stop(now, epoch),
            Ask::Quality(quality) => self.set_quality(now, quality),
            Ask::Camera(choice) => self.camera.wish(now, |wish| wish.choice = choice),
            Ask::Mirror(mirror) => {
                self.settings.mirror = mirror;
                let drawing = self.drawing();
                self.camera.wish(now, |wish| (wish.mirror, wish.drawing) = (mirror, drawing));
            }
            Ask::CaptureVolume(volume) => {
                self.microphone.wish(now, |wish| wish.volume = Loudness::Set(volume));
            }
            Ask::OutputVolume(volume) => {
                self.settings.output_volume = Loudness::Set(volume);
                if let Some(peer) = &mut self.peer {
                    peer.player.set_volume(volume);
                }
            }
            Ask::Label(user) => self.paint(|wish| wish.name = user.user_name.as_str().to_owned()),
            Ask::Snapshot { ticket } => self.snapshot(ticket),
        }
    }

    /// Loads the plugins of a stay, once: from a slow card that takes its time, which there is before a seat is granted.
    fn prepare(&mut self) {
        if std::mem::replace(&mut self.loaded, true) {
            return;
        }
        let profile = &self.settings.profile;
        let needed = profile.elements(profile.offered(self.settings.codec));
        let voices = self.microphone.care.elements().iter().copied();
        let needed: Vec<String> =
            needed.into_iter().chain(ELEMENTS).chain(voices).map(str::to_owned).collect();
        let load = move || needed.iter().for_each(|name| elements::load(name));
        if let Err(error) = thread::Builder::new().name("loader".into()).spawn(load) {
            tracing::debug!(%error, "plugins are loaded when they are needed");
        }
    }

    fn start(&mut self, now: Instant, session: Session, media: Media, sound: Sound, plan: Plan) {
        self.end_peer();
        if self.stay.as_ref().is_none_or(|stay| stay.epoch != session.epoch) {
            self.recovery.begin();
            self.refused.clear();
            self.declined.clear();
            self.recovery.encode(&self.settings.profile, self.settings.codec);
            let drawing = self.drawing();
            self.camera.wish(now, |wish| wish.drawing = drawing);
        }
        let media = if self.refuses(description::Kind::Video) { Media::Audio } else { media };
        self.stay = Some(Stay { epoch: session.epoch, media, plan });
        self.follow_plan(now);
        self.meter.begin();
        let speaker = match self.settings.speaker.as_str() {
            "none" => Speaker::None,
            choice => {
                let fragment = self.settings.profile.speaker.clone();
                let find = match &fragment.address {
                    None => Find::Not,
                    Some(_) => Find::By {
                        locate: Arc::clone(&self.settings.locate_speaker),
                        mixer: Arc::clone(&self.settings.mixer),
                        choice: choice.to_owned(),
                    },
                };
                Speaker::Is(fragment, find, self.microphone.care.clone())
            }
        };
        let plan = peer::Plan {
            session,
            media,
            direction: sound,
            profile: &self.settings.profile,
            codec: self.recovery.codec,
            ice: &self.settings.ice,
            speaker,
            output_volume: self.settings.output_volume,
        };
        let tell = Tell { desk: self.events.clone(), peer: session.peer };
        let opened = if self.teardown.under_way() < MOST_ENDING {
            Peer::open(plan, &self.meter, tell)
        } else {
            Err(Fault::new("transport", Code::RateLimited, "the peers before this one have not ended yet"))
        };
        match opened {
            Ok(peer) => {
                self.microphone.bridge.lead_to(Some((peer.sound.clone(), Kind::Raw)));
                self.peer = Some(peer);
                self.make_encoder(now, None);
                self.fill(now);
            }
            Err(fault) => self.outbox.send(Report::PeerFailed { session, fault }),
        }
    }

    /// Opens and closes devices as the plan says.
    pub(super) fn follow_plan(&mut self, now: Instant) {
        let wanted = self.stay.as_ref().map(|stay| (stay.epoch, stay.media, stay.plan));
        let (camera, microphone) = match wanted {
            None => (None, None),
            Some((epoch, media, plan)) => (
                (media == Media::Video && plan.video == VideoPlan::Camera).then_some(epoch),
                (plan.audio == AudioPlan::Microphone && !self.refuses(description::Kind::Audio))
                    .then_some(epoch),
            ),
        };
        self.camera.want(now, camera);
        self.microphone.want(now, microphone);
        if microphone.is_none() {
            self.meter.silence();
        }
        self.fill(now);
    }

    fn set_quality(&mut self, now: Instant, quality: Quality) {
        if self.settings.quality == quality {
            return;
        }
        self.settings.quality = quality;
        self.sent = quality;
        self.filler = Filler::new(quality);
        self.paint(|wish| wish.size = quality);
        if let Some(peer) = &self.peer {
            peer.set_quality(quality);
        }
        self.camera.wish(now, |wish| {
            wish.quality = quality;
            wish.caps = filler::picture_caps(quality);
        });
    }

    /// Other layers from now on; painted only where they are seen.
    pub(super) fn paint(&mut self, change: impl FnOnce(&mut easel::Wish)) {
        self.easel.want(change);
        if self.is_seen() {
            self.easel.need();
        }
    }

    fn stop(&mut self, now: Instant, epoch: u64) {
        if self.stay.as_ref().is_some_and(|stay| stay.epoch == epoch) {
            self.stay = None;
            self.follow_plan(now);
            self.end_peer();
        }
        if self.stay.is_none() {
            self.stopping.push(epoch);
            self.stopped();
        } else {
            self.outbox.send(Report::Stopped { epoch });
        }
    }

    fn snapshot(&mut self, ticket: Ticket) {
        if !self.camera.delivers() {
            return self.seen(ticket, None);
        }
        if self.camera.bridge.view(ticket, &self.events).is_err() {
            self.no_picture(ticket, TOO_MANY);
        }
    }

    /// What the camera gave for this ticket.
    pub(super) fn seen(&mut self, ticket: Ticket, picture: Option<gst::Sample>) {
        match picture.map(|sample| self.darkroom.give((ticket, sample))) {
            Some(Ok(())) => {}
            Some(Err(_)) => self.no_picture(ticket, TOO_MANY),
            None => self.no_picture(ticket, (Code::PermissionDenied, "the camera gives no picture")),
        }
    }

    fn no_picture(&mut self, ticket: Ticket, (code, why): (Code, &str)) {
        self.outbox.send(Report::Snapshot { ticket, picture: Err(Refusal::new(code, why)) });
    }
}
