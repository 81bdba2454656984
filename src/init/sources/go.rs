//! `go.mod`: the main packages of a module, and which of them serve.

use super::name_by_folder;
use crate::init::draft::{Draft, Found};
use crate::init::names::{below, comes_to_an_end, file_name, folder_of, join};
use crate::init::repository::Repository;

/// Imports by which a program is known to serve.
const SERVERS: [&str; 10] = [
    "\"net/http\"",
    "gin-gonic/gin",
    "labstack/echo",
    "gofiber/fiber",
    "go-chi/chi",
    "gorilla/mux",
    "google.golang.org/grpc",
    "connectrpc.com/connect",
    "valyala/fasthttp",
    "net/rpc",
];

/// The folders of the modules of the repository that the one of a folder depends on, directly or not: those of `go.work`
/// by their names, and others by `replace … => ../shared`.
pub(in crate::init) fn needed_folders(repository: &dyn Repository, dir: &str) -> Vec<String> {
    let there = |folder: &str| repository.files().contains(&below(folder, "go.mod"));
    let mut above = std::iter::successors(Some(dir), |folder| (!folder.is_empty()).then(|| folder_of(folder)));
    let Some(own) = above.find(|folder| there(folder)) else { return Vec::new() };
    let text =
        |path: &str| repository.files().iter().any(|file| file == path).then(|| repository.text(path).ok()).flatten();
    let roots = std::iter::successors(Some(own), |folder| (!folder.is_empty()).then(|| folder_of(folder)));
    let work = roots.filter_map(|root| Some((root, text(&below(root, "go.work"))?))).next();
    let used: Vec<(String, String)> = work
        .iter()
        .flat_map(|(root, text)| entries(text, "use").filter_map(|line| join(root, line)))
        .filter_map(|folder| Some((module(&text(&below(&folder, "go.mod"))?)?, folder)))
        .collect();
    let mut folders = vec![own.to_owned()];
    let mut next = 0;
    while let Some(folder) = folders.get(next).cloned() {
        next += 1;
        let Some(text) = text(&below(&folder, "go.mod")) else { continue };
        let required = entries(&text, "require").filter_map(|line| line.split_whitespace().next());
        let of_work = required.filter_map(|name| used.iter().find(|(module, _)| module == name));
        let replaced = entries(&text, "replace").filter_map(|line| line.split_once("=>"));
        let replaced = replaced.map(|(_, path)| path.trim()).filter(|path| path.starts_with('.'));
        let needed = of_work.map(|(_, folder)| folder.clone()).chain(replaced.filter_map(|path| join(&folder, path)));
        for folder in needed {
            if there(&folder) && !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    // What lies below it is watched already.
    folders.retain(|folder| folder != own && !folder.starts_with(&below(dir, "")));
    folders
}

/// What stands behind a word of `go.mod` or `go.work`, a line each, also in brackets.
fn entries<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    let mut inside = false;
    text.lines().map(|line| line.split("//").next().unwrap_or(line).trim()).filter_map(move |line| {
        let behind = line.strip_prefix(word).filter(|rest| rest.starts_with([' ', '\t', '(']));
        match (inside, behind.map(str::trim)) {
            (false, Some("(")) => inside = true,
            (false, behind) => return behind,
            (true, _) if line == ")" => inside = false,
            (true, _) => return Some(line).filter(|line| !line.is_empty()),
        }
        None
    })
}

/// The name of the module.
fn module(text: &str) -> Option<String> {
    entries(text, "module").next().map(|name| name.trim_matches('"').to_owned())
}

/// Reads the main packages below the folder of `go.mod`.
pub(super) fn read(path: &str, text: &str, repository: &dyn Repository, found: &mut Found) -> Result<(), String> {
    let module = &module(text).ok_or("no `module` line")?;
    let root = folder_of(path);
    let air = repository.files().contains(&below(root, ".air.toml"));
    let prefix = below(root, "");
    // A folder below may be a module of its own.
    let modules: Vec<&str> =
        repository.files().iter().filter(|file| file_name(file) == "go.mod").map(|file| folder_of(file)).collect();
    let is_others =
        |file: &str| modules.iter().any(|module| module.len() > root.len() && file.starts_with(&below(module, "")));
    let of_root = |file: &&String| file.starts_with(&prefix) && file_name(file) == "main.go" && !is_others(file);
    for file in repository.files().iter().filter(of_root) {
        let Ok(text) = repository.text(file) else { continue };
        if !text.lines().any(|line| line.trim() == "package main") {
            continue;
        }
        let folder = folder_of(file);
        let relative = folder.strip_prefix(&prefix).unwrap_or(if folder == root { "" } else { folder });
        let own = name_by_folder(root, module.rsplit('/').next().unwrap_or(module));
        let name = match file_name(folder) {
            "" | "server" | "cmd" | "src" => own,
            _ if folder == root => own,
            name => name,
        };
        // What it starts may stand in a package of its own.
        let serves = SERVERS.iter().find(|server| text.contains(**server)).copied();
        let serves = serves.or_else(|| {
            let of_package =
                |other: &&String| folder_of(other) == folder && other.ends_with(".go") && !other.ends_with("_test.go");
            repository.files().iter().filter(of_package).find_map(|other| {
                let text = repository.text(other).ok()?;
                SERVERS.iter().find(|server| text.contains(**server)).copied()
            })
        });
        let Some(server) = serves else {
            found.skip(file, format!("{name}: imports no known server library"));
            continue;
        };
        if !relative.is_empty() && comes_to_an_end(name) {
            found.skip(file, format!("{name}: its name suggests a job; if not: run = \"go run ./{relative}\""));
            continue;
        }
        let mut draft = if air && relative.is_empty() {
            Draft::guess(name, "air", &below(root, ".air.toml"))
        } else {
            let line = if relative.is_empty() { "go run .".into() } else { format!("go run ./{relative}") };
            let mut draft = Draft::guess(name, line, file);
            draft.remarks.push(format!("imports {}: probably a server", server.trim_matches('"')));
            draft
        };
        root.clone_into(&mut draft.dir);
        found.drafts.push(draft);
    }
    let config = below(root, ".air.toml");
    if air && !found.drafts.iter().any(|draft| draft.source == config) {
        found.skip(&config, "its build settings are not read; to run it with air: run = \"air\", without `watch`");
    }
    Ok(())
}
