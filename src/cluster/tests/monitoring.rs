//! The role `monitoring`: its files are rendered, and are what Prometheus and Grafana read.
//! Not here: whether the rules fire and the queries answer; Prometheus itself says so (`tests/clients/monitoring.rs`).
//! A dashboard has no comments, so that what made it stands in a member.

use super::*;

#[test]
fn the_rules_and_the_dashboard_come_to_the_edge_that_asks_for_them() {
    let text = example_clusters()["standard.toml"].replacen("[mirror]", "stacks = [\"monitoring\"]\n\n[mirror]", 1);
    let rendered = Case::of(&text).render().unwrap_or_else(|problems| panic!("{problems}"));
    let file = |name: &str| {
        let place = SafePath::new(format!("files/etc/pnda/monitoring/{name}")).unwrap();
        let found = rendered.nodes.values().find_map(|tree| match tree.get(&place) {
            Some(Entry::File { bytes, .. }) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{place} is nowhere"))
    };
    assert!(file("alerts.yaml").contains("{{ $labels.application }}/{{ $labels.component }}"));
    let dashboard = file("dashboard.json");
    assert!(dashboard.starts_with("{\n\"__made_from\": \"") && dashboard.contains("\"{{application}}/{{component}}\""));
}
