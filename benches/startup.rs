//! From the accept to the first packet and to the first decoded frame, cold: each time a new host and a new guest, and the first
//! stay of both.

use super::rows::Row;
use super::seat;
use super::stand::Stand;

const TIMES: usize = 20;

pub fn measure(_: &Stand) -> anyhow::Result<Vec<Row>> {
    let (mut packets, mut frames) = (Vec::new(), Vec::new());
    for time in 1..=TIMES {
        // A broker of its own, too: the last one remembers where everybody was.
        let stand = Stand::open()?;
        let mut console = stand.console()?;
        let house = stand.house(&mut console)?;
        let seated = seat::sit(&mut console)?;
        println!(
            "  {time} of {TIMES}: first packet {:.0} ms, first frame {:.0} ms",
            seated.first_packet_ms, seated.first_frame_ms
        );
        packets.push(seated.first_packet_ms);
        frames.push(seated.first_frame_ms);
        house.end()?;
    }
    Ok(vec![Row::of_many("first_packet_ms", &packets), Row::of_many("first_frame_ms", &frames)])
}
