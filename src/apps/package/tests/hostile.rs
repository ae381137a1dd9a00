//! What no archive may do to whoever reads it: each refusal is named with its member.
//! The archives are made byte by byte, since no well-meant tool makes them.
//! Not here: packages that are only wrong.

use super::*;

fn with(kind: EntryType, content: &[u8]) -> String {
    refusal(&[Raw { name: b"p-1.0.0/flink/c/x", kind, content }, file("p-1.0.0/flink/c/properties.json", b"")])
}

#[test]
fn links_of_any_kind_are_refused() {
    for to in ["../../../../etc/passwd", "/etc/passwd", "properties.json"] {
        assert_eq!(
            with(EntryType::Symlink, to.as_bytes()).lines().next().unwrap(),
            "p-1.0.0/flink/c/x: it is a symbolic link"
        );
        assert!(with(EntryType::Link, to.as_bytes()).contains("p-1.0.0/flink/c/x: it is a hard link"));
    }
}

#[test]
fn devices_pipes_and_what_is_unknown_are_refused() {
    assert!(with(EntryType::Char, b"").contains("p-1.0.0/flink/c/x: it is a device"));
    assert!(with(EntryType::Block, b"").contains("p-1.0.0/flink/c/x: it is a device"));
    assert!(with(EntryType::Fifo, b"").contains("p-1.0.0/flink/c/x: it is a named pipe"));
    assert!(with(EntryType::new(b'V'), b"").contains("p-1.0.0/flink/c/x: it is of a kind that is not read"));
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    for (name, why) in [
        ("/etc/passwd", "it is absolute"),
        ("../x", "`..` segment"),
        ("p-1.0.0/../x", "`..` segment"),
        ("p-1.0.0/flink/c/../../../../x", "`..` segment"),
        ("p-1.0.0//x", "empty segment"),
        ("p-1.0.0/flink/c/a\\b", "backslash"),
    ] {
        let said = refusal(&[file(name, b"x")]);
        assert!(said.contains(why) && said.contains(name), "{said}");
    }
}

#[test]
fn a_name_with_a_control_character_is_refused_and_shown_on_one_line() {
    let said = refusal(&[file("p-1.0.0/flink/c/a\nroot: all is well\u{1b}[31m", b"")]);
    assert!(said.starts_with("p-1.0.0/flink/c/a\\nroot: all is well\\u{1b}[31m: "), "{said}");
    assert!(!said.contains("\nroot") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_type_or_component_is_no_option_and_no_shell_word() {
    for folder in
        ["-x/c", "flink/-x", "flink/a;id", "flink/$(id)", "flink/a b", "fl ink/c", "flink/a.b", "flink/\u{e4}"]
    {
        let name = format!("p-1.0.0/{folder}/properties.json");
        let said = refusal(&[file(&name, b"{}"), file("p-1.0.0/flink/c/properties.json", b"")]);
        assert!(said.starts_with(&format!("p-1.0.0/{folder}: ")) && said.contains("rename the folder"), "{said}");
        assert_eq!(said.lines().count(), 2, "told once: {said}");
    }
}

#[test]
fn a_name_that_is_no_utf_8_is_refused() {
    let said = refusal(&[Raw { name: b"p-1.0.0/flink/c/\xff", kind: EntryType::Regular, content: b"" }]);
    assert!(said.contains("its name is not UTF-8"), "{said}");
}

#[test]
fn a_file_that_is_there_twice_is_refused() {
    let twice = [file("p-1.0.0/flink/c/a", b"1"), file("./p-1.0.0/flink/c/a", b"2")];
    assert!(refusal(&twice).contains("p-1.0.0/flink/c/a: it is there twice"));
    let replaced = [file("p-1.0.0/flink/c/a", b"1"), folder("p-1.0.0/flink/c/a")];
    assert!(refusal(&replaced).contains("it is there twice"));
    let replaced = [file("p-1.0.0/flink/c/a/b", b"1"), file("p-1.0.0/flink/c/a", b"1")];
    assert!(refusal(&replaced).contains("p-1.0.0/flink/c/a: it is there twice"));
    let inside = [file("p-1.0.0/flink/c/a", b"1"), file("p-1.0.0/flink/c/a/b", b"2")];
    assert!(refusal(&inside).contains("p-1.0.0/flink/c/a/b: it lies inside something that is a file"));
}

#[test]
fn names_that_differ_in_capitals_only_are_told() {
    let package = accepted(&[file("p-1.0.0/flink/c/Main.py", b""), file("p-1.0.0/flink/c/main.py", b"")]);
    assert_eq!(package.notes.len(), 1);
    assert!(
        package.notes[0].to_string().contains("p-1.0.0/flink/c/main.py: it differs from `p-1.0.0/flink/c/Main.py`")
    );
}

#[test]
fn a_long_name_counts_whole() {
    let long = format!("p-1.0.0/flink/c/{}/../../../../../../x", "a".repeat(120));
    assert!(refusal(&[file(&long, b"")]).contains("`..` segment"));
    let deep = format!("p-1.0.0/flink/c/{}x", "d/".repeat(40));
    assert!(refusal(&[file(&deep, b"")]).contains("folders deep, and 32 are allowed"));
    let endless = format!("p-1.0.0/flink/c/{}", "a/".repeat(700));
    assert!(refusal(&[file(&endless, b"")]).contains("longer than 1024 bytes"));
    // A header that would fill the memory ends the reading.
    let name = vec![b'a'; 3 << 20];
    let said = refusal(&[Raw { name: &name, kind: EntryType::Regular, content: b"" }]);
    assert!(said.contains("a header is longer than any header is"), "{}", &said[..200]);
}

#[test]
fn a_sparse_file_allows_no_longer_header() {
    let mut sparse = tar::Header::new_gnu();
    sparse.as_old_mut().name[..9].copy_from_slice(b"p-1.0.0/x");
    sparse.set_entry_type(EntryType::GNUSparse);
    sparse.as_gnu_mut().unwrap().realsize[..11].copy_from_slice(b"77777777777");
    sparse.as_gnu_mut().unwrap().sparse[0].offset[..11].copy_from_slice(b"77777777777");
    sparse.as_gnu_mut().unwrap().sparse[0].numbytes[..11].copy_from_slice(b"00000000000");
    sparse.set_size(0);
    sparse.set_cksum();
    let mut bytes = sparse.as_bytes().to_vec();
    push(&mut bytes, b"././@LongLink", EntryType::GNULongName, &vec![b'a'; 3 << 20]);
    let said = read(&named("p-1.0.0"), &*gzip(&bytes)).unwrap_err().to_string();
    assert!(said.contains("p-1.0.0/x: it is of a kind that is not read"), "{said}");
    assert!(said.contains("a header is longer than any header is"), "{said}");
}

#[test]
fn a_large_file_is_passed_over() {
    let noise: Vec<u8> = (0..3 << 20).map(|_| fastrand::u8(..)).collect();
    let package = accepted(&[file("p-1.0.0/flink/c/large.jar", &noise), file("p-1.0.0/flink/c/x", b"")]);
    assert_eq!(package.components[0].files.values().copied().collect::<Vec<_>>(), [3 << 20, 0]);
}

#[test]
fn a_name_in_an_extended_header_is_held_to_the_same_rules() {
    let record = "path=../../escaped\n";
    let pax = format!("{} {record}", record.len() + 3);
    let mut bytes = Vec::new();
    push(&mut bytes, b"PaxHeaders/x", EntryType::XHeader, pax.as_bytes());
    push(&mut bytes, b"p-1.0.0/flink/c/x", EntryType::Regular, b"x");
    bytes.extend_from_slice(&[0; 1024]);
    let said = read(&named("p-1.0.0"), &*gzip(&bytes)).unwrap_err().to_string();
    assert!(said.contains("../../escaped") && said.contains("`..` segment"), "{said}");
}

const SMALL: Limits = Limits { packed: 10_000, unpacked: 1 << 20, members: 10, depth: 8, growth: 200 };

fn within(limits: Limits, archive: &[u8]) -> String {
    read_within(&named("p-1.0.0"), archive, limits).unwrap_err().to_string()
}

#[test]
fn a_bomb_stops_at_its_bound() {
    // 100 MiB of zeros in 100 KiB: ten times less than the bound of sizes alone, and no package.
    let zeros = vec![0; 100 << 20];
    let bomb = archive(&[file("p-1.0.0/flink/c/zeros", &zeros)]);
    let said = within(LIMITS, &bomb);
    assert!(said.contains("it unpacks to more than 200 times its size"), "{said}");
    let said = within(SMALL, &archive(&[file("p-1.0.0/flink/c/zeros", &zeros[..2 << 20])]));
    assert!(said.contains("it unpacks to more than 1.0 MiB"), "{said}");
    let noise: Vec<u8> = (0..20_000).map(|_| fastrand::u8(..)).collect();
    let said = within(SMALL, &archive(&[file("p-1.0.0/flink/c/noise", &noise)]));
    assert!(said.contains("it is larger than 9.8 KiB"), "{said}");
}

#[test]
fn what_lies_behind_the_last_member_is_bounded_too() {
    let mut bytes = tar(&[file("p-1.0.0/flink/c/x", b"x")]);
    bytes.resize(2 << 20, 0);
    assert!(within(SMALL, &gzip(&bytes)).contains("it unpacks to more than 1.0 MiB"));
}

#[test]
fn members_without_end_are_refused() {
    let names: Vec<String> = (0..20).map(|at| format!("p-1.0.0/flink/c/{at}")).collect();
    let members: Vec<Raw<'_>> = names.iter().map(|name| file(name, b"")).collect();
    assert!(within(SMALL, &archive(&members)).contains("it has more than 10 members"));
}

#[test]
fn what_is_held_in_memory_is_bounded() {
    let of = |names: &[String], content: &[u8]| {
        refusal(&names.iter().map(|name| file(name, content)).collect::<Vec<Raw<'_>>>())
    };
    let deep = |at: usize| format!("p-1.0.0/flink/c/{}", format!("{at}{}/", "d".repeat(20)).repeat(25));
    let paths: Vec<String> = (0..2_000).map(|at| deep(at) + "x").collect();
    assert!(of(&paths, b"").contains("its paths are longer than 4.0 MiB together"));
    let components: Vec<String> = (0..1_000).map(|at| format!("p-1.0.0/flink/{at}/x")).collect();
    let said = of(&components, b"");
    assert!(said.contains("it has more than 200 components") && said.lines().count() == 2, "{said}");
    let json: Vec<String> = (0..12).map(|at| format!("p-1.0.0/flink/{at}/hdfs.json")).collect();
    let said = of(&json, format!("[\"{}\"]", "x".repeat(250_000)).as_bytes());
    assert!(said.contains("p-1.0.0/flink/8/hdfs.json: it is longer than") && !said.contains("flink/7/"), "{said}");
}

#[test]
fn mistakes_without_end_are_cut_off() {
    let names: Vec<String> = (0..5_000).map(|at| format!("/{at}")).collect();
    let members: Vec<Raw<'_>> = names.iter().map(|name| file(name, b"")).collect();
    let problems = read(&named("p-1.0.0"), &*archive(&members)).unwrap_err();
    assert!(problems.len() < 110 && problems.to_string().contains("mistakes are enough"), "{}", problems.len());
}

#[test]
fn a_broken_archive_is_no_package() {
    let whole = wordcount();
    let said = |bytes: &[u8]| read(&named(WORDCOUNT), bytes).unwrap_err().to_string();
    assert!(said(b"").contains("cannot be read to its end"), "{}", said(b""));
    assert!(said(b"PK\x03\x04 a zip").contains("cannot be read to its end"));
    assert!(said(&gzip(b"no tar at all")).contains("cannot be read to its end"));
    for cut in [20, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        assert!(said(&whole[..cut]).contains("cannot be read to its end"), "{cut} of {}", whole.len());
    }
    let mut damaged = whole.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    assert!(said(&damaged).contains("cannot be read to its end"));
}

#[test]
fn no_bytes_whatever_make_it_give_up() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let plain = tar(&[
        file("p-1.0.0/flink/c/properties.json", b"{\"main_py\": \"a.py\", \"n\": [1]}"),
        file("p-1.0.0/flink/c/hdfs.json", b"[{\"name\": \"x\"}]"),
        Raw { name: b"p-1.0.0/flink/c/l", kind: EntryType::Symlink, content: b"x" },
    ]);
    for _ in 0..2_000 {
        let mut bytes = plain.clone();
        for _ in 0..random.usize(1..8) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes.truncate(random.usize(..=bytes.len()));
        if let Err(problems) = read(&named("p-1.0.0"), &*gzip(&bytes)) {
            assert!(!problems.is_empty(), "seed {seed}");
        }
    }
}
