//! Onto the seat and off it: media are asked first, everybody else is told after.

use std::time::{Duration, Instant};

use super::effects::ErrorSource;
use super::requests::Purpose;
use super::stay::{Count, Delivered, Device, Stay};
use super::{Course, Guest, Output, Timer};
use crate::model::event::Event;
use crate::model::media::{Ask, Ticket};
use crate::model::message::{DeviceKind, Grant, Signal, ToHost, UnseatReason};
use crate::model::server::ServerAsk;
use crate::model::state::Network;
use crate::model::{By, Code, DeviceSwitch, LiveId, Media, Phase, Refusal};

/// How long media may take to stop before the goodbye is said without it (rule 11: the camera is closed within 1 s).
const STOP: Duration = Duration::from_secs(1);

/// One step of a goodbye.
#[derive(Debug)]
pub(super) enum Word {
    /// A signal to the stage.
    Signal(LiveId, Signal),
    /// The server that takes the media.
    ToServer(ServerAsk),
    /// A request whose answer changes nothing any more.
    ToHost(LiveId, ToHost),
    /// An event.
    Event(Event),
    /// The command is done.
    Done(Ticket),
    /// The whole program may end.
    Stopped,
}

/// A stay that is being left: what is said once media have stopped.
#[derive(Debug)]
pub(super) struct Farewell {
    pub(super) epoch: u64,
    pub(super) seat_index: u32,
    pub(super) media: Media,
    words: Vec<Word>,
}

/// A seat that is given.
pub(super) struct Given {
    pub(super) seat_index: u32,
    pub(super) media: Media,
    pub(super) grant: Grant,
    pub(super) accepted: Instant,
    pub(super) camera: DeviceSwitch,
    pub(super) microphone: DeviceSwitch,
}

impl Guest {
    /// Sits down: capture and the peer begin, then it is said.
    pub(super) fn begin_stay(&mut self, now: Instant, given: Given) {
        self.say_farewell(now);
        let epoch = self.effects.epoch();
        for (device, switch) in
            [(DeviceKind::Camera, given.camera), (DeviceKind::Microphone, given.microphone)]
        {
            if let (DeviceSwitch::ClosedByAdmin, Some(room)) = (switch, &mut self.room) {
                room.banned.insert(device);
            }
        }
        let camera = self.allowed(DeviceKind::Camera, given.camera);
        let camera = match (given.media, camera) {
            (Media::Audio, DeviceSwitch::On) => DeviceSwitch::Off,
            (Media::Audio | Media::Video, camera) => camera,
        };
        let microphone = self.allowed(DeviceKind::Microphone, given.microphone);
        let seat_index = given.seat_index;
        let grant = self.way(given.grant);
        self.stay = Some(Stay {
            epoch,
            seat_index,
            media: given.media,
            grant: grant.clone(),
            phase: Phase::Preparing,
            accepted: given.accepted,
            attempt: 0,
            count: Count::Ends,
            why: String::new(),
            peer: None,
            camera: Device::new(camera),
            microphone: Device::new(microphone),
            delivered: Delivered::Never,
            pictures: Vec::new(),
            told: None,
        });
        let obstacle = self.obstacle(&grant);
        if obstacle.is_none() {
            self.start_peer(now);
        }
        self.hold_if_alone(now);
        self.effects.say(Event::Seated { seat_index });
        self.tell_devices(now);
        if let Some(refusal) = obstacle {
            self.refuse_media(now, refusal);
        }
    }

    /// Gets up: media stop; when they have, the stage, the events and then `after` are said. Nothing without a seat but `after`.
    pub(super) fn leave_stay(
        &mut self,
        now: Instant,
        reason: UnseatReason,
        by: Option<By>,
        mut after: Vec<Word>,
    ) {
        let Some(stay) = self.stay.take() else {
            match &mut self.farewell {
                Some(farewell) => farewell.words.append(&mut after),
                None => self.say_words(now, after),
            }
            return;
        };
        let seat_index = stay.seat_index;
        let mut words = Vec::new();
        words.extend(self.bye(&stay));
        if let (UnseatReason::Kicked, Some(by)) = (reason, &by) {
            words.push(Word::Event(Event::KickedOffSeat { seat_index, by: by.clone() }));
        }
        words.push(Word::Event(Event::Unseated { seat_index, reason, by }));
        words.append(&mut after);
        self.close_stay(now, stay, words);
    }

    /// The program ends: media stop, the stage hears `bye`, the host nothing: its hold decides.
    pub(super) fn leave_for_stop(&mut self, now: Instant) {
        match self.stay.take() {
            Some(stay) => {
                let words = self.bye(&stay).into_iter().chain([Word::Stopped]).collect();
                self.close_stay(now, stay, words);
            }
            None => match &mut self.farewell {
                Some(farewell) => farewell.words.push(Word::Stopped),
                None => self.effects.output(Output::Stopped),
            },
        }
    }

    fn is_room(&self, live_id: &LiveId) -> bool {
        self.room.as_ref().is_some_and(|room| room.live_id == *live_id)
    }

    fn close_stay(&mut self, now: Instant, mut stay: Stay, words: Vec<Word>) {
        self.effects.cancel_timers(&[
            Timer::Live,
            Timer::Silent,
            Timer::Steady,
            Timer::Retry,
            Timer::HostHold,
            Timer::Camera,
            Timer::Microphone,
            Timer::Devices,
        ]);
        self.effects.ask(Ask::Stop { epoch: stay.epoch });
        for ticket in stay.take_tickets() {
            self.effects.cancel_timer(&Timer::Snapshot(ticket));
            self.effects.settle(ticket, Err(Refusal::new(Code::UserNotInSeat, "the seat was left")));
        }
        self.network = Network::UNKNOWN;
        self.effects.set_timer(now + STOP, Timer::Stop);
        self.farewell =
            Some(Farewell { epoch: stay.epoch, seat_index: stay.seat_index, media: stay.media, words });
    }

    /// Media have stopped, or take too long: the goodbye.
    pub(super) fn say_farewell(&mut self, now: Instant) {
        self.effects.cancel_timer(&Timer::Stop);
        if let Some(farewell) = self.farewell.take() {
            self.say_words(now, farewell.words);
        }
    }

    fn say_words(&mut self, now: Instant, words: Vec<Word>) {
        for word in words {
            match word {
                Word::Signal(live_id, signal) => {
                    self.effects.output(Output::ToStage { live_id, signal });
                }
                Word::ToServer(ask) => self.effects.output(Output::ToServer(ask)),
                Word::ToHost(live_id, ToHost::LeaveSeat) if self.is_room(&live_id) => {
                    self.request(now, Purpose::LeaveSeat, ToHost::LeaveSeat, None);
                }
                Word::ToHost(live_id, message) => {
                    self.effects.send(live_id, message);
                }
                Word::Event(event) => self.effects.say(event),
                Word::Done(ticket) => self.effects.settle(ticket, super::DONE),
                Word::Stopped => self.effects.output(Output::Stopped),
            }
        }
    }

    /// Media cannot be kept up, for this reason.
    pub(super) fn refuse_media(&mut self, now: Instant, refusal: Refusal) {
        let why = refusal.message.clone();
        self.effects.note_error(ErrorSource::Media, refusal);
        self.fail_media(now, &why);
    }

    /// Media could not be kept up: the seat is left (rules 15 and 19).
    pub(super) fn fail_media(&mut self, now: Instant, why: &str) {
        let code = self.effects.last_error().map_or(Code::HostUnreachable, |refusal| refusal.code);
        self.effects.note_error(ErrorSource::Media, Refusal::new(code, why));
        let live_id = self.room.as_ref().map(|room| room.live_id.clone());
        let told = live_id.map(|live_id| Word::ToHost(live_id, ToHost::LeaveSeat));
        self.effects.say(Event::MediaFailed { why: why.to_owned() });
        self.leave_stay(now, UnseatReason::MediaFailed, None, told.into_iter().collect());
    }

    /// Says what the devices do, where it is not what was said last.
    pub(super) fn tell_devices(&mut self, now: Instant) {
        if self.course == Course::Stopping {
            return;
        }
        let Some(stay) = &self.stay else { return };
        let phase = (!self.stage_is_host(&stay.grant)).then_some(stay.phase);
        let devices = stay.devices(phase);
        if stay.told == Some(devices) {
            return;
        }
        if let Some(stay) = &mut self.stay {
            stay.told = Some(devices);
        }
        self.request(now, Purpose::Devices, ToHost::Devices(devices), None);
    }
}
