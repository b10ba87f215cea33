//! The pure machines without a world: random scripts, a guest and a host over a bad network, and bad input.
//! Time is moved by hand. Every step of every test is watched by the stands, which hold what must always hold.

#[path = "machines/anything.rs"]
mod anything;
#[path = "machines/by_hand.rs"]
mod by_hand;
#[path = "machines/consent.rs"]
mod consent;
#[path = "machines/final_faults.rs"]
mod final_faults;
#[path = "machines/guest_stand.rs"]
mod guest_stand;
#[path = "machines/host_stand.rs"]
mod host_stand;
#[path = "machines/hostile.rs"]
mod hostile;
#[path = "machines/network.rs"]
mod network;
#[path = "machines/news.rs"]
mod news;
#[path = "machines/pair.rs"]
mod pair;
#[path = "machines/random_guest.rs"]
mod random_guest;
#[path = "machines/random_host.rs"]
mod random_host;
#[path = "machines/reach.rs"]
mod reach;
#[path = "machines/replies.rs"]
mod replies;
#[path = "machines/scenario.rs"]
mod scenario;
#[path = "machines/scenarios/mod.rs"]
mod scenarios;
#[path = "machines/silence.rs"]
mod silence;
#[path = "machines/volumes.rs"]
mod volumes;
#[path = "machines/words.rs"]
mod words;
