//! A server on loopback that answers every request with the same bytes, whatever they are.
//! Clients of the network meet hostile answers here as they would outside.
//! Not here: what is asked.

use pnda::systems::http::{Http, Options, Patience};
use pnda::words::location::Location;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// It runs as long as the test does.
pub struct Scripted {
    pub url: String,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Scripted {
    pub fn start() -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(Vec::new()));
        let said = answer.clone();
        thread::spawn(move || listener.incoming().flatten().for_each(|client| serve(client, &said)));
        Scripted { url, answer }
    }

    /// From now on the body of every answer.
    pub fn body(&self, bytes: &[u8]) {
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", bytes.len());
        self.raw(&[head.as_bytes(), bytes].concat());
    }

    /// From now on all there is of every answer.
    pub fn raw(&self, bytes: &[u8]) {
        *self.answer.lock().unwrap() = bytes.to_owned();
    }

    pub fn location(&self) -> Location {
        Location::parse(&self.url).unwrap()
    }
}

fn serve(mut client: TcpStream, answer: &Mutex<Vec<u8>>) {
    let mut request = [0; 4096];
    let _ = client.read(&mut request);
    let answer = answer.lock().unwrap().clone();
    let _ = client.write_all(&answer);
    // Closing with unread bytes would reset the connection.
    let _ = client.shutdown(std::net::Shutdown::Write);
    let _ = client.set_read_timeout(Some(Duration::from_millis(50)));
    while client.read(&mut request).is_ok_and(|count| count > 0) {}
}

/// A client that asks once and does not wait.
pub fn client() -> Http {
    let patience = Patience { tries: 1, first_wait: Duration::ZERO, silence: Duration::from_secs(5) };
    Http::with(Options { patience, ..Options::default() })
}
