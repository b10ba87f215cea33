//! The project's own connection as a test's client, with a runtime of its own, so that a test may simply block.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use coguestd::mqtt::connection::{ConnectionHandle, Incoming, Message, Settings, Will, open};
use tokio::sync::{mpsc, oneshot};

use super::PATIENCE;
use super::broker::{Broker, password_of};

/// Settings for a broker open to everybody; the will is `offline` on `CLIENT/status`.
pub fn settings(broker: &Broker, client: &str) -> Settings {
    let mut settings = Settings::new("127.0.0.1", broker.port(), client);
    settings.will = Some(Will { topic: format!("{client}/status"), payload: "offline".into() });
    settings
}

/// The same for a broker with users; the client is named like the user.
pub fn settings_of(broker: &Broker, user: &str) -> Settings {
    let mut settings = settings(broker, user);
    settings.username = Some(user.to_owned());
    settings.password = Some(password_of(user));
    settings
}

/// A running connection.
pub struct Peer {
    pub link: ConnectionHandle,
    incoming: Option<mpsc::Receiver<Incoming>>,
    seen: Vec<Incoming>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Begins to connect.
    pub fn open(settings: Settings) -> Self {
        let (give, take) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                give.send(open(settings).expect("the settings are right")).expect("the test waits");
                let _ = stopped.await;
            });
        });
        let (link, incoming) = take.recv().expect("the thread answers");
        Self { link, incoming: Some(incoming), seen: Vec::new(), stop: Some(stop), thread: Some(thread) }
    }

    /// Connects.
    pub fn up(settings: Settings) -> Self {
        let mut peer = Self::open(settings);
        peer.wait_up();
        peer
    }

    /// The next thing that comes in.
    pub fn next(&mut self) -> Incoming {
        let deadline = Instant::now() + PATIENCE;
        self.try_next(deadline).unwrap_or_else(|| panic!("nothing more after {:#?}", self.seen))
    }

    /// Waits for a thing that `wanted` accepts; others before it are passed over.
    pub fn wait<T>(&mut self, what: &str, mut wanted: impl FnMut(&Incoming) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        while let Some(incoming) = self.try_next(deadline) {
            if let Some(found) = wanted(&incoming) {
                return found;
            }
        }
        panic!("waited in vain for {what} after {:#?}", self.seen);
    }

    /// Waits for the connection; returns whether the broker had kept the session.
    pub fn wait_up(&mut self) -> bool {
        self.wait("a connection", |incoming| match incoming {
            Incoming::Up { session_present, .. } => Some(*session_present),
            _ => None,
        })
    }

    /// Waits until there is no connection; returns why.
    pub fn wait_down(&mut self) -> String {
        self.wait("the end of the connection", |incoming| match incoming {
            Incoming::Down { why, .. } => Some(why.clone()),
            _ => None,
        })
    }

    /// Waits until the broker has taken this filter.
    pub fn wait_subscribed(&mut self, filter: &str) {
        self.wait(filter, |incoming| (*incoming == Incoming::Subscribed(filter.to_owned())).then_some(()));
    }

    /// Waits for the next message.
    pub fn wait_message(&mut self) -> Message {
        self.wait("a message", |incoming| match incoming {
            Incoming::Message(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// Everything that came in so far.
    pub fn seen(&self) -> &[Incoming] {
        &self.seen
    }

    /// Gives up the receiving end, as a program that died.
    pub fn abandon(&mut self) {
        self.incoming = None;
    }

    fn try_next(&mut self, deadline: Instant) -> Option<Incoming> {
        let incoming = self.incoming.as_mut().expect("not abandoned");
        loop {
            match incoming.try_recv() {
                Ok(incoming) => {
                    self.seen.push(incoming.clone());
                    return Some(incoming);
                }
                Err(mpsc::error::TryRecvError::Disconnected) => return None,
                Err(mpsc::error::TryRecvError::Empty) if Instant::now() > deadline => return None,
                Err(mpsc::error::TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
