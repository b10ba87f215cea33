//! The candidate pair that carries a peer connection (RFC 8445), as webrtcbin's statistics have it.

use std::net::SocketAddr;

use gstreamer as gst;
use gstreamer_webrtc::WebRTCStatsType;

use crate::network::SeenAddresses;

/// The addresses of the pair. GStreamer 1.22 has local and remote the wrong way round; which of them is this machine's is asked of
/// the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelectedPair {
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub seen: SeenAddresses,
}

impl SelectedPair {
    /// All media go over one transport: there is one pair.
    pub fn read(stats: &gst::StructureRef) -> Option<Self> {
        let entries = || stats.iter().filter_map(|(_, value)| value.get::<gst::Structure>().ok());
        let candidate = |wanted| {
            let entry = entries().find(|entry| entry.get("type") == Ok(wanted))?;
            let port = u16::try_from(entry.get::<u32>("port").ok()?).ok()?;
            let address = SocketAddr::new(entry.get::<&str>("address").ok()?.parse().ok()?, port);
            Some((address, entry.get("candidate-type") == Ok("host")))
        };
        let (local, here) = candidate(WebRTCStatsType::LocalCandidate)?;
        let (remote, there) = candidate(WebRTCStatsType::RemoteCandidate)?;
        let seen = if here && there { SeenAddresses::OfMachines } else { SeenAddresses::Translated };
        Some(Self { local, remote, seen })
    }
}
