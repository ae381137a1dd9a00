//! Files that real NodeManagers of Hadoop 3.4 wrote, in both formats and both compressions: two attempts of a program that
//! writes a few lines and fails; in the compressed ones sixty thousand lines before them.
//! Not here: hostile files (`tests/fuzz`), and HDFS itself (`tests/trial.rs`).

use super::*;
use std::cell::RefCell;
use std::collections::BTreeMap;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../tests/fixtures/aggregated-logs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

/// A file that notes what is read of it.
struct Noted(Vec<u8>, RefCell<u64>);

impl Source for Noted {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn part(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        *self.1.borrow_mut() += length;
        (&self.0[..]).part(offset, length)
    }
}

#[test]
fn both_formats_give_the_same_logs() {
    for (name, long) in [("tfile-none", 0), ("tfile-gz", 1_740_000), ("indexed-none", 0), ("indexed-gz", 1_740_000)] {
        let bytes = fixture(name);
        let sizes: BTreeMap<(u64, String), u64> =
            list(&&bytes[..]).unwrap().into_iter().map(|one| ((one.container.attempt(), one.name), one.size)).collect();
        assert_eq!(sizes.keys().filter(|(attempt, _)| *attempt == 1).count(), sizes.len() / 2, "{name}");
        for attempt in [1, 2] {
            assert_eq!(sizes[&(attempt, "jobmanager.log".to_owned())], long + 141, "{name}");
            assert_eq!(sizes[&(attempt, "flink.log".to_owned())], 14, "{name}");
        }
        let pieces = read(&&bytes[..], &mut |one| match one.name.as_str() {
            "jobmanager.log" => one.size - 40..one.size,
            "flink.log" => 0..u64::MAX,
            "jobmanager.out" => 4..7,
            _ => 0..0,
        });
        let mut texts: BTreeMap<(u64, String), (u64, Vec<u8>)> = BTreeMap::new();
        for piece in pieces.unwrap() {
            texts.insert((piece.entry.container.attempt(), piece.entry.name), (piece.from, piece.bytes));
        }
        let of = |attempt, name: &str| texts[&(attempt, name.to_owned())].clone();
        let end = of(2, "jobmanager.log");
        let ending = String::from_utf8(end.1).unwrap();
        assert!(end.0 == long + 101 && ending.len() == 40 && ending.ends_with("_02_000001\n"), "{name}: {ending}");
        assert_eq!(of(1, "flink.log"), (0, b"caf\xc3\xa9 \xff no end".to_vec()), "{name}");
        assert_eq!((of(2, "jobmanager.out"), texts.len()), ((4, b"of ".to_vec()), 6), "{name}");
    }
}

/// Written by the same classes of YARN, with a codec of LZO in Hadoop's place for one.
#[test]
fn both_formats_are_read_that_are_compressed_with_lzo() {
    for name in ["tfile-lzo", "indexed-lzo"] {
        let bytes = fixture(name);
        let all = read(&&bytes[..], &mut |one| 0..one.size).unwrap();
        let of = |name: &str| all.iter().find(|piece| piece.entry.name == name).unwrap();
        let lines: String = (0..24_000).map(|line| format!("line {} of a log\n", line / 100)).collect();
        assert!(of("jobmanager.log").bytes == (lines + "the end\n").as_bytes(), "{name}");
        assert_eq!(of("flink.log").bytes, "café no end".as_bytes(), "{name}");
        assert_eq!((of("raw.log").bytes.len(), all.len()), (1500, 3), "{name}");
        let mut end = |one: &Entry| if one.name == "jobmanager.log" { one.size - 8..one.size } else { 0..0 };
        assert_eq!(read(&&bytes[..], &mut end).unwrap()[0].bytes, b"the end\n", "{name}");
    }
}

/// `hadoop archive` of Hadoop 3.4 made it, of two of these files.
#[test]
fn what_is_in_an_archive_of_hadoop_is_found_in_it() {
    let of = |name: &str| fixture(&format!("archive.har/{name}"));
    let files = har::files(&of(har::MASTER), &of(har::INDEX)).unwrap();
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["node 2_8041", "node-1_8041"]);
    for (file, same) in files.iter().zip(["indexed-none", "tfile-none"]) {
        let place = file.place.start as usize..file.place.end as usize;
        assert!(of(&file.part)[place] == fixture(same), "{same}");
    }
}

#[test]
fn only_what_is_wanted_is_fetched() {
    let mut large = fixture("indexed-none");
    let file = Noted(large.clone(), RefCell::default());
    list(&file).unwrap();
    assert!(*file.1.borrow() < 6_000, "the index alone: {}", file.1.borrow());
    // The same with a megabyte that belongs to no log, before the index.
    let length = u32::from_be_bytes(large[large.len() - 36..large.len() - 32].try_into().unwrap()) as usize;
    let at = large.len() - 36 - length;
    large.splice(at..at, vec![b'x'; 1 << 20]);
    let file = Noted(large, RefCell::default());
    let pieces = read(&file, &mut |one| if one.name == "flink.log" { 0..one.size } else { 0..0 }).unwrap();
    assert_eq!(pieces.len(), 2);
    assert!(*file.1.borrow() < 6_000, "{}", file.1.borrow());
}

#[test]
fn a_file_that_is_not_whole_is_told() {
    for name in ["tfile-none", "tfile-gz", "indexed-none", "indexed-gz"] {
        let bytes = fixture(name);
        for cut in [1, 20, 40, bytes.len() / 2, bytes.len() - 5] {
            let error = list(&&bytes[..bytes.len() - cut]).unwrap_err().to_string();
            assert!(error.starts_with("it ") || error.starts_with("its "), "{name} without {cut}: {error}");
        }
    }
    assert!(list(&&b""[..]).is_err() && list(&&b"plain text of somebody"[..]).is_err());
}

#[test]
fn a_compression_that_is_not_read_is_named_with_what_reads_it() {
    let mut bytes = fixture("tfile-gz");
    let end = bytes.len();
    let at = bytes[end - 200..].windows(2).position(|two| two == b"gz").unwrap() + end - 200;
    bytes[at..at + 2].copy_from_slice(b"zz");
    let error = list(&&bytes[..]).unwrap_err().to_string();
    assert!(error.contains("compressed with zz") && error.contains("yarn logs"), "{error}");
}
