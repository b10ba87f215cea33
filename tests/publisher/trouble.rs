//! An element that fails when it is told to: `coguesttrouble what=NAME` lets everything through until a test says otherwise of that
//! name. It stands in for the driver that hangs and for the one that breaks.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;

/// What becomes of what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It goes through.
    Fine,
    /// It vanishes without a word.
    Silent,
    /// The driver does not come back, until it is told something else.
    Hangs,
    /// The element breaks with what comes.
    Broken,
    /// It says once that it takes another time from now on, and goes on.
    Slower,
    /// It cannot be opened; one that is open goes on.
    Unopened,
}

/// One name.
#[derive(Debug, Clone, Default)]
struct Record {
    mood: Option<Mood>,
    /// Of the one that is at work, and of it only.
    once: Option<Mood>,
    made: usize,
    key_frames: usize,
    latencies: usize,
    /// Where what went through lay.
    memories: HashSet<usize>,
}

fn records() -> MutexGuard<'static, HashMap<String, Record>> {
    static RECORDS: OnceLock<Mutex<HashMap<String, Record>>> = OnceLock::new();
    RECORDS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells every element of this name, those to come included.
pub fn tell(what: &str, mood: Mood) {
    records().entry(what.to_owned()).or_default().mood = Some(mood);
}

/// Tells the one at work only; the next of this name is as before.
pub fn tell_once(what: &str, mood: Mood) {
    records().entry(what.to_owned()).or_default().once = Some(mood);
}

fn mood_of(what: &str) -> Mood {
    let records = records();
    let Some(record) = records.get(what) else { return Mood::Fine };
    record.once.or(record.mood).unwrap_or(Mood::Fine)
}

/// How many of this name were made.
pub fn made(what: &str) -> usize {
    records().get(what).map_or(0, |record| record.made)
}

/// How often a key frame was asked of one of this name.
pub fn key_frames(what: &str) -> usize {
    records().get(what).map_or(0, |record| record.key_frames)
}

/// How often one of this name was told how long the slowest way takes.
pub fn latencies(what: &str) -> usize {
    records().get(what).map_or(0, |record| record.latencies)
}

/// The places in memory of what went through those of this name.
pub fn memories(what: &str) -> HashSet<usize> {
    records().get(what).map(|record| record.memories.clone()).unwrap_or_default()
}

#[derive(Default)]
pub struct Inside {
    what: Arc<Mutex<String>>,
}

glib::wrapper! {
    pub struct Trouble(ObjectSubclass<Inside>) @extends gst::Bin, gst::Element, gst::Object;
}

#[glib::object_subclass]
impl ObjectSubclass for Inside {
    const NAME: &'static str = "TestTrouble";
    type Type = Trouble;
    type ParentType = gst::Bin;
}

impl ObjectImpl for Inside {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: OnceLock<Vec<glib::ParamSpec>> = OnceLock::new();
        PROPERTIES.get_or_init(|| vec![glib::ParamSpecString::builder("what").build()])
    }

    fn set_property(&self, _id: usize, value: &glib::Value, _specification: &glib::ParamSpec) {
        let what: String = value.get().expect("a string");
        let mut records = records();
        let record = records.entry(what.clone()).or_default();
        record.made += 1;
        record.once = None;
        drop(records);
        *self.what.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    fn property(&self, _id: usize, _specification: &glib::ParamSpec) -> glib::Value {
        self.what.lock().unwrap_or_else(PoisonError::into_inner).to_value()
    }

    fn constructed(&self) {
        self.parent_constructed();
        let bin = self.obj();
        let inner = gst::ElementFactory::make("identity").build().expect("a core element");
        bin.add(&inner).expect("an empty bin");
        for name in ["sink", "src"] {
            let target = inner.static_pad(name).expect("identity has both");
            bin.add_pad(&gst::GhostPad::with_target(&target).expect("a pad")).expect("a new pad");
        }
        let (what, element) = (Arc::clone(&self.what), bin.downgrade());
        let pad = inner.static_pad("src").expect("identity has one");
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let name = what.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(buffer) = info.buffer().filter(|buffer| buffer.n_memory() > 0) {
                let place = buffer.peek_memory(0).as_ptr().addr();
                records().entry(name.clone()).or_default().memories.insert(place);
            }
            match mood_of(&name) {
                Mood::Fine | Mood::Unopened => gst::PadProbeReturn::Ok,
                Mood::Slower => {
                    records().entry(name).or_default().once = None;
                    if let Some(element) = element.upgrade() {
                        let message = gst::message::Latency::builder().src(&element).build();
                        element.post_message(message).unwrap_or_default();
                    }
                    gst::PadProbeReturn::Ok
                }
                Mood::Silent => gst::PadProbeReturn::Drop,
                Mood::Hangs => {
                    while mood_of(&name) == Mood::Hangs {
                        std::thread::sleep(std::time::Duration::from_millis(50));
                    }
                    gst::PadProbeReturn::Drop
                }
                Mood::Broken => {
                    if let Some(element) = element.upgrade() {
                        gst::element_error!(
                            element,
                            gst::ResourceError::Read,
                            ("Could not read from resource.")
                        );
                    }
                    gst::PadProbeReturn::Drop
                }
            }
        });
        let what = Arc::clone(&self.what);
        pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            let Some(event) = info.event() else { return gst::PadProbeReturn::Ok };
            let name = what.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let forced = event.structure().is_some_and(|structure| structure.name() == "GstForceKeyUnit");
            let mut records = records();
            let record = records.entry(name).or_default();
            if forced {
                record.key_frames += 1;
            } else if event.type_() == gst::EventType::Latency {
                record.latencies += 1;
            }
            gst::PadProbeReturn::Ok
        });
    }
}

impl GstObjectImpl for Inside {}
impl ElementImpl for Inside {
    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        let what = self.what.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if transition == gst::StateChange::NullToReady && mood_of(&what) == Mood::Unopened {
            gst::element_error!(self.obj(), gst::ResourceError::OpenRead, ("No such device."));
            return Err(gst::StateChangeError);
        }
        self.parent_change_state(transition)
    }
}

impl BinImpl for Inside {}

/// Makes it known, once in a process.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer starts");
        let of = Trouble::static_type();
        gst::Element::register(None, "coguesttrouble", gst::Rank::NONE, of).expect("a new element");
    });
}
