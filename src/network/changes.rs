//! What the kernel says of interfaces, addresses and routes (rtnetlink): that something changed, or that the network comes back.
//!
//! A kiosk whose Wi-Fi was away for a minute must not sit out a pause that is meant for a broker that is away. There only what comes
//! back counts: a Wi-Fi that looks for others is no news.
//!
//! Invariant: nothing is asked of the kernel, and nobody is woken who does not wait; a socket that fails is as good as none. Not here:
//! whether anybody can be reached.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::os::unix::net::UnixDatagram;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use tokio::net;

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV4_ROUTE`, `RTMGRP_IPV6_IFADDR` and `RTMGRP_IPV6_ROUTE` of rtnetlink.h.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// Messages of rtnetlink.h.
const NEW_LINK: u16 = 16;
const LOST_LINK: u16 = 17;
const NEW_ADDRESS: u16 = 20;
/// `IFF_RUNNING` of if.h: the interface is up and carries.
const CARRIES: u32 = 0x40;
/// The length of what each message begins with: `struct nlmsghdr`.
const HEADER: usize = 16;
/// More than the kernel says at once (netlink(7)).
const LARGEST: usize = 16 * 1024;

/// What the kernel says from now on.
pub struct NetworkChanges {
    /// Of netlink; to receive is the same with all that give whole messages.
    socket: net::UnixDatagram,
    links: Links,
    buffer: Vec<u8>,
}

/// The interfaces that were heard of, by their index, and whether they carry.
#[derive(Default)]
struct Links(BTreeMap<u32, bool>);

/// What one message of the kernel means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NetworkNews {
    Change,
    /// An interface carries again, or has a new address.
    Return,
}

impl NetworkChanges {
    /// Listens. Inside a runtime only.
    ///
    /// # Errors
    /// The kernel cannot be heard.
    pub fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // The first of netlink's protocols is rtnetlink.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        let socket = net::UnixDatagram::from_std(UnixDatagram::from(socket))?;
        Ok(Self { socket, links: Links::default(), buffer: vec![0; LARGEST] })
    }

    /// Returns when something changes; never, where the kernel cannot be heard.
    pub async fn change(&mut self) {
        self.hear().await;
    }

    /// Returns when the network comes back; never, where the kernel cannot be heard.
    pub async fn comes_back(&mut self) {
        while self.hear().await == NetworkNews::Change {}
    }

    async fn hear(&mut self) -> NetworkNews {
        match self.socket.recv(&mut self.buffer).await {
            Ok(length) if self.links.come_back(&self.buffer[..length]) => NetworkNews::Return,
            Ok(_) => NetworkNews::Change,
            // There was more than it holds: anything may have happened.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => {
                self.links = Links::default();
                NetworkNews::Return
            }
            Err(error) => {
                tracing::debug!(%error, "what becomes of the network is not heard");
                pending().await
            }
        }
    }
}

impl Links {
    /// Whether one of these messages says that something came back.
    fn come_back(&mut self, messages: &[u8]) -> bool {
        let mut back = false;
        let mut rest = messages;
        while let Some(length) = number(rest, 0).and_then(|length| usize::try_from(length).ok())
            && let Some(message) = rest.get(..length)
            && let Some(kind) = message.get(4..6)
            && length >= HEADER
        {
            back |= self.says(u16::from_ne_bytes([kind[0], kind[1]]), message);
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        back
    }

    fn says(&mut self, kind: u16, message: &[u8]) -> bool {
        match (kind, number(message, HEADER + 4), number(message, HEADER + 8)) {
            (NEW_ADDRESS, ..) => true,
            (NEW_LINK, Some(index), Some(flags)) => {
                let carries = flags & CARRIES != 0;
                let before = self.0.insert(index, carries).unwrap_or(false);
                carries && !before
            }
            (LOST_LINK, Some(index), _) => {
                self.0.remove(&index);
                false
            }
            _ => false,
        }
    }
}

/// The number at this place, as the machine writes it.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::process::Command;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn message(kind: u16, index: u32, flags: u32) -> Vec<u8> {
        let mut message = vec![0; 32];
        message[..4].copy_from_slice(&32u32.to_ne_bytes());
        message[4..6].copy_from_slice(&kind.to_ne_bytes());
        message[20..24].copy_from_slice(&index.to_ne_bytes());
        message[24..28].copy_from_slice(&flags.to_ne_bytes());
        message
    }

    #[test]
    fn an_interface_comes_back_when_it_carries_and_did_not() {
        let mut links = Links::default();
        let mut says = |kind, index, flags| links.come_back(&message(kind, index, flags));
        assert!(says(NEW_LINK, 2, CARRIES | 1), "it was not heard of before");
        assert!(!says(NEW_LINK, 2, CARRIES | 1), "a Wi-Fi that looks for others");
        assert!(!says(NEW_LINK, 2, 1) && !says(LOST_LINK, 3, 0));
        assert!(says(NEW_LINK, 2, CARRIES) && says(NEW_LINK, 3, CARRIES));
        assert!(!says(LOST_LINK, 3, CARRIES));
        assert!(says(NEW_LINK, 3, CARRIES), "pulled out and in again");
        assert!(says(NEW_ADDRESS, 2, 0));
        let both = [message(NEW_LINK, 2, 1), message(NEW_LINK, 2, CARRIES)].concat();
        assert!(links.come_back(&both), "one behind the other");
    }

    #[test]
    fn any_bytes_are_taken() {
        let mut links = Links::default();
        let whole = message(NEW_LINK, 2, CARRIES);
        for end in 0..whole.len() {
            assert!(!links.come_back(&whole[..end]), "{end}");
        }
        for length in [0u32, 1, 15, 33, u32::MAX] {
            let mut lying = whole.clone();
            lying[..4].copy_from_slice(&length.to_ne_bytes());
            assert!(!links.come_back(&lying), "{length}");
        }
    }

    /// Set in the process that has a network of its own.
    const APART: &str = "COGUEST_TEST_APART";

    #[test]
    fn the_kernel_says_when_an_interface_is_there() {
        if std::env::var_os(APART).is_some() {
            return apart();
        }
        let root = fs::metadata("/proc/self").expect("Linux has it").uid() == 0;
        let status = Command::new("unshare")
            // Only who is not root outside needs a user namespace to be root inside.
            .arg(if root { "-n" } else { "-rn" })
            .arg(std::env::current_exe().expect("this program has a path"))
            .args(["--exact", "network::changes::tests::the_kernel_says_when_an_interface_is_there"])
            .env(APART, "1")
            .status()
            .expect("unshare: apt-get install util-linux");
        assert!(status.success());
    }

    fn apart() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut network = NetworkChanges::open().expect("the kernel can be heard");
            timeout(Duration::from_millis(200), network.comes_back()).await.expect_err("nothing has changed");
            for change in ["link set lo up", "addr add 192.0.2.1/32 dev lo"] {
                let status = Command::new("ip").args(change.split(' ')).status();
                assert!(status.expect("ip: apt-get install iproute2").success(), "{change}");
                timeout(Duration::from_secs(60), network.comes_back()).await.expect(change);
            }
            let status = Command::new("ip").args("addr del 192.0.2.1/32 dev lo".split(' ')).status();
            assert!(status.expect("ip is there").success());
            timeout(Duration::from_secs(60), network.change()).await.expect("a lost address is a change");
        });
    }
}
