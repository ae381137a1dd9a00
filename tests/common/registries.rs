//! Whether a run failed because a registry cannot be reached from this machine at all; such a test is left out.
//! It is asked only then, with the machine's own settings; one that answers, with whatever, is reachable.
//! Not here: which tests need one.

use pnda::mirror::lock::Source;
use pnda::mirror::sources::{Site, Sources};
use pnda::systems::client::Fault;
use pnda::systems::http::{Error, Http, Options, Patience};
use pnda::words::location::Location;
use std::collections::BTreeMap;
use std::time::Duration;

/// Why a run that wanted these registries and said this could not be: one is not set up, or nobody answers there.
/// None if it failed by itself.
pub fn out_of_reach(wanted: &[Source], said: &str) -> Option<String> {
    if let Some(kind) = wanted.iter().find(|kind| said.contains(&format!("no {kind} source is known"))) {
        return Some(format!("no {kind} source is set up on this machine"));
    }
    if !said.contains("no usable answer") {
        return None;
    }
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    let patience = Patience { tries: 1, first_wait: Duration::ZERO, silence: Duration::from_secs(10) };
    let http = Http::with(Options { patience, ..Options::from_environment(&environment) });
    let sources = Sources::find(&Site { environment, ..Site::default() }).ok()?;
    let mut known = wanted.iter().flat_map(|kind| sources.all(*kind));
    let (key, _) = known.find(|(_, found)| is_silent(&http, &found.location))?;
    Some(format!("the {key} source of this machine cannot be reached"))
}

fn is_silent(http: &Http, location: &Location) -> bool {
    let asked = http.get(location, 0, "*/*");
    // A proxy that refuses, a certificate that is wrong, or whoever hangs up is somebody.
    matches!(asked, Err(Error::Connection { source, .. }) if source.fault() != Fault::Broken)
}
