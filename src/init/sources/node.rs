//! `package.json`: scripts, workspaces, and the package manager by its lock file.

use serde_json::Value;

use super::super::command::Command;
use super::name_by_folder;
use crate::init::draft::{Draft, Found, Ready};
use crate::init::names::{below, comes_to_an_end, file_name, folder_of, join, matching_folders};
use crate::init::repository::Repository;
use crate::init::yaml;

/// Programs that run the scripts of a package.
pub(in crate::init) const MANAGERS: [&str; 4] = ["npm", "pnpm", "yarn", "bun"];

/// Scripts that start what is developed, the likeliest first.
const STARTERS: [&str; 7] = ["dev", "start:dev", "develop", "serve", "watch", "start", "preview"];

/// Programs that run several scripts at once.
const TOGETHER: [&str; 7] = ["concurrently", "conc", "npm-run-all", "npm-run-all2", "run-p", "run-s", "wireit"];

/// Programs that run the scripts of all members of a workspace.
const ORCHESTRATORS: [&str; 4] = ["turbo", "nx", "lerna", "wsrun"];

/// The folder and the text of a script. The folder may be asked for as `@name`: the package of that name.
pub(in crate::init) fn script(repository: &dyn Repository, folder: &str, name: &str) -> Option<(String, String)> {
    let (folder, package) = match folder.strip_prefix('@') {
        Some(wanted) => {
            let mut files = repository.files().iter().filter(|file| file_name(file) == "package.json");
            files.find_map(|file| {
                let package = Package::read(repository, folder_of(file))?;
                let is_wanted = package.name == wanted || file_name(folder_of(file)) == wanted;
                is_wanted.then(|| (folder_of(file).to_owned(), package))
            })?
        }
        None => (folder.to_owned(), Package::read(repository, folder)?),
    };
    let (_, text) = package.scripts.iter().find(|(script, _)| script == name)?;
    Some((folder, text.clone()))
}

/// The folders of the packages of the repository that the one in a folder depends on, directly or not: members of its
/// workspace by their names, and others by their paths (`file:../ui`).
pub(in crate::init) fn needed_folders(repository: &dyn Repository, dir: &str) -> Vec<String> {
    // The package may lie above, and the workspace above that.
    let above = || std::iter::successors(Some(dir), |folder| (!folder.is_empty()).then(|| folder_of(folder)));
    let Some(own) = above().find(|folder| repository.files().contains(&below(folder, "package.json"))) else {
        return Vec::new();
    };
    let of_workspace = above().find_map(|root| {
        let folders = member_folders(repository, root);
        (root == own || folders.contains(&own)).then_some(folders).filter(|folders| !folders.is_empty())
    });
    let members = of_workspace.unwrap_or_default().into_iter();
    let members: Vec<(&str, Package)> =
        members.filter_map(|folder| Some((folder, Package::read(repository, folder)?))).collect();
    let mut folders = vec![own.to_owned()];
    let mut next = 0;
    while let Some(folder) = folders.get(next).cloned() {
        next += 1;
        let Some(package) = Package::read(repository, &folder) else { continue };
        for (name, version) in package.needs {
            let path = ["file:", "link:", "portal:"].iter().find_map(|kind| version.strip_prefix(kind));
            let needed = match path {
                Some(path) => join(&folder, path),
                None => members.iter().find(|(_, member)| member.name == name).map(|(folder, _)| (*folder).to_owned()),
            };
            let there = needed.filter(|needed| repository.files().contains(&below(needed, "package.json")));
            folders.extend(there.filter(|needed| !folders.contains(needed)));
        }
    }
    folders.retain(|folder| folder != own);
    folders
}

/// The folders of the members of the workspace that a folder is the root of.
fn member_folders<'r>(repository: &'r dyn Repository, root: &str) -> Vec<&'r str> {
    let mut members = Package::read(repository, root).map(|package| package.workspaces).unwrap_or_default();
    let of_pnpm = there(repository, &below(root, "pnpm-workspace.yaml")).and_then(|text| yaml::parse(&text).ok());
    members.extend(of_pnpm.and_then(|tree| Some(tree.get("packages")?.texts())).unwrap_or_default());
    let files = repository.files().iter().filter(|file| file_name(file) == "package.json");
    matching_folders(&members, root, files.map(|file| folder_of(file)).filter(|folder| *folder != root))
}

struct Package {
    name: String,
    scripts: Vec<(String, String)>,
    workspaces: Vec<String>,
    /// What it depends on while it runs, and which version.
    needs: Vec<(String, String)>,
    manager: Option<String>,
}

impl Package {
    fn read(repository: &dyn Repository, folder: &str) -> Option<Self> {
        let path = below(folder, "package.json");
        if !repository.files().contains(&path) {
            return None;
        }
        Self::parse(&repository.text(&path).ok()?).ok()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !json.is_object() {
            return Err("not an object".into());
        }
        let word = |value: &Value| value.as_str().map(str::to_owned);
        let scripts = json.get("scripts").and_then(Value::as_object).into_iter().flatten();
        let workspaces = json.get("workspaces");
        let workspaces = workspaces.and_then(|list| list.as_array().or_else(|| list.get("packages")?.as_array()));
        Ok(Self {
            name: json.get("name").and_then(word).unwrap_or_default(),
            scripts: scripts.filter_map(|(name, text)| Some((name.clone(), word(text)?))).collect(),
            workspaces: workspaces.into_iter().flatten().filter_map(word).collect(),
            needs: ["dependencies", "optionalDependencies", "peerDependencies"]
                .into_iter()
                .filter_map(|kind| json.get(kind)?.as_object())
                .flatten()
                .filter_map(|(name, version)| Some((name.clone(), word(version)?)))
                .collect(),
            manager: json.get("packageManager").and_then(word).and_then(|m| m.split('@').next().map(str::to_owned)),
        })
    }

    /// Its name without the scope: `web` of `@shop/web`.
    fn own_name(&self) -> Option<&str> {
        self.name.rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// A remark, if the service is called otherwise.
    fn other_name(&self, service: &str) -> Option<String> {
        let differs = !self.name.is_empty() && self.name != service;
        differs.then(|| format!("the package is named {}", self.name))
    }

    /// The script to start it with.
    fn starter(&self) -> Option<&(String, String)> {
        STARTERS.iter().find_map(|starter| self.scripts.iter().find(|(name, _)| name == starter))
    }
}

/// Reads the package at the root and the members of its workspace.
pub(super) fn read(path: &str, text: &str, repository: &dyn Repository, found: &mut Found) -> Result<(), String> {
    let root = folder_of(path);
    let package = Package::parse(text)?;
    let manager = manager(&package, root, repository);
    let of_pnpm = below(root, "pnpm-workspace.yaml");
    if let Some(Err(reason)) = there(repository, &of_pnpm).map(|text| yaml::parse(&text)) {
        found.skip(&of_pnpm, format!("malformed: {reason}"));
    }
    let mut of_members = 0;
    for folder in member_folders(repository, root) {
        of_members += usize::from(read_member(folder, &manager, repository, found));
    }
    of_nx(root, repository, found);
    let taken = read_root(path, &package, &manager, of_members > 0, repository, found);
    others(&package, &manager, &taken, path, found);
    Ok(())
}

/// Reads a member of the workspace. Whether it has become a service.
fn read_member(folder: &str, manager: &str, repository: &dyn Repository, found: &mut Found) -> bool {
    let path = below(folder, "package.json");
    let member = match repository.text(&path).and_then(|text| Package::parse(&text)) {
        Ok(member) => member,
        Err(reason) => {
            found.skip(&path, format!("cannot be used: {reason}"));
            return false;
        }
    };
    let mut taken = Vec::new();
    match member.starter() {
        Some((script, text)) => {
            let name = member.own_name().unwrap_or(file_name(folder));
            let mut draft = draft(name, manager, script, text, &path);
            draft.remarks.extend(member.other_name(name));
            draft.covers.push(format!("script:@{}:{script}", member.name));
            draft.covers.push(format!("script:@{}:{script}", file_name(folder)));
            folder.clone_into(&mut draft.dir);
            found.drafts.push(draft);
            taken.push(script.as_str());
        }
        None => found.skip(&path, "no script starts a service (dev, serve, watch, start)"),
    }
    others(&member, manager, &taken, &path, found);
    !taken.is_empty()
}

/// Reads what the package at the root starts. The scripts that are taken, or of which it is said why not.
fn read_root<'p>(
    path: &str,
    package: &'p Package,
    manager: &str,
    has_members: bool,
    repository: &dyn Repository,
    found: &mut Found,
) -> Vec<&'p str> {
    let root = folder_of(path);
    let Some((script, text)) = package.starter() else {
        if !has_members {
            found.skip(path, "no script starts a service (dev, serve, watch, start)");
        }
        return Vec::new();
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let recursive = words.iter().any(|word| ["-r", "--recursive", "--workspaces", "-ws", "workspaces"].contains(word));
    if has_members && (recursive || words.iter().any(|word| ORCHESTRATORS.contains(word))) {
        found.skip(path, format!("script {script}: starts the members, which are separate services here"));
        return vec![script];
    }
    if let Some(runner) = Command::read(text, root, repository).runner() {
        found.skip(path, format!("script {script}: {runner} starts a group of its own"));
        return vec![script];
    }
    let parts = parts(package, text);
    if parts.len() > 1 {
        let count = parts.len();
        found.skip(path, format!("script {script}: starts {count} at once, which are separate services here"));
        let taken = parts.iter().map(|(name, _)| name.as_str()).chain([script.as_str()]).collect();
        for (name, text) in parts {
            let short = name.rsplit(':').next().unwrap_or(name);
            let mut draft = draft(short, manager, name, text, path);
            root.clone_into(&mut draft.dir);
            // So that the script that starts them all is not started, too.
            draft.covers.push(format!("script:{root}:{script}"));
            found.drafts.push(draft);
        }
        return taken;
    }
    let name = name_by_folder(root, package.own_name().unwrap_or("web"));
    let mut draft = draft(name, manager, script, text, path);
    draft.remarks.extend(package.other_name(name));
    root.clone_into(&mut draft.dir);
    found.drafts.push(draft);
    vec![script]
}

/// Names each script besides those that are taken: those that may run on with the line for it, the others in one line.
fn others(package: &Package, manager: &str, taken: &[&str], path: &str, found: &mut Found) {
    let mut ending = Vec::new();
    for name in package.scripts.iter().map(|(name, _)| name.as_str()).filter(|name| !taken.contains(name)) {
        // npm runs it with the other one.
        let is_hook = ["pre", "post"].iter().any(|hook| {
            name.strip_prefix(hook).is_some_and(|rest| package.scripts.iter().any(|(other, _)| other == rest))
        });
        if is_hook {
            continue;
        }
        let first = taken.iter().find(|first| {
            STARTERS.contains(first) && (STARTERS.contains(&name) || name.starts_with(&format!("{first}:")))
        });
        if comes_to_an_end(name) {
            ending.push(name);
        } else if let Some(first) = first {
            let line = format!("run = \"{manager} run {name}\"");
            found.skip(path, format!("script {name}: {first} is used, and this may be the same; if not: {line}"));
        } else {
            found.skip(path, format!("script {name}: it may keep running; if so: run = \"{manager} run {name}\""));
        }
    }
    found.skip_ending(path, "script", &ending);
}

/// Names the projects of nx, which have no scripts.
fn of_nx(root: &str, repository: &dyn Repository, found: &mut Found) {
    if !repository.files().contains(&below(root, "nx.json")) {
        return;
    }
    let prefix = below(root, "");
    let projects = |file: &&String| file_name(file) == "project.json" && file.starts_with(&prefix);
    for file in repository.files().iter().filter(projects) {
        let json = repository.text(file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let name = json.as_ref().and_then(|json| json.get("name")?.as_str());
        let name = name.unwrap_or(file_name(folder_of(file))).to_owned();
        let targets = json.as_ref().and_then(|json| json.get("targets")?.as_object()).into_iter().flatten();
        for (target, _) in targets.filter(|(target, _)| !comes_to_an_end(target)) {
            found.skip(
                file,
                format!("target {target}: it may keep running; if so: run = \"npx nx run {name}:{target}\""),
            );
        }
    }
}

fn draft(name: &str, manager: &str, script: &str, text: &str, path: &str) -> Draft {
    let mut draft = Draft::guess(name, format!("{manager} run {script}"), path);
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c == '=').collect();
    let port = words.windows(2).find_map(|pair| match pair {
        ["--port" | "-p" | "PORT", port] => port.parse::<u16>().ok().filter(|port| *port > 0),
        _ => None,
    });
    if let Some(port) = port {
        draft.ready = Some(Ready::Port(port));
        draft.url = Some(format!("http://localhost:{port}"));
    }
    draft
}

/// The scripts that a script runs at once: `concurrently npm:dev:*`, `run-p css js`, `concurrently "npm run a" "npm run b"`.
fn parts<'a>(package: &'a Package, text: &str) -> Vec<(&'a String, &'a String)> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\'))
        .filter(|word| !word.is_empty())
        .collect();
    let Some(tool) = words.iter().find(|word| TOGETHER.contains(word)) else { return Vec::new() };
    let bare = tool.starts_with("run-") || tool.starts_with("npm-run-all");
    let mut parts = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| words.get(index)).copied().unwrap_or_default();
        let prefixed = MANAGERS.iter().find_map(|manager| word.strip_prefix(manager)?.strip_prefix(':'));
        let called = (before == "run" || MANAGERS.contains(&before)).then_some(*word);
        let Some(wanted) = prefixed.or(called).or_else(|| bare.then_some(*word)) else { continue };
        for (name, text) in &package.scripts {
            let matches = match wanted.split_once('*') {
                Some((start, _)) => name.starts_with(start) && !start.is_empty(),
                None => name == wanted,
            };
            if matches && !parts.iter().any(|(known, _)| *known == name) {
                parts.push((name, text));
            }
        }
    }
    parts
}

fn manager(package: &Package, root: &str, repository: &dyn Repository) -> String {
    const LOCKS: [(&str, &str); 6] = [
        ("pnpm-lock.yaml", "pnpm"),
        ("pnpm-workspace.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        ("package-lock.json", "npm"),
    ];
    let said = package.manager.clone().filter(|manager| MANAGERS.contains(&manager.as_str()));
    let by_lock = LOCKS.iter().find(|(lock, _)| repository.files().contains(&below(root, lock)));
    said.or_else(|| by_lock.map(|(_, manager)| (*manager).to_owned())).unwrap_or_else(|| "npm".into())
}

fn there(repository: &dyn Repository, path: &str) -> Option<String> {
    if repository.files().iter().any(|file| file == path) { repository.text(path).ok() } else { None }
}
