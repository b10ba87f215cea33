//! The element of GStreamer in which `Order` and `Timeline` work. It looks to rtpbin and webrtcbin like GStreamer's own, as far as they
//! use that.

use gstreamer::glib;

glib::wrapper! {
    /// A jitter buffer without threads.
    pub struct JitterBuffer(ObjectSubclass<imp::JitterBuffer>) @extends gstreamer::Element, gstreamer::Object;
}

impl JitterBuffer {
    /// One for one stream.
    pub fn new() -> Self {
        glib::Object::new()
    }
}

mod imp {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use gstreamer as gst;
    use gstreamer::glib;
    use gstreamer::prelude::*;
    use gstreamer::subclass::prelude::*;

    use super::super::order::{Counts, Order, Repair, Step};
    use super::super::timeline::Timeline;
    use crate::media::elements;

    /// Of more lost packets in a row nothing is made up (100 ms of sound).
    const MOST_MADE_UP: u16 = 5;
    /// A payload type of which webrtcbin knows nothing, RFC 3551's own for sound.
    const UNKNOWN: Format = Format { rate: 8_000, repair: Repair::None };

    #[derive(Debug)]
    pub struct JitterBuffer {
        sink: gst::Pad,
        src: gst::Pad,
        /// In milliseconds.
        latency: AtomicU32,
        retransmission: AtomicBool,
        stream: Mutex<Stream>,
    }

    #[derive(Debug, Default)]
    struct Stream {
        order: Order<gst::Buffer>,
        timeline: Timeline,
        format: Option<(u8, Format)>,
        ssrc: u32,
        /// When the packet before was sent, and whether the next follows a gap.
        last: Option<gst::ClockTime>,
        after_gap: bool,
    }

    #[derive(Debug, Clone, Copy)]
    struct Format {
        rate: u32,
        repair: Repair,
    }

    /// What is read of a packet (RFC 3550 §5.1).
    struct Header {
        payload: u8,
        number: u16,
        stamp: u32,
        ssrc: u32,
    }

    impl Header {
        fn read(packet: &gst::BufferRef) -> Option<Self> {
            let map = packet.map_readable().ok()?;
            let [_, payload, a, b, t0, t1, t2, t3, s0, s1, s2, s3] = *map.first_chunk::<12>()?;
            Some(Self {
                payload: payload & 0x7f,
                number: u16::from_be_bytes([a, b]),
                stamp: u32::from_be_bytes([t0, t1, t2, t3]),
                ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            })
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for JitterBuffer {
        const NAME: &'static str = "CoguestJitterBuffer";
        type Type = super::JitterBuffer;
        type ParentType = gst::Element;

        fn with_class(class: &Self::Class) -> Self {
            let pad = |name: &str| class.pad_template(name).expect("it is among those below");
            let sink = gst::Pad::builder_from_template(&pad("sink"))
                .chain_function(|_, parent, packet| {
                    let failed = || Err(gst::FlowError::Error);
                    Self::catch_panic_pad_function(parent, failed, |buffer| buffer.take(packet))
                })
                .event_function(|pad, parent, event| {
                    let failed = || false;
                    Self::catch_panic_pad_function(parent, failed, |buffer| buffer.event(pad, event))
                })
                .build();
            let src = gst::Pad::from_template(&pad("src"));
            Self {
                sink,
                src,
                latency: AtomicU32::default(),
                retransmission: AtomicBool::default(),
                stream: Mutex::default(),
            }
        }
    }

    impl ObjectImpl for JitterBuffer {
        fn properties() -> &'static [glib::ParamSpec] {
            static ALL: LazyLock<[glib::ParamSpec; 3]> = LazyLock::new(|| {
                [
                    glib::ParamSpecUInt::builder("latency")
                        .blurb("Time in ms that a missing packet is waited for")
                        .build(),
                    glib::ParamSpecBoolean::builder("do-retransmission")
                        .blurb("Whether missing packets of pictures are asked for")
                        .build(),
                    glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                        .blurb("What became of the packets")
                        .read_only()
                        .build(),
                ]
            });
            ALL.as_ref()
        }

        fn set_property(&self, _: usize, value: &glib::Value, property: &glib::ParamSpec) {
            match property.name() {
                "latency" => self.latency.store(value.get().unwrap_or_default(), Relaxed),
                "do-retransmission" => self.retransmission.store(value.get().unwrap_or_default(), Relaxed),
                name => tracing::error!("a jitter buffer has no {name} to set"),
            }
        }

        fn property(&self, _: usize, property: &glib::ParamSpec) -> glib::Value {
            match property.name() {
                "latency" => self.latency.load(Relaxed).to_value(),
                "do-retransmission" => self.retransmission.load(Relaxed).to_value(),
                _ => stats(self.stream().order.counts()).to_value(),
            }
        }

        fn signals() -> &'static [glib::subclass::Signal] {
            static ALL: LazyLock<[glib::subclass::Signal; 2]> = LazyLock::new(|| {
                [
                    glib::subclass::Signal::builder("request-pt-map")
                        .param_types([u32::static_type()])
                        .return_type::<Option<gst::Caps>>()
                        .build(),
                    glib::subclass::Signal::builder("clear-pt-map")
                        .action()
                        .class_handler(|values| {
                            if let Some(Ok(buffer)) = values.first().map(|it| it.get::<super::JitterBuffer>())
                            {
                                buffer.imp().stream().format = None;
                            }
                            None
                        })
                        .build(),
                ]
            });
            ALL.as_ref()
        }

        fn constructed(&self) {
            self.parent_constructed();
            elements::add_pads(&*self.obj(), [&self.sink, &self.src]);
        }
    }

    impl GstObjectImpl for JitterBuffer {}

    impl ElementImpl for JitterBuffer {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static IT: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Jitter buffer of the stage",
                    "Filter/Network/RTP",
                    "Puts RTP packets in order without a thread",
                    "coguestd",
                )
            });
            Some(&IT)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static ALL: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                use gst::PadDirection::{Sink, Src};
                use gst::PadPresence::{Always, Request};
                let rtp = gst::Caps::new_empty_simple("application/x-rtp");
                let rtcp = gst::Caps::new_empty_simple("application/x-rtcp");
                elements::pad_templates([
                    ("sink", Sink, Always, &rtp),
                    ("src", Src, Always, &rtp),
                    (RTCP, Sink, Request, &rtcp),
                ])
            });
            ALL.as_ref()
        }

        /// What is reported of the sender's clock would be for lip-sync, and nobody looks at the stage.
        fn request_new_pad(
            &self,
            template: &gst::PadTemplate,
            _: Option<&str>,
            _: Option<&gst::Caps>,
        ) -> Option<gst::Pad> {
            let pad = gst::Pad::builder_from_template(template)
                .name(RTCP)
                .chain_function(|_, _, _| Ok(gst::FlowSuccess::Ok))
                .event_function(|_, _, _| true)
                .build();
            pad.set_active(true).ok()?;
            self.obj().add_pad(&pad).ok()?;
            Some(pad)
        }

        fn release_pad(&self, pad: &gst::Pad) {
            if let Err(error) = pad.set_active(false).and_then(|()| self.obj().remove_pad(pad)) {
                tracing::debug!(%error, "a pad of a jitter buffer stays");
            }
        }
    }

    /// The name of the pad for reports, as rtpbin asks for it.
    const RTCP: &str = "sink_rtcp";

    impl JitterBuffer {
        fn stream(&self) -> MutexGuard<'_, Stream> {
            self.stream.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
            if let gst::EventView::FlushStop(_) = event.view() {
                *self.stream() = Stream::default();
            }
            gst::Pad::event_default(pad, Some(&*self.obj()), event)
        }

        /// A packet has come.
        fn take(&self, mut packet: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
            let Some(header) = Header::read(&packet) else { return Ok(gst::FlowSuccess::Ok) };
            let format = self.format(header.payload);
            let wait = Duration::from_millis(self.latency.load(Relaxed).into());
            let retransmission = self.retransmission.load(Relaxed);
            let repair = if retransmission { format.repair } else { Repair::None };
            let now = gst::SystemClock::obtain().time().into();
            let mut stream = self.stream();
            stream.ssrc = header.ssrc;
            if let Some(came) = packet.dts_or_pts() {
                let sent = stream.timeline.place(came.into(), header.stamp, format.rate);
                let packet = packet.make_mut();
                packet.set_pts(gst::ClockTime::try_from(sent).ok());
                packet.set_dts(None);
            }
            let steps = stream.order.take(now, header.number, packet, repair, wait);
            drop(stream);
            steps.into_iter().try_fold(gst::FlowSuccess::Ok, |_, step| self.go(step))
        }

        fn go(&self, step: Step<gst::Buffer>) -> Result<gst::FlowSuccess, gst::FlowError> {
            match step {
                Step::Pass(packet) => self.pass(packet),
                Step::Lost { number, count } => {
                    self.lose(number, count);
                    Ok(gst::FlowSuccess::Ok)
                }
                Step::Ask { number, retry } => {
                    self.ask(number, retry);
                    Ok(gst::FlowSuccess::Ok)
                }
            }
        }

        fn pass(&self, mut packet: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
            let mut stream = self.stream();
            let is_first = stream.last.is_none();
            if std::mem::take(&mut stream.after_gap) || is_first {
                packet.make_mut().set_flags(gst::BufferFlags::DISCONT);
            }
            stream.last = packet.pts().or(stream.last);
            drop(stream);
            self.src.push(packet)
        }

        /// Says what is missing, so that a decoder of sound makes it up.
        fn lose(&self, number: u16, count: u16) {
            let mut stream = self.stream();
            stream.after_gap = true;
            let last = stream.last.filter(|_| count <= MOST_MADE_UP);
            drop(stream);
            let Some(last) = last else { return };
            let lost = (1..=count).zip(0u16..).map(|(n, from)| {
                let timestamp = last + PACKET * u64::from(n);
                gst::Structure::builder("GstRTPPacketLost")
                    .field("seqnum", u32::from(number.wrapping_add(from)))
                    .field("timestamp", timestamp.nseconds())
                    .field("duration", PACKET.nseconds())
                    .field("retry", 0u32)
                    .build()
            });
            for lost in lost {
                self.src.push_event(gst::event::CustomDownstream::new(lost));
            }
        }

        fn ask(&self, number: u16, retry: u32) {
            let wait = self.latency.load(Relaxed);
            let ssrc = self.stream().ssrc;
            let asked = gst::Structure::builder("GstRTPRetransmissionRequest")
                .field("seqnum", u32::from(number))
                .field("ssrc", ssrc)
                .field("retry", retry)
                // In milliseconds: at once, and of no use after the wait.
                .field("delay", 0u32)
                .field("deadline", wait)
                .field("period", wait)
                .field("frequency", 1u32)
                .field("packet-spacing", 0u64)
                .field("avg-rtt", 0u32)
                .build();
            if !self.sink.push_event(gst::event::CustomUpstream::new(asked)) {
                tracing::trace!("nobody asks for packet {number}");
            }
        }

        fn format(&self, payload: u8) -> Format {
            if let Some((known, format)) = self.stream().format
                && known == payload
            {
                return format;
            }
            // Not under the lock: webrtcbin answers, and may want its own.
            let caps = self.obj().emit_by_name::<Option<gst::Caps>>("request-pt-map", &[&u32::from(payload)]);
            let format = caps.and_then(|caps| read(&caps)).unwrap_or(UNKNOWN);
            self.stream().format = Some((payload, format));
            format
        }
    }

    /// What one packet of sound lasts, as everybody sends Opus.
    const PACKET: gst::ClockTime = gst::ClockTime::from_mseconds(20);

    fn read(caps: &gst::Caps) -> Option<Format> {
        let stream = caps.structure(0)?;
        let rate = stream.get::<i32>("clock-rate").ok().and_then(|rate| u32::try_from(rate).ok())?;
        // Sound that comes a round trip later is of no use.
        let is_video = stream.get::<&str>("media") == Ok("video");
        Some(Format { rate, repair: if is_video { Repair::Retransmission } else { Repair::None } })
    }

    /// As GStreamer's own says it.
    fn stats(counts: Counts) -> gst::Structure {
        gst::Structure::builder("application/x-rtp-jitterbuffer-stats")
            .field("num-lost", counts.lost)
            .field("num-late", counts.late)
            .field("num-duplicates", counts.twice)
            .field("rtx-success-count", counts.repaired)
            .build()
    }
}
