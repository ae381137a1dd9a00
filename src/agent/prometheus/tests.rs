//! The page as text, and a small reader of the format that every page must pass.
//! The reader follows the rules of the text format 0.0.4.
//! Not here: what the numbers mean.

use super::*;
use crate::health::{Round, judge};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use words::metric::Health;

pub(crate) fn place() -> Place {
    Place { cluster: "pico".to_owned().try_into().unwrap(), node: "manager".to_owned().try_into().unwrap() }
}

fn good() -> Round {
    let flink = Flink {
        version: Some("1.20.5".into()),
        via: Some("/jobs/overview"),
        completed_jobs: Some(4),
        config_ms: Some(7),
        overview_ms: Some(12),
        fault: None,
    };
    Round { flink: Some(flink), ..judge(None, 1_795_409_779_500) }
}

fn counts() -> Counts {
    Counts { rounds: 3, failures: [("graphite", 0), ("console", 2)].into() }
}

/// Reads a page as a scraper does: each family declared once, before its samples, each series once.
pub(crate) fn scrape(page: &str) -> BTreeSet<String> {
    let mut series = BTreeSet::new();
    let mut families = BTreeSet::new();
    let mut family = String::new();
    let mut is_summary = false;
    assert!(page.ends_with('\n'));
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap().to_owned();
            assert!(families.insert(family.clone()), "{family} is declared twice");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert!(["gauge", "counter", "summary"].contains(&kind), "{line}");
            is_summary = kind == "summary";
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (left, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap();
            let name = left.split('{').next().unwrap();
            let part = name.strip_suffix("_sum").or_else(|| name.strip_suffix("_count")).filter(|_| is_summary);
            assert_eq!(part.unwrap_or(name), family, "{line}");
            labels(left[name.len()..].strip_prefix('{').unwrap().strip_suffix('}').unwrap());
            assert!(series.insert(left.to_owned()), "{left} is there twice");
        }
    }
    series
}

fn labels(mut text: &str) {
    while !text.is_empty() {
        let (key, rest) = text.split_once("=\"").unwrap();
        assert!(key.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{key}");
        let mut end = None;
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => assert!(matches!(chars.next(), Some((_, '\\' | '"' | 'n'))), "{rest}"),
                '"' => {
                    end = Some(at);
                    break;
                }
                c => assert_ne!(c, '\n'),
            }
        }
        text = rest[end.unwrap() + 1..].trim_start_matches(',');
    }
}

#[test]
fn a_good_round_is_a_page_that_a_scraper_reads() {
    let page = page(&View::Fresh(Arc::new(good())), &counts(), &place());
    scrape(&page);
    let samples: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        samples,
        [
            "pnda_flink_health{cluster=\"pico\",node=\"manager\"} 0",
            "pnda_flink_history_server_up{cluster=\"pico\",node=\"manager\"} 1",
            "pnda_flink_info{cluster=\"pico\",node=\"manager\",version=\"1.20.5\"} 1",
            "pnda_flink_history_server_completed_jobs{cluster=\"pico\",node=\"manager\"} 4",
            "pnda_flink_history_server_response_seconds{cluster=\"pico\",node=\"manager\",request=\"config\"} 0.007",
            "pnda_flink_history_server_response_seconds{cluster=\"pico\",node=\"manager\",request=\"overview\"} 0.012",
            &format!("pnda_agent_info{{cluster=\"pico\",node=\"manager\",version=\"{version}\"}} 1"),
            "pnda_agent_rounds_total{cluster=\"pico\",node=\"manager\"} 3",
            "pnda_agent_last_round_timestamp_seconds{cluster=\"pico\",node=\"manager\"} 1795409779.5",
            "pnda_agent_deliveries_failed_total{cluster=\"pico\",node=\"manager\",receiver=\"console\"} 2",
            "pnda_agent_deliveries_failed_total{cluster=\"pico\",node=\"manager\",receiver=\"graphite\"} 0",
        ]
    );
}

#[test]
fn what_is_not_known_is_absent() {
    let last = Arc::new(good());
    let stale = page(&View::Stale { last, age: Duration::from_secs(60) }, &counts(), &place());
    let nothing = page(&View::Nothing, &Counts::default(), &place());
    for page in [stale, nothing] {
        assert!(scrape(&page).iter().all(|series| series.starts_with("pnda_agent_")), "{page}");
    }
    let dead = Round { health: Health::Error, flink: Some(Flink::default()), ..good() };
    let series = scrape(&page(&View::Fresh(Arc::new(dead)), &counts(), &place()));
    assert!(!series.iter().any(|series| series.contains("completed_jobs") || series.contains("response_seconds")));
}

#[test]
fn labels_are_escaped() {
    assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    let flink = Flink { version: Some("\"}\n\\".into()), ..Flink::default() };
    let round = Round { flink: Some(flink), ..good() };
    scrape(&page(&View::Fresh(Arc::new(round)), &counts(), &place()));
}
