//! Asks servers on the loopback that take, refuse, drip, redirect and break off, and looks at what is known after.
//! Whether a question went out must be right: who believes it did not, asks another server the same.
//! Not here: any server's meaning.

use super::*;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

const SHORT: Times = Times { connect: Duration::from_millis(500), answer: Duration::from_millis(500) };

fn server(script: impl Fn(&mut TcpStream) + Send + 'static) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap()).parse().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            script(&mut stream);
        }
    });
    url
}

fn ask(url: &Url, method: Method, longest: u64) -> Result<Answer, Lost> {
    let body = serde_json::json!({});
    let body = (method != Method::Get).then_some(&body);
    Caller::new(SHORT).ask(&Question { method, url, body, longest })
}

#[test]
fn a_question_that_did_not_go_out_is_told_from_one_that_did() {
    let nobody: Url = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap()
    };
    let unknown: Url = "http://nobody.invalid:1/".parse().unwrap();
    let silent = server(|_| std::thread::sleep(Duration::from_secs(2)));
    let hangs_up = server(|_| ());
    let other = server(|stream| drop(stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n")));
    for method in [Method::Get, Method::Post, Method::Put, Method::Patch] {
        for url in [&nobody, &unknown] {
            assert!(matches!(ask(url, method, 10), Err(Lost::NotSent(why)) if !why.is_empty()), "{url}");
        }
        for url in [&silent, &hangs_up, &other] {
            assert!(matches!(ask(url, method, 10), Err(Lost::Sent(why)) if !why.is_empty()), "{url}");
        }
    }
}

#[test]
fn a_server_without_encryption_does_not_pass_for_one_with() {
    let mut url = server(|stream| drop(stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n")));
    url.set_scheme("https").unwrap();
    assert!(ask(&url, Method::Get, 10).is_err());
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    let to = b"HTTP/1.1 307 x\r\nlocation: http://127.0.0.1:1/y\r\ncontent-length: 2\r\n\r\nhi";
    let url = server(|stream| drop(stream.write_all(to)));
    for method in [Method::Get, Method::Post, Method::Put] {
        let answer = ask(&url, method, 10).unwrap();
        assert_eq!((answer.status, answer.location.as_deref()), (307, Some("http://127.0.0.1:1/y")));
        assert_eq!(answer.body, Ok(b"hi".to_vec()));
    }
}

#[test]
fn a_body_is_bounded_in_length_and_time_and_the_status_is_kept() {
    let long = server(|stream| drop(stream.write_all(b"HTTP/1.1 202 x\r\ncontent-length: 3\r\n\r\nabc")));
    assert_eq!(ask(&long, Method::Get, 3).unwrap().body, Ok(b"abc".to_vec()));
    assert_eq!(ask(&long, Method::Get, 2).unwrap().body, Err(Cut::TooLong(2)));
    let beginning = Caller::new(SHORT).beginning(&long, 2).unwrap();
    assert_eq!((beginning.status, beginning.body), (202, Ok(b"ab".to_vec())));
    let short = server(|stream| drop(stream.write_all(b"HTTP/1.1 202 x\r\ncontent-length: 9\r\n\r\nabc")));
    let answer = ask(&short, Method::Post, 10).unwrap();
    assert!(answer.status == 202 && matches!(answer.body, Err(Cut::Broken(_))));
    let drips = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 x\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let start = Instant::now();
    assert!(matches!(ask(&drips, Method::Get, 1000).unwrap().body, Err(Cut::Broken(_))));
    assert!(start.elapsed() < SHORT.answer * 4);
}

#[test]
fn whoever_others_name_is_asked_on_another_machine_only() {
    let mut here = server(|stream| drop(stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n")));
    let asks = |url: &Url| {
        let question = Question { method: Method::Get, url, body: None, longest: 10 };
        Caller::elsewhere(SHORT).ask(&question)
    };
    assert!(ask(&here, Method::Get, 10).is_ok());
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1"] {
        here.set_host(Some(host)).unwrap();
        let told = asks(&here);
        assert!(matches!(&told, Err(Lost::NotSent(why)) if why.contains("is no other machine")), "{host}: {told:?}");
    }
}
