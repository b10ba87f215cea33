//! The queue in front of one decoder, as an element of GStreamer.

use std::sync::Arc;

use gstreamer::glib;
use gstreamer::subclass::prelude::*;

use super::Work;

glib::wrapper! {
    /// A leaky queue that a pool of threads works off.
    pub struct Queue(ObjectSubclass<imp::Queue>) @extends gstreamer::Element, gstreamer::Object;
}

impl Queue {
    /// One that is worked off by these threads.
    pub(super) fn of(work: &Arc<Work>) -> Self {
        let queue = glib::Object::new::<Self>();
        // It is new: nobody has set it.
        queue.imp().work.set(Arc::clone(work)).unwrap_or_default();
        queue
    }

    /// One of the threads has time for it.
    pub(super) fn take_turn(&self) {
        self.imp().take_turn();
    }
}

mod imp {
    use std::collections::VecDeque;
    use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

    use gstreamer as gst;
    use gstreamer::glib;
    use gstreamer::prelude::*;
    use gstreamer::subclass::prelude::*;

    use super::super::{LONGEST, MOST_BYTES, Work};
    use crate::media::elements;

    #[derive(Debug)]
    pub struct Queue {
        sink: gst::Pad,
        src: gst::Pad,
        pub(super) work: OnceLock<Arc<Work>>,
        waiting: Mutex<Waiting>,
        /// Held while something is handed on.
        turn: Mutex<()>,
    }

    #[derive(Debug)]
    struct Waiting {
        items: VecDeque<Item>,
        bytes: usize,
        place: Place,
        /// What came of what was handed on last.
        flow: Result<gst::FlowSuccess, gst::FlowError>,
        leaked: bool,
    }

    #[derive(Debug)]
    enum Item {
        Packet(gst::Buffer),
        Event(gst::Event),
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Place {
        /// It takes nothing: its element does not run.
        Closed,
        /// It waits for packets.
        Idle,
        /// It has a turn, or waits for one.
        InTurn,
    }

    impl Waiting {
        fn new(place: Place) -> Self {
            Self { items: VecDeque::new(), bytes: 0, place, flow: Ok(gst::FlowSuccess::Ok), leaked: false }
        }

        fn put(&mut self, item: Item) {
            if let Item::Packet(packet) = &item {
                self.bytes += packet.size();
            }
            self.items.push_back(item);
            while self.bytes > MOST_BYTES as usize || self.length() > LONGEST {
                self.leak();
            }
        }

        /// Throws the oldest packet away; events stay.
        fn leak(&mut self) {
            let oldest = self.items.iter().position(|item| matches!(item, Item::Packet(_)));
            match oldest.and_then(|oldest| self.items.remove(oldest)) {
                Some(Item::Packet(packet)) => self.bytes -= packet.size(),
                Some(Item::Event(_)) | None => self.bytes = 0,
            }
            self.leaked = true;
        }

        /// From the oldest to the newest packet.
        fn length(&self) -> gst::ClockTime {
            let mut times = self.items.iter().filter_map(|item| match item {
                Item::Packet(packet) => packet.pts(),
                Item::Event(_) => None,
            });
            let oldest = times.next();
            let newest = times.next_back();
            newest.zip(oldest).map_or(gst::ClockTime::ZERO, |(newest, oldest)| newest.saturating_sub(oldest))
        }

        fn next(&mut self) -> Option<Item> {
            let item = self.items.pop_front()?;
            let Item::Packet(mut packet) = item else { return Some(item) };
            self.bytes -= packet.size();
            if std::mem::take(&mut self.leaked) {
                packet.make_mut().set_flags(gst::BufferFlags::DISCONT);
            }
            Some(Item::Packet(packet))
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Queue {
        const NAME: &'static str = "CoguestDecodeQueue";
        type Type = super::Queue;
        type ParentType = gst::Element;

        fn with_class(class: &Self::Class) -> Self {
            let pad = |name: &str| class.pad_template(name).expect("it is among those below");
            let sink = gst::Pad::builder_from_template(&pad("sink"))
                .chain_function(|_, parent, packet| {
                    let failed = || Err(gst::FlowError::Error);
                    Self::catch_panic_pad_function(parent, failed, |queue| queue.take(Item::Packet(packet)))
                })
                .event_function(|pad, parent, event| {
                    let failed = || false;
                    Self::catch_panic_pad_function(parent, failed, |queue| queue.event(pad, event))
                })
                .flags(gst::PadFlags::PROXY_CAPS)
                .build();
            let src = gst::Pad::builder_from_template(&pad("src")).flags(gst::PadFlags::PROXY_CAPS).build();
            let waiting = Mutex::new(Waiting::new(Place::Closed));
            Self { sink, src, work: OnceLock::new(), waiting, turn: Mutex::default() }
        }
    }

    impl ObjectImpl for Queue {
        fn constructed(&self) {
            self.parent_constructed();
            elements::add_pads(&*self.obj(), [&self.sink, &self.src]);
        }
    }

    impl GstObjectImpl for Queue {}

    impl ElementImpl for Queue {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static IT: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Queue of the stage",
                    "Generic",
                    "Waits for one of the threads that decode",
                    "coguestd",
                )
            });
            Some(&IT)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static ALL: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                use gst::PadDirection::{Sink, Src};
                use gst::PadPresence::Always;
                let any = gst::Caps::new_any();
                elements::pad_templates([("sink", Sink, Always, &any), ("src", Src, Always, &any)])
            });
            ALL.as_ref()
        }

        fn change_state(
            &self,
            transition: gst::StateChange,
        ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
            match transition {
                gst::StateChange::ReadyToPaused => *self.waiting() = Waiting::new(Place::Idle),
                gst::StateChange::PausedToReady => *self.waiting() = Waiting::new(Place::Closed),
                _ => {}
            }
            let changed = self.parent_change_state(transition);
            if transition == gst::StateChange::PausedToReady {
                // Whoever is at it has been told by its pad that it is over.
                drop(self.turn());
            }
            changed
        }
    }

    impl Queue {
        fn waiting(&self) -> MutexGuard<'_, Waiting> {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn turn(&self) -> MutexGuard<'_, ()> {
            self.turn.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
            if event.is_serialized() {
                return self.take(Item::Event(event)).is_ok();
            }
            gst::Pad::event_default(pad, Some(&*self.obj()), event)
        }

        fn take(&self, item: Item) -> Result<gst::FlowSuccess, gst::FlowError> {
            let mut waiting = self.waiting();
            if waiting.place == Place::Closed {
                return Err(gst::FlowError::Flushing);
            }
            let flow = waiting.flow;
            flow?;
            waiting.put(item);
            if waiting.place == Place::Idle {
                waiting.place = Place::InTurn;
                drop(waiting);
                self.ask_for_turn();
            }
            flow
        }

        fn ask_for_turn(&self) {
            if let Some(work) = self.work.get() {
                work.wants_turn(&self.obj());
            }
        }

        /// Hands one packet on, with the events before it.
        pub(super) fn take_turn(&self) {
            let turn = self.turn();
            loop {
                let Some(item) = self.waiting().next() else { break };
                match item {
                    Item::Packet(packet) => {
                        let flow = self.src.push(packet);
                        let mut waiting = self.waiting();
                        if waiting.place == Place::InTurn {
                            waiting.flow = flow;
                        }
                        break;
                    }
                    Item::Event(event) => {
                        if !self.src.push_event(event) {
                            tracing::trace!("a decoder does not take an event");
                        }
                    }
                }
            }
            let mut waiting = self.waiting();
            let has_more = !waiting.items.is_empty();
            if waiting.place == Place::InTurn && !has_more {
                waiting.place = Place::Idle;
            }
            let again = waiting.place == Place::InTurn;
            drop(waiting);
            drop(turn);
            if again {
                self.ask_for_turn();
            }
        }
    }
}
