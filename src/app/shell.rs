//! The loop around a role: next event → handle → drain → route.
//!
//! One `select!`, biased: termination → media → connection → devices and background tasks → next timer → watchdog. Routing never waits. The shutdown
//! goes media first, then the goodbye, then `offline`; every step has a cap, all of it ends within 5 s.

mod commands;
mod plugged;
mod reread;
mod showing;

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;
use tokio::time::sleep_until;

use super::Error;
use super::background::{BackgroundTasks, TaskResult};
use super::commands::{CommandAdmission, PendingCommands};
use super::home_assistant::{HomeAssistantPort, HomeAssistantRequest};
use super::identity::{IdentityDecision, IdentityGuard, Online};
use super::info::Info;
use super::mqtt_port::MqttPort;
use super::role::{BrokerPresence, Effect, RoleAdapter};
use super::signals::{ProcessSignal, Signals};
use super::trouble::Trouble;
use super::watchdog::Watchdog;
use crate::config::{Setting, Settings, Sources};
use crate::mqtt::connection::{Granted, Incoming, Message, Publish, Retain, SubscribeOptions};
use crate::mqtt::topics::Topic;
use crate::mqtt::wire::device;
use crate::systemd::Systemd;

/// How long changes of the state are gathered before it is published.
const GATHER: Duration = Duration::from_millis(30);

/// How long a role may take to stop its media and to say goodbye.
const STOP_CAP: Duration = Duration::from_millis(1500);

/// How long media may take to end after that.
const MEDIA_CAP: Duration = Duration::from_secs(1);

/// How long the broker may take to have it all.
const BROKER_CAP: Duration = Duration::from_millis(1500);

/// What a shell is made of.
pub(super) struct Shell<R: RoleAdapter> {
    role: R,
    port: MqttPort,
    incoming: Receiver<Incoming>,
    identity: IdentityGuard,
    pending: PendingCommands,
    background: BackgroundTasks,
    /// When the devices are surveyed again: some came or went.
    survey: Option<Instant>,
    /// The camera in use: what is configured, or what was switched to.
    camera: String,
    info: Info,
    home: HomeAssistantPort,
    /// Where the configuration is read from.
    sources: Sources,
    /// As it was read last.
    settings: Settings,
    /// What of it is in force: what needs a restart is as it was at the start.
    running: Vec<Setting>,
    systemd: Systemd,
    opening: CommandAdmission,
    /// When the state is published next.
    gathered: Option<Instant>,
    /// When the role is given up while it stops.
    stopping: Option<Instant>,
    summary: String,
    /// What the broker does not take.
    trouble: Trouble,
    /// Why another process is to take over.
    gave_up: Option<String>,
}

/// What one turn of the loop is about.
enum Event<T> {
    Asked(ProcessSignal),
    Report(T),
    Incoming(Option<Incoming>),
    Chore(TaskResult),
    Timer,
    Watchdog,
}

/// Whether the loop turns on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LoopState {
    Running,
    Done,
}

impl<R: RoleAdapter> Shell<R> {
    pub(super) fn new(
        role: R,
        port: MqttPort,
        incoming: Receiver<Incoming>,
        background: BackgroundTasks,
        info: Info,
        settings: Settings,
        sources: Sources,
    ) -> Self {
        port.link.subscribe(port.topics.status(), SubscribeOptions::LEVELS);
        port.link.subscribe(port.topics.info(), SubscribeOptions::LEVELS);
        Self {
            role,
            port,
            incoming,
            identity: IdentityGuard::new(settings.machine.hash.clone()),
            pending: PendingCommands::default(),
            background,
            survey: None,
            camera: settings.media.camera.clone(),
            info,
            home: HomeAssistantPort::new(&settings),
            sources,
            running: settings.effective.clone(),
            settings,
            systemd: Systemd::new(),
            opening: CommandAdmission::Open,
            gathered: None,
            stopping: None,
            summary: String::new(),
            trouble: Trouble::default(),
            gave_up: None,
        }
    }

    /// Turns until asked to stop, or until its role is of no more use.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let mut signals = Signals::new()?;
        let mut watchdog = Watchdog::new(Instant::now(), self.systemd.watchdog_interval());
        self.systemd.ready();
        self.background.survey(self.settings.media.quality);
        loop {
            let event = self.next(&mut signals, watchdog.deadline()).await;
            let now = Instant::now();
            let state = self.handle(now, event);
            watchdog.turned(now, &mut self.systemd, || self.role.is_alive());
            if self.systemd.deadline().is_some_and(|at| at <= now) {
                self.systemd.tell();
            }
            if state == LoopState::Done {
                break;
            }
        }
        let gave_up = self.gave_up.take();
        self.leave().await;
        gave_up.map_or(Ok(()), |why| Err(Error::Media(why)))
    }

    async fn next(&mut self, signals: &mut Signals, watchdog: Option<Instant>) -> Event<R::Report> {
        let (role, identity) = (self.role.deadline(), self.identity.deadline());
        let deadlines = [role, identity, self.gathered, self.stopping, self.survey, self.systemd.deadline()];
        let timer = deadlines.into_iter().flatten().min();
        let sleep = |at: Option<Instant>| sleep_until(at.unwrap_or_else(Instant::now).into());
        tokio::select! {
            biased;
            asked = signals.next() => Event::Asked(asked),
            Some(report) = self.role.reports().recv() => Event::Report(report),
            incoming = self.incoming.recv() => Event::Incoming(incoming),
            result = self.background.next() => Event::Chore(result),
            () = sleep(timer), if timer.is_some() => Event::Timer,
            () = sleep(watchdog), if watchdog.is_some() => Event::Watchdog,
        }
    }

    fn handle(&mut self, now: Instant, event: Event<R::Report>) -> LoopState {
        match event {
            Event::Asked(ProcessSignal::Stop(name)) => self.terminate(now, name),
            Event::Asked(ProcessSignal::Reread) => self.reread(),
            Event::Report(report) => self.role.report(now, report),
            Event::Incoming(Some(incoming)) => self.incoming(now, incoming),
            Event::Incoming(None) => return LoopState::Done,
            Event::Chore(result) => self.result(now, result),
            Event::Timer | Event::Watchdog => {}
        }
        self.survey_again(now);
        let decision = self.identity.timeout(now);
        self.judged(now, decision);
        if self.role.deadline().is_some_and(|at| at <= now) {
            self.role.timeout(now);
        }
        self.drain(now)
    }

    fn drain(&mut self, now: Instant) -> LoopState {
        let mut state = LoopState::Running;
        for effect in self.role.drain(now, &self.port) {
            match effect {
                Effect::Settled(ticket, settled) => {
                    if let Some(slot) = self.pending.take_ticket(ticket) {
                        self.settle(now, slot, settled);
                    }
                }
                Effect::Stopped => state = LoopState::Done,
            }
        }
        self.show(now);
        if self.stopping.is_none()
            && let Some(why) = self.role.gives_up().map(ToOwned::to_owned)
        {
            self.gave_up = Some(why);
            self.terminate(now, "media gave up");
        }
        if self.stopping.is_some_and(|at| at <= now) {
            tracing::warn!("media took too long to stop");
            state = LoopState::Done;
        }
        state
    }

    fn terminate(&mut self, now: Instant, name: &str) {
        if self.stopping.is_some() {
            return;
        }
        tracing::info!("stopping ({name})");
        self.systemd.stopping();
        self.opening = CommandAdmission::ShuttingDown;
        self.stopping = Some(now + STOP_CAP);
        self.role.stop(now);
    }

    fn incoming(&mut self, now: Instant, incoming: Incoming) {
        match incoming {
            Incoming::Up { session_present, presence, granted } => {
                tracing::debug!(session_present, ?presence, ?granted, "connected to the broker");
                self.identity.connected();
                self.trouble = Trouble::default();
                self.granted(granted);
            }
            Incoming::Subscribed(filter) => self.subscribed(now, &filter),
            Incoming::Refused { filter, why } if self.home.misses(&self.port, &filter) => {
                tracing::error!("{why}");
                self.trouble.deaf(filter);
                self.gathered.get_or_insert(now + GATHER);
            }
            Incoming::Refused { why, .. } => tracing::debug!("{why}"),
            Incoming::Dropped { topic, why, cause, retain } => {
                tracing::warn!("{why}");
                if retain == Retain::Yes {
                    self.trouble.dropped(topic, cause);
                    self.gathered.get_or_insert(now + GATHER);
                }
            }
            Incoming::Restored { topic } => {
                tracing::info!("{topic} is published again");
                self.trouble.restored(&topic);
                self.gathered.get_or_insert(now + GATHER);
            }
            Incoming::Renewed { topic } => {
                tracing::info!("somebody else has overwritten {topic}: it is published again");
                if topic == self.port.topics.status() {
                    // Others believed it to be gone.
                    self.role.broker(now, BrokerPresence::OwnOffline);
                }
            }
            Incoming::Message(message) => self.message(now, &message),
            Incoming::Down { why, retry_in } => {
                self.show_now(now);
                tracing::warn!("{why}; trying again in {:.1} s", retry_in.as_secs_f32());
                self.systemd.status(&why);
                self.role.broker(now, BrokerPresence::Offline);
                // That it waits for the broker was just said, with the reason.
                self.summary = self.role.news(now).summary;
            }
            Incoming::Closed => {}
        }
    }

    /// What the broker grants too little of is said once, until that changes.
    fn granted(&mut self, granted: Granted) {
        let (before, now) = (self.pending.granted().shortcomings(), granted.shortcomings());
        for shortcoming in now.iter().filter(|shortcoming| !before.contains(shortcoming)) {
            tracing::warn!("the broker: {shortcoming}");
        }
        self.pending.set_granted(granted);
    }

    fn subscribed(&mut self, now: Instant, filter: &str) {
        self.trouble.heard(filter);
        let topics = &self.port.topics;
        if filter == topics.status() || filter == topics.info() {
            self.identity.subscribed(now);
        } else if filter == topics.commands() && self.identity.is_speaking() {
            self.keep_info();
            self.role.broker(now, BrokerPresence::Online);
            // How things are is news again, also where they are as before.
            self.summary.clear();
            self.show_now(now);
            self.port.link.keep(self.port.topics.status(), device::ONLINE);
        } else {
            self.role.subscribed(now, filter, &self.port);
        }
    }

    fn message(&mut self, now: Instant, message: &Message) {
        match self.home.hear(&self.port, message) {
            HomeAssistantRequest::Foreign => {}
            HomeAssistantRequest::Taken => return,
            HomeAssistantRequest::Command(name) => {
                let empty = Message { payload: Bytes::new(), response_topic: None, ..message.clone() };
                return self.command(now, name, &empty);
            }
        }
        let Some(topic) = self.port.topics.read(&message.topic) else { return };
        match topic {
            Topic::Command(name) => {
                let name = name.to_owned();
                self.command(now, &name, message);
            }
            Topic::Status(user_id) if user_id == self.port.user_id => {
                let online = message.payload == device::ONLINE.as_bytes();
                let decision = self.identity.status(if online { Online::Yes } else { Online::No });
                self.judged(now, decision);
            }
            Topic::Info(user_id) if user_id == self.port.user_id => {
                let decision = self.identity.info(device::machine(&message.payload));
                self.judged(now, decision);
            }
            Topic::Info(_) => {}
            Topic::Status(_)
            | Topic::Room(_)
            | Topic::ToHost(..)
            | Topic::ToStage(..)
            | Topic::ToGuest(..) => {
                self.role.message(now, topic, message);
            }
        }
    }

    fn judged(&mut self, now: Instant, decision: IdentityDecision) {
        let port = &self.port;
        match decision {
            IdentityDecision::Go => {}
            IdentityDecision::Speak => {
                port.link.subscribe(port.topics.commands(), SubscribeOptions::REQUESTS);
                self.home.begin(port);
            }
            IdentityDecision::StandBy(machine) => {
                port.link.unsubscribe(&port.topics.commands());
                self.home.stand_by(port);
                port.link.forget_all();
                port.link.stand_down();
                self.role.retire(now);
                let id = &self.port.user_id;
                let why = format!(
                    "another machine ({machine}) is {id}: give one of them another user.id; waiting for it to go"
                );
                tracing::error!("{why}");
                self.systemd.status(&why);
                self.summary.clear();
            }
            IdentityDecision::Return => {
                tracing::info!("the other machine of this name is gone");
                port.link.take_part();
            }
        }
    }

    /// Media are ended, then the broker is told.
    async fn leave(self) {
        let Self { role, port, mut incoming, identity, mut systemd, .. } = self;
        let ended = tokio::task::spawn_blocking(move || role.close(MEDIA_CAP));
        // Its cap is its own; a thread that panicked has said so.
        let goodbye = ended.await.ok();
        systemd.tell();
        let last = if identity.is_speaking() {
            vec![Publish::new(port.topics.status(), device::OFFLINE).retained()]
        } else {
            Vec::new()
        };
        port.link.close(last, BROKER_CAP);
        let closed = async { while !matches!(incoming.recv().await, None | Some(Incoming::Closed)) {} };
        let broker = async {
            if tokio::time::timeout(BROKER_CAP + MEDIA_CAP, closed).await.is_err() {
                tracing::warn!("the broker was not told goodbye");
            }
        };
        let others = async {
            if let Some(goodbye) = goodbye {
                goodbye.await;
            }
        };
        tokio::join!(broker, others);
    }
}
