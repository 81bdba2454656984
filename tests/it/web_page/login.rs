//! Who gets in, and for how long.

use super::{Browser, LOGIN, login_address, port_of};
use crate::harness::{Project, Stream, detach, down};

const SHOP: &str = r#"
name = "shop"
[web]
[services]
api = "echo hello; exec sleep 1000"
"#;

const IS_IN: &str = "document.querySelector('#project')?.innerText === 'shop'";

#[test]
fn a_code_logs_in_once_and_not_twice() {
    let project = Project::new(SHOP);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let url = login_address(&project);
    let (one, other) = (browser.context(true, (1280, 800)), browser.context(true, (1280, 800)));
    let page = browser.page(one, &url);
    browser.wait(page, "the group is there", IS_IN);
    let paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null";
    eprintln!("the first content was there after {} ms", browser.evaluate(page, paint));
    let kept = "[location.hash, document.cookie, sessionStorage.token?.length > 40]";
    assert_eq!(browser.evaluate(page, kept), serde_json::json!(["", "", true]));
    let late = browser.page(other, &url);
    browser.wait_for_text(late, "#login-problem", "this code is invalid, used or expired");
    assert_eq!(browser.text(late, "#project"), "");
    assert_eq!(browser.evaluate(late, "document.querySelector('#group').hidden"), true);
    // Who was out can log in on the page itself.
    browser.click(late, "#code");
    browser.write(late, &login_address(&project));
    browser.press(late, "Enter");
    browser.wait(late, "the group is there", IS_IN);
    browser.reload(page);
    browser.wait(page, "the group is there after a reload", IS_IN);
    browser.assert_quiet(page);
    down(&project);
}

#[test]
fn twenty_tabs_from_one_login_have_one_stream() {
    let project = Project::new(SHOP);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let url = login_address(&project);
    let relay = browser.relay(port_of(&url));
    let context = browser.context(true, (1280, 800));
    let first = browser.page(context, &url.replace(&port_of(&url).to_string(), &relay.to_string()));
    browser.wait_for_text(first, "#log", "hello");
    let tabs: Vec<_> = (1..20).map(|_| browser.page(context, &format!("http://127.0.0.1:{relay}/"))).collect();
    for tab in &tabs {
        browser.wait_for_text(*tab, "#log", "hello");
    }
    assert_eq!(browser.streams(relay), 1);
    // A code for another browser, from a page that is logged in.
    browser.press(first, "?");
    browser.click(first, "#help-bar button");
    browser.wait_for_text(first, "#notice", "copied a login address that works once, within a minute");
    let further = browser.evaluate(first, "navigator.clipboard.readText()");
    let other = browser.context(true, (1280, 800));
    let page = browser.page(other, further.as_str().unwrap());
    browser.wait(page, "the group is there", IS_IN);
    down(&project);
}

#[test]
fn a_token_dies_with_its_group() {
    let project = Project::new(SHOP);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = browser.logged_in(&project);
    down(&project);
    browser.wait_for_text(page, "#connection", "connection lost");
    detach(&project);
    // The port is the same as before, and the page asks again by itself.
    browser.wait(page, "the login is there", LOGIN);
    assert_eq!(browser.evaluate(page, "sessionStorage.token ?? null"), serde_json::Value::Null);
    browser.go_to(page, &login_address(&project));
    browser.wait(page, "the group is there", IS_IN);
    down(&project);
}

#[test]
fn two_groups_are_beside_each_other() {
    let (shop, bank) = (Project::new(SHOP), Project::new(&SHOP.replace("shop", "bank")));
    let Some(mut browser) = Browser::start() else { return };
    detach(&shop);
    detach(&bank);
    let context = browser.context(true, (1280, 800));
    let pages = [&shop, &bank].map(|project| browser.page(context, &login_address(project)));
    for (page, name) in pages.iter().zip(["shop", "bank"]) {
        browser.wait_for_text(*page, "#project", name);
        browser.wait_for_text(*page, "#log", "hello");
    }
    browser.press(pages[1], "r");
    browser.wait_for_text(pages[1], "#table td.counts", "↻1");
    let restarts = |project: &Project| Stream::ask(project, &["status", "--json"]).stdout.contains(r#""manual":1"#);
    assert!(restarts(&bank) && !restarts(&shop));
    assert_eq!(browser.text(pages[0], "#table td.counts"), "");
    down(&shop);
    down(&bank);
}
