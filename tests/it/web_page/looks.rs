//! How the page looks: for people who see little, on small screens, dark and light. Its pictures are for us to look at.

use super::{Browser, LOGIN, login_address};
use crate::harness::{Project, Stream, down};

const SHOP: &str = r#"
name = "shop"
[web]
[services]
redis   = { run = "echo Ready to accept connections; exec sleep 1000", group = "infra" }
migrate = { run = "echo no migrations to apply", kind = "job", group = "infra" }
web     = { run = "cat log.txt; exec sleep 1000", watch = ["src/**"], url = "http://localhost:8101", group = "app" }
api     = { run = "echo Application startup complete.; exec sleep 1000", port = "auto", group = "app" }
mailer  = { run = "echo ModuleNotFoundError: No module named packaging >&2; exit 1", group = "app", ready = { log = "up" }, restart = "never" }
marie   = { kind = "worker", run = "echo broken >&2; exit 1", retries = 0 }
tests   = { run = "sleep 1000", autostart = false }
"#;

const LOG: &str = r#"November 28, 2026 - 23:03:56
Django version 5.2.19, using settings 'mysite.settings'
Starting development server at http://127.0.0.1:8101/
INFO GET /orders 200 12ms
WARN slow query 412ms SELECT id, name, price, created_at FROM orders WHERE customer = 17 ORDER BY created_at DESC LIMIT 50
Internal Server Error: /orders/17
Traceback (most recent call last):
  File "mysite/views.py", line 12, in order
    return render(request, tpl, ctx)
NameError: name 'tpl' is not defined
[28/Nov/2026 23:04:12] "GET /orders/17 HTTP/1.1" 500 145
"#;

fn shop() -> Project {
    let project = Project::new(SHOP);
    project.write("log.txt", LOG);
    project.write("src/views.py", "one");
    project
}

#[test]
fn axe_finds_nothing_dark_and_light_and_nothing_is_cut() {
    let project = shop();
    let Some(mut browser) = Browser::start() else { return };
    // One of them fails at once.
    assert_eq!(Stream::ask(&project, &["-d"]).code, Some(5));
    for dark in [true, false] {
        let context = browser.context(dark, (1280, 800));
        let page = browser.page(context, &login_address(&project));
        browser.wait_for_text(page, "#counts", "failed");
        browser.press(page, "Escape");
        browser.evaluate(
            page,
            "[...document.querySelectorAll('#table tbody button')].find((one) => one.innerText === 'web').click()",
        );
        browser.wait_for_text(page, "#log", "NameError");
        if dark {
            project.write("src/views.py", "two");
            assert_eq!(Stream::ask(&project, &["task", "add", "marie", "Fix it"]).code, Some(0));
            browser.wait_for_text(page, "#table .note", "1 dead");
        }
        browser.wait_for_text(page, "#last", "src/views.py");
        let theme = if dark { "dark" } else { "light" };
        for (key, view) in [
            ("Escape", "log"),
            ("a", "all"),
            ("d", "details"),
            ("W", "watcher"),
            ("T", "tasks"),
            ("?", "help"),
            ("p", "paused"),
        ] {
            browser.press(page, key);
            let drawn = "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(true), 400)))";
            browser.evaluate(page, drawn);
            for width in [1280, 768, 360, 320] {
                browser.resize(page, (width, 800));
                browser.evaluate(page, drawn);
                let wider = browser
                    .evaluate(page, "document.documentElement.scrollWidth - document.documentElement.clientWidth");
                assert_eq!(wider, 0, "{view} at {width} is wider than the window");
                assert_eq!(browser.axe(page), Vec::<String>::new(), "{view}, {theme}, {width}");
                if width != 320 {
                    browser.picture(page, &format!("{view}-{theme}-{width}.png"));
                }
            }
            browser.resize(page, (1280, 800));
            if view == "help" {
                browser.press(page, "Escape");
                browser.press(page, "Escape");
            }
        }
        browser.press(page, "p");
        assert_eq!(browser.evaluate(page, "document.getAnimations().length"), 0, "nothing moves");
        browser.evaluate(page, "sessionStorage.clear()");
        browser.assert_quiet(page);
    }
    for dark in [true, false] {
        let context = browser.context(dark, (360, 640));
        let port = super::port_of(&login_address(&project));
        let page = browser.page(context, &format!("http://127.0.0.1:{port}/"));
        browser.wait(page, "the login is there", LOGIN);
        assert_eq!(browser.axe(page), Vec::<String>::new(), "the login");
        browser.picture(page, if dark { "login-dark-360.png" } else { "login-light-360.png" });
    }
    down(&project);
}
