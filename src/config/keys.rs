//! The keys of `procgroup.toml` as data: what is read, what is suggested for a slip, and what documentation is made from.

/// The keys that one kind of table may have.
#[derive(Debug)]
pub(super) struct Section {
    /// For sentences: `a service`, `stop`.
    pub(super) name: &'static str,
    /// In the order in which they are listed.
    pub(super) keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// As written.
    pub(super) name: &'static str,
    /// What it must be, after "must be".
    pub(super) values: &'static str,
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
        let names: Vec<&str> = self.keys.iter().filter(|key| !is_not_yet(self, key.name)).map(|key| key.name).collect();
        names.join(", ")
    }
}

const fn key(name: &'static str, values: &'static str, about: &'static str) -> Key {
    Key { name, values, about }
}

const DURATION: &str = "a duration like \"5s\"";
const LIST: &str = "a list of texts";
const STATUS: &str = "a code like 204, or a range like \"200-299\"";
const COMMAND: &str = "a text (for the shell) or a list of texts (as it is)";

/// The top of the file.
pub(super) const ROOT: Section = Section {
    name: "the file",
    keys: &[
        key("name", "a text", "what the group is called; the folder's name otherwise"),
        key("defaults", "a table", "any keys of a service, for all services"),
        key("watch", "a table", "watching, for the whole group"),
        key("logs", "a table", "what is kept of the output"),
        key("services", "a table of services", "the services, by name"),
    ],
};

/// The user's own file.
pub(super) const PREFERENCES: Section = Section {
    name: "the preferences",
    keys: &[
        key("theme", "\"auto\", \"dark\", \"light\" or \"mono\"", "the colours of the dashboard"),
        key("glyphs", "\"auto\", \"unicode\" or \"ascii\"", "the characters of the dashboard"),
        key("mouse", "`true` or `false`", "whether wheel and click go to the dashboard"),
        key("confirm_quit", "`true` or `false`", "whether `q` asks before it stops services"),
        key(
            "notifications",
            "\"auto\", \"osc9\", \"osc777\", \"bell\" or \"off\"",
            "how it is told that a service failed while the terminal has not the focus",
        ),
        key("keys", "a table of places", "other keys"),
    ],
};

/// `[services.NAME]` and `[defaults]`.
pub(super) const SERVICE: Section = Section {
    name: "a service",
    keys: &[
        key("run", COMMAND, "the command"),
        key("kind", "\"service\" or \"task\"", "whether it runs until it is stopped, or to its end"),
        key("dir", "a text", "the folder it runs in"),
        key("env", "a table of texts", "its environment variables"),
        key("env_file", "a text or a list of texts", "files with environment variables"),
        key("depends_on", "a list of services, or a table", "what must be ready before it starts"),
        key("ready", "a table", "how devgroup knows that it is ready"),
        key("restart", "\"never\", \"on-failure\" or \"always\"", "what happens when it ends by itself"),
        key("backoff", "a table", "how long a crashed service waits for its next try"),
        key("breaker", "a table", "how many crashes are too many"),
        key("stop", "a table", "how it is stopped"),
        key("autostart", "`true` or `false`", "whether it starts with the group"),
        key("profiles", LIST, "start it only with one of these profiles"),
        key("group", "a text", "its heading in the sidebar"),
        key("url", "a text", "what the key `o` opens"),
        key("watch", "`true`, `false` or a list of patterns", "the files whose change restarts it"),
        key("ignore", "a list of patterns", "files whose change does not matter to it"),
        key("debounce", DURATION, "how long files must be quiet before it is restarted"),
        key("on_change", "\"restart\", \"signal:NAME\", \"run:COMMAND\" or \"notify\"", "what a change does to it"),
        key("validate", "a table", "a command that must succeed before it is replaced"),
        key("alive", "a table", "how devgroup knows that it is stuck"),
        key("cascade", "`true` or `false`", "restart those that depend on it after it"),
        key("view", "\"auto\", \"log\" or \"screen\"", "how its pane shows it"),
    ],
};

/// `[watch]`.
pub(super) const WATCH: Section = Section {
    name: "`[watch]`",
    keys: &[
        key("ignore", "a list of patterns", "files that restart nothing; `!` lets in again"),
        key("also", "a list of patterns", "files that are watched although git ignores them"),
        key("debounce", DURATION, "how long files must be quiet"),
        key("max_wait", DURATION, "the longest that a small change waits for quiet"),
        key("gitignore", "`true` or `false`", "whether git's ignore files count"),
        key("git_hold", "`true` or `false`", "hold while git changes the tree"),
        key("backend", "\"auto\", \"native\" or \"poll\"", "where file events come from"),
        key("poll_interval", DURATION, "how often to look, when polling"),
    ],
};

/// `[logs]`.
pub(super) const LOGS: Section = Section {
    name: "`[logs]`",
    keys: &[
        key("memory", "a size like \"64MiB\"", "how much output is kept of each service"),
        key("total", "a size like \"256MiB\"", "how much output is kept of all services together"),
        key("files", "`true` or `false`", "also keep it on disk"),
    ],
};

/// `ready`.
pub(super) const READY: Section = Section {
    name: "`ready`",
    keys: &[
        key("port", "a number from 1 to 65535", "ready when this TCP port of the local host accepts"),
        key("http", "a text", "ready when this address answers"),
        key("log", "a text or \"/regex/\"", "ready when its output holds this"),
        key("cmd", COMMAND, "ready when this command succeeds"),
        key("file", "a text", "ready when this file is written"),
        key("delay", DURATION, "ready after this time"),
        key("status", STATUS, "the answers to `http` that are good"),
        key("timeout", DURATION, "how long the start may take"),
    ],
};

/// `alive`.
pub(super) const ALIVE: Section = Section {
    name: "`alive`",
    keys: &[
        key("port", "a number from 1 to 65535", "alive while this TCP port of the local host accepts"),
        key("http", "a text", "alive while this address answers"),
        key("cmd", COMMAND, "alive while this command succeeds"),
        key("file", "a text", "alive while this file is written again and again"),
        key("max_age", DURATION, "how long `file` may stay as it is"),
        key("status", STATUS, "the answers to `http` that are good"),
        key("every", DURATION, "how long from one try to the next"),
        key("timeout", DURATION, "how long a try may take"),
        key("failures", "a whole number, at least 1", "so many tries in a row must fail"),
        key("grace", DURATION, "how long after the start failures do not count"),
    ],
};

/// `validate`.
pub(super) const VALIDATE: Section = Section {
    name: "`validate`",
    keys: &[key("run", COMMAND, "the command that must succeed"), key("timeout", DURATION, "how long it may take")],
};

/// `backoff`.
pub(super) const BACKOFF: Section = Section {
    name: "`backoff`",
    keys: &[
        key("initial", DURATION, "the first wait"),
        key("factor", "a number, at least 1", "what each further wait is multiplied with"),
        key("max", DURATION, "the longest wait"),
        key("reset_after", DURATION, "a run that lasted this long starts the count anew"),
    ],
};

/// `breaker`.
pub(super) const BREAKER: Section = Section {
    name: "`breaker`",
    keys: &[
        key("failures", "a whole number, at least 1", "so many crashes are too many"),
        key("within", DURATION, "crashes within this time count"),
        key("cooldown", DURATION, "how long before one more try"),
    ],
};

/// `stop`.
pub(super) const STOP: Section = Section {
    name: "`stop`",
    keys: &[
        key("signal", "the name of a signal", "the first signal"),
        key("grace", DURATION, "how long it may take before KILL"),
        key("command", COMMAND, "run instead of the first signal"),
        key("to", "\"group\" or \"leader\"", "who gets the first signal"),
    ],
};

/// Keys that mean something and that nothing carries out yet. To accept one is to remove it here and to read it.
const NOT_YET: &[(&str, &str)] = &[(SERVICE.name, "view")];

/// Whether the key is one that nothing carries out yet.
pub(super) fn is_not_yet(section: &Section, key: &str) -> bool {
    NOT_YET.contains(&(section.name, key))
}

/// What other tools, or other languages of thought, call a key.
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    (SERVICE.name, "command", "run"),
    (SERVICE.name, "cmd", "run"),
    (SERVICE.name, "shell", "run"),
    (SERVICE.name, "exec", "run"),
    (SERVICE.name, "script", "run"),
    (SERVICE.name, "start", "run"),
    (SERVICE.name, "type", "kind"),
    (SERVICE.name, "cwd", "dir"),
    (SERVICE.name, "working_dir", "dir"),
    (SERVICE.name, "workdir", "dir"),
    (SERVICE.name, "directory", "dir"),
    (SERVICE.name, "path", "dir"),
    (SERVICE.name, "environment", "env"),
    (SERVICE.name, "dotenv", "env_file"),
    (SERVICE.name, "deps", "depends_on"),
    (SERVICE.name, "needs", "depends_on"),
    (SERVICE.name, "requires", "depends_on"),
    (SERVICE.name, "after", "depends_on"),
    (SERVICE.name, "port", "ready"),
    (SERVICE.name, "ports", "ready"),
    (SERVICE.name, "health", "ready"),
    (SERVICE.name, "healthcheck", "ready"),
    (SERVICE.name, "readiness_probe", "ready"),
    (SERVICE.name, "liveness", "alive"),
    (SERVICE.name, "liveness_probe", "alive"),
    (SERVICE.name, "heartbeat", "alive"),
    (SERVICE.name, "watchdog", "alive"),
    (SERVICE.name, "check", "validate"),
    (SERVICE.name, "build", "validate"),
    (SERVICE.name, "autorestart", "restart"),
    (SERVICE.name, "retry", "restart"),
    (SERVICE.name, "shutdown", "stop"),
    (SERVICE.name, "signal", "stop"),
    (SERVICE.name, "stop_signal", "stop"),
    (SERVICE.name, "disabled", "autostart"),
    (SERVICE.name, "enabled", "autostart"),
    (SERVICE.name, "exclude", "ignore"),
    (ROOT.name, "procs", "services"),
    (ROOT.name, "processes", "services"),
    (ROOT.name, "tasks", "services"),
    (ROOT.name, "jobs", "services"),
    (ROOT.name, "daemons", "services"),
    (ROOT.name, "default", "defaults"),
    (ROOT.name, "log", "logs"),
    (READY.name, "url", "http"),
    (READY.name, "tcp", "port"),
    (READY.name, "command", "cmd"),
    (READY.name, "run", "cmd"),
    (READY.name, "output", "log"),
    (ALIVE.name, "url", "http"),
    (ALIVE.name, "tcp", "port"),
    (ALIVE.name, "command", "cmd"),
    (ALIVE.name, "run", "cmd"),
    (ALIVE.name, "interval", "every"),
    (ALIVE.name, "period", "every"),
    (ALIVE.name, "retries", "failures"),
    (ALIVE.name, "start_period", "grace"),
    (VALIDATE.name, "cmd", "run"),
    (VALIDATE.name, "command", "run"),
    (STOP.name, "timeout", "grace"),
    (STOP.name, "run", "command"),
    (STOP.name, "cmd", "command"),
    (WATCH.name, "exclude", "ignore"),
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
        for (name, key) in NOT_YET {
            assert!(section(name).key(key).is_some(), "{name} {key}");
        }
        for (name, other, here) in OTHER_WORDS {
            assert!(section(name).key(here).is_some(), "{name} {here}");
            assert!(section(name).key(other).is_none(), "{name} {other}");
        }
    }
}
