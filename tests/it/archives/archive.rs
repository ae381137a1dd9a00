//! The hostile archives themselves: each row is built here, byte by byte where a library would not do it.
//! Every tar has a harmless member as well, so that a refusal is one of the hostile one.
//! Not here: who unpacks them.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

/// An attack, and what each unpacker makes of it: `refused: why`, or what is there afterwards.
pub struct Row {
    pub attack: &'static str,
    pub bytes: Vec<u8>,
    pub assembler: &'static str,
    pub agent: &'static str,
}

const FILE: u8 = b'0';
const HARD: u8 = b'1';
const LINK: u8 = b'2';

/// One header with its content, whatever they say.
struct Member {
    header: tar::Header,
    content: Vec<u8>,
}

fn member(name: &[u8], kind: u8, content: impl Into<Vec<u8>>) -> Member {
    let content = content.into();
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o644);
    header.set_mtime(1_000_000_000);
    header.set_size(content.len() as u64);
    Member { header, content }
}

impl Member {
    fn change(mut self, change: impl FnOnce(&mut tar::Header)) -> Member {
        change(&mut self.header);
        self
    }

    fn to(self, target: &[u8]) -> Member {
        self.change(|header| header.as_old_mut().linkname[..target.len()].copy_from_slice(target))
    }

    fn mode(self, mode: u32) -> Member {
        self.change(|header| header.set_mode(mode))
    }

    fn bytes(mut self) -> Vec<u8> {
        self.header.set_cksum();
        let mut bytes = self.header.as_bytes().to_vec();
        bytes.extend(self.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

/// Extended headers of the next member, or of all that follow with kind `g`.
fn pax(kind: u8, records: &[(&str, &str)]) -> Member {
    let mut text = String::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        // The length counts its own digits.
        let length = (1..).find(|length: &usize| rest.len() + length.to_string().len() == *length).unwrap();
        text.push_str(&format!("{length}{rest}"));
    }
    member(b"pax", kind, text)
}

fn long_name(name: &[u8]) -> Member {
    member(b"././@LongLink", b'L', [name, b"\0"].concat())
}

fn tar(members: impl IntoIterator<Item = Member>) -> Vec<u8> {
    let mut bytes: Vec<u8> = member(b"t/ok", FILE, "ok").bytes();
    members.into_iter().for_each(|member| bytes.extend(member.bytes()));
    bytes.extend([0; 1024]);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Zeros must shrink as far as they can; a hundred megabytes of headers need not.
    let level = if bytes.len() < 64 << 20 { Compression::best() } else { Compression::fast() };
    let mut gzip = GzEncoder::new(Vec::new(), level);
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn file(name: &[u8]) -> Member {
    member(name, FILE, "x")
}

/// Every hostile tar.
pub fn tars() -> Vec<Row> {
    let row = |(attack, members, assembler, agent): Case| Row { attack, bytes: gzip(&tar(members)), assembler, agent };
    let groups = [names(), extended_names(), links(), kinds(), modes(), twice(), bombs()];
    groups.into_iter().flatten().map(row).chain(damaged()).collect()
}

type Case = (&'static str, Vec<Member>, &'static str, &'static str);

const OK: &str = "ok 644";
const T_OK: &str = "t/ 755, t/ok 644";
const UNSAFE: &str = "refused: unsafe name";

fn names() -> Vec<Case> {
    vec![
        ("an absolute path", vec![file(b"/escaped")], OK, UNSAFE),
        ("an absolute path inside the taken folder", vec![file(b"t//escaped")], "refused: it is absolute", UNSAFE),
        ("a path above", vec![file(b"../escaped")], OK, UNSAFE),
        ("a path above from inside", vec![file(b"t/../../escaped")], "refused: `..` segment", UNSAFE),
        ("a path above far inside", vec![file(b"t/a/b/../../../../escaped")], "refused: `..` segment", UNSAFE),
        ("a path that ends above", vec![file(b"t/a/..")], "refused: `..` segment", UNSAFE),
        ("a single dot", vec![file(b"t/./a")], "refused: `.` or `..` segment", UNSAFE),
        ("backslashes", vec![file(b"t/..\\..\\escaped")], "refused: a backslash", UNSAFE),
        ("a line break", vec![file(b"t/a\nb")], "refused: control character", UNSAFE),
        ("an escape sequence of a terminal", vec![file(b"t/\x1b[2J")], "refused: control character", UNSAFE),
        ("a name cut by a zero", vec![file(b"t/a\0/../../escaped")], "a 644, ok 644", "t/ 755, t/a 644, t/ok 644"),
        ("bytes that are no text", vec![file(b"t/\xff")], "ok 644, \u{fffd} 644", "t/ 755, t/ok 644, t/\u{fffd} 644"),
        ("no name", vec![file(b"")], OK, T_OK),
        ("only slashes", vec![file(b"///")], OK, UNSAFE),
        (
            "a file with the name of a folder",
            vec![file(b"t/a/")],
            "refused: empty segment",
            "t/ 755, t/a 644, t/ok 644",
        ),
    ]
}

fn extended_names() -> Vec<Case> {
    let long = |name: &[u8]| vec![long_name(name), file(b"short")];
    let named = |key, value| vec![pax(b'x', &[(key, value)]), file(b"t/a")];
    let deep = "t/".to_owned() + &"d/".repeat(3000) + "x";
    vec![
        ("a long name above", long(b"t/../../escaped"), "refused: `..` segment", UNSAFE),
        ("a segment that no file system has", long(&[b"t/", &[b'a'; 300][..]].concat()), "refused: 255 bytes", UNSAFE),
        ("six thousand bytes of folders", long(deep.as_bytes()), "refused: longer than 1024", UNSAFE),
        ("a name of 500 KB", long(&[b"t/", &[b'a'; 500_000][..]].concat()), "refused: longer than 1024", UNSAFE),
        ("a name of 4 MiB", long(&vec![b'a'; 4 << 20]), "refused: longer than any", "refused: longer than any"),
        (
            "names without a member",
            vec![long_name(b"t/a"), long_name(b"t/b"), file(b"t/c")],
            "refused: two long name entries",
            "refused: two long name entries",
        ),
        ("an extended path above", named("path", "t/../../escaped"), "refused: `..` segment", UNSAFE),
        ("an absolute extended path", named("path", "/escaped"), OK, UNSAFE),
        ("an extended path for all", vec![pax(b'g', &[("path", "../escaped")])], OK, T_OK),
        (
            "4 MiB of extended headers",
            named("comment", &"a".repeat(4 << 20)),
            "refused: longer than any header",
            "refused: longer than any header",
        ),
        (
            "an extended link",
            vec![pax(b'x', &[("linkpath", "/etc/passwd")]), member(b"t/a", LINK, "").to(b"ok")],
            "refused: is a link",
            "refused: leaves the folder",
        ),
        ("an extended size that lies", named("size", "99999999999999"), "refused: more than", "refused: more than"),
        ("an extended size that is none", named("size", "-1"), "a 644, ok 644", "t/ 755, t/a 644, t/ok 644"),
    ]
}

fn links() -> Vec<Case> {
    let link = |to: &[u8]| member(b"t/l", LINK, "").to(to);
    let hard = |to: &[u8]| member(b"t/h", HARD, "").to(to);
    let leaves = "refused: leaves the folder";
    let is_link = "refused: `t/l` is a link";
    let hard_link = "refused: `t/h` is a link";
    vec![
        ("a link to an absolute path", vec![link(b"/etc/passwd")], is_link, leaves),
        ("a link above", vec![link(b"../../escaped")], is_link, leaves),
        ("a link to the parent", vec![link(b"..")], is_link, leaves),
        ("a link through a link", vec![link(b"."), member(b"t/m", LINK, "").to(b"l/../..")], is_link, leaves),
        ("a file through a link", vec![link(b"/tmp"), file(b"t/l/escaped")], is_link, "refused: no folder"),
        ("a file over a link", vec![link(b"/tmp/escaped"), file(b"t/l")], is_link, "refused: twice"),
        ("a folder over a link", vec![link(b"/tmp"), member(b"t/l", b'5', "")], is_link, "refused: twice"),
        ("a link without a target", vec![link(b"")], is_link, "refused: link to nowhere"),
        ("a link to itself", vec![link(b"l")], is_link, "t/ 755, t/l -> l, t/ok 644"),
        ("a hard link to an absolute path", vec![hard(b"/etc/passwd")], hard_link, UNSAFE),
        ("a hard link above", vec![hard(b"../../escaped")], hard_link, UNSAFE),
        ("a hard link to what comes later", vec![hard(b"t/z"), file(b"t/z")], hard_link, "refused: hard link"),
        ("a hard link to a link", vec![link(b"/etc/passwd"), hard(b"t/l")], is_link, "refused: hard link"),
        ("a hard link to itself", vec![hard(b"t/h")], hard_link, "refused: hard link"),
        ("a hard link to a folder", vec![member(b"t/d", b'5', ""), hard(b"t/d")], hard_link, "refused: hard link"),
    ]
}

fn kinds() -> Vec<Case> {
    let of = |kind| vec![member(b"t/a", kind, "")];
    let no_file = "refused: is neither a file nor a folder";
    let unknown = "refused: of a kind that is not unpacked";
    let sparse = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "99999999999")];
    vec![
        ("a character device", of(b'3'), no_file, "refused: is a device"),
        ("a block device", of(b'4'), no_file, "refused: is a device"),
        ("a named pipe", of(b'6'), no_file, "refused: is a named pipe"),
        ("a kind that nobody knows", of(b'!'), no_file, unknown),
        ("the rest of a file of another tape", of(b'M'), no_file, unknown),
        ("the label of a tape", of(b'V'), no_file, unknown),
        ("a list of names of an incremental backup", of(b'D'), no_file, unknown),
        ("a sparse file of a terabyte", vec![sparse_file(1 << 40)], "refused: more than", unknown),
        (
            "a sparse file by extended headers",
            vec![pax(b'x', &sparse), file(b"t/a")],
            "a 644, ok 644",
            "t/ 755, t/a 644, t/ok 644",
        ),
        ("a folder with bytes", vec![member(b"t/d/", b'5', vec![1; 3_000_000])], OK, "refused: longer than any header"),
        (
            "a link with bytes",
            vec![member(b"t/l", LINK, vec![1; 4096]).to(b"ok")],
            "refused: is a link",
            "t/ 755, t/l -> ok, t/ok 644",
        ),
    ]
}

/// A GNU sparse file: no data, a size that is claimed.
fn sparse_file(size: u64) -> Member {
    let mut header = tar::Header::new_gnu();
    header.set_path("t/a").unwrap();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_mode(0o644);
    header.set_size(0);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.realsize.copy_from_slice(format!("{size:011o}\0").as_bytes().get(..12).unwrap_or(&[b'7'; 12]));
    gnu.sparse[0].offset.copy_from_slice(format!("{size:011o}\0").as_bytes().get(..12).unwrap_or(&[b'7'; 12]));
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    Member { header, content: Vec::new() }
}

fn modes() -> Vec<Case> {
    let setuid = "refused: setuid or setgid";
    let there = "t/ 755, t/a 644, t/ok 644";
    vec![
        ("setuid", vec![file(b"t/a").mode(0o4755)], "a 644, ok 644", setuid),
        ("setgid", vec![file(b"t/a").mode(0o2755)], "a 644, ok 644", setuid),
        ("a setgid folder", vec![member(b"t/d/", b'5', "").mode(0o2777)], OK, setuid),
        ("sticky and writable for all", vec![file(b"t/a").mode(0o1666)], "a 644, ok 644", there),
        ("no rights at all", vec![file(b"t/a").mode(0)], "a 644, ok 644", there),
        (
            "an unreadable mode",
            vec![file(b"t/a").change(|header| header.as_old_mut().mode = *b"rwxrwxrw")],
            "a 644, ok 644",
            "refused: ",
        ),
        (
            "an owner and a time of its own",
            vec![file(b"t/a").change(|header| {
                header.set_uid(1 << 40);
                header.set_mtime(u64::MAX >> 1);
            })],
            "a 644, ok 644",
            there,
        ),
    ]
}

fn twice() -> Vec<Case> {
    let other = || member(b"t/a", FILE, "other");
    vec![
        ("the same file twice", vec![file(b"t/a"), file(b"t/a")], "a 644, ok 644", "refused: twice"),
        ("two files of one name", vec![file(b"t/a"), other()], "refused: twice", "refused: twice"),
        (
            "a name that is written in two ways",
            vec![file(b"t/a"), member(b"./t/a", FILE, "y")],
            "refused: twice",
            "refused: twice",
        ),
        ("a file inside a file", vec![file(b"t/a"), file(b"t/a/b")], "refused: no folder", "refused: no folder"),
        ("a file over a folder", vec![file(b"t/a/b"), file(b"t/a")], "refused: no folder", "refused: twice"),
    ]
}

fn bombs() -> Vec<Case> {
    let lie = |size: u64| vec![file(b"t/a").change(|header| header.set_size(size))];
    let empty = || file(b"t/a").change(|header| header.set_size(0));
    let many = (0..200_001).map(|_| Member { content: vec![], ..empty() }).collect();
    vec![
        ("24 MiB of zeros", vec![member(b"t/a", FILE, vec![0; 24 << 20])], "refused: more than", "refused: more than"),
        (
            "zeros that are not taken",
            vec![member(b"u/a", FILE, vec![0; 24 << 20])],
            "refused: more than",
            "refused: more than",
        ),
        ("a size of a terabyte", lie(1 << 40), "refused: more than", "refused: more than"),
        ("the largest size", lie(u64::MAX >> 1), "refused: more than", "refused: more than"),
        ("a size beyond the end", lie(5000), "refused: ", "refused: "),
        ("too many members", many, "refused: more than 200000 members", "refused: twice"),
    ]
}

/// What is no tar, or is cut, or goes on.
fn damaged() -> Vec<Row> {
    let whole = tar([file(b"t/a")]);
    let packed = gzip(&whole);
    let row = |attack, bytes, assembler, agent| Row { attack, bytes, assembler, agent };
    let (two, there) = ("a 644, ok 644", "t/ 755, t/a 644, t/ok 644");
    let mut checksum = whole.clone();
    checksum[512 * 2 + 148] ^= 1;
    let appended = [whole.clone(), tar([file(b"../escaped")])].concat();
    vec![
        row("a page instead of an archive", b"<html>not found</html>".to_vec(), "refused: ", "refused: "),
        row("nothing", Vec::new(), "refused: end of file", "refused: end of file"),
        row("an archive without members", gzip(&[0; 1024]), "refused: no such members", "refused: it holds nothing"),
        row("half of the packed bytes", packed[..packed.len() / 2].to_vec(), "refused: ", "refused: "),
        row("an end in the middle of a member", gzip(&whole[..512 * 3 + 1]), "refused: ", "refused: "),
        row("a broken header", gzip(&checksum), "refused: ", "refused: "),
        row("packed twice", gzip(&packed), "refused: ", "refused: "),
        row("another archive behind the end", gzip(&appended), two, there),
        row("another stream behind the end", [packed.clone(), gzip(&tar([file(b"../escaped")]))].concat(), two, there),
    ]
}

/// Every hostile zip; the assembler takes wheels apart, the agent knows no zips.
pub fn zips() -> Vec<Row> {
    let zip = |attack, bytes, assembler| Row { attack, bytes, assembler, agent: "" };
    let entry = |name: &str| zip_of(&[("t/ok", b"ok", 0o644), (name, b"x", 0o644)]);
    let link = zip_of(&[("t/ok", b"ok", 0o644), ("t/l", b"/etc/passwd", 0o120_777)]);
    let device = zip_of(&[("t/ok", b"ok", 0o644), ("t/null", b"", 0o020_666)]);
    let whole = entry("t/a");
    vec![
        zip("an absolute path", entry("/escaped"), OK),
        zip("an absolute path inside", entry("t//escaped"), "refused: it is absolute"),
        zip("a path above", entry("t/../../escaped"), "refused: `..` segment"),
        zip("backslashes", entry("t/..\\..\\escaped"), "refused: a backslash"),
        zip("a line break", entry("t/a\nb"), "refused: control character"),
        zip("a name of 60 KB", entry(&format!("t/{}", "a".repeat(60_000))), "refused: longer than 1024"),
        zip("a link", link, "refused: is a link"),
        zip("a device", device, "refused: is neither a file nor a folder"),
        zip("setuid", zip_of(&[("t/ok", b"ok", 0o104_755)]), OK),
        zip("a file inside a file", zip_of(&[("t/a", b"x", 0o644), ("t/a/b", b"x", 0o644)]), "refused: no folder"),
        // The last one counts, as for everybody who reads zips.
        zip("two files of one name", renamed(&entry("t/oa"), b"t/oa", b"t/ok"), OK),
        zip("24 MiB of zeros", zip_of(&[("t/a", &vec![0; 24 << 20], 0o644)]), "refused: more than"),
        zip("a size that lies", shorter(&zip_of(&[("t/a", &[7; 5000], 0o644)]), 5000, 10), "refused: "),
        zip("a wrong checksum", renamed(&stored("t/a", b"content"), b"content", b"contend"), "refused: "),
        zip("half of it", whole[..whole.len() / 2].to_vec(), "refused: "),
        zip("a page instead of an archive", b"<html>not found</html>".to_vec(), "refused: "),
        zip("nothing", Vec::new(), "refused: "),
    ]
}

fn zip_of(entries: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes, mode) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
        let _ = mode;
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    // The library only writes ordinary modes: the attributes in the central directory are set by hand.
    for (name, _, mode) in entries {
        let at = central(&bytes, name.as_bytes());
        bytes[at + 5] = 3;
        bytes[at + 38..at + 42].copy_from_slice(&(mode << 16).to_le_bytes());
    }
    bytes
}

fn stored(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored)).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Where the central directory speaks of a name.
fn central(bytes: &[u8], name: &[u8]) -> usize {
    let header = |at: &usize| bytes[*at..].starts_with(b"PK\x01\x02") && bytes[*at + 46..].starts_with(name);
    (0..bytes.len() - 46).rev().find(header).unwrap()
}

/// The same length, everywhere.
fn renamed(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    places.iter().for_each(|at| bytes[*at..*at + to.len()].copy_from_slice(to));
    bytes
}

/// Says another size of the only file, in both of its headers.
fn shorter(bytes: &[u8], from: u32, to: u32) -> Vec<u8> {
    renamed(bytes, &from.to_le_bytes(), &to.to_le_bytes())
}
