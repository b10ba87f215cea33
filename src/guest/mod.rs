//! The guest: what a device is inside a room. Pure: told what happened and when, it says what should happen next.
//!
//! Contract: after every `handle_…` drain [`Guest::poll_output`] to `None`, then look at [`Guest::poll_timeout`] and
//! [`Guest::snapshot`]. A command answered [`Answer::Pending`] is settled by exactly one [`Output::Settled`].
//!
//! Each part owns its state and is given `Effects`; what concerns another part it returns, and this file alone routes that.
//!
//! Invariants: a request that fails changes nothing; nobody is seated unasked; devices are asked for only by a stay
//! (`stay.rs`), and the end of a stay asks media to stop before anybody is told.
//!
//! Not here: sockets, pipelines, clocks; what devices there are.
#![deny(clippy::disallowed_methods, clippy::wildcard_enum_match_arm)]

mod attempts;
mod capture;
mod connection;
mod connection_outcome;
mod consent;
mod contract;
mod effects;
mod entry;
mod farewell;
mod join;
mod member;
mod network;
mod peer_failure;
mod peers;
mod preferences;
mod reconcile;
mod requests;
mod room;
mod route;
mod seat;
mod situation;
mod stay;
mod view;

use std::time::{Duration, Instant};

use contract::Shutdown;
pub use contract::{AcceptInvitations, Input, Output, PublishServer, Settings, Timer};

use capture::StayCapture;
use connection::StayConnection;
use connection_outcome::{ConnectionOutcome, RouteChange};
use effects::{DONE, Effects, ErrorSource};
use entry::{EntryOutcome, Moment};
use farewell::GoodbyeStep;
use join::FirstJoin;
use member::{MemberOutcome, RoomMember, not_in_room};
use preferences::DevicePreferences;
use reconcile::{Difference, SeatDifference};
use requests::Purpose;
use route::{RouteSettings, SignallingRoute};
use seat::{GuestSeat, LeaveReason, SeatOutcome, SeatStatus};
use situation::{Reach, Situation};
use stay::{Receiver, SeatGrant, Stay, StayOutcome, Surroundings};

use crate::model::command::{Answer, Command, DeviceCommand, GuestCommand, Settled};
use crate::model::event::Event;
use crate::model::media::{Ask, Report};
use crate::model::message::{
    DeviceAction, DeviceKind, Grant, Membership, NoResponse, OwnSeat, ToHost, UnseatReason,
};
use crate::model::state::GuestState;
use crate::model::{By, Code, DeviceSwitch, IdSource, LiveId, Refusal, User, UserId};

/// The guest.
#[derive(Debug)]
pub struct Guest {
    member: RoomMember,
    seat: GuestSeat,
    preferences: DevicePreferences,
    routes: RouteSettings,
    /// How long a seat is kept while nobody can be told about it.
    host_hold: Duration,
    shutdown: Shutdown,
    effects: Effects,
}

impl Guest {
    /// A guest that waits for the broker.
    pub fn new(settings: Settings) -> Self {
        let mut ids = IdSource::new(settings.seed);
        Self {
            member: RoomMember::new(ids.uuid(), &settings),
            effects: Effects::new(ids),
            seat: GuestSeat::Standing,
            preferences: DevicePreferences::new(&settings),
            routes: RouteSettings::new(&settings),
            host_hold: settings.host_hold,
            shutdown: Shutdown::No,
        }
    }

    /// Takes a changed configuration: for invitations to come, and for the next time the host is lost.
    pub fn set_policy(&mut self, accept_invitations: AcceptInvitations, host_hold: Duration) {
        self.member.set_policy(accept_invitations);
        self.host_hold = host_hold;
    }

    /// Does what an operator asks.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn handle_command(&mut self, now: Instant, command: Command) -> Settled {
        match command {
            Command::Host { .. } => Err(Refusal::new(Code::PermissionDenied, NO_HOST)),
            Command::Guest(_) | Command::Device(_) if self.shutdown == Shutdown::Begun => Err(stopping()),
            Command::Guest(command) => self.guest_command(now, command),
            Command::Device(command) => self.device_command(now, command),
        }
    }

    /// Takes note of something that happened. Once the guest is about to stop, only its own media matter.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        let (at, effects) = (self.moment(now), &mut self.effects);
        match (input, self.shutdown) {
            (Input::Media(report), _) => self.media(now, report),
            (_, Shutdown::Begun) | (Input::Room { state: None, .. }, _) => {}
            (Input::Online, Shutdown::No) => self.member.entry_mut().online(at, effects),
            (Input::Offline, Shutdown::No) => {
                self.member.entry_mut().offline(effects);
                self.hold_if_alone(now);
            }
            (Input::OwnOffline, Shutdown::No) => self.member.entry_mut().join_again(at, effects),
            (Input::Room { live_id, state: Some(state) }, Shutdown::No) => {
                let outcome = self.member.room_state(at, (&live_id, state), effects);
                self.follow_member(now, outcome);
            }
            (Input::HostStatus { user_id, presence }, Shutdown::No) => {
                let outcome = self.member.host_status(at, (&user_id, presence), effects);
                self.follow_member(now, outcome);
            }
            (Input::Message { live_id, message }, Shutdown::No) => {
                let outcome = self.member.message(at, (&live_id, message), effects);
                self.follow_member(now, outcome);
            }
            (Input::OfferUnsent { name, refusal }, Shutdown::No) => {
                self.with_connection(now, |connection, _, effects| {
                    connection.offer_unsent(&name, refusal, effects)
                });
            }
            (Input::Stop, Shutdown::No) => self.stop(now),
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.effects.take_due_timer(now) {
            let (at, effects) = (self.moment(now), &mut self.effects);
            match timer {
                Timer::Request(request_id) => self.member.unanswered(&request_id, effects),
                Timer::Join => self.member.entry_mut().send_join(at, effects),
                Timer::JoinLive => {
                    let outcome = self.member.join_live_in_vain(effects);
                    self.follow_member(now, outcome);
                }
                Timer::HostHold => self.leave_seat(now, UnseatReason::HostLost, None, Vec::new()),
                Timer::Application => self.member.application_expired(effects),
                Timer::Invitation(id) => self.member.invitation_over(&id, NoResponse::Timeout, effects),
                Timer::Live => self.with_connection(now, StayConnection::not_live_in_time),
                Timer::Silent => self.with_connection(now, StayConnection::path_silent),
                Timer::PathReturns => self.with_connection(now, StayConnection::path_not_back),
                Timer::Steady => self.with_connection(now, StayConnection::path_steady),
                Timer::Retry => self.with_connection(now, StayConnection::try_again),
                Timer::Stop => self.finish_farewell(now),
                Timer::Camera => self.with_stay(now, Stay::camera_not_opened),
                Timer::Microphone => self.with_stay(now, Stay::microphone_not_opened),
                Timer::Devices => self.tell_devices(now),
                Timer::Snapshot(ticket) => {
                    self.with_stay(now, |stay, _, effects| stay.no_picture(ticket, effects));
                }
            }
        }
    }

    /// The next thing to do; `None` when all was said.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.effects.poll_output()
    }

    /// When to call [`Guest::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.effects.next_timer()
    }

    /// The present stay, for the log; it is in nothing that others see.
    pub fn epoch(&self) -> Option<u64> {
        self.seat.epoch()
    }

    /// Who this guest is now.
    pub fn user(&self) -> &User {
        self.member.entry().user()
    }

    /// The state of this daemon.
    pub fn snapshot(&self) -> GuestState {
        view::state(&view::GuestParts {
            member: &self.member,
            seat: &self.seat,
            preferences: &self.preferences,
            last_error: self.effects.last_error(),
        })
    }

    fn route(&self, grant: Grant) -> Option<SignallingRoute> {
        let live_id = self.member.room().live_id()?;
        Some(self.routes.route(live_id, &self.member.entry().user().user_id, grant))
    }

    fn moment(&self, now: Instant) -> Moment {
        Moment { now, seat: self.seat.status() }
    }

    fn guest_command(&mut self, now: Instant, command: GuestCommand) -> Settled {
        let effects = &mut self.effects;
        match command {
            GuestCommand::JoinLive(wish) => self.member.entry_mut().join_live(now, wish.live_id, effects),
            GuestCommand::LeaveLive => self.leave_live(now),
            GuestCommand::Disconnect => self.disconnect(now),
            GuestCommand::ApplyForSeat(wish) => {
                self.member.apply(now, wish, self.seat.stay().map(Stay::seat_index), effects)
            }
            GuestCommand::CancelApplication => self.member.cancel_application(now, effects),
            GuestCommand::AcceptInvitation(wish) => self.member.accept(now, &wish, effects),
            GuestCommand::RejectInvitation(wish) => self.member.reject(now, &wish, effects),
        }
    }

    fn device_command(&mut self, now: Instant, command: DeviceCommand) -> Settled {
        match command {
            DeviceCommand::OpenLocalCamera => return self.open(now, DeviceKind::Camera),
            DeviceCommand::OpenLocalMicrophone => return self.open(now, DeviceKind::Microphone),
            DeviceCommand::CloseLocalCamera => self.close(now, DeviceKind::Camera),
            DeviceCommand::CloseLocalMicrophone => self.close(now, DeviceKind::Microphone),
            DeviceCommand::SwitchCamera(wish) => {
                self.preferences.switch_camera(wish.camera, &mut self.effects);
            }
            DeviceCommand::SetCaptureVolume(wish) => {
                self.preferences.set_capture_volume(wish.volume, &mut self.effects);
            }
            DeviceCommand::SetOutputVolume(wish) => self.effects.ask(Ask::OutputVolume(wish.volume)),
            DeviceCommand::SetVideoQuality(wish) => {
                self.preferences.set_quality(wish.quality, &mut self.effects);
            }
            DeviceCommand::SetMirror(wish) => self.effects.ask(Ask::Mirror(wish.mirror)),
            DeviceCommand::SetUserInfo(info) => {
                let at = self.moment(now);
                return self.member.entry_mut().set_user_info(at, info, &mut self.effects);
            }
            DeviceCommand::TakeSnapshot => {
                let stay = self.seat.stay_mut().ok_or_else(capture::camera_closed)?;
                return stay.take_snapshot(now, &mut self.effects);
            }
            DeviceCommand::GetState => return Ok(Answer::State),
            // RequestAnswer by the shell, which knows the devices.
            DeviceCommand::ListDevices
            | DeviceCommand::GetCameraControls(_)
            | DeviceCommand::SetCameraControl(_) => {}
        }
        DONE
    }

    /// Done here, whether or not there is a host to tell: the seat first, then the room.
    fn leave_live(&mut self, now: Instant) -> Settled {
        let live_id = self.member.room().live_id().cloned().ok_or_else(not_in_room)?;
        let refusal = Refusal::new(Code::NotInRoom, "the room was left");
        self.member.end_requests(&refusal, &mut self.effects);
        // Also where the room was not seen yet: the host may know this guest from before.
        let told = match self.seat.status() {
            SeatStatus::Taken => vec![ToHost::LeaveSeat, ToHost::Leave],
            SeatStatus::Standing | SeatStatus::Leaving => vec![ToHost::Leave],
        };
        let left = self.leave_for_command(now, &live_id, told);
        self.member.leave_room(&mut self.effects);
        self.preferences.lift_bans();
        left
    }

    fn disconnect(&mut self, now: Instant) -> Settled {
        let (Some(_), Some(live_id)) = (self.seat.stay(), self.member.room().live_id().cloned()) else {
            return Err(Refusal::new(Code::UserNotInSeat, "the guest is on no seat"));
        };
        self.leave_for_command(now, &live_id, vec![ToHost::LeaveSeat])
    }

    fn leave_for_command(&mut self, now: Instant, live_id: &LiveId, told: Vec<ToHost>) -> Settled {
        let ticket = self.effects.ticket();
        let tell = |message| GoodbyeStep::Tell(live_id.clone(), message);
        let mut after: Vec<GoodbyeStep> = told.into_iter().map(tell).collect();
        after.push(GoodbyeStep::Say(Output::Settled { ticket, settled: DONE }));
        self.leave_seat(now, UnseatReason::Left, None, after);
        Ok(Answer::Pending(ticket))
    }

    fn open(&mut self, now: Instant, device: DeviceKind) -> Settled {
        let Some(stay) = self.seat.stay_mut() else {
            let why = format!("the {} is opened on a seat only", capture::name(device));
            return Err(Refusal::new(Code::UserNotInSeat, why));
        };
        let answer = stay.open(now, device, &mut self.effects)?;
        if let Answer::Pending(_) = answer {
            self.preferences.open(device);
            self.tell_devices(now);
        }
        Ok(answer)
    }

    fn close(&mut self, now: Instant, device: DeviceKind) {
        match self.seat.stay().map(|stay| stay.capture().switch(device)) {
            Some(DeviceSwitch::On) => {
                let why = format!("the {} was closed again", capture::name(device));
                self.shut(now, device, DeviceSwitch::Off, Refusal::new(device.start_fail(), why));
            }
            Some(DeviceSwitch::Off | DeviceSwitch::ClosedByAdmin) => {}
            None => self.preferences.keep_closed(device),
        }
    }

    /// Turns a switch off; a command that waits for the device to open fails.
    fn shut(&mut self, now: Instant, device: DeviceKind, to: DeviceSwitch, why: Refusal) {
        self.with_stay(now, |stay, _, effects| stay.turn(device, to, effects));
        if let Some(stay) = self.seat.stay_mut() {
            stay.refuse_open(device, why, &mut self.effects);
        }
    }

    /// The host closes a device and keeps it closed as long as this guest is inside, or lets it be opened again.
    fn device_control(&mut self, now: Instant, device: DeviceKind, action: DeviceAction, by: By) {
        let switch = self.seat.stay().map(|stay| stay.capture().switch(device));
        let Some(to) = self.preferences.control(device, action, switch) else { return };
        self.shut(now, device, to, capture::closed_by_admin(device));
        self.effects.say(match action {
            DeviceAction::Close => Event::ClosedByAdmin { device, by },
            DeviceAction::Unlock => Event::UnlockedByAdmin { device, by },
        });
    }

    fn follow_member(&mut self, now: Instant, outcome: MemberOutcome) {
        match outcome {
            MemberOutcome::Nothing => {}
            MemberOutcome::Joined { record, first_join } => self.joined(now, record, first_join),
            MemberOutcome::Entry(EntryOutcome::Nothing) => {}
            MemberOutcome::Entry(EntryOutcome::PlaceLost) => {
                self.reconcile(now, Membership::default(), FirstJoin::Done);
            }
            MemberOutcome::Entry(EntryOutcome::RoomLeft) => self.preferences.lift_bans(),
            MemberOutcome::Entry(EntryOutcome::HostLost) => self.hold_if_alone(now),
            MemberOutcome::Entry(EntryOutcome::HostRestarted) => {
                if self.receiver() == Receiver::Host {
                    self.with_connection(now, StayConnection::stage_restarted);
                }
            }
            MemberOutcome::Entry(EntryOutcome::LiveEnded) => self.live_ended(now),
            MemberOutcome::Seated { seat, agreed_at } => {
                self.take_seat(now, seat, agreed_at);
                self.member.end_pending_if_seated(self.seat.status(), &mut self.effects);
            }
            MemberOutcome::Unseated { seat_index, reason, by } => {
                if self.seat.stay().is_some_and(|stay| stay.seat_index() == seat_index) {
                    self.leave_seat(now, reason, by, Vec::new());
                }
                if reason == UnseatReason::Offline {
                    let at = self.moment(now);
                    self.member.entry_mut().join_unless_lately(at, &mut self.effects);
                }
            }
            MemberOutcome::Moved { from, to, by } => {
                if self.seat.stay_mut().is_some_and(|stay| stay.moved(from, to)) {
                    self.effects.say(Event::SeatMoved { from, to, by });
                }
            }
            MemberOutcome::DeviceControl { device, action, by } => {
                self.device_control(now, device, action, by)
            }
            MemberOutcome::Signal(signal) => {
                self.with_connection(now, |connection, at, effects| connection.signal(signal, at, effects));
            }
            MemberOutcome::DevicesRefused => self.with_stay(now, Stay::forget_told),
        }
    }

    /// The live session has ended: requests end, then the seat, then it is said.
    fn live_ended(&mut self, now: Instant) {
        self.member.end_live(&mut self.effects);
        let by = self.member.room().by_host();
        let after = vec![GoodbyeStep::Say(Output::Event(Event::LiveEnded {}))];
        self.leave_seat(now, UnseatReason::LiveEnded, by, after);
        self.member.live_ended(&mut self.effects);
        self.preferences.lift_bans();
    }

    fn joined(&mut self, now: Instant, record: Membership, first_join: FirstJoin) {
        self.effects.cancel_timer(&Timer::HostHold);
        self.reconcile(now, record, first_join);
        self.hold_if_alone(now);
        self.with_connection(now, StayConnection::reachable_again);
    }

    fn reconcile(&mut self, now: Instant, record: Membership, first_join: FirstJoin) {
        for difference in self.member.differences(record, first_join, self.seat.status()) {
            match difference {
                Difference::Seat(SeatDifference::Device(device, action)) => {
                    if let Some(by) = self.member.room().by_host() {
                        self.device_control(now, device, action, by);
                    }
                }
                Difference::Seat(SeatDifference::Same(seat)) => self.same_seat(now, seat),
                Difference::Seat(SeatDifference::Lost) => {
                    self.leave_seat(now, UnseatReason::Offline, None, Vec::new());
                }
                Difference::Seat(SeatDifference::Given(seat)) => self.take_seat(now, seat, now),
                Difference::Pending(difference) => {
                    let at = self.moment(now);
                    self.member.follow(at, difference, &mut self.effects);
                }
            }
        }
        self.member.reconciled(self.seat.status(), &mut self.effects);
    }

    /// Both know of the seat: what changed while they were apart is followed.
    fn same_seat(&mut self, now: Instant, seat: OwnSeat) {
        let (Some(route), Some(stay)) = (self.route(seat.grant), self.seat.stay_mut()) else { return };
        let to = seat.seat_index;
        let (from, change) = stay.rejoined(to, route);
        if let Some(by) = self.member.room().by_host() {
            if from != to {
                self.effects.say(Event::SeatMoved { from, to, by: by.clone() });
            }
            self.device_control(now, DeviceKind::Camera, reconcile::action(seat.camera), by.clone());
            self.device_control(now, DeviceKind::Microphone, reconcile::action(seat.microphone), by);
        }
        if change == RouteChange::Elsewhere {
            self.with_connection(now, StayConnection::follow_route);
        }
        self.tell_devices(now);
    }

    fn take_seat(&mut self, now: Instant, seat: OwnSeat, accepted: Instant) {
        self.finish_farewell(now);
        let Some(route) = self.route(seat.grant) else { return };
        let (seat_index, epoch) = (seat.seat_index, self.effects.epoch());
        let camera = self.preferences.admit(DeviceKind::Camera, seat.camera);
        let microphone = self.preferences.admit(DeviceKind::Microphone, seat.microphone);
        let grant = SeatGrant {
            epoch,
            seat_index,
            accepted,
            route,
            capture: StayCapture::new(epoch, seat.media, camera, microphone),
        };
        self.seat.take(now, grant, &mut self.effects);
        self.hold_if_alone(now);
        self.effects.say(Event::Seated { seat_index });
        self.tell_devices(now);
        self.with_connection(now, StayConnection::check_route);
    }

    /// Media stop; when they have, the far side, this and then `after` are said. Without a seat, `after` is said at once.
    fn leave_seat(&mut self, now: Instant, reason: UnseatReason, by: Option<By>, after: Vec<GoodbyeStep>) {
        let steps = self.seat.leave(now, LeaveReason::Unseated { reason, by }, after, &mut self.effects);
        self.say(now, steps);
    }

    /// Media cannot be kept up: the seat is left.
    fn give_up_seat(&mut self, now: Instant, why: String) {
        let code = self.effects.last_error().map_or(Code::HostUnreachable, |refusal| refusal.code);
        self.effects.note_error(ErrorSource::Media, Refusal::new(code, why.clone()));
        self.effects.say(Event::MediaFailed { why });
        let tell = |live_id| GoodbyeStep::Tell(live_id, ToHost::LeaveSeat);
        self.leave_seat(
            now,
            UnseatReason::MediaFailed,
            None,
            self.member.room().live_id().cloned().map(tell).into_iter().collect(),
        );
    }

    fn finish_farewell(&mut self, now: Instant) {
        let steps = self.seat.finish_farewell(&mut self.effects);
        self.say(now, steps);
    }

    fn say(&mut self, now: Instant, steps: Vec<GoodbyeStep>) {
        for step in steps {
            match step {
                GoodbyeStep::Say(output) => self.effects.output(output),
                GoodbyeStep::Tell(live_id, ToHost::LeaveSeat) if self.member.room().is(&live_id) => {
                    self.member.request(now, Purpose::LeaveSeat, &mut self.effects);
                }
                GoodbyeStep::Tell(live_id, message) => {
                    self.effects.send(live_id, message);
                }
            }
        }
    }

    /// Media stop first; then the goodbye, without a `leave`: the host's hold decides.
    fn stop(&mut self, now: Instant) {
        self.shutdown = Shutdown::Begun;
        self.member.end_requests(&stopping(), &mut self.effects);
        if let Some(stay) = self.seat.stay_mut() {
            stay.refuse_commands(&stopping(), &mut self.effects);
        }
        self.effects.cancel_all_timers_but(Timer::Stop);
        let stopped = vec![GoodbyeStep::Say(Output::Stopped)];
        let steps = self.seat.leave(now, LeaveReason::Shutdown, stopped, &mut self.effects);
        self.say(now, steps);
    }

    fn media(&mut self, now: Instant, report: Report) {
        let around = Surroundings { now, reach: self.reach(), preferences: &self.preferences };
        match self.seat.media(report, &around, &mut self.effects) {
            SeatOutcome::Stay(outcome) => self.follow_stay(now, outcome),
            SeatOutcome::CardVolume(volume) => self.preferences.set_card_volume(volume),
            SeatOutcome::Stopped(steps) => self.say(now, steps),
        }
    }

    /// Does something with the present stay, if there is one, and follows what that leads to.
    fn with_stay(
        &mut self,
        now: Instant,
        act: impl FnOnce(&mut Stay, &Surroundings<'_>, &mut Effects) -> StayOutcome,
    ) {
        let around = Surroundings { now, reach: self.reach(), preferences: &self.preferences };
        let Some(stay) = self.seat.stay_mut() else { return };
        let outcome = act(stay, &around, &mut self.effects);
        self.follow_stay(now, outcome);
    }

    fn follow_stay(&mut self, now: Instant, outcome: StayOutcome) {
        match outcome {
            StayOutcome::Nothing => {}
            StayOutcome::TellDevices => self.tell_devices(now),
            StayOutcome::TellPhase => self.tell_phase(now),
            StayOutcome::WentLive(delay) => {
                self.tell_phase(now);
                self.effects.say(delay.event());
            }
            StayOutcome::Opened { device, id } => self.preferences.opened(device, id),
            StayOutcome::GaveUp { why } => self.give_up_seat(now, why),
        }
    }

    fn with_connection(
        &mut self,
        now: Instant,
        act: impl FnOnce(&mut StayConnection, Situation, &mut Effects) -> ConnectionOutcome,
    ) {
        self.with_stay(now, |stay, around, effects| stay.connect(around, effects, act));
    }

    /// The stage of the present stay, if it is no server.
    fn stage(&self) -> Option<&UserId> {
        self.seat.stay()?.connection().stage()
    }

    fn receiver(&self) -> Receiver {
        self.member.entry().receiver(self.stage())
    }

    fn reach(&self) -> Reach {
        self.member.entry().reach(self.stage(), self.host_hold)
    }

    /// A stay that nobody can be told about ends with the hold.
    fn hold_if_alone(&mut self, now: Instant) {
        if let Some(stay) = self.seat.stay().filter(|_| self.member.entry().is_alone()) {
            stay.connection().hold(now, self.host_hold, &mut self.effects);
        }
    }

    /// A stage that is not the host lets the host know the phase through this guest only.
    fn tell_phase(&mut self, now: Instant) {
        if self.receiver() == Receiver::Other {
            self.tell_devices(now);
        }
    }

    /// Tells the host what the devices do, unless it was told so last.
    fn tell_devices(&mut self, now: Instant) {
        let receiver = self.receiver();
        if let Some(devices) = self.seat.stay_mut().and_then(|stay| stay.news(receiver)) {
            self.member.request(now, Purpose::Devices(devices), &mut self.effects);
        }
    }
}

const NO_HOST: &str = "this daemon is a guest: it takes no host's commands";

fn stopping() -> Refusal {
    Refusal::new(Code::ShuttingDown, "the guest is about to stop")
}
