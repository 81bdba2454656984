//! Python: `manage.py` of Django, and the applications of FastAPI, Flask and their like.

use toml::{Table, Value};

use super::name_by_folder;
use crate::init::draft::{Draft, Found, Ready};
use crate::init::names::{below, file_name, folder_of, join};
use crate::init::repository::Repository;

/// Reads that there is a `manage.py`.
pub(super) fn read_django(path: &str, repository: &dyn Repository, found: &mut Found) -> Result<(), String> {
    if !repository.text(path)?.contains("django") {
        found.skip(path, "does not mention Django");
        return Ok(());
    }
    let folder = folder_of(path);
    let name = name_by_folder(folder, "web");
    let line = format!("{}python{} manage.py runserver", tool(folder, repository), version(folder, repository));
    let mut draft = Draft::guess(name, line, path);
    serves(&mut draft, folder, 8000);
    found.drafts.push(draft);
    Ok(())
}

/// Reads what a project depends on, and looks for the application.
pub(super) fn read_project(
    path: &str,
    text: &str,
    repository: &dyn Repository,
    found: &mut Found,
) -> Result<(), String> {
    let folder = folder_of(path);
    let mut needs = if file_name(path) == "pyproject.toml" { of_pyproject(text)? } else { of_requirements(text) };
    let beside = below(folder, "requirements.txt");
    if beside != path && repository.files().contains(&beside) {
        needs.extend(of_requirements(&repository.text(&beside)?));
    }
    let has = |name: &str| needs.iter().any(|need| need == name);
    if has("django") && !repository.files().iter().any(|file| file_name(file) == "manage.py") {
        found.skip(path, "depends on Django, but there is no manage.py");
    }
    workers(path, folder, &needs, repository, found);
    if file_name(path) == "pyproject.toml" {
        programs(path, text, folder, repository, found);
    }
    let frameworks = [
        ("fastapi", "FastAPI("),
        ("starlette", "Starlette("),
        ("litestar", "Litestar("),
        ("flask", "Flask("),
        ("quart", "Quart("),
    ];
    let Some((framework, call)) = frameworks.into_iter().find(|(name, _)| has(name)) else { return Ok(()) };
    let Some((module, variable, factory, of_src)) = application(folder, call, repository) else {
        found.skip(path, format!("depends on {framework}, but no file has a line like `app = {call}…)`"));
        return Ok(());
    };
    let app = match factory {
        false => format!("{module}:{variable}"),
        true => format!("{module}:{variable}()"),
    };
    let tool = tool(folder, repository);
    let beside = if of_src { " --app-dir src" } else { "" };
    let (line, port) = match framework {
        "flask" => (format!("{tool}flask --app '{app}' run --debug"), 5000),
        "quart" => (format!("{tool}quart --app '{app}' run --reload"), 5000),
        "fastapi" if has("fastapi-cli") && !has("uvicorn") && !factory && !of_src => {
            (format!("{tool}fastapi dev {}.py", module.replace('.', "/")), 8000)
        }
        _ if factory => (format!("{tool}uvicorn --factory {module}:{variable}{beside} --reload"), 8000),
        _ => (format!("{tool}uvicorn {app}{beside} --reload"), 8000),
    };
    let line = if app.contains('(') { line } else { line.replace('\'', "") };
    // That of Django has the other name.
    let name = name_by_folder(folder, if has("django") { "api" } else { "web" });
    let mut draft = Draft::guess(name, line, path);
    serves(&mut draft, folder, port);
    found.drafts.push(draft);
    Ok(())
}

/// The folders of the projects of the repository that the one of a folder depends on, directly or not: those of a workspace
/// of uv by their names, and others by their paths, as uv and poetry write them.
pub(in crate::init) fn needed_folders(repository: &dyn Repository, dir: &str) -> Vec<String> {
    let read = |folder: &str| -> Option<Table> {
        let path = below(folder, "pyproject.toml");
        let text = repository.files().contains(&path).then(|| repository.text(&path).ok()).flatten()?;
        text.parse().ok()
    };
    let name = |table: &Table| Some(table.get("project")?.get("name")?.as_str()?.to_owned());
    let files = repository.files().iter().filter(|file| file_name(file) == "pyproject.toml");
    let members: Vec<(String, &str)> = files
        .map(|file| folder_of(file))
        .filter_map(|folder| Some((package(&name(&read(folder)?)?), folder)))
        .collect();
    let mut folders = vec![dir.to_owned()];
    let mut next = 0;
    while let Some(folder) = folders.get(next).cloned() {
        next += 1;
        let Some(table) = read(&folder) else { continue };
        let tool = |name: &str, key: &str| table.get("tool")?.get(name)?.get(key)?.as_table();
        let sources = [tool("uv", "sources"), tool("poetry", "dependencies")].into_iter().flatten().flatten();
        let needed = sources.filter_map(|(name, source)| match source.get("path").and_then(Value::as_str) {
            Some(path) => join(&folder, path),
            None => {
                let of_workspace = source.get("workspace").and_then(Value::as_bool) == Some(true);
                let member = members.iter().find(|(member, _)| of_workspace && *member == package(name));
                member.map(|(_, folder)| (*folder).to_owned())
            }
        });
        for folder in needed {
            if repository.files().contains(&below(&folder, "pyproject.toml")) && !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders.retain(|folder| folder != dir && !folder.starts_with(&below(dir, "")));
    folders
}

/// Names the programs that a project installs: whether they serve is not known.
fn programs(path: &str, text: &str, folder: &str, repository: &dyn Repository, found: &mut Found) {
    let Ok(table) = text.parse::<Table>() else { return };
    let poetry = table.get("tool").and_then(|tool| tool.get("poetry"));
    let scripts = [table.get("project"), poetry].into_iter().flatten().filter_map(|of| of.get("scripts")?.as_table());
    let tool = tool(folder, repository);
    for name in scripts.flat_map(|scripts| scripts.keys()) {
        found.skip(path, format!("script {name}: it may keep running; if so: run = \"{tool}{name}\""));
    }
}

/// What works beside a server: Celery by its application; of others it is only said that they are there.
fn workers(path: &str, folder: &str, needs: &[String], repository: &dyn Repository, found: &mut Found) {
    for other in ["dramatiq", "rq", "django-rq", "huey", "arq", "taskiq", "procrastinate"] {
        if needs.iter().any(|need| need == other) {
            found.skip(path, format!("depends on {other}: add its worker yourself"));
        }
    }
    if !needs.iter().any(|need| need == "celery") {
        return;
    }
    let Some((module, variable, false, false)) = application(folder, "Celery(", repository) else {
        found.skip(path, "depends on celery, but no file in this folder has a line like `app = Celery(…)`");
        return;
    };
    let line = format!("{}celery -A {module}:{variable} worker --loglevel=info", tool(folder, repository));
    let mut draft = Draft::guess("worker", line, path);
    folder.clone_into(&mut draft.dir);
    found.drafts.push(draft);
}

fn serves(draft: &mut Draft, folder: &str, port: u16) {
    folder.clone_into(&mut draft.dir);
    // Otherwise what it prints comes when its buffer is full.
    draft.env.push(("PYTHONUNBUFFERED".into(), "1".into()));
    draft.ready = Some(Ready::Port(port));
    draft.url = Some(format!("http://localhost:{port}"));
}

/// What runs a program in the environment of the project.
fn tool(folder: &str, repository: &dyn Repository) -> String {
    const LOCKS: [(&str, &str); 4] =
        [("uv.lock", "uv run "), ("poetry.lock", "poetry run "), ("pdm.lock", "pdm run "), ("Pipfile", "pipenv run ")];
    let lock = LOCKS
        .iter()
        .find(|(lock, _)| [folder, ""].iter().any(|folder| repository.files().contains(&below(folder, lock))));
    if let Some((_, tool)) = lock {
        return (*tool).to_owned();
    }
    let environment =
        [".venv", "venv"].into_iter().find(|name| repository.has_folder(&below(folder, &format!("{name}/bin"))));
    environment.map(|name| format!("{name}/bin/")).unwrap_or_default()
}

/// Outside of an environment systems know `python3` for sure.
fn version(folder: &str, repository: &dyn Repository) -> &'static str {
    if tool(folder, repository).is_empty() { "3" } else { "" }
}

/// The application: the module, the name in it, whether that is a function that makes it, and whether it lies below `src`,
/// which is no part of the names of modules.
fn application(folder: &str, call: &str, repository: &dyn Repository) -> Option<(String, String, bool, bool)> {
    let likely = [
        "main.py",
        "app.py",
        "api.py",
        "server.py",
        "asgi.py",
        "wsgi.py",
        "application.py",
        "__init__.py",
        "celery.py",
        "celery_app.py",
        "tasks.py",
        "worker.py",
    ];
    let prefix = below(folder, "");
    let files = repository.files().iter().filter(|file| file.starts_with(&prefix) && likely.contains(&file_name(file)));
    let mut files: Vec<&String> = files.filter(|file| !file.contains("test")).collect();
    files.sort_by_key(|file| (file.matches('/').count(), likely.iter().position(|name| *name == file_name(file))));
    files.into_iter().take(50).find_map(|file| {
        let text = repository.text(file).ok()?;
        let (name, factory) = assigned(&text, call)?;
        let module = file.strip_prefix(&prefix)?.strip_suffix(".py")?;
        let (module, of_src) = module.strip_prefix("src/").map_or((module, false), |module| (module, true));
        let module = module.strip_suffix("/__init__").unwrap_or(module).replace('/', ".");
        Some((module, name, factory, of_src))
    })
}

/// `app = FastAPI(…)` at the beginning of a line, or `def create_app():` around it.
fn assigned(text: &str, call: &str) -> Option<(String, bool)> {
    let mut function = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("def ") {
            function = rest.split('(').next().map(str::to_owned);
        }
        let Some((left, right)) = line.split_once('=') else { continue };
        let right = right.trim_start();
        if !(right.starts_with(call) || right.split_once('.').is_some_and(|(_, right)| right.starts_with(call))) {
            continue;
        }
        if line.starts_with(char::is_whitespace) {
            return function.map(|function| (function, true));
        }
        let name = left.split(':').next().unwrap_or(left).trim();
        return Some((name.to_owned(), false));
    }
    None
}

fn of_pyproject(text: &str) -> Result<Vec<String>, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let mut needs = Vec::new();
    let list = table.get("project").and_then(|project| project.get("dependencies")).and_then(Value::as_array);
    needs.extend(list.into_iter().flatten().filter_map(Value::as_str).map(package));
    let poetry = table.get("tool").and_then(|tool| tool.get("poetry")).and_then(|poetry| poetry.get("dependencies"));
    needs.extend(poetry.and_then(Value::as_table).into_iter().flatten().map(|(name, _)| package(name)));
    // `fastapi[standard]` brings its own starter.
    let standard =
        list.into_iter().flatten().filter_map(Value::as_str).any(|need| need.starts_with("fastapi[standard"));
    needs.extend(standard.then(|| "fastapi-cli".to_owned()));
    Ok(needs)
}

fn of_requirements(text: &str) -> Vec<String> {
    text.lines().map(package).filter(|name| !name.is_empty()).collect()
}

/// The plain name of `FastAPI[standard]>=0.115 ; python_version > "3.9"`.
fn package(need: &str) -> String {
    let end = need.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(need.len());
    need.get(..end).unwrap_or("").to_lowercase()
}
