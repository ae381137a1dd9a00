//! Hostile archives, one row for each attack or defect, through everything that unpacks: the assembler and the agent.
//! A row says what becomes of it: refused with a reason, or a result that harms nobody, written down in full.
//! Not here: well-meant archives; those are tested beside the code.

use archive::{Row, tars, zips};
use pnda::mirror::assembly::{Made, assemble};
use pnda::mirror::lock::{Artifact, Lock, Source, Voucher};
use pnda::mirror::manifest::{Assembly, Form, Take};
use pnda::mirror::store::Store;
use pnda::node::unpack::{LIMITS, unpack};
use pnda::words::digest::Sha256;
use pnda::words::names::{SafePath, Word};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

mod archive;

/// No archive takes longer, however hostile; most take milliseconds.
const LONGEST: Duration = Duration::from_secs(60);

/// What became of an archive: its refusal with all causes, or its members.
type Fate = Result<Vec<String>, String>;

fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source()).map(|cause| format!(": {cause}"));
    error.to_string() + &causes.collect::<String>()
}

/// The assembler takes what lies below `t/`.
fn assembled(name: &str, bytes: &[u8]) -> Fate {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let mut file = store.scratch().unwrap();
    file.write_all(bytes).unwrap();
    let kept = store.keep(&file.keep().unwrap().1).unwrap();
    let part = Word::new("part").unwrap();
    let artifact = Artifact {
        origin: None,
        signer: None,
        source: Source::Pypi,
        address: SafePath::new(format!("p/{name}")).unwrap(),
        size: kept.size,
        sha256: kept.sha256,
        vouched: Voucher::Manifest,
        wanted_by: part.clone().into(),
        because: Default::default(),
    };
    let lock = Lock::of(Sha256::of(b""), [artifact]).unwrap();
    let take = Take { from: part, members: Some("t/".into()), into: String::new(), except: vec![] };
    let assembly = Assembly {
        path: SafePath::new("a.tar.gz").unwrap(),
        form: Form::TarGz,
        takes: vec![take],
        files: BTreeMap::new(),
        links: BTreeMap::new(),
        executable: vec![],
    };
    let made = assemble(&Word::new("a").unwrap(), &assembly, &lock, &store).map_err(|error| chain(&error))?;
    let Made::Archive(made) = made else { panic!("no folder was asked for") };
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(File::open(store.path(made.sha256)).unwrap()));
    let line = |entry: tar::Entry<'_, _>| {
        assert!(entry.header().entry_type().is_file());
        format!("{} {:o}", entry.path().unwrap().display(), entry.header().mode().unwrap())
    };
    Ok(tar.entries().unwrap().map(|entry| line(entry.unwrap())).collect())
}

/// The agent unpacks into a folder that lies in another one, where nothing else may appear.
fn unpacked(bytes: &[u8]) -> Fate {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("in/ner");
    fs::create_dir_all(&inner).unwrap();
    let packed = outer.path().join("packed");
    fs::write(&packed, bytes).unwrap();
    let result = unpack(File::open(&packed).unwrap(), &inner, LIMITS);
    let outside = |folder: &Path| fs::read_dir(folder).unwrap().count();
    assert_eq!((outside(outer.path()), outside(&outer.path().join("in"))), (2, 1), "something lies outside");
    let mut lines = Vec::new();
    walk(&inner, &inner, &mut lines);
    lines.sort();
    result.map(|_| lines).map_err(|error| chain(&error))
}

/// What lies in a folder; also what an unpacking that failed has left there must be harmless.
fn walk(root: &Path, folder: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, found) = (entry.path(), entry.path().symlink_metadata().unwrap());
        let (kind, mode) = (found.file_type(), found.permissions().mode());
        assert!(kind.is_file() || kind.is_dir() || kind.is_symlink(), "{}", path.display());
        assert!(!kind.is_block_device() && !kind.is_char_device() && !kind.is_fifo() && !kind.is_socket());
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if kind.is_symlink() {
            let to = fs::read_link(&path).unwrap();
            let leads = path.parent().unwrap().join(&to).canonicalize();
            assert!(leads.is_err() || leads.unwrap().starts_with(root.canonicalize().unwrap()), "{name}");
            lines.push(format!("{name} -> {}", to.display()));
            continue;
        }
        assert_eq!(mode & 0o7022, 0, "{name} is setuid, setgid, sticky, or writable for others");
        lines.push(format!("{name}{} {:o}", if kind.is_dir() { "/" } else { "" }, mode & 0o777));
        if kind.is_dir() {
            walk(root, &path, lines);
        }
    }
}

/// Whether a fate is as it is written: `refused: a part of the reason`, or the members.
fn differs(wanted: &str, fate: &Fate) -> bool {
    match (wanted.strip_prefix("refused: "), fate) {
        (Some(reason), Err(error)) => !error.contains(reason),
        (None, Ok(lines)) => wanted != lines.join(", "),
        _ => true,
    }
}

/// Who unpacks, what is wanted of it, and what came of it.
type Way = fn(&Row) -> (&'static str, &'static str, Fate);

fn hold(rows: Vec<Row>, ways: &[Way]) {
    let mut wrong = Vec::new();
    for row in &rows {
        for way in ways {
            let begin = Instant::now();
            let (who, wanted, fate) = way(row);
            assert!(begin.elapsed() < LONGEST, "{}: {who} took {:?}", row.attack, begin.elapsed());
            if differs(wanted, &fate) {
                wrong.push(format!("{}: {who}\n  wanted {wanted}\n  got    {fate:?}", row.attack));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_hostile_tar_harms_the_assembler_or_a_node() {
    let rows = tars();
    assert!(rows.len() >= 40, "{}", rows.len());
    hold(
        rows,
        &[
            |row| ("the assembler", row.assembler, assembled("p.tar.gz", &row.bytes)),
            |row| ("the agent", row.agent, unpacked(&row.bytes)),
        ],
    );
}

#[test]
fn no_hostile_zip_harms_the_assembler() {
    hold(zips(), &[|row| ("the assembler", row.assembler, assembled("p.whl", &row.bytes))]);
}
