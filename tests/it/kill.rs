//! The real program, killed again and again at random points while it fetches and publishes.
//! What is published is whole and signed at every moment, and what was finished is never asked for again.
//! Not here: power cuts; a kill loses no page that the kernel already has.

use crate::project::Project;
use crate::seed::Seed;
use crate::upstream::Reply;
use pnda::mirror::store::Store;
use pnda::systems::download::Expected;
use pnda::words::digest::Sha256;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Many small files: kills fall between files and into publishing.
const SMALL: (usize, usize) = (24, 40_000);
/// One file that comes in ranges: kills fall into it.
const LARGE: usize = 66 << 20;

/// A mirror of some files, and what of them is where.
struct Bench {
    project: Project,
    files: BTreeMap<String, Expected>,
    random: fastrand::Rng,
    _seed: Seed,
    agent: usize,
    generation: u64,
}

impl Bench {
    fn new(bodies: Vec<Vec<u8>>, name: &'static str) -> Bench {
        let seed = Seed::of(name, fastrand::u64(..1 << 32));
        let project = Project::in_memory();
        let (mut manifest, mut files) = (String::new(), BTreeMap::new());
        for (at, body) in bodies.into_iter().enumerate() {
            let expected = Expected { size: body.len() as u64, sha256: Sha256::of(&body) };
            manifest.push_str(&format!(
                "[[file]]\nid = \"f{at}\"\nurls = [\"$UP/f{at}\"]\nsha256 = \"{}\"\npath = \"mirror_misc/f{at}\"\n",
                expected.sha256
            ));
            project.upstream.on(&format!("/f{at}"), [Reply::bytes(body).header("etag", format!("\"{at}\""))]);
            files.insert(format!("/f{at}"), expected);
        }
        project.manifest(&manifest);
        project.run("mirror lock").says(0, "locked");
        Bench { project, files, random: fastrand::Rng::with_seed(seed.number), _seed: seed, agent: 0, generation: 0 }
    }

    fn store(&self) -> Store {
        Store::open(&self.project.path("store")).unwrap()
    }

    /// From here on there is everything to do: nothing is in the store, and the agent is a newer one.
    fn anew(&mut self) {
        std::fs::remove_dir_all(self.project.path("store/sha256")).unwrap();
        self.agent += 1;
        std::fs::write(self.project.path("agent"), format!("agent {}", self.agent)).unwrap();
    }

    /// How many bytes of each file are still to come.
    fn to_come(&self) -> BTreeMap<String, u64> {
        let store = self.store();
        let left = |wanted: &Expected| if store.has(*wanted) { 0 } else { wanted.size - store.begun(*wanted) };
        self.files.iter().map(|(path, wanted)| (path.clone(), left(wanted))).collect()
    }

    /// How many bytes of each file were asked for since there were so many requests.
    fn asked_since(&self, before: usize) -> BTreeMap<String, u64> {
        let mut asked: BTreeMap<String, u64> = BTreeMap::new();
        for request in self.project.upstream.requests().drain(before..) {
            let mut words = request.split(' ');
            let path = words.next().unwrap().to_owned();
            if path == "/settle" {
                continue;
            }
            let size = self.files[&path].size;
            let bytes = match (words.next(), words.next()) {
                (Some("from"), Some(start)) => size - start.parse::<u64>().unwrap(),
                (Some(range), _) => {
                    let (start, end) = range.split_once('-').unwrap();
                    end.parse::<u64>().unwrap() - start.parse::<u64>().unwrap()
                }
                _ => size,
            };
            *asked.entry(path).or_default() += bytes;
        }
        asked
    }

    /// Runs a build and kills it after so long; says whether it was faster.
    fn build(&mut self, words: &str, kill_after: Option<Duration>) -> bool {
        self.project.upstream.settle();
        let (before, to_come) = (self.project.upstream.requests().len(), self.to_come());
        let mut command = self.project.command(words);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        if let Some(wait) = kill_after {
            std::thread::sleep(wait);
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        assert!(status.success() || kill_after.is_some() && status.code().is_none(), "it failed: {status}");
        self.project.upstream.settle();
        for (path, asked) in self.asked_since(before) {
            assert!(asked <= to_come[&path], "{path}: {asked} bytes were asked for, {} were missing", to_come[&path]);
        }
        self.what_is_published_is_whole();
        status.success()
    }

    fn what_is_published_is_whole(&mut self) {
        let list = self.project.read("mirror/current/generation.toml");
        if self.generation == 0 && list.is_empty() {
            return;
        }
        self.project.run("mirror verify --mirror mirror --key mirror/current/mirror.pub").says(0, "as listed");
        let number = list.lines().find_map(|line| line.strip_prefix("number = ")).unwrap().parse().unwrap();
        assert!(number >= self.generation, "{} to {number}", self.generation);
        self.generation = number;
    }

    /// Kills until a build gets through, and then everything anew, until there were so many kills.
    fn kill(&mut self, words: &str, kills: usize) {
        let began = Instant::now();
        self.anew();
        assert!(self.build(words, None));
        let whole = began.elapsed();
        self.anew();
        for at in 0..kills {
            let wait = whole.mul_f64(self.random.f64());
            // Every few kills a run may end by itself, so that each state is left in both ways.
            if self.build(words, Some(wait)) || at % 4 == 3 {
                assert!(self.build(words, None), "it converges");
                let agent = self.project.read("mirror/current/pnda-agent");
                assert_eq!(agent, format!("agent {}", self.agent), "the newest is published");
                self.anew();
            }
        }
    }
}

fn bytes(seed: u32, size: usize) -> Vec<u8> {
    (0..size as u32).map(|at| (at.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

#[test]
fn a_build_of_many_files_survives_a_hundred_kills() {
    let (count, size) = SMALL;
    let mut bench =
        Bench::new((0..count as u32).map(|at| bytes(at * 7919, size)).collect(), "kills of a build of many files");
    bench.kill("mirror build --max-rate 8M", 105);
}

#[test]
fn a_build_of_a_large_file_survives_fifteen_kills() {
    let mut bench = Bench::new(vec![bytes(1, LARGE), bytes(2, 1000)], "kills of a build of a large file");
    bench.kill("mirror build", 15);
}
