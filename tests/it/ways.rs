//! How a site reaches the web: proxies, private authorities, credentials, and how much of it it takes.
//! A secret that is used here must never come out again, wherever it went in.
//! Not here: what servers do wrong (`faults`).

use crate::certificates::Authority;
use crate::project::Project;
use crate::upstream::{Reply, Upstream};
use pnda::systems::http::{Http, Options, Patience, Proxies, Proxy};
use pnda::words::event::{Event, Tell, silent};
use pnda::words::location::Location;
use std::time::{Duration, Instant};

/// `me:secret` as a header has it.
const BASIC: &str = "Basic bWU6c2VjcmV0";

const TOOL: &str = r#"
[[pypi]]
id = "tool"
package = "tool==1.0"
wheel = { python = "py3", platform = "any" }
"#;

fn options(variables: &[(&str, &str)]) -> Options {
    let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let patience = Patience { tries: 3, first_wait: Duration::from_millis(1), silence: Duration::from_secs(60) };
    Options { patience, ..Options::from_environment(&variables) }
}

fn get(options: &Options, url: &str) -> Result<String, String> {
    let location = Location::parse(url).unwrap();
    match Http::with(options.clone()).get_small(&location, "*/*", 1 << 20, &silent) {
        Ok(bytes) => Ok(String::from_utf8(bytes).unwrap()),
        Err(error) => Err(format!("{error} {error:?}")),
    }
}

#[test]
fn a_plain_address_goes_through_a_proxy_in_its_absolute_form() {
    let inner = Upstream::start();
    inner.on("/a", [Reply::bytes("straight")]);
    let proxy = Upstream::proxy(&inner);
    proxy.on("http://repo.example/a?b=c", [Reply::bytes("through")]);
    let address = proxy.url.replace("http://", "http://me:secret@");
    let options = options(&[("HTTP_PROXY", &address), ("NO_PROXY", "127.0.0.1")]);
    assert_eq!(get(&options, "http://repo.example/a?b=c").unwrap(), "through");
    assert_eq!(get(&options, &format!("{}/a", inner.url)).unwrap(), "straight");
    let head = &proxy.heads()[0];
    for line in
        ["GET http://repo.example/a?b=c HTTP/1.1", "host: repo.example", &format!("proxy-authorization: {BASIC}")]
    {
        assert!(head.contains(line), "{line} is not in\n{head}");
    }
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn an_encrypted_address_goes_through_a_tunnel_and_the_proxy_learns_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, pem) = (Authority::new(), folder.path().join("ca.pem"));
    authority.write(&pem);
    let inner = Upstream::encrypted(authority.server("repo.example", 2099));
    inner.on("/a", [Reply::bytes("tunnelled")]);
    let proxy = Upstream::proxy(&inner);
    let options = options(&[("https_proxy", &proxy.url), ("PNDA_CA_FILE", &pem.display().to_string())]);
    assert_eq!(get(&options, "https://me:secret@repo.example/a").unwrap(), "tunnelled");
    assert_eq!(proxy.requests(), ["CONNECT repo.example:443"]);
    assert!(inner.heads()[0].contains(&format!("authorization: {BASIC}")));
    assert!(!proxy.heads()[0].to_lowercase().contains("authorization"), "{}", proxy.heads()[0]);
}

#[test]
fn a_proxy_that_refuses_is_named_as_the_cause() {
    let inner = Upstream::start();
    inner.on("/a", [Reply::status(403)]);
    // A web server that is no proxy answers a tunnel with what it answers to everything.
    let options = options(&[("https_proxy", &inner.url)]);
    let error = get(&options, "https://repo.example/a").unwrap_err();
    assert!(error.contains("no usable answer"), "{error}");
    let nonsense = Options { proxies: Proxies::all(Proxy::new("ftp://me:secret@x")), ..options };
    let error = get(&nonsense, "https://repo.example/a").unwrap_err();
    assert!(error.contains("cannot use the proxy ftp://x") && !error.contains("secret"), "{error}");
}

#[test]
fn credentials_go_to_their_own_server_and_nowhere_else() {
    let (own, other) = (Upstream::start(), Upstream::start());
    own.on("/a", [Reply::status(302).header("location", format!("{}/b", other.url))]);
    own.on("/c", [Reply::status(302).header("location", "/d")]);
    own.on("/d", [Reply::bytes("mine")]);
    other.on("/b", [Reply::bytes("theirs")]);
    let known = own.url.replace("http://", "http://me:secret@");
    let plain = options(&[]);
    assert_eq!(get(&plain, &format!("{known}/a")).unwrap(), "theirs");
    assert_eq!(get(&plain, &format!("{known}/c")).unwrap(), "mine");
    let with = |server: &Upstream| server.heads().iter().filter(|head| head.contains("authorization: ")).count();
    assert_eq!((with(&own), with(&other)), (3, 0));
    let odd = own.url.replace("http://", "http://m%40e:s%3Acret@");
    assert_eq!(get(&plain, &format!("{odd}/d")).unwrap(), "mine");
    assert!(own.heads()[3..].concat().contains("authorization: Basic bUBlOnM6Y3JldA=="));
}

#[test]
fn a_secret_never_comes_out_again() {
    let project = Project::new();
    project.manifest(TOOL);
    project.pypi("tool", "tool-1.0-py3-none-any.whl", b"a wheel");
    project.run("mirror lock").says(0, "locked 1");
    let known = project.upstream.url.replace("http://", "http://me:secret@");
    std::fs::write(project.path("sources.toml"), format!("pypi = \"{known}/simple\"\n")).unwrap();
    let run = |words: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pnda"));
        command.current_dir(project.path(".")).env_clear().env("HOME", project.path("."));
        command.args(words.split(' ')).args([
            "--manifests",
            "manifests",
            "--store",
            "store",
            "--sources",
            "sources.toml",
        ]);
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    };
    for (status, code) in [(Reply::status(403), 1), (Reply::bytes("a WHEEL"), 3), (Reply::bytes("a wheel"), 0)] {
        project.upstream.on("/files/tool-1.0-py3-none-any.whl", [status]);
        let (found, text) = run("mirror fetch");
        assert!(found == code && !text.contains("secret"), "{text}");
    }
    assert_eq!(run("mirror lock --check").0, 0);
    let told = std::process::Command::new("grep").args(["-r", "secret", "."]).current_dir(project.path(".")).output();
    let told = String::from_utf8(told.unwrap().stdout).unwrap();
    let elsewhere: Vec<&str> = told.lines().filter(|line| !line.starts_with("./sources.toml:")).collect();
    assert_eq!(elsewhere, [""; 0]);
    assert!(project.upstream.heads().iter().any(|head| head.contains(BASIC)), "they were used");
}

#[test]
fn a_host_that_wants_a_pause_gets_it_from_everybody() {
    let upstream = Upstream::start();
    upstream.on("/a", [Reply::status(503).header("retry-after", "1"), Reply::bytes("a")]);
    upstream.on("/b", [Reply::bytes("b")]);
    let http = Http::with(options(&[]));
    let ask = |path: &str, tell: Tell| {
        let location = Location::parse(&format!("{}{path}", upstream.url)).unwrap();
        http.get_small(&location, "*/*", 100, tell).unwrap()
    };
    let (told, refused) = std::sync::mpsc::channel();
    let began = Instant::now();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| ask("/a", &move |event| drop(told.send(event))));
        let event = refused.recv().unwrap();
        assert!(matches!(event, Event::Retry { .. }), "{event:?}");
        assert_eq!(ask("/b", &silent), b"b");
        assert!(began.elapsed() >= Duration::from_secs(1), "the host was not left alone: {:?}", began.elapsed());
        assert_eq!(first.join().unwrap(), b"a");
    });
}

#[test]
fn what_a_fetch_takes_is_said_and_bounded() {
    let project = Project::new();
    project.manifest(TOOL);
    project.pypi("tool", "tool-1.0-py3-none-any.whl", &[b'x'; 30_000]);
    project.run("mirror lock");
    project.run("mirror fetch --quota 20K").says(1, "needs 30000 more; its quota is 20480: raise --quota");
    assert!(!project.upstream.requests().iter().any(|path| path.starts_with("/files/")));
    let line = "to fetch: 1 files, 29.3 KiB; the disk has";
    project.run("mirror fetch --dry-run --max-rate 10K").says(4, line).says(4, "at least 3 s at this rate");
    let began = Instant::now();
    project.run("mirror fetch --quota 1M --max-rate 20K").says(0, "fetched 1 files");
    assert!(began.elapsed() >= Duration::from_millis(1_200), "{:?}", began.elapsed());
    project.run("mirror fetch --max-rate fast").says(2, "is no number of bytes");
}

#[test]
fn a_disk_without_inodes_is_told_before_the_first_byte() {
    let project = Project::new();
    project.manifest(TOOL);
    project.pypi("tool", "tool-1.0-py3-none-any.whl", &[b'x'; 30_000]);
    project.run("mirror lock").says(0, "locked 1");
    let mount = |options: &str| {
        let words = ["-t", "tmpfs", "-o", options, "tmpfs"];
        let made = std::process::Command::new("mount").args(words).arg(project.path("store")).output();
        made.is_ok_and(|output| output.status.success())
    };
    if !mount("nr_inodes=200") {
        left_out!("a disk without inodes: a small file system can only be mounted by root");
        return;
    }
    let planned = project.run("mirror fetch --dry-run");
    let disk = rustix::fs::statvfs(project.path("store")).unwrap();
    let mut ran = Vec::new();
    // What the store has by now, a lock of it, and then too few and enough for one file in a folder of its own.
    for more in [1, 2] {
        let bound = disk.f_files - disk.f_favail + 1 + more;
        assert!(mount(&format!("remount,nr_inodes={bound}")));
        ran.push(project.run("mirror fetch"));
    }
    assert!(std::process::Command::new("umount").arg(project.path("store")).status().unwrap().success());
    planned.says(4, "would fetch 1 files");
    let mut ran = ran.into_iter();
    ran.next().unwrap().says(1, "needs 2 inodes for files and folders and its disk has 1 free");
    ran.next().unwrap().says(0, "fetched 1 files");
}

#[test]
fn two_mirrors_share_a_store_and_fetch_everything_once() {
    let project = Project::new();
    let mut manifest = String::new();
    for at in 0..8 {
        let body = vec![at; 20_000];
        let sha256 = pnda::words::digest::Sha256::of(&body);
        manifest.push_str(&format!(
            "[[file]]\nid = \"f{at}\"\nurls = [\"$UP/f{at}\"]\nsha256 = \"{sha256}\"\npath = \"mirror_misc/f{at}\"\n"
        ));
        project.upstream.on(&format!("/f{at}"), [Reply::bytes(body)]);
    }
    project.manifest(&manifest).run("mirror lock").says(0, "locked 8");
    std::fs::remove_dir_all(project.path("store/sha256")).unwrap();
    let before = project.upstream.requests().len();
    let both: Vec<_> = (0..2).map(|_| project.command("mirror fetch --max-rate 200K").spawn().unwrap()).collect();
    for mut one in both {
        assert!(one.wait().unwrap().success());
    }
    let asked: Vec<String> = project.upstream.requests().drain(before..).collect();
    assert_eq!(asked.len(), 8, "{asked:?}");
    project.run("mirror build").says(0, "published generation 1");
}
