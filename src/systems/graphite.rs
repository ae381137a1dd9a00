//! Sends metrics to Graphite as lines of `name value seconds`, over one TCP connection a time.
//! Texts go as they are, as PNDA's data logger writes them; a carbon drops those, so each health has a numeric twin.
//! Not here: when to send, or what to do when it fails.

use std::fmt;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use words::metric::{Metric, Value};
use words::names::Host;

/// Host and port of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: Host,
    port: u16,
}

/// The text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address of the form host:port")]
pub struct BadAddress(String);

impl TryFrom<String> for Address {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Address, BadAddress> {
        let parts = text.rsplit_once(':').and_then(|(host, port)| {
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let host = Host::new(bare).ok()?;
            let port = port.parse().ok().filter(|port| *port != 0)?;
            Some(Address { host, port })
        });
        // An IPv6 address without brackets would lose its last group to the port.
        parts.filter(|_| text.starts_with('[') || text.matches(':').count() == 1).ok_or(BadAddress(text))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_str().parse::<IpAddr>() {
            Ok(IpAddr::V6(host)) => write!(out, "[{host}]:{}", self.port),
            _ => write!(out, "{}:{}", self.host, self.port),
        }
    }
}

/// Why the lines did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name has no address.
    #[error("cannot find the address of {address}")]
    Resolve { address: Address, source: io::Error },
    /// Nobody takes them.
    #[error("cannot connect to {address}")]
    Connect { address: Address, source: io::Error },
    /// The connection broke, or it takes nothing.
    #[error("cannot send to {address}")]
    Send { address: Address, source: io::Error },
}

/// The lines for these metrics, in their order. Flags become 1 and 0: a number is what a graph can show.
pub fn lines(metrics: &[Metric]) -> String {
    metrics.iter().map(line).collect()
}

fn line(metric: &Metric) -> String {
    let (name, seconds) = (&metric.name, metric.at_ms / 1000);
    match &metric.value {
        Value::Flag(flag) => format!("{name} {} {seconds}\n", u8::from(*flag)),
        Value::Number(number) => format!("{name} {number} {seconds}\n"),
        // A text with blanks, or an empty one, would be a line of another shape.
        Value::Text(text) if text.is_empty() || text.contains(char::is_whitespace) => String::new(),
        Value::Text(text) => format!("{name} {text} {seconds}\n"),
        Value::Health(health) => {
            format!("{name} {health} {seconds}\n{name}_level {} {seconds}\n", health.level())
        }
    }
}

/// Sends the text over one connection; all of it within `deadline`, but for the resolver's own time-out.
pub fn send(address: &Address, text: &str, deadline: Duration) -> Result<(), Error> {
    let resolve = |source| Error::Resolve { address: address.clone(), source };
    let found: Vec<SocketAddr> = (address.host.as_str(), address.port).to_socket_addrs().map_err(resolve)?.collect();
    let end = Instant::now() + deadline;
    let mut stream = connect(&found, end).map_err(|source| Error::Connect { address: address.clone(), source })?;
    write(&mut stream, text.as_bytes(), end).map_err(|source| Error::Send { address: address.clone(), source })
}

fn connect(found: &[SocketAddr], end: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in found {
        match TcpStream::connect_timeout(address, left(end)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn write(stream: &mut TcpStream, mut bytes: &[u8], end: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left(end)?))?;
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stream.shutdown(std::net::Shutdown::Write)
}

/// How long it is until a moment; an error where it has passed.
pub(crate) fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;
    use words::metric::Health;

    fn metric(name: &'static str, value: Value) -> Metric {
        Metric { source: "flink".into(), name: name.into(), value, causes: Vec::new(), at_ms: 1_795_409_779_999 }
    }

    fn address(text: &str) -> Option<String> {
        Address::try_from(text.to_owned()).ok().map(|address| address.to_string())
    }

    #[test]
    fn health_is_a_word_and_a_number() {
        let metrics = [
            metric("flink.history_server_available_success", Value::Flag(true)),
            metric("flink.installed_flink_version", Value::Text("1.20.5".into())),
            metric("flink.history_server_completed_jobs_count", Value::Number(-1)),
            metric("hadoop.flink.health", Value::Health(Health::Warn)),
        ];
        assert_eq!(
            lines(&metrics),
            "flink.history_server_available_success 1 1795409779\n\
             flink.installed_flink_version 1.20.5 1795409779\n\
             flink.history_server_completed_jobs_count -1 1795409779\n\
             hadoop.flink.health WARN 1795409779\n\
             hadoop.flink.health_level 1 1795409779\n"
        );
    }

    #[test]
    fn a_text_cannot_add_lines() {
        for text in ["", "a b", "1\nroot.fake 1 1"] {
            assert_eq!(lines(&[metric("x", Value::Text(text.into()))]), "");
        }
    }

    #[test]
    fn addresses_are_host_and_port() {
        assert_eq!(address("manager:2003").as_deref(), Some("manager:2003"));
        assert_eq!(address("10.7.0.2:2003").as_deref(), Some("10.7.0.2:2003"));
        assert_eq!(address("[::1]:2003").as_deref(), Some("[::1]:2003"));
        for text in ["manager", "manager:", "manager:0", "manager:70000", ":2003", "::1:2003", "a b:1"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn a_receiver_gets_the_lines_and_the_end() {
        let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = Address::try_from(receiver.local_addr().unwrap().to_string()).unwrap();
        let taken = std::thread::spawn(move || {
            let mut text = String::new();
            receiver.accept().unwrap().0.read_to_string(&mut text).unwrap();
            text
        });
        send(&to, "a 1 2\nb 3 4\n", Duration::from_secs(5)).unwrap();
        assert_eq!(taken.join().unwrap(), "a 1 2\nb 3 4\n");
    }

    #[test]
    fn a_closed_port_and_a_full_receiver_are_told_apart() {
        let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = Address::try_from(receiver.local_addr().unwrap().to_string()).unwrap();
        let much = "x".repeat(64 * 1024 * 1024);
        let stuck = send(&to, &much, Duration::from_millis(200)).unwrap_err();
        assert!(matches!(stuck, Error::Send { .. }), "{stuck:?}");
        drop(receiver);
        let refused = send(&to, "a 1 2\n", Duration::from_secs(5)).unwrap_err();
        assert!(matches!(refused, Error::Connect { .. }), "{refused:?}");
    }
}
