//! The order of Debian's versions, ours against dpkg's own, of versions made at random.
//! Needs dpkg, and says so where there is none.
//! Not here: what is chosen by it.

use crate::seed::Seed;
use pnda::mirror::resolve::apt::version::Version;
use std::process::Command;

#[test]
fn versions_are_ordered_as_dpkg_orders_them() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        left_out!("the order of versions against dpkg's: dpkg is not installed");
        return;
    }
    let seed = Seed::of("versions against dpkg's order", 7);
    let mut random = fastrand::Rng::with_seed(seed.number);
    let mut version = || -> String {
        let letters = ["0", "1", "9", "10", "007", "a", "z", "A", "~", "~~", "+", ".", "-", "rc", "deb12u"];
        let parts: String = (0..random.usize(0..6)).map(|_| letters[random.usize(0..letters.len())]).collect();
        let epoch = ["", "", "", "0:", "1:"][random.usize(0..5)];
        format!("{epoch}{}{}", random.u8(0..3), parts.trim_end_matches('-'))
    };
    let pairs: Vec<(String, String)> = (0..400).map(|_| (version(), version())).collect();
    let line = |(one, other): &(String, String)| {
        format!(
            "dpkg --compare-versions '{one}' lt '{other}' && echo lt || {{ dpkg --compare-versions '{one}' eq '{other}' && echo eq || echo gt; }}\n"
        )
    };
    let script: String = pairs.iter().map(line).collect();
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().count(), pairs.len());
    for ((one, other), theirs) in pairs.iter().zip(said.lines()) {
        let [left, right] = [one, other].map(|text| Version::parse(text).unwrap());
        let ours = ["lt", "eq", "gt"][(left.cmp(&right) as i8 + 1) as usize];
        assert_eq!(ours, theirs, "{one} {other}");
    }
}
