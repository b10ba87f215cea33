use super::*;

const BOARD: [Hardware; 3] = [Hardware::Yes, Hardware::No, Hardware::No];

/// A seat whose time the test moves, 100 ms at a time.
struct Seat {
    escalation: EncoderEscalation,
    now: Instant,
    counts: FlowCounts,
    camera: PictureSource,
    /// When which step was taken, in tenths of a second from the start.
    steps: Vec<(u64, EscalationStep)>,
    tenths: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoder {
    Works,
    Hangs,
    /// It works as soon as this was done.
    WaitsFor(EscalationStep),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Network {
    Takes,
    Stands,
}

impl Seat {
    fn new(candidates: &[Hardware]) -> Self {
        let mut escalation = EncoderEscalation::new(candidates.to_vec());
        let now = Instant::now();
        escalation.begin();
        escalation.watch(now, FlowCounts::default(), Expected::Frames);
        let (counts, camera) = (FlowCounts::default(), PictureSource::Camera);
        Self { escalation, now, counts, camera, steps: Vec::new(), tenths: 0 }
    }

    fn pass(&mut self, seconds: u64, encoder: Encoder, network: Network) {
        let until = self.tenths + seconds * 10;
        while self.tenths < until && self.steps.last().is_none_or(|(_, step)| *step != EscalationStep::Leave)
        {
            self.tenths += 1;
            self.now += Duration::from_millis(100);
            self.counts.fed += 3;
            let works = match encoder {
                Encoder::Works => true,
                Encoder::Hangs => false,
                Encoder::WaitsFor(step) => self.steps.iter().any(|(_, taken)| *taken == step),
            };
            if network == Network::Takes {
                self.counts.packets += 5;
                if works {
                    self.counts.out += 3;
                }
            }
            if let Some(trouble) = self.escalation.check(self.now, self.counts) {
                self.has(trouble);
            }
        }
    }

    fn has(&mut self, trouble: EncoderTrouble) {
        let step = self.escalation.escalate(self.now, &trouble, self.camera);
        self.steps.push((self.tenths, step));
        if matches!(step, EscalationStep::Rebuild | EscalationStep::Change(_)) {
            self.escalation.watch(self.now, self.counts, Expected::Frames);
        }
    }

    fn breaks(&mut self) {
        self.has(EncoderTrouble::Broke("no such luck".to_owned()));
    }

    fn taken(&self) -> Vec<EscalationStep> {
        self.steps.iter().map(|(_, step)| *step).collect()
    }
}

#[test]
fn every_rung_is_taken_in_its_order_and_the_last_is_to_leave() {
    let mut seat = Seat::new(&BOARD);
    seat.pass(60, Encoder::Hangs, Network::Takes);
    assert_eq!(
        seat.steps,
        [
            (40, EscalationStep::KeyFrame),
            (50, EscalationStep::Rebuild),
            (90, EscalationStep::ReopenCamera),
            (110, EscalationStep::Change(1)),
            (150, EscalationStep::Change(2)),
            (190, EscalationStep::Leave)
        ]
    );
}

#[test]
fn the_first_rung_that_helps_is_the_last_that_is_taken() {
    use EscalationStep::{Change, KeyFrame, Rebuild, ReopenCamera};
    let whole = [KeyFrame, Rebuild, ReopenCamera, Change(1)];
    for (index, helps) in whole.into_iter().enumerate() {
        let mut seat = Seat::new(&BOARD);
        seat.pass(60, Encoder::Works, Network::Takes);
        seat.pass(60, Encoder::WaitsFor(helps), Network::Takes);
        assert_eq!(seat.taken(), whole[..=index]);
        assert_eq!(seat.steps[0].0, 620, "two seconds of nothing");
    }
}

#[test]
fn an_encoder_that_works_or_waits_for_the_network_is_left_alone() {
    let mut seat = Seat::new(&BOARD);
    seat.pass(60, Encoder::Works, Network::Takes);
    seat.pass(60, Encoder::Works, Network::Stands);
    seat.pass(60, Encoder::Works, Network::Takes);
    // What is not being watched owes nothing.
    seat.escalation.stop_watching();
    seat.pass(60, Encoder::Hangs, Network::Takes);
    assert_eq!(seat.steps, []);
}

#[test]
fn without_pictures_going_in_none_are_expected() {
    let mut seat = Seat::new(&BOARD);
    for _ in 0..600 {
        seat.now += Duration::from_millis(100);
        seat.counts.packets += 5;
        assert_eq!(seat.escalation.check(seat.now, seat.counts), None);
    }
}

#[test]
fn before_there_is_a_transport_only_the_first_frame_is_waited_for() {
    let mut seat = Seat::new(&BOARD);
    seat.escalation.watch(seat.now, seat.counts, Expected::First);
    seat.counts.out += 1;
    // Nobody takes more of it.
    seat.pass(60, Encoder::Hangs, Network::Stands);
    assert_eq!(seat.steps, []);
    seat.escalation.watch(seat.now, seat.counts, Expected::First);
    seat.pass(5, Encoder::Hangs, Network::Stands);
    assert_eq!(seat.steps, [(640, EscalationStep::Change(1))], "like one that cannot be made");
}

#[test]
fn a_slate_has_no_camera_to_reopen() {
    let mut seat = Seat::new(&BOARD);
    seat.camera = PictureSource::Slate;
    seat.pass(60, Encoder::Hangs, Network::Takes);
    let taken = seat.taken();
    assert_eq!(taken[..3], [EscalationStep::KeyFrame, EscalationStep::Rebuild, EscalationStep::Change(1)]);
    assert_eq!(taken.last(), Some(&EscalationStep::Leave));
}

#[test]
fn one_that_breaks_is_not_asked_for_a_key_frame_and_one_that_cannot_be_made_is_passed_over() {
    let mut seat = Seat::new(&BOARD);
    seat.breaks();
    seat.breaks();
    seat.has(EncoderTrouble::Unmade("no such device".to_owned()));
    seat.breaks();
    seat.has(EncoderTrouble::Unmade("nor this".to_owned()));
    use EscalationStep::{Change, Leave, Rebuild, ReopenCamera};
    assert_eq!(seat.taken(), [Rebuild, ReopenCamera, Change(1), Change(2), Leave]);
}

#[test]
fn who_has_recovered_stands_on_the_ground_again() {
    let mut seat = Seat::new(&BOARD);
    for _ in 0..4 {
        seat.pass(400, Encoder::Works, Network::Takes);
        seat.breaks();
    }
    assert_eq!(seat.taken(), [EscalationStep::Rebuild; 4], "two within ten minutes at most");
}

#[test]
fn at_the_third_failure_in_ten_minutes_it_is_software_until_the_program_is_started_again() {
    let mut seat = Seat::new(&[Hardware::Yes, Hardware::Yes, Hardware::No, Hardware::No]);
    for _ in 0..3 {
        seat.pass(60, Encoder::Works, Network::Takes);
        seat.breaks();
    }
    use EscalationStep::{Change, Rebuild};
    assert_eq!(seat.taken(), [Rebuild, Rebuild, Change(2)], "past the other part of the board");
    seat.escalation.begin();
    assert_eq!(seat.escalation.current(), 2, "in the next stay, too");
    for _ in 0..3 {
        seat.pass(60, Encoder::Works, Network::Takes);
        seat.breaks();
    }
    assert_eq!(seat.taken()[3..], [Rebuild, Rebuild, Change(3)], "software is not beyond suspicion");
    for _ in 0..3 {
        seat.pass(60, Encoder::Works, Network::Takes);
        seat.breaks();
    }
    assert_eq!(seat.taken()[6..], [Rebuild, Rebuild, EscalationStep::Leave], "and every way up ends");
}

#[test]
fn a_new_stay_begins_with_the_best_that_is_trusted() {
    let mut seat = Seat::new(&BOARD);
    seat.has(EncoderTrouble::Unmade("busy".to_owned()));
    assert_eq!((seat.taken(), seat.escalation.current()), (vec![EscalationStep::Change(1)], 1));
    seat.escalation.begin();
    assert_eq!(seat.escalation.current(), 0);
}
