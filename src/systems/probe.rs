//! Asks an address once whether somebody answers there, in a bounded time and without any proxy.
//! Not answering is a value, not an error: connection refused, silence, a status.
//! Not here: how long to wait for an answer, and whose it should be.

use crate::client::{self, Client, Fault, Speaks, Trust};
use reqwest::Method;
use reqwest::redirect::Policy;
use std::fmt;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;
use words::node::Gate;

/// Redirects that lead to a page of the same service: `/` of a NameNode is one.
const MOST_REDIRECTS: usize = 3;

/// What one look at an address found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A connection, and for http a status of 200 to 299.
    Answer,
    /// A server that answers otherwise.
    Status(u16),
    /// Nobody listens.
    Refused,
    /// Nothing came in time.
    Silence(Duration),
    /// The name is not known, the network is down, or what came is no HTTP.
    Other(String),
}

impl Seen {
    /// Whether somebody listens there, whatever he says.
    pub fn somebody_listens(&self) -> bool {
        matches!(self, Seen::Answer | Seen::Status(_))
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Answer => out.write_str("it answers"),
            Seen::Status(status) => write!(out, "it answers with status {status}"),
            Seen::Refused => out.write_str("connection refused"),
            Seen::Silence(time) => write!(out, "no answer within {:.1} s", time.as_secs_f64()),
            Seen::Other(why) => out.write_str(why),
        }
    }
}

/// Asks once; takes no longer than `time` for each of the name's addresses.
pub fn ask(gate: &Gate, time: Duration) -> Seen {
    match gate.url().scheme() {
        "tcp" => connect(gate, time),
        _ => get(gate, time),
    }
}

fn connect(gate: &Gate, time: Duration) -> Seen {
    let host = gate.url().host_str().unwrap_or_default().trim_matches(['[', ']']);
    let addresses = match (host, gate.url().port().unwrap_or_default()).to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(error) => return Seen::Other(error.to_string()),
    };
    let mut seen = Seen::Other(format!("{host} has no address"));
    for address in addresses {
        seen = match TcpStream::connect_timeout(&address, time) {
            Ok(_) => return Seen::Answer,
            Err(error) => of_io(&error, time),
        };
    }
    seen
}

fn get(gate: &Gate, time: Duration) -> Seen {
    let builder = client::builder(&Trust::MACHINE, Speaks::Http1)
        .redirect(Policy::limited(MOST_REDIRECTS))
        .timeout(time)
        .pool_max_idle_per_host(0);
    let client = Client::new(builder, time);
    match client.send(client.request(Method::GET, gate.url().as_str())) {
        Ok(response) if response.status().is_success() => Seen::Answer,
        Ok(response) => Seen::Status(response.status().as_u16()),
        Err(failure) => match (failure.fault(), failure.io()) {
            (Fault::Late, _) => Seen::Silence(time),
            (_, Some(error)) => of_io(error, time),
            (_, None) => Seen::Other(failure.to_string()),
        },
    }
}

fn of_io(error: &io::Error, time: Duration) -> Seen {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Seen::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Seen::Silence(time),
        _ => Seen::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    const SHORT: Duration = Duration::from_millis(300);

    /// A server that gives one answer.
    fn server(answer: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 1024];
            let _ = stream.read(&mut buffer);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        port
    }

    fn seen(text: &str) -> Seen {
        ask(&Gate::parse(text).unwrap(), SHORT)
    }

    #[test]
    fn an_answer_is_a_connection_or_a_good_status() {
        let port = server("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(seen(&format!("http://127.0.0.1:{port}/ready")), Seen::Answer);
        let port = server("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(seen(&format!("http://127.0.0.1:{port}/ready")), Seen::Status(503));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(seen(&format!("tcp://{}", listener.local_addr().unwrap())), Seen::Answer);
    }

    #[test]
    fn nobody_and_silence_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(seen(&format!("http://{address}/")), Seen::Silence(SHORT));
        drop(listener);
        assert_eq!(seen(&format!("http://{address}/")), Seen::Refused);
        assert_eq!(seen(&format!("tcp://{address}")), Seen::Refused);
    }
}
