//! What may change while the guest lives: who configured it has changed their mind.

use std::time::Duration;

use super::{AcceptInvitations, Guest};

impl Guest {
    /// From now on, for invitations to come and for the next time the host is lost.
    pub fn set_policy(&mut self, accept_invitations: AcceptInvitations, host_hold: Duration) {
        self.settings.accept_invitations = accept_invitations;
        self.settings.host_hold = host_hold;
    }
}
