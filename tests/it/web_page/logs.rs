//! Logs on the page: what is printed is text, however much of it there is.

use std::time::{Duration, Instant};

use super::{Browser, Page, all_rows, login_address};
use crate::harness::{PATIENCE, Project, Stream, detach, down, wait_for, wait_for_within};

/// What a page of logs may have at most, with all that is around them.
const MOST_NODES: u64 = 2_000;

fn nodes(browser: &mut Browser, page: Page) -> u64 {
    browser.evaluate(page, "document.querySelectorAll('*').length").as_u64().unwrap()
}

fn opened(browser: &mut Browser, project: &Project) -> Page {
    let context = browser.context(true, (1280, 800));
    let page = browser.page(context, &login_address(project));
    browser.wait(page, "a log is there", "document.querySelector('#log .line:not(.missing)') != null");
    page
}

#[test]
fn what_is_hostile_is_text() {
    let hostile = r#"<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>"#;
    let project = Project::new("name = \"shop\"\n[web]\n[services]\napi = \"cat hostile.txt; exec sleep 1000\"\n");
    let escapes = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://evil.example\x07link\x1b]8;;\x07";
    project.write("hostile.txt", format!("{hostile}\n{escapes}\n\u{202e}evil ${{alert(1)}}\nlast\n"));
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = opened(&mut browser, &project);
    browser.evaluate(page, "document.querySelector('#table tbody button').click()");
    browser.wait_for_text(page, "#log", "last");
    let rows = all_rows(&mut browser, page);
    assert!(rows.contains(&hostile.to_owned()), "{rows:?}");
    assert!(rows.iter().any(|row| row == "red link"), "{rows:?}");
    for view in ["a", "d", "W", "T"] {
        browser.press(page, view);
        browser.wait(page, "the view is there", "document.querySelector('#title').innerText !== ''");
    }
    let made = "document.querySelectorAll('main img, main script, main b, main a').length";
    assert_eq!(
        browser.evaluate(page, &format!("[{made}, window.pwned ?? null, document.title]")),
        serde_json::json!([0, null, "shop · devgroup"])
    );
    browser.assert_quiet(page);
    // The test of the test: what the page does not do is forbidden as well.
    let forbidden = "(() => { try { document.body.innerHTML = '<img src=x onerror=alert(1)>'; return 'done' } \
                     catch (error) { return error.name } })()";
    assert_eq!(browser.evaluate(page, forbidden), "TypeError");
    down(&project);
}

#[test]
fn a_million_lines_are_scrolled_and_searched() {
    let project = Project::new(
        "name = \"shop\"\n[web]\n[logs]\nmemory = \"256MiB\"\n\
         [services]\napi = \"seq 1 1000000; echo over; exec sleep 1000\"\n",
    );
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let last = || Stream::ask(&project, &["logs", "api", "-n", "1"]).stdout;
    wait_for_within(PATIENCE * 2, "a million lines are printed", || last().contains("over"));
    let page = opened(&mut browser, &project);
    browser.wait_for_text(page, "#log", "over");
    assert!(nodes(&mut browser, page) <= MOST_NODES);

    browser.press(page, "g");
    browser.wait(
        page,
        "the first line is there",
        r#"[...document.querySelectorAll('#log .text')].some((row) => row.textContent === "1")"#,
    );
    for part in [0.25, 0.5, 0.75] {
        browser.evaluate(
            page,
            &format!(
                "void (document.querySelector('#log').scrollTop = document.querySelector('#log').scrollHeight * {part})"
            ),
        );
        let about = format!(
            "(() => {{ const box = document.querySelector('#log').getBoundingClientRect(); \
             const row = document.elementFromPoint(box.left + 40, box.top + box.height / 2); \
             const line = Number(row.closest('.line')?.querySelector('.text').textContent); \
             return Math.abs(line - {part} * 1000000) < 2000 && line }})()"
        );
        browser.wait(page, "the lines of that place are there", &about);
        assert!(nodes(&mut browser, page) <= MOST_NODES);
    }
    // One by one, in the middle.
    let steps = r#"(async () => {
        const box = document.querySelector('#log');
        const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 20)));
        const top = () => [...box.querySelectorAll(".line")].find((row) => row.offsetTop + row.offsetHeight > box.scrollTop);
        const seen = [];
        while (seen.length < 200) {
            while (box.querySelector(".missing") != null) await frame();
            seen.push(Number(top().querySelector(".text").textContent));
            box.scrollTop += 5 * 18;
            await frame();
        }
        return seen.every((line, at) => at === 0 || line === seen[at - 1] + 5) || seen;
    })()"#;
    assert_eq!(browser.evaluate(page, steps), true);

    browser.press(page, "/");
    browser.write(page, "777777");
    browser.press(page, "Enter");
    let current = "document.querySelector('#log .current .text')?.textContent === '777777'";
    browser.wait(page, "the line is found", current);
    assert_eq!(browser.text(page, "#found"), "match 1 of 1");
    browser.press(page, "Escape");
    browser.press(page, "f");
    browser.wait_for_text(page, "#log", "over");
    assert!(nodes(&mut browser, page) <= MOST_NODES);
    browser.assert_quiet(page);
    down(&project);
}

/// How long the flood is looked at: five minutes are set by hand.
fn seconds() -> u64 {
    std::env::var("DEVGROUP_TEST_FLOOD_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(10)
}

/// Prints about 10,000 lines a second.
const FLOOD: &str = "i=0\nwhile :; do seq -f '%.0f a line of a service that has a lot to say' $i $((i + 199)); i=$((i + 200)); sleep 0.01; done\n";

#[test]
fn a_flood_is_followed_with_a_page_that_does_not_grow() {
    let project = Project::new("name = \"shop\"\n[web]\n[services]\napi = \"sh flood.sh\"\n");
    project.write("flood.sh", FLOOD);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = opened(&mut browser, &project);
    let newest = "Number([...document.querySelectorAll('#log .text')].at(-1)?.textContent.split(' ')[0])";
    let wait_for_more = |browser: &mut Browser, more: u64| {
        let begin = browser.evaluate(page, newest).as_u64().unwrap_or_default();
        let script = format!("{newest} > {}", begin + more);
        browser.wait_within(page, "the flood has gone on", &script, PATIENCE + Duration::from_millis(more));
    };
    wait_for_more(&mut browser, 20_000);
    let (before, begun) = (browser.memory(page), browser.evaluate(page, newest).as_u64().unwrap());
    let early = browser.long_tasks(page).len();
    let began = Instant::now();
    wait_for_more(&mut browser, 10_000 * seconds());
    let took = began.elapsed();
    let lines = browser.evaluate(page, newest).as_u64().unwrap() - begun;
    let long = browser.long_tasks(page).split_off(early);
    let after = browser.memory(page);
    eprintln!("{lines} lines in {took:?}; memory {before} B, then {after} B; tasks above 50 ms: {long:?} ms");
    assert!(after < before + (8 << 20), "{before} B, then {after} B");
    assert!(nodes(&mut browser, page) <= MOST_NODES);
    // Nothing is doubled or out of order in what is shown.
    let shown = "(() => { const rows = [...document.querySelectorAll('#log .text')].map((row) => parseInt(row.textContent)); \
                 return rows.every((line, at) => at === 0 || line === rows[at - 1] + 1) || rows })()";
    assert_eq!(browser.evaluate(page, shown), true);
    browser.assert_quiet(page);
    down(&project);
}

#[test]
fn lines_that_come_too_fast_are_there_when_they_are_looked_at() {
    let project = Project::new("name = \"shop\"\n[web]\n[services]\napi = \"sh burst.sh\"\n");
    project.write("burst.sh", "read go\nseq 1 4000\necho over\nexec cat\n");
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = opened(&mut browser, &project);
    assert_eq!(Stream::ask(&project, &["send", "api", "go"]).code, Some(0));
    browser.wait_for_text(page, "#log", "over");
    let rows = all_rows(&mut browser, page);
    let numbers: Vec<u64> = rows.iter().filter_map(|row| row.parse().ok()).collect();
    assert_eq!(numbers, (1..=4000).collect::<Vec<u64>>());
    browser.assert_quiet(page);
    down(&project);
}

#[test]
fn a_log_is_searched_filtered_and_copied() {
    let project = Project::new(
        "name = \"shop\"\n[web]\n[services]\napi = \"cat log.txt; exec cat\"\nweb = \"echo web; exec cat\"\n",
    );
    let lines: Vec<String> = (0..400).map(|line| format!("INFO line {line}")).collect();
    project.write(
        "log.txt",
        format!(
            "{}\nTraceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'\nWARN low\n{}\n",
            lines[..200].join("\n"),
            lines[200..].join("\n")
        ),
    );
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = opened(&mut browser, &project);
    browser.press(page, "1");
    browser.wait_for_text(page, "#log", "line 399");
    browser.press(page, "e");
    browser.wait_for_text(page, "#log .current", "Traceback");
    assert_eq!(browser.evaluate(page, "document.querySelectorAll('#log .trace').length"), 2);
    browser.press(page, "c");
    browser.wait_for_text(page, "#notice", "copied 3 lines");
    let copied = browser.evaluate(page, "navigator.clipboard.readText()");
    assert_eq!(copied, "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'");
    browser.press(page, "/");
    browser.write(page, "/line 1\\d$/");
    browser.press(page, "Enter");
    browser.wait_for_text(page, "#found", "match 1 of 10, continuing from the top");
    browser.press(page, "n");
    browser.wait_for_text(page, "#log .current", "line 11");
    browser.press(page, "N");
    browser.wait_for_text(page, "#log .current", "line 10");
    browser.press(page, "&");
    browser.wait(page, "only matches are shown", "document.querySelectorAll('#log .line').length === 10");
    // What comes later passes the filter, too.
    assert_eq!(Stream::ask(&project, &["send", "api", "line 12"]).code, Some(0));
    browser.wait(page, "the new line is shown", "document.querySelectorAll('#log .line').length >= 11");
    browser.press(page, "&");
    browser.press(page, "Escape");
    browser.evaluate(page, "(() => { const level = document.querySelector('#level'); level.value = 'warn'; level.dispatchEvent(new Event('change')) })()");
    browser.wait(page, "warnings and errors are shown", "document.querySelectorAll('#log .line').length === 4");
    browser.evaluate(page, "(() => { const level = document.querySelector('#level'); level.value = ''; level.dispatchEvent(new Event('change')) })()");
    browser.press(page, "a");
    browser.wait_for_text(page, "#title", "All logs");
    assert_eq!(Stream::ask(&project, &["send", "web", "after all"]).code, Some(0));
    browser.wait_for_text(page, "#log", "after all");
    browser.wait(
        page,
        "both services are there",
        "new Set([...document.querySelectorAll('#log .who')].map((who) => who.textContent)).size === 2",
    );
    browser.assert_quiet(page);
    down(&project);
}

#[test]
fn a_prompt_and_its_answer_are_one_line() {
    let project = Project::new(
        "name = \"shop\"\n[web]\n[services]\napi = \"printf 'name? '; read name; echo hello $name; exec cat\"\n",
    );
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let page = opened(&mut browser, &project);
    browser.wait_for_text(page, "#log", "name?");
    browser.press(page, "i");
    browser.write(page, "Ann");
    browser.press(page, "Enter");
    browser.wait_for_text(page, "#log", "hello Ann");
    let rows = || all_rows(&mut browser, page);
    let rows = wait_for_rows(rows);
    assert_eq!(rows.iter().filter(|row| row.starts_with("name?")).collect::<Vec<_>>(), ["name? Ann"], "{rows:?}");
    down(&project);
}

/// The rows when the line that was finished is there as a whole.
fn wait_for_rows(mut rows: impl FnMut() -> Vec<String>) -> Vec<String> {
    let mut last = Vec::new();
    wait_for("the finished line is fetched", || {
        last = rows();
        last.iter().any(|row| row == "name? Ann")
    });
    last
}
