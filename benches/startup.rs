//! From the accept to the first packet and to the first decoded frame, cold: each time a new host and a new guest, and the first
//! stay of both.

use super::rows::{Row, quantile};
use super::seat;
use super::stand::{Broker, Stand};

const TIMES: usize = 20;

pub fn measure(_: &Stand) -> anyhow::Result<Vec<Row>> {
    let (mut packets, mut frames) = (Vec::new(), Vec::new());
    let mut shipped = Vec::new();
    // Turn by turn, so that both have the same machine.
    for time in 1..=TIMES {
        let seated = once(Broker::Tuned)?;
        let as_shipped = once(Broker::AsShipped)?;
        println!(
            "  {time} of {TIMES}: first packet {:.0} ms, first frame {:.0} ms; with a broker as shipped {:.0} ms",
            seated.first_packet_ms, seated.first_frame_ms, as_shipped.first_packet_ms
        );
        packets.push(seated.first_packet_ms);
        frames.push(seated.first_frame_ms);
        shipped.push(as_shipped.first_packet_ms);
    }
    let slower = quantile(&shipped, 0.5) / quantile(&packets, 0.5);
    Ok(vec![
        Row::of_many("first_packet_ms", &packets),
        Row::of_many("first_frame_ms", &frames),
        Row::new("first_packet_as_shipped_ratio", slower).with("ms", quantile(&shipped, 0.5)),
    ])
}

/// The first stay of a new host and a new guest.
fn once(broker: Broker) -> anyhow::Result<seat::Seated> {
    // A broker of its own, too: the last one remembers where everybody was.
    let stand = Stand::with(broker)?;
    let mut console = stand.console()?;
    let house = stand.house(&mut console)?;
    let seated = seat::sit(&mut console)?;
    house.end()?;
    Ok(seated)
}
