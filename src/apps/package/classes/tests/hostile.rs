//! Jars and class files of anybody: cut, changed at random, and made to be large.
//! Nothing panics, nothing takes more memory than its bytes allow, and what cannot be read is told.
//! Not here: archives of packages, which have tests of their own.

use super::*;
use crate::package::classes::class_file::{self, Error};
use crate::package::classes::jar;

#[test]
fn changed_bytes_of_a_class_file_are_read_or_refused() {
    let mut random = fastrand::Rng::with_seed(7);
    let all: Vec<Vec<u8>> =
        ["job", "new"].iter().flat_map(|folder| classes(folder, &[""])).map(|(_, bytes)| bytes).collect();
    let (mut read, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = all[random.usize(..all.len())].clone();
        for _ in 0..random.usize(1..8) {
            let at = random.usize(..bytes.len());
            match random.u8(..3) {
                0 => bytes[at] = random.u8(..),
                1 => bytes[at] ^= 1 << random.u8(..8),
                _ => bytes.truncate(at.max(8)),
            }
        }
        match class_file::parse(&bytes) {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(read > 1000 && refused > 1000, "{read} {refused}");
}

#[test]
fn every_beginning_of_a_class_file_is_refused_and_the_whole_is_read() {
    let (_, bytes) = classes("job", &["com/example/Members.class"]).remove(0);
    for end in 0..bytes.len() {
        // Attributes of the class itself are not looked at.
        let parsed = class_file::parse(&bytes[..end]);
        assert!(end + 20 >= bytes.len() || parsed.is_err(), "{end} of {}", bytes.len());
    }
    assert!(class_file::parse(&bytes).is_ok());
    assert_eq!(class_file::parse(b"PK\x03\x04 and more"), Err(Error::Magic));
}

#[test]
fn a_long_name_that_is_referred_to_often_is_kept_once() {
    // One name of 60,000 letters, and 60,000 classes of that name.
    let (name, count) = ("L".repeat(60_000), 60_000_u16);
    let mut bytes = vec![0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 52];
    bytes.extend((count + 2).to_be_bytes());
    bytes.push(1);
    bytes.extend((name.len() as u16).to_be_bytes());
    bytes.extend(name.as_bytes());
    for _ in 0..count {
        bytes.extend([7, 0, 1]);
    }
    // Flags, this and super class, and nothing else.
    bytes.extend([0, 1, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0]);
    let class = class_file::parse(&bytes).unwrap();
    assert_eq!((class.classes.len(), class.name.len()), (1, 60_000));
}

#[test]
fn a_jar_that_is_none_and_a_class_that_is_none_are_told() {
    let mut members = classes("job", &["com/example/Gone"]);
    members[0].1.truncate(100);
    let jars = jars(vec![("job.jar", packed(&members)), ("broken.jar", b"no zip at all".to_vec())]);
    let findings = check(&program("com.example.Gone"), &jars, &target());
    let errors = errors(&findings);
    assert!(
        errors.iter().any(|error| error.starts_with("broken.jar: error: it cannot be read as a jar")),
        "{errors:?}"
    );
    let warnings = of(&findings, Severity::Warning);
    assert!(warnings.iter().any(|warning| warning.contains("it ends too early")), "{warnings:?}");
}

#[test]
fn a_class_that_unpacks_to_very_much_is_not_read_whole() {
    let bomb = vec![("com/example/Bomb.class".to_owned(), vec![0; 40 << 20])];
    let jar = jar("job.jar", &bomb);
    assert!(matches!(jar.class("com/example/Bomb"), Some(Err(jar::Error::TooLong))));
}

#[test]
fn a_jar_whose_directory_is_very_long_is_refused() {
    // Each entry is said to have 600 bytes besides its header: 40 MB in all, while nothing is packed.
    let mut entry = [b"PK\x01\x02".as_slice(), &[0; 642]].concat();
    entry[30..32].copy_from_slice(&600_u16.to_le_bytes());
    let mut bytes = entry.repeat(65_000);
    let (size, count) = ((bytes.len() as u32).to_le_bytes(), 65_000_u16.to_le_bytes());
    bytes.extend([b"PK\x05\x06".as_slice(), &[0; 4], &count, &count, &size, &[0; 6]].concat());
    let error = words::chain::chain(&Jar::read("job.jar", file(&bytes), JAVA).unwrap_err());
    assert!(error.contains("its directory is longer than"), "{error}");
}
