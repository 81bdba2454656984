//! All of the page by keyboard, with the keys of the dashboard.

use super::{Browser, Page, login_address};
use crate::harness::{Project, detach, down};

const SHOP: &str = r#"
name = "shop"
[web]
[services]
db   = { run = "echo db; exec cat", url = "http://localhost:4000" }
api  = { run = "echo api; exec cat", watch = ["src/**"], group = "app" }
mail = { run = "echo mail; exec cat", autostart = false }
"#;

fn selected(browser: &mut Browser, page: Page, name: &str) {
    browser.wait_for_text(page, "#table .selected button", name);
}

fn view(browser: &mut Browser, page: Page, name: &str) {
    let script = format!("document.querySelector('#views [aria-current=page]')?.innerText.startsWith('{name}')");
    browser.wait(page, &format!("the view is {name}"), &script);
}

#[test]
fn services_are_chosen_and_ordered_about() {
    let project = Project::new(SHOP);
    project.write("src/a.txt", "one");
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = browser.logged_in(&project);
    // Ungrouped ones first, and each group under its heading.
    let order = "[...document.querySelectorAll('#table tbody th')].map((head) => head.innerText.split('\\n')[0])";
    assert_eq!(browser.evaluate(page, order), serde_json::json!(["db", "mail", "app", "api"]));
    selected(&mut browser, page, "db");
    let steps = [("j", "mail"), ("ArrowDown", "api"), ("j", "api"), ("k", "mail"), ("ArrowUp", "db"), ("3", "api")];
    for (key, name) in steps.into_iter().chain([("2", "mail")]) {
        browser.press(page, key);
        selected(&mut browser, page, name);
    }
    browser.wait_for_text(page, "#table .selected .state", "○ stopped");
    browser.press(page, "s");
    browser.wait_for_text(page, "#table .selected .state", "● running");
    browser.wait_for_text(page, "#log", "mail");
    browser.press(page, "r");
    browser.wait_for_text(page, "#table .selected .counts", "↻1");
    browser.press(page, "x");
    browser.wait_for_text(page, "#table .selected .state", "○ stopped");
    browser.press(page, "1");
    browser.press(page, "i");
    browser.write(page, "pxrs");
    browser.press(page, "Enter");
    browser.wait_for_text(page, "#log", "pxrs");
    browser.press(page, "Escape");
    browser.wait(page, "the log has the focus", "document.activeElement.id === 'log'");
    browser.press(page, "p");
    browser.wait_for_text(page, "#hold", "WATCHING PAUSED");
    browser.press(page, "p");
    browser.wait(page, "the pause is over", "document.querySelector('#hold').hidden");
    browser.assert_quiet(page);
    down(&project);
}

#[test]
fn each_view_and_switch_has_its_key() {
    let project = Project::new(SHOP);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = browser.logged_in(&project);
    let views = [("a", "All logs"), ("a", "Log"), ("d", "Details"), ("Shift+W", "Watcher"), ("Shift+T", "Tasks")];
    for (key, name) in views.into_iter().chain([("Escape", "Log")]) {
        browser.press(page, key);
        view(&mut browser, page, name);
    }
    browser.press(page, ",");
    browser.wait_for_text(page, "#found", "run 1 of 1");
    browser.press(page, "f");
    browser.press(page, "'");
    browser.write(page, "AP");
    browser.wait(page, "only api is there", "document.querySelectorAll('#table tbody button').length === 1");
    browser.evaluate(page, "document.activeElement.select()");
    browser.press(page, "Delete");
    browser.press(page, "Escape");
    for (key, about) in [("w", "wrap"), ("t", "times")] {
        let is_on = format!(
            "[...document.querySelectorAll('#tools button')] \
             .find((one) => one.innerText.toLowerCase().startsWith('{about}')).getAttribute('aria-pressed')"
        );
        let before = browser.evaluate(page, &is_on);
        browser.press(page, key);
        browser.wait(page, about, &format!("{is_on} !== {before}"));
    }
    let time = "/^\\d\\d:\\d\\d:\\d\\d/.test(document.querySelector('#log .time')?.innerText)";
    browser.wait(page, "times are there", time);
    browser.press(page, "u");
    browser.wait(page, "nothing is measured", "!document.querySelector('#table').classList.contains('measured')");
    browser.press(page, "u");
    let memory = "/\\d/.test(document.querySelector('#table td.memory').innerText)";
    browser.wait(page, "memory is there", memory);
    browser.press(page, "z");
    browser.wait(page, "the log alone is there", "document.querySelector('#services').offsetParent == null");
    browser.press(page, "Escape");
    browser.wait(page, "the services are back", "document.querySelector('#services').offsetParent != null");
    browser.press(page, "?");
    browser.wait_for_text(page, "#help", "previous error");
    browser.press(page, "Escape");
    browser.wait(page, "the help is gone", "!document.querySelector('#help').open");
    browser.assert_quiet(page);
    down(&project);
}

#[test]
fn everything_is_reached_by_tab_and_a_button_is_pressed_by_enter() {
    let project = Project::new(SHOP);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let context = browser.context(false, (1280, 800));
    let page = browser.page(context, &login_address(&project));
    browser.wait_for_text(page, "#log", "db");
    let seen = "[...document.querySelectorAll('button, input, select, a, [tabindex]')] \
                .filter((one) => one.offsetParent != null)";
    let all = browser.evaluate(page, &format!("{seen}.length")).as_u64().unwrap();
    browser.evaluate(page, "void (window.reached = new Set())");
    for _ in 0..=all {
        browser.press(page, "Tab");
        browser.evaluate(page, "void reached.add(document.activeElement)");
    }
    let missed =
        browser.evaluate(page, &format!("{seen}.filter((one) => !reached.has(one)).map((one) => one.outerHTML)"));
    assert_eq!(missed, serde_json::json!([]));
    browser.evaluate(page, "document.querySelectorAll('#table tbody button')[2].focus()");
    browser.press(page, "Enter");
    selected(&mut browser, page, "api");
    browser.wait(page, "Enter on a button does not zoom", "!document.body.classList.contains('zoomed')");
    // A frame shows where the focus is.
    browser.press(page, "Tab");
    assert_ne!(browser.evaluate(page, "getComputedStyle(document.activeElement).outlineStyle"), "none");
    down(&project);
}
