//! The rules of housekeeping, each with what it lets go and what it keeps.
//! Everything is old here unless a test says otherwise.
//! Not here: a whole manager that goes by them (`manager::tests::housekeeping`).

use super::*;
use crate::archive::of_cluster;
use crate::journal::{
    Application, Component, End, FORMAT, Fact, Package, Previous, Record, Release, Run, Snapshot, Verdict, Wanted,
    Workflow,
};
use serde_json::json;
use words::digest::Sha256;
use words::ids::JobId;
use words::names::{ComponentName, PackageName, Word};

const DAY_MS: u64 = 86_400_000;
const NOW_MS: u64 = 1000 * DAY_MS;

fn places() -> Places {
    Places {
        checkpoints: "/c".into(),
        archive: "/archive".into(),
        high_availability: ["/ha".to_owned()].into(),
        znodes: ["zk:2181/flink".to_owned()].into(),
        distributions: ["/flink".to_owned()].into(),
        own: "/own".into(),
    }
}

fn id(number: u32) -> ApplicationId {
    ApplicationId::new(format!("application_1_000{number}")).unwrap()
}

fn job(digit: &str) -> JobId {
    JobId::new(digit.repeat(32)).unwrap()
}

fn key() -> Key {
    Key { application: ApplicationName::new("a").unwrap(), component: ComponentName::new("c").unwrap() }
}

fn lying(path: &str, days: u64) -> Lying {
    Lying { path: path.to_owned(), owner: "alice".to_owned(), at_ms: NOW_MS - days * DAY_MS, bytes: None }
}

/// An ended run, of this job.
fn run(number: u32, digit: &str) -> Run {
    let end = End { at_ms: Some(1), ..End::of(Verdict::Killed, "") };
    let run = Run::of(id(number), 1, NOW_MS - 50 * DAY_MS);
    Run { job: Some(job(digit)), begun: true, accepted: true, end: Some(end), ..run }
}

/// A component that has stopped after its second run.
fn state(change: impl FnOnce(&mut Application)) -> State {
    let component = Component { run: Some(run(2, "2")), before: Some(run(1, "1")), ..Component::default() };
    let mut made = Application {
        package: PackageName::new("p-1.0.0").unwrap(),
        owner: Word::new("alice").unwrap(),
        overrides: json!({}),
        wanted: Wanted::Stopped { save: true, was: None },
        information: None,
        components: BTreeMap::from([(key().component, component)]),
        upgrade: None,
        previous: None,
        workflows: BTreeMap::new(),
    };
    change(&mut made);
    State { applications: BTreeMap::from([(key().application, Arc::new(made))]), ..State::default() }
}

fn of(one: &mut Application) -> &mut Component {
    one.components.get_mut(&key().component).unwrap()
}

/// What a plan says of the only thing that was found.
fn said(state: &State, found: Found) -> (bool, String) {
    let mut plan = plan(state, &found, (&Rules::default(), &places()), NOW_MS);
    plan.retain(|one| one.kind != Kind::Package && one.path.starts_with('/'));
    let first = plan.remove(0);
    (first.goes, first.why)
}

fn over(user: &str, is_ours: bool) -> Told {
    Told::Over { state: "KILLED".into(), user: user.into(), is_ours }
}

fn staged(number: u32, days: u64, told: Option<Told>) -> Found {
    let staging = vec![lying(&format!("/user/alice/.flink/{}", id(number)), days)];
    Found { staging, yarn: told.map(|told| (id(number), told)).into_iter().collect(), ..Found::default() }
}

#[track_caller]
fn stays(told: (bool, String), why: &str) {
    assert!(!told.0 && told.1.contains(why), "{told:?}");
}

#[test]
fn what_was_sent_goes_when_yarn_says_that_it_is_over() {
    let state = state(|_| {});
    assert!(said(&state, staged(7, 40, Some(over("alice", true)))).0);
    stays(said(&state, staged(7, 0, Some(over("alice", true)))), "less than an hour ago");
    stays(said(&state, staged(7, 40, Some(over("bob", true)))), "belongs to alice, and its application to bob");
    stays(said(&state, staged(7, 40, Some(over("alice", false)))), "not ours");
    stays(said(&state, staged(7, 400, Some(Told::Unknown))), "may be about to be submitted");
    stays(said(&state, staged(7, 400, Some(Told::Live))), "goes on, or may");
    stays(said(&state, staged(7, 400, Some(Told::Hidden("no".into())))), "YARN is not seen: no");
    stays(said(&state, staged(7, 400, None)), "nobody has asked YARN");
    // What the journal has seen ended is never submitted again.
    assert!(said(&state, staged(2, 40, Some(Told::Unknown))).0);
    let lost = self::state(|one| of(one).run.as_mut().unwrap().end.as_mut().unwrap().verdict = Verdict::Lost);
    stays(said(&lost, staged(2, 40, Some(Told::Unknown))), "nobody knows how it ended");
    // A stale word of YARN does not count against the journal.
    let live = self::state(|one| of(one).run.as_mut().unwrap().end = None);
    stays(said(&live, staged(2, 40, Some(over("alice", true)))), "not known to be over");
    let strange = vec![lying("/user/alice/.flink/mine", 400)];
    stays(said(&state, Found { staging: strange, ..Found::default() }), "not ours");
    let high_availability = vec![lying(&format!("/ha/{}", id(7)), 40)];
    let yarn = BTreeMap::from([(id(7), over("alice", true))]);
    assert!(said(&state, Found { high_availability, yarn, ..Found::default() }).0);
    let node = |told: Told| {
        let znodes = vec![Lying { owner: "pnda".into(), ..lying(&format!("zk:2181/flink/{}", id(7)), 40) }];
        let found = Found { znodes, yarn: BTreeMap::from([(id(7), told)]), ..Found::default() };
        let plan = plan(&state, &found, (&Rules::default(), &places()), NOW_MS).remove(0);
        (plan.goes, plan.why)
    };
    assert!(node(over("alice", true)).0, "it belongs to nobody");
    stays(node(over("alice", false)), "not ours");
    stays(node(Told::Live), "goes on, or may");
    stays(node(Told::Unknown), "may be about to be submitted");
}

fn kept(digit: &str, days: u64) -> Found {
    let next = Ok(Some("hdfs://nn:8020/s/newest".to_owned()));
    let checkpoints = vec![(key(), lying(&format!("/c/alice/a/c/{}", digit.repeat(32)), days))];
    let properties = BTreeMap::from([(key(), Ok(String::new()))]);
    Found { checkpoints, next: BTreeMap::from([(key(), next)]), properties, ..Found::default() }
}

#[test]
fn checkpoints_of_early_runs_go_where_a_newer_state_is_whole_and_nobody_needs_them() {
    let state = state(|_| {});
    assert!(said(&state, kept("9", 40)).0);
    stays(said(&state, kept("9", 20)), "not old enough");
    for digit in ["1", "2"] {
        stays(said(&state, kept(digit, 40)), "it is of the last run of a/c, or of the one before");
    }
    let next = |next: Result<Option<&str>, &str>| {
        let next = next.map(|path| path.map(str::to_owned)).map_err(str::to_owned);
        Found { next: BTreeMap::from([(key(), next)]), ..kept("9", 40) }
    };
    stays(said(&state, next(Ok(None))), "no newer state of a/c is seen to be whole");
    stays(said(&state, next(Err("gone"))), "is not seen: gone");
    let own = format!("hdfs://nn:8020/c/alice/a/c/{}/chk-1", "9".repeat(32));
    stays(said(&state, next(Ok(Some(&own)))), "would begin from it");
    stays(said(&state, Found { next: BTreeMap::new(), ..kept("9", 40) }), "no newer state");
    let named = self::state(|one| one.overrides = json!({ "flink": { "c": { "flink_config_args": own } } }));
    stays(said(&named, kept("9", 40)), "what a sets names it");
}

#[test]
fn what_the_properties_of_a_package_name_stays() {
    let mut state = state(|_| {});
    let other = Key { application: ApplicationName::new("b").unwrap(), ..key() };
    let mut made = Application::clone(&state.applications[&key().application]);
    let mut with = |owner: &str, has_run: bool, said: Option<Result<&str, &str>>| {
        made.owner = Word::new(owner).unwrap();
        let component = if has_run { of(&mut made).clone() } else { Component::default() };
        let other_one = Application { components: [(key().component, component)].into(), ..made.clone() };
        state.applications.insert(other.application.clone(), Arc::new(other_one));
        let said = said.map(|said| (other.clone(), said.map(str::to_owned).map_err(str::to_owned)));
        let properties: BTreeMap<_, _> = said.into_iter().chain([(key(), Ok(String::new()))]).collect();
        let temporary = vec![(lying("/pnda/flink/tmp/dc/plan", 400), None)];
        let found = Found { temporary, live: Some(BTreeMap::new()), properties, ..kept("9", 40) };
        let plan = plan(&state, &found, (&Rules::default(), &places()), NOW_MS);
        [Kind::Checkpoints, Kind::Temporary].map(|kind| {
            let one = plan.iter().find(|one| one.kind == kind).unwrap();
            (one.goes, one.why.clone())
        })
    };
    let own =
        format!("-yn 1\n--from hdfs://pair/c/alice/a/c/{}/chk-1 --work /pnda/flink/tmp/dc/plan/x", "9".repeat(32));
    for owner in ["alice", "bob"] {
        for has_run in [false, true] {
            with(owner, has_run, Some(Ok(&own)))
                .into_iter()
                .for_each(|told| stays(told, "the properties of b/c name it"));
            assert!(with(owner, has_run, Some(Ok("--from /elsewhere"))).iter().all(|told| told.0));
        }
    }
    // It may name any: what is not seen is its owner's alone, or one user's package would keep everything of everybody.
    let unseen = with("alice", true, Some(Err("no"))).into_iter().chain(with("alice", true, None));
    unseen.for_each(|told| stays(told, "what the properties of b/c name is not seen"));
    assert!(with("bob", true, None).iter().chain(&with("bob", true, Some(Err("no")))).all(|told| told.0));
}

#[test]
fn what_runs_and_has_saved_since_it_began_keeps_those_of_its_last_runs() {
    let runs = |one: &mut Application| {
        one.wanted = Wanted::Started { order: 1, origin: crate::journal::Origin::Newest };
        of(one).run.as_mut().unwrap().end = None;
    };
    assert!(said(&state(runs), kept("9", 40)).0);
    stays(said(&state(runs), kept("2", 400)), "it is of the last run of a/c, or of the one before");
    let restored = state(|one| {
        runs(one);
        of(one).run.as_mut().unwrap().restore = Some("hdfs://nn:8020/s/newest".to_owned());
    });
    stays(said(&restored, kept("9", 400)), "has saved nothing since it began");
}

#[test]
fn what_starts_stops_or_may_go_back_keeps_all_of_its_checkpoints() {
    let why = |change: fn(&mut Application)| said(&state(change), kept("9", 400));
    stays(why(|one| of(one).run.as_mut().unwrap().end = None), "is not known to be over");
    let started =
        |one: &mut Application| one.wanted = Wanted::Started { order: 1, origin: crate::journal::Origin::Newest };
    stays(said(&state(started), kept("9", 400)), "may be started at any time");
    let submitted = state(|one| {
        started(one);
        let run = of(one).run.as_mut().unwrap();
        (run.end, run.accepted) = (None, false);
    });
    stays(said(&submitted, kept("9", 400)), "is being submitted");
    stays(why(|one| one.wanted = Wanted::Deleted), "is being forgotten");
    stays(why(|one| of(one).trial = Some(Default::default())), "is being made another version");
    let own = format!("hdfs://nn:8020/c/alice/a/c/{}/chk-1", "9".repeat(32));
    let from = own.clone();
    let began = state(move |one| of(one).before.as_mut().unwrap().restore = Some(from));
    stays(said(&began, kept("9", 400)), "began from it");
    let from = own.clone();
    let before = state(move |one| {
        let release = Release { package: PackageName::new("p-0.9.0").unwrap(), overrides: json!({}) };
        let states = BTreeMap::from([(key().component, Some(from))]);
        one.previous = Some(Previous { release, states, sha256: None });
    });
    stays(said(&before, kept("9", 400)), "a rollback of a to p-0.9.0 would begin from it");
    let forked = state(move |one| {
        (of(one).run, of(one).before, of(one).forked) = (None, None, Some(own));
    });
    stays(said(&forked, kept("9", 400)), "has not run");
    // A program that names its jobs itself: what was written since its run was intended may be its.
    let unnamed = |one: &mut Application| of(one).run.as_mut().unwrap().job = None;
    stays(said(&state(unnamed), kept("9", 45)), "it is of the last run");
    assert!(said(&state(unnamed), kept("9", 60)).0);
    for states in
        [format!("hdfs://nn:8020/c/alice/a/c/{}/chk-7", "9".repeat(32)), "hdfs://nn:8020/c/alice/a".to_owned()]
    {
        let adopted = Some(crate::journal::Adopted { states: Some(states) });
        let adopted = state(|one| of(one).run.as_mut().unwrap().adopted = adopted);
        stays(said(&adopted, kept("9", 400)), "was adopted for a keeps its states there");
    }
    let strange = vec![lying("/c/alice/forgotten", 400)];
    stays(said(&state(|_| {}), Found { strange, ..Found::default() }), "no application of the journal is named so");
}

fn archived(name: &str, days: u64, is_folder: bool) -> Found {
    let bytes = (!is_folder).then_some(5);
    let archives = vec![Lying { bytes, ..lying(&format!("/archive/{name}"), days) }];
    Found { archives, live: Some(BTreeMap::from([(id(8), None)])), ..Found::default() }
}

#[test]
fn archives_go_by_age_and_number_and_those_of_last_runs_stay() {
    let state = state(|_| {});
    let nine = "9".repeat(32);
    assert!(said(&state, archived(&nine, 40, false)).0 && said(&state, archived(&nine, 40, true)).0);
    stays(said(&state, archived(&nine, 20, false)), "neither old enough");
    stays(said(&state, archived(&"2".repeat(32), 400, false)), "it is of a last run of a/c");
    stays(said(&state, archived(&of_cluster(id(1).as_str()), 400, true)), "it is of a last run of a/c");
    stays(said(&state, archived(&of_cluster(id(8).as_str()), 400, true)), "goes on");
    stays(said(&state, Found { live: None, ..archived(&nine, 40, true) }), "what goes on in YARN is not seen");
    stays(said(&state, archived("mine", 400, false)), "not ours");
    let archive = |number: u64| Lying { bytes: Some(5), ..lying(&format!("/archive/{number:032x}"), number) };
    let found = Found { archives: (0..9).map(archive).collect(), ..Found::default() };
    let rules = Rules { most_archives: 4, ..Rules::default() };
    let plan = plan(&state, &found, (&rules, &places()), NOW_MS);
    let goes: Vec<bool> = plan.iter().map(|one| one.goes).collect();
    assert_eq!(goes, [true, true, true, true, true, false, false, false, false], "{plan:?}");
    assert!(plan[0].path.ends_with('8') && plan[4].path.ends_with('4'), "the oldest first");
    // What is one too many and young stays.
    let rules = Rules { most_archives: 0, ..Rules::default() };
    assert!(super::plan(&state, &archived(&nine, 0, false), (&rules, &places()), NOW_MS).iter().all(|one| !one.goes));
}

fn release(name: &str, days: u64, live: &[(u32, u64)]) -> Found {
    let distributions = vec![lying("/flink/1.20.5-0123456789abcdef", 200), lying(&format!("/flink/{name}"), days)];
    Found {
        distributions,
        configured: ["/flink/1.20.5-0123456789abcdef".to_owned()].into(),
        live: Some(live.iter().map(|(number, days)| (id(*number), Some(NOW_MS - days * DAY_MS))).collect()),
        ..Found::default()
    }
}

#[test]
fn a_release_goes_when_another_one_took_its_place_and_nothing_is_older_than_that() {
    let stopped = state(|_| {});
    let old = "1.20.5-fedcba9876543210";
    let of_old = |state: &State, found: Found| {
        let plan = plan(state, &found, (&Rules::default(), &places()), NOW_MS);
        let one = plan.into_iter().find(|one| !one.path.ends_with("0123456789abcdef")).unwrap();
        (one.goes, one.why)
    };
    assert!(of_old(&stopped, release(old, 300, &[(8, 100)])).0);
    stays(of_old(&stopped, release(old, 300, &[(8, 201)])), "goes on, and was submitted before");
    stays(of_old(&stopped, Found { live: None, ..release(old, 300, &[]) }), "not seen");
    stays(of_old(&stopped, release(old, 100, &[])), "it is newer than what this node is configured with");
    stays(of_old(&stopped, release("1.20.4", 300, &[])), "not ours");
    let mut found = release(old, 300, &[]);
    found.distributions[0].at_ms = NOW_MS - 50 * DAY_MS;
    stays(of_old(&stopped, found), "not long enough ago");
    let mut found = release(old, 300, &[]);
    found.distributions.remove(0);
    stays(of_old(&stopped, found), "no release that this node is configured with lies in HDFS");
    // YARN may not have it yet, or not say so any more.
    let live = state(|one| {
        let run = of(one).run.as_mut().unwrap();
        (run.end, run.at_ms) = (None, NOW_MS - 201 * DAY_MS);
    });
    stays(of_old(&live, release(old, 300, &[])), "a/c was submitted before");
    // So does a coordinator, which YARN never has.
    let hourly = state(|one| {
        let job = json!({ "token": "0a1b", "order": 1, "at_ms": NOW_MS - 201 * DAY_MS, "package": "p-1.0.0",
            "is_coordinator": true, "is_held": true });
        let job = Some(serde_json::from_value(job).unwrap());
        one.workflows = BTreeMap::from([(ComponentName::new("hourly").unwrap(), Workflow { changed: 1, job })]);
    });
    stays(of_old(&hourly, release(old, 300, &[])), "a/hourly was submitted before");
}

#[test]
fn leftovers_go_after_a_day() {
    let state = state(|_| {});
    let own = |name: &str, days: u64| Found { own: vec![lying(&format!("/own/{name}"), days)], ..Found::default() };
    let nonce = "0".repeat(32);
    for folder in ["journal", "journal/snapshots", "packages"] {
        assert!(said(&state, own(&format!("{folder}/.{nonce}"), 2)).0, "{folder}");
    }
    assert!(said(&state, own("journal/.probe-0123456789abcdef", 2)).0);
    stays(said(&state, own(&format!("journal/.{nonce}"), 1)), "not a day old");
    stays(said(&state, own("journal/.mine", 400)), "not ours");
}

#[test]
fn packages_go_by_number_and_age_unless_somebody_may_need_them() {
    let mut state = state(|one| {
        let release = Release { package: PackageName::new("p-1.1.0").unwrap(), overrides: json!({}) };
        one.previous = Some(Previous { release, states: BTreeMap::new(), sha256: None });
        of(one).before.as_mut().unwrap().package = Some(PackageName::new("p-1.2.0").unwrap());
    });
    let mut deploy = |name: &str, owner: &str, days: u64| {
        let (sha256, owner) = (Sha256::of(b"x"), Word::new(owner).unwrap());
        let package = Package { sha256, size: 5, owner, at_ms: NOW_MS - days * DAY_MS };
        state.packages.insert(PackageName::new(name).unwrap(), package);
    };
    // One is its own, one that it may go back to, one that its run before had.
    for name in ["p-1.0.0", "p-1.1.0", "p-1.2.0", "p-1.3.0", "p-1.9.0", "p-1.10.0"] {
        deploy(name, "alice", 400);
    }
    deploy("p-1.4.0", "alice", 80);
    deploy("p-0.1.0", "bob", 400);
    let rules = Rules { most_packages: 2, ..Rules::default() };
    let plan = plan(&state, &Found::default(), (&rules, &places()), NOW_MS);
    let told: BTreeMap<_, _> = plan.iter().map(|one| (one.path.as_str(), (one.goes, one.why.clone()))).collect();
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), ["p-0.1.0", "p-1.10.0", "p-1.3.0", "p-1.4.0", "p-1.9.0"]);
    for name in ["p-0.1.0", "p-1.9.0", "p-1.10.0"] {
        stays(told[name].clone(), "one of the 2 newest of p");
    }
    stays(told["p-1.4.0"].clone(), "deployed not long enough ago");
    assert_eq!(undeployed(&plan), [(PackageName::new("p-1.3.0").unwrap(), told["p-1.3.0"].1.clone())], "{plan:?}");
    assert!(told["p-1.3.0"].1.ends_with("and 3 newer ones are deployed"), "{told:?}");
    assert!(orders(&plan).is_empty(), "nobody removes a folder for it");
}

#[test]
fn what_lies_among_temporary_things_goes_when_whoever_wrote_it_is_over() {
    let stopped = state(|_| {});
    let left = |days: u64, live: Option<u64>| Found {
        temporary: vec![(lying("/pnda/flink/tmp/dc/plan", days), None)],
        live: Some(live.map(|days| (id(8), Some(NOW_MS - days * DAY_MS))).into_iter().collect()),
        properties: BTreeMap::from([(key(), Ok(String::new()))]),
        ..Found::default()
    };
    assert!(said(&stopped, left(8, None)).0 && said(&stopped, left(8, Some(6))).0);
    stays(said(&stopped, left(6, None)), "not long enough ago");
    stays(said(&stopped, left(8, Some(8))), "goes on, and was submitted before");
    // It is written before what needs it is submitted.
    stays(said(&stopped, left(10, Some(9))), "or soon after");
    stays(said(&stopped, Found { live: None, ..left(8, None) }), "what goes on in YARN is not seen");
    let mut unseen = left(400, None);
    unseen.temporary[0].1 = Some("too much".to_owned());
    stays(said(&stopped, unseen), "is not seen: too much");
    let set = json!({ "flink": { "c": { "application_args": "--in hdfs://nn/pnda/flink/tmp/dc/plan/x" } } });
    stays(said(&state(|one| one.overrides = set), left(400, None)), "what a sets names it");
    // YARN may not have it yet.
    let live = state(|one| {
        let run = of(one).run.as_mut().unwrap();
        (run.end, run.at_ms) = (None, NOW_MS - 8 * DAY_MS);
    });
    stays(said(&live, left(8, None)), "a/c was submitted before, or soon after");
}

#[test]
fn nothing_goes_that_does_not_lie_where_its_kind_does() {
    let are_of = |kind, path: &str| places().are_of(kind, "alice", path);
    let nine = "9".repeat(32);
    assert!(are_of(Kind::Staging, "/user/alice/.flink/application_1_0001"));
    assert!(are_of(Kind::Checkpoints, &format!("/c/alice/a/c/{nine}")));
    assert!(
        are_of(Kind::Archive, &format!("/archive/{nine}"))
            && are_of(Kind::Distribution, "/flink/1.20.5-0123456789abcdef")
    );
    assert!(are_of(Kind::Temporary, "/pnda/flink/tmp/x") && are_of(Kind::Temporary, "/pnda/flink/tmp/dc/x"));
    assert!(are_of(Kind::Znode, "zk:2181/flink/application_1_0001"));
    for (kind, path) in [
        (Kind::Znode, "zk:2181/flink/jobs".to_owned()),
        (Kind::Znode, "zk:2181/flink".to_owned()),
        (Kind::Znode, "other:2181/flink/application_1_0001".to_owned()),
        (Kind::Znode, "zk:2181/flink/application_1_0001/jobs".to_owned()),
        (Kind::Temporary, "/pnda/flink/tmp".to_owned()),
        (Kind::Temporary, "/pnda/flink/tmp/dc".to_owned()),
        (Kind::Temporary, "/pnda/flink/tmp/x/y".to_owned()),
        (Kind::Temporary, "/pnda/flink/tmp/..".to_owned()),
        (Kind::Staging, "/user/bob/.flink/application_1_0001".to_owned()),
        (Kind::Staging, "/user/alice/.flink".to_owned()),
        (Kind::Staging, "/user/alice/.flink/application_1_0001/x".to_owned()),
        (Kind::Checkpoints, format!("/c/bob/a/c/{nine}")),
        (Kind::Checkpoints, format!("/c/alice/a/{nine}")),
        (Kind::Checkpoints, format!("/c/alice/../c/{nine}")),
        (Kind::Checkpoints, "/c/alice/a/c".to_owned()),
        (Kind::Archive, "/archive".to_owned()),
        (Kind::Archive, format!("/archive/x/{nine}")),
        (Kind::Distribution, "/flink/checkpoints".to_owned()),
        (Kind::Distribution, "/flink/1.20.5".to_owned()),
        (Kind::Leftover, "/own/journal/00000000000000000001".to_owned()),
        (Kind::Leftover, "/own/manager".to_owned()),
        (Kind::Savepoint, "/s/alice/a/c/1".to_owned()),
        (Kind::Package, "/own/packages/p".to_owned()),
        (Kind::Archive, String::new()),
    ] {
        assert!(!are_of(kind, &path), "{kind} {path}");
    }
}

#[test]
fn an_order_has_a_bound_and_states_are_in_the_history_of_their_application() {
    let archive = |number: u64| Lying { bytes: Some(5), ..lying(&format!("/archive/{number:032x}"), 40) };
    let found = Found { archives: (0..600).map(archive).collect(), ..kept("9", 40) };
    let plan = plan(&state(|_| {}), &found, (&Rules::default(), &places()), NOW_MS);
    let orders = orders(&plan);
    let of: Vec<_> = orders.iter().map(|one| (one.application.is_some(), one.entries.len())).collect();
    assert_eq!(of, [(false, MOST_GOING - 1), (true, 1)]);
    // What is going is not ordered twice.
    let mut state = state(|_| {});
    state.cleanings.insert(7, Arc::new(orders[1].clone()));
    stays(said(&state, kept("9", 40)), "being removed already");
}

#[test]
fn an_order_outlives_records_and_snapshots_until_its_end() {
    let mut state = state(|_| {});
    let plan = plan(&state, &kept("9", 40), (&Rules::default(), &places()), NOW_MS);
    let (order, by) = (orders(&plan).remove(0), Word::new("root").unwrap());
    let record = |number: u64, fact: Fact| {
        let record = Record { format: FORMAT, number, nonce: "n".into(), at_ms: NOW_MS, by: by.clone(), fact };
        Record::read(number, record.text().as_bytes()).unwrap()
    };
    let ended = |order| Fact::CleaningEnded { application: None, order, removed: 1, stayed: Vec::new() };
    assert!(state.apply(&record(1, ended(1))).is_err(), "nobody has ordered it");
    state.apply(&record(1, Fact::CleaningOrdered(order.clone()))).unwrap();
    assert_eq!(state.applications[&key().application].components[&key().component].changed, 1);
    let snapshot = Snapshot { nonce: "n".into(), state: Arc::new(state.clone()) };
    let text: String = snapshot.lines().collect();
    assert_eq!(Snapshot::read(1, text.as_bytes()).unwrap(), snapshot);
    assert_eq!(*state.cleanings[&1], order);
    state.apply(&record(2, ended(1))).unwrap();
    assert!(state.cleanings.is_empty());
    assert_eq!(state.applications[&key().application].components[&key().component].changed, 2);
}
