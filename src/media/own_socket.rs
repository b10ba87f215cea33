//! Whether the other end of a connection over loopback is a socket of this process, as the kernel has it (proc(5)).

use std::fs;
use std::net::SocketAddr;

/// Whether the socket at `from`, connected to `to`, is one that this process holds. Whatever cannot be read is none.
pub(super) fn is_ours(from: SocketAddr, to: SocketAddr) -> bool {
    let Ok(table) = fs::read_to_string("/proc/self/net/tcp") else { return false };
    let Some(inode) = inode(&table, from, to) else { return false };
    let wanted = format!("socket:[{inode}]");
    let Ok(open) = fs::read_dir("/proc/self/fd") else { return false };
    let mut links = open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| link.as_os_str() == wanted.as_str())
}

/// The inode of that connection's near end in `/proc/net/tcp`: local and remote address are the second and third word, the inode the tenth.
fn inode(table: &str, from: SocketAddr, to: SocketAddr) -> Option<&str> {
    let (from, to) = (written(from)?, written(to)?);
    table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words.get(1) == Some(&from.as_str()) && words.get(2) == Some(&to.as_str()))
            .then(|| words.get(9).copied())?
    })
}

/// As the table has it: the address as the machine's own number, in hexadecimal digits.
fn written(address: SocketAddr) -> Option<String> {
    match address {
        SocketAddr::V4(address) => {
            let number = u32::from_ne_bytes(address.ip().octets());
            Some(format!("{number:08X}:{:04X}", address.port()))
        }
        SocketAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_socket_of_this_process_is_told_from_one_of_another() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("bound");
        let own = TcpStream::connect(at).expect("it listens");
        let (_near, from) = listener.accept().expect("somebody");
        assert!(is_ours(from, at));
        drop(own);

        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{}; read -r -u 3 line", at.port());
        let other = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).spawn();
        let mut other = other.expect("bash");
        let (near, from) = listener.accept().expect("somebody");
        assert!(!is_ours(from, at));
        drop(near);
        other.wait().expect("it ends");
    }
}
