//! `coguestd schema`: the interface as a document.

use crate::mqtt::schema;

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd schema > asyncapi.json
  coguestd schema | jq -r '.channels[].address'
  coguestd schema | jq '.components.messages[\"command.apply_for_seat\"].payload'

It needs no configuration and no broker. Topics in it have the default prefix, coguest/v1.";

/// Prints the document.
pub(super) fn run() -> anyhow::Result<()> {
    super::print_json(&schema::document())
}
