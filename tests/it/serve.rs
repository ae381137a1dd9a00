//! A served mirror as clients see it: ranges, conditions, forms, listings, nothing outside; curl and pip are the real ones.
//! The server listens on loopback, on a port that the system gives.
//! Not here: what is in the mirror, TLS, the log, limits (`server`).

use crate::project::Project;
use crate::site::{Site, curl, raw};
use pnda::mirror::serve::{self, Server};
use pnda::words::digest::Sha256;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, SystemTime};

const MANIFEST: &str = r#"
[[pypi]]
id = "tool"
package = "tool==1.0"
wheel = { python = "py3", platform = "any" }
"#;

/// A wheel that pip accepts.
fn wheel() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut file = |name: &str, text: &str| {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    file("tool.py", "answer = 42\n");
    file("tool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n");
    file("tool-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
    file("tool-1.0.dist-info/RECORD", "tool.py,,\n");
    zip.finish().unwrap().into_inner()
}

fn served() -> (Project, Server, String) {
    let project = Project::new();
    project.manifest(MANIFEST).pypi("tool", "tool-1.0-py3-none-any.whl", &wheel());
    project.run("mirror lock").says(0, "locked 1");
    project.run("mirror build").says(0, "generation 1");
    let server = serve::start(&project.path("mirror"), "127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", server.address);
    (project, server, url)
}

/// Bytes of which every part is different, too many to be kept in memory.
fn large() -> Vec<u8> {
    (0..3_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// A mirror with a large package, served.
fn with_large() -> (Site, Server, String, Vec<u8>) {
    let bytes = large();
    let site = Site::of(&[("mirror_maven/a/1/a-1.jar", &bytes), ("small.txt", b"0123456789"), ("empty.txt", b"")]);
    let server = site.serve();
    let url = format!("http://{}", server.address);
    (site, server, url, bytes)
}

#[test]
fn a_file_arrives_whole_over_both_versions_of_http() {
    let (_site, _server, url, bytes) = with_large();
    for version in ["--http1.0", "--http1.1", "--http2", "--http2-prior-knowledge"] {
        let answer = curl(&[version, &format!("{url}/mirror_maven/a/1/a-1.jar")]);
        // Whoever offers HTTP/2 over plain HTTP/1.1 is answered in HTTP/1.1.
        assert!(answer.status() == 200 && answer.body == bytes, "{version}: {}", answer.head);
        assert_eq!(answer.header("etag"), format!("\"{}\"", Sha256::of(&bytes)));
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.header("content-type"), "application/java-archive");
        assert_eq!(answer.header("content-length"), "3000000");
    }
    assert!(curl(&["--http2-prior-knowledge", &format!("{url}/small.txt")]).head.starts_with("HTTP/2 200"));
    assert_eq!(curl(&[&format!("{url}/small.txt")]).header("cache-control"), "public, max-age=0, must-revalidate");
    let empty = curl(&[&format!("{url}/empty.txt")]);
    assert_eq!((empty.status(), empty.header("content-length"), empty.body.len()), (200, "0", 0));
}

#[test]
fn one_range_is_those_bytes() {
    let (_site, _server, url, bytes) = with_large();
    let file = format!("{url}/mirror_maven/a/1/a-1.jar");
    for (range, wanted) in [
        ("10-19", 10..20),
        ("2999990-", 2_999_990..3_000_000),
        ("-1500000", 1_500_000..3_000_000),
        ("100-99999999", 100..3_000_000),
    ] {
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            let answer = curl(&[version, "--range", range, &file]);
            assert_eq!(answer.status(), 206);
            let said = format!("bytes {}-{}/3000000", wanted.start, wanted.end - 1);
            assert_eq!(answer.header("content-range"), said);
            assert!(answer.body == bytes[wanted.clone()], "{version} {range}");
        }
    }
    let outside = curl(&["--range", "3000000-", &file]);
    assert_eq!((outside.status(), outside.header("content-range")), (416, "bytes */3000000"));
    assert_eq!(curl(&["--range", "5-2", &file]).status(), 200, "what is no range is ignored");
    assert_eq!(curl(&["--range", "2-4", &format!("{url}/small.txt")]).text(), "234");
    assert_eq!(curl(&["--head", "--range", "2-4", &format!("{url}/small.txt")]).status(), 200, "only GET has ranges");
}

#[test]
fn several_ranges_come_as_parts() {
    let (_site, _server, url, bytes) = with_large();
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let answer = curl(&[version, "--range", "0-4,1000000-2000000,-3", &format!("{url}/mirror_maven/a/1/a-1.jar")]);
        assert_eq!(answer.status(), 206);
        let boundary = answer.header("content-type").strip_prefix("multipart/byteranges; boundary=").unwrap();
        let mut wanted = Vec::new();
        for range in [0..5, 1_000_000..2_000_001, 2_999_997..3_000_000] {
            let place = format!("bytes {}-{}/3000000", range.start, range.end - 1);
            let head = format!("Content-Type: application/java-archive\r\nContent-Range: {place}\r\n\r\n");
            wanted.extend(format!("\r\n--{boundary}\r\n{head}").into_bytes());
            wanted.extend(&bytes[range]);
        }
        wanted.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        assert_eq!(answer.header("content-length"), wanted.len().to_string());
        assert!(answer.body == wanted, "{version}");
    }
    let much = curl(&["--range", "0-2999999,0-2999999", &format!("{url}/mirror_maven/a/1/a-1.jar")]);
    assert_eq!((much.status(), much.body.len()), (200, bytes.len()), "overlapping ranges do not multiply the bytes");
}

#[test]
fn whoever_has_the_bytes_gets_none() {
    let (site, _server, url, bytes) = with_large();
    let path = "mirror_maven/a/1/a-1.jar";
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = std::fs::File::open(site.path(&format!("mirror/current/{path}"))).unwrap();
    file.set_modified(old).unwrap();
    let file = format!("{url}/{path}");
    let tag = format!("\"{}\"", Sha256::of(&bytes));
    let time = "Sun, 09 Sep 2001 01:46:40 GMT";
    assert_eq!(curl(&["--head", &file]).header("last-modified"), time);
    for condition in [format!("If-None-Match: {tag}"), format!("If-Modified-Since: {time}")] {
        let answer = curl(&["--header", &condition, &file]);
        assert_eq!((answer.status(), answer.body.len(), answer.header("etag")), (304, 0, &*tag), "{condition}");
    }
    assert_eq!(curl(&["--header", "If-None-Match: \"x\"", &file]).status(), 200);
    assert_eq!(curl(&["--header", "If-Match: \"x\"", &file]).status(), 412);
    for (condition, status) in
        [(tag.as_str(), 206), (time, 206), ("\"x\"", 200), ("Sun, 09 Sep 2001 01:46:41 GMT", 200)]
    {
        let answer = curl(&["--range", "0-9", "--header", &format!("If-Range: {condition}"), &file]);
        assert_eq!(answer.status(), status, "{condition}");
    }
}

#[test]
fn a_file_that_is_too_young_to_be_told_apart_by_its_time_has_none() {
    let (_site, _server, url, _) = with_large();
    let young = curl(&["--head", &format!("{url}/small.txt")]);
    assert_eq!((young.status(), young.header("last-modified")), (200, ""));
    assert_ne!(young.header("etag"), "");
}

#[test]
fn a_head_says_what_a_get_would() {
    let (_site, _server, url, _) = with_large();
    for path in ["/small.txt", "/mirror_maven/a/1/a-1.jar", "/", "/none"] {
        let said = |arguments: &[&str]| {
            let answer = curl(&[arguments, &[&format!("{url}{path}")]].concat());
            (answer.status(), answer.header("content-length").to_owned(), answer.header("etag").to_owned())
        };
        assert_eq!(said(&["--head"]), said(&[]), "{path}");
    }
    assert!(curl(&["--head", &format!("{url}/small.txt")]).body.is_empty());
}

#[test]
fn metadata_travels_compressed_and_packages_never() {
    let files: &[(&str, &[u8])] = &[
        ("r/primary.xml", b"<plain/>"),
        ("r/primary.xml.gz", b"gzipped"),
        ("r/primary.xml.zst", b"zstandard"),
        ("r/only.json", b"{}"),
        ("r/a.deb", b"deb"),
        ("r/a.deb.gz", b"never"),
        ("r/Packages", b"list"),
        ("r/Packages.gz", b"its own"),
    ];
    let site = Site::of(files);
    let server = site.serve();
    let ask = |path: &str, accept: &str| {
        curl(&["--header", &format!("Accept-Encoding: {accept}"), &format!("http://{}/r/{path}", server.address)])
    };
    for (accept, coding, body) in [
        ("gzip, deflate", "gzip", "gzipped"),
        ("gzip, zstd", "zstd", "zstandard"),
        ("gzip;q=1, zstd;q=0.1", "gzip", "gzipped"),
        ("identity", "", "<plain/>"),
        ("", "", "<plain/>"),
    ] {
        let answer = ask("primary.xml", accept);
        assert_eq!((answer.header("content-encoding"), answer.text().as_str()), (coding, body), "{accept}");
        assert_eq!(answer.header("etag"), format!("\"{}\"", Sha256::of(body.as_bytes())), "a tag for each form");
        assert_eq!((answer.header("vary"), answer.header("content-type")), ("Accept-Encoding", "application/xml"));
    }
    for (path, body) in [
        ("primary.xml.gz", "gzipped"),
        ("a.deb", "deb"),
        ("only.json", "{}"),
        ("Packages", "list"),
        ("Packages.gz", "its own"),
    ] {
        let answer = ask(path, "gzip, zstd");
        assert_eq!((answer.header("content-encoding"), answer.text().as_str()), ("", body), "{path}");
    }
    assert_eq!(ask("primary.xml.gz", "gzip").header("content-type"), "application/gzip");
}

#[test]
fn a_python_index_comes_as_html_or_json_as_the_client_likes() {
    let site = Site::of(&[
        ("mirror_python/simple/tool/index.html", b"<html/>"),
        ("mirror_python/simple/tool/index.v1_json", b"{}"),
        ("mirror_python/simple/tool/index.v1_json.gz", b"gz"),
        ("mirror_python/simple/index.html", b"<html/>"),
    ]);
    let server = site.serve();
    let ask = |path: &str, headers: &[&str]| {
        let headers: Vec<&str> = headers.iter().flat_map(|header| ["--header", header]).collect();
        curl(&[&headers[..], &[&format!("http://{}/mirror_python/simple/{path}", server.address)]].concat())
    };
    let pip =
        "Accept: application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";
    let json = ask("tool/", &[pip]);
    assert_eq!((json.text().as_str(), json.header("content-type")), ("{}", "application/vnd.pypi.simple.v1+json"));
    assert_eq!(json.header("vary"), "Accept, Accept-Encoding");
    let packed = ask("tool/", &[pip, "Accept-Encoding: gzip"]);
    assert_eq!((packed.text().as_str(), packed.header("content-encoding")), ("gz", "gzip"));
    let html = ask("tool/", &["Accept: text/html"]);
    assert_eq!((html.text().as_str(), html.header("content-type")), ("<html/>", "text/html; charset=utf-8"));
    assert_eq!(html.header("vary"), "Accept");
    assert_eq!(ask("tool/", &["Accept: application/vnd.pypi.simple.v1+json;q=0.1, */*;q=0.5"]).text(), "<html/>");
    let root = ask("", &[pip]);
    assert_eq!((root.text().as_str(), root.header("vary")), ("<html/>", ""), "there is no other form of the root");
    let moved = ask("tool", &[]);
    assert_eq!((moved.status(), moved.header("location")), (301, "/mirror_python/simple/tool/"));
}

#[test]
fn folders_are_listed() {
    let (_project, _server, url) = served();
    let page = curl(&[&format!("{url}/")]);
    assert!(page.text().contains("<a href=\"./mirror_python/\">mirror_python/</a>"), "{}", page.text());
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(curl(&[&format!("{url}/mirror_python")]).header("location"), "/mirror_python/");
    assert_eq!(curl(&[&format!("{url}//mirror_python//packages/")]).status(), 200, "slashes may be doubled");
}

#[test]
fn nothing_outside_or_hidden_is_given() {
    let site = Site::of(&[("a/b.txt", b"x")]);
    let server = site.serve();
    let current = std::fs::canonicalize(site.path("mirror/current")).unwrap();
    std::fs::write(site.path("mirror/secret"), "secret").unwrap();
    std::fs::write(current.join(".secret"), "secret").unwrap();
    std::fs::create_dir(current.join(".hidden")).unwrap();
    std::fs::write(current.join(".hidden/secret"), "secret").unwrap();
    symlink(site.path("mirror/secret"), current.join("link")).unwrap();
    symlink("b.txt", current.join("a/inside")).unwrap();
    symlink(site.path("mirror"), current.join("folder")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, current.join("pipe"), rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/a/../../../secret",
        "/a/%2e%2e%2f%2e%2e/secret",
        "/..%2fsecret",
        "/../",
        "/.secret",
        "/.hidden/secret",
        "/.hidden/",
        "/link",
        "/folder/secret",
        "/folder/",
        "/folder",
        "/a/inside",
        "/a/inside/",
        "/pipe",
        "/a/b.txt/",
        "/a/b.txt/c",
        "/\\..\\secret",
        "/%00",
        "/%ff",
        "/none",
    ] {
        let answer = curl(&[&format!("http://{}{path}", server.address)]);
        assert_eq!(answer.status(), 404, "{path}: {}", answer.text());
        assert!(!answer.text().contains("secret"), "{path}");
    }
    let page = curl(&[&format!("http://{}/", server.address)]).text();
    assert!(page.contains("generation.toml"), "{page}");
    for hidden in ["secret", "hidden", "link", "folder", "pipe"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
}

#[test]
fn nothing_can_be_changed() {
    let (_site, server, url, _) = with_large();
    for method in ["PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "MADE-UP"] {
        let answer = curl(&["--request", method, &format!("{url}/small.txt")]);
        assert_eq!((answer.status(), answer.header("allow")), (405, "GET, HEAD"), "{method}");
    }
    let answer = raw(server.address, "CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(answer.status(), 405);
}

#[test]
fn a_new_generation_is_seen_at_once_and_never_by_half_an_answer() {
    let (first, second) = (vec![1u8; 30_000_000], vec![2u8; 30_000_000]);
    let site = Site::of(&[("large.bin", &first), ("small.txt", b"one")]);
    let server = site.serve();
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    stream.write_all(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut begin = [0u8; 1000];
    std::io::Read::read_exact(&mut stream, &mut begin).unwrap();
    let small = format!("http://{}/small.txt", server.address);
    assert_eq!(curl(&[&small]).text(), "one");
    site.publish(&[("large.bin", &second), ("small.txt", b"two")]);
    assert_eq!(curl(&[&small]).text(), "two");
    std::fs::remove_dir_all(site.path("mirror/generations/1")).unwrap();
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut rest).unwrap();
    let head = begin.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(begin.len() - head + rest.len(), first.len());
    assert!(begin[head..].iter().chain(&rest).all(|byte| *byte == 1), "the old file to its end");
}

#[test]
fn what_was_damaged_is_not_held_to_after_it_is_mended() {
    let (site, _server, url, _) = with_large();
    let (file, path) = (format!("{url}/small.txt"), site.path("mirror/current/small.txt"));
    let write = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let old = SystemTime::now() - Duration::from_secs(60);
        std::fs::File::options().append(true).open(&path).unwrap().set_modified(old).unwrap();
    };
    let listed = format!("\"{}\"", Sha256::of(b"0123456789"));
    write("01234x6789");
    let damaged = curl(&[&file]);
    assert!(damaged.body == b"01234x6789" && damaged.header("etag") != listed, "{}", damaged.head);
    write("0123456789");
    let mended = curl(&[&file]);
    assert!(mended.body == b"0123456789" && mended.header("etag") == listed, "{}", mended.head);
}

#[test]
fn a_plain_copy_is_served_as_well_and_followed_when_it_is_replaced() {
    let site = Site::of(&[("a.txt", b"one")]);
    let copy = site.path("copy");
    let copied = |from: &str| {
        drop(std::fs::remove_dir_all(&copy));
        let done = Command::new("cp").arg("-r").args([site.path(from), copy.clone()]).status().unwrap();
        assert!(done.success());
    };
    copied("mirror/generations/1");
    let server = serve::start(&copy, "127.0.0.1:0".parse().unwrap()).unwrap();
    let file = format!("http://{}/a.txt", server.address);
    assert_eq!(curl(&[&file]).text(), "one");
    site.publish(&[("a.txt", b"two")]);
    copied("mirror/generations/2");
    assert_eq!(curl(&[&file]).text(), "two");
    std::fs::remove_file(copy.join("generation.toml")).unwrap();
    let answer = curl(&[&file]);
    assert_eq!((answer.status(), answer.header("retry-after")), (503, "30"), "half a copy is not served");
}

#[test]
fn pip_installs_from_the_mirror_alone() {
    let (project, _server, url) = served();
    let target = project.path("target");
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-cache-dir", "--isolated", "--target"])
        .arg(&target)
        .args(["--index-url", &format!("{url}/mirror_python/simple"), "tool"])
        .env_remove("PIP_FIND_LINKS")
        .output();
    match output {
        Ok(output) if output.status.success() => assert!(target.join("tool.py").is_file()),
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("No module named pip") => {
            left_out!("pip against the mirror: pip is not installed");
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => left_out!("pip against the mirror: {error}"),
    }
}

#[test]
fn a_folder_without_a_mirror_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let error = serve::start(folder.path(), "127.0.0.1:0".parse().unwrap()).err().unwrap().to_string();
    assert!(error.contains("holds no published generation; run `pnda mirror build` first"), "{error}");
}
