//! The program killed at random moments while it publishes and cleans up: what readers see stays whole, the next run goes on.
//! The moments follow from a seed, which is told when it fails; `PNDA_TEST_SEED` runs the same ones again.
//! Not here: kills while it fetches (`mirror`).

use crate::project::Project;
use crate::seed::Seed;
use crate::upstream::Reply;
use pnda::mirror::generations::{current, numbers};
use pnda::mirror::verify::verify;
use pnda::words::event::silent;
use std::time::{Duration, Instant};

/// Runs of the program that are killed.
const KILLS: u32 = 80;

const MANIFEST: &str = r#"
[[file]]
id = "notes"
urls = ["$UP/notes.txt"]
sha256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
path = "mirror_misc/notes.txt"
"#;

const GC: &str = "mirror gc --mirror mirror --keep 2 --store store --grace 0 --manifests manifests";

/// A mirror with one generation, and how long a build takes on this machine now.
fn project() -> (Project, Duration) {
    let project = Project::new();
    project.upstream.on("/notes.txt", [Reply::bytes("foo")]);
    project.manifest(MANIFEST).run("mirror lock").says(0, "locked 1");
    let began = Instant::now();
    project.run("mirror build").says(0, "published generation 1");
    (project, began.elapsed())
}

/// Kills a run after a moment; it may have ended before.
fn kill(project: &Project, words: &str, after: Duration) {
    let mut command = project.command(words);
    let command = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut run = command.spawn().unwrap();
    std::thread::sleep(after);
    run.kill().unwrap();
    run.wait().unwrap();
}

fn is_whole(project: &Project, round: u32) -> u64 {
    let report = verify(&current(&project.path("mirror")), None, &silent).unwrap();
    assert_eq!(report.differences, [], "round {round}");
    report.number
}

#[test]
fn publishing_and_cleaning_up_can_be_killed_at_any_moment() {
    let seed = Seed::of("kills of publications", fastrand::u64(..1 << 32));
    let mut random = fastrand::Rng::with_seed(seed.number);
    let (project, whole) = project();
    let mut last = 1;
    for round in 0..KILLS {
        std::fs::write(project.path("agent"), format!("agent {round}")).unwrap();
        let words = if round % 2 == 0 { "mirror build" } else { GC };
        if words == GC {
            project.run("mirror build").says(0, "published generation");
        }
        kill(&project, words, whole.mul_f64(random.f64() * 1.2));
        let number = is_whole(&project, round);
        assert!(number >= last, "round {round}: {number} after {last}");
        project.run("mirror build").says(0, "generation");
        project.run("mirror build").says(0, "up to date: generation");
        project.run(GC).says(0, "removed generations");
        last = is_whole(&project, round);
        let kept = numbers(&project.path("mirror")).unwrap();
        assert!(kept.len() <= 2 && kept.last() == Some(&last), "round {round}: {kept:?}");
        let folder = std::fs::read_dir(project.path("mirror/generations")).unwrap();
        assert_eq!(folder.count(), kept.len(), "round {round}: nothing is left over");
        let served = project.read("mirror/current/pnda-agent");
        assert_eq!(served, format!("agent {round}"), "round {round}");
    }
}
