//! How a part of an event loop reaches it: with events of its own, and without knowing the loop's event type.
//!
//! The loop makes the sender and puts its tag around each event (which device, which peer). Invariant: one inbox per loop, so events
//! of all parts stay in the order in which they were sent.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// Sends events of type `E` to a loop.
pub struct EventSender<E>(Arc<dyn Inbox<E>>);

/// The inbox has no room, or the loop has ended; the event was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSent;

trait Inbox<E>: Send + Sync {
    fn try_send(&self, event: E) -> Result<(), NotSent>;
    fn send(&self, event: E) -> Result<(), NotSent>;
}

struct Tagged<T, F> {
    inbox: SyncSender<T>,
    tag: F,
}

impl<E, T: Send, F: Fn(E) -> T + Send + Sync> Inbox<E> for Tagged<T, F> {
    fn try_send(&self, event: E) -> Result<(), NotSent> {
        self.inbox.try_send((self.tag)(event)).map_err(|_| NotSent)
    }

    fn send(&self, event: E) -> Result<(), NotSent> {
        self.inbox.send((self.tag)(event)).map_err(|_| NotSent)
    }
}

struct Mapped<E, F> {
    of: EventSender<E>,
    tag: F,
}

impl<P, E, F: Fn(P) -> E + Send + Sync> Inbox<P> for Mapped<E, F> {
    fn try_send(&self, event: P) -> Result<(), NotSent> {
        self.of.0.try_send((self.tag)(event))
    }

    fn send(&self, event: P) -> Result<(), NotSent> {
        self.of.0.send((self.tag)(event))
    }
}

impl<E> EventSender<E> {
    /// A sender to `inbox`; `tag` makes the loop's event of one of `E`.
    pub fn new<T: Send + 'static>(inbox: &SyncSender<T>, tag: impl Fn(E) -> T + Send + Sync + 'static) -> Self
    where
        E: 'static,
    {
        Self(Arc::new(Tagged { inbox: inbox.clone(), tag }))
    }

    /// A sender for a part of this part, whose events `tag` makes events of this one.
    pub fn part<P: 'static>(&self, tag: impl Fn(P) -> E + Send + Sync + 'static) -> EventSender<P>
    where
        E: 'static,
    {
        EventSender(Arc::new(Mapped { of: self.clone(), tag }))
    }

    /// Sends without waiting: for streaming threads and callbacks.
    ///
    /// # Errors
    /// [`NotSent`]: the loop is behind by its whole inbox, or has ended.
    pub fn try_send(&self, event: E) -> Result<(), NotSent> {
        self.0.try_send(event)
    }

    /// As [`EventSender::try_send`], for an event that may be lost: a loop so far behind has lost more than this.
    pub fn notify(&self, event: E) {
        if self.0.try_send(event) == Err(NotSent) {
            tracing::debug!("an event was dropped: its loop is overloaded or has ended");
        }
    }

    /// Waits for room: for jobs on threads of their own. A loop that has ended takes nothing, and the event is dropped here with
    /// what it holds.
    pub fn send(&self, event: E) {
        if self.0.send(event) == Err(NotSent) {
            tracing::debug!("a result was dropped: its loop has ended");
        }
    }
}

impl<E> Clone for EventSender<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> std::fmt::Debug for EventSender<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("EventSender").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Sum {
        Number { of: &'static str, number: u8 },
        Text(&'static str),
    }

    #[test]
    fn events_of_all_parts_arrive_in_order_with_the_tag_of_each() {
        let (inbox, events) = mpsc::sync_channel(4);
        let numbers = |of| EventSender::new(&inbox, move |number| Sum::Number { of, number });
        let (left, right, texts) = (numbers("left"), numbers("right"), EventSender::new(&inbox, Sum::Text));
        let halves = left.part(|number: u8| number / 2);
        halves.send(2);
        assert_eq!(texts.try_send("between"), Ok(()));
        right.notify(2);
        let (first, last) = (Sum::Number { of: "left", number: 1 }, Sum::Number { of: "right", number: 2 });
        assert_eq!(events.try_iter().collect::<Vec<_>>(), [first, Sum::Text("between"), last]);
    }

    #[test]
    fn what_a_loop_does_not_take_is_dropped_with_what_it_holds() {
        struct Device(mpsc::Sender<()>);
        impl Drop for Device {
            fn drop(&mut self) {
                self.0.send(()).expect("the test listens");
            }
        }
        let (inbox, events) = mpsc::sync_channel(1);
        let sender = EventSender::new(&inbox, |device: Device| device);
        let (closed, closings) = mpsc::channel();
        assert_eq!(sender.try_send(Device(closed.clone())), Ok(()));
        assert_eq!(sender.try_send(Device(closed.clone())), Err(NotSent), "there is no room");
        drop(events);
        sender.send(Device(closed));
        assert_eq!(closings.try_iter().count(), 3);
    }
}
