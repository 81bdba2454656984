//! The README and the guide say what the program does, and lead where they say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use devgroup::config::{self, RenderStyle};
use devgroup::tui;

use crate::harness::{Project, Stream};

/// The README is for those who have not decided yet. What is longer belongs into the guide.
const README_BYTES: usize = 12_000;

/// A page that many load.
const RECORDING_BYTES: u64 = 300_000;

/// How an example of the user's own file begins.
const OWN_FILE: &str = "# ~/.config/devgroup/config.toml\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(relative: &str) -> String {
    let path = root().join(relative);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the guide's pages, which are the topics of `devgroup help`.
fn topics() -> BTreeSet<String> {
    let pages = fs::read_dir(root().join("assets/guide")).unwrap();
    pages.map(|page| page.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn guide(topic: &str) -> String {
    read(&format!("assets/guide/{topic}.md"))
}

/// The README and the pages of the guide, by their paths.
fn pages() -> Vec<(String, String)> {
    let guide = topics().into_iter().map(|topic| format!("assets/guide/{topic}.md"));
    guide.chain(["README.md".into()]).map(|path| (path.clone(), read(&path))).collect()
}

/// The parts between fences that begin with ```` ``` ```` and this word.
fn blocks<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    let fence = format!("\n```{word}\n");
    text.split(&fence).skip(1).filter_map(|block| block.split("\n```").next()).collect()
}

#[test]
fn the_guide_has_the_table_of_keys() {
    let table = tui::key_table_markdown();
    assert!(guide("keys").contains(&table), "assets/guide/keys.md should hold this table:\n\n{table}");
}

#[test]
fn the_guide_shows_a_message_as_it_is() {
    let text = "[services]\ndb = \"docker compose up db\"\n\n[services.api]\nrun   = \"cargo run -p api\"\nwacth = [\"crates/api/**\"]\n";
    let diagnostics = config::parse(text, &PathBuf::from("procgroup.toml")).map(|_| ()).unwrap_err();
    let message = diagnostics.render(RenderStyle { color: false, unicode: true, width: 100 });
    assert_eq!(blocks(&guide("config"), "text"), [message.trim_end()]);
}

#[test]
fn the_examples_are_valid() {
    let mut examples = 0;
    let demo = ("assets/demo/shop".into(), format!("\n```toml\n{}\n```", read("assets/demo/shop/procgroup.toml")));
    for (page, text) in pages().into_iter().chain([demo]) {
        for example in blocks(&text, "toml") {
            examples += 1;
            if example.starts_with(OWN_FILE) {
                let project = Project::empty();
                project.write("../home/config/devgroup/config.toml", example);
                assert_eq!(Stream::ask(&project, &["help", "keys"]).stderr, "", "{page}: {example}");
            } else if let Err(diagnostics) = config::parse(example, &PathBuf::from("/tmp/procgroup.toml")) {
                panic!("{page}: {}", diagnostics.render(RenderStyle { color: false, unicode: true, width: 80 }));
            }
        }
    }
    assert!(examples >= 7, "{examples} examples");
}

#[test]
fn the_readme_is_short_and_says_how_to_begin() {
    let readme = read("README.md");
    assert!(readme.len() < README_BYTES, "{} bytes, {README_BYTES} are too many", readme.len());
    for command in ["cargo run --release", "cargo test", "apt-get install gcc libc6-dev git procps"] {
        assert!(blocks(&readme, "sh").iter().any(|block| block.contains(command)), "no `{command}` in the README");
    }
}

#[test]
fn each_page_of_the_guide_is_a_topic_and_is_listed() {
    let project = Project::empty();
    let (readme, help) = (read("README.md"), Stream::ask(&project, &["--help"]).stdout);
    let list = help.split("The guide: devgroup help TOPIC\n").nth(1).expect("the guide in the help");
    let list = list.split("\n\n").next().unwrap();
    let listed = list.split(',').map(|topic| topic.trim().to_owned()).collect();
    let topics = topics();
    assert_eq!(topics, listed);
    for topic in topics {
        let link = format!("| [{topic}](assets/guide/{topic}.md) | ");
        assert!(readme.contains(&link), "the README should have a row with {link}");
        let printed = Stream::ask(&project, &["help", &topic]);
        let title = guide(&topic).lines().next().unwrap().trim_start_matches("# ").to_owned();
        assert_eq!((printed.code, printed.stdout.lines().next()), (Some(0), Some(title.as_str())), "{topic}");
    }
}

#[test]
fn each_link_leads_somewhere() {
    let others = ["CHANGELOG.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md", "src/ARCHITECTURE.md"];
    let all: Vec<_> = pages().into_iter().chain(others.map(|path| (path.into(), read(path)))).collect();
    let broken: Vec<_> = all.iter().flat_map(|(path, text)| broken_links(Path::new(path), text)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(all.iter().map(|(_, text)| links(text).len()).sum::<usize>() > 30);
}

/// The links of a page that lead to no file or no heading of this repository, each as a sentence. Addresses are not asked.
fn broken_links(page: &Path, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for link in links(text).into_iter().filter(|link| !link.contains("://")) {
        let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
        let target = root().join(page).with_file_name(file);
        if !file.is_empty() && !target.exists() {
            broken.push(format!("{}: there is no {link}", page.display()));
        } else if !anchor.is_empty() {
            let headings = if file.is_empty() { anchors(text) } else { anchors(&fs::read_to_string(&target).unwrap()) };
            if !headings.iter().any(|heading| heading == anchor) {
                broken.push(format!("{}: {link} is none of {headings:?}", page.display()));
            }
        }
    }
    broken
}

/// What Markdown and pictures refer to.
fn links(text: &str) -> Vec<String> {
    let text = without_code(text);
    let after = |start: &str, end: char| {
        let parts: Vec<_> = text.split(start).skip(1).map(|rest| rest.split(end).next().unwrap().to_owned()).collect();
        parts
    };
    [after("](", ')'), after(" src=\"", '"'), after(" srcset=\"", '"'), after(" href=\"", '"')].concat()
}

/// A page without what stands between fences or in code.
fn without_code(text: &str) -> String {
    let prose = text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n");
    prose.split('`').step_by(2).collect()
}

/// What leads to each heading: its words in small letters, with `-` in place of blanks.
fn anchors(text: &str) -> Vec<String> {
    let prose = text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n");
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let letters = heading.to_lowercase().replace(' ', "-");
        letters.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn broken_links_are_found() {
    let page = Path::new("assets/guide/watch.md");
    let found = |text: &str| broken_links(page, text).len();
    let good = "# A b, `c`\n[x](keys.md) [y](#a-b-c) [z](../../README.md#install) [w](https://x.y/z#a) `[n](no)`\n```\n[n](no)\n```\n";
    assert_eq!(broken_links(page, good), [""; 0]);
    for bad in
        ["[x](key.md)", "[x](keys.md#nothing)", "<img src=\"no.svg\">", "<source srcset=\"no.svg\">", "[x](../no)"]
    {
        assert_eq!(found(bad), 1, "{bad}");
    }
}

#[test]
fn the_pictures_are_whole_and_show_nothing_of_the_machine_that_drew_them() {
    for name in ["dark", "light", "recording"] {
        let picture = read(&format!("assets/pictures/{name}.svg"));
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{name}");
        assert!(picture.contains(">devgroup"), "{name}: where is the title bar?");
        for place in ["/tmp/", "/root/", "/home/"].iter().filter(|place| picture.contains(**place)) {
            assert!(*place == "/home/" && picture.contains("/home/ada/project"), "{name} shows {place}");
        }
    }
    assert!(root().join("assets/pictures/recording.svg").metadata().unwrap().len() <= RECORDING_BYTES);
}
