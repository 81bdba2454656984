//! Who may ask, and what: each line of the promise as a request that breaks it.

use std::net::TcpStream;

use serde_json::{Value, json};

use super::{Answer, Page, SHOP, address};
use crate::harness::{Project, Stream, detach, down};

/// A path of each kind: open to all, of the API, an order, and one that is not there.
const PATHS: [(&str, &str); 7] = [
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/api/v1/status"),
    ("POST", "/api/v1/services/api/restart"),
    ("POST", "/api/v1/session"),
    ("GET", "/nothing"),
];

/// Asks with a token, and with other lines in the head.
fn ask(page: &Page, (method, path): (&str, &str), host: &str, more: &str) -> Answer {
    let kind =
        if method == "POST" && !more.contains("Content-Type") { "Content-Type: application/json\r\n" } else { "" };
    let head = format!(
        "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\nAuthorization: Bearer {}\r\nContent-Length: 2\r\n{kind}{more}\r\n",
        page.token
    );
    page.send(&head, b"{}")
}

#[test]
fn a_request_needs_our_name_and_no_other_page_and_has_no_effect_otherwise() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let port = page.host.rsplit_once(':').unwrap().1.to_owned();
    let ours = format!("Host: {}\r\n", page.host);
    let before = page.run("api");
    for path in PATHS {
        for host in [
            String::new(),
            format!("Host: evil.example:{port}\r\n"),
            format!("Host: 127.0.0.1.evil.example:{port}\r\n"),
            format!("Host: localhost.evil.example:{port}\r\n"),
            "Host: 127.0.0.1\r\n".into(),
            "Host: 127.0.0.1:1\r\n".into(),
            format!("{ours}Host: evil.example\r\n"),
        ] {
            let refused = ask(&page, path, &host, "");
            assert!(matches!(refused.status, 400 | 403), "{path:?} {host:?}: {refused:?}");
        }
        for more in [
            "Origin: http://localhost:1\r\n".to_owned(),
            "Origin: null\r\n".into(),
            format!("Origin: https://evil.example:{port}\r\n"),
            format!("Origin: http://{}.evil.example\r\n", page.host),
            "Sec-Fetch-Site: cross-site\r\n".into(),
        ] {
            let refused = ask(&page, path, &ours, &more);
            assert_eq!((refused.status, refused.code().as_str()), (403, "not-allowed"), "{path:?} {more:?}");
        }
    }
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"]
    {
        let more = format!("Content-Type: {kind}\r\n");
        let refused = ask(&page, ("POST", "/api/v1/services/api/restart"), &ours, &more);
        assert_eq!((refused.status, refused.code().as_str()), (415, "content-type"), "{kind}");
    }
    let bare = page.send(&page.head("POST", "/api/v1/services/api/restart", ""), b"");
    assert_eq!(bare.status, 415, "{bare:?}");
    assert_eq!(page.run("api"), before, "nothing of that had an effect");
    for host in [ours.clone(), format!("Host: localhost:{port}\r\n"), format!("Host: LOCALHOST:{port}\r\n")] {
        let more = format!("Origin: http://localhost:{port}\r\nSec-Fetch-Site: same-origin\r\n");
        assert_eq!(ask(&page, ("GET", "/api/v1/status"), &host, &more).status, 200, "{host}");
    }
    down(&project);
}

#[test]
fn all_but_names_and_counts_needs_a_token_and_a_code_buys_one_once() {
    let project = Project::new(SHOP);
    detach(&project);
    let (host, code) = address(&project);
    let mut nobody = Page { host, token: String::new() };
    for path in ["/", "/health", "/ready", "/metrics"] {
        let answer = nobody.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(!answer.body.contains(&project.root().display().to_string()), "{path} names a path");
    }
    // All that is described but the way in.
    let described: Value = serde_json::from_str(include_str!("../../../assets/openapi.json")).unwrap();
    let api = described["paths"].as_object().unwrap().iter();
    for (path, item) in api.filter(|(path, _)| path.starts_with("/api/") && *path != "/api/v1/session") {
        let path = path.replace("{name}", "api").replace("{id}", "a");
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            let refused = if method == "get" { nobody.get(&path) } else { nobody.post(&path, &json!({})) };
            assert_eq!((refused.status, refused.code().as_str()), (401, "not-logged-in"), "{method} {path}");
        }
    }
    for guess in ["", "x", &code[1..], &format!("{code}x")] {
        assert_eq!(nobody.post("/api/v1/session", &json!({ "code": guess })).status, 401, "{guess}");
    }
    let bought = nobody.post("/api/v1/session", &json!({ "code": code }));
    assert_eq!(nobody.post("/api/v1/session", &json!({ "code": code })).status, 401, "once");
    let token = bought.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 43, "256 bits");
    for wrong in [&token[..42], &format!("{token}x"), "Bearer", ""] {
        nobody.token = wrong.to_owned();
        assert_eq!(nobody.get("/api/v1/status").status, 401, "{wrong}");
    }
    // It counts behind `Bearer` alone: not in a cookie, which each port of this machine gets, nor in an address.
    nobody.token = String::new();
    for more in [format!("Cookie: token={token}; devgroup={token}\r\n"), format!("Authorization: Basic {token}\r\n")] {
        assert_eq!(nobody.send(&nobody.head("GET", "/api/v1/status", &more), b"").status, 401, "{more}");
    }
    assert_eq!(nobody.get(&format!("/api/v1/status?token={token}")).status, 401);
    nobody.token = token;
    assert_eq!(nobody.json("/api/v1/status")["project"], "shop");
    // A page that is logged in gets a code for a new tab.
    let further = nobody.post("/api/v1/session/code", &json!({})).json();
    let code = further["code"].as_str().unwrap();
    assert_eq!(further["url"], format!("http://{}/#login={code}", nobody.host));
    assert_eq!(nobody.post("/api/v1/session", &json!({ "code": code })).status, 200);
    down(&project);
}

#[test]
fn each_answer_says_how_a_browser_is_to_treat_it_and_sets_no_cookie() {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                          worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                          require-trusted-types-for 'script'";
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let ours = format!("Host: {}\r\n", page.host);
    let preflight = "Origin: http://localhost:1\r\nAccess-Control-Request-Method: POST\r\n";
    let mut answers: Vec<Answer> = PATHS.iter().map(|path| ask(&page, *path, &ours, "")).collect();
    answers.push(ask(&page, ("GET", "/"), "Host: evil.example\r\n", ""));
    answers.push(ask(&page, ("OPTIONS", "/api/v1/status"), &ours, preflight));
    answers.push(ask(&page, ("OPTIONS", "/api/v1/status"), &ours, ""));
    answers.push(ask(&page, ("HEAD", "/"), &ours, ""));
    answers.push(ask(&page, ("POST", "/api/v1/down"), &ours, "Content-Type: text/plain\r\n"));
    for answer in answers {
        let has = |name: &str, value: &str| assert_eq!(answer.header(name), Some(value), "{answer:?}");
        has("content-security-policy", POLICY);
        has("x-content-type-options", "nosniff");
        has("referrer-policy", "no-referrer");
        has("cross-origin-opener-policy", "same-origin");
        has("cross-origin-resource-policy", "same-origin");
        has("cache-control", "no-store");
        let none = |name: &String| name.starts_with("access-control-") || name == "set-cookie";
        assert!(!answer.headers.iter().any(|(name, _)| none(name)), "{answer:?}");
    }
    down(&project);
}

#[test]
fn it_listens_on_the_loopback_alone_and_tokens_end_with_the_group() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let (ip, port) = page.host.split_once(':').unwrap();
    assert_eq!(ip, "127.0.0.1");
    // Another address of the loopback would be answered by who listens everywhere.
    if cfg!(target_os = "linux") {
        assert!(TcpStream::connect(format!("127.0.0.2:{port}")).is_err());
    }
    down(&project);
    assert!(TcpStream::connect(&page.host).is_err(), "it is gone with the group");
    detach(&project);
    assert_eq!(address(&project).0, page.host, "the same address the next time");
    assert_eq!(page.get("/api/v1/status").status, 401, "the token is none of the next group");
    let page = Page::log_in(&project);
    assert_eq!(Stream::ask(&project, &["web", "--stop"]).stdout, "the web page is closed\n");
    assert!(TcpStream::connect(&page.host).is_err());
    let other = Page::log_in(&project);
    assert_eq!(other.host, page.host);
    assert_eq!(page.get("/api/v1/status").status, 401, "all were logged out");
    down(&project);
}
