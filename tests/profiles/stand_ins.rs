//! Elements of boards that this machine is not: registered under their names, with exactly the properties that the profiles may use,
//! and with an encoder or decoder inside that really works.

use std::sync::{Mutex, Once, PoisonError};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;

/// The last `extra-controls` that any encoder was given.
pub static CONTROLS: Mutex<Option<gst::Structure>> = Mutex::new(None);

/// A software encoder in the place of a board's.
const ENCODER: &str = "videoconvert ! x264enc tune=zerolatency speed-preset=ultrafast threads=1 ! \
                       capsfilter caps=video/x-h264,profile=constrained-baseline,stream-format=byte-stream";

fn text(name: &str) -> glib::ParamSpec {
    glib::ParamSpecString::builder(name).build()
}

fn number(name: &str, most: u32) -> glib::ParamSpec {
    glib::ParamSpecUInt::builder(name).maximum(most).build()
}

fn signed(name: &str) -> glib::ParamSpec {
    glib::ParamSpecInt::builder(name).build()
}

fn switch(name: &str) -> glib::ParamSpec {
    glib::ParamSpecBoolean::builder(name).build()
}

/// The encoders of VA-API, which differ in where they encode only.
fn of_va() -> String {
    format!("capsfilter caps=video/x-raw,format=NV12 ! {ENCODER}")
}

fn va_properties() -> Vec<glib::ParamSpec> {
    vec![
        text("rate-control"),
        number("b-frames", 31),
        number("key-int-max", 1024),
        number("target-usage", 7),
        number("bitrate", 2_048_000),
    ]
}

/// A bin of this name with these properties around these elements.
macro_rules! stand_in {
    ($module:ident, $type_name:literal, $inner:expr, $properties:expr) => {
        mod $module {
            use super::*;

            #[derive(Default)]
            pub struct Inside {
                controls: Mutex<Option<gst::Structure>>,
            }

            #[glib::object_subclass]
            impl ObjectSubclass for Inside {
                const NAME: &'static str = $type_name;
                type Type = Outside;
                type ParentType = gst::Bin;
            }

            glib::wrapper! {
                pub struct Outside(ObjectSubclass<Inside>) @extends gst::Bin, gst::Element, gst::Object;
            }

            impl ObjectImpl for Inside {
                fn properties() -> &'static [glib::ParamSpec] {
                    static PROPERTIES: std::sync::OnceLock<Vec<glib::ParamSpec>> = std::sync::OnceLock::new();
                    PROPERTIES.get_or_init(|| $properties)
                }

                fn set_property(&self, _id: usize, value: &glib::Value, _specification: &glib::ParamSpec) {
                    // The other properties are taken by their types, and change nothing.
                    if let Ok(Some(controls)) = value.get::<Option<gst::Structure>>() {
                        *CONTROLS.lock().unwrap_or_else(PoisonError::into_inner) = Some(controls.clone());
                        *self.controls.lock().unwrap_or_else(PoisonError::into_inner) = Some(controls);
                    }
                }

                fn property(&self, _id: usize, specification: &glib::ParamSpec) -> glib::Value {
                    match &*self.controls.lock().unwrap_or_else(PoisonError::into_inner) {
                        Some(controls) => Some(controls).to_value(),
                        None => specification.default_value().clone(),
                    }
                }

                fn constructed(&self) {
                    self.parent_constructed();
                    fill(self.obj().upcast_ref(), $inner);
                }
            }

            impl GstObjectImpl for Inside {}
            impl ElementImpl for Inside {
                fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
                    static METADATA: std::sync::OnceLock<gst::subclass::ElementMetadata> =
                        std::sync::OnceLock::new();
                    Some(METADATA.get_or_init(|| {
                        gst::subclass::ElementMetadata::new(
                            "Stand-in",
                            "Video",
                            "Stands in for a board's",
                            "The tests",
                        )
                    }))
                }
            }
            impl BinImpl for Inside {}
        }
    };
}

/// Puts the elements in, with their open ends as the pads that an encoder has.
fn fill(bin: &gst::Bin, inner: &str) {
    let inner = gst::parse::bin_from_description(inner, true).expect("the elements of a stand-in");
    bin.add(&inner).expect("an empty bin");
    for pad in inner.pads() {
        let ghost = gst::GhostPad::with_target(&pad).expect("a pad");
        bin.add_pad(&ghost).expect("a new pad");
    }
}

stand_in!(
    v4l2,
    "StandInV4l2H264Enc",
    &format!(
        "capsfilter caps=\"video/x-raw,width=[32,1920,32],height=[16,1088,16]\" ! {ENCODER} ! h264parse ! capssetter caps=video/x-h264,level=(string)4"
    ),
    vec![
        glib::ParamSpecBoxed::builder::<gst::Structure>("extra-controls").build(),
        signed("capture-io-mode"),
        text("output-io-mode")
    ]
);
stand_in!(
    mpp,
    "StandInMppH264Enc",
    ENCODER,
    vec![
        text("profile"),
        number("level", 62),
        signed("gop"),
        text("header-mode"),
        text("rc-mode"),
        number("bps", u32::MAX)
    ]
);
stand_in!(
    nv,
    "StandInNvV4l2H264Enc",
    &format!("coguestmemory system=true ! {ENCODER}"),
    vec![
        number("profile", 7),
        number("control-rate", 1),
        number("preset-level", 4),
        switch("maxperf-enable"),
        switch("insert-sps-pps"),
        number("iframeinterval", u32::MAX),
        number("idrinterval", u32::MAX),
        number("bitrate", u32::MAX)
    ]
);
stand_in!(
    nv_convert,
    "StandInNvVidConv",
    "videoconvert ! capsfilter caps=video/x-raw,format=NV12 ! coguestmemory",
    vec![]
);
stand_in!(va, "StandInVaH264Enc", &of_va(), va_properties());
stand_in!(va_low, "StandInVaH264LpEnc", &of_va(), va_properties());
stand_in!(v4l2_jpeg, "StandInV4l2JpegDec", "jpegdec", vec![]);
stand_in!(mpp_jpeg, "StandInMppJpegDec", "jpegdec", vec![]);
stand_in!(va_jpeg, "StandInVaJpegDec", "jpegdec", vec![]);
stand_in!(libcamera, "StandInLibcameraSrc", "videotestsrc is-live=true", vec![text("camera-name")]);

/// Registers them all, once in a process. What is really installed is covered as well: the profiles are held to the same.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer starts");
        let register = |name: &str, of: glib::Type| {
            gst::Element::register(None, name, gst::Rank::NONE, of).expect("a new element");
        };
        register("coguestmemory", super::memory::Memory::static_type());
        register("v4l2h264enc", v4l2::Outside::static_type());
        register("mpph264enc", mpp::Outside::static_type());
        register("nvv4l2h264enc", nv::Outside::static_type());
        register("nvvidconv", nv_convert::Outside::static_type());
        register("vah264enc", va::Outside::static_type());
        register("vah264lpenc", va_low::Outside::static_type());
        register("v4l2jpegdec", v4l2_jpeg::Outside::static_type());
        register("mppjpegdec", mpp_jpeg::Outside::static_type());
        register("vajpegdec", va_jpeg::Outside::static_type());
        register("libcamerasrc", libcamera::Outside::static_type());
    });
}
