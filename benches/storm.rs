//! Four guests that offer a new session fifty times a second, with all the bytes that a signal may have, beside one that is seen: how
//! long the stage's thread does not turn.

use std::time::{Duration, Instant};

use super::room::{Room, an_offer};
use super::rows::Row;
use super::stand::Stand;

const STORMERS: usize = 4;
const SESSIONS: u32 = 500;
const EVERY: Duration = Duration::from_millis(20);

pub fn measure(_stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut room = Room::open()?;
    room.enter(1)?;
    let offer = an_offer()?;
    let line = "a=x:0123456789\r\n";
    let offer = format!("{offer}{}", line.repeat((58 * 1024 - offer.len()) / line.len()));
    let began = Instant::now();
    let mut threads = 0;
    for n in 1..=SESSIONS {
        for stormer in 0..STORMERS {
            room.offer(&format!("storm-{stormer}"), &offer)?;
        }
        room.pass((began + EVERY * n).saturating_duration_since(Instant::now()))?;
        threads = threads.max(room.process.threads()?);
    }
    Ok(vec![Row::new("storm_gap_ms", room.end()?).with("threads", threads as f64)])
}
