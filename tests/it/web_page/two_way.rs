//! What is done on the page is seen in the terminal, and the other way round.

use std::time::Instant;

use super::{Browser, login_address};
use crate::harness::{Dash, Project, Stream, quit};

#[test]
fn page_and_terminal_see_each_other() {
    let project = Project::new(
        "name = \"shop\"\n[web]\n[services]\napi = { run = \"echo hello; exec sleep 1000\", watch = [\"src/**\"] }\n",
    );
    project.write("src/a.txt", "one");
    let Some(mut browser) = Browser::start() else { return };
    let mut dash = Dash::start(&project, (120, 30), &[]);
    dash.wait_for_text("hello");
    let context = browser.context(true, (1280, 800));
    let page = browser.page(context, &login_address(&project));
    browser.wait_for_text(page, "#log", "hello");
    browser.wait_for_text(page, "#watching", "watching 1 service");
    dash.wait_for_text("watching 1 service");

    let began = Instant::now();
    browser.press(page, "r");
    dash.wait_for_text("restarted");
    eprintln!("a restart in the browser was on the terminal after {:?}", began.elapsed());
    browser.wait_for_text(page, "#table td.counts", "↻1");
    browser.wait_for_text(page, "#log", "restarted");

    let began = Instant::now();
    dash.keys("p");
    browser.wait_for_text(page, "#hold", "WATCHING PAUSED");
    eprintln!("a pause in the terminal was in the browser after {:?}", began.elapsed());
    project.write("src/a.txt", "two");
    browser.wait_for_text(page, "#hold", "1 change held: api 1");
    browser.press(page, "P");
    browser.wait(page, "the banner is gone", "document.querySelector('#hold').hidden");
    dash.wait_for("the pause is over", |screen| !screen.contains("PAUSED"));
    browser.click(page, "#group-bar button");
    dash.wait_for_text("PAUSED");
    browser.wait_for_text(page, "#hold", "WATCHING PAUSED");
    browser.press(page, "p");
    dash.wait_for("the pause is over", |screen| !screen.contains("PAUSED"));

    // What is held by a command is paused by hand as well, and the end of the pause leaves it.
    let hold = Stream::start(&project, &["hold", "--", "sh", "-c", "until [ -e ../home/go ]; do sleep 0.02; done"]);
    browser.wait_for_text(page, "#hold", "HELD by hold: sh");
    browser.press(page, "p");
    browser.wait_for_text(page, "#hold", "WATCHING PAUSED");
    browser.press(page, "p");
    browser.wait_for_text(page, "#hold", "HELD by hold: sh");
    project.write("../home/go", "");
    assert_eq!(hold.wait_client().code, Some(0));
    browser.wait(page, "the banner is gone", "document.querySelector('#hold').hidden");

    project.write("src/a.txt", "three");
    browser.wait_for_text(page, "#last", "src/a.txt");
    browser.wait_for_text(page, "#table .note", "src/a.txt");
    browser.assert_quiet(page);
    quit(dash);
}
