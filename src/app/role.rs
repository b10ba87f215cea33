//! What a shell asks of a role: the pure machine with its media.

use std::pin::Pin;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::mpsc::Receiver;

use super::mqtt_port::MqttPort;
use super::reload::Changes;
use crate::config::Settings;
use crate::model::User;
use crate::model::command::{Command, Settled};
use crate::model::hotplug::Notice;
use crate::model::media::Ticket;
use crate::mqtt::connection::Message;
use crate::mqtt::topics::Topic;
use crate::mqtt::wire::command::CommandRole;

/// What became of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BrokerPresence {
    /// It is there, and the commands are subscribed.
    Online,
    /// It is gone.
    Offline,
    /// The own `offline` was seen and contradicted.
    OwnOffline,
}

/// Others that are told the end.
pub(super) type Goodbye = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the shell itself has to do about a role's outputs.
#[derive(Debug)]
pub(super) enum Effect {
    /// A command ended.
    Settled(Ticket, Settled),
    /// Everything for the stop was said.
    Stopped,
}

/// A snapshot as it is published.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PublishedState {
    /// The payload of `state`.
    pub(super) state: Value,
    /// The sentence for `STATUS=` and the log.
    pub(super) summary: String,
}

/// A pure machine with its media, as the shell drives it. Nothing here waits but [`RoleAdapter::close`].
pub(super) trait RoleAdapter: Send + 'static {
    /// What its media report.
    type Report;

    /// Which commands it takes beside those of the device.
    const PLANE: CommandRole;

    /// What its media had to report.
    fn reports(&mut self) -> &mut Receiver<Self::Report>;
    fn report(&mut self, now: Instant, report: Self::Report);
    /// The node of a device came or went.
    fn noticed(&mut self, notice: Notice);
    fn command(&mut self, now: Instant, command: Command, port: &MqttPort) -> Settled;
    fn broker(&mut self, now: Instant, broker: BrokerPresence);
    /// A message on the room plane, or somebody's `status`.
    fn message(&mut self, now: Instant, topic: Topic<'_>, message: &Message);
    /// The broker has taken a filter.
    fn subscribed(&mut self, now: Instant, filter: &str, port: &MqttPort);
    fn timeout(&mut self, now: Instant);
    fn deadline(&self) -> Option<Instant>;
    /// The configuration was read again.
    fn configure(&mut self, now: Instant, written: &Settings, changes: &Changes);
    fn stop(&mut self, now: Instant);
    /// Another machine has the name: media stop, nothing is said, and it begins anew.
    fn retire(&mut self, now: Instant);
    /// Carries out what the machine says.
    fn drain(&mut self, now: Instant, port: &MqttPort) -> Vec<Effect>;
    /// Whether the snapshot differs from the one shown last.
    fn has_news(&self) -> bool;
    /// The snapshot at `now`; it counts as shown.
    fn news(&mut self, now: Instant) -> PublishedState;
    /// The snapshot at `now`.
    fn state(&self, now: Instant) -> Value;
    fn user(&self) -> &User;
    /// One line for the log, with the fields the journal is searched by.
    fn log(&self, summary: &str);
    /// Whether media are alive; asked between two signs of life for systemd.
    fn is_alive(&mut self) -> bool;
    /// Why this process is of no more use, where only another one helps.
    fn gives_up(&self) -> Option<&str>;
    /// Ends media, within `cap`. What is returned is still to be told to others, and takes so long as they do: it is awaited, with a cap
    /// of its own, beside the goodbye to the broker.
    fn close(self, cap: Duration) -> Goodbye;
}
