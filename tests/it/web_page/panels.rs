//! What is shown instead of the log: the watcher's list, tasks, and the last runs of a service.

use super::{Browser, login_address};
use crate::harness::{Project, Stream, detach, down};

#[test]
fn the_watcher_tells_verdict_and_rule() {
    let project = Project::new(
        "name = \"shop\"\n[web]\n[services]\napi = { run = \"echo hello; exec sleep 1000\", watch = [\"src/**\"] }\n",
    );
    project.write("src/a.txt", "one");
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = browser.logged_in(&project);
    browser.wait_for_text(page, "#log", "hello");
    browser.press(page, "W");
    project.write("src/a.txt", "two");
    browser.wait_for_text(page, "#watcher td .word", "restart");
    browser.wait_for_text(page, "#watcher", "services.api.watch");
    project.write("notes.tmp", "x");
    browser.wait_for_text(page, "#watcher", "notes.tmp");
    browser.press(page, "x");
    browser.wait(
        page,
        "ignored ones are hidden",
        "!document.querySelector('#watcher').innerText.includes('notes.tmp')",
    );
    browser.click(page, "#watcher td button");
    browser.wait_for_text(page, "#watcher h3", "src/a.txt · watched · api");
    browser.press(page, "d");
    browser.wait_for_text(page, "#details", "src/a.txt changed");
    let runs = "[...document.querySelectorAll('#details tbody tr')].map((row) => row.cells[0].innerText)";
    assert_eq!(browser.evaluate(page, runs), serde_json::json!(["2", "1"]));
    browser.wait_for_text(page, "#details", "at startup");
    browser.wait_for_text(page, "#details", "▁█ · 1 restart");
    browser.assert_quiet(page);
    down(&project);
}

#[test]
fn a_dead_task_is_shown_and_retried() {
    let project = Project::new(
        "name = \"shop\"\n[web]\n[services]\nmarie = { kind = \"worker\", run = \"test -e well && cat || { echo broken >&2; exit 1; }\", retries = 0 }\n",
    );
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = browser.logged_in(&project);
    browser.press(page, "T");
    browser.wait_for_text(page, "#tasks caption", "no tasks");
    assert_eq!(Stream::ask(&project, &["task", "add", "marie", "Fix <b>it</b>"]).code, Some(0));
    browser.wait_for_text(page, "#tasks td .word", "dead");
    browser.click(page, "#tasks td button.plain");
    browser.wait_for_text(page, "#tasks", "broken");
    browser.wait_for_text(page, "#tasks pre", "Fix <b>it</b>");
    browser.wait_for_text(page, "#table .note", "1 dead");
    project.write("well", "");
    browser.click(page, "#tasks td button[aria-label^=Retry]");
    browser.wait_for_text(page, "#tasks td .word", "completed");
    browser.assert_quiet(page);
    down(&project);
}

#[test]
fn what_is_refused_is_told() {
    let project = Project::new(
        "name = \"shop\"\n[web]\n[services]\napi = { run = \"echo hello; exec sleep 1000\", autostart = false }\n",
    );
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let context = browser.context(false, (1280, 800));
    let page = browser.page(context, &login_address(&project));
    browser.wait_for_text(page, "#title", "api ○ stopped");
    browser.press(page, "i");
    browser.write(page, "hello");
    browser.press(page, "Enter");
    browser.wait_for_text(page, "#notice", "api is not running, so nothing reads the text");
    // A saved file that is wrong is told as well.
    project.write("procgroup.toml", "name = \"shop\"\n[web]\n[services]\napi = { ru = \"x\" }\n");
    browser.wait_for_text(page, "#trouble", "procgroup.toml");
    down(&project);
}
