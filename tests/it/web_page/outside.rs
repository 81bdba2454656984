//! Pages of others, on other ports of the same machine: they have no effect, and cannot read or show us.

use super::{Browser, LOGIN, login_address, port_of};
use crate::harness::{Project, Stream, detach, down};

const SHOP: &str = "name = \"shop\"\n[web]\n[services]\napi = \"echo hello; exec sleep 1000\"\n";

/// What a page of somebody else tries, who even has a token, and what comes of each: `read` or `refused`. At last two requests
/// whose answers nobody reads.
const ATTACKS: &str = r#"(async () => {
    const base = "http://127.0.0.1:PORT";
    const restart = base + "/api/v1/services/api/restart";
    const ask = (url, options) => fetch(url, options).then((answer) => answer.text());
    const authorization = "Bearer TOKEN";
    const post = (headers) => ask(restart, { method: "POST", body: "{}", headers });
    const tries = {
        read: () => ask(base + "/api/v1/status"),
        health: () => ask(base + "/health"),
        withToken: () => ask(base + "/api/v1/status", { headers: { authorization } }),
        json: () => post({ "content-type": "application/json", authorization }),
        plain: () => post({ "content-type": "text/plain" }),
        plainWithToken: () => post({ "content-type": "text/plain", authorization }),
        worker: () => new Promise((well, bad) => {
            const worker = new SharedWorker(base + "/hub.js");
            worker.onerror = bad;
            worker.port.onmessage = well;
        }),
    };
    const got = {};
    for (const [name, does] of Object.entries(tries)) got[name] = await does().then(() => "read", () => "refused");
    await fetch(restart, { method: "POST", mode: "no-cors", body: "{}" }).catch(() => {});
    navigator.sendBeacon(restart, new Blob(["{}"], { type: "text/plain" }));
    return got;
})()"#;

const FRAME: &str = r#"new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.onload = () => done(true);
    frame.src = "http://127.0.0.1:PORT/";
    document.body.append(frame);
})"#;

/// Whether a window that we are opened in is out of reach for its opener.
const WINDOW: &str = r#"new Promise((done) => {
    const other = window.open("http://127.0.0.1:PORT/");
    const look = (left) => {
        if (other.closed || left === 0) done(other.closed);
        else setTimeout(look, 50, left - 1);
    };
    look(200);
})"#;

#[test]
fn a_page_on_another_port_can_do_nothing() {
    let project = Project::new(SHOP);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let url = login_address(&project);
    let port = port_of(&url).to_string();
    let context = browser.context(true, (1280, 800));
    let ours = browser.page(context, &url);
    browser.wait_for_text(ours, "#log", "hello");
    let token = browser.evaluate(ours, "sessionStorage.token").as_str().unwrap().to_owned();
    let evil = browser.serve("<!doctype html><title>evil</title><body></body>");
    for host in ["127.0.0.1", "localhost"] {
        let page = browser.page(context, &format!("http://{host}:{evil}/"));
        let got = browser.evaluate(page, &ATTACKS.replace("PORT", &port).replace("TOKEN", &token));
        assert!(got.as_object().unwrap().values().all(|what| what == "refused"), "{host}: {got}");
        browser.evaluate(page, &FRAME.replace("PORT", &port));
        let shown = browser.frames(page);
        assert!(shown.len() == 1 && !shown[0].contains("id=\"project\""), "{host}: {shown:?}");
        assert_eq!(browser.evaluate(page, &WINDOW.replace("PORT", &port)), true, "{host}");
        browser.close(page);
    }
    let status = Stream::ask(&project, &["status", "--json"]).stdout;
    assert!(status.contains(r#""manual":0"#), "{status}");
    assert_eq!(browser.text(ours, "#table td.counts"), "");
    browser.assert_quiet(ours);
    down(&project);
}

#[test]
fn another_name_for_the_machine_is_refused() {
    let project = Project::new(SHOP);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let port = port_of(&login_address(&project));
    let context = browser.context(true, (1280, 800));
    // Names below `localhost` lead to the loopback in a browser, as a name of somebody else can.
    let page = browser.page(context, &format!("http://evil.localhost:{port}/"));
    let said = browser.text(page, "body");
    assert!(said.contains("this is not the name or the port of this group's page"), "{said}");
    let ours = browser.page(context, &format!("http://localhost:{port}/"));
    browser.wait(ours, "the login is there", LOGIN);
    down(&project);
}
