//! TLS for `turns:` (RFC 7065): libnice speaks TURN over TCP in clear only, so each peer connection has a door on this machine
//! behind which what is said is encrypted.
//!
//! ```text
//! webrtcbin ── turn:127.0.0.1:PORT?transport=tcp ─► door ── TLS, or TCP with a zone ─► the server
//! ```
//! Invariants: a door is on loopback, on a port that the kernel picks, opens to sockets of this process only, and to [`MOST`] of them at
//! a time; it ends with the peer connection it is for. The server's certificate is checked against the host of the URL. One thread
//! for all doors of a peer, whatever passes. Not here: the login, which libnice says itself.

use std::cell::RefCell;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::own_socket;
use crate::authorities;

/// Connections through one door at a time: one for each own address, and those that are closing.
const MOST: usize = 16;

/// To find, reach and check a server; an attempt at a connection has 10 s in all.
const REACH: Duration = Duration::from_secs(8);

/// After a door could not open to somebody: the process has no descriptor left.
const BREATH: Duration = Duration::from_millis(200);

/// Where a door leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Behind {
    /// A name or an address without brackets; a link-local one with its zone.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) how: How,
}

/// How it is spoken there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Tls,
    Tcp,
}

/// The doors of one peer connection. They are open as long as it is kept.
pub(super) struct Doors {
    ports: Vec<u16>,
    _open: oneshot::Sender<()>,
}

impl Doors {
    /// Opens one for each. `ca` names the authorities that are believed, in place of the system's.
    pub(super) fn open(behind: Vec<Behind>, ca: Option<PathBuf>) -> io::Result<Self> {
        let (mut ports, mut listeners) = (Vec::new(), Vec::new());
        for behind in behind {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            ports.push(listener.local_addr()?.port());
            listeners.push((listener, behind));
        }
        let (open, closed) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("turns".into()).spawn(move || {
            let doors = LocalSet::new();
            doors.block_on(&runtime, async {
                let tls = Tls::new(ca.as_deref());
                for (listener, behind) in listeners {
                    match TcpListener::from_std(listener) {
                        Ok(listener) => drop(tokio::task::spawn_local(keep(listener, behind, tls.clone()))),
                        Err(error) => tracing::warn!("no way to {}: {error}", behind.host),
                    }
                }
                // It is never said: that nobody keeps the doors any more is what ends them.
                closed.await.unwrap_or_default();
            });
            drop(doors);
            // A name that is still being asked for is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { ports, _open: open })
    }

    /// The ports on loopback, in the order of what is behind them.
    pub(super) fn ports(&self) -> &[u16] {
        &self.ports
    }
}

/// How servers are believed, or why none is.
#[derive(Clone)]
struct Tls(Result<TlsConnector, Rc<str>>);

impl Tls {
    fn new(ca: Option<&Path>) -> Self {
        let config = || {
            let mut roots = RootCertStore::empty();
            // Distributions carry some authorities that cannot be parsed; the others can.
            roots.add_parsable_certificates(authorities::read(ca)?);
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let versions =
                ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let config = versions.map_err(|error| error.to_string())?;
            Ok(config.with_root_certificates(roots).with_no_client_auth())
        };
        Self(config().map(|config| TlsConnector::from(Arc::new(config))).map_err(|why: String| why.into()))
    }
}

async fn keep(listener: TcpListener, behind: Behind, tls: Tls) {
    let free = Arc::new(Semaphore::new(MOST));
    let said = Rc::new(RefCell::new(String::new()));
    loop {
        let Ok((near, from)) = listener.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        let own = near.local_addr().is_ok_and(|at| own_socket::is_ours(from, at));
        let Some(place) = own.then(|| Arc::clone(&free).try_acquire_owned().ok()).flatten() else { continue };
        let (behind, tls, said) = (behind.clone(), tls.clone(), Rc::clone(&said));
        tokio::task::spawn_local(async move {
            if let Err(why) = pass(near, &behind, &tls).await {
                let Behind { host, port, .. } = &behind;
                let line = format!("no relay by the TURN server {host}, port {port}: {why}");
                if *said.borrow() != line {
                    tracing::warn!("{line}");
                    said.replace(line);
                }
            }
            drop(place);
        });
    }
}

/// Until either side has ended.
async fn pass(mut near: TcpStream, behind: &Behind, tls: &Tls) -> Result<(), String> {
    let said = |error: io::Error| error.to_string();
    let late = |_| format!("it does not answer within {} s", REACH.as_secs());
    let reach = TcpStream::connect((behind.host.as_str(), behind.port));
    let mut far = timeout(REACH, reach).await.map_err(late)?.map_err(said)?;
    for stream in [&near, &far] {
        // Media: nothing waits for more.
        stream.set_nodelay(true).map_err(said)?;
    }
    let passed = match behind.how {
        How::Tcp => copy_bidirectional(&mut near, &mut far).await,
        How::Tls => {
            let connector = tls.0.as_ref().map_err(ToString::to_string)?;
            let bare = behind.host.split('%').next().unwrap_or_default();
            let name =
                ServerName::try_from(bare.to_owned()).map_err(|_| "it has no name to check".to_owned())?;
            let shaken = timeout(REACH, connector.connect(name, far)).await.map_err(late)?;
            let mut far = shaken.map_err(|error| format!("TLS fails: {error}"))?;
            copy_bidirectional(&mut near, &mut far).await
        }
    };
    // However a connection that was there ends, libnice knows what that means.
    passed.map(|_| ()).or(Ok(()))
}
