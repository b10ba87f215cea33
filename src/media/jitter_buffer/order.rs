//! Packets in the order of their numbers. Pure: it is told the time.

use std::collections::BTreeMap;
use std::time::Duration;

/// Numbers that a packet may be ahead of what is due; further ones are another beginning, or a lie.
const MOST_AHEAD: i16 = 1_000;
/// … or behind it, where it is only late: 1.5 s at 2 Mbit/s.
const MOST_BEHIND: i16 = 300;
/// So many packets in a row begin the numbers anew.
const BEGINNING: u32 = 3;
/// Packets that wait behind a gap; with more of them it is given up.
const MOST_HELD: usize = 512;
/// Missing packets that are asked for; where more are missing a key frame is cheaper.
const MOST_MISSING: usize = 128;
/// A missing packet is asked for so often …
const MOST_ASKS: u32 = 4;
/// … with a pause of a usual round trip.
const ASK_PAUSE: Duration = Duration::from_millis(40);
/// Without retransmission what is missing can only have been overtaken, by so many packets at most.
const OVERTAKEN_BY: usize = 3;

/// What is done about a missing packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repair {
    /// It may have been overtaken.
    #[default]
    None,
    /// It is asked for.
    Retransmission,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// This packet goes on.
    Pass(T),
    /// `count` packets from this number on are given up.
    Lost {
        /// The first.
        number: u16,
        /// How many.
        count: u16,
    },
    /// The packet of this number is to be asked for.
    Ask {
        /// Its number.
        number: u16,
        /// How often it was asked for already.
        retry: u32,
    },
}

/// What became of the packets, counted since the stream began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Given up.
    pub lost: u64,
    /// That came after they were given up.
    pub late: u64,
    /// That came twice.
    pub twice: u64,
    /// That came after they were asked for.
    pub repaired: u64,
}

/// One stream.
#[derive(Debug)]
pub struct Order<T> {
    /// The number that is due, counted on over its 16 bits; `None` before the first packet.
    due: Option<u64>,
    /// What came early, with the time at which it came.
    held: BTreeMap<u64, (Duration, T)>,
    missing: BTreeMap<u64, Asked>,
    strange: Option<Strange>,
    counts: Counts,
}

#[derive(Debug)]
struct Asked {
    last: Duration,
    times: u32,
}

/// Numbers in a row that fit nowhere.
#[derive(Debug)]
struct Strange {
    next: u16,
    count: u32,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self {
            due: None,
            held: BTreeMap::new(),
            missing: BTreeMap::new(),
            strange: None,
            counts: Counts::default(),
        }
    }
}

impl<T> Order<T> {
    /// What became of the packets.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a packet that came `now`. What is missing is waited for as long as `wait`, if it can be repaired.
    pub fn take(
        &mut self,
        now: Duration,
        number: u16,
        packet: T,
        repair: Repair,
        wait: Duration,
    ) -> Vec<Step<T>> {
        let mut steps = Vec::new();
        let due = *self.due.get_or_insert(first(number));
        let ahead = number.wrapping_sub(due as u16) as i16;
        if !(-MOST_BEHIND..=MOST_AHEAD).contains(&ahead) {
            if self.begins_anew(number) {
                self.begin(number, &mut steps);
                steps.push(Step::Pass(packet));
            }
            return steps;
        }
        self.strange = None;
        let Some(number) = due.checked_add_signed(i64::from(ahead)).filter(|number| *number >= due) else {
            self.counts.late += 1;
            return steps;
        };
        if self.held.contains_key(&number) {
            self.counts.twice += 1;
            return steps;
        }
        if repair == Repair::Retransmission {
            self.miss(now, due, number, &mut steps);
        }
        self.held.insert(number, (now, packet));
        self.release(now, repair, wait, &mut steps);
        steps
    }

    /// Whether this number, which fits nowhere, is the last of enough in a row.
    fn begins_anew(&mut self, number: u16) -> bool {
        let count = match self.strange {
            Some(Strange { next, count }) if next == number => count + 1,
            Some(_) | None => 1,
        };
        self.strange = Some(Strange { next: number.wrapping_add(1), count });
        count >= BEGINNING
    }

    fn begin(&mut self, number: u16, steps: &mut Vec<Step<T>>) {
        steps.extend(std::mem::take(&mut self.held).into_values().map(|(_, packet)| Step::Pass(packet)));
        self.missing.clear();
        self.strange = None;
        self.due = Some(first(number) + 1);
    }

    /// Asks for what is missing before `number`, now and again.
    fn miss(&mut self, now: Duration, due: u64, number: u64, steps: &mut Vec<Step<T>>) {
        if self.missing.remove(&number).is_some() {
            self.counts.repaired += 1;
        }
        for (missing, asked) in &mut self.missing {
            if asked.times < MOST_ASKS && now.saturating_sub(asked.last) >= ASK_PAUSE {
                steps.push(Step::Ask { number: *missing as u16, retry: asked.times });
                *asked = Asked { last: now, times: asked.times + 1 };
            }
        }
        let known = self.held.last_key_value().map_or(due, |(last, _)| last + 1);
        if number.saturating_sub(known) as usize + self.missing.len() > MOST_MISSING {
            return;
        }
        for missing in known..number {
            steps.push(Step::Ask { number: missing as u16, retry: 0 });
            self.missing.insert(missing, Asked { last: now, times: 1 });
        }
    }

    fn release(&mut self, now: Duration, repair: Repair, wait: Duration, steps: &mut Vec<Step<T>>) {
        let Some(mut due) = self.due else { return };
        while let Some((number, (came, _))) = self.held.first_key_value() {
            let is_enough = match repair {
                Repair::None => self.held.len() >= OVERTAKEN_BY,
                Repair::Retransmission => self.held.len() > MOST_HELD,
            };
            if *number > due && !is_enough && now.saturating_sub(*came) < wait {
                break;
            }
            let Some((number, (_, packet))) = self.held.pop_first() else { break };
            if number > due {
                self.counts.lost += number - due;
                // At most `MOST_AHEAD`.
                steps.push(Step::Lost { number: due as u16, count: (number - due) as u16 });
                self.missing = self.missing.split_off(&number);
            }
            steps.push(Step::Pass(packet));
            due = number + 1;
        }
        self.due = Some(due);
    }
}

/// A first number, far from where counting would go below nothing.
fn first(number: u16) -> u64 {
    1 << 32 | u64::from(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(120);

    /// Takes these numbers, one a millisecond; what is done of it: `5` passed, `-5` lost, `1005` asked for.
    fn played(repair: Repair, numbers: impl IntoIterator<Item = u16>) -> Vec<i32> {
        let mut order = Order::default();
        at_times(&mut order, repair, numbers.into_iter().enumerate().map(|(ms, number)| (ms as u64, number)))
    }

    fn at_times(
        order: &mut Order<u16>,
        repair: Repair,
        numbers: impl IntoIterator<Item = (u64, u16)>,
    ) -> Vec<i32> {
        let take = |(ms, number)| order.take(Duration::from_millis(ms), number, number, repair, WAIT);
        let steps = numbers.into_iter().flat_map(take);
        steps
            .flat_map(|step| match step {
                Step::Pass(number) => vec![i32::from(number)],
                Step::Lost { number, count } => {
                    (0..count).map(|n| -i32::from(number.wrapping_add(n))).collect()
                }
                Step::Ask { number, .. } => vec![1_000 + i32::from(number)],
            })
            .collect()
    }

    #[test]
    fn packets_in_order_pass_at_once_also_over_the_end_of_their_numbers() {
        assert_eq!(played(Repair::None, [65_534, 65_535, 0, 1]), [65_534, 65_535, 0, 1]);
        assert_eq!(played(Repair::Retransmission, [7, 8, 9]), [7, 8, 9]);
    }

    #[test]
    fn what_was_overtaken_is_put_in_its_place() {
        assert_eq!(played(Repair::None, [1, 3, 4, 2, 5]), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_cannot_be_repaired_is_given_up_after_three_packets_or_the_wait() {
        assert_eq!(played(Repair::None, [1, 3, 4, 5, 6, 2]), [1, -2, 3, 4, 5, 6]);
        let mut order = Order::default();
        let times = [(0, 1), (10, 3), (129, 4), (131, 5)];
        assert_eq!(at_times(&mut order, Repair::None, times), [1, -2, 3, 4, 5]);
        assert_eq!(order.counts(), Counts { lost: 1, ..Counts::default() });
    }

    #[test]
    fn what_is_missing_is_asked_for_and_waited_for() {
        assert_eq!(played(Repair::Retransmission, [1, 3, 4, 5, 2, 6]), [1, 1_002, 2, 3, 4, 5, 6]);
        let mut order = Order::default();
        let times = [(0, 1), (10, 3), (30, 4), (51, 5), (95, 6), (129, 7), (131, 8), (140, 2)];
        let asked = [1, 1_002, 1_002, 1_002, -2, 3, 4, 5, 6, 7, 8];
        assert_eq!(at_times(&mut order, Repair::Retransmission, times), asked);
        assert_eq!(order.counts(), Counts { lost: 1, late: 1, ..Counts::default() });
    }

    #[test]
    fn a_packet_is_asked_for_four_times_at_most() {
        let mut order = Order::default();
        let times = (0..100).map(|n| (50 * n, if n == 0 { 0 } else { n as u16 + 1 }));
        let steps: Vec<i32> = times
            .flat_map(|(ms, number)| {
                order.take(
                    Duration::from_millis(ms),
                    number,
                    number,
                    Repair::Retransmission,
                    Duration::from_secs(600),
                )
            })
            .filter_map(|step| match step {
                Step::Ask { number, .. } => Some(i32::from(number)),
                Step::Pass(_) | Step::Lost { .. } => None,
            })
            .collect();
        assert_eq!(steps, [1, 1, 1, 1]);
    }

    #[test]
    fn a_large_gap_asks_for_nothing() {
        assert_eq!(played(Repair::Retransmission, [1, 300]), [1]);
    }

    #[test]
    fn twice_and_too_late_are_dropped_and_counted() {
        let mut order = Order::default();
        let steps = at_times(&mut order, Repair::None, [(0, 5), (1, 7), (2, 7), (3, 5), (4, 6), (5, 6)]);
        assert_eq!(steps, [5, 6, 7]);
        assert_eq!(order.counts(), Counts { twice: 1, late: 2, ..Counts::default() });
    }

    #[test]
    fn one_number_from_elsewhere_is_dropped_and_three_in_a_row_begin_anew() {
        assert_eq!(played(Repair::None, [1, 30_000, 2, 3]), [1, 2, 3]);
        assert_eq!(
            played(Repair::None, [1, 3, 30_000, 30_001, 30_002, 30_003]),
            [1, 3, 30_002, 30_003],
            "what waited goes first"
        );
    }

    #[test]
    fn whatever_numbers_come_little_is_kept_and_nothing_passes_twice() {
        let mut order = Order::default();
        let mut state = 1u32;
        for ms in 0..50_000u64 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = match state >> 30 {
                0 => (state >> 8) as u16,
                1 => (ms as u16).wrapping_add((state >> 20) as u16 % 900),
                _ => ms as u16,
            };
            let repair = if ms % 2 == 0 { Repair::Retransmission } else { Repair::None };
            let steps = order.take(Duration::from_millis(ms), number, number, repair, WAIT);
            assert!(steps.len() <= 2 * (MOST_HELD + MOST_MISSING), "{} steps", steps.len());
            assert!(order.held.len() <= MOST_HELD + 1 && order.missing.len() <= MOST_MISSING);
        }
    }
}
