//! Who watches a seat: sessions, talk, limits and ends (protocol, *Watching*).

use std::collections::BTreeSet;

use coguestd::host::{Grants, Input, Output};
use coguestd::model::command::{Answer, Command, HostCommand, Settled};
use coguestd::model::event::Event;
use coguestd::model::media::Fault;
use coguestd::model::message::{SignalBody, Token};
use coguestd::model::stage::{StageReport, ViewerReport};
use coguestd::model::viewer::{AnswerDescription, Talk, TalkWish, Unwatch, WatchAnswer, WatchOffer};
use coguestd::model::{Code, SessionId};

use super::host::{Scene, who};
use crate::guest_stand::id;
use crate::scenario::Step;

/// A scene and the sessions whose names were told.
struct Watched {
    host: Scene,
    sessions: Vec<SessionId>,
}

impl Watched {
    fn new(host: Scene) -> Self {
        Self { host, sessions: Vec::new() }
    }

    fn watches(&mut self, operator: &str) -> Step {
        self.host.command_of(operator, HostCommand::Watch(who("ada")))
    }

    fn reports(&mut self, viewer: u64, report: ViewerReport) -> Step {
        let report = Input::Stage(StageReport::Viewer { viewer, report });
        let outputs = self.host.stand.input(report);
        for output in &outputs {
            if let Output::Settled { settled: Ok(Answer::Watch(offer)), .. } = output {
                let WatchOffer::Mqtt { session, .. } = offer else { panic!("an offer") };
                self.sessions.push(session.clone());
            }
        }
        Step::of_host(outputs.iter().map(crate::scenario::host_says).collect(), &self.host.stand)
    }

    fn offers(&mut self, viewer: u64) -> Step {
        self.reports(viewer, ViewerReport::Offer { sdp: "v=0".to_owned() })
    }

    fn answers(&mut self, session: usize) -> Step {
        let description = AnswerDescription { sdp: "v=0".to_owned() };
        let session = self.sessions[session].clone();
        self.host.command(HostCommand::WatchAnswer(WatchAnswer { session, description }))
    }

    fn talks(&mut self, session: usize, talk: Talk) -> Step {
        let session = self.sessions[session].clone();
        self.host.command(HostCommand::Talk(TalkWish { session, talk }))
    }

    fn unwatches(&mut self, session: usize) -> Step {
        let session = self.sessions[session].clone();
        self.host.command(HostCommand::Unwatch(Unwatch { session }))
    }

    /// Anna and ben see ada, as viewers 2 and 3.
    fn by_two() -> Self {
        let mut watched = Self::new(Scene::with_ada_seen());
        for (session, (operator, viewer)) in [("anna", 2), ("ben", 3)].into_iter().enumerate() {
            watched.watches(operator);
            watched.offers(viewer);
            watched.answers(session);
            watched.reports(viewer, ViewerReport::Answered(Ok(())));
            watched.reports(viewer, ViewerReport::Heard);
        }
        watched
    }

    fn watching(&self) -> Vec<(Option<String>, Talk)> {
        let shown = self.host.stand.host.snapshot().watching.shown;
        let name = |operator: &coguestd::model::Operator| operator.as_str().to_owned();
        shown.into_iter().map(|watching| (watching.operator.as_ref().map(name), watching.talking)).collect()
    }
}

#[test]
fn a_viewer_is_offered_answers_and_is_heard() {
    let mut watched = Watched::new(Scene::with_ada_seen());
    watched.watches("anna").is(&["pending", "stage viewer 2 sees ada"], "ViewerOffer in 5000 ms");
    assert_eq!(watched.watching(), [], "nobody knows of it yet");
    watched.offers(2).is(&["settled ok"], "ViewerAnswer in 10000 ms");
    assert_eq!(watched.watching(), [(Some("anna".to_owned()), Talk::Off)]);
    watched.answers(0).is(&["pending", "stage viewer 2 answer"], "ViewerAnswer in 10000 ms");
    watched.reports(2, ViewerReport::Answered(Ok(()))).is(&["settled ok"], "ViewerSilent in 10000 ms");
    watched.reports(2, ViewerReport::Heard).is(&[], "nothing");
    watched
        .unwatches(0)
        .is(&["ok", "stage viewer 2 close", "event watch_ended reason=unwatched user=ada"], "nothing");
    watched.unwatches(0).is(&["ok"], "nothing");
    assert_eq!(watched.watching(), []);
}

#[test]
fn a_viewer_that_never_answers_is_over_after_ten_seconds() {
    let mut watched = Watched::new(Scene::with_ada_seen());
    watched.watches("anna");
    watched.offers(2);
    watched
        .host
        .pass(10_000)
        .is(&["stage viewer 2 close", "event watch_ended reason=no_answer user=ada"], "nothing");
    watched.answers(0).is(&["refused no_such_session"], "nothing");
    watched.talks(0, Talk::On).is(&["refused no_such_session"], "nothing");
}

#[test]
fn a_viewer_that_answers_wrong_may_answer_again_and_one_that_answered_may_not() {
    let mut watched = Watched::new(Scene::with_ada_seen());
    watched.watches("anna");
    watched.offers(2);
    watched.answers(0);
    watched.answers(0).is(&["refused invalid_parameter"], "ViewerAnswer in 10000 ms");
    watched
        .reports(2, ViewerReport::Answered(Err("it is another offer's".to_owned())))
        .is(&["settled refused invalid_parameter"], "ViewerAnswer in 10000 ms");
    watched.host.pass(4_000).is(&[], "ViewerAnswer in 6000 ms");
    watched.answers(0).is(&["pending", "stage viewer 2 answer"], "ViewerAnswer in 6000 ms");
    watched.reports(2, ViewerReport::Answered(Ok(())));
    watched.answers(0).is(&["refused invalid_parameter"], "ViewerSilent in 10000 ms");
    // An answer that the stage never took is none.
    watched.watches("ben");
    watched.offers(3);
    watched.answers(1);
    watched.reports(2, ViewerReport::Heard);
    watched.host.pass(10_000).is(
        &[
            "stage viewer 3 close",
            "settled refused no_such_session",
            "event watch_ended reason=no_answer user=ada",
        ],
        "nothing",
    );
}

#[test]
fn a_viewer_without_a_sign_is_lost_and_one_that_breaks_too() {
    let mut watched = Watched::by_two();
    let since = watched.host.stand.now;
    watched.host.pass(4_000);
    watched.reports(2, ViewerReport::Silent { since }).is(&[], "ViewerSilent in 6000 ms");
    watched.reports(2, ViewerReport::Heard).is(&[], "nothing");
    watched.reports(2, ViewerReport::Silent { since });
    watched
        .host
        .pass(6_000)
        .is(&["stage viewer 2 close", "event watch_ended reason=lost user=ada"], "nothing");
    let fault = Fault::new("dtls", Code::PeerNotTrusted, "it is another");
    watched
        .reports(3, ViewerReport::Failed { fault })
        .is(&["event watch_ended reason=lost user=ada"], "nothing");
    watched.reports(3, ViewerReport::Silent { since }).is(&[], "nothing");
}

#[test]
fn one_at_a_time_talks_to_a_guest() {
    let mut watched = Watched::by_two();
    let said = ["ok", "stage viewer 2 talk on", "event talk_started operator=anna user=ada"];
    watched.talks(0, Talk::On).is(&said, "nothing");
    watched.talks(0, Talk::On).is(&["ok"], "nothing");
    watched.talks(1, Talk::On).is(&["refused channel_busy"], "nothing");
    watched.talks(1, Talk::Off).is(&["ok"], "nothing");
    let on = |name: &str, talk| (Some(name.to_owned()), talk);
    assert_eq!(watched.watching(), [on("anna", Talk::On), on("ben", Talk::Off)]);
    let said = ["ok", "stage viewer 2 talk off", "event talk_ended operator=anna user=ada"];
    watched.talks(0, Talk::Off).is(&said, "nothing");
    watched.talks(1, Talk::On);
    let said = [
        "ok",
        "stage viewer 3 close",
        "event talk_ended operator=ben user=ada",
        "event watch_ended reason=unwatched user=ada",
    ];
    watched.unwatches(1).is(&said, "nothing");
    watched
        .talks(0, Talk::On)
        .is(&["ok", "stage viewer 2 talk on", "event talk_started operator=anna user=ada"], "nothing");
}

#[test]
fn sessions_end_with_the_seat() {
    let mut watched = Watched::by_two();
    watched.talks(1, Talk::On);
    watched.watches("carl").is(&["pending", "stage viewer 4 sees ada"], "ViewerOffer in 5000 ms");
    watched.host.command(HostCommand::KickUserOutOfSeat(who("ada"))).is(
        &[
            "ok",
            "stage close ada",
            "event watch_ended reason=unseated user=ada",
            "event talk_ended operator=ben user=ada",
            "event watch_ended reason=unseated user=ada",
            "settled refused user_not_in_seat",
            "event media_lost user=ada",
            "to ada unseated seat_index=0 kicked",
            "event guest_unseated reason=kicked seat_index=0 user=ada",
            "room live - - -",
        ],
        "nothing",
    );
}

#[test]
fn sessions_end_with_the_live() {
    let mut watched = Watched::by_two();
    watched.talks(0, Talk::On);
    let (_, outputs) =
        watched.host.stand.command(Command::Host { operator: None, command: HostCommand::EndLive });
    let ended = |output: &Output| matches!(output, Output::Event(Event::WatchEnded { .. }));
    let said: BTreeSet<String> =
        outputs.iter().filter(|output| ended(output)).map(crate::scenario::host_says).collect();
    assert_eq!(said, ["event watch_ended reason=live_ended user=ada".to_owned()].into());
    assert_eq!(outputs.iter().filter(|output| ended(output)).count(), 2);
}

#[test]
fn a_new_peer_connection_of_the_guest_is_another_session() {
    let mut watched = Watched::by_two();
    watched.host.signal("ada", "p1", SignalBody::Bye(None)).is(
        &[
            "stage close ada",
            "event watch_ended reason=renewed user=ada",
            "event watch_ended reason=renewed user=ada",
            "event media_lost user=ada",
            "event guest_connection connection=connecting user=ada",
            "room live ada:connecting - -",
        ],
        "nothing",
    );
    // Whoever watches again waits until there is something to see.
    watched.watches("anna").is(&["pending"], "ViewerOffer in 5000 ms");
    watched.host.offers_as("ada", "p2");
    let peer = watched.host.peer();
    watched.host.stage(StageReport::Live { peer }).is(
        &[
            "event guest_connection connection=connected user=ada",
            "event media_live user=ada",
            "stage viewer 4 sees ada",
            "room live ada:connected - -",
        ],
        "ViewerOffer in 5000 ms",
    );
}

#[test]
fn what_does_not_come_is_refused_in_time() {
    let mut watched = Watched::new(Scene::with_ada_seated());
    watched.watches("anna").is(&["pending"], "ViewerOffer in 5000 ms");
    watched.host.pass(5_000).is(&["settled refused host_unreachable"], "nothing");
    watched.host.offers("ada");
    let peer = watched.host.peer();
    watched.host.stage(StageReport::Live { peer });
    watched.watches("anna");
    watched.host.pass(5_000).is(&["stage viewer 3 close", "settled refused host_unreachable"], "nothing");
    watched.watches("anna");
    let fault = Fault::new("stage", Code::TooManySessions, "the host has no threads for another viewer");
    watched.reports(4, ViewerReport::Failed { fault }).is(&["settled refused too_many_sessions"], "nothing");
}

#[test]
fn errors_come_in_the_order_of_the_protocol() {
    let mut watched = Watched::new(Scene::with_ada_seen());
    watched.host.command(HostCommand::Watch(who("bob"))).is(&["refused user_not_in_seat"], "nothing");
    for _ in 0..4 {
        watched.watches("anna");
    }
    watched.watches("anna").is(&["refused too_many_sessions"], "ViewerOffer in 5000 ms");
    let unknown = SessionId::try_from("somebody's".to_owned()).expect("short");
    let wish = TalkWish { session: unknown.clone(), talk: Talk::On };
    watched.host.command(HostCommand::Talk(wish)).is(&["refused no_such_session"], "ViewerOffer in 5000 ms");
    watched
        .host
        .command(HostCommand::Unwatch(Unwatch { session: unknown }))
        .is(&["ok"], "ViewerOffer in 5000 ms");

    let nobody = |settings: &mut coguestd::host::Settings| settings.policy.watching = 0;
    let elsewhere = |settings: &mut coguestd::host::Settings| settings.grant = Grants::Stage(id("wall-1"));
    for host in [Scene::live_with(nobody), Scene::live_with(elsewhere)] {
        let mut host = host;
        host.joins("ada");
        host.command(HostCommand::Watch(who("ada"))).is(&["refused user_not_in_seat"], "nothing");
        host.applies("ada", 0);
        host.command(HostCommand::AcceptApplication(who("ada")));
        host.command(HostCommand::Watch(who("ada"))).is(&["refused permission_denied"], "nothing");
    }
}

/// A host whose guests send to a server.
fn on_a_server(watch_url: Option<&str>) -> Scene {
    let mut host = Scene::live_with(|settings| {
        settings.grant = Grants::Whip {
            publish_url: None,
            token: Some(Token("secret".to_owned())),
            playback_url: None,
            watch_url: watch_url.map(str::to_owned),
        };
    });
    host.joins("ada");
    host.applies("ada", 0);
    host.command(HostCommand::AcceptApplication(who("ada")));
    host
}

#[test]
fn a_server_is_named_where_it_plays_the_seat() {
    on_a_server(None).command(HostCommand::Watch(who("ada"))).is(&["refused permission_denied"], "nothing");
    let mut host = on_a_server(Some("https://sfu.example.org/{live_id}/{user_id}/whep"));
    let watch = Command::Host { operator: None, command: HostCommand::Watch(who("ada")) };
    let (settled, outputs): (Settled, _) = host.stand.command(watch);
    assert_eq!(outputs, []);
    let Ok(Answer::Watch(WatchOffer::Whep { session, playback_url, token })) = settled else {
        panic!("{settled:?}")
    };
    assert_eq!(playback_url, "https://sfu.example.org/lobby/ada/whep");
    assert_eq!(token, Some(Token("secret".to_owned())));
    assert_eq!(host.stand.host.snapshot().watching.total, 0, "the server knows who is there");
    let talk = TalkWish { session: session.clone(), talk: Talk::On };
    host.command(HostCommand::Talk(talk)).is(&["refused permission_denied"], "nothing");
    host.command(HostCommand::Unwatch(Unwatch { session })).is(&["ok"], "nothing");
}
