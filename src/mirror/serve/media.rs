//! What a path says about its file: the media type, how long it may be kept, whether it is metadata.
//! Pure; decided by the names that the formats themselves prescribe.
//! Not here: the files.

use words::names::SafePath;

/// Bytes at such a place never change: the name holds the version, or the digest.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Indexes belong together: a cache that kept one of them longer than the others would mix two generations.
const ASK_AGAIN: &str = "public, max-age=0, must-revalidate";

/// Packages whose format names version and build in the file's name.
const VERSIONED: &[&str] = &["jar", "war", "aar", "pom", "module", "whl", "deb", "udeb", "dsc", "rpm", "drpm"];
/// What may lie beside them.
const BESIDE: &[&str] = &["sha1", "sha256", "sha512", "md5", "asc", "metadata"];

/// `Cache-Control` of a path.
pub(super) fn cache_control(path: &SafePath) -> &'static str {
    let text = path.as_str();
    let by_digest = text.contains("/by-hash/");
    let package = text.starts_with("mirror_python/packages/") || VERSIONED.contains(&ending(without_side(text)));
    if by_digest || (package && !text.contains("-SNAPSHOT")) { FOR_EVER } else { ASK_AGAIN }
}

fn without_side(text: &str) -> &str {
    text.rsplit_once('.').filter(|(_, end)| BESIDE.contains(end)).map_or(text, |(name, _)| name)
}

/// Whether it is metadata, which may travel compressed. A package never does: its bytes are what was signed.
pub(super) fn is_metadata(path: &SafePath) -> bool {
    matches!(ending(path.as_str()), "html" | "json" | "v1_json" | "xml")
}

/// `Content-Type` of a path.
pub(super) fn media_type(path: &SafePath) -> &'static str {
    match ending(path.as_str()) {
        "html" => "text/html; charset=utf-8",
        "json" | "module" => "application/json",
        "v1_json" => super::negotiate::PYPI_JSON,
        "xml" | "pom" => "application/xml",
        "toml" => "application/toml",
        "txt" | "sha1" | "sha256" | "sha512" | "md5" | "asc" | "minisig" | "pub" => "text/plain; charset=utf-8",
        "jar" | "war" => "application/java-archive",
        "whl" | "zip" => "application/zip",
        "deb" | "udeb" => "application/vnd.debian.binary-package",
        "rpm" | "drpm" => "application/x-rpm",
        "gz" | "tgz" => "application/gzip",
        "zst" => "application/zstd",
        "xz" => "application/x-xz",
        "bz2" => "application/x-bzip2",
        "tar" => "application/x-tar",
        _ => match path.file_name() {
            "SHA256SUMS" | "Release" | "InRelease" | "Packages" | "Sources" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        },
    }
}

fn ending(text: &str) -> &str {
    let name = text.rsplit('/').next().unwrap_or(text);
    name.rsplit_once('.').map_or("", |(_, end)| end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SafePath {
        SafePath::new(text).unwrap()
    }

    #[test]
    fn only_what_its_name_identifies_is_kept_for_ever() {
        for text in [
            "mirror_maven/g/a/1.0/a-1.0.jar",
            "mirror_maven/g/a/1.0/a-1.0.pom.sha1",
            "mirror_apps/a-1.0.jar",
            "mirror_python/packages/a-1.0.tar.gz",
            "mirror_python/packages/a-1.0-py3-none-any.whl.metadata",
            "mirror_deb/pool/main/a/a_1.0_amd64.deb",
            "mirror_deb/dists/bookworm/main/binary-amd64/by-hash/SHA256/abc",
            "mirror_rpm/a-1.0-1.x86_64.rpm",
        ] {
            assert_eq!(cache_control(&path(text)), FOR_EVER, "{text}");
        }
        for text in [
            "mirror_maven/g/a/maven-metadata.xml",
            "mirror_maven/g/a/1-SNAPSHOT/a-1-SNAPSHOT.jar",
            "mirror_python/simple/a/index.html",
            "mirror_deb/dists/bookworm/InRelease",
            "mirror_misc/jre-17.tar.gz",
            "generation.toml",
            "pnda-agent",
        ] {
            assert_eq!(cache_control(&path(text)), ASK_AGAIN, "{text}");
        }
    }

    #[test]
    fn packages_are_not_metadata() {
        for text in ["a.html", "b/index.v1_json", "repodata/repomd.xml", "x.json"] {
            assert!(is_metadata(&path(text)), "{text}");
        }
        for text in ["a.jar", "a.deb", "a.rpm", "a.whl", "Packages.gz", "primary.xml.gz", "a.pom", "html"] {
            assert!(!is_metadata(&path(text)), "{text}");
        }
    }

    #[test]
    fn types_follow_the_names() {
        assert_eq!(media_type(&path("a/b.jar")), "application/java-archive");
        assert_eq!(media_type(&path("SHA256SUMS")), "text/plain; charset=utf-8");
        assert_eq!(media_type(&path("a.b/pnda-agent")), "application/octet-stream");
    }
}
