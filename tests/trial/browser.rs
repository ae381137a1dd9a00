//! Flink's own pages of a component that runs, in a real browser, through the manager: they load, find their data by the manager's
//! address alone, and show the job.
//! Not here: what is passed on and what is not, which is tested beside the manager.

use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// The manager's socket by an address that a browser understands. Whoever runs this is asked as.
fn listener(socket: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for browser in listener.incoming().map_while(Result::ok) {
            let manager = UnixStream::connect(&socket).unwrap();
            let (mut from, mut to) = (browser.try_clone().unwrap(), manager.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            thread::spawn(move || back(manager, browser));
        }
    });
    address
}

fn back(mut manager: UnixStream, mut browser: TcpStream) {
    let _ = io::copy(&mut manager, &mut browser);
    let _ = browser.shutdown(Shutdown::Both);
}

/// What a page has come to after its programs have run.
fn page(profile: &Path, url: &str) -> Option<String> {
    let mut chromium = Command::new("chromium");
    chromium.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"]);
    chromium.arg(format!("--user-data-dir={}", profile.display()));
    let output = chromium.args(["--timeout=20000", "--virtual-time-budget=15000", "--dump-dom", url]).output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            drop(writeln!(io::stderr(), "left out: Flink's pages in a browser: chromium: {error}"));
            None
        }
    }
}

/// Of an application with one component, whose job has this name.
pub fn flinks_pages_show_the_job(folder: &Path, application: &str, job: &str) {
    let manager = listener(folder.join("node/var/lib/pnda/applications/socket"));
    let dashboard = format!("{manager}/v1/applications/{application}/components/machine/dashboard/");
    let Some(jobs) = page(&folder.join("browser"), &format!("{dashboard}#/job/running")) else { return };
    assert!(jobs.contains("Running Jobs") && jobs.contains(job), "{jobs}");
}
