//! Blocking work on a thread of its own.

use std::thread;

use super::event_sender::EventSender;

/// Runs `work` on the thread `name`. Its result is sent as an event; the job waits for room if it must.
///
/// # Errors
/// The system gives no thread; `work` was dropped.
pub fn spawn_job<E: 'static>(
    name: &str,
    events: &EventSender<E>,
    work: impl FnOnce() -> E + Send + 'static,
) -> std::io::Result<()> {
    let events = events.clone();
    spawn(name, move || events.send(work()))
}

/// Runs `work`, whose end nobody waits for, on the thread `name`.
///
/// # Errors
/// The system gives no thread; `work` was dropped.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(|_| ())
}
