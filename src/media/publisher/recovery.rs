//! The encoder of the present peer: put in, looked after, and replaced as [`super::ladder`] says.
//!
//! Invariant: whatever becomes of an encoder, the peer, its session and the camera stay; only the last rung gives the seat up.

use std::time::Instant;

use super::Codec;
use super::bridge::Kind;
use super::desk::Desk;
use super::encoding::{self, Before, Encoding, Order};
use super::ladder::{Camera, Counts, Expected, Ladder, Step, Trouble};
use super::peer::Peer;
use super::profile::{Encoder, Profile};
use super::warmth::{Kept, Warmth};
use crate::model::capture::Drawing;
use crate::model::media::Report;

/// What is known of the encoders of this process.
#[derive(Debug)]
pub(super) struct Recovery {
    ladder: Ladder,
    /// What the ladder is of.
    pub(super) codec: Codec,
    /// How many were to be made so far.
    made: u64,
    /// What the last of them takes.
    kind: Kind,
    /// When the one that is being made must be there.
    due: Option<Instant>,
    replaced: Option<Replaced>,
    /// What is left of the last call.
    pub(super) warmth: Warmth,
    /// Whether the present call waits for that.
    pub(super) waits: bool,
}

impl Recovery {
    pub(super) fn new(profile: &Profile, codec: Codec) -> Self {
        let codec = profile.offered(codec);
        Self {
            ladder: ladder(profile, codec),
            codec,
            made: 0,
            kind: Kind::Raw,
            due: None,
            replaced: None,
            warmth: Warmth::Cold,
            waits: false,
        }
    }

    /// What encodes now: of pixels, what the ladder stands at.
    fn present(&self, profile: &Profile, codec: Codec) -> Option<Encoder> {
        match self.kind {
            Kind::Raw => profile.encoders(codec).get(self.ladder.current()).copied().cloned(),
            Kind::Shared => profile.importer().cloned(),
            Kind::Encoded => Some(Encoder::passing()),
        }
    }

    /// The next peer is offered this codec, or the other where there is no encoder for it.
    pub(super) fn encode(&mut self, profile: &Profile, codec: Codec) {
        let codec = profile.offered(codec);
        if self.codec != codec {
            self.codec = codec;
            self.ladder = ladder(profile, codec);
        }
    }

    /// A new stay.
    pub(super) fn begin(&mut self) {
        self.ladder.begin();
        self.replaced = None;
    }

    /// The peer is over.
    pub(super) fn rest(&mut self) {
        self.ladder.rest();
        self.due = None;
        self.waits = false;
    }

    /// Whether the present encoder has given no reason to do anything.
    pub(super) fn is_well(&self) -> bool {
        self.due.is_none() && self.ladder.is_on_the_ground()
    }
}

fn ladder(profile: &Profile, codec: Codec) -> Ladder {
    Ladder::new(profile.encoders(codec).iter().map(|encoder| encoder.hardware()).collect())
}

/// Why the present encoder is another than the one before.
#[derive(Debug)]
pub(super) struct Replaced {
    from: String,
    why: String,
}

impl Desk {
    /// The peer wants an encoder; `after` is stopped before it is made.
    pub(super) fn make_encoder(&mut self, now: Instant, after: Option<Encoding>) {
        let Some(peer) = self.peer.as_mut().filter(|peer| peer.wants_pictures()) else { return };
        self.recovery.made += 1;
        peer.awaits = self.recovery.made;
        self.recovery.kind = self.camera.kind();
        let Some(encoder) = self.recovery.present(&self.settings.profile, peer.codec) else { return };
        self.recovery.due = Some(now + encoding::MADE);
        let before = match (after, self.recovery.warmth.take(&encoder)) {
            (None, Kept::Soon) => {
                self.recovery.waits = true;
                return;
            }
            (None, Kept::This(warm)) => Before::Again(warm),
            (None, Kept::Nothing) => Before::Nothing,
            (Some(after), _) => Before::Stop(after),
        };
        self.recovery.waits = false;
        let order = Order {
            peer: peer.session.peer,
            number: self.recovery.made,
            encoder,
            quality: self.sent,
            before,
        };
        if let Err(error) = encoding::make(order, &self.meter, &self.events) {
            self.encoder_fails(now, &Trouble::Unmade(error.to_string()));
        }
    }

    /// An encoder was made, or not. One that comes too late is stopped again.
    pub(super) fn encoder_made(
        &mut self,
        now: Instant,
        peer: u64,
        number: u64,
        made: Result<Box<Encoding>, String>,
    ) {
        let wanted =
            self.peer.as_mut().filter(|present| present.session.peer == peer && present.awaits == number);
        let Some(present) = wanted else {
            if let Ok(late) = made {
                late.stop_beside();
            }
            return;
        };
        self.recovery.due = None;
        let encoding = match made {
            Ok(encoding) => *encoding,
            Err(why) => return self.encoder_fails(now, &Trouble::Unmade(why)),
        };
        encoding.set_quality(self.sent);
        let (source, element) = (encoding.source.clone(), encoding.element());
        if let Err(error) = present.put_in(encoding) {
            return self.encoder_fails(now, &Trouble::Unmade(error.message.to_string()));
        }
        let connected = present.connected;
        self.camera.bridge.lead_to(Some((source, self.recovery.kind)));
        self.fill(now);
        self.watch_encoder(now, if connected { Expected::Frames } else { Expected::First });
        if let (Some(Replaced { from, why }), Some(stay)) = (self.recovery.replaced.take(), &self.stay) {
            tracing::warn!("encoding with {element} instead of {from}: {why}");
            self.outbox.send(Report::EncoderReplaced { epoch: stay.epoch, from, to: element, why });
        }
    }

    /// From now on so much is expected of the encoder.
    pub(super) fn watch_encoder(&mut self, now: Instant, expected: Expected) {
        let counts = self.counts();
        self.recovery.ladder.watch(now, counts, expected);
    }

    /// The encoder itself says that it is broken.
    pub(super) fn encoder_broke(&mut self, now: Instant, number: u64, why: String) {
        let present = self.peer.as_ref().and_then(|peer| peer.encoding.as_ref());
        if present.is_some_and(|encoding| encoding.number == number) {
            self.encoder_fails(now, &Trouble::Broke(why));
        }
    }

    /// Looks after it, at each tick.
    pub(super) fn look_after_encoder(&mut self, now: Instant) {
        if self.recovery.due.is_some_and(|due| due <= now) {
            if std::mem::take(&mut self.recovery.waits) {
                // What was to be kept does not come back: nobody waits for it again.
                self.recovery.warmth = Warmth::Cold;
            }
            return self.encoder_fails(now, &Trouble::Unmade("its driver hangs".to_owned()));
        }
        let counts = self.counts();
        if let Some(trouble) = self.recovery.ladder.look(now, counts) {
            self.encoder_fails(now, &trouble);
        }
    }

    fn counts(&self) -> Counts {
        let (out, packets) = self.meter.sent();
        Counts { fed: self.camera.bridge.pushed(), out, packets }
    }

    /// A camera that encodes needs no encoder while it is open, one that shares its memory another; the slate needs the ordinary one.
    pub(super) fn follow_kind(&mut self, now: Instant) {
        let sees = self.peer.as_ref().is_some_and(Peer::wants_pictures);
        if sees && self.recovery.kind != self.camera.kind() {
            self.camera.bridge.lead_to(None);
            self.keep_encoder();
            if let Some(old) = self.take_encoder_out() {
                old.stop_beside();
            }
            self.make_encoder(now, None);
        }
    }

    fn encoder_fails(&mut self, now: Instant, trouble: &Trouble) {
        let Some(peer) = &mut self.peer else { return };
        let present = self.recovery.present(&self.settings.profile, peer.codec);
        let from = present.as_ref().map(Encoder::element).unwrap_or_default();
        let why = trouble.of(&from);
        match self.recovery.kind {
            Kind::Raw => {}
            Kind::Shared => {
                tracing::warn!("{why}: the camera's memory is not shared any more, pictures are copied");
                self.camera.stop_sharing(now);
                return self.follow_kind(now);
            }
            Kind::Encoded => {
                tracing::warn!("{why}: what the camera encodes is not sent as it is, but decoded");
                self.camera.wish(now, |wish| wish.drawing = Drawing::Needed);
                return self.follow_kind(now);
            }
        }
        let camera = if self.camera.delivers() { Camera::Sends } else { Camera::Not };
        self.recovery.due = None;
        match self.recovery.ladder.climb(now, trouble, camera) {
            Step::KeyFrame => {
                tracing::warn!("{why}: a key frame is forced");
                peer.force_key_frame();
            }
            Step::Rebuild => {
                tracing::warn!("{why}: it is built anew");
                let old = self.take_encoder_out();
                self.make_encoder(now, old);
            }
            Step::ReopenCamera => {
                tracing::warn!("{why}: the camera is opened anew");
                self.camera.reopen(now);
                if matches!(trouble, Trouble::Broke(_)) {
                    let old = self.take_encoder_out();
                    self.make_encoder(now, old);
                }
            }
            Step::Change(_) => {
                self.recovery.replaced.get_or_insert(Replaced { from, why });
                // Nobody waits for the one before: another does not need its hardware.
                if let Some(old) = self.take_encoder_out() {
                    old.stop_beside();
                }
                self.make_encoder(now, None);
            }
            Step::Leave => {
                tracing::error!("{why}, and there is no other encoder left");
                peer.awaits = 0;
                if let Some(old) = self.take_encoder_out() {
                    old.stop_beside();
                }
                if let Some(stay) = &self.stay {
                    self.outbox.send(Report::MediaFailed { epoch: stay.epoch, why });
                }
            }
        }
    }

    fn take_encoder_out(&mut self) -> Option<Encoding> {
        self.camera.bridge.lead_to(None);
        self.recovery.ladder.rest();
        self.peer.as_mut()?.take_encoder_out()
    }
}
