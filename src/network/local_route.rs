//! The way of one connection out of this machine: which of its own addresses it uses, and whether packets still leave from there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// What became of the way of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteState {
    /// Packets leave from the connection's own address.
    Kept,
    /// The address is gone, or packets would leave from another one, which the far side does not know.
    Moved,
    /// There is no way to the far side.
    Lost,
}

/// What is known of the addresses of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenAddresses {
    /// They are those of the two machines.
    OfMachines,
    /// One at least is that of a NAT or a relay.
    Translated,
}

/// The way of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalRoute {
    local: IpAddr,
    remote: SocketAddr,
    choice: AddressChoice,
}

/// Who chose the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AddressChoice {
    /// The kernel, by its table of routes: what that says today matters.
    Kernel,
    /// The program: only whether the address is still there matters.
    Program,
}

impl LocalRoute {
    /// The way of a connection to `remote`, from this address of this machine where that is known.
    ///
    /// # Errors
    /// There is no way.
    pub fn new(local: Option<IpAddr>, remote: SocketAddr) -> io::Result<Self> {
        let usual = source(remote)?;
        Ok(match local.filter(|local| *local != usual) {
            Some(local) => Self { local, remote, choice: AddressChoice::Program },
            None => Self { local: usual, remote, choice: AddressChoice::Kernel },
        })
    }

    /// The way of a connection between two addresses, one of which is this machine's.
    ///
    /// # Errors
    /// There is no way.
    pub fn between(one: SocketAddr, other: SocketAddr, seen: SeenAddresses) -> io::Result<Self> {
        match (is_own(one.ip()), is_own(other.ip()), seen) {
            (true, _, _) => Self::new(Some(one.ip()), other),
            (false, true, _) => Self::new(Some(other.ip()), one),
            // It was one of them, and is gone already.
            (false, false, SeenAddresses::OfMachines) => Self::new(Some(one.ip()), other),
            (false, false, SeenAddresses::Translated) => Self::new(None, other),
        }
    }

    /// Asks the kernel.
    pub fn state(&self) -> RouteState {
        match self.choice {
            AddressChoice::Program if is_own(self.local) => RouteState::Kept,
            AddressChoice::Program => RouteState::Moved,
            AddressChoice::Kernel => match source(self.remote) {
                Ok(source) if is_same(source, self.local) && is_own(self.local) => RouteState::Kept,
                Ok(_) => RouteState::Moved,
                Err(_) => RouteState::Lost,
            },
        }
    }
}

/// The address from which packets to `remote` leave: a UDP socket is connected, and nothing sent.
fn source(remote: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match remote {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}

/// Whether an address is this machine's.
fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// Temporary IPv6 addresses (RFC 8981) take turns inside one prefix, and the old ones stay valid.
fn is_same(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V6(one), IpAddr::V6(other)) => one.octets()[..8] == other.octets()[..8],
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_over_loopback_is_kept() {
        let remote = SocketAddr::from(([127, 0, 0, 1], 9));
        for local in [None, Some(Ipv4Addr::LOCALHOST.into()), Some(Ipv4Addr::new(127, 0, 0, 9).into())] {
            let route = LocalRoute::new(local, remote).expect("loopback is there");
            assert_eq!(route.state(), RouteState::Kept, "{local:?}");
        }
    }

    #[test]
    fn an_address_that_is_gone_has_moved() {
        let gone = Some(Ipv4Addr::new(203, 0, 113, 7).into());
        let gone = LocalRoute::new(gone, SocketAddr::from(([127, 0, 0, 1], 9))).expect("loopback is there");
        assert_eq!(gone.state(), RouteState::Moved);
        assert_eq!(LocalRoute { choice: AddressChoice::Kernel, ..gone }.state(), RouteState::Moved);
    }

    #[test]
    fn an_address_that_was_gone_before_it_was_looked_at_has_moved() {
        let gone = SocketAddr::from(([203, 0, 113, 7], 9));
        let route = |seen| LocalRoute::between(gone, SocketAddr::from(([203, 0, 113, 8], 9)), seen);
        // Where there is no way to anybody else there is nothing to learn.
        let Ok(translated) = route(SeenAddresses::Translated) else { return };
        assert_eq!(translated.state(), RouteState::Kept);
        assert_eq!(route(SeenAddresses::OfMachines).expect("there is a way").state(), RouteState::Moved);
    }

    #[test]
    fn temporary_addresses_take_turns_inside_a_prefix() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(is_same(address("2001:db8::1"), address("2001:db8::2")));
        assert!(!is_same(address("2001:db8::1"), address("2001:db8:0:1::1")));
        assert!(!is_same(address("192.0.2.1"), address("192.0.2.2")));
    }
}
