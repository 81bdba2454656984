//! Groups of several files: what each may say, what local files lay over them, and that every place is named rightly.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{plain, service};
use crate::config::{Diagnostic, Diagnostics, Loaded, load, load_of, service_names};
use crate::config::{Foreign, Owners};
use crate::domain::{Condition, GroupSpec, SpecPattern, WatchFiles};

/// A folder with these files.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let files_of = Self { folder: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(file, text)| files_of.write(file, text));
        files_of
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn load(&self) -> Result<Loaded, Diagnostics> {
        load(&self.path("procgroup.toml"))
    }

    fn good(&self) -> GroupSpec {
        self.load().unwrap_or_else(|problems| panic!("{}", problems.render(plain()))).spec
    }

    /// All problems, each as its code, the place of every label, and what stands there.
    fn problems(&self) -> Vec<String> {
        let found = match self.load() {
            Ok(loaded) => loaded.warnings,
            Err(problems) => problems,
        };
        found.items.iter().map(|item| told(&found, item)).collect()
    }
}

fn told(found: &Diagnostics, item: &Diagnostic) -> String {
    let places = item.labels.iter().map(|label| {
        let (line, column) = found.place(&label.span);
        let text = found.text().get(label.span.clone()).unwrap().lines().next().unwrap_or_default();
        format!(" {}:{line}:{column} {text}", found.file_name(found.file_at(&label.span)))
    });
    let places: String = places.collect();
    let place = if places.is_empty() { format!(" {}", found.file_name(found.file_of(item))) } else { places };
    format!("{}{place}", item.code)
}

const ALL: &str = "include = ['services/*/procgroup.toml']\n";

#[test]
fn each_file_keeps_its_folder_its_defaults_and_its_lists() {
    let files = Files::new(&[
        (
            "procgroup.toml",
            "include = ['services/*/procgroup.toml']\n[defaults]\nrestart = 'always'\n[watch]\nignore = ['top/']\n\
             [services]\ndb = { run = 'db', depends_on = ['api'] }\n",
        ),
        (
            "services/api/procgroup.toml",
            "[defaults]\nenv = { A = '1' }\n[watch]\nignore = ['/gen']\nalso = ['x.cfg']\ndebounce = '9s'\n[services.api]\n\
             run = 'api'\nwatch = ['src/**']\nignore = ['*.md']\nenv_file = '.env'\n[services.all]\nrun = 'all'\nwatch = true\n",
        ),
        ("services/api/.env", "B = 2\n"),
        ("services/web/procgroup.toml", "[services]\nweb = { run = 'web', depends_on = ['db'], dir = 'app' }\n"),
        ("services/web/app/x", ""),
    ]);
    let spec = files.good();
    let names: Vec<&str> = spec.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["db", "api", "all", "web"]);
    let [db, api, all, web] = ["db", "api", "all", "web"].map(|name| service(&spec, name));
    let root = |folder: &str| files.path(folder);
    assert_eq!((&db.root, &api.root, &web.root), (&root(""), &root("services/api"), &root("services/web")));
    assert_eq!(web.dir.known(), Some(&root("services/web/app")));
    assert_eq!(api.env_files.iter().map(|file| file.path.clone()).collect::<Vec<_>>(), [root("services/api/.env")]);
    assert_eq!((&*db.file, &*api.file), ("procgroup.toml", "services/api/procgroup.toml"));
    // Of `[defaults]`, and of those of the others nothing.
    assert_eq!((api.env.len(), web.env.len(), db.env.len()), (1, 0, 0));
    assert_ne!(db.restart, api.restart);
    assert_eq!((api.debounce.as_secs(), web.debounce), (9, db.debounce));
    assert_eq!(web.depends_on[0].until, Condition::Ready);
    let pattern = |text: &str, line, file: Option<&str>| SpecPattern {
        text: text.into(),
        line,
        file: file.map(std::sync::Arc::from),
    };
    let file = Some("services/api/procgroup.toml");
    assert_eq!(api.watch, WatchFiles::Globs(vec![pattern("src/**", 9, file)]));
    assert!(matches!(&all.watch, WatchFiles::All { line: 14, file: Some(named) } if Some(&**named) == file));
    assert_eq!(api.ignore, [pattern("*.md", 10, file)]);
    assert_eq!((&api.file_ignore, &api.file_also), (&vec![pattern("/gen", 4, file)], &vec![pattern("x.cfg", 5, file)]));
    assert_eq!((web.file_ignore.len(), web.file_also.len(), db.file_also.len()), (0, 0, 0));
    assert_eq!(spec.watch.ignore, [pattern("top/", 5, None)]);
    assert_eq!(spec.files, ["procgroup.toml", "services/api/procgroup.toml", "services/web/procgroup.toml"].map(root));
    assert_eq!(spec.include, ["services/*/procgroup.toml"]);
}

#[test]
fn what_is_wrong_is_named_with_its_file() {
    let files = Files::new(&[
        ("procgroup.toml", &format!("{ALL}[services]\ndb = 'db'\n")),
        ("services/a/procgroup.toml", "[services]\nb = 'one'\nx = { run = 'x', wacth = true }\n"),
        (
            "services/b/procgroup.toml",
            "\nname = 'b'\ninclude = ['../a/procgroup.toml']\n[watch]\nbackend = 'poll'\n[logs]\nfiles = true\n[services]\n\
             b = 'two'\nc = { run = 'c', depends_on = ['dbb', 'c'] }\n",
        ),
    ]);
    assert_eq!(
        files.problems(),
        [
            "unknown-key services/a/procgroup.toml:3:18 wacth",
            "misplaced services/b/procgroup.toml:2:1 name",
            "misplaced services/b/procgroup.toml:3:1 include",
            "misplaced services/b/procgroup.toml:5:1 backend",
            "misplaced services/b/procgroup.toml:6:2 logs",
            "name-clash services/b/procgroup.toml:9:1 b services/a/procgroup.toml:2:1 b",
            "unknown-service services/b/procgroup.toml:10:32 'dbb'",
            "cycle services/b/procgroup.toml:10:39 'c'",
        ]
    );
    let drawn = files.load().unwrap_err().render(plain());
    for part in
        ["╭─[services/b/procgroup.toml:9:1]", "├─[services/a/procgroup.toml:2:1]", " 9 │ b = 'two'", " 2 │ b = 'one'"]
    {
        assert!(drawn.contains(part), "{part}\n{drawn}");
    }
    let summary = files.load().unwrap_err().summary();
    assert!(summary.starts_with("services/a/procgroup.toml:3:18: unknown key `wacth`"), "{summary}");
}

#[test]
fn two_files_that_include_each_other_are_an_error() {
    let files = Files::new(&[
        ("procgroup.toml", "include = ['a/procgroup.toml', 'procgroup.toml', '*.toml']\n"),
        ("a/procgroup.toml", "include = ['procgroup.toml']\n[services]\na = 'a'\n"),
    ]);
    assert_eq!(files.problems(), ["misplaced a/procgroup.toml:1:1 include"]);
    // The file itself, found by its own pattern, is no other one.
    files.write("a/procgroup.toml", "[services]\na = 'a'\n");
    assert_eq!(files.problems(), [""; 0]);
    assert_eq!(files.good().services.len(), 1);
}

#[test]
fn a_path_must_exist_and_a_pattern_may_find_nothing() {
    let files = Files::new(&[
        (
            "procgroup.toml",
            "include = ['a/*.toml', 'b/procgroup.toml', 's/*', '/x', '../x', 'c/**/x', 'd/', 1]\n[services]\nx = 'x'\n",
        ),
        ("s/a/procgroup.toml", "[services]\na = 'a'\n"),
    ]);
    assert_eq!(
        files.problems(),
        [
            "unmatched-include procgroup.toml:1:12 'a/*.toml'",
            "include procgroup.toml:1:24 'b/procgroup.toml'",
            "unmatched-include procgroup.toml:1:44 's/*'",
            "include procgroup.toml:1:51 '/x'",
            "include procgroup.toml:1:57 '../x'",
            "include procgroup.toml:1:65 'c/**/x'",
            "include procgroup.toml:1:75 'd/'",
            "type procgroup.toml:1:81 1",
        ]
    );
    let drawn = files.load().unwrap_err().render(plain());
    assert!(drawn.contains("did you mean \"s/*/procgroup.toml\"?"), "{drawn}");
    files.write("procgroup.toml", "include = ['a/*.toml']\n");
    assert_eq!(files.problems(), ["unmatched-include procgroup.toml:1:12 'a/*.toml'"]);
    files.write("procgroup.toml", "include = 'a/*.toml'\n[services]\nx = 'x'\n");
    assert_eq!(files.problems(), ["type procgroup.toml:1:11 'a/*.toml'"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_nothing_else_is_guessed() {
    let files = Files::new(&[
        ("procgroup.toml", &format!("{ALL}[services]\ndb = {{ run = 'db', depends_on = ['a', 'b'] }}\n")),
        ("services/a/procgroup.toml/x", ""),
    ]);
    fs::create_dir_all(files.path("services/b")).unwrap();
    fs::write(files.path("services/b/procgroup.toml"), b"[services]\nb = '\xff'\n").unwrap();
    assert_eq!(
        files.problems(),
        [
            "unreadable procgroup.toml:1:12 'services/*/procgroup.toml'",
            "not-utf8 services/b/procgroup.toml:2:6 \u{fffd}",
        ]
    );
    // What is known is told: a name that is like one that was read.
    let slips = "[services]\ndb = { run = 'db', depends_on = ['mial', 'a'] }\nmail = 'mail'\n";
    files.write("procgroup.toml", &format!("include = ['services/a/procgroup.toml']\n{slips}"));
    assert_eq!(
        files.problems(),
        ["unreadable procgroup.toml:1:12 'services/a/procgroup.toml'", "unknown-service procgroup.toml:3:34 'mial'"]
    );
    files.write("procgroup.toml", "include = ['services/a/procgroup.toml']\n[services]\ndb = 'db'\n");
    assert_eq!(files.problems(), ["unreadable procgroup.toml:1:12 'services/a/procgroup.toml'"]);
    fs::remove_dir_all(files.path("services/a")).unwrap();
    files.write("procgroup.toml", ALL);
    files.write("services/b/procgroup.toml", "services:\n  b: run\n");
    assert_eq!(files.problems(), ["not-toml services/b/procgroup.toml:2:4 :"]);
    files.write("services/b/procgroup.toml", "[services]\nb = 'b'\nc =\n");
    assert_eq!(files.problems(), ["syntax services/b/procgroup.toml:3:4 "]);
    files.write("services/b/procgroup.toml", "");
    assert_eq!(files.problems(), ["no-services services/b/procgroup.toml:1:1 "]);
    fs::set_permissions(files.path("services/b/procgroup.toml"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(files.path("services/b/procgroup.toml")).is_err() {
        assert_eq!(files.problems(), ["unreadable procgroup.toml:1:12 'services/*/procgroup.toml'"]);
    }
}

#[test]
fn local_files_are_laid_over_the_file_beside_them() {
    let files = Files::new(&[
        (
            "procgroup.toml",
            &format!("{ALL}[services]\ndb = {{ run = 'db', env = {{ A = '1', B = '2' }} }}\nmail = 'mail'\n"),
        ),
        (
            "procgroup.local.toml",
            "[services]\nmail = false\nweb = false\n[services.db]\nenv = { B = '3' }\nwatch = ['x/**']\n",
        ),
        ("services/api/procgroup.toml", "[services]\napi = 'api'\n"),
        ("services/api/procgroup.local.toml", "[services.api]\nenv = { LOG = 'debug' }\n"),
        ("services/web/procgroup.toml", "[services]\nweb = 'web'\n"),
    ]);
    let spec = files.good();
    let names: Vec<&str> = spec.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["db", "api"]);
    let db = service(&spec, "db");
    assert_eq!(db.env, [("A", "1"), ("B", "3")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    let WatchFiles::Globs(globs) = &db.watch else { panic!("{:?}", db.watch) };
    assert_eq!((globs[0].line, globs[0].file.as_deref()), (6, Some("procgroup.local.toml")));
    assert_eq!(service(&spec, "api").env.len(), 1);
    assert_eq!(
        spec.files,
        [
            "procgroup.toml",
            "procgroup.local.toml",
            "services/api/procgroup.toml",
            "services/api/procgroup.local.toml",
            "services/web/procgroup.toml",
        ]
        .map(|file| files.path(file))
    );
    let names: Vec<String> =
        service_names(&files.path("procgroup.toml"), Owners::Any).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["db", "api"]);
    // By another name beside another file.
    files.write("x.toml", "[services]\na = 'a'\nb = 'b'\n");
    files.write("x.local.toml", "[services]\nb = false\n");
    assert_eq!(load(&files.path("x.toml")).unwrap().spec.services.len(), 1);
}

#[test]
fn what_a_local_file_gets_wrong_stands_in_it() {
    let files = Files::new(&[
        (
            "procgroup.toml",
            &format!("{ALL}[services]\ndb = 'db'\nmail = {{ run = 'mail', depends_on = ['cache'] }}\ncache = 'c'\n"),
        ),
        (
            "procgroup.local.toml",
            "[services]\ncache = false\nnobody = false\ndb = { restart = 'sometimes' }\napi = { env = { A = '1' } }\n",
        ),
        ("services/api/procgroup.toml", "[services]\napi = 'api'\n"),
        ("services/api/procgroup.local.toml", "[services]\ndb = false\n[logs]\nfiles = true\n"),
    ]);
    assert_eq!(
        files.problems(),
        [
            "unknown-service procgroup.toml:4:38 'cache' procgroup.local.toml:2:1 cache = false",
            "unknown-service procgroup.local.toml:3:1 nobody = false",
            "value procgroup.local.toml:4:18 'sometimes'",
            "name-clash procgroup.local.toml:5:1 api services/api/procgroup.toml:2:1 api",
            "unknown-service services/api/procgroup.local.toml:2:1 db = false",
            "misplaced services/api/procgroup.local.toml:3:2 logs",
        ]
    );
    let drawn = files.load().unwrap_err().render(plain());
    assert!(drawn.contains("write this into services/api/procgroup.local.toml"), "{drawn}");
    // In the file itself it takes nothing out.
    let files = Files::new(&[("procgroup.toml", "[services]\na = 'a'\nb = false\n")]);
    assert_eq!(files.problems(), ["taken-out procgroup.toml:3:5 false"]);
    let drawn = files.load().unwrap_err().render(plain());
    assert!(drawn.contains("write this into procgroup.local.toml, or remove it here"), "{drawn}");
}

#[test]
fn a_local_file_that_git_would_hand_on_is_warned_of() {
    let files =
        Files::new(&[("procgroup.toml", "[services]\na = 'a'\n"), ("procgroup.local.toml", "[services]\nb = 'b'\n")]);
    let warned = |is_ignored: Option<bool>| {
        let mut loaded = files.load().unwrap();
        loaded.warn_local(&|file| {
            assert_eq!(file, files.path("procgroup.local.toml"));
            is_ignored
        });
        loaded.warnings.items.iter().map(|item| told(&loaded.warnings, item)).collect::<Vec<_>>()
    };
    assert_eq!(warned(Some(false)), ["local-file procgroup.local.toml"]);
    assert_eq!((warned(Some(true)).len(), warned(None).len()), (0, 0));
    let mut loaded = files.load().unwrap();
    loaded.warn_unread(&[Foreign::new(PathBuf::from("/a/procgroup.toml"), 61_234)]);
    assert!(loaded.warnings.items[0].message.contains("belongs to user 61234: it is not read"));
}

#[test]
fn every_file_is_asked_whose_it_is() {
    let files = Files::new(&[
        ("procgroup.toml", ALL),
        ("services/api/procgroup.toml", "[services]\napi = 'api'\n"),
        ("services/api/procgroup.local.toml", "[services]\napi = 'mine'\n"),
    ]);
    let nobody = Owners::Ours { user: 61_234, caller: None };
    let own = Path::new("procgroup.toml");
    let Err(refused) = load_of(&files.path("procgroup.toml"), nobody) else {
        // Root's files are good for everybody.
        return assert!(rustix::process::geteuid().is_root());
    };
    assert_eq!(refused.items[0].code, "foreign", "{own:?}");
}
