//! Whether a build has anything to do, found out without laying the mirror out: were these inputs published already?
//! What decides a mirror's bytes is one digest, noted beside the generation; any doubt sends the build the full way.
//! Not here: laying out, or telling what is wrong, which the full way does better.

use super::Program;
use crate::fetch::expected;
use crate::generations::{current, record};
use crate::keys;
use crate::lock::{Artifact, Reader};
use crate::openpgp;
use crate::sources::Sources;
use crate::store::Store;
use crate::trust::{self, Judgement, Waiver};
use disk::regular::{self, Links};
use rustix::fs::{AtFlags, statat};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use words::digest::{Hasher, Sha256};
use words::generation::{Head, LIST, SIGNATURE, scan_signed};

/// Everything that decides what is on a mirror, as it is written.
pub struct Inputs<'a> {
    /// The manifests, by name.
    pub manifests: &'a [(String, String)],
    /// The text of the lock.
    pub lock: &'a str,
    /// Programs of our own on the mirror.
    pub programs: &'a [Program],
    /// The roles, by name.
    pub roles: &'a [(String, String)],
    /// The program that lays out: another one may do it in another way.
    pub engine: &'a Path,
    /// The key for clients that know OpenPGP alone, if there is one.
    pub openpgp: Option<&'a openpgp::Signer>,
}

/// A mirror for which nothing is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchanged {
    /// The current generation.
    pub number: u64,
    /// What judging the lock came to: no breaches.
    pub judgement: Judgement,
    /// The lock's exceptions.
    pub waivers: Vec<Waiver>,
}

impl Inputs<'_> {
    /// All of it as one digest; none if something cannot be read.
    pub fn digest(&self) -> Option<Sha256> {
        let mut all = Hasher::default();
        let mut put = |what: &str, bytes: &[u8]| {
            all.update(format!("{what} {}\n", bytes.len()).as_bytes());
            all.update(bytes);
        };
        for (kind, texts) in [("manifest", self.manifests), ("role", self.roles)] {
            for (name, text) in texts {
                put(kind, name.as_bytes());
                put("text", text.as_bytes());
            }
        }
        put("lock", self.lock.as_bytes());
        for program in self.programs {
            put("program", program.path.as_str().as_bytes());
            put("digest", digest(&program.file).ok()?.to_string().as_bytes());
        }
        put("engine", digest(self.engine).ok()?.to_string().as_bytes());
        if let Some(signer) = self.openpgp {
            put("openpgp", &signer.public_binary().ok()?);
        }
        Some(all.finish())
    }

    /// The current generation, if it was made from exactly this and everything is as it was left: all that the lock names
    /// is in the store and vouched for, the list is signed, each of its files is there with its length.
    pub fn unchanged(
        &self,
        mirror: &Path,
        store: &Store,
        sources: &Sources,
        signer: &keys::Signer,
    ) -> Option<Unchanged> {
        let folder = current(mirror);
        let number = folder.file_name()?.to_str()?.parse().ok()?;
        let noted = record::read(mirror, number).inputs?;
        let (judgement, waivers) = self.agreed(store, sources)?;
        let list = whole(&folder, signer)?;
        let same = list == Head { number, lock: Sha256::of(self.lock.as_bytes()) } && self.digest()? == noted;
        same.then_some(Unchanged { number, judgement, waivers })
    }

    fn agreed(&self, store: &Store, sources: &Sources) -> Option<(Judgement, Vec<Waiver>)> {
        let reader = Reader::open(self.lock)?;
        let waivers = reader.waivers.clone();
        let mut complete = true;
        let there = |artifact: Option<Artifact>| {
            let there = artifact.filter(|artifact| store.has(expected(artifact)));
            complete = complete && there.is_some();
            there
        };
        let judgement = trust::judge_each(&waivers, reader.map_while(there), sources);
        (complete && judgement.breaches.is_empty()).then_some((judgement, waivers))
    }
}

/// Notes what the current generation was made from.
pub fn note(mirror: &Path, number: u64, inputs: Sha256) {
    let known = record::read(mirror, number);
    if known.inputs != Some(inputs) {
        // Without the note the next build lays out once more, and finds the same.
        let _ = record::write(mirror, number, &record::Record { inputs: Some(inputs), ..known });
    }
}

fn digest(file: &Path) -> io::Result<Sha256> {
    Sha256::of_reader(&mut File::open(file)?).map(|(sha256, _)| sha256)
}

/// The head of a signed list whose files are all there with their lengths; of the list only a line is held at a time.
fn whole(folder: &Path, signer: &keys::Signer) -> Option<Head> {
    let signature = regular::read_text(&folder.join(SIGNATURE)).ok()?;
    let mut text = BufReader::with_capacity(1 << 16, regular::open(&folder.join(LIST), Links::Follow).ok()?);
    // Looked at from the folder, each costs only its own part of the path.
    let from = File::open(folder).ok()?;
    let mut whole = true;
    let head = scan_signed(&mut text, &signature, &signer.public_key(), &mut |path, listed| {
        let size = || u64::try_from(statat(&from, path.as_str(), AtFlags::empty()).ok()?.st_size).ok();
        whole = whole && size() == Some(listed.size);
    });
    head.ok()?.ok()?.filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_input_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            fs::write(folder.path().join(name), name).unwrap();
            folder.path().join(name)
        };
        let text = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
        let (agent, engine) = (file("agent"), file("engine"));
        let signer = openpgp::Signer::load_or_make(&folder.path().join("key")).unwrap();
        let program = |path: &str, file: &Path| {
            [Program { path: words::names::SafePath::new(path).unwrap(), file: file.to_owned() }]
        };
        let of = |manifest: &[&str; 2], lock, programs: [Program; 1], role: &[&str; 2], engine: &Path, openpgp| {
            let (manifests, roles) = (text(manifest[0], manifest[1]), text(role[0], role[1]));
            Inputs { manifests: &manifests, lock, programs: &programs, roles: &roles, engine, openpgp }.digest()
        };
        let (m, r) = (["m", "text"], ["r", "text"]);
        let all = [
            of(&m, "lock", program("agent", &agent), &r, &engine, None),
            of(&["n", "text"], "lock", program("agent", &agent), &r, &engine, None),
            of(&["m", "other"], "lock", program("agent", &agent), &r, &engine, None),
            of(&m, "other", program("agent", &agent), &r, &engine, None),
            of(&m, "lock", program("other", &agent), &r, &engine, None),
            of(&m, "lock", program("agent", &engine), &r, &engine, None),
            of(&m, "lock", program("agent", &agent), &["r", "other"], &engine, None),
            of(&m, "lock", program("agent", &agent), &r, &agent, None),
            of(&m, "lock", program("agent", &agent), &r, &engine, Some(&signer)),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert!(distinct.len() == all.len() && !distinct.contains(&None));
        assert_eq!(of(&m, "lock", program("agent", &agent), &r, Path::new("/none"), None), None);
        assert_eq!(of(&m, "lock", program("agent", &agent), &r, &engine, None), all[0]);
    }
}
