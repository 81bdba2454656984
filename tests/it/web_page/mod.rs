//! The web page in a real browser: Debian's Chromium, driven by a script on `playwright-core`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{PATIENCE, Project, Stream, has, wait_for};

mod keys;
mod login;
mod logs;
mod looks;
mod offline;
mod outside;
mod panels;
mod two_way;

/// How many browsers may run at once: more of them starve each other on two cores.
const BROWSERS: usize = 3;

/// How many browsers run.
static RUNNING: Mutex<usize> = Mutex::new(0);

/// A browser has ended.
static ENDED: Condvar = Condvar::new();

/// One of the browsers that may run at once.
struct Turn;

impl Turn {
    /// Waits until fewer browsers run. A browser that hangs is ended by its own test.
    fn take() -> Self {
        // A test that failed has left the number right: its turn ended with it.
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = ENDED.wait_while(running, |n| *n == BROWSERS).unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_one();
    }
}

/// The page asks for a code.
pub(crate) const LOGIN: &str = "document.querySelector('#login')?.hidden === false";

/// How long the driver is waited for beyond what it waits for itself.
const MARGIN: Duration = Duration::from_secs(30);

/// A browser.
pub(crate) struct Browser {
    driver: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<Value>,
    last: u64,
    /// What it writes beside the pages.
    _home: TempDir,
    _turn: Turn,
}

/// A page in a browser, by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page(u64);

/// Windows that share what they store, by their number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context(u64);

/// Where Debian has it, or where `DEVGROUP_TEST_CHROMIUM` says.
fn chromium() -> PathBuf {
    std::env::var_os("DEVGROUP_TEST_CHROMIUM").map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from)
}

impl Browser {
    /// Starts one, if what it needs is there.
    pub(crate) fn start() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let modules = root.join("target/web_page");
        let is_there =
            ["playwright-core", "axe-core"].iter().all(|name| modules.join("node_modules").join(name).exists());
        if !has("chromium", chromium().exists()) || !has("playwright-core (.ci/run installs it)", is_there) {
            return None;
        }
        let turn = Turn::take();
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new("node");
        command
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .env("XDG_CACHE_HOME", home.path())
            .env("TMPDIR", home.path());
        command.arg(root.join("tests/it/web_page/driver.mjs")).arg(modules).arg(chromium());
        let mut driver = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(driver.stdout.take().unwrap());
        let (told, answers) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test may be over.
                let _ = told.send(serde_json::from_str(&line).unwrap());
            }
        });
        let orders = driver.stdin.take();
        let mut browser = Self { driver, orders, answers, last: 0, _home: home, _turn: turn };
        browser.answer("the browser has started", 0, PATIENCE).unwrap();
        Some(browser)
    }

    fn answer(&mut self, what: &str, id: u64, deadline: Duration) -> Result<Value, String> {
        match self.answers.recv_timeout(deadline) {
            Ok(answer) => {
                assert_eq!(answer["id"], id, "{answer}");
                answer["error"].as_str().map_or_else(|| Ok(answer["value"].clone()), |error| Err(error.to_owned()))
            }
            Err(error) => panic!("waited {deadline:?} in vain until {what}: {error}"),
        }
    }

    fn order(&mut self, order: Value, patience: Duration) -> Result<Value, String> {
        self.last += 1;
        let mut order = order;
        order["id"] = self.last.into();
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        self.answer(&order.to_string(), self.last, patience + MARGIN)
    }

    fn does(&mut self, order: Value) -> Value {
        let told = order.to_string();
        self.order(order, PATIENCE).unwrap_or_else(|error| panic!("{told}: {error}"))
    }

    /// Windows of a person who has been nowhere yet.
    pub(crate) fn context(&mut self, dark: bool, (width, height): (u32, u32)) -> Context {
        let context = self.does(json!({ "do": "context", "dark": dark, "width": width, "height": height }));
        Context(context.as_u64().unwrap())
    }

    /// A new page at an address.
    pub(crate) fn page(&mut self, Context(context): Context, url: &str) -> Page {
        Page(self.does(json!({ "do": "page", "context": context, "url": url })).as_u64().unwrap())
    }

    /// A page of a person who has just logged in.
    pub(crate) fn logged_in(&mut self, project: &Project) -> Page {
        let context = self.context(true, (1280, 800));
        let page = self.page(context, &login_address(project));
        self.wait(page, "the services are there", "document.querySelectorAll('#table tbody button').length > 0");
        page
    }

    /// An order that is about a page, with what it needs.
    fn at(&mut self, Page(page): Page, what: &str, more: Value) -> Value {
        let mut order = more;
        order["do"] = what.into();
        order["page"] = page.into();
        self.does(order)
    }

    /// The value of an expression in a page.
    pub(crate) fn evaluate(&mut self, page: Page, script: &str) -> Value {
        self.at(page, "evaluate", json!({ "script": script }))
    }

    /// The text of an element.
    pub(crate) fn text(&mut self, page: Page, selector: &str) -> String {
        let script = format!("document.querySelector({})?.innerText ?? ''", json!(selector));
        self.evaluate(page, &script).as_str().unwrap().to_owned()
    }

    /// Waits until an expression in a page is true, and returns it.
    pub(crate) fn wait(&mut self, page: Page, name: &str, script: &str) -> Value {
        self.wait_within(page, name, script, PATIENCE)
    }

    /// The same for what takes long by itself.
    pub(crate) fn wait_within(&mut self, Page(page): Page, name: &str, script: &str, patience: Duration) -> Value {
        let order = json!({ "do": "wait", "page": page, "script": script, "milliseconds": millis(patience) });
        self.order(order, patience).unwrap_or_else(|error| panic!("waited {patience:?} in vain until {name}: {error}"))
    }

    /// Waits until an element shows a text.
    pub(crate) fn wait_for_text(&mut self, page: Page, selector: &str, text: &str) {
        let script = format!("document.querySelector({})?.innerText.includes({})", json!(selector), json!(text));
        self.wait(page, &format!("{selector} shows `{text}`"), &script);
    }

    pub(crate) fn press(&mut self, page: Page, key: &str) {
        self.at(page, "press", json!({ "key": key }));
    }

    /// Types into what has the focus.
    pub(crate) fn write(&mut self, page: Page, text: &str) {
        self.at(page, "write", json!({ "text": text }));
    }

    pub(crate) fn click(&mut self, page: Page, selector: &str) {
        self.at(page, "click", json!({ "selector": selector }));
    }

    pub(crate) fn go_to(&mut self, page: Page, url: &str) {
        self.at(page, "goto", json!({ "url": url }));
    }

    pub(crate) fn reload(&mut self, page: Page) {
        self.at(page, "reload", json!({}));
    }

    pub(crate) fn close(&mut self, page: Page) {
        self.at(page, "close", json!({}));
    }

    /// What a page shows in frames: their addresses and what stands in them.
    pub(crate) fn frames(&mut self, page: Page) -> Vec<String> {
        let frames = self.at(page, "frames", json!({}));
        frames.as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn resize(&mut self, page: Page, (width, height): (u32, u32)) {
        self.at(page, "size", json!({ "width": width, "height": height }));
    }

    /// The durations of tasks that have held a page up for more than 50 ms.
    pub(crate) fn long_tasks(&mut self, page: Page) -> Vec<u64> {
        let noted = self.at(page, "noted", json!({}));
        noted["long"].as_array().unwrap().iter().filter_map(Value::as_u64).collect()
    }

    /// Asserts that nothing has happened that the policy of the page forbids, and no error.
    pub(crate) fn assert_quiet(&mut self, page: Page) {
        let noted = self.at(page, "noted", json!({}));
        assert_eq!((&noted["reports"], &noted["errors"]), (&json!([]), &json!([])));
    }

    /// What axe-core finds in a page.
    pub(crate) fn axe(&mut self, page: Page) -> Vec<String> {
        let found = self.at(page, "axe", json!({}));
        found.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    }

    /// Draws a page into a file, for people to look at.
    pub(crate) fn picture(&mut self, page: Page, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/web_page/pictures");
        std::fs::create_dir_all(&folder).unwrap();
        self.at(page, "picture", json!({ "path": folder.join(name) }));
    }

    /// Bytes that the scripts of a page hold.
    pub(crate) fn memory(&mut self, page: Page) -> u64 {
        self.at(page, "memory", json!({})).as_u64().unwrap()
    }

    /// A way to the group on another port, which can be cut.
    pub(crate) fn relay(&mut self, port: u16) -> u16 {
        self.port_of(json!({ "do": "relay", "port": port }))
    }

    /// A page of somebody else, on a port of its own.
    pub(crate) fn serve(&mut self, html: &str) -> u16 {
        self.port_of(json!({ "do": "serve", "html": html }))
    }

    fn port_of(&mut self, order: Value) -> u16 {
        u16::try_from(self.does(order).as_u64().unwrap()).unwrap()
    }

    /// Ends what goes through a relay, and lets nothing through.
    pub(crate) fn cut(&mut self, relay: u16) {
        self.does(json!({ "do": "cut", "port": relay }));
    }

    pub(crate) fn join(&mut self, relay: u16) {
        self.does(json!({ "do": "join", "port": relay }));
    }

    /// How many streams go through a relay.
    pub(crate) fn streams(&mut self, relay: u16) -> u64 {
        self.does(json!({ "do": "streams", "port": relay })).as_u64().unwrap()
    }
}

impl Drop for Browser {
    /// Ends it, and with it the browser, which ends where nobody drives it.
    fn drop(&mut self) {
        self.orders = None;
        // A driver that does not end by itself is ended.
        wait_for_end(&mut self.driver);
    }
}

fn wait_for_end(driver: &mut Child) {
    if !thread::panicking() {
        wait_for("the browser has ended", || driver.try_wait().unwrap().is_some());
    }
    let _ = driver.kill();
    let _ = driver.wait();
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

/// An address that logs in, once.
pub(crate) fn login_address(project: &Project) -> String {
    let told = Stream::ask(project, &["web", "--json"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    told["url"].as_str().unwrap().to_owned()
}

/// The port in an address.
pub(crate) fn port_of(url: &str) -> u16 {
    let (_, rest) = url.split_once("://127.0.0.1:").unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}

/// The texts of all rows of the log in a page, read by scrolling through it from the top.
pub(crate) fn all_rows(browser: &mut Browser, page: Page) -> Vec<String> {
    let script = r#"(async () => {
        const box = document.querySelector('#log');
        const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 20)));
        const seen = new Map();
        box.scrollTop = 0;
        for (;;) {
            await frame();
            if (box.querySelector(".missing") != null) continue;
            for (const row of box.querySelectorAll(".line")) seen.set(row.number, row.querySelector(".text").textContent);
            const before = box.scrollTop;
            box.scrollTop += box.clientHeight / 2;
            if (box.scrollTop === before) break;
        }
        return [...seen].sort(([one], [other]) => one - other).map(([, text]) => text);
    })()"#;
    let rows = browser.evaluate(page, script);
    rows.as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_owned()).collect()
}
