//! The network of a stay as it is published: how good it is, and the numbers of the moment when that last changed.

use crate::model::media::GuestStats;
use crate::model::state::{Network, NetworkQuality};

/// The network of a stay.
#[derive(Debug)]
pub(super) struct StayNetwork(Network);

impl StayNetwork {
    pub(super) fn new() -> Self {
        Self(Network::UNKNOWN)
    }

    pub(super) fn update(&mut self, stats: &GuestStats) {
        let quality = quality(stats);
        if quality != self.0.quality {
            self.0 = Network {
                quality,
                delay_ms: stats.round_trip_ms,
                up_loss: stats.loss,
                down_loss: stats.down_loss,
            };
        }
    }

    pub(super) fn state(&self) -> Network {
        self.0.clone()
    }

    /// The state while no peer connection carries.
    pub(super) fn down(&self) -> Network {
        Network { quality: NetworkQuality::Down, ..self.0.clone() }
    }
}

/// The quality of the network by the worse of delay and loss.
fn quality(stats: &GuestStats) -> NetworkQuality {
    let (Some(delay), loss) = (stats.round_trip_ms, stats.loss.unwrap_or(0.0)) else {
        return NetworkQuality::Unknown;
    };
    let steps = [
        (NetworkQuality::Excellent, 100.0, 0.01),
        (NetworkQuality::Good, 200.0, 0.03),
        (NetworkQuality::Poor, 400.0, 0.08),
        (NetworkQuality::Bad, 800.0, 0.2),
    ];
    let fits =
        |(_, most_delay, most_loss): &&(NetworkQuality, f64, f64)| delay <= *most_delay && loss <= *most_loss;
    steps.iter().find(fits).map_or(NetworkQuality::VeryBad, |(quality, ..)| *quality)
}
