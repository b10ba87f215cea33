//! Two ids never share what Home Assistant is told.

use std::collections::BTreeSet;

use crate::support::broker::Broker;
use crate::support::daemon::Start;
use crate::support::eventually;

const DOTTED: &str = "homeassistant/device/coguestd/lobby_-1/config";
const UNDERLINED: &str = "homeassistant/device/lobby_1/config";

#[test]
fn two_ids_that_differ_in_a_dot_have_a_topic_each_and_one_is_switched_off_alone() {
    let broker = Broker::start();
    let start = |id: &str, enabled: &str| {
        let key = format!("home_assistant.enabled={enabled}");
        Start::new("guest", id, &broker.url()).set(&[&key]).go()
    };
    // What is retained, by somebody who comes later.
    let retained = || -> BTreeSet<String> {
        let late = broker.listen(&["-t", "homeassistant/#", "-t", "mark"]);
        broker.publish(&["-t", "mark", "-m", "x"]);
        late.wait_for("mark x");
        let heard = late.heard();
        heard.iter().filter_map(|line| line.split_once(" {")).map(|(topic, _)| topic.to_owned()).collect()
    };
    let both = BTreeSet::from([DOTTED.to_owned(), UNDERLINED.to_owned()]);
    let (mut dotted, _underlined) = (start("lobby.1", "true"), start("lobby_1", "true"));
    eventually("both to be announced", || (retained() == both).then_some(()));
    dotted.terminate();
    let _dotted = start("lobby.1", "false");
    let left = BTreeSet::from([UNDERLINED.to_owned()]);
    eventually("one to be left", || (retained() == left).then_some(()));
}
