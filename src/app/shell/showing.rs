//! How things are: the retained `state` and `info`, the line of the log, systemd's `STATUS=`.

use std::time::Instant;

use super::{GATHER, Shell};
use crate::app::fitting::{self, Extent};
use crate::app::role::RoleAdapter;

impl<R: RoleAdapter> Shell<R> {
    /// Publishes the state some moments after it changed.
    pub(super) fn show(&mut self, now: Instant) {
        match self.gathered {
            Some(at) if at > now => {}
            Some(_) => {
                self.gathered = None;
                self.show_now(now);
            }
            None if self.role.has_news() || !self.info.is_of(self.role.user()) => {
                self.gathered = Some(now + GATHER)
            }
            None => {}
        }
    }

    pub(super) fn show_now(&mut self, now: Instant) {
        let mut shown = self.role.news(now);
        let news = self.info.set_user(self.role.user());
        let (topic, granted) = (self.port.topics.state(), self.port.link.granted());
        self.trouble.shortened(
            granted
                .max_packet
                .filter(|_| fitting::state(&topic, &shown.state, &granted).1 == Extent::Shortened),
        );
        self.trouble.cover(&mut shown);
        if !self.identity.is_speaking() {
            return;
        }
        self.port.link.keep(&topic, fitting::state(&topic, &shown.state, &granted).0);
        if news {
            self.keep_info();
        }
        self.home.show(&self.port, &shown.state, self.role.user());
        self.say(&shown.summary);
    }

    pub(super) fn keep_info(&self) {
        let (link, topic) = (&self.port.link, self.port.topics.info());
        let payload = self.info.payload(&topic, &link.granted());
        link.keep(topic, payload);
    }

    /// Tells log and systemd how things are, when that is news.
    pub(super) fn say(&mut self, summary: &str) {
        if self.summary != summary {
            self.summary = summary.to_owned();
            self.systemd.status(summary);
            self.role.log(summary);
        }
    }
}
