//! Who is let in by which listener, as whom: tokens, certificates, the local socket, proxies, nobody.
//! Each refusal names what was wrong, and never what was sent.
//! Not here: what those who are in may order of whose applications (`pnda`).

use super::bed::{Bed, token};

#[test]
fn a_token_a_certificate_or_the_machine_says_who_somebody_is() {
    let bed = Bed::new();
    assert_eq!(bed.ask("alice", "GET /v1/applications").json()[0]["owner"], "alice");
    assert_eq!(bed.by_tls(Some("daemon"), "GET /v1/applications", "", b"").status, 200);
    assert_eq!(bed.local("GET /v1/applications").status, 200);
    let by = |who: &str| format!("authorization: Bearer {}\r\n", token(who));
    assert_eq!(bed.plain("GET /v1/applications", &by("alice"), b"").status, 200);
    let told = bed.by_tls(Some("daemon"), "DELETE /applications/words", "", b"").refusal();
    assert_eq!((told.0, told.1.as_str()), (403, "forbidden"));
    assert!(told.2.starts_with("words belongs to alice"), "{told:?}");
}

#[test]
fn strangers_are_refused_and_nothing_of_theirs_is_repeated() {
    let bed = Bed::new();
    for header in [
        "",
        "authorization: Bearer the-token-of-nobody-at-all-here\r\n",
        "authorization: Bearer\r\n",
        "authorization: Basic YWxpY2U6aHVzaA==\r\n",
        "authorization: Bearer hush\r\nauthorization: Bearer hush\r\n",
    ] {
        let reply = bed.by_tls(None, "GET /applications", header, b"");
        assert_eq!((reply.status, reply.refusal().1.as_str()), (401, "unauthenticated"), "{header}");
        assert!(reply.head.to_lowercase().contains("www-authenticate: bearer"), "{reply:?}");
        assert!(!reply.body.contains("hush") && !reply.body.contains("nobody-at-all"), "{reply:?}");
    }
    let stranger = bed.by_tls(Some("bin"), "GET /applications", "", b"");
    assert_eq!(stranger.status, 0, "nobody vouches for this certificate: {stranger:?}");
    assert_eq!(bed.by_tls(Some("root"), "GET /applications", "", b"").status, 401);
    assert_eq!(bed.by_tls(Some("no-user-here"), "GET /applications", "", b"").status, 403);
    let wrong = "authorization: Bearer another-token-than-any\r\n";
    assert_eq!(bed.plain("GET /applications", wrong, b"").status, 401, "also where nobody needs one");
    assert_eq!(bed.by_tls(Some("daemon"), "GET /applications", wrong, b"").status, 401, "also beside a certificate");
}

#[test]
fn a_token_that_was_taken_back_opens_nothing() {
    let bed = Bed::new();
    assert_eq!(bed.ask("alice", "GET /applications").status, 200);
    let file = bed.folder.path().join("tokens");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, text.lines().filter(|line| !line.starts_with("alice")).collect::<Vec<_>>().join("\n"))
        .unwrap();
    assert_eq!(bed.ask("alice", "GET /applications").status, 401);
    assert_eq!(bed.ask("bob", "GET /applications").status, 200);
    std::fs::write(&file, "bob\n").unwrap();
    let told = bed.ask("bob", "GET /applications").refusal();
    assert!(told.0 == 401 && told.2.contains("log says why"), "{told:?}");
}

#[test]
fn user_name_counts_for_proxies_alone_and_makes_nobody_an_administrator() {
    let bed = Bed::new();
    assert_eq!(
        bed.ask("console", "POST /applications/words/stop").refusal().2.split(':').next(),
        Some("words belongs to alice")
    );
    assert_eq!(bed.ask("console", "POST /applications/words/start?user.name=alice").status, 202);
    let told = bed.ask("bob", "POST /applications/words/stop?user.name=alice").refusal();
    assert!(told.0 == 403 && told.2.contains("bob is no proxy"), "{told:?}");
    assert_eq!(bed.ask("alice", "GET /applications?user.name=alice").status, 200);
    for nobody in ["root", "pnda"] {
        let line = format!("DELETE /applications/words?user.name={nobody}");
        assert_eq!(bed.ask("console", &line).status, 403, "{nobody}");
    }
    let line = "DELETE /applications/words?user.name=boss";
    assert_eq!(bed.ask("console", line).status, 403, "boss is an administrator by his own token only");
    for twice in ["user.name=alice&user.name=alice", "user.name=alice&user.name=bob", "user.name=&user%2Ename=x"] {
        let told = bed.ask("console", &format!("GET /applications?{twice}")).refusal();
        assert_eq!((told.0, told.2.as_str()), (400, "the parameter `user.name` is given twice"));
        assert_eq!(bed.plain(&format!("GET /applications?{twice}"), "", b"").status, 400);
    }
    let told = bed.plain("GET /applications?user.name=a%0Ab", "", b"").refusal();
    assert!(told.0 == 400 && !told.2.contains('\n'), "{told:?}");
}

#[test]
fn housekeeping_is_for_administrators_and_a_dry_run_too() {
    let bed = Bed::new();
    let told = bed.ask("alice", "POST /v1/clean").refusal();
    assert_eq!((told.0, told.1.as_str()), (403, "forbidden"), "{told:?}");
    let found = bed.ask("boss", "POST /v1/clean");
    assert_eq!(found.status, 202, "{found:?}");
    assert!(found.json()["entries"].is_array() && found.json()["under_way"] == 0, "{found:?}");
}

#[test]
fn nobody_may_look_at_what_pnda_s_clients_need_and_order_nothing() {
    let bed = Bed::new();
    for path in [
        "/packages",
        "/packages/word-count-1.0.0",
        "/packages/word-count-1.0.0/status",
        "/packages/word-count-1.0.0/applications",
        "/repository/packages",
        "/applications",
        "/applications/words",
        "/applications/words/status",
        "/applications/words/detail",
        "/applications/words/summary",
        "/environment/endpoints",
    ] {
        let reply = bed.plain(&format!("GET {path}?user.name=anybody"), "", b"");
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        assert_eq!(bed.ask("", &format!("GET {path}")).status, 401, "{path}: only on the listener for it");
    }
    for line in [
        "GET /v1/applications",
        "GET /v1/applications/words/explain",
        "GET /v1/applications/words/components/count/logs",
        "GET /repository/packages/word-count-1.0.0.tar.gz",
        "PUT /packages/word-count-1.0.0?user.name=alice",
        "PUT /applications/other?user.name=alice",
        "POST /applications/words/start?user.name=alice",
        "DELETE /applications/words?user.name=alice",
        "DELETE /packages/word-count-1.0.0?user.name=alice",
        "PUT /repository/packages/other-1.0.0.tar.gz?user.name=alice",
    ] {
        assert_eq!(bed.plain(line, "", b"").status, 401, "{line}");
    }
    assert_eq!(bed.plain("GET /applications/words", "", b"").json()["overrides"], serde_json::Value::Null);
}
