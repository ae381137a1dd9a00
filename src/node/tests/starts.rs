//! What happens after the files: things that are prepared once, services that answer late, never, or for somebody else.
//! Gates are real sockets of the test; commands are real too.
//! Not here: HDFS; see beside its code.

use super::*;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

/// A service whose gate is a port of this machine.
fn gated(site: &mut Site, state: &str, port: u16, within: u32) {
    service(site, state);
    site.more += &format!("[service.ready]\nat = \"tcp://127.0.0.1:{port}\"\nwithin = {within}\n");
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn listen(port: u16) -> TcpListener {
    TcpListener::bind(("127.0.0.1", port)).unwrap()
}

const DOWN: &str = "ActiveState=inactive\nUnitFileState=enabled\n";

#[test]
fn a_service_is_done_when_it_answers() {
    let Some(mut site) = Site::system() else { return };
    let port = free_port();
    gated(&mut site, DOWN, port, 20);
    fs::write(site.folder.path().join("bin/after"), UP).unwrap();
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_millis(400));
        listen(port)
    });
    let began = std::time::Instant::now();
    site.install().unwrap();
    assert!(began.elapsed() >= Duration::from_millis(400));
    let listener = late.join().unwrap();
    assert!(site.again().unwrap().is_empty());
    drop(listener);
    let report = look_with(&site.request(), site.systemd.clone(), &silent).unwrap();
    assert_eq!(report.steps[0].change, "waited for: it runs, but connection refused");
}

#[test]
fn a_service_that_never_answers_says_what_was_seen_and_the_next_run_goes_on() {
    let Some(mut site) = Site::system() else { return };
    let port = free_port();
    gated(&mut site, DOWN, port, 1);
    fs::write(site.folder.path().join("bin/after"), UP).unwrap();
    let error = chain(&site.install().unwrap_err());
    let expected = format!("service pnda-agent is active, but does not do its work: tcp://127.0.0.1:{port}");
    for expected in [expected.as_str(), "connection refused", "port is taken", "the next run goes on here"] {
        assert!(error.contains(expected), "{expected}: {error}");
    }
    told(&site);
    let _listener = listen(port);
    site.again().unwrap();
    assert_eq!(told(&site), Vec::<String>::new(), "it runs and answers now");
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn nothing_to_do_is_only_said_of_a_node_that_works() {
    let Some(mut site) = Site::system() else { return };
    let port = free_port();
    gated(&mut site, UP, port, 1);
    let listener = listen(port);
    site.install().unwrap();
    assert!(site.again().unwrap().is_empty());
    drop(listener);
    assert!(chain(&site.again().unwrap_err()).contains("connection refused"));
}

#[test]
fn a_port_that_somebody_else_has_taken_is_found_before_anything_changes() {
    let Some(mut site) = Site::system() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    gated(&mut site, DOWN, port, 1);
    let error = site.install().unwrap_err().to_string();
    let expected =
        format!("service pnda-agent does not run, but port {port} is taken by process {}", std::process::id());
    assert!(error.contains(&expected), "{error}");
    assert_eq!(listing(&site.root()), Vec::<String>::new());
}

/// Prepares a folder; the command is what a shell does.
fn prepared(site: &mut Site, command: &str) {
    let command = command.replace("$R", &site.root().display().to_string());
    site.more = format!(
        "[[once]]\nname = \"format\"\nuser = \"root\"\ncreates = \"/data/nn\"\n\
         command = [\"/bin/sh\", \"-c\", \"{command}\"]\n"
    );
}

const FORMAT: &str = "mkdir -p $R/data/nn && echo x >>$R/data/count";

#[test]
fn what_is_prepared_once_is_prepared_once() {
    let mut site = Site::new();
    prepared(&mut site, FORMAT);
    let report = site.install().unwrap();
    let line = report.steps.iter().find(|line| line.kind == Kind::Once).unwrap();
    assert_eq!((line.what.as_str(), line.change.as_str()), ("format", "prepared: /bin/sh makes /data/nn"));
    assert!(site.again().unwrap().is_empty());
    fs::remove_dir(site.at("/data/nn")).unwrap();
    let error = site.again().unwrap_err().to_string();
    assert!(error.contains("/data/nn was there, made by format, and is gone"), "{error}");
    assert_eq!(site.text("/data/count"), "x\n");
    let again = |name: &str| Request { again: BTreeSet::from([Word::new(name).unwrap()]), ..site.request() };
    assert!(install_with(&again("other"), None, &silent).unwrap_err().to_string().contains("nothing of this name"));
    install_with(&again("format"), None, &silent).unwrap();
    assert_eq!(site.text("/data/count"), "x\nx\n");
    assert!(site.again().unwrap().is_empty());
    assert!(install_with(&again("format"), None, &silent).unwrap_err().to_string().contains("move it away first"));
}

#[test]
fn what_was_prepared_by_hand_is_taken_over() {
    let mut site = Site::new();
    prepared(&mut site, FORMAT);
    fs::create_dir_all(site.at("/data/nn")).unwrap();
    site.install().unwrap();
    assert!(!site.at("/data/count").exists());
    let before = listing(&site.root());
    assert!(site.again().unwrap().is_empty());
    assert_eq!(listing(&site.root()), before);
    fs::remove_dir(site.at("/data/nn")).unwrap();
    assert!(site.again().unwrap_err().to_string().contains("is gone"));
}

#[test]
fn what_could_not_be_prepared_is_tried_again_and_half_of_it_moves_aside() {
    let mut site = Site::new();
    prepared(&mut site, "mkdir -p $R/data/nn; touch $R/data/nn/half; echo the disk is on fire >&2; exit 7");
    let error = chain(&site.install().unwrap_err());
    assert!(error.contains("`format` failed") && error.contains("the disk is on fire"), "{error}");
    assert_eq!(site.text("/etc/pnda/agent.toml"), "port = 1\n");
    prepared(&mut site, "mkdir $R/data/nn");
    site.install().unwrap();
    assert!(site.at("/data/nn.pnda-saved/half").exists() && !site.at("/data/nn/half").exists());
    assert!(site.again().unwrap().is_empty());
    prepared(&mut site, "true");
    fs::remove_dir(site.at("/data/nn")).unwrap();
    let again = Request { again: BTreeSet::from([Word::new("format").unwrap()]), ..site.request() };
    site.publish();
    let error = chain(&install_with(&again, None, &silent).unwrap_err());
    assert!(error.contains("ran without an error, but /data/nn is not there"), "{error}");
}
