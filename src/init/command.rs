//! What a command starts, and what it would have to be restarted for.

use super::draft::Watch;
use super::names::{below, join};
use super::repository::Repository;
use super::sources::{cargo, go, node, python};
use crate::domain::self_reloader;

/// A command line, the folder it runs in, and what is behind it if it is a script of a package.
pub(super) struct Command {
    /// Words of the line; those of the script behind it are a command of their own.
    words: Vec<String>,
    dir: String,
    behind: Option<Box<Self>>,
}

/// What node, deno and bun read.
const SCRIPTS: &str = "**/*.{js,mjs,cjs,ts,tsx,json}";

/// Scripts call scripts; a circle of them ends.
const DEEPEST: usize = 4;

impl Command {
    /// Takes a line apart.
    pub(super) fn read(line: &str, dir: &str, repository: &dyn Repository) -> Self {
        Self::at_depth(line, dir, repository, 0)
    }

    fn at_depth(line: &str, dir: &str, repository: &dyn Repository, depth: usize) -> Self {
        let separator = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '"' | '\'');
        let words: Vec<String> = line.split(separator).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let mut dir = dir.to_owned();
        if let [cd, into, ..] = words.as_slice()
            && cd == "cd"
        {
            dir = join(&dir, into).unwrap_or(dir);
        }
        let mut command = Self { words, dir, behind: None };
        if depth < DEEPEST
            && let Some((folder, script)) = command.script()
            && let Some((folder, text)) = node::script(repository, &folder, &script)
        {
            command.behind = Some(Box::new(Self::at_depth(&text, &folder, repository, depth + 1)));
        }
        command
    }

    /// The program names of the line, without their folders, and what follows each.
    fn programs(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.words.iter().enumerate().map(|(index, word)| {
            (word.rsplit('/').next().unwrap_or(word), self.words.get(index + 1..).unwrap_or_default())
        })
    }

    /// The package script that the line runs: the folder of the package and the name of the script.
    fn script(&self) -> Option<(String, String)> {
        let (manager, rest) = self.programs().find(|(word, _)| node::MANAGERS.contains(word))?;
        let mut folder = self.dir.clone();
        let mut rest = rest.iter().map(String::as_str);
        while let Some(word) = rest.next() {
            match word {
                "--prefix" | "-C" | "--cwd" | "--dir" => folder = join(&folder, rest.next()?)?,
                "-w" | "--workspace" | "--filter" | "-F" | "workspace" => folder = format!("@{}", rest.next()?),
                "run" | "run-script" | "-s" | "--silent" => {}
                "exec" | "install" | "ci" | "i" | "add" | "x" | "dlx" | "create" | "init" => return None,
                word if word.starts_with('-') => {}
                script => return (manager != "npx").then(|| (folder, script.to_owned())),
            }
        }
        None
    }

    /// What it starts, as names that are equal if two commands start the same.
    pub(super) fn covers(&self) -> Vec<String> {
        let mut covers = Vec::new();
        let dir = &self.dir;
        if let Some((folder, script)) = self.script() {
            covers.push(format!("script:{folder}:{script}"));
        }
        for (program, rest) in self.programs() {
            let has = |word: &str| rest.iter().any(|next| next == word);
            let value = |name: &str| rest.iter().skip_while(|next| *next != name).nth(1);
            match program {
                "cargo" if has("run") => {
                    covers.push(match value("--bin").or(value("-p")).or(value("--package")) {
                        Some(name) => format!("cargo:{name}"),
                        None => format!("cargo-in:{dir}"),
                    });
                }
                "go" if has("run") => {
                    let path =
                        rest.iter().skip_while(|word| *word != "run").skip(1).find(|word| !word.starts_with('-'));
                    let path = path.and_then(|path| join(dir, path)).unwrap_or_else(|| dir.clone());
                    covers.push(format!("go:{}", path.strip_suffix("/main.go").unwrap_or(&path)));
                }
                "air" => covers.push(format!("go:{dir}")),
                "manage.py" if has("runserver") => covers.push(format!("django:{dir}")),
                "uvicorn" | "fastapi" | "hypercorn" | "gunicorn" | "flask" | "litestar" => {
                    covers.push(format!("python-web:{dir}"));
                }
                "celery" if has("worker") => covers.push(format!("celery:{dir}")),
                "rails" if has("server") || has("s") => covers.push(format!("rails:{dir}")),
                "puma" => covers.push(format!("rails:{dir}")),
                "sidekiq" => covers.push(format!("sidekiq:{dir}")),
                "mix" if has("phx.server") => covers.push(format!("phoenix:{dir}")),
                "docker" | "docker-compose" | "podman" | "podman-compose" if has("up") => {
                    let named =
                        rest.iter().skip_while(|word| *word != "up").skip(1).filter(|word| !word.starts_with('-'));
                    let mut named = named.map(|name| format!("compose:{name}")).peekable();
                    match named.peek() {
                        Some(_) => covers.extend(named),
                        None => covers.push("compose:*".into()),
                    }
                }
                "make" | "just" => {
                    covers.extend(
                        rest.iter().find(|word| !word.starts_with('-')).map(|name| format!("{program}:{name}")),
                    );
                }
                _ => {}
            }
        }
        for word in &self.words {
            if let Some(binary) = word.trim_start_matches("./").strip_prefix("target/") {
                covers.extend(binary.split_once('/').map(|(_, name)| format!("cargo:{name}")));
            }
        }
        covers.extend(self.behind.iter().flat_map(|behind| behind.covers()));
        covers
    }

    /// Whether it starts a group of its own, which a dashboard of ours would hide behind one service.
    pub(super) fn runner(&self) -> Option<&str> {
        const RUNNERS: [&str; 10] = [
            "foreman",
            "overmind",
            "hivemind",
            "honcho",
            "mprocs",
            "process-compose",
            "goreman",
            "tilt",
            "devgroup",
            "nf",
        ];
        self.programs().map(|(program, _)| program).find(|program| RUNNERS.contains(program))
    }

    /// Which files it is to be restarted for, and a remark.
    pub(super) fn watch(&self, repository: &dyn Repository) -> (Watch, Option<String>) {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        if let Some(tool) = self_reloader(&words) {
            return (Watch::Off, Some(format!("{tool} reloads by itself, so it needs no `watch`")));
        }
        // `npm run build && node dist/main.js`: what the script tells nothing of, the rest may.
        if let Some((watch, remark)) = self.behind.as_ref().map(|behind| behind.watch(repository))
            && (watch != Watch::Off || remark.is_some())
        {
            return (watch, remark);
        }
        let dir = &self.dir;
        for (program, rest) in self.programs() {
            let has = |word: &str| rest.iter().any(|next| next == word);
            // Where there is none of these files, it is a program from elsewhere.
            let all = |endings: &[&str], pattern: &str| {
                let prefix = below(dir, "");
                let of_kind =
                    |file: &&String| file.starts_with(&prefix) && endings.iter().any(|end| file.ends_with(end));
                match repository.files().iter().find(of_kind) {
                    Some(_) => Watch::Globs(vec![below(dir, pattern)]),
                    None => Watch::Off,
                }
            };
            let watch = match program {
                "cargo" if has("run") => {
                    let package = rest.iter().skip_while(|word| !matches!(word.as_str(), "-p" | "--package")).nth(1);
                    Watch::Globs(cargo::sources(repository, dir, package.map(String::as_str)))
                }
                "go" if has("run") => {
                    let mut watch = all(&[".go"], "**/*.go");
                    if let Watch::Globs(globs) = &mut watch {
                        let needed = go::needed_folders(repository, dir).into_iter();
                        globs.extend(needed.map(|folder| below(&folder, "**/*.go")));
                    }
                    watch
                }
                "node" | "ts-node" | "tsx" | "deno" => {
                    node_sources(repository, dir, all(&[".js", ".mjs", ".cjs", ".ts", ".tsx"], SCRIPTS))
                }
                // `bun src/index.ts` runs it, `bun run dev` is a script.
                "bun"
                    if rest.iter().any(|word| [".js", ".mjs", ".ts", ".tsx"].iter().any(|end| word.ends_with(end))) =>
                {
                    node_sources(repository, dir, all(&[".js", ".mjs", ".cjs", ".ts", ".tsx"], SCRIPTS))
                }
                "celery" | "gunicorn" | "uvicorn" | "flask" | "hypercorn" | "dramatiq" | "rq" => {
                    python_sources(repository, dir, all(&[".py"], "**/*.py"))
                }
                program if program.starts_with("python") && !has("manage.py") => {
                    python_sources(repository, dir, all(&[".py"], "**/*.py"))
                }
                "ruby" | "rackup" => all(&[".rb"], "**/*.rb"),
                "php" => all(&[".php"], "**/*.php"),
                _ => continue,
            };
            let remark =
                (watch == Watch::Off).then(|| format!("not watched: no source files for {program} found here"));
            return (watch, remark);
        }
        (Watch::Off, None)
    }
}

/// The sources of a package, and those of the packages of the repository that it depends on.
fn node_sources(repository: &dyn Repository, dir: &str, own: Watch) -> Watch {
    let needed = node::needed_folders(repository, dir);
    // What lies in the root has the others below it.
    if dir.is_empty() || needed.is_empty() {
        return own;
    }
    Watch::Globs([dir.to_owned()].into_iter().chain(needed).map(|folder| below(&folder, SCRIPTS)).collect())
}

/// The same of Python.
fn python_sources(repository: &dyn Repository, dir: &str, own: Watch) -> Watch {
    let Watch::Globs(mut globs) = own else { return own };
    let needed = if dir.is_empty() { Vec::new() } else { python::needed_folders(repository, dir) };
    globs.extend(needed.iter().map(|folder| below(folder, "**/*.py")));
    Watch::Globs(globs)
}
