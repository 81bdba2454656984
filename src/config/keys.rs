//! The keys of `procgroup.toml` as data: what is read, what is suggested for a slip, and what the schema is made from.
//!
//! Messages, near names and the JSON Schema are made from this one table. A test puts every kind of value to every key,
//! and asks whether schema and program agree.

use super::form::Form;

/// The keys that one kind of table may have.
#[derive(Debug)]
pub(super) struct Section {
    /// For sentences: `a service`, `stop`.
    pub(super) name: &'static str,
    /// In the order in which they are listed.
    pub(super) keys: &'static [Key],
    /// Keys that must be there.
    pub(super) required: &'static [&'static str],
    /// Keys of which exactly one must be there.
    pub(super) ways: &'static [&'static str],
    /// Keys that mean something only beside another one.
    pub(super) belongs: &'static [(&'static str, &'static str)],
}

/// A key that may stand in a section, and the form of its value.
#[derive(Debug)]
pub(super) struct Key {
    /// The key as it stands in the file.
    pub(super) name: &'static str,
    /// What it must be.
    pub(super) form: Form,
    /// What it does, for people.
    pub(super) about: &'static str,
}

impl Section {
    /// The key of that name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// All names, for "keys here: …".
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.keys.iter().map(|key| key.name).collect();
        names.join(", ")
    }
}

const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, about }
}

const fn section(name: &'static str, keys: &'static [Key]) -> Section {
    Section { name, keys, required: &[], ways: &[], belongs: &[] }
}

/// The top of the file.
pub(super) const ROOT: Section = section(
    "the file",
    &[
        key("name", Form::Name, "what the group is called; the folder's name otherwise"),
        key("defaults", Form::Table(&SERVICE), "any keys of a service, for all services"),
        key("watch", Form::Table(&WATCH), "watching, for the whole group"),
        key("logs", Form::Table(&LOGS), "what is kept of the output"),
        key("services", Form::Services, "the services, by name"),
    ],
);

/// The user's own file.
pub(super) const PREFERENCES: Section = section(
    "the preferences",
    &[
        key("theme", Form::OneOf(&["auto", "dark", "light", "mono"]), "the colours of the dashboard"),
        key("glyphs", Form::OneOf(&["auto", "unicode", "ascii"]), "the characters of the dashboard"),
        key("layout", Form::OneOf(&["auto", "grid", "focus", "single"]), "how the panes are laid out at first"),
        key("mouse", Form::Boolean, "whether wheel and click go to the dashboard"),
        key("confirm_quit", Form::Boolean, "whether `q` asks before it stops services"),
        key(
            "notifications",
            Form::OneOf(&["auto", "osc9", "osc777", "bell", "off"]),
            "how it is told that a service failed while the terminal has not the focus",
        ),
        key("trusted", Form::Texts, "folders of others whose procgroup.toml is run as if it were yours"),
        key("keys", Form::Keymap, "other keys"),
    ],
);

/// `[services.NAME]` and `[defaults]`.
pub(super) const SERVICE: Section = section(
    "a service",
    &[
        key("run", Form::Command, "the command"),
        key("kind", Form::OneOf(&["service", "task"]), "whether it runs until it is stopped, or to its end"),
        key("dir", Form::Text, "the folder it runs in"),
        key("env", Form::Variables, "its environment variables"),
        key("env_file", Form::OneOrMoreTexts, "files with environment variables"),
        key("depends_on", Form::Needs, "what must be ready before it starts"),
        key("ready", Form::Table(&READY), "how devgroup knows that it is ready"),
        key("restart", Form::OneOf(&["never", "on-failure", "always"]), "what happens when it ends by itself"),
        key("retries", Form::Whole, "so many starts after the first one when a task fails, with `backoff`"),
        key(
            "backoff",
            Form::Table(&BACKOFF),
            "how long a crashed service, or a task with `retries`, waits for its next try",
        ),
        key("breaker", Form::Table(&BREAKER), "how many crashes are too many"),
        key("stop", Form::Table(&STOP), "how it is stopped"),
        key("autostart", Form::Boolean, "whether it starts with the group"),
        key("profiles", Form::Texts, "start it only with one of these profiles"),
        key("group", Form::Name, "its heading in the sidebar"),
        key("url", Form::Url, "what the key `o` opens"),
        key("watch", Form::Watch, "the files whose change restarts it"),
        key("ignore", Form::Patterns, "files whose change does not matter to it"),
        key("debounce", Form::Duration, "how long files must be quiet before it is restarted"),
        key("on_change", Form::OnChange, "what a change does to it"),
        key("validate", Form::Table(&VALIDATE), "a command that must succeed before it is replaced"),
        key("alive", Form::Table(&ALIVE), "how devgroup knows that it is stuck"),
        key("cascade", Form::Boolean, "restart those that depend on it after it"),
        key(
            "view",
            Form::OneOf(&["auto", "log", "screen"]),
            "whether its pane shows the log or the terminal: the terminal while a program fills it (auto), never, or always",
        ),
    ],
);

/// The keys of `[watch]`.
pub(super) const WATCH: Section = section(
    "`[watch]`",
    &[
        key("ignore", Form::Patterns, "files that restart nothing; `!` lets in again"),
        key("also", Form::Patterns, "files that are watched although git ignores them"),
        key("debounce", Form::Duration, "how long files must be quiet"),
        key("max_wait", Form::Duration, "the longest that a small change waits for quiet"),
        key("gitignore", Form::Boolean, "whether git's ignore files count"),
        key("git_hold", Form::Boolean, "hold while git changes the tree"),
        key("backend", Form::OneOf(&["auto", "native", "notify", "poll"]), "where file events come from"),
        key("poll_interval", Form::Duration, "how often to look, when polling"),
    ],
);

/// The keys of `[logs]`.
pub(super) const LOGS: Section = section(
    "`[logs]`",
    &[
        key("memory", Form::Size, "how much output is kept of each service"),
        key("total", Form::Size, "how much output is kept of all services together"),
        key("files", Form::Boolean, "also keep it on disk"),
    ],
);

/// The keys of `ready`.
pub(super) const READY: Section = Section {
    name: "`ready`",
    keys: &[
        key("port", Form::Port, "ready when this TCP port of the local host accepts"),
        key("http", Form::HttpAddress, "ready when this address answers"),
        key("log", Form::TextPattern, "ready when its output holds this"),
        key("cmd", Form::Command, "ready when this command succeeds"),
        key("file", Form::Text, "ready when this file is written"),
        key("delay", Form::Duration, "ready after this time"),
        key("status", Form::Status, "the answers to `http` that are good"),
        key("timeout", Form::Duration, "how long the start may take"),
    ],
    required: &[],
    ways: &["port", "http", "log", "cmd", "file", "delay"],
    belongs: &[("status", "http")],
};

/// The keys of `alive`.
pub(super) const ALIVE: Section = Section {
    name: "`alive`",
    keys: &[
        key("port", Form::Port, "alive while this TCP port of the local host accepts"),
        key("http", Form::HttpAddress, "alive while this address answers"),
        key("cmd", Form::Command, "alive while this command succeeds"),
        key("file", Form::Text, "alive while this file is written again and again"),
        key("max_age", Form::Duration, "how long `file` may stay as it is"),
        key("status", Form::Status, "the answers to `http` that are good"),
        key("every", Form::Duration, "how long from one try to the next"),
        key("timeout", Form::Duration, "how long a try may take"),
        key("failures", Form::Count, "so many tries in a row must fail"),
        key("grace", Form::Duration, "how long after the start failures do not count"),
    ],
    required: &[],
    ways: &["port", "http", "cmd", "file"],
    belongs: &[("status", "http"), ("max_age", "file"), ("file", "max_age")],
};

/// The keys of `validate`.
pub(super) const VALIDATE: Section = Section {
    name: "`validate`",
    keys: &[
        key("run", Form::Command, "the command that must succeed"),
        key("timeout", Form::Duration, "how long it may take"),
    ],
    required: &["run"],
    ways: &[],
    belongs: &[],
};

/// The keys of `backoff`.
pub(super) const BACKOFF: Section = section(
    "`backoff`",
    &[
        key("initial", Form::Duration, "the first wait"),
        key("factor", Form::Factor, "what each further wait is multiplied with"),
        key("max", Form::Duration, "the longest wait"),
        key("reset_after", Form::Duration, "a run that lasted this long starts the count anew"),
    ],
);

/// The keys of `breaker`.
pub(super) const BREAKER: Section = section(
    "`breaker`",
    &[
        key("failures", Form::Count, "so many crashes are too many"),
        key("within", Form::Duration, "crashes within this time count"),
        key("cooldown", Form::Duration, "how long before one more try"),
    ],
);

/// The keys of `stop`.
pub(super) const STOP: Section = section(
    "`stop`",
    &[
        key("signal", Form::Signal, "the first signal"),
        key("grace", Form::Duration, "how long it may take before KILL"),
        key("command", Form::Command, "run instead of the first signal"),
        key("to", Form::OneOf(&["group", "leader"]), "who gets the first signal"),
    ],
);

/// What other tools, or other languages of thought, call a key.
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    (SERVICE.name, "command", "run"),
    (SERVICE.name, "cmd", "run"),
    (SERVICE.name, "exec", "run"),
    (SERVICE.name, "script", "run"),
    (SERVICE.name, "start", "run"),
    (SERVICE.name, "exec_start", "run"),
    (SERVICE.name, "entrypoint", "run"),
    (SERVICE.name, "serve_cmd", "run"),
    (SERVICE.name, "full_bin", "run"),
    (SERVICE.name, "bin", "run"),
    (SERVICE.name, "type", "kind"),
    (SERVICE.name, "cwd", "dir"),
    (SERVICE.name, "working_dir", "dir"),
    (SERVICE.name, "workdir", "dir"),
    (SERVICE.name, "directory", "dir"),
    (SERVICE.name, "working_directory", "dir"),
    (SERVICE.name, "chdir", "dir"),
    (SERVICE.name, "root", "dir"),
    (SERVICE.name, "path", "dir"),
    (SERVICE.name, "environment", "env"),
    (SERVICE.name, "dotenv", "env_file"),
    (SERVICE.name, "environment_file", "env_file"),
    (SERVICE.name, "deps", "depends_on"),
    (SERVICE.name, "needs", "depends_on"),
    (SERVICE.name, "requires", "depends_on"),
    (SERVICE.name, "wants", "depends_on"),
    (SERVICE.name, "binds_to", "depends_on"),
    (SERVICE.name, "part_of", "depends_on"),
    (SERVICE.name, "requisite", "depends_on"),
    (SERVICE.name, "resource_deps", "depends_on"),
    (SERVICE.name, "after", "depends_on"),
    (SERVICE.name, "port", "ready"),
    (SERVICE.name, "ports", "ready"),
    (SERVICE.name, "health", "ready"),
    (SERVICE.name, "readiness_probe", "ready"),
    (SERVICE.name, "startup_probe", "ready"),
    (SERVICE.name, "liveness", "alive"),
    (SERVICE.name, "liveness_probe", "alive"),
    (SERVICE.name, "heartbeat", "alive"),
    (SERVICE.name, "watchdog", "alive"),
    (SERVICE.name, "check", "validate"),
    (SERVICE.name, "build", "validate"),
    (SERVICE.name, "autorestart", "restart"),
    (SERVICE.name, "retry", "retries"),
    (SERVICE.name, "max_retries", "retries"),
    (SERVICE.name, "attempts", "retries"),
    (SERVICE.name, "max_attempts", "retries"),
    (SERVICE.name, "shutdown", "stop"),
    (SERVICE.name, "disabled", "autostart"),
    (SERVICE.name, "enabled", "autostart"),
    (SERVICE.name, "exclude", "ignore"),
    (SERVICE.name, "watch_ignore", "ignore"),
    (SERVICE.name, "ignore_dirs", "ignore"),
    (SERVICE.name, "exclude_dir", "ignore"),
    (SERVICE.name, "exclude_file", "ignore"),
    (SERVICE.name, "watch_delay", "debounce"),
    (ROOT.name, "procs", "services"),
    (ROOT.name, "processes", "services"),
    (ROOT.name, "daemons", "services"),
    (ROOT.name, "default", "defaults"),
    (ROOT.name, "log", "logs"),
    (READY.name, "url", "http"),
    (READY.name, "tcp", "port"),
    (READY.name, "command", "cmd"),
    (READY.name, "run", "cmd"),
    (READY.name, "output", "log"),
    (READY.name, "http_get", "http"),
    (READY.name, "tcp_socket", "port"),
    (READY.name, "exec", "cmd"),
    (READY.name, "initial_delay_seconds", "delay"),
    (READY.name, "timeout_seconds", "timeout"),
    (ALIVE.name, "url", "http"),
    (ALIVE.name, "tcp", "port"),
    (ALIVE.name, "command", "cmd"),
    (ALIVE.name, "run", "cmd"),
    (ALIVE.name, "http_get", "http"),
    (ALIVE.name, "tcp_socket", "port"),
    (ALIVE.name, "exec", "cmd"),
    (ALIVE.name, "interval", "every"),
    (ALIVE.name, "period", "every"),
    (ALIVE.name, "retries", "failures"),
    (ALIVE.name, "start_period", "grace"),
    (ALIVE.name, "initial_delay_seconds", "grace"),
    (ALIVE.name, "period_seconds", "every"),
    (ALIVE.name, "timeout_seconds", "timeout"),
    (ALIVE.name, "failure_threshold", "failures"),
    (VALIDATE.name, "cmd", "run"),
    (VALIDATE.name, "command", "run"),
    (STOP.name, "timeout", "grace"),
    (STOP.name, "run", "command"),
    (STOP.name, "cmd", "command"),
    (WATCH.name, "exclude", "ignore"),
    (WATCH.name, "exclude_dir", "ignore"),
    (WATCH.name, "delay", "debounce"),
    (WATCH.name, "include", "also"),
];

/// What the word is called here, if another tool calls it so.
pub(super) fn other_word(section: &Section, word: &str) -> Option<&'static str> {
    let found = OTHER_WORDS.iter().find(|(name, other, _)| *name == section.name && *other == word);
    found.map(|(_, _, here)| *here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_agree_with_each_other() {
        let sections = [&ROOT, &SERVICE, &WATCH, &LOGS, &READY, &ALIVE, &VALIDATE, &BACKOFF, &BREAKER, &STOP];
        let section = |name: &str| sections.into_iter().find(|section| section.name == name).unwrap();
        for (name, other, here) in OTHER_WORDS {
            assert!(section(name).key(here).is_some(), "{name} {here}");
            assert!(section(name).key(other).is_none(), "{name} {other}");
        }
    }
}
