//! A room without a clock: what the speaker gets is what the microphone hears some time later, ten milliseconds after ten
//! milliseconds, so that the outcome is the same on any machine.

use std::sync::Mutex;

use super::*;

/// Samples in ten milliseconds.
const STEP: usize = 480;
/// So long goes on before anything is measured, in steps: also what no stamp tells is found meanwhile.
const LEARNING: usize = 800;
/// So long is measured.
const MEASURED: usize = 300;

/// Noise in syllables, four a second: what speech is to a canceller. The same each time.
struct Talk {
    seed: u32,
    at: usize,
    low: f64,
}

impl Talk {
    fn new(seed: u32) -> Self {
        Self { seed, at: 0, low: 0.0 }
    }

    fn noise(&mut self) -> f64 {
        self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.seed >> 8) / f64::from(1 << 23) - 1.0
    }

    /// The next sample, −1 to 1.
    fn next(&mut self) -> f64 {
        let syllable = (self.at as f64 / 48_000.0 * 4.0 * std::f64::consts::PI).sin().max(0.0);
        self.at += 1;
        self.breath() * syllable
    }

    /// Likewise, of what is never silent.
    fn breath(&mut self) -> f64 {
        // Most of a voice is below 1 kHz.
        self.low += 0.12 * (self.noise() - self.low);
        self.low
    }

    fn step(&mut self, level: f64) -> Vec<f64> {
        (0..STEP).map(|_| self.next() * level).collect()
    }
}

fn bytes(samples: &[f64], channels: usize) -> gst::Buffer {
    let sample = |sample: &f64| ((sample * 32_767.0) as i16).to_le_bytes();
    let bytes: Vec<u8> = samples.iter().flat_map(|s| sample(s).repeat(channels)).collect();
    gst::Buffer::from_mut_slice(bytes)
}

fn caps(channels: i32) -> gst::Caps {
    format!("{FORMAT},channels={channels}").parse().expect("good caps")
}

/// A pad that is told what comes.
fn begin(pad: &gst::Pad, channels: i32, give: impl Fn(&gst::Pad, gst::Event)) {
    give(pad, gst::event::StreamStart::new("here"));
    give(pad, gst::event::Caps::new(&caps(channels)));
    give(pad, gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
}

/// A microphone that is cared for, and a speaker.
struct Room {
    speaker: gst::Pad,
    channels: usize,
    microphone: Processor,
    drain: gst::Element,
    heard: Arc<Mutex<Vec<f64>>>,
}

impl Room {
    fn new(care: &AudioProcessing, channels: usize) -> Self {
        let speaker = gst::Pad::builder(gst::PadDirection::Src).build();
        care.listen_at(&speaker);
        speaker.set_active(true).expect("a pad");
        begin(&speaker, i32::try_from(channels).expect("few"), |pad, event| {
            pad.push_event(event);
        });
        let microphone = care.processor().expect("it is made").expect("something is to be done");
        let drain = gst::ElementFactory::make("fakesink").property("async", false).build().expect("core");
        drain.set_property("sync", false);
        microphone.element.link(&drain).expect("both are plain");
        for element in [&drain, &microphone.element] {
            element.set_state(gst::State::Playing).expect("it starts");
        }
        begin(&microphone.element.static_pad("sink").expect("one"), 1, |pad, event| {
            assert!(pad.send_event(event), "it takes one channel at 48,000/s");
        });
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        drain.static_pad("sink").expect("one").add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let map = info.buffer().expect("a buffer").map_readable().expect("memory");
            let samples =
                map.as_chunks::<2>().0.iter().map(|two| f64::from(i16::from_le_bytes(*two)) / 32_768.0);
            let power = samples.map(|sample| sample * sample).sum::<f64>() / STEP as f64;
            hears.lock().expect("no test panics with it").push(power);
            gst::PadProbeReturn::Ok
        });
        Self { speaker, channels, microphone, drain, heard }
    }

    fn play(&self, at: usize, samples: &[f64]) {
        let mut buffer = bytes(samples, self.channels);
        // A call lasts for an hour already when the microphone is opened.
        let time = gst::ClockTime::from_seconds(3600) + gst::ClockTime::from_mseconds(10 * at as u64);
        buffer.get_mut().expect("ours").set_pts(time);
        // Nobody is behind it: who listens there has heard it.
        assert_eq!(self.speaker.push(buffer), Err(gst::FlowError::NotLinked));
    }

    fn hear(&self, at: usize, samples: &[f64]) {
        let mut buffer = bytes(samples, 1);
        let time = gst::ClockTime::from_mseconds(10 * at as u64);
        buffer.get_mut().expect("ours").set_pts(time);
        let entry = self.microphone.element.static_pad("sink").expect("one");
        entry.chain(buffer).expect("its drain takes everything");
    }
}

/// The mean level of the last steps, in dBFS.
fn level(steps: &[f64]) -> f64 {
    let measured = &steps[steps.len() - MEASURED..];
    10.0 * (measured.iter().sum::<f64>() / MEASURED as f64).max(1e-12).log10()
}

impl Drop for Room {
    fn drop(&mut self) {
        for element in [&self.microphone.element, &self.drain] {
            element.set_state(gst::State::Null).map(|_| ()).unwrap_or_default();
        }
    }
}

const ECHO: Voice = Voice { echo_cancellation: true, ..Voice::UNTOUCHED };
const NOISE: Voice = Voice { noise_suppression: true, ..Voice::UNTOUCHED };
const GAIN: Voice = Voice { auto_gain_control: true, ..Voice::UNTOUCHED };
const ALL: Voice = Voice { echo_cancellation: true, noise_suppression: true, auto_gain_control: true };

/// What there is to hear beside the microphone's own voice.
#[derive(Clone, Copy)]
struct Scene {
    /// The level of what the speaker plays, and how many steps it takes to the microphone.
    played: f64,
    steps: usize,
    /// Of what it plays beside that, and never stops.
    fan: f64,
    /// After so many steps it is measured.
    learning: usize,
    channels: usize,
    /// Of a voice in front of the microphone, and of noise.
    voice: f64,
    noise: f64,
}

const ROOM: Scene =
    Scene { played: 0.0, steps: 10, fan: 0.0, learning: LEARNING, channels: 1, voice: 0.0, noise: 0.0 };

/// How loud the scene is, and how loud it is when it was cared for, in dBFS.
fn levels(voice: Voice, scene: Scene) -> (f64, f64) {
    gst::init().expect("GStreamer starts");
    let care = AudioProcessing::new(voice, "auto");
    let room = Room::new(&care, scene.channels);
    let (mut far, mut fan, mut near, mut noise) = (Talk::new(1), Talk::new(5), Talk::new(7), Talk::new(3));
    let mut played: Vec<Vec<f64>> = Vec::new();
    let mut power = Vec::new();
    for at in 0..scene.learning + MEASURED {
        let mut step = far.step(scene.played);
        step.iter_mut().for_each(|sample| *sample += fan.breath() * scene.fan);
        played.push(step);
        // What is received comes in pieces of 20 ms.
        if at % 2 == 1 {
            room.play(at - 1, &played[at - 1..=at].concat());
        }
        let mut heard = near.step(scene.voice);
        heard.iter_mut().for_each(|sample| *sample += noise.noise() * scene.noise);
        if let Some(echo) = at.checked_sub(scene.steps) {
            heard.iter_mut().zip(&played[echo]).for_each(|(sample, echo)| *sample += 0.4 * echo);
        }
        power.push(heard.iter().map(|sample| sample * sample).sum::<f64>() / STEP as f64);
        room.hear(at, &heard);
    }
    (level(&power), level(&room.heard.lock().expect("no test panics with it")))
}

#[test]
fn what_the_speaker_plays_is_taken_out_of_what_the_microphone_hears() {
    // The speaker's 80 ms and the microphone's 20, and what lies around them.
    for (steps, channels) in [(8, 1), (10, 1), (10, 2), (13, 1)] {
        let (heard, sent) = levels(ECHO, Scene { played: 0.5, steps, channels, ..ROOM });
        assert!(sent < heard - 15.0, "{steps} steps, {channels} channels: {heard} dBFS come back at {sent}");
    }
    // No stamp tells these.
    for steps in [3, 22, 30] {
        let (heard, sent) = levels(ECHO, Scene { played: 0.5, steps, ..ROOM });
        assert!(sent < heard - 15.0, "{steps} steps, which no stamp tells: {heard} dBFS come back at {sent}");
    }
    let (heard, sent) = levels(ALL, Scene { played: 0.5, ..ROOM });
    assert!(sent < heard - 10.0, "whose gain is controlled, too: {heard} dBFS come back at {sent}");
}

#[test]
fn what_never_stops_is_taken_out_also_after_a_while() {
    for steps in [10, 12] {
        let (heard, sent) = levels(ECHO, Scene { fan: 0.5, steps, learning: 2000, ..ROOM });
        assert!(sent < heard - 12.0, "{steps} steps: {heard} dBFS come back at {sent}");
    }
}

#[test]
fn a_voice_is_taken_out_from_its_second_second_on() {
    for channels in [1, 2] {
        let (heard, sent) = levels(ECHO, Scene { played: 0.5, learning: 100, steps: 12, channels, ..ROOM });
        assert!(sent < heard - 25.0, "{channels} channels: {heard} dBFS come back at {sent}");
    }
}

#[test]
fn a_voice_in_front_of_the_microphone_is_left_also_while_something_is_played() {
    // This voice is made of noise: some of it is taken for such.
    for (voice, played, loss) in [(ECHO, 0.0, 3.0), (ECHO, 0.25, 6.0), (NOISE, 0.0, 7.0), (ALL, 0.25, 6.0)] {
        let (heard, sent) = levels(voice, Scene { voice: 0.5, played, ..ROOM });
        assert!(sent > heard - loss, "{voice:?}, {played} played: {heard} dBFS are sent at {sent}");
    }
}

#[test]
fn steady_noise_is_turned_down() {
    let (heard, sent) = levels(NOISE, Scene { noise: 0.02, ..ROOM });
    assert!(sent < heard - 8.0, "{heard} dBFS are sent at {sent}");
}

#[test]
fn a_quiet_voice_is_made_louder_and_a_loud_one_is_not_clipped() {
    let (heard, sent) = levels(GAIN, Scene { voice: 0.05, ..ROOM });
    assert!(sent > heard + 5.0, "{heard} dBFS are sent at {sent}");
    let (heard, sent) = levels(GAIN, Scene { voice: 1.5, ..ROOM });
    assert!(sent < heard + 6.0, "{heard} dBFS are sent at {sent}");
}

#[test]
fn what_is_not_wanted_is_not_made() {
    gst::init().expect("GStreamer starts");
    for care in [
        AudioProcessing::none(),
        AudioProcessing::new(Voice::UNTOUCHED, "auto"),
        AudioProcessing::new(ECHO, "none"),
    ] {
        assert!(care.processor().expect("nothing fails").is_none(), "{care:?}");
        assert!(care.ear.is_none());
    }
    let care = AudioProcessing::new(ALL, "none");
    let processor = care.processor().expect("it is made").expect("noise and level");
    assert!(processor.listening.is_none() && !processor.element.property::<bool>("echo-cancel"));
}

#[test]
fn nothing_is_copied_while_no_microphone_listens() {
    let care = AudioProcessing::new(ECHO, "auto");
    let room = Room::new(&care, 1);
    room.play(0, &[0.1; 2 * STEP]);
    let ear = Arc::clone(care.ear.as_ref().expect("echo is cancelled"));
    assert!(ear.line().waiting() > 0);
    let speaker = room.speaker.clone();
    drop(room);
    let left = ear.line().waiting();
    assert_eq!(speaker.push(bytes(&[0.1; STEP], 1)), Err(gst::FlowError::NotLinked));
    assert_eq!(ear.line().waiting(), left);
}

#[test]
fn a_processor_that_fails_is_not_used_again() {
    gst::init().expect("GStreamer starts");
    let care = AudioProcessing::new(ALL, "auto");
    care.blame("/GstPipeline:pipeline7/GstAlsaSrc:voiced", "the card is gone");
    assert!(care.processor().expect("it is made").is_some(), "it was the card");
    let other = care.clone();
    care.blame("/GstPipeline:pipeline7/GstWebrtcDsp:voice", "Failed to initialize");
    assert!(other.processor().expect("nothing fails").is_none());
}
