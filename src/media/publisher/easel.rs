//! Painting the layers aside: for each name and picture size once, and only the newest wish.
//!
//! Invariant: at most one painting is being made; what was painted for an older wish is never shown.

use std::sync::mpsc::SyncSender;

use super::events::Event;
use crate::media::layers::{Layers, Painter, Settings};
use crate::media::worker::Worker;
use crate::model::media::Quality;

/// What layers are painted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) name: String,
    pub(super) size: Quality,
}

/// A painting.
#[derive(Debug)]
pub(super) struct Painted {
    wish: Wish,
    layers: Option<Layers>,
}

/// Where layers are painted.
pub(super) struct Easel {
    worker: Worker<Wish>,
    wish: Wish,
    /// What the worker is at.
    at: Option<Wish>,
}

impl Easel {
    /// Begins with this wish at once: so its layers are there before anybody looks.
    pub(super) fn new(settings: Settings, wish: Wish, desk: SyncSender<Event>) -> std::io::Result<Self> {
        // Files are read by the worker, which has the time.
        let painter = std::cell::OnceCell::new();
        let worker = Worker::start("painter", 1, move |wish: Wish| {
            let painter = painter.get_or_init(|| Painter::new(&settings));
            let layers = painter.paint(&wish.name, wish.size);
            if desk.try_send(Event::Painted(Box::new(Painted { wish, layers }))).is_err() {
                tracing::debug!("layers were painted for nobody");
            }
        })?;
        let mut easel = Self { worker, wish, at: None };
        easel.go_on();
        Ok(easel)
    }

    /// Paints this from now on.
    pub(super) fn want(&mut self, change: impl FnOnce(&mut Wish)) {
        let before = self.wish.clone();
        change(&mut self.wish);
        if self.wish != before && self.at.is_none() {
            self.go_on();
        }
    }

    /// What was painted, if it is what is wanted by now.
    pub(super) fn painted(&mut self, painted: Painted) -> Option<Layers> {
        self.at = None;
        if painted.wish == self.wish {
            return painted.layers;
        }
        self.go_on();
        None
    }

    fn go_on(&mut self) {
        if self.worker.give(self.wish.clone()).is_ok() {
            self.at = Some(self.wish.clone());
        }
    }
}
