//! `go.mod`: the main packages of a module, and which of them serve.

use super::name_by_folder;
use crate::init::draft::{Draft, Found};
use crate::init::names::{below, file_name, folder_of};
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

/// Reads the main packages below the folder of `go.mod`.
pub(super) fn read(path: &str, text: &str, repository: &dyn Repository, found: &mut Found) -> Result<(), String> {
    let module = text.lines().find_map(|line| line.trim().strip_prefix("module ")).ok_or("it names no module")?;
    let module = module.trim().trim_matches('"').split("//").next().unwrap_or(module).trim();
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
            found.skip(file, format!("{name}: nothing that it imports tells a server"));
            continue;
        };
        let mut draft = if air && relative.is_empty() {
            Draft::guess(name, "air", &below(root, ".air.toml"))
        } else {
            let line = if relative.is_empty() { "go run .".into() } else { format!("go run ./{relative}") };
            let mut draft = Draft::guess(name, line, file);
            draft.remarks.push(format!("it imports {}, so it is taken for a server", server.trim_matches('"')));
            draft
        };
        root.clone_into(&mut draft.dir);
        found.drafts.push(draft);
    }
    Ok(())
}
