//! A device's own thread, as its owner sees it: what it was given to do, and what of that is not done yet.

use std::sync::Arc;

use super::event::Event;
use super::opener::{Job, OpenRequest, work};
use super::source::Source;
use super::volume::Card;
use crate::media::bridge::Bridge;
use crate::media::core::event_sender::EventSender;
use crate::media::publisher::send_meter::SendMeter;
use crate::media::worker::Worker;
use crate::model::message::DeviceKind;
use crate::model::volume::Loudness;

/// Jobs that may wait for it; a driver that hangs through so many is not asked more.
const JOBS: usize = 8;

/// The driver hangs: nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hangs;

/// The thread that opens and closes one device.
pub struct DeviceThread {
    worker: Worker<Job>,
    /// Openings whose outcome has not come, wanted still or not.
    opening: usize,
    /// Closings that are not done.
    closing: usize,
}

impl DeviceThread {
    pub fn start(
        device: DeviceKind,
        bridge: Arc<Bridge>,
        meter: Arc<SendMeter>,
        events: EventSender<Event>,
    ) -> std::io::Result<Self> {
        let name = match device {
            DeviceKind::Camera => "camera",
            DeviceKind::Microphone => "microphone",
        };
        let worker = Worker::start(name, JOBS, move |job| work(job, &bridge, &meter, &events))?;
        Ok(Self { worker, opening: 0, closing: 0 })
    }

    pub fn open(&mut self, request: OpenRequest) -> Result<(), Hangs> {
        self.worker.give(Job::Open(Box::new(request))).map_err(|_| Hangs)?;
        self.opening += 1;
        Ok(())
    }

    /// The outcome of an opening has come.
    pub fn opened(&mut self) {
        self.opening = self.opening.saturating_sub(1);
    }

    pub fn close(&mut self, source: Box<Source>) {
        self.closing += 1;
        if let Err(job) = self.worker.give(Job::Close(source)) {
            // It hangs: better to wait here than to leave a device open.
            drop(job);
            self.closing -= 1;
        }
    }

    /// A closing is done.
    pub fn closed(&mut self) {
        self.closing = self.closing.saturating_sub(1);
    }

    pub fn apply_volume(&self, generation: u64, card: Card, wanted: Loudness) -> Result<(), Hangs> {
        self.worker.give(Job::ApplyVolume { generation, card, wanted }).map_err(|_| Hangs)
    }

    /// Reads the volume at the card, and opens nothing.
    pub fn read_volume(&self, request: OpenRequest) -> Result<(), Hangs> {
        self.worker.give(Job::ReadVolume(Box::new(request))).map_err(|_| Hangs)
    }

    /// Whether nothing is being opened or closed.
    pub fn is_idle(&self) -> bool {
        self.opening == 0 && self.closing == 0
    }

    /// Waits for the end of everything.
    pub fn finish(self) {
        self.worker.finish();
    }
}
