//! An element that says its pictures lie in a Jetson's own memory, or that they no longer do. They lie where they did.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;

/// What the caps call that memory.
const NVMM: &str = "memory:NVMM";

#[derive(Default)]
pub struct Inside {
    system: AtomicBool,
}

glib::wrapper! {
    pub struct Memory(ObjectSubclass<Inside>) @extends gst::Element, gst::Object;
}

#[glib::object_subclass]
impl ObjectSubclass for Inside {
    const NAME: &'static str = "StandInMemory";
    type Type = Memory;
    type ParentType = gst::Element;
}

impl Inside {
    fn renamed(&self, caps: &gst::CapsRef) -> gst::Caps {
        let features = if self.system.load(Relaxed) {
            gst::CapsFeatures::new_empty()
        } else {
            gst::CapsFeatures::new([NVMM])
        };
        let mut renamed = gst::Caps::new_empty();
        let changed = renamed.make_mut();
        for structure in caps.iter() {
            changed.append_structure_full(structure.to_owned(), Some(features.clone()));
        }
        renamed
    }

    fn pads(&self) -> (gst::Pad, gst::Pad) {
        let element = self.obj();
        let pad = |name| element.static_pad(name).expect("made with the element");
        (pad("sink"), pad("src"))
    }

    /// Both ends take everything; who stands beside them decides.
    fn answer(pad: &gst::Pad, element: &gst::Element, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(caps) => {
                caps.set_result(&gst::Caps::new_any());
                true
            }
            gst::QueryViewMut::AcceptCaps(accept) => {
                accept.set_result(true);
                true
            }
            gst::QueryViewMut::Allocation(_) => false,
            _ => gst::Pad::query_default(pad, Some(element), query),
        }
    }
}

impl ObjectImpl for Inside {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: std::sync::OnceLock<Vec<glib::ParamSpec>> = std::sync::OnceLock::new();
        PROPERTIES.get_or_init(|| vec![glib::ParamSpecBoolean::builder("system").build()])
    }

    fn set_property(&self, _id: usize, value: &glib::Value, _specification: &glib::ParamSpec) {
        self.system.store(value.get().expect("a boolean"), Relaxed);
    }

    fn property(&self, _id: usize, _specification: &glib::ParamSpec) -> glib::Value {
        self.system.load(Relaxed).to_value()
    }

    fn constructed(&self) {
        self.parent_constructed();
        let inside = |element: Option<&gst::Object>| {
            element.and_then(|element| element.downcast_ref::<Memory>()).expect("its own pads").clone()
        };
        let sink = gst::Pad::builder(gst::PadDirection::Sink)
            .name("sink")
            .chain_function(move |_, parent, buffer| inside(parent).imp().pads().1.push(buffer))
            .event_function(move |pad, parent, event| {
                let element = inside(parent);
                if let gst::EventView::Caps(caps) = event.view() {
                    let renamed = element.imp().renamed(caps.caps());
                    return element.imp().pads().1.push_event(gst::event::Caps::new(&renamed));
                }
                gst::Pad::event_default(pad, Some(&element), event)
            })
            .query_function(move |pad, parent, query| Self::answer(pad, inside(parent).upcast_ref(), query))
            .build();
        let source = gst::Pad::builder(gst::PadDirection::Src)
            .name("src")
            .query_function(move |pad, parent, query| Self::answer(pad, inside(parent).upcast_ref(), query))
            .build();
        for pad in [sink, source] {
            self.obj().add_pad(&pad).expect("a new pad");
        }
    }
}

impl GstObjectImpl for Inside {}

impl ElementImpl for Inside {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: std::sync::OnceLock<gst::subclass::ElementMetadata> = std::sync::OnceLock::new();
        Some(METADATA.get_or_init(|| {
            gst::subclass::ElementMetadata::new("Stand-in", "Video", "Stands in for a board's", "The tests")
        }))
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: std::sync::OnceLock<Vec<gst::PadTemplate>> = std::sync::OnceLock::new();
        TEMPLATES.get_or_init(|| {
            let any = gst::Caps::new_any();
            let template = |name, direction| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &any).expect("a template")
            };
            vec![template("sink", gst::PadDirection::Sink), template("src", gst::PadDirection::Src)]
        })
    }
}
