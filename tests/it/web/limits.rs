//! What too much of something does: to who asks it, and to nobody else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::json;

use super::{Page, SHOP};
use crate::harness::{Dash, Project, detach, down, quit, wait_for};

#[test]
fn heads_and_bodies_have_an_end() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let long = page.send(&page.head("GET", "/api/v1/status", &format!("X: {}\r\n", "x".repeat(20 << 10))), b"");
    assert_eq!((long.status, long.code().as_str()), (431, "too-large"), "{long:?}");
    assert_eq!(long.header("x-content-type-options"), Some("nosniff"));
    let fits = page.get(&format!("/api/v1/why?path={}", "x/".repeat(1_500)));
    assert_eq!(fits.status, 200, "{fits:?}");
    let json = "Content-Type: application/json\r\n";
    let told = format!("{json}Content-Length: {}\r\n", (1 << 20) + 1);
    let refused = page.send(&page.head("POST", "/api/v1/services/api/send", &told), b"");
    assert_eq!((refused.status, refused.code().as_str()), (413, "too-large"));
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "x".repeat(1 << 16));
    let untold = page.head("POST", "/api/v1/services/api/send", &format!("{json}Transfer-Encoding: chunked\r\n"));
    let refused = page.send(&untold, chunk.repeat(17).as_bytes());
    assert_eq!((refused.status, refused.code().as_str()), (413, "too-large"));
    let large = page.post("/api/v1/services/api/send", &json!({ "text": "x".repeat(1 << 19) }));
    assert_eq!(large.status, 200, "{large:?}");
    for bad in ["GET", "GET / HTTP/9\r\n\r\n", "\0\0\0\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"] {
        let refused = page.send(&format!("{bad}\r\n\r\n"), b"");
        assert_eq!((refused.status, refused.code().as_str()), (400, "malformed"), "{bad:?}: {refused:?}");
    }
    assert_eq!(page.json("/health")["status"], "ok");
    down(&project);
}

#[test]
fn what_never_ends_its_head_is_closed() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let mut slow = page.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX").unwrap();
    let mut silent = page.connect();
    for stream in [&mut slow, &mut silent] {
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        assert!(!String::from_utf8_lossy(&said).contains("200 OK"));
    }
    down(&project);
}

#[test]
fn a_crowd_of_connections_is_turned_away_and_the_dashboard_does_not_feel_it() {
    let project = Project::new(SHOP);
    let mut dash = Dash::start(&project, (120, 30), &[]);
    dash.wait_for_text("started");
    let page = Page::log_in(&project);
    let mut crowd: Vec<TcpStream> = (0..200).map(|_| page.connect()).collect();
    for stream in crowd.iter_mut().step_by(3) {
        // It may be turned away already.
        let _ = stream.write_all(b"GET /health HTTP/1.1\r\nHos");
    }
    let turned_away = crowd.iter_mut().rev().any(|stream| {
        let mut said = [0; 12];
        stream.read_exact(&mut said).is_ok_and(|()| said == *b"HTTP/1.1 503")
    });
    assert!(turned_away);
    dash.keys("i");
    let mut took = Vec::new();
    for count in 1..=20 {
        let began = Instant::now();
        dash.keys("@");
        dash.wait_for("the key is on the screen", |screen| screen.contains(&"@".repeat(count)));
        took.push(began.elapsed());
    }
    took.sort();
    eprintln!("keys beside 200 connections were on the screen after {:?} (median), {:?} (longest)", took[10], took[19]);
    dash.keys("\rhello\r");
    dash.wait_for("it is typed and echoed", |screen| screen.matches("hello").count() >= 2);
    drop(crowd);
    wait_for("there is room again", || TcpStream::connect(&page.host).is_ok() && answers(&page));
    assert_eq!(page.json("/health")["status"], "ok");
    dash.keys("\x1d");
    quit(dash);
}

/// Whether a request is answered, and not turned away.
fn answers(page: &Page) -> bool {
    let mut stream = page.connect();
    let mut said = [0; 12];
    let sent = stream.write_all(page.head("GET", "/health", "").as_bytes());
    sent.and_then(|()| stream.read_exact(&mut said)).is_ok_and(|()| said == *b"HTTP/1.1 200")
}
