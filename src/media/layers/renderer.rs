//! Painting the layers aside: for each name and picture size once, and only the newest wish.
//!
//! Invariant: nothing is painted before somebody is to see it; at most one painting is being made; what was painted for an older
//! wish is never shown.

use std::time::Instant;

use super::{Layers, Painter, Settings};
use crate::media::core::event_sender::EventSender;
use crate::media::worker::Worker;
use crate::memory;
use crate::model::media::Quality;

/// What layers are painted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRequest {
    pub name: String,
    pub size: Quality,
}

/// What was painted for a request.
#[derive(Debug)]
pub struct RenderedLayers {
    wish: LayerRequest,
    layers: Option<Layers>,
}

/// Where layers are painted.
pub struct LayerRenderer {
    worker: Worker<LayerRequest>,
    wish: LayerRequest,
    /// What the worker is at.
    at: Option<LayerRequest>,
    /// What was handed out, while it is still what is wanted.
    done: Option<LayerRequest>,
}

impl LayerRenderer {
    /// Paints nothing yet: files are read and fonts looked for when somebody is first to see them, by the worker.
    pub fn new(
        settings: Settings,
        wish: LayerRequest,
        events: EventSender<RenderedLayers>,
    ) -> std::io::Result<Self> {
        let painter = std::cell::OnceCell::new();
        let worker = Worker::start("painter", 1, move |wish: LayerRequest| {
            let painter = painter.get_or_init(|| Painter::new(&settings));
            let began = Instant::now();
            let layers = painter.paint(&wish.name, wish.size);
            // Fonts, and a template in all its stages, leave much behind.
            memory::give_back();
            tracing::debug!(size = ?wish.size, "layers painted in {} ms", began.elapsed().as_millis());
            if events.try_send(RenderedLayers { wish, layers }).is_err() {
                tracing::debug!("layers were painted for nobody");
            }
        })?;
        Ok(Self { worker, wish, at: None, done: None })
    }

    /// What is to be painted from now on, whenever it is [needed](Self::need).
    pub fn want(&mut self, change: impl FnOnce(&mut LayerRequest)) {
        let before = self.wish.clone();
        change(&mut self.wish);
        if self.wish != before {
            // Who asked for it has thrown away what there was.
            self.done = None;
        }
    }

    /// Somebody is to see it: paints it, unless that is done or being done.
    pub fn need(&mut self) {
        if self.done.is_none() && self.at.is_none() && self.worker.give(self.wish.clone()).is_ok() {
            self.at = Some(self.wish.clone());
        }
    }

    /// What was painted, if it is what is wanted by now.
    pub fn painted(&mut self, painted: RenderedLayers) -> Option<Layers> {
        self.at = None;
        if painted.wish == self.wish {
            self.done = Some(painted.wish);
            return painted.layers;
        }
        self.need();
        None
    }

    /// Waits for the end of what is being painted.
    pub fn finish(self) {
        self.worker.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    use super::*;

    fn easel() -> (LayerRenderer, Receiver<RenderedLayers>) {
        gstreamer::init().expect("GStreamer starts");
        let (inbox, events) = mpsc::sync_channel(8);
        let wish = LayerRequest { name: "A".to_owned(), size: Quality::P360 };
        (
            LayerRenderer::new(Settings::default(), wish, EventSender::new(&inbox, |event| event))
                .expect("a thread"),
            events,
        )
    }

    fn next(events: &Receiver<RenderedLayers>) -> RenderedLayers {
        events.recv_timeout(Duration::from_secs(60)).expect("the layers")
    }

    #[test]
    fn nothing_is_painted_before_somebody_looks() {
        let (mut easel, events) = easel();
        easel.want(|wish| wish.name = "B".to_owned());
        assert_eq!((easel.at.as_ref(), events.try_recv().is_err()), (None, true));
        easel.need();
        let painted = next(&events);
        assert!(easel.painted(painted).is_some());
        easel.need();
        assert_eq!(easel.at, None, "it is done");
        easel.finish();
        assert!(events.try_recv().is_err(), "painted once");
    }

    #[test]
    fn what_was_painted_for_an_older_wish_is_not_shown() {
        let (mut easel, events) = easel();
        easel.need();
        easel.want(|wish| wish.size = Quality::P540);
        easel.need();
        let old = next(&events);
        assert!(easel.painted(old).is_none());
        let new = next(&events);
        assert_eq!(new.wish.size, Quality::P540);
        assert!(easel.painted(new).is_some());
        easel.finish();
    }

    #[test]
    fn what_is_wanted_again_is_painted_again() {
        let (mut easel, events) = easel();
        easel.need();
        let first = next(&events);
        assert!(easel.painted(first).is_some());
        easel.want(|wish| wish.size = Quality::P540);
        easel.want(|wish| wish.size = Quality::P360);
        easel.need();
        let again = next(&events);
        assert!(easel.painted(again).is_some());
        easel.finish();
    }
}
