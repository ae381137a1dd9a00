//! The rating of a CVSS 3 vector, by the base score of its specification.
//! Other versions of CVSS are not computed; advisories that have them mostly say their severity in a word too.
//! Not here: temporal and environmental metrics.

use super::Severity;
use std::collections::BTreeMap;

/// The rating of a vector such as `CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H`.
pub(super) fn rating(vector: &str) -> Option<Severity> {
    let rest = vector.strip_prefix("CVSS:3.0/").or_else(|| vector.strip_prefix("CVSS:3.1/"))?;
    let metrics: BTreeMap<&str, &str> = rest.split('/').filter_map(|metric| metric.split_once(':')).collect();
    let weight = |metric: &str, weights: &[(&str, f64)]| {
        let value = metrics.get(metric)?;
        weights.iter().find(|(name, _)| name == value).map(|(_, weight)| *weight)
    };
    let changed = *metrics.get("S")? == "C";
    let impact = [("H", 0.56), ("L", 0.22), ("N", 0.0)];
    let lost = 1.0 - (1.0 - weight("C", &impact)?) * (1.0 - weight("I", &impact)?) * (1.0 - weight("A", &impact)?);
    let impact = match changed {
        true => 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02).powi(15),
        false => 6.42 * lost,
    };
    let privileges: &[(&str, f64)] =
        if changed { &[("N", 0.85), ("L", 0.68), ("H", 0.5)] } else { &[("N", 0.85), ("L", 0.62), ("H", 0.27)] };
    let ease = 8.22
        * weight("AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?
        * weight("AC", &[("L", 0.77), ("H", 0.44)])?
        * weight("PR", privileges)?
        * weight("UI", &[("N", 0.85), ("R", 0.62)])?;
    let sum = if changed { 1.08 * (impact + ease) } else { impact + ease };
    let score = if impact <= 0.0 { 0.0 } else { round_up(sum.min(10.0)) };
    Some(match score {
        score if score >= 9.0 => Severity::Critical,
        score if score >= 7.0 => Severity::High,
        score if score >= 4.0 => Severity::Medium,
        _ => Severity::Low,
    })
}

/// Up to one decimal, as the specification says: first to five, so that binary fractions round as decimal ones.
fn round_up(score: f64) -> f64 {
    let whole = (score * 100_000.0).round() as u64;
    if whole.is_multiple_of(10_000) { whole as f64 / 100_000.0 } else { (whole / 10_000 + 1) as f64 / 10.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_rated_as_the_calculator_does() {
        for (vector, expected) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Severity::Critical),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Severity::Critical),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Severity::High),
            ("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N", Severity::Medium),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N", Severity::Low),
        ] {
            assert_eq!(rating(vector), Some(expected), "{vector}");
        }
        for vector in ["", "CVSS:3.1/AV:N", "CVSS:4.0/AV:N/AC:L", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"] {
            assert_eq!(rating(vector), None, "{vector}");
        }
    }
}
