//! `Cargo.toml`: the binaries of a package or a workspace, and which of them serve.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::init::draft::{Draft, Found};
use crate::init::names::{below, comes_to_an_end, file_name, folder_of, join, matching_folders};
use crate::init::repository::Repository;

/// Libraries by which a program is known to serve.
const SERVERS: [&str; 18] = [
    "axum",
    "actix-web",
    "warp",
    "rocket",
    "tonic",
    "hyper",
    "poem",
    "salvo",
    "tide",
    "ntex",
    "gotham",
    "viz",
    "loco-rs",
    "tungstenite",
    "tokio-tungstenite",
    "lapin",
    "rdkafka",
    "apalis",
];

struct Manifest {
    folder: String,
    table: Table,
}

impl Manifest {
    fn read(repository: &dyn Repository, folder: &str) -> Option<Self> {
        let path = below(folder, "Cargo.toml");
        if !repository.files().contains(&path) {
            return None;
        }
        let table = repository.text(&path).ok()?.parse().ok()?;
        Some(Self { folder: folder.to_owned(), table })
    }

    fn name(&self) -> Option<&str> {
        self.table.get("package")?.get("name")?.as_str()
    }

    /// Its programs, as cargo finds them.
    fn binaries(&self, repository: &dyn Repository) -> Vec<String> {
        let Some(package) = self.name() else { return Vec::new() };
        let there = |path: &str| repository.files().contains(&below(&self.folder, path));
        let mut names = BTreeSet::new();
        if there("src/main.rs") {
            names.insert(package.to_owned());
        }
        let folder = below(&self.folder, "src/bin/");
        for file in repository.files().iter().filter_map(|file| file.strip_prefix(&folder)) {
            let name = file.strip_suffix("/main.rs").or_else(|| file.strip_suffix(".rs"));
            names.extend(name.filter(|name| !name.contains('/')).map(str::to_owned));
        }
        let mut moved_main = false;
        for bin in self.table.get("bin").and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = bin.get("name").and_then(Value::as_str) else { continue };
            moved_main |=
                bin.get("path").and_then(Value::as_str).is_none_or(|path| path == "src/main.rs") && name != package;
            names.insert(name.to_owned());
        }
        if moved_main {
            names.remove(package);
        }
        names.into_iter().collect()
    }

    fn server(&self) -> Option<&'static str> {
        let dependencies = self.table.get("dependencies")?.as_table()?;
        SERVERS.iter().find(|server| dependencies.contains_key(**server)).copied()
    }

    fn paths(&self) -> impl Iterator<Item = String> {
        let tables =
            ["dependencies", "build-dependencies"].into_iter().filter_map(|name| self.table.get(name)?.as_table());
        let paths = tables.flatten().filter_map(|(_, dependency)| dependency.get("path")?.as_str());
        paths.filter_map(|path| join(&self.folder, path))
    }

    fn is_workspace(&self) -> bool {
        self.table.contains_key("workspace")
    }
}

/// The package at the root, and the members of its workspace.
fn manifests(root: &Manifest, repository: &dyn Repository) -> Vec<Manifest> {
    let list = |key: &str| -> Vec<String> {
        let list = root.table.get("workspace").and_then(|workspace| workspace.get(key)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut members = list("members");
    members.extend(list("exclude").into_iter().map(|pattern| format!("!{pattern}")));
    let files = repository.files().iter().filter(|file| file_name(file) == "Cargo.toml");
    let folders = files.map(|file| folder_of(file)).filter(|folder| *folder != root.folder);
    let folders = matching_folders(&members, &root.folder, folders);
    folders.into_iter().filter_map(|folder| Manifest::read(repository, folder)).collect()
}

/// Reads the package or the workspace at the root.
pub(super) fn read(path: &str, text: &str, repository: &dyn Repository, found: &mut Found) -> Result<(), String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let root = Manifest { folder: folder_of(path).to_owned(), table };
    let members = manifests(&root, repository);
    let workspace = root.is_workspace();
    for manifest in [&root].into_iter().chain(&members) {
        let Some(package) = manifest.name() else { continue };
        let path = below(&manifest.folder, "Cargo.toml");
        let binaries = manifest.binaries(repository);
        let default = manifest.table.get("package").and_then(|p| p.get("default-run")).and_then(Value::as_str);
        let several = binaries.len() > 1;
        let line = |binary: &String| {
            let of_package = if workspace { format!(" -p {package}") } else { String::new() };
            let of_binary = if several && default != Some(binary) { format!(" --bin {binary}") } else { String::new() };
            format!("cargo run{of_package}{of_binary}")
        };
        let Some(server) = manifest.server() else {
            for binary in &binaries {
                let why = "none of its dependencies is a known server library";
                found.skip(&path, format!("{binary}: {why}; if it is a server: run = \"{}\"", line(binary)));
            }
            continue;
        };
        for binary in &binaries {
            if several && comes_to_an_end(binary) {
                let line = line(binary);
                found.skip(&path, format!("{binary}: its name suggests a job; if not: run = \"{line}\""));
                continue;
            }
            let mut draft = Draft::guess(binary, line(binary), &path);
            root.folder.clone_into(&mut draft.dir);
            draft.remarks.push(format!("depends on {server}: probably a server"));
            draft.covers.push(format!("cargo:{binary}"));
            if !several {
                draft.covers.push(format!("cargo:{package}"));
                draft.covers.push(format!("cargo-in:{}", manifest.folder));
            }
            found.drafts.push(draft);
        }
    }
    Ok(())
}

/// What a program of cargo is built from: patterns for its own sources and those of the packages of the repository that it
/// depends on.
pub(in crate::init) fn sources(repository: &dyn Repository, dir: &str, package: Option<&str>) -> Vec<String> {
    // The workspace may be that of a folder above.
    let roots = std::iter::successors(Some(dir), |folder| (!folder.is_empty()).then(|| folder_of(folder)));
    let root = roots.filter_map(|folder| Manifest::read(repository, folder)).last();
    let Some(root) = root else { return vec![below(dir, "**/*.rs")] };
    let members = manifests(&root, repository);
    let own = match package {
        Some(package) => [&root].into_iter().chain(&members).find(|manifest| manifest.name() == Some(package)),
        None => [&root].into_iter().chain(&members).find(|manifest| manifest.folder == dir),
    };
    let Some(own) = own.filter(|own| own.name().is_some()) else {
        return vec![
            below(&root.folder, "**/*.rs"),
            below(&root.folder, "**/Cargo.toml"),
            below(&root.folder, "Cargo.lock"),
        ];
    };
    let mut folders = vec![own.folder.clone()];
    let mut next = 0;
    while let Some(folder) = folders.get(next).cloned() {
        next += 1;
        let Some(manifest) = Manifest::read(repository, &folder) else { continue };
        // `name.workspace = true`: the path stands in the root.
        let inherited = root.table.get("workspace").and_then(|w| w.get("dependencies")).and_then(Value::as_table);
        let wanted = manifest.table.get("dependencies").and_then(Value::as_table);
        let inherited =
            inherited.into_iter().flatten().filter(|(name, _)| wanted.is_some_and(|table| table.contains_key(*name)));
        let inherited = inherited.filter_map(|(_, value)| join(&root.folder, value.get("path")?.as_str()?));
        for path in manifest.paths().chain(inherited) {
            if !folders.contains(&path) {
                folders.push(path);
            }
        }
    }
    let mut globs: Vec<String> = Vec::new();
    for folder in &folders {
        // A package at the root of a workspace has the others below it.
        if *folder == root.folder {
            globs.extend(["src/**", "Cargo.toml"].map(|pattern| below(folder, pattern)));
        } else {
            globs.push(below(folder, "**"));
        }
    }
    let lock = below(&root.folder, "Cargo.lock");
    globs.extend(repository.files().contains(&lock).then_some(lock));
    globs
}
