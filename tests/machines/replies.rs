//! The replies to commands, of either machine.

use std::collections::BTreeSet;
use std::fmt::Debug;

use coguestd::model::command::{Answer, Command, Settled};
use coguestd::model::media::Ticket;

/// Commands that wait for their one reply.
#[derive(Debug, Default)]
pub struct Replies(BTreeSet<Ticket>);

impl Replies {
    /// What a command came to at once. One that is refused changes nothing: `before` and `after` are all that is seen of the
    /// machine, and what it says.
    pub fn begin<T: PartialEq + Debug, O: PartialEq + Debug>(
        &mut self,
        (command, settled): (&Command, &Settled),
        before: &T,
        after: impl FnOnce() -> (T, Option<O>),
    ) {
        match settled {
            Ok(Answer::Pending(ticket)) => assert!(self.0.insert(*ticket), "a new ticket for each"),
            Ok(Answer::Done | Answer::State | Answer::Picture(_) | Answer::Watch(_)) => {}
            Err(refusal) => {
                let (after, said) = after();
                assert_eq!(*before, after, "{command:?} was refused with {refusal} and changed something");
                assert_eq!(said, None, "{command:?} was refused and said something");
                assert!(!refusal.message.is_empty(), "a refusal says why");
            }
        }
    }

    /// The reply to one that was pending.
    pub fn end(&mut self, ticket: &Ticket, settled: &Settled) {
        assert!(self.0.remove(ticket), "{ticket} is answered once, and was asked: {settled:?}");
        assert!(!matches!(settled, Ok(Answer::Pending(_))), "an answer is none that is pending");
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}
