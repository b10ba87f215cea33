//! The mix by its numbers: tones go in with clocks, pauses and lies of their own; what comes out is measured.

use std::f64::consts::TAU;
use std::sync::{Arc, Mutex};

use super::*;
use crate::model::sound::Audible;

/// Loud, and far from clipping with some others.
const LOUD: f64 = 8_000.0;

/// A sender: packets of 20 ms of a tone, by a clock that is `ppm` fast.
struct Sender {
    hertz: f64,
    ppm: f64,
    sent: u64,
    /// A whole number of periods.
    tone: Vec<i16>,
}

impl Sender {
    fn new(hertz: f64, ppm: f64) -> Self {
        let sample = |at: u32| ((f64::from(at) / f64::from(RATE) * hertz * TAU).sin() * LOUD).round() as i16;
        Self { hertz, ppm, sent: 0, tone: (0..RATE).map(sample).collect() }
    }

    /// When packet `number` is whole, in samples of the mix.
    fn at(&self, number: u64) -> f64 {
        (number * BLOCK as u64) as f64 / (1.0 + self.ppm * 1e-6)
    }

    fn packet(&self, number: u64) -> Vec<i16> {
        let from = number * BLOCK as u64;
        (from..from + BLOCK as u64)
            .map(|index| self.tone[(index % self.tone.len() as u64) as usize])
            .collect()
    }

    /// Hands over everything that has come by `now`, each packet at most `jitter` samples late.
    fn send(&mut self, now: i64, jitter: u64, input: &mut Input) {
        while self.at(self.sent) + (self.sent.wrapping_mul(2_654_435_761) % (jitter + 1)) as f64 <= now as f64
        {
            input.write(now, self.at(self.sent) as i64, &self.packet(self.sent));
            self.sent += 1;
        }
    }
}

fn ticks(seconds: i64) -> impl Iterator<Item = i64> {
    (0..seconds * 50).map(|tick| tick * BLOCK as i64)
}

/// How far neighbours are from any tone of about this pitch, at worst: what a hole or a click makes large.
fn roughness(sound: &[i16], hertz: f64) -> f64 {
    let pitch = 2.0 * (hertz / f64::from(RATE) * TAU).cos();
    sound
        .windows(3)
        .map(|three| {
            let [a, b, c] = [three[0], three[1], three[2]].map(f64::from);
            (a - pitch * b + c).abs()
        })
        .fold(0.0, f64::max)
}

/// Level of one tone, in dB against [`LOUD`].
fn level(sound: &[i16], hertz: f64) -> f64 {
    let step = hertz / f64::from(RATE) * TAU;
    let (re, im) = sound.iter().zip(0u32..).fold((0.0, 0.0), |(re, im), (sample, at)| {
        let angle = step * f64::from(at);
        (re + f64::from(*sample) * angle.cos(), im + f64::from(*sample) * angle.sin())
    });
    20.0 * (2.0 * re.hypot(im) / sound.len() as f64 / LOUD).max(1e-9).log10()
}

/// The input's sound over this many seconds; `feed` hands over what comes before each block.
fn hear(input: &mut Input, seconds: i64, mut feed: impl FnMut(i64, &mut Input)) -> Vec<i16> {
    let mut heard = Vec::new();
    for now in ticks(seconds) {
        feed(now, input);
        heard.extend(input.read(now, Audible::Yes).unwrap_or([0; BLOCK]));
    }
    heard
}

#[test]
fn each_hears_all_others_alike_and_never_itself() {
    let mut inputs: Vec<(Sender, Input)> =
        [300.0, 500.0, 700.0].map(|hertz| (Sender::new(hertz, hertz - 500.0), Input::new())).into();
    let mut heard = vec![Vec::new(); 3];
    for now in ticks(4) {
        let mut sum = Sum::new();
        let blocks: Vec<Option<Block>> = inputs
            .iter_mut()
            .map(|(sender, input)| {
                sender.send(now, 300, input);
                input.read(now, Audible::Yes).inspect(|block| sum.add(block))
            })
            .collect();
        for (heard, own) in heard.iter_mut().zip(&blocks) {
            heard.extend(sum.without(own.as_ref()));
        }
    }
    for (own, heard) in heard.iter().enumerate() {
        let heard = &heard[48_000..96_000];
        for (other, (sender, _)) in inputs.iter().enumerate() {
            let level = level(heard, sender.hertz);
            if own == other {
                assert!(level < -60.0, "{own} hears itself at {level} dB");
            } else {
                assert!(level.abs() < 0.5, "{own} hears {other} at {level} dB");
            }
        }
    }
}

#[test]
fn a_slow_clock_makes_no_hole_no_click_and_no_delay_in_ten_minutes() {
    ten_minutes(-300.0);
}

#[test]
fn a_fast_clock_makes_no_hole_no_click_and_no_delay_in_ten_minutes() {
    ten_minutes(300.0);
}

fn ten_minutes(ppm: f64) {
    let mut sender = Sender::new(440.0, ppm);
    let mut input = Input::new();
    let heard = hear(&mut input, 600, |now, input| sender.send(now, 480, input));
    let begin = 9_600;
    let roughness = roughness(&heard[begin..], 440.0);
    assert!(roughness < 60.0, "{ppm} ppm: {roughness}");
    // By the periods that were heard, which moment of the sender is heard at which of the mix.
    let mut delays = Vec::new();
    let mut periods = 0;
    for (at, pair) in heard.windows(2).enumerate().skip(1_000) {
        if pair[0] < 0 && pair[1] >= 0 {
            periods += 1;
            let said = f64::from(periods) / 440.0 / (1.0 + ppm * 1e-6);
            delays.push(at as f64 / f64::from(RATE) - said);
        }
    }
    let steady = &delays[440..];
    let (least, most) =
        steady.iter().fold((f64::MAX, f64::MIN), |(least, most), d| (least.min(*d), most.max(*d)));
    assert!((0.050..0.070).contains(&least) && (0.050..0.070).contains(&most), "{ppm} ppm: {least} {most}");
}

#[test]
fn half_a_thousandth_is_followed() {
    for ppm in [500.0, -500.0] {
        let mut sender = Sender::new(440.0, ppm);
        let heard = hear(&mut Input::new(), 60, |now, input| sender.send(now, 480, input));
        let roughness = roughness(&heard[9_600..], 440.0);
        assert!(roughness < 60.0, "{ppm} ppm: {roughness}");
    }
}

/// What the edges of a fade may bend a tone by: it takes 5 ms.
const EDGE: f64 = 60.0;

#[test]
fn pauses_and_restarts_have_soft_edges() {
    let mut sender = Sender::new(440.0, 0.0);
    let heard = hear(&mut Input::new(), 20, |now, input| {
        while sender.at(sender.sent) <= now as f64 {
            // Half a second of sound, half of DTX, and one packet in it.
            let packet = sender.sent % 50;
            if packet < 25 || packet == 40 {
                input.write(now, sender.at(sender.sent) as i64, &sender.packet(sender.sent));
            }
            sender.sent += 1;
        }
    });
    let roughness = roughness(&heard, 440.0);
    assert!(roughness < EDGE, "{roughness}");
    let silent = heard.chunks(480).filter(|chunk| chunk.iter().all(|sample| *sample == 0)).count();
    assert!((700..1_000).contains(&silent), "{silent} of 2000 pieces are silent");
}

#[test]
fn what_comes_late_is_heard_later_and_the_delay_goes_back() {
    let mut sender = Sender::new(440.0, 0.0);
    let mut input = Input::new();
    let heard = hear(&mut input, 60, |now, input| {
        // For 80 ms after the second second nothing comes, and then all of it.
        if !(96_000..96_000 + 4 * BLOCK as i64).contains(&now) {
            sender.send(now, 0, input);
        }
    });
    let roughness = roughness(&heard, 440.0);
    assert!(roughness < EDGE, "{roughness}");
    let holes = heard[48_000..].chunks(48).filter(|chunk| chunk.iter().all(|s| *s == 0)).count();
    assert!((1..80).contains(&holes), "silent for {holes} ms");
    assert!(input.lag == 0.0, "{}", input.lag);
}

#[test]
fn a_packet_that_was_held_back_over_a_pause_delays_nothing() {
    let mut sender = Sender::new(440.0, 0.0);
    let mut input = Input::new();
    let mut held = None;
    let heard = hear(&mut input, 20, |now, input| {
        while sender.at(sender.sent) <= now as f64 {
            // A fifth of a second of sound, and a pause; each packet is given when the next one comes.
            if sender.sent % 30 < 10 {
                let packet = (sender.at(sender.sent) as i64, sender.packet(sender.sent));
                if let Some((stamp, samples)) = held.replace(packet) {
                    input.write(now, stamp, &samples);
                }
            }
            sender.sent += 1;
        }
    });
    assert!(input.lag < 960.0, "{} samples", input.lag);
    let roughness = roughness(&heard, 440.0);
    assert!(roughness < EDGE, "{roughness}");
    let loud = heard.chunks(480).filter(|chunk| chunk.iter().any(|sample| *sample != 0)).count();
    assert!((500..720).contains(&loud), "{loud} of 2000 pieces are heard");
}

/// Of a packet's number, its stamp.
type Lie = Box<dyn Fn(u64) -> i64>;

#[test]
fn stamps_that_lie_disturb_nobody_and_make_nothing_grow() {
    let honest = |packet: u64| (packet * BLOCK as u64) as i64;
    let lies: [(&str, Lie); 6] = [
        ("jump", Box::new(move |packet| honest(packet) + if packet > 100 { 1 << 40 } else { 0 })),
        ("run backwards", Box::new(move |packet| 96_000 - honest(packet))),
        ("stand still", Box::new(|_| 0)),
        ("are of the far past", Box::new(|_| i64::MIN)),
        ("are of the far future", Box::new(|_| i64::MAX)),
        ("swing", Box::new(move |packet| honest(packet) + if packet % 2 == 0 { 4_000 } else { -4_000 })),
    ];
    for (name, lie) in lies {
        let sender = Sender::new(440.0, 0.0);
        let mut input = Input::new();
        let mut sent = 0;
        let heard = hear(&mut input, 10, |now, input| {
            input.write(now, lie(sent), &sender.packet(sent));
            sent += 1;
        });
        let worst = roughness(&heard, 440.0);
        assert!(worst < EDGE, "stamps that {name}: {worst}");
        assert!(input.segments.len() <= 32, "{name}: {} segments", input.segments.len());
    }
}

#[test]
fn ten_seconds_at_once_are_not_heard_for_ten_seconds() {
    let sender = Sender::new(440.0, 0.0);
    let mut input = Input::new();
    let heard = hear(&mut input, 12, |now, input| {
        if now == 48_000 {
            for packet in 0..500 {
                input.write(now, now + packet * BLOCK as i64, &sender.packet(packet as u64));
            }
            input.write(now, now, &[i16::MAX; 480_000]);
        }
    });
    let loud = heard.chunks(48).filter(|chunk| chunk.iter().any(|s| *s != 0)).count();
    assert!((100..500).contains(&loud), "{loud} ms are heard");
    let roughness = roughness(&heard, 440.0);
    assert!(roughness < EDGE, "{roughness}");
}

#[test]
fn everybody_at_full_scale_is_clipped_and_not_wrapped() {
    let mut sum = Sum::new();
    (0..31).for_each(|_| sum.add(&[i16::MIN; BLOCK]));
    assert_eq!(sum.without(None), [i16::MIN; BLOCK]);
    sum.add(&[i16::MAX; BLOCK]);
    assert_eq!(sum.without(Some(&[i16::MAX; BLOCK])), [i16::MIN; BLOCK]);
    let mut one = Sum::new();
    one.add(&[1_234; BLOCK]);
    assert_eq!(one.without(Some(&[1_234; BLOCK])), [0; BLOCK]);
}

#[test]
fn who_is_not_to_be_heard_fades_within_milliseconds() {
    let mut sender = Sender::new(440.0, 0.0);
    let mut input = Input::new();
    let mut heard = Vec::new();
    for now in ticks(2) {
        sender.send(now, 0, &mut input);
        heard.extend(
            input.read(now, if now < 48_000 { Audible::Yes } else { Audible::No }).unwrap_or([0; BLOCK]),
        );
    }
    assert!(roughness(&heard, 440.0) < EDGE);
    assert!(heard[24_000..48_000].iter().any(|s| *s > 4_000));
    assert!(heard[48_000 + FADE..].iter().all(|s| *s == 0));
}

#[test]
fn a_listener_is_faded_in_and_out_and_measured() {
    let mut listener = Listener::default();
    let tone = |wanted, listener: &mut Listener| {
        let mut block = [16_384; BLOCK];
        let content = listener.shape(&mut block, wanted, None);
        (block, content)
    };
    let (first, _) = tone(Audible::Yes, &mut listener);
    assert!(first[0] < 100 && first[FADE] == 16_384);
    (0..50).for_each(|_| assert_eq!(tone(Audible::Yes, &mut listener).1, Content::Sound));
    assert!((listener.level() + 6.0).abs() < 0.1, "{}", listener.level());
    let (last, _) = tone(Audible::No, &mut listener);
    assert!(last[0] > 16_000 && last[FADE] == 0);
    assert_eq!(tone(Audible::No, &mut listener), ([0; BLOCK], Content::Silence));
    // A gap between two words is not the level of what is said.
    assert!((-9.0..-6.0).contains(&listener.level()), "{}", listener.level());
    (0..100).for_each(|_| assert_eq!(tone(Audible::No, &mut listener).1, Content::Silence));
    assert!(listener.level() < -40.0, "{}", listener.level());
}

#[test]
fn who_talks_to_one_listener_is_heard_by_that_one_beside_the_others() {
    let (mut seat, voice) = (Sender::new(500.0, 0.0), Arc::<Mutex<Input>>::default());
    let (mut room, mut talk) = (Input::new(), Sender::new(700.0, 0.0));
    let mut talker = Talker::default();
    let mut listeners = [(Listener::default(), Vec::new()), (Listener::default(), Vec::new())];
    talker.begin(Arc::clone(&voice));
    for now in ticks(2) {
        seat.send(now, 300, &mut room);
        talk.send(now, 300, &mut voice.lock().expect("nobody panicked"));
        let block = room.read(now, Audible::Yes).unwrap_or([0; BLOCK]);
        let talk = talker.read(now);
        for ((listener, heard), talk) in listeners.iter_mut().zip([talk.as_ref(), None]) {
            let mut block = block;
            listener.shape(&mut block, Audible::Yes, talk);
            heard.extend(block);
        }
    }
    let [talked_to, other] = listeners.map(|(_, heard)| heard[48_000..].to_vec());
    assert!(level(&talked_to, 500.0).abs() < 0.5 && level(&other, 500.0).abs() < 0.5);
    assert!(level(&talked_to, 700.0).abs() < 0.5, "{}", level(&talked_to, 700.0));
    assert!(level(&other, 700.0) < -60.0, "{}", level(&other, 700.0));

    // What another ends is not theirs to end; who stops is faded out, and then nothing is read any more.
    talker.end(&Arc::default());
    assert!(talker.read(96_000).is_some());
    talker.end(&voice);
    let faded = talker.read(96_000 + BLOCK as i64).expect("the fade");
    assert_eq!(faded[FADE..], [0; BLOCK - FADE]);
    assert_eq!(talker.read(96_000 + 2 * BLOCK as i64), None);
    assert_eq!(Arc::strong_count(&voice), 1, "nothing is kept of it");
}
