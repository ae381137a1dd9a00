//! What YARN and Flink call the things they run: applications, attempts, containers, jobs, operations; and where one answers.
//! Each becomes a segment of an address, so it is checked where it comes in, from a journal or from a server.
//! Not here: what is known of the thing.

use super::names::{Host, checked_name};
use std::fmt;
use std::str::FromStr;

checked_name!(
    /// An application of YARN, as in `application_1796001168688_0001`.
    ApplicationId, "id of an application of YARN", refuse_application_id
);
checked_name!(
    /// An attempt of an application, as in `appattempt_1796001168688_0001_000001`.
    AttemptId, "id of an attempt of YARN", refuse_attempt_id
);
checked_name!(
    /// A container, as in `container_1796001168688_0001_01_000001` or, after a restart of YARN, `container_e05_…`.
    ContainerId, "id of a container of YARN", refuse_container_id
);
checked_name!(
    /// A job of Flink: 32 digits of base 16.
    JobId, "id of a job of Flink", refuse_hex_id
);
checked_name!(
    /// An operation on a job of Flink, chosen by who asks for it: 32 digits of base 16.
    TriggerId, "id of an operation of Flink", refuse_hex_id
);

impl ApplicationId {
    /// Which one it is since YARN began.
    pub fn number(&self) -> u64 {
        last_number(self.as_str())
    }
}

impl AttemptId {
    /// Which attempt of its application it is, from 1 on.
    pub fn number(&self) -> u64 {
        last_number(self.as_str())
    }
}

impl ContainerId {
    /// The attempt that has it.
    pub fn attempt(&self) -> u64 {
        let before = self.as_str().rsplit('_').nth(1);
        before.and_then(|attempt| attempt.parse().ok()).unwrap_or(u64::MAX)
    }

    /// How often YARN had restarted when it was given.
    pub fn epoch(&self) -> u64 {
        let first = self.as_str().split('_').nth(1).and_then(|first| first.strip_prefix('e'));
        first.and_then(|epoch| epoch.parse().ok()).unwrap_or_default()
    }

    /// Which one of its attempt it is, from 1 on in each epoch.
    pub fn number(&self) -> u64 {
        last_number(self.as_str())
    }
}

/// Of an id that was checked; one with more digits than a number has is the largest.
fn last_number(id: &str) -> u64 {
    id.rsplit('_').next().and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
}

/// YARN numbers with 64 bits.
const MOST_DIGITS: usize = 19;

fn refuse_application_id(text: &str) -> Option<&'static str> {
    let good = text.strip_prefix("application_").is_some_and(|rest| are_numbers(rest, 2));
    (!good).then_some("it must be application_NUMBER_NUMBER")
}

fn refuse_attempt_id(text: &str) -> Option<&'static str> {
    let good = text.strip_prefix("appattempt_").is_some_and(|rest| are_numbers(rest, 3));
    (!good).then_some("it must be appattempt_NUMBER_NUMBER_NUMBER")
}

fn refuse_container_id(text: &str) -> Option<&'static str> {
    let rest = text.strip_prefix("container_").map(|rest| rest.strip_prefix('e').unwrap_or(rest));
    let counts = if text.starts_with("container_e") { 5 } else { 4 };
    (!rest.is_some_and(|rest| are_numbers(rest, counts))).then_some("it must be container_ and four numbers")
}

fn refuse_hex_id(text: &str) -> Option<&'static str> {
    let good = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (!good).then_some("it must have 32 of the characters 0-9 and a-f")
}

/// Whether a text is this many numbers joined by `_`.
fn are_numbers(text: &str, count: usize) -> bool {
    let number = |part: &str| (1..=MOST_DIGITS).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split('_').count() == count && text.split('_').all(number)
}

/// A host and a port, as in `worker-1:45678`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The port; never 0.
    pub port: u16,
}

/// A text that is no host and port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no HOST:PORT", super::shown::shown(.0))]
pub struct BadHostPort(String);

impl FromStr for HostPort {
    type Err = BadHostPort;

    fn from_str(text: &str) -> Result<HostPort, BadHostPort> {
        let bad = || BadHostPort(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        // An IPv6 address stands in brackets: without them nobody knows where it ends.
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if inner.is_none() && host.contains(':') {
            return Err(bad());
        }
        let host = Host::new(inner.unwrap_or(host)).map_err(|_| bad())?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?;
        Ok(HostPort { host, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_str().contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_yarn_and_flink_write_and_nothing_else() {
        assert!(ApplicationId::new("application_1796001168688_0001").is_ok());
        assert!(AttemptId::new("appattempt_1796001168688_0001_000001").is_ok());
        assert!(ContainerId::new("container_1796001168688_0001_01_000001").is_ok());
        assert!(ContainerId::new("container_e05_1796001168688_0001_01_000001").is_ok());
        assert!(JobId::new("04bb4a68ae39e95cce3dc3da35a53337").is_ok());
        let long = format!("application_1_{}", "1".repeat(20));
        for bad in
            ["", "application_1", "application_1_2_3", "application_1_2/..", "application_-1_2", "job_1_2", &long]
        {
            assert!(ApplicationId::new(bad).is_err(), "{bad}");
        }
        for bad in ["container_1_2_3", "container_e5_1_2_3", "container_x_1_2_3_4", "container_1_2_3_4?x"] {
            assert!(ContainerId::new(bad).is_err(), "{bad}");
        }
        for bad in ["", "04BB4A68AE39E95CCE3DC3DA35A53337", "04bb", "04bb4a68ae39e95cce3dc3da35a5333/"] {
            assert!(JobId::new(bad).is_err() && TriggerId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_tells_its_numbers() {
        let container = |text: &str| ContainerId::new(text).unwrap();
        let plain = container("container_1796001168688_0021_02_000003");
        assert_eq!((plain.epoch(), plain.attempt(), plain.number()), (0, 2, 3));
        let later = container("container_e05_1796001168688_0021_01_000010");
        assert_eq!((later.epoch(), later.attempt(), later.number()), (5, 1, 10));
        assert_eq!(ApplicationId::new("application_1796001168688_12345").unwrap().number(), 12345);
        assert_eq!(AttemptId::new("appattempt_1796001168688_0001_000002").unwrap().number(), 2);
    }

    #[test]
    fn a_host_and_a_port_are_read_and_written() {
        for text in ["worker-1:45678", "10.0.0.1:1", "[::1]:8081"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        for bad in ["", "N/A", "worker", "worker:-1", "worker:0", "worker:99999", "::1:80", "a b:1", ":1", "a/b:1"] {
            assert!(bad.parse::<HostPort>().is_err(), "{bad}");
        }
    }
}
