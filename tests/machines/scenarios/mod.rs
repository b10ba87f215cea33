//! What each step of a guest's and a host's life leads to: everything that is said, in order, and the next timer.

mod consent;
mod devices;
mod guest;
mod hold;
mod host;
mod host_media;
mod host_room;
mod host_seats;
mod host_viewers;
mod join;
mod recover;
mod requests;
mod seat;
