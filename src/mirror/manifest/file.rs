//! `[[file]]`: a plain file with its addresses, because it has no registry, and what vouches for it.
//! That is a digest, a checksum file or a signature that its publisher gives, or nobody, said aloud.
//! Not here: whether it exists, or whether the signature is good.

use crate::openpgp::Fingerprint;
use std::fmt;
use words::digest::{Sha256, Sha512};
use words::document::{Table, Text};
use words::location::Location;
use words::names::SafePath;

/// A plain file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWant {
    /// Its addresses, tried in order.
    pub urls: Vec<String>,
    /// Its path on the mirror.
    pub path: SafePath,
    /// Its digest, where the manifest states it.
    pub sha256: Option<Sha256>,
    /// Its other digest, where the manifest states it.
    pub sha512: Option<Sha512>,
    /// The address of a checksum file that its publisher gives.
    pub checksum: Option<String>,
    /// The signature that its publisher gives.
    pub signature: Option<Signed>,
}

/// A detached signature, and by whom it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signature's address.
    pub url: String,
    /// Who must have signed.
    pub by: By,
}

/// Who must have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// One of these OpenPGP keys.
    OpenPgp {
        /// The keys, armored, or the address that gives them.
        keys: String,
        /// Only these of them, by whole fingerprints; needed where the keys come from an address.
        signers: Vec<Fingerprint>,
    },
    /// This minisign key.
    Minisign(String),
}

/// Reads one `[[file]]`.
pub(super) fn read(table: &mut Table<'_>) -> Option<FileWant> {
    let urls = table.required_list("urls", "https://downloads.example/tool-1.2.tar.gz");
    urls.iter().for_each(|url| web(table, url));
    let sha256 = table.optional_parsed("sha256", "the 64 hexadecimal digits its publisher gives", Sha256::try_from);
    let sha512 = table.optional_parsed("sha512", "the 128 hexadecimal digits its publisher gives", Sha512::try_from);
    let checksum = table.optional("checksum");
    checksum.iter().for_each(|url| web(table, url));
    let signature = table.table("signature", signed);
    let first_use = table.flag("first-use", false);
    let vouched = sha256.is_some() || sha512.is_some() || checksum.is_some() || signature.is_some();
    if !vouched && !first_use && table.noted() == 0 {
        let remedy = "give sha256 = \"…\", sha512, checksum (the address of a checksum file) or signature; \
             if its publisher gives none of them, say first-use = true";
        table.add(table.origin().problem("nothing vouches for this [[file]]", remedy));
    }
    if vouched && first_use {
        table.add(table.origin().problem("this [[file]] has a voucher and says first-use", "leave first-use out"));
    }
    let path = table.parsed("path", "mirror_misc/tool-1.2.tar.gz", SafePath::new);
    Some(FileWant {
        urls: urls.into_iter().map(|url| url.text).collect(),
        path: path?,
        sha256,
        sha512,
        checksum: checksum.map(|url| url.text),
        signature: match signature {
            None => None,
            Some(read) => Some(read?),
        },
    })
}

fn signed(table: &mut Table<'_>) -> Option<Signed> {
    let url = table.required("url", "https://downloads.example/tool-1.2.tar.gz.asc");
    url.iter().for_each(|url| web(table, url));
    let keys = table.optional("keys");
    let signers = table.list("signers");
    let signers: Option<Vec<Fingerprint>> = signers
        .iter()
        .map(|text| {
            table.check(text, "all 40 digits, as `gpg --show-keys` shows them", |text| Fingerprint::whole(&text))
        })
        .collect();
    let signers = signers?;
    let by = match (table.optional("minisign"), keys) {
        (Some(key), None) => By::Minisign(key.text),
        (None, Some(keys)) => {
            let fetched = keys.text.contains("://");
            if fetched {
                web(table, &keys);
            }
            if fetched && signers.is_empty() {
                let remedy = "add signers = [\"…\"], the fingerprints that its publisher states elsewhere";
                table.add(keys.origin.problem("keys from an address prove nothing by themselves", remedy));
            }
            By::OpenPgp { keys: keys.text, signers }
        }
        _ => {
            let remedy = "give keys (OpenPGP, armored or an address) or minisign = \"RW…\", one of them";
            table.add(table.origin().problem("this signature does not say who must have signed", remedy));
            return None;
        }
    };
    Some(Signed { url: url?.text, by })
}

fn web(table: &Table<'_>, url: &Text) {
    let what = match Location::parse(&url.text) {
        Ok(Location::Path(_)) => format!("`{}` is no web address", url.text),
        Ok(_) => return,
        Err(error) => error.to_string(),
    };
    table.add(url.origin.problem(what, "write http://… or https://…"));
}

impl fmt::Display for FileWant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "file {}", self.urls.join(" "))?;
        if let Some(sha256) = &self.sha256 {
            write!(out, " sha256 {sha256}")?;
        }
        if let Some(sha512) = &self.sha512 {
            write!(out, " sha512 {sha512}")?;
        }
        if let Some(checksum) = &self.checksum {
            write!(out, " checksum {checksum}")?;
        }
        let Some(Signed { url, by }) = &self.signature else { return Ok(()) };
        match by {
            By::Minisign(key) => write!(out, " signature {url} by {key}"),
            By::OpenPgp { keys, signers } => {
                write!(out, " signature {url} by {} {signers:?}", Sha256::of(keys.as_bytes()))
            }
        }
    }
}
