//! A guest behind a router whose way out becomes narrow, and wide again; both ends are the real program.

mod support;

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::broker::{Setup, free_port};
use support::client::Client;
use support::daemon::Start;
use support::routed_network::RoutedNetwork;
use support::stand::{HOST, PREFIX, ROOM, Stand};

/// No rate needs longer to be reached on any machine that can run this.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a daemon says of its media.
struct Statistics<'a> {
    operator: &'a Client,
    topic: String,
}

impl Statistics<'_> {
    fn since(&self, mark: usize) -> Vec<Value> {
        self.operator.on(&self.topic, mark)
    }

    fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let (mark, deadline) = (self.operator.mark(), Instant::now() + PATIENCE);
        while !self.since(mark).iter().any(&wanted) {
            assert!(Instant::now() < deadline, "never {what}: {:?}", self.since(mark).last());
            sleep(Duration::from_millis(200));
        }
    }
}

fn number(stats: &Value, of: &str) -> f64 {
    stats[of].as_f64().unwrap_or_default()
}

#[test]
fn a_guest_sends_what_the_network_carries() {
    let network = match RoutedNetwork::open() {
        Ok(network) => network,
        Err(why) => return eprintln!("NOT RUN: a guest behind a bottleneck: {why}"),
    };
    let port = free_port();
    let stand = Stand::with(Setup::new().line(&format!("listener {port} {}", network.address())));
    let _host = stand.host(&["host.accept_applications=always", "media.stats_interval=1"]);
    let url = format!("mqtt://{}:{port}", network.address());
    let mark = stand.operator.mark();
    let guest = Start::under(network.inside(), "guest", "ada", &url);
    let _guest = guest.set(&["media.quality=720p", "media.stats_interval=1"]).go();
    stand.status("ada", mark, "online");
    stand.ok("ada", "join_live", json!({"live_id": ROOM}));
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 0}));
    stand.event("ada", "media_live", mark);
    let of = |device: &str| Statistics {
        operator: &stand.operator,
        topic: format!("{PREFIX}/device/{device}/stats"),
    };
    let (sent, seen) = (of("ada"), of(HOST));
    sent.until("the rate of the quality", |stats| {
        stats["limited_by"] == "quality" && number(stats, "acknowledged_kbps") > 1_200.0
    });
    is_followed_down(&stand, &network, &sent, &seen);
    is_followed_up(&stand, &network, &sent);
}

fn is_followed_down(stand: &Stand, network: &RoutedNetwork, sent: &Statistics, seen: &Statistics) {
    let mark = stand.operator.mark();
    network.narrow(1_000, 300);
    let reduced = stand.event("ada", "quality_reduced", mark);
    assert!(reduced["height"].as_u64() < Some(720), "{reduced}");
    let state =
        stand.until_state("ada", mark, |state| state["camera"]["sent"]["height"].as_u64() < Some(720));
    assert!(state["summary"].as_str().is_some_and(|said| said.contains("picture reduced to")), "{state}");
    // The first seconds are those of the change.
    sleep(Duration::from_secs(8));
    let (mark, began, before) = (stand.operator.mark(), Instant::now(), network.passed());
    sleep(Duration::from_secs(25));
    let carried = (network.passed() - before) as f64 * 8.0 / 1_000.0 / began.elapsed().as_secs_f64();
    let of_guest = sent.since(mark);
    let mean = of_guest.iter().map(|stats| number(stats, "sent_kbps")).sum::<f64>() / of_guest.len() as f64;
    assert!(mean < 1_100.0, "{mean} kbit/s are sent into 1000");
    assert!(carried > 500.0, "{carried} kbit/s of 1000 are used");
    let of_host = seen.since(mark);
    let frames = |stats: &Value| stats["seats"][0]["video"]["frames"].as_u64().unwrap_or_default();
    let shown = of_host.last().map_or(0, frames) - of_host.first().map_or(0, frames);
    assert!(shown > 250, "{shown} pictures are shown in 25 s");
    let lost =
        of_host.iter().map(|stats| number(&stats["seats"][0], "loss")).sum::<f64>() / of_host.len() as f64;
    assert!(lost < 0.05, "{lost} of all packets are lost");
    let queue = of_guest.iter().map(|stats| number(stats, "queue_ms")).sum::<f64>() / of_guest.len() as f64;
    println!(
        "1000 kbit/s: {mean:.0} kbit/s sent, {carried:.0} carried, {shown} pictures, {lost:.3} lost, queue {queue:.0} ms"
    );
}

fn is_followed_up(stand: &Stand, network: &RoutedNetwork, sent: &Statistics) {
    let (mark, began) = (stand.operator.mark(), Instant::now());
    network.widen();
    sent.until("half as much again", |stats| number(stats, "acknowledged_kbps") > 1_400.0);
    println!("1400 kbit/s arrive {:.1} s after the bottleneck is gone", began.elapsed().as_secs_f64());
    let restored = stand.event("ada", "quality_restored", mark);
    assert!(restored["height"].as_u64() > Some(360), "{restored}");
}
