//! A mirror, a node's folder and a root of a test, all in one temporary folder, and how to look at them.
//! The mirror is a plain folder, signed here with a key of its own.
//! Not here: what is expected of an install.

use super::*;

/// A mirror, a node's folder and a root, all in one temporary folder.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) pair: minisign::KeyPair,
    pub(crate) key: String,
    pub(crate) scope: &'static str,
    pub(crate) number: u64,
    pub(crate) flink: &'static str,
    pub(crate) config: &'static str,
    pub(crate) more: String,
    pub(crate) mirrored: BTreeMap<&'static str, Vec<u8>>,
    pub(crate) systemd: Option<Systemd>,
}

impl Site {
    pub(crate) fn new() -> Site {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let key = pair.pk.to_base64();
        let mirrored = BTreeMap::from([
            ("flink-1.tar.gz", archive("flink-1", "one")),
            ("flink-2.tar.gz", archive("flink-2", "two")),
            ("flink-3.tar.gz", archive("flink-3", "three")),
            ("pnda-agent", b"#!/bin/sh\n".to_vec()),
        ]);
        let site = Site {
            folder: TempDir::new().unwrap(),
            pair,
            key,
            scope: "user",
            number: 7,
            flink: "flink-1",
            config: "port = 1\n",
            more: String::new(),
            mirrored,
            systemd: None,
        };
        fs::create_dir(site.root()).unwrap();
        // A machine's folders can be passed by everybody.
        fs::set_permissions(site.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        site
    }

    /// A machine's root instead of a user's; only root can try that.
    pub(crate) fn system() -> Option<Site> {
        if !rustix::process::geteuid().is_root() {
            left_out("an install for a whole machine: not root");
            return None;
        }
        Some(Site { scope: "system", ..Site::new() })
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// Signs what is mirrored and renders the node for it.
    pub(crate) fn publish(&self) {
        let (mirror, node) = (self.folder.path().join("mirror"), self.folder.path().join("node"));
        fs::create_dir_all(&mirror).unwrap();
        fs::create_dir_all(node.join("files/etc/pnda")).unwrap();
        let mut files = BTreeMap::new();
        for (name, bytes) in &self.mirrored {
            fs::write(mirror.join(name), bytes).unwrap();
            let listed = Listed { size: bytes.len() as u64, sha256: Sha256::of(bytes) };
            files.insert(SafePath::new(*name).unwrap(), listed);
        }
        let list = Generation { number: self.number, lock: Sha256::of(b"lock"), files }.render();
        fs::write(mirror.join(SIGNATURE), self.sign(list.as_bytes())).unwrap();
        fs::write(mirror.join(LIST), list).unwrap();
        fs::write(node.join("files/etc/pnda/agent.toml"), self.config).unwrap();
        fs::write(node.join("node.toml"), self.document()).unwrap();
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> String {
        minisign::sign(None, &self.pair.sk, bytes, None, None).unwrap().to_string()
    }

    pub(crate) fn document(&self) -> String {
        let flink = format!("{}.tar.gz", self.flink);
        let of = |name: &str| {
            let bytes = &self.mirrored[name];
            format!("size = {}\nsha256 = \"{}\"", bytes.len(), Sha256::of(bytes))
        };
        let owned = "owner = \"root\"\ngroup = \"root\"";
        let root = if self.scope == "user" { self.root().display().to_string() } else { "/".into() };
        format!(
            "format = 1\ncluster = \"pico\"\nnode = \"edge-1\"\nroles = []\ninputs = \"{inputs}\"\n\
             scope = \"{scope}\"\nroot = \"{root}\"\n[mirror]\nurl = \"{mirror}\"\npublic_key = \"{key}\"\n\
             [[directory]]\npath = \"/var/log/pnda\"\n{owned}\nmode = \"0750\"\n\
             [[archive]]\ninto = \"/opt/pnda/{name}\"\nfrom = \"{flink}\"\n{archive}\n\
             [[download]]\npath = \"/opt/pnda/agent/pnda-agent\"\nfrom = \"pnda-agent\"\n{agent}\n{owned}\nmode = \"0755\"\n\
             [[file]]\npath = \"/etc/pnda/agent.toml\"\nsha256 = \"{config}\"\n{owned}\nmode = \"0640\"\n\
             [[link]]\npath = \"/opt/pnda/flink\"\nto = \"/opt/pnda/{name}\"\n{more}",
            inputs = Sha256::of(b"inputs"),
            scope = self.scope,
            mirror = self.folder.path().join("mirror").display(),
            key = self.key,
            name = self.flink,
            archive = of(&flink),
            agent = of("pnda-agent"),
            config = Sha256::of(self.config.as_bytes()),
            more = self.more,
        )
    }

    pub(crate) fn request(&self) -> Request {
        let root = (self.scope == "system").then(|| self.root());
        Request {
            certificates: None,
            folder: self.folder.path().join("node"),
            origin: Origin::Document,
            root,
            older: Older::Refuse,
            again: BTreeSet::new(),
            keep: KEEP,
            depth: Depth::Quick,
        }
    }

    pub(crate) fn install(&self) -> Result<Report, Error> {
        self.publish();
        self.again()
    }

    /// Without publishing first.
    pub(crate) fn again(&self) -> Result<Report, Error> {
        install_with(&self.request(), self.systemd.clone(), &silent)
    }

    /// Installs, and expects a mismatch that leaves everything as it was.
    pub(crate) fn refused(&self) -> String {
        let before = listing(&self.root());
        let error = self.again().unwrap_err();
        assert!(error.is_mismatch(), "{error:?}");
        assert_eq!(listing(&self.root()), before);
        chain(&error)
    }
}

pub(crate) fn left_out(what: &str) {
    writeln!(std::io::stderr(), "left out: {what}").unwrap();
}

/// A program of its own folder, with a link.
pub(crate) fn archive(top: &str, text: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_mtime(1_000_000_000);
    header.set_size(text.len() as u64);
    tar.append_data(&mut header.clone(), format!("{top}/bin/flink"), text.as_bytes()).unwrap();
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Symlink);
    tar.append_link(&mut header, format!("{top}/flink"), "bin/flink").unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

/// Everything below a folder: kind, mode, owner, inode, time of change and content.
pub(crate) fn listing(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let (mode, inode, owner) = (found.mode(), found.ino(), found.uid());
            // The time of a folder changes when something in it comes and goes.
            let time = if found.is_dir() { String::new() } else { format!("{}.{}", found.mtime(), found.mtime_nsec()) };
            lines.push(format!("{name} {mode:o} {owner} {inode} {time}"));
            if found.is_dir() {
                left.push(path);
            }
        }
    }
    lines.sort();
    lines
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

pub(crate) fn hidden_names(root: &Path) -> Vec<String> {
    listing(root).into_iter().filter(|line| line.contains(".pnda-") && !line.contains("saved")).collect()
}
