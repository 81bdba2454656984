//! Pages of others, on other ports of the same machine: none of their requests has an effect, and none can read or show us.

use super::{Browser, login_address, port_of};
use crate::harness::{Project, Stream, detach, down};

#[test]
fn a_page_on_another_port_can_do_nothing() {
    let project = Project::new("name = \"shop\"\n[web]\n[services]\napi = \"echo hello; exec sleep 1000\"\n");
    let Some(mut browser) = Browser::start(&project) else { return };
    detach(&project);
    let url = login_address(&project);
    let port = port_of(&url);
    let context = browser.context(true, (1280, 800));
    let ours = browser.page(context, &url);
    browser.wait_for_text(ours, "#log", "hello");
    let token = browser.evaluate(ours, "sessionStorage.token").as_str().unwrap().to_owned();

    let evil = browser.serve("<!doctype html><title>evil</title><body></body>");
    for host in ["127.0.0.1", "localhost"] {
        let page = browser.page(context, &format!("http://{host}:{evil}/"));
        let attacks = format!(
            r#"(async () => {{
                const base = "http://127.0.0.1:{port}";
                const tries = {{
                    read: () => fetch(base + "/api/v1/status").then((answer) => answer.text()),
                    health: () => fetch(base + "/health").then((answer) => answer.text()),
                    withToken: () => fetch(base + "/api/v1/status", {{ headers: {{ authorization: "Bearer {token}" }} }}).then((answer) => answer.text()),
                    json: () => fetch(base + "/api/v1/services/api/restart", {{ method: "POST", body: "{{}}", headers: {{ "content-type": "application/json", authorization: "Bearer {token}" }} }}).then((answer) => answer.text()),
                    plain: () => fetch(base + "/api/v1/services/api/restart", {{ method: "POST", body: "{{}}", headers: {{ "content-type": "text/plain" }} }}).then((answer) => answer.text()),
                    worker: () => new Promise((well, bad) => {{ const worker = new SharedWorker(base + "/hub.js"); worker.onerror = bad; worker.port.onmessage = well; }}),
                }};
                const got = {{}};
                for (const [name, does] of Object.entries(tries)) got[name] = await does().then(() => "read", () => "refused");
                // What is sent without being read.
                await fetch(base + "/api/v1/services/api/restart", {{ method: "POST", mode: "no-cors", body: "{{}}" }}).catch(() => {{}});
                navigator.sendBeacon(base + "/api/v1/services/api/restart", new Blob(["{{}}"], {{ type: "text/plain" }}));
                return got;
            }})()"#
        );
        let got = browser.evaluate(page, &attacks);
        assert!(got.as_object().unwrap().values().all(|what| what == "refused"), "{host}: {got}");

        let frame = format!(
            r#"new Promise((done) => {{
                const frame = document.createElement("iframe");
                frame.onload = () => done(true);
                frame.src = "http://127.0.0.1:{port}/";
                document.body.append(frame);
            }})"#
        );
        browser.evaluate(page, &frame);
        let shown = browser.frames(page);
        assert!(
            shown.iter().any(|url| url.starts_with("chrome-error:"))
                && shown.iter().all(|url| !url.contains(&port.to_string())),
            "{shown:?}"
        );
        // A window that we are opened in is ours alone: whoever has opened it sees it closed.
        let opened = format!(
            r#"new Promise((done) => {{
                const other = window.open("http://127.0.0.1:{port}/");
                const look = (left) => other.closed ? done(true) : left === 0 ? done(false) : setTimeout(look, 50, left - 1);
                look(200);
            }})"#
        );
        assert_eq!(browser.evaluate(page, &opened), true);
        browser.close(page);
    }
    let status = Stream::ask(&project, &["status", "--json"]).stdout;
    assert!(status.contains(r#""manual":0"#), "{status}");
    browser.wait_for_text(ours, "#log", "hello");
    assert_eq!(browser.text(ours, "#table td.counts"), "");
    browser.assert_quiet(ours);
    down(&project);
}

#[test]
fn another_name_for_the_machine_is_refused() {
    let project = Project::new("name = \"shop\"\n[web]\n[services]\napi = \"echo hello; exec sleep 1000\"\n");
    let Some(mut browser) = Browser::start(&project) else { return };
    detach(&project);
    let port = port_of(&login_address(&project));
    let context = browser.context(true, (1280, 800));
    // Names below `localhost` lead to the loopback in a browser, as a name of somebody else can.
    let page = browser.page(context, &format!("http://evil.localhost:{port}/"));
    let said = browser.text(page, "body");
    assert!(said.contains("this is not the name or the port of this group's page"), "{said}");
    let ours = browser.page(context, &format!("http://localhost:{port}/"));
    browser.wait_for_text(ours, "#login", "Log in");
    down(&project);
}
