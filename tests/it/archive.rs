//! A small Debian archive on the scripted server: packages from one line each, lists, a signed Release.
//! Every part can be bent before it is served; its packages are real ones, which dpkg would unpack.
//! Not here: what is asserted.

use crate::project::Project;
use crate::upstream::Reply;
use pnda::mirror::openpgp::Signer;
use pnda::words::digest::Sha256;
use std::fs;
use std::io::Write;
use std::sync::OnceLock;

/// Making a key takes a second, and one is enough for all archives of a run.
pub fn signer() -> &'static Signer {
    static KEY: OnceLock<(tempfile::TempDir, Signer)> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        let signer = Signer::load_or_make(&folder.path().join("archive.key")).unwrap();
        (folder, signer)
    };
    &KEY.get_or_init(make).1
}

/// An archive with one suite, `stable`.
pub struct Archive {
    /// More fields of its Release.
    pub head: String,
    /// Its list of packages.
    pub list: String,
    /// What the Release says of the packed list; nothing says the truth.
    pub lie: Option<String>,
    files: Vec<(String, Vec<u8>)>,
}

impl Archive {
    /// A package a line: `name version; field: value; …`.
    pub fn of(lines: &str) -> Archive {
        let mut archive = Archive { head: String::new(), list: String::new(), lie: None, files: Vec::new() };
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (own, fields) = line.split_once("; ").unwrap_or((line, ""));
            let (name, version) = own.split_once(' ').unwrap();
            let architecture = if fields.contains("Architecture: ") { "" } else { "Architecture: amd64\n" };
            let fields = fields.split("; ").filter(|field| !field.is_empty()).map(|field| format!("{field}\n"));
            let fields: String = fields.collect();
            let control = format!(
                "Package: {name}\nVersion: {version}\n{architecture}{fields}\
                 Maintainer: nobody <nobody@site.example>\nDescription: one of a test\n with two lines\n"
            );
            let path = format!("pool/main/{name}_{}.deb", version.replace(':', "%3a"));
            let bytes = package(&control);
            archive.list.push_str(&format!(
                "{control}Filename: {path}\nSize: {}\nSHA256: {}\n\n",
                bytes.len(),
                Sha256::of(&bytes)
            ));
            archive.files.push((path, bytes));
        }
        archive
    }

    /// The bytes of a package's file.
    pub fn bytes(&self, start: &str) -> &[u8] {
        &self.files.iter().find(|(path, _)| path.contains(start)).unwrap().1
    }

    /// Serves it below `/apt`, signed by this key; the project trusts the key of all archives.
    pub fn serve_signed(&self, project: &Project, signer: &Signer) {
        let release = self.serve_lists(project, &["amd64"]);
        project.upstream.on("/apt/dists/stable/InRelease", [Reply::bytes(signer.cleartext(&release).unwrap())]);
    }

    /// The same, signed by the key that the project trusts.
    pub fn serve(&self, project: &Project) {
        self.serve_signed(project, signer());
    }

    /// The same for several architectures; each has the whole list.
    pub fn serve_for(&self, project: &Project, architectures: &[&str]) {
        let release = self.serve_lists(project, architectures);
        project.upstream.on("/apt/dists/stable/InRelease", [Reply::bytes(signer().cleartext(&release).unwrap())]);
    }

    /// Serves everything but the signature; gives the text of the Release.
    pub fn serve_lists(&self, project: &Project, architectures: &[&str]) -> String {
        self.trust(project);
        let packed = gzip(self.list.as_bytes());
        let entry = |bytes: &[u8], name: &str| format!(" {} {} {name}\n", Sha256::of(bytes), bytes.len());
        let mut lists = String::new();
        for architecture in architectures {
            let plain = format!("main/binary-{architecture}/Packages");
            lists.push_str(&entry(self.list.as_bytes(), &plain));
            lists.push_str(&entry(&packed, &format!("{plain}.gz")));
            project.upstream.on(&format!("/apt/dists/stable/{plain}.gz"), [Reply::bytes(packed.clone())]);
        }
        for (path, bytes) in &self.files {
            project.upstream.on(&format!("/apt/{}", path.replace('%', "%25")), [Reply::bytes(bytes.clone())]);
        }
        let date = httpdate::fmt_http_date(signer().date()).replace("GMT", "UTC");
        let date = if self.head.contains("Date: ") { String::new() } else { format!("Date: {date}\n") };
        let (known, lists) = (architectures.join(" "), self.lie.as_ref().unwrap_or(&lists));
        format!(
            "Origin: test\nSuite: stable\nArchitectures: {known}\nComponents: main\n{date}{}SHA256:\n{lists}",
            self.head
        )
    }

    /// Tells the project where it is, and whose signature counts.
    fn trust(&self, project: &Project) {
        let (folder, keys) = (project.path(".config/pnda"), project.path("archive.asc"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(&keys, signer().public_armored().unwrap()).unwrap();
        let (url, keys) = (&project.upstream.url, keys.display());
        let source = format!("[[source]]\nkind = \"apt\"\nurl = \"{url}/apt\"\nkeys = \"{keys}\"\n");
        fs::write(folder.join("sources.toml"), source).unwrap();
    }
}

/// A package with this control file that installs nothing.
pub fn package(control: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(control.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "control", control.as_bytes()).unwrap();
    let control = gzip(&tar.into_inner().unwrap());
    let data = gzip(&tar::Builder::new(Vec::new()).into_inner().unwrap());
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("control.tar.gz", &control), ("data.tar.gz", &data)] {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100644, content.len()).unwrap();
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    }
    bytes
}

/// Packed without a date.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}
