//! The threads that open and close devices: both may take seconds.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::bridge::Bridge;
use super::events::Event;
use super::profile::From;
use super::source::{Order, Source};
use super::stats::Meter;
use super::{Locate, Located};
use crate::model::Refusal;
use crate::model::message::DeviceKind;

/// What a device's thread does.
#[derive(Debug)]
pub(super) enum Job {
    Open(Box<Wanted>),
    Close(Box<Source>),
}

/// A device to find and to open.
pub(super) struct Wanted {
    pub(super) order: Order,
    pub(super) choice: String,
    pub(super) locate: Locate,
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wanted")
            .field("order", &self.order)
            .field("choice", &self.choice)
            .finish_non_exhaustive()
    }
}

/// What a device's thread does, one job after the other.
pub(super) fn work(
    kind: DeviceKind,
    job: Job,
    bridge: &Arc<Bridge>,
    meter: &Arc<Meter>,
    desk: &SyncSender<Event>,
) {
    let event = match job {
        Job::Open(wanted) => {
            let generation = wanted.order.generation;
            let outcome = find(&wanted).and_then(|order| Source::open(&order, bridge, meter, desk));
            Event::Opened { device: kind, generation, outcome: outcome.map(Box::new) }
        }
        Job::Close(source) => {
            source.close();
            Event::Closed { device: kind }
        }
    };
    // The desk takes nothing more only when it has ended: then an opened device is closed by being dropped here.
    if let Err(error) = desk.send(event)
        && let Event::Opened { outcome: Ok(source), .. } = error.0
    {
        source.close();
    }
}

fn find(wanted: &Wanted) -> Result<Order, Refusal> {
    let mut order = wanted.order.clone();
    if order.capture.address.is_some() && order.capture.from == From::Device {
        let Located { id, address } = (wanted.locate)(order.device, &wanted.choice)?;
        order.id = id;
        order.address = Some(address);
    }
    Ok(order)
}
