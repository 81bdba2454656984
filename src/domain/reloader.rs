//! Programs that watch files themselves: to watch for them, too, would restart them twice.

/// They watch files, whatever their arguments are.
const ALWAYS: [&str; 11] = [
    "nodemon",
    "watchexec",
    "cargo-watch",
    "bacon",
    "air",
    "browser-sync",
    "webpack-dev-server",
    "ts-node-dev",
    "entr",
    "modd",
    "wgo",
];

/// They watch files with one of these words behind their name.
const WITH: [(&str, &[&str]); 38] = [
    ("next", &["dev"]),
    ("nuxt", &["dev"]),
    ("nuxi", &["dev"]),
    ("astro", &["dev"]),
    ("remix", &["dev"]),
    ("wrangler", &["dev"]),
    ("ng", &["serve"]),
    ("vue-cli-service", &["serve"]),
    ("webpack", &["serve", "--watch", "-w"]),
    ("cargo", &["watch"]),
    ("dotnet", &["watch"]),
    ("turbo", &["watch"]),
    ("tsx", &["watch"]),
    ("node", &["--watch"]),
    ("bun", &["--watch", "--hot"]),
    ("deno", &["--watch"]),
    ("tsc", &["--watch", "-w"]),
    ("uvicorn", &["--reload"]),
    ("gunicorn", &["--reload"]),
    ("flask", &["--debug", "--reload"]),
    ("hypercorn", &["--reload"]),
    ("fastapi", &["dev"]),
    ("litestar", &["--reload"]),
    ("manage.py", &["runserver"]),
    ("svelte-kit", &["dev"]),
    ("storybook", &["dev"]),
    ("gatsby", &["develop"]),
    ("hugo", &["server", "serve"]),
    ("jekyll", &["serve"]),
    ("rollup", &["--watch", "-w"]),
    ("esbuild", &["--watch", "--serve"]),
    ("sass", &["--watch", "-w"]),
    ("tailwindcss", &["--watch", "-w"]),
    ("mix", &["phx.server"]),
    ("rails", &["server", "s"]),
    ("react-scripts", &["start"]),
    ("parcel", &["serve", "watch"]),
    ("vitest", &["watch"]),
];

/// The program of a command, given as words, that watches files itself.
pub fn self_reloader<'a>(words: &[&'a str]) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(index, word)| {
        let program = word.rsplit('/').next().unwrap_or(word);
        let rest = words.get(index + 1..).unwrap_or_default();
        // The program of the command or of a wrapper (`npx vite`), not a word behind an option.
        if word.starts_with('-') || index.checked_sub(1).and_then(|i| words.get(i)).is_some_and(|w| takes_a_name(w)) {
            return None;
        }
        let vite = program == "vite"
            && rest.first().is_none_or(|next| next.starts_with('-') || matches!(*next, "dev" | "serve"));
        if rest.contains(&"--noreload") {
            return None;
        }
        let with = WITH.iter().any(|(tool, words)| *tool == program && rest.iter().any(|word| words.contains(word)));
        (vite || with || ALWAYS.contains(&program)).then_some(program)
    })
}

/// Words after which a name is not that of a program: `cargo run -p air`, `cd air`.
fn takes_a_name(word: &str) -> bool {
    // `python -m flask` runs it.
    word.starts_with('-') && !matches!(word, "--" | "-m") || matches!(word, "cd" | "echo" | "-p")
}

/// The script of `package.json` that a command runs: `npm run dev`, `pnpm dev`, `npm start`.
pub fn package_script<'a>(words: &[&'a str]) -> Option<&'a str> {
    let name = match words {
        ["npm" | "pnpm" | "yarn" | "bun", "run" | "run-script", name, ..] => name,
        ["pnpm" | "yarn", name, ..] | ["npm", name @ ("start" | "test"), ..] => name,
        _ => return None,
    };
    (!name.starts_with('-')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_counts_and_a_name_behind_an_option_does_not() {
        let tool = |line: &'static str| self_reloader(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(tool("npx vite --port 3000"), Some("vite"));
        assert_eq!(tool("vite build"), None);
        assert_eq!(tool("python -m uvicorn app:app --reload"), Some("uvicorn"));
        assert_eq!(tool("python manage.py runserver --noreload"), None);
        assert_eq!(tool("cargo run -p air"), None);
        assert_eq!(tool("bin/rails server"), Some("rails"));
    }

    #[test]
    fn a_package_manager_runs_a_script() {
        let script = |line: &'static str| package_script(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(script("npm run dev -- --port 1"), Some("dev"));
        assert_eq!(
            (script("pnpm dev"), script("npm start"), script("bun run dev")),
            (Some("dev"), Some("start"), Some("dev"))
        );
        assert_eq!(
            (script("npm install"), script("npm run"), script("yarn --cwd web"), script("npx vite")),
            (None, None, None, None)
        );
    }
}
