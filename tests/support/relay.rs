//! A cable that can be pulled: a TCP relay on a free loopback port in front of another port.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const PASSING: u8 = 0;
const STALLED: u8 = 1;
const CUT: u8 = 2;
const GONE: u8 = 3;

/// See the module. Ends with its value.
pub struct Relay {
    port: u16,
    state: Arc<AtomicU8>,
    sockets: Arc<Mutex<Vec<TcpStream>>>,
    acceptor: Option<JoinHandle<()>>,
}

impl Relay {
    /// A relay to this loopback port.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new(AtomicU8::new(PASSING));
        let sockets = Arc::new(Mutex::new(Vec::new()));
        let (of_thread, of_sockets) = (Arc::clone(&state), Arc::clone(&sockets));
        let acceptor = std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                match of_thread.load(Ordering::SeqCst) {
                    GONE => return,
                    CUT => continue,
                    _ => {}
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone(), to.try_clone());
                    let (from, to) = (from.expect("a descriptor"), to.expect("a descriptor"));
                    let state = Arc::clone(&of_thread);
                    std::thread::spawn(move || pass(from, to, &state));
                }
                of_sockets.lock().expect("no panic inside").extend([near, far]);
            }
        });
        Self { port, state, sockets, acceptor: Some(acceptor) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections, and each new one at once.
    pub fn cut(&self) {
        self.state.store(CUT, Ordering::SeqCst);
        self.close();
    }

    /// Keeps connections open but passes nothing on.
    pub fn stall(&self) {
        self.state.store(STALLED, Ordering::SeqCst);
    }

    /// Passes everything on again.
    pub fn mend(&self) {
        self.state.store(PASSING, Ordering::SeqCst);
    }

    fn close(&self) {
        for socket in self.sockets.lock().expect("no panic inside").drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.store(GONE, Ordering::SeqCst);
        self.close();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, state: &AtomicU8) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        while state.load(Ordering::SeqCst) == STALLED {
            std::thread::sleep(Duration::from_millis(2));
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
