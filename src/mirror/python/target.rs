//! A target: the interpreter and the platform that a mirror shall serve; which wheels fit there, and which fit best.
//! The order is PEP 425's as installers give it: the newest platform first, own ABI before `abi3` before `none`.
//! Not here: any interpreter of this machine.

use super::filename::Tags;
use pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};
use std::collections::HashMap;
use std::fmt;

/// The patch release that a version without one stands for: later than any that is ever made.
const NEWEST_PATCH: u64 = 99;
/// No libc, musl or macOS has come this far.
const MOST_MINOR: u64 = 99;

/// A version of CPython.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Python {
    minor: u64,
    patch: Option<u64>,
}

/// A platform as wheels name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    text: String,
    system: System,
    arch: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum System {
    /// Linux with a glibc 2 of at most this minor version.
    Glibc(u64),
    /// Linux with a musl 1 of at most this minor version.
    Musl(u64),
    /// macOS of at most this version.
    Mac(u64, u64),
    Windows,
}

/// A text that is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind}: {remedy}")]
pub struct BadTarget {
    text: String,
    kind: &'static str,
    remedy: &'static str,
}

impl Python {
    /// Reads `3.11`, which stands for its newest patch release, or `3.11.2`.
    pub fn parse(text: &str) -> Result<Python, BadTarget> {
        let remedy = "write 3.11, or 3.11.2 for one patch release";
        let bad = || BadTarget { text: text.to_owned(), kind: "version of Python 3", remedy };
        let parts: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok().filter(|n| *n <= 99)).collect();
        match parts.as_deref() {
            Some([3, minor]) => Ok(Python { minor: *minor, patch: None }),
            Some([3, minor, patch]) => Ok(Python { minor: *minor, patch: Some(*patch) }),
            _ => Err(bad()),
        }
    }

    fn full(&self) -> Version {
        Version::new([3, self.minor, self.patch.unwrap_or(NEWEST_PATCH)])
    }
}

impl fmt::Display for Python {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "3.{}", self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(out, ".{patch}"))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// The names that glibc platforms had before they carried the version.
const ALIASES: [(&str, u64); 3] = [("manylinux2014", 17), ("manylinux2010", 12), ("manylinux1", 5)];

impl Platform {
    /// Reads the platform part of a wheel's name.
    pub fn parse(text: &str) -> Result<Platform, BadTarget> {
        let remedy = "write a platform as wheels do, like manylinux2014_x86_64, musllinux_1_2_aarch64 or win_amd64";
        let bad = || BadTarget { text: text.to_owned(), kind: "platform", remedy };
        let (system, arch) = read_platform(text).ok_or_else(bad)?;
        let known = ["x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64", "arm64", "amd64", "win32"];
        if !known.contains(&arch) {
            return Err(bad());
        }
        Ok(Platform { text: text.to_owned(), system, arch: arch.to_owned() })
    }

    /// Every platform tag that fits, the best first.
    fn tags(&self) -> Vec<String> {
        let arch = &self.arch;
        match self.system {
            System::Glibc(newest) => {
                // Old Intel platforms go back to glibc 2.5; all others began with 2.17.
                let oldest = if arch == "x86_64" || arch == "i686" { 5 } else { 17 };
                let mut tags = Vec::new();
                for minor in (oldest..=newest).rev() {
                    tags.push(format!("manylinux_2_{minor}_{arch}"));
                    tags.extend(
                        ALIASES.iter().filter(|(_, at)| *at == minor).map(|(name, _)| format!("{name}_{arch}")),
                    );
                }
                tags.push(format!("linux_{arch}"));
                tags
            }
            System::Musl(newest) => {
                let known = (0..=newest).rev().map(|minor| format!("musllinux_1_{minor}_{arch}"));
                known.chain([format!("linux_{arch}")]).collect()
            }
            System::Mac(major, minor) => mac_tags(major, minor, arch),
            System::Windows => vec![self.text.clone()],
        }
    }
}

fn read_platform(text: &str) -> Option<(System, &str)> {
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number <= MOST_MINOR);
    for (name, minor) in ALIASES {
        if let Some(arch) = text.strip_prefix(name).and_then(|rest| rest.strip_prefix('_')) {
            return Some((System::Glibc(minor), arch));
        }
    }
    if let Some(arch) = text.strip_prefix("win_").or((text == "win32").then_some(text)) {
        return Some((System::Windows, arch));
    }
    let versioned = |prefix: &str| {
        let (major, rest) = text.strip_prefix(prefix)?.split_once('_')?;
        let (minor, arch) = rest.split_once('_')?;
        Some((number(major)?, number(minor)?, arch))
    };
    if let Some((2, minor, arch)) = versioned("manylinux_") {
        return Some((System::Glibc(minor), arch));
    }
    if let Some((1, minor, arch)) = versioned("musllinux_") {
        return Some((System::Musl(minor), arch));
    }
    versioned("macosx_").map(|(major, minor, arch)| (System::Mac(major, minor), arch))
}

fn mac_tags(major: u64, minor: u64, arch: &str) -> Vec<String> {
    let formats: &[&str] = if arch == "arm64" { &["arm64", "universal2"] } else { &["x86_64", "intel", "universal2"] };
    // Since macOS 11 a major version is a release; before, a minor version of 10 was.
    let eleven = (11..=major).rev().map(|major| (major, 0));
    let ten = (4..=if major == 10 { minor } else { 16 }).rev().map(|minor| (10, minor));
    let of = |(major, minor): (u64, u64)| {
        let fits = move |format: &&&str| major > 10 || **format != "arm64";
        formats.iter().filter(fits).map(move |format| format!("macosx_{major}_{minor}_{format}"))
    };
    eleven.chain(ten).flat_map(of).collect()
}

/// One interpreter on one platform.
#[derive(Debug, Clone)]
pub struct Target {
    name: String,
    version: Version,
    environment: MarkerEnvironment,
    ranks: HashMap<String, usize>,
}

impl Target {
    /// CPython of this version there.
    pub fn new(python: &Python, platform: &Platform) -> Result<Target, BadTarget> {
        let name = format!("python {python} on {platform}");
        let version = python.full();
        let bad = || BadTarget { text: name.clone(), kind: "target", remedy: "write a plain version and platform" };
        let (os, system, sys) = match platform.system {
            System::Glibc(_) | System::Musl(_) => ("posix", "Linux", "linux"),
            System::Mac(..) => ("posix", "Darwin", "darwin"),
            System::Windows => ("nt", "Windows", "win32"),
        };
        let machine = match platform.arch.as_str() {
            "amd64" => "AMD64",
            "win32" => "x86",
            arch => arch,
        };
        let (full, short) = (version.to_string(), format!("3.{}", python.minor));
        let environment = MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &full,
            os_name: os,
            platform_machine: machine,
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: system,
            platform_version: "",
            python_full_version: &full,
            python_version: &short,
            sys_platform: sys,
        };
        let environment = MarkerEnvironment::try_from(environment).map_err(|_| bad())?;
        Ok(Target { ranks: ranks(python.minor, &platform.tags()), name, version, environment })
    }

    /// The version that `requires-python` is held against.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// What markers are evaluated in.
    pub fn environment(&self) -> &MarkerEnvironment {
        &self.environment
    }

    /// How well a wheel fits, the smaller the better; none if it does not.
    pub fn rank(&self, tags: &Tags) -> Option<usize> {
        let platforms = |python: &String, abi: &String| {
            let rank = |platform: &String| self.ranks.get(&format!("{python}-{abi}-{platform}")).copied();
            tags.platform.iter().filter_map(rank).min()
        };
        let abis = |python: &String| tags.abi.iter().filter_map(|abi| platforms(python, abi)).min();
        tags.python.iter().filter_map(abis).min()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

/// Every tag that fits, with its place in the order.
fn ranks(minor: u64, platforms: &[String]) -> HashMap<String, usize> {
    let mut tags = Vec::new();
    // Until 3.7 the ABI's name told how memory was allocated.
    let own = if minor < 8 { format!("cp3{minor}m") } else { format!("cp3{minor}") };
    let mut on_all = |python: &str, abi: &str| {
        tags.extend(platforms.iter().map(|platform| format!("{python}-{abi}-{platform}")));
    };
    let this = format!("cp3{minor}");
    on_all(&this, &own);
    on_all(&this, "abi3");
    on_all(&this, "none");
    (2..minor).rev().for_each(|older| on_all(&format!("cp3{older}"), "abi3"));
    let generic: Vec<String> = std::iter::once(format!("py3{minor}"))
        .chain(["py3".to_owned()])
        .chain((0..minor).rev().map(|older| format!("py3{older}")))
        .collect();
    generic.iter().for_each(|python| on_all(python, "none"));
    tags.push(format!("{this}-none-any"));
    tags.extend(generic.iter().map(|python| format!("{python}-none-any")));
    tags.into_iter().enumerate().map(|(rank, tag)| (tag, rank)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::filename::{Filename, Form};
    use super::*;
    use words::names::Word;

    fn target(python: &str, platform: &str) -> Target {
        Target::new(&Python::parse(python).unwrap(), &Platform::parse(platform).unwrap()).unwrap()
    }

    fn rank(target: &Target, tags: &str) -> Option<usize> {
        let name = format!("tool-1.0-{tags}.whl");
        match Filename::read(&name, &Word::new("tool").unwrap()).unwrap().form {
            Form::Wheel(tags) => target.rank(&tags),
            Form::Sdist => None,
        }
    }

    #[test]
    fn wheels_fit_in_the_order_of_installers() {
        let target = target("3.11", "manylinux_2_28_x86_64");
        let order = [
            "cp311-cp311-manylinux_2_28_x86_64",
            "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
            "cp311-cp311-manylinux1_x86_64",
            "cp311-cp311-linux_x86_64",
            "cp311-abi3-manylinux2014_x86_64",
            "cp37-abi3-manylinux2014_x86_64",
            "py3-none-manylinux2014_x86_64",
            "py2.py3-none-any",
        ];
        let ranks: Vec<usize> = order.iter().map(|tags| rank(&target, tags).expect(tags)).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
        for no in [
            "cp310-cp310-manylinux2014_x86_64",
            "cp312-abi3-manylinux2014_x86_64",
            "cp311-cp311-manylinux_2_34_x86_64",
            "cp311-cp311-manylinux2014_aarch64",
            "cp311-cp311-musllinux_1_1_x86_64",
            "cp311-cp311t-manylinux2014_x86_64",
            "py2-none-any",
            "cp311-cp311-win_amd64",
        ] {
            assert_eq!(rank(&target, no), None, "{no}");
        }
    }

    #[test]
    fn other_platforms_have_their_own_rules() {
        assert!(rank(&target("3.7", "manylinux2014_x86_64"), "cp37-cp37m-manylinux1_x86_64").is_some());
        assert!(rank(&target("3.9", "manylinux2014_aarch64"), "cp39-cp39-manylinux_2_17_aarch64").is_some());
        assert!(rank(&target("3.9", "musllinux_1_2_x86_64"), "cp39-cp39-musllinux_1_1_x86_64").is_some());
        let mac = target("3.11", "macosx_12_0_arm64");
        assert!(rank(&mac, "cp311-cp311-macosx_11_0_arm64").is_some());
        assert!(rank(&mac, "cp311-cp311-macosx_10_9_universal2").is_some());
        assert!(rank(&mac, "cp311-cp311-macosx_13_0_arm64").is_none());
        assert!(rank(&mac, "cp311-cp311-macosx_10_9_x86_64").is_none());
        assert!(rank(&target("3.11", "win_amd64"), "cp311-cp311-win_amd64").is_some());
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in ["2.7", "3", "3.x", "3.11.2.1", "", "3.100"] {
            assert!(Python::parse(text).is_err(), "{text}");
        }
        for text in
            ["linux", "manylinux2014", "manylinux2014_vax", "manylinux_3_1_x86_64", "", "manylinux_2_100_x86_64"]
        {
            assert!(Platform::parse(text).is_err(), "{text}");
        }
    }
}
