//! dnf and rpm on a mirror of real packages, in a network with nothing but loopback.
//! The packages are built here, upstream's repository by createrepo; what we publish is held against both.
//! Not here: how packages and repositories are built (`upstream`), or how dnf is run (`dnf`).

mod compare;
mod dnf;
mod upstream;

use dnf::Dnf;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use upstream::{Ran, Upstream};

const MANIFEST: &str = "[[rpm]]\nid = \"nodes\"\npackages = [\"app\"]\nrepositories = [\"base\", \"more\"]\n";

/// A package of another entry, which becomes a repository of its own.
const OLD: &str = "\"lib-1.0-1\"]\nsection = \"old\"";

/// Two repositories, and what `app` needs spread over both.
fn upstream() -> Option<Upstream> {
    let upstream = Upstream::new()?;
    upstream.package(
        "base",
        "app-1:2.0-3.el9",
        "Requires: lib >= 1.0, lib < 3, /usr/bin/tool, /usr/share/tool/data, config(app)\nRequires: (extra if lib)\n\
         Requires(pre): helper\nRecommends: doc\nProvides: config(app) = 1:2.0, web(app)\nObsoletes: oldapp < 2\n\
         Conflicts: other < 1\nURL: https://app.example/?a&b\nVendor: Example \"Ltd\" <x>\n",
        &["/usr/bin/app", "/etc/app/app.conf", "/usr/share/app/a file"],
    );
    for version in ["1.0-1", "2.0~rc1-1", "2.0-1", "3.0-1"] {
        upstream.package("more", &format!("lib-{version}"), "", &["/usr/share/lib/data"]);
    }
    upstream.package("more", "tool-1-1", "", &["/usr/bin/tool", "/usr/share/tool/data"]);
    for name in ["extra", "helper", "doc", "unrelated"] {
        upstream.package("more", &format!("{name}-1-1"), "", &[]);
    }
    upstream.sign_packages();
    upstream.create_repositories();
    Some(upstream)
}

#[test]
fn dnf_installs_from_the_mirror_alone() {
    let Some(upstream) = upstream() else { return };
    upstream.sign_indexes();
    let over_http = upstream.over_http();
    upstream.manifest(&format!("{MANIFEST}{}", MANIFEST.replace("nodes", "old").replace("\"app\"]", OLD)));
    let lock = upstream.pnda("mirror lock").says(0, "locked 6 artifacts");
    assert!(!lock.err.contains("does not sign"), "{}", lock.err);
    let text = upstream.read("manifests/pnda.lock");
    assert_eq!(text.matches("vouched = \"signed index\"").count(), 6, "{text}");
    assert_eq!(text.matches(&format!("signer = \"{}\"", upstream.signer())).count(), 6, "{text}");
    assert!(text.contains("because = [\"nodes > app-1:2.0-3.el9.noarch > lib-2.0-1.noarch\"]"), "{text}");
    upstream.pnda("mirror build").says(0, "published generation 1");
    upstream.pnda("mirror build").says(0, "up to date: generation 1");
    upstream.pnda("mirror lock --check").says(0, "up to date");
    drop(over_http);

    let served = upstream.serve();
    let dnf = Dnf::new(&upstream, &served);
    let asked = dnf.run(&["repoquery", "--requires", "--resolve", "app"]).ok();
    let wanted = ["extra-0:1-1.noarch", "helper-0:1-1.noarch", "lib-0:2.0-1.noarch", "tool-0:1-1.noarch"];
    wanted.iter().for_each(|wanted| assert!(asked.out.contains(wanted), "{}", asked.out));
    let from_path = format!("--repofrompath=old,{}/old", dnf::MIRROR);
    let asked = dnf.run(&[&from_path, "--repo=old", "--setopt=old.gpgcheck=0", "repoquery", "--all"]).ok();
    assert_eq!(asked.out.trim(), "lib-0:1.0-1.noarch", "a section is a repository of its own");
    dnf.run(&["install", "app"]).ok();
    let mut installed: Vec<String> = dnf.rpm(&["-qa"]).ok().out.lines().map(str::to_owned).collect();
    installed.retain(|name| !name.starts_with("gpg-pubkey"));
    installed.sort();
    let names =
        ["app-2.0-3.el9", "extra-1-1", "helper-1-1", "lib-2.0-1", "tool-1-1"].map(|name| format!("{name}.noarch"));
    assert_eq!(installed, names);
    assert!(dnf.root("usr/share/app/a file").is_file() && dnf.root("ran").is_file(), "files and scripts are there");
    assert!(dnf.rpm(&["-V", "app"]).code == 0, "rpm verifies what it installed");
    let packages = upstream.published().into_iter().filter(|path| path.ends_with(".rpm"));
    for package in packages {
        let checked = dnf.keys(&package);
        assert!(checked.code == 0 && checked.out.contains("signatures OK"), "{}", checked.told());
    }
}

#[test]
fn what_was_tampered_with_is_refused_by_dnf() {
    let Some(upstream) = upstream() else { return };
    upstream.manifest(MANIFEST);
    upstream.pnda("mirror lock").says(0, "does not sign its indexes");
    upstream.pnda("mirror build").says(0, "published generation 1");
    let served = upstream.serve();
    Dnf::new(&upstream, &served).run(&["makecache"]).ok();
    // Another key than the one that signed.
    let wrong = Dnf::new(&upstream, &served).trusting(&upstream.public_key());
    wrong.run(&["makecache"]).says(1, "Bad GPG signature");
    // Another index than the one that was signed for.
    let primary = upstream.published().into_iter().find(|path| path.ends_with("-primary.xml.gz")).unwrap();
    let primary = upstream.path("mirror/current").join(primary);
    let mut bytes = fs::read(&primary).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&primary).unwrap();
    fs::write(&primary, &bytes).unwrap();
    // A server believes in its generation, which never changes: what is changed behind its back needs another server.
    drop(served);
    let served = upstream.serve();
    Dnf::new(&upstream, &served).run(&["makecache"]).says(1, "hecksum");
    // Another list of indexes than the one that was signed.
    let list = upstream.path("mirror/current/mirror_rpm/repodata/repomd.xml");
    let text = fs::read_to_string(&list).unwrap().replace("<revision>", "<revision>1");
    fs::set_permissions(&list, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&list, text).unwrap();
    drop(served);
    let served = upstream.serve();
    Dnf::new(&upstream, &served).run(&["makecache"]).says(1, "Bad GPG signature");
}

#[test]
fn our_indexes_say_what_createrepo_says() {
    let Some(upstream) = upstream() else { return };
    upstream.manifest(&MANIFEST.replace("\"app\"", "\"app\", \"doc\", \"unrelated\""));
    upstream.pnda("mirror lock").says(0, "locked 7 artifacts");
    upstream.pnda("mirror build").says(0, "published generation 1");
    let ours = upstream.path("mirror/current/mirror_rpm");
    let theirs = upstream.path("theirs");
    fs::create_dir(&theirs).unwrap();
    for path in upstream.published().iter().filter(|path| path.ends_with(".rpm")) {
        let name = path.rsplit('/').next().unwrap();
        fs::copy(ours.join(name), theirs.join(name)).unwrap();
    }
    upstream.createrepo(&theirs);
    for kind in ["primary", "filelists", "other"] {
        let (ours, theirs) = (compare::index(&ours, kind), compare::index(&theirs, kind));
        assert_eq!(ours, theirs, "{kind}");
        assert!(ours.matches("\npackage ").count() == 7 && ours.len() > 500, "{ours}");
    }
    // The same packages give the same bytes, in another store as well.
    let before = fs::read(ours.join("repodata/repomd.xml")).unwrap();
    fs::rename(upstream.path("store"), upstream.path("old-store")).unwrap();
    fs::remove_dir_all(upstream.path("mirror")).unwrap();
    upstream.pnda("mirror build").says(0, "published generation 1");
    assert_eq!(fs::read(ours.join("repodata/repomd.xml")).unwrap(), before);
}

#[test]
fn signatures_of_others_are_refused_when_locking() {
    let Some(upstream) = upstream() else { return };
    upstream.manifest(MANIFEST);
    // Packages signed by the trusted key count where indexes are not signed.
    upstream.pnda("mirror lock").says(0, "locked 5 artifacts");
    assert_eq!(upstream.read("manifests/pnda.lock").matches("vouched = \"signature\"").count(), 5);
    // No keys: the signer is pinned, and a stranger's package of the same name is refused.
    upstream.sources_without_keys();
    fs::remove_file(upstream.path("manifests/pnda.lock")).unwrap();
    upstream.pnda("mirror lock").says(0, "locked 5 artifacts");
    let lock = upstream.read("manifests/pnda.lock");
    assert_eq!((lock.matches("index sha256").count(), lock.matches("signer").count()), (5, 5), "{lock}");
    upstream.package("more", "helper-2-1", "", &[]);
    upstream.sign_with_another_key("more", "helper-2-1.noarch.rpm");
    upstream.create_repositories();
    let kept = upstream.pnda("mirror lock");
    assert!(kept.code == 0 && kept.out.contains("up to date"), "what was locked stays: {}", kept.told());
    upstream.pnda("mirror lock --upgrade").says(1, "was signed by");
    // With keys, a stranger is refused at once.
    upstream.sources_with_keys();
    fs::remove_file(upstream.path("manifests/pnda.lock")).unwrap();
    upstream.pnda("mirror lock").says(1, "which is none of the trusted keys");
    // An index that was changed after it was signed.
    upstream.sign_indexes();
    let list = upstream.path("upstream/base/repodata/repomd.xml");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, format!("{text}<!-- -->")).unwrap();
    upstream.pnda("mirror lock").says(1, "the signature of rpm/base's repomd.xml is refused");
}

#[test]
fn hostile_repositories_are_refused_when_locking() {
    let Some(upstream) = upstream() else { return };
    upstream.manifest(MANIFEST);
    let _served = upstream.over_http();
    type Change = fn(&str) -> String;
    let bomb: Change = |_| format!("<metadata><package><name>{}", "a".repeat(8 << 20));
    let entities: Change = |text| text.replacen("<metadata", "<!DOCTYPE m [<!ENTITY a \"aa\">]><metadata", 1);
    let changes: [(Change, &str); 9] = [
        (bomb, "longer than any index"),
        (entities, "a document type"),
        (|text| text.replacen("<name>app", "<name>&a;", 1), "entities of its own"),
        (|text| text.replacen("href=\"", "href=\"../more/", 1), "cannot be used as a path"),
        (|text| text.replacen("<location ", "<location xml:base=\"http://b.example/\" ", 1), "in another place"),
        (|text| text.replacen("size package=\"", "size package=\"-", 1), "no whole number"),
        (|text| text.replacen("size package=\"", "size package=\"1", 1), "it must have"),
        (|text| text.replacen("ver=\"2.0\"", "ver=\"2.1\"", 1), "the index says app-1:2.1-3.el9.noarch"),
        (|text| text.replacen("</checksum>", "0</checksum>", 1), "has no SHA-256"),
    ];
    for (change, expected) in changes {
        upstream.rewrite_primary("base", change);
        upstream.pnda("mirror lock").says(1, expected);
    }
    // Other bytes than the list of indexes says, and than the index says.
    upstream.rewrite_primary("base", str::to_owned);
    let other = |path: &str| {
        let path = upstream.path("upstream/base").join(path);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 9;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
    };
    other("app-2.0-3.el9.noarch.rpm");
    fs::remove_dir_all(upstream.path("store")).unwrap();
    upstream.pnda("mirror lock").says(1, "has other content");
    other("repodata/changed.xml.gz");
    fs::remove_dir_all(upstream.path("store")).unwrap();
    upstream.pnda("mirror lock").says(1, "has other content");
    assert!(!upstream.path("manifests/pnda.lock").exists(), "nothing was agreed to");
}

#[test]
fn rpm_orders_versions_as_we_do() {
    if !upstream::has(&["rpm"]) {
        return;
    }
    let versions =
        ["1.0", "1.0~rc1", "1.0^", "1.0^git1", "1.0.1", "1.0a", "1a", "a1", "1.01", "1_0", "1.0~~", "0~", "10"];
    let pairs = || versions.iter().flat_map(|left| versions.iter().map(move |right| (*left, *right)));
    let calls: String = pairs().map(|(left, right)| format!("print(rpm.vercmp('{left}','{right}')..' ')")).collect();
    let told = Ran::of(std::process::Command::new("rpm").args(["--eval", &format!("%{{lua:{calls}}}")])).ok().out;
    let theirs: Vec<i8> = told.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let ours: Vec<i8> = pairs().map(|(left, right)| pnda::mirror::rpm::version::compare(left, right) as i8).collect();
    let differ: Vec<_> = pairs().zip(ours.iter().zip(&theirs)).filter(|(_, (ours, theirs))| ours != theirs).collect();
    assert!(differ.is_empty() && ours.len() == theirs.len(), "{differ:?}");
}
