//! Flink's facts by version, as data: which configuration file it reads, which overview its history server answers.
//! Each table is one function of the version; evidence stands beside it.
//! Not here: any call to Flink.

use super::shown::shown;
use std::fmt;
use std::str::FromStr;

/// A release of Flink; of a vendor's, as in `1.20.5-vendor1`, the numbers of Flink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The text is no release of Flink.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a Flink version: write it as in `1.20.5`", shown(.0))]
pub struct BadVersion(String);

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Version, BadVersion> {
        let bad = || BadVersion(text.to_owned());
        let read = semver::Version::parse(text).map_err(|_| bad())?;
        let number = |number: u64| u32::try_from(number).map_err(|_| bad());
        Ok(Version { major: number(read.major)?, minor: number(read.minor)?, patch: number(read.patch)? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The syntax of Flink's configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigurationFile {
    /// `flink-conf.yaml`: lines of `key: value`; quotes would become part of the value.
    Lines,
    /// `config.yaml`: YAML 1.2; flat dotted keys are accepted.
    Yaml,
}

impl ConfigurationFile {
    /// The file's name in Flink's `conf`.
    pub fn name(self) -> &'static str {
        match self {
            ConfigurationFile::Lines => "flink-conf.yaml",
            ConfigurationFile::Yaml => "config.yaml",
        }
    }

    /// One value as this syntax needs it.
    pub fn quote(self, value: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_./:;,=+-".contains(c);
        let leads = |c: char| c.is_ascii_alphanumeric() || c == '/';
        let safe = value.chars().all(plain) && value.starts_with(leads) && !value.ends_with(':');
        match self {
            ConfigurationFile::Lines => value.to_owned(),
            ConfigurationFile::Yaml if safe => value.to_owned(),
            ConfigurationFile::Yaml => format!("'{}'", value.replace('\'', "''")),
        }
    }
}

/// What a history server answers about the jobs it has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobsOverview {
    /// `/joboverview` with `finished`; 404 until a job was archived.
    Legacy,
    /// `/jobs/overview` with `jobs`; 404 until a job was archived.
    AfterFirstJob,
    /// `/jobs/overview` with `jobs`; always there.
    Always,
}

impl JobsOverview {
    /// The path to ask.
    pub fn path(self) -> &'static str {
        match self {
            JobsOverview::Legacy => "/joboverview",
            JobsOverview::AfterFirstJob | JobsOverview::Always => "/jobs/overview",
        }
    }

    /// Whether 404 means that no job was archived yet.
    pub fn absent_means_empty(self) -> bool {
        !matches!(self, JobsOverview::Always)
    }
}

impl Version {
    /// A version by its numbers.
    pub fn new(major: u32, minor: u32, patch: u32) -> Version {
        Version { major, minor, patch }
    }

    /// Its line of releases: major and minor number.
    pub fn line(self) -> (u32, u32) {
        (self.major, self.minor)
    }

    /// Measured: 1.19 and later read `config.yaml`, earlier ones fail without `flink-conf.yaml`.
    pub fn configuration_file(self) -> ConfigurationFile {
        if self.line() >= (1, 19) { ConfigurationFile::Yaml } else { ConfigurationFile::Lines }
    }

    /// FLINK-9246 renamed the overview in 1.5; FLINK-18360 writes it before the first job from 1.11 on.
    pub fn jobs_overview(self) -> JobsOverview {
        match self.line() {
            line if line < (1, 5) => JobsOverview::Legacy,
            line if line < (1, 11) => JobsOverview::AfterFirstJob,
            _ => JobsOverview::Always,
        }
    }

    /// Measured: from 1.18 on `/config` says `web-history`, true on a history server and false on a JobManager.
    pub fn says_web_history(self) -> bool {
        self.line() >= (1, 18)
    }

    /// Class files of 2.x need Java 11; 1.x runs from Java 8 on.
    pub fn oldest_java(self) -> u32 {
        if self.major >= 2 { 11 } else { 8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!(version("1.20.5").to_string(), "1.20.5");
        assert_eq!(version("1.20.5-vendor1.2").to_string(), "1.20.5");
        assert!(version("1.9.0") < version("1.20.5"));
        for text in ["", "1", "1.20", "1.x.3", "flink", "1.20.5.6", "1.020.5", "4294967296.0.0"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_version_reads_its_own_file() {
        assert_eq!(version("1.18.1").configuration_file().name(), "flink-conf.yaml");
        assert_eq!(version("1.19.0").configuration_file().name(), "config.yaml");
        assert_eq!(version("2.3.0").configuration_file().name(), "config.yaml");
    }

    #[test]
    fn yaml_values_are_quoted_where_they_must_be() {
        let yaml = ConfigurationFile::Yaml;
        assert_eq!(yaml.quote("hdfs://nn:8020/a"), "hdfs://nn:8020/a");
        assert_eq!(yaml.quote("*"), "'*'");
        assert_eq!(yaml.quote("it's"), "'it''s'");
        assert_eq!(yaml.quote(""), "''");
        assert_eq!(yaml.quote("-Xmx1g -Dx=y"), "'-Xmx1g -Dx=y'");
        assert_eq!(ConfigurationFile::Lines.quote("60 SECONDS"), "60 SECONDS");
    }

    #[test]
    fn the_overview_has_moved_once() {
        assert_eq!(version("1.4.2").jobs_overview().path(), "/joboverview");
        assert_eq!(version("1.10.3").jobs_overview(), JobsOverview::AfterFirstJob);
        assert_eq!(version("1.20.5").jobs_overview(), JobsOverview::Always);
        assert_eq!(version("2.3.0").oldest_java(), 11);
        assert!(version("1.18.1").says_web_history() && !version("1.15.4").says_web_history());
    }
}
