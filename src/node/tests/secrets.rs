//! Secrets: found where the document says, put into files that few may read, and in nothing else that an install leaves.
//! Going back brings those of then; a new one is a change.
//! Not here: what systemd does with credentials; nodes have it.

use super::*;
use crate::certificates::tests::Site as Authority;
use crate::installed::{rollback_with, verify_with};
use words::secret::Secret;

const FIRST: &str = "Tr0ub4dor-and-3";
const SECOND: &str = "correct:horse@battery";
const PATH: &str = "/etc/pnda/server.yaml";

fn place(site: &Site) -> Where {
    Where { root: site.root(), mirror: None }
}

/// A site whose node has a file with a secret that lies in the node's `/etc/secret`.
fn site() -> Site {
    let mut site = Site::new();
    let secret: Secret = "file:/etc/secret".parse().unwrap();
    let text = format!("password: '{}'\nagain: {}\n", secret.mark(), secret.mark());
    let file = site.folder.path().join("node/files").join(PATH.trim_start_matches('/'));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, &text).unwrap();
    site.more = format!(
        "[[file]]\npath = \"{PATH}\"\nsha256 = \"{}\"\nsecrets = [\"{secret}\"]\nowner = \"root\"\ngroup = \"root\"\nmode = \"0640\"\n",
        Sha256::of(text.as_bytes())
    );
    fs::create_dir_all(site.at("/etc")).unwrap();
    put(&site, FIRST, 0o600);
    site
}

fn put(site: &Site, secret: &str, mode: u32) {
    let path = site.at("/etc/secret");
    fs::write(&path, format!("{secret}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Every file below a folder that holds a text, or the plain digest of the file that does.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let (mut found, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_dir() {
                left.push(path);
            } else if kind.is_file() && String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(text) {
                found.push(path.display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_secret_comes_into_its_file_and_into_nothing_that_others_read() {
    let site = site();
    let report = site.install().unwrap();
    let text = format!("password: '{FIRST}'\nagain: {FIRST}\n");
    assert_eq!(site.text(PATH), text);
    assert_eq!(fs::metadata(site.at(PATH)).unwrap().mode() & 0o777, 0o640);
    assert!(!format!("{report:?} {}", serde_json::to_string(&report).unwrap()).contains(FIRST));
    let root = site.root().display().to_string();
    let kept = "var/lib/pnda/install/generations/1/secrets.toml";
    let places = ["etc/pnda/server.yaml", "etc/secret", kept].map(|path| format!("{root}/{path}"));
    assert_eq!(holding(&site.root(), FIRST), places);
    assert_eq!(fs::metadata(site.at(kept)).unwrap().mode() & 0o777, 0o600);
    for guess in [Sha256::of(text.as_bytes()), Sha256::of(FIRST.as_bytes())] {
        assert!(holding(&site.root(), &guess.to_string()).is_empty(), "a digest tells who guessed right");
    }
    assert!(site.again().unwrap().is_empty(), "and nothing is done the second time");
    assert!(verify_with(&place(&site), None, &silent).unwrap().is_empty());
}

#[test]
fn a_new_secret_is_a_change_and_going_back_brings_the_old_one() {
    let site = site();
    site.install().unwrap();
    put(&site, SECOND, 0o600);
    assert!(verify_with(&place(&site), None, &silent).unwrap().is_empty(), "it is as it was installed");
    let looked = look_with(&site.request(), None, &silent).unwrap();
    assert_eq!(looked.steps.iter().map(|line| line.what.as_str()).collect::<Vec<_>>(), [PATH]);
    site.again().unwrap();
    assert!(site.text(PATH).contains(SECOND) && site.again().unwrap().is_empty());
    fs::remove_file(site.at("/etc/secret")).unwrap();
    rollback_with(&place(&site), None, Run::Real, None, &silent).unwrap();
    assert!(site.text(PATH).contains(FIRST), "though it is nowhere else any more");
    rollback_with(&place(&site), None, Run::Real, None, &silent).unwrap();
    assert!(site.text(PATH).contains(SECOND));
    fs::write(site.at(PATH), "password: forged\n").unwrap();
    assert!(!verify_with(&place(&site), None, &silent).unwrap().is_empty());
}

#[test]
fn certificates_are_brought_once_stay_until_others_are_and_are_not_taken_back() {
    let mut site = site();
    let (path, mark) = ("/etc/pnda/tls/key.pem", "file:/etc/pnda/tls/key.pem");
    let text = format!("# made\n{}\n", mark.parse::<Secret>().unwrap().mark());
    fs::create_dir_all(site.folder.path().join("node/files/etc/pnda/tls")).unwrap();
    fs::write(site.folder.path().join(format!("node/files{path}")), &text).unwrap();
    site.more += &format!(
        "[[file]]\npath = \"{path}\"\nsha256 = \"{}\"\nsecrets = [\"{mark}\"]\nowner = \"root\"\ngroup = \"root\"\nmode = \"0600\"\n",
        Sha256::of(text.as_bytes())
    );
    let error = chain(&site.install().unwrap_err());
    assert!(error.contains("pnda cluster certificates") && error.contains("install with --certificates"), "{error}");
    let folder = site.folder.path().join("brought");
    fs::create_dir(&folder).unwrap();
    let bring = |base64: &str| {
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
        fs::write(folder.join("key.pem"), &pem).unwrap();
        fs::set_permissions(folder.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
        let request = Request { certificates: Some(folder.clone()), ..site.request() };
        let looked = look_with(&request, None, &silent).unwrap();
        let report = install_with(&request, None, &silent).unwrap();
        assert_eq!(site.text(path), format!("# made\n{pem}"));
        assert!(site.again().unwrap().is_empty(), "without the folder it stays");
        assert!(looked.steps.iter().any(|line| line.what == path), "a look has seen it");
        report.steps.iter().map(|line| line.what.clone()).collect::<Vec<_>>()
    };
    assert!(bring("MIIBfirst").contains(&path.to_owned()));
    put(&site, SECOND, 0o600);
    site.again().unwrap();
    assert_eq!(bring("MIIBsecond"), [path]);
    assert!(verify_with(&place(&site), None, &silent).unwrap().is_empty());
    assert_eq!(holding(&site.root(), "MIIBsecond"), [site.at(path).display().to_string()], "no copy is kept");
    rollback_with(&place(&site), None, Run::Real, None, &silent).unwrap();
    assert!(site.text(PATH).contains(FIRST) && site.text(path).contains("MIIBsecond"), "going back leaves it");
}

#[test]
fn a_certificate_that_is_not_this_node_s_is_refused_before_anything_changes() {
    let mut site = site();
    let ours = Authority::new("site");
    let (key, certificate) = ours.pair("x", &["edge-1"]);
    let (_, strange) = ours.pair("x", &["edge-2"]);
    let folder = site.folder.path().join("brought");
    fs::create_dir(&folder).unwrap();
    let bring = |certificate: &str| {
        for (name, text) in [("key", &*key), ("certificate", certificate), ("authority", &ours.authority)] {
            let path = folder.join(format!("{name}.pem"));
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    };
    for name in ["key", "certificate", "authority"] {
        let (path, mark) = (format!("/etc/pnda/tls/{name}.pem"), format!("file:/etc/pnda/tls/{name}.pem"));
        let text = format!("{}\n", mark.parse::<Secret>().unwrap().mark());
        fs::create_dir_all(site.folder.path().join("node/files/etc/pnda/tls")).unwrap();
        fs::write(site.folder.path().join(format!("node/files{path}")), &text).unwrap();
        site.more += &format!(
            "[[file]]\npath = \"{path}\"\nsha256 = \"{}\"\nsecrets = [\"{mark}\"]\nowner = \"root\"\ngroup = \"root\"\nmode = \"0600\"\n",
            Sha256::of(text.as_bytes())
        );
    }
    site.publish();
    let request = Request { certificates: Some(folder.clone()), ..site.request() };
    bring(&strange);
    let error = chain(&install_with(&request, None, &silent).unwrap_err());
    assert!(error.contains("/etc/pnda/tls/certificate.pem would not have the name edge-1"), "{error}");
    assert!(error.contains("pnda cluster certificates") && !site.at("/etc/pnda").exists(), "{error}");
    bring(&certificate);
    install_with(&request, None, &silent).unwrap();
    assert!(site.again().unwrap().is_empty() && site.at("/etc/pnda/tls/certificate.pem").exists());
}

#[test]
fn a_secret_that_is_missing_open_or_unfit_stops_everything_and_is_not_told() {
    let site = site();
    let refused = || {
        site.publish();
        let error = chain(&site.again().unwrap_err());
        assert!(!site.at(PATH).exists() && !error.contains(FIRST), "{error}");
        error
    };
    put(&site, FIRST, 0o644);
    assert!(refused().contains("everybody on this node can read the secret file:/etc/secret: take that right away"));
    for unfit in [format!("{FIRST}'"), format!("{FIRST}\n{FIRST}"), String::new(), format!("{FIRST} #")] {
        put(&site, &unfit, 0o600);
        assert!(refused().contains("the secret file:/etc/secret cannot be put into a file"));
    }
    fs::remove_file(site.at("/etc/secret")).unwrap();
    assert!(refused().contains("the secret file:/etc/secret is not on this node: put it there"));
}

#[test]
fn a_file_of_tokens_goes_in_and_is_not_kept_for_going_back() {
    let site = site();
    let digest = Sha256::of(b"a token of alice");
    let lines = format!("alice {digest} dev\nbob {digest}");
    for (generation, lines) in [(1, lines.as_str()), (2, "")] {
        put(&site, &format!("# who may\n{lines}"), 0o600);
        site.install().unwrap();
        assert_eq!(site.text(PATH), format!("password: '{lines}'\nagain: {lines}\n"));
        let kept = site.at(&format!("/var/lib/pnda/install/generations/{generation}/secrets.toml"));
        assert!(!kept.exists(), "a token that is taken back stays so");
    }
}
