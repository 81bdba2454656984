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
        key("name", Form::Name, "the name of the group (default: the name of the folder)"),
        key("include", Form::Texts, "other files with services of this group, by paths or patterns"),
        key("defaults", Form::Table(&SERVICE), "default values for the keys of every service"),
        key("watch", Form::Table(&WATCH), "how the group watches files"),
        key("logs", Form::Table(&LOGS), "how much output is kept"),
        key("start", Form::Table(&START), "how services start"),
        key("tasks", Form::Table(&TASKS), "where the tasks of workers are"),
        key("metrics", Form::Table(&METRICS), "where figures for Prometheus are served"),
        key("alerts", Form::Table(&ALERTS), "which alerts are sent, and how"),
        key("web", Form::Table(&WEB), "where the web page of the group is served"),
        key("export", Form::Table(&EXPORT), "what `devgroup export` needs to know"),
        key("services", Form::Services, "the services, by name"),
    ],
);

/// The user's own file.
pub(super) const PREFERENCES: Section = section(
    "the preferences",
    &[
        key("theme", Form::OneOf(&["auto", "dark", "light", "mono"]), "the colours of the dashboard"),
        key("glyphs", Form::OneOf(&["auto", "unicode", "ascii"]), "the characters of the dashboard"),
        key("layout", Form::OneOf(&["auto", "grid", "focus", "single"]), "the initial layout of the panes"),
        key("mouse", Form::Boolean, "whether the dashboard gets wheel and clicks"),
        key("confirm_quit", Form::Boolean, "whether `q` asks before it stops services"),
        key(
            "notifications",
            Form::OneOf(&["auto", "osc9", "osc777", "bell", "desktop", "off"]),
            "how to notify you of a failed service while the terminal is not focused; `desktop` shows all alerts, always",
        ),
        key("alerts", Form::Table(&ALERTS), "which alerts are sent, and how; each key replaces that of the project"),
        key("trusted", Form::Texts, "folders of other users whose procgroup.toml may run"),
        key("keys", Form::Keymap, "key bindings"),
    ],
);

/// `[services.NAME]` and `[defaults]`.
pub(super) const SERVICE: Section = section(
    "a service",
    &[
        key("run", Form::Command, "the command"),
        key(
            "kind",
            Form::OneOf(&["service", "job", "worker"]),
            "whether it runs until stopped (service), to completion (job), or works through task files (worker)",
        ),
        key("dir", Form::Text, "the folder to run it in"),
        key("env", Form::Variables, "its environment variables"),
        key("env_file", Form::EnvFiles, "files with environment variables"),
        key("port", Form::OwnPort, "the TCP port that it gets as PORT: a number, or \"auto\" for a free one"),
        key("ports", Form::Ports, "several ports by name: `http` is PORT_HTTP"),
        key("depends_on", Form::Needs, "what must be ready (or started, or done) before it starts"),
        key("ready", Form::Table(&READY), "the check that tells when it is ready"),
        key("restart", Form::OneOf(&["never", "on-failure", "always"]), "when to start it again after it exits"),
        key(
            "retries",
            Form::Whole,
            "how many times to retry a failed job, or a failed task of a worker, with `backoff`",
        ),
        key("schedule", Form::Schedule, "when a job runs by itself"),
        key("timezone", Form::Text, "the time zone of its `schedule` (default: the local one)"),
        key("run_on_start", Form::Boolean, "whether a job with a `schedule` also runs with the group"),
        key(
            "inputs",
            Form::Patterns,
            "files that a job reads; if they have not changed since its last success, it is done at once",
        ),
        key(
            "backoff",
            Form::Table(&BACKOFF),
            "how long a crashed service, a job with `retries`, or a failed task waits before the next try",
        ),
        key("breaker", Form::Table(&BREAKER), "when to stop restarting a crashing service, or to stop taking tasks"),
        key("stop", Form::Table(&STOP), "how to stop it"),
        key("concurrency", Form::Concurrency, "how many tasks a worker tries at once"),
        key("timeout", Form::Duration, "how long a try of a task may take"),
        key("heartbeat", Form::Duration, "how often a worker's heartbeat file is written"),
        key("remote", Form::Boolean, "whether somebody else works through the tasks of this worker"),
        key("replicas", Form::Replicas, "how many instances of it run: NAME.1, NAME.2 and so on"),
        key("autostart", Form::Boolean, "whether it starts with the group"),
        key("profiles", Form::Texts, "start it only with one of these profiles"),
        key("group", Form::Name, "its heading in the sidebar"),
        key("url", Form::Url, "the address that the `o` key opens"),
        key("watch", Form::Watch, "the files that restart it when they change"),
        key("ignore", Form::Patterns, "files that it ignores"),
        key("debounce", Form::Duration, "how long files must be quiet before it restarts"),
        key("on_change", Form::OnChange, "what a file change does"),
        key("validate", Form::Table(&VALIDATE), "a command that must succeed before each start and restart"),
        key("alive", Form::Table(&ALIVE), "the check that tells when it is stuck"),
        key("limits", Form::Table(&LIMITS), "how much it may use before it is restarted"),
        key("cascade", Form::Boolean, "also restart the services that depend on it"),
        key(
            "view",
            Form::OneOf(&["auto", "log", "screen"]),
            "whether its pane shows the log or the terminal: the terminal while a program fills it (auto), never, or always",
        ),
    ],
);

/// The keys of a file of `env_file`, where it is a table.
pub(super) const ENV_FILE: Section = Section {
    name: "`env_file`",
    keys: &[
        key("path", Form::Text, "the file"),
        key("or", Form::OneOf(&["main-worktree"]), "where else to look for it: in git's main worktree"),
    ],
    required: &["path"],
    ways: &[],
    belongs: &[],
};

/// The keys of `[watch]`.
pub(super) const WATCH: Section = section(
    "`[watch]`",
    &[
        key("ignore", Form::Patterns, "files that restart nothing; `!` re-includes"),
        key("also", Form::Patterns, "files to watch although git ignores them"),
        key("debounce", Form::Duration, "how long files must be quiet"),
        key("max_wait", Form::Duration, "the longest that a change waits for quiet"),
        key("gitignore", Form::Boolean, "whether to follow git's ignore files"),
        key("git_hold", Form::Boolean, "whether to hold changes while git changes the tree"),
        key("backend", Form::OneOf(&["auto", "native", "notify", "poll"]), "where file events come from"),
        key("poll_interval", Form::Duration, "how often to look, when polling"),
    ],
);

/// The keys of `[logs]`.
pub(super) const LOGS: Section = section(
    "`[logs]`",
    &[
        key("memory", Form::Size, "how much output to keep for each service"),
        key("total", Form::Size, "how much output to keep for all services together"),
        key("files", Form::Boolean, "whether to keep it on disk as well"),
        key("max_size", Form::Size, "how large a file on disk becomes before a new one begins"),
        key("max_files", Form::Count, "how many files to keep on disk for each service"),
    ],
);

/// The keys of `[start]`.
pub(super) const START: Section = section(
    "`[start]`",
    &[key("parallel", Form::Count, "how many services may be starting at once (default: any number)")],
);

/// The keys of `[metrics]`.
pub(super) const METRICS: Section = section(
    "`[metrics]`",
    &[key("port", Form::OwnPort, "the local TCP port: a number, or \"auto\" for a free one (the default)")],
);

/// The keys of `[alerts]`.
pub(super) const ALERTS: Section = section(
    "`[alerts]`",
    &[
        key(
            "on",
            Form::SomeOf(&["failed", "crash-loop", "stuck", "recovered", "task-dead", "batch-done"]),
            "which alerts are sent: failed, crash-loop, stuck, recovered, task-dead, batch-done (default: the first three)",
        ),
        key("run", Form::Program, "the program that gets each alert, with the event as JSON on its stdin"),
        key("every", Form::Duration, "send at most one alert per service and kind in this time (default: 30s)"),
    ],
);

/// The keys of `[web]`.
pub(super) const WEB: Section = section(
    "`[web]`",
    &[
        key(
            "port",
            Form::OwnPort,
            "its TCP port: a number, or \"auto\" for a free one that stays the same (the default)",
        ),
        key("host", Form::Text, "the IP address that it listens on (default: 127.0.0.1)"),
        key("allow_remote", Form::Boolean, "whether `host` may be an address that other machines reach"),
        key("hosts", Form::Texts, "other names by which browsers may reach it, such as \"dev.box:7700\""),
    ],
);

/// The keys of `[tasks]`.
pub(super) const TASKS: Section = section(
    "`[tasks]`",
    &[
        key("dir", Form::Text, "the folder that holds tasks/, results/ and so on"),
        key("backend", Form::Text, "the NATS server for tasks of several machines, such as \"nats://127.0.0.1:4222\""),
    ],
);

/// The keys of `[export]`.
pub(super) const EXPORT: Section = section(
    "`[export]`",
    &[
        key("image", Form::Text, "the container image of the services"),
        key("images", Form::Variables, "services with an image of their own"),
    ],
);

/// The keys of `ready`.
pub(super) const READY: Section = Section {
    name: "`ready`",
    keys: &[
        key("port", Form::Port, "ready when this local TCP port accepts connections"),
        key("http", Form::HttpAddress, "ready when this address answers"),
        key("log", Form::TextPattern, "ready when its output contains this"),
        key("cmd", Form::Command, "ready when this command succeeds"),
        key("file", Form::Text, "ready when this file is written"),
        key("delay", Form::Duration, "ready after this time"),
        key("sd_notify", Form::Yes, "ready when it sends READY=1 to $NOTIFY_SOCKET, as for systemd"),
        key("status", Form::Status, "the status codes that `http` must answer with"),
        key("timeout", Form::Duration, "how long it may take to become ready"),
    ],
    required: &[],
    ways: &["port", "http", "log", "cmd", "file", "delay", "sd_notify"],
    belongs: &[("status", "http")],
};

/// The keys of `alive`.
pub(super) const ALIVE: Section = Section {
    name: "`alive`",
    keys: &[
        key("port", Form::Port, "alive while this local TCP port accepts connections"),
        key("http", Form::HttpAddress, "alive while this address answers"),
        key("cmd", Form::Command, "alive while this command succeeds"),
        key("file", Form::Text, "alive while it keeps writing this file"),
        key("max_age", Form::Duration, "how long `file` may stay unchanged"),
        key("sd_notify", Form::Yes, "alive while it sends WATCHDOG=1 to $NOTIFY_SOCKET, as for systemd"),
        key("status", Form::Status, "the status codes that `http` must answer with"),
        key("every", Form::Duration, "the time from one try to the next"),
        key("timeout", Form::Duration, "how long a try may take"),
        key("failures", Form::Count, "how many tries in a row must fail"),
        key("grace", Form::Duration, "how long after a start failures do not count"),
    ],
    required: &[],
    ways: &["port", "http", "cmd", "file", "sd_notify"],
    belongs: &[("status", "http"), ("max_age", "file"), ("file", "max_age")],
};

/// The keys of `limits`.
pub(super) const LIMITS: Section =
    section("`limits`", &[key("memory", Form::Size, "the memory above which it is restarted")]);

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
        key("factor", Form::Factor, "the factor by which each wait grows"),
        key("max", Form::Duration, "the longest wait"),
        key("reset_after", Form::Duration, "a run that lasts this long resets the count"),
    ],
);

/// The keys of `breaker`.
pub(super) const BREAKER: Section = section(
    "`breaker`",
    &[
        key("failures", Form::Count, "how many crashes are too many"),
        key("within", Form::Duration, "the time in which crashes are counted"),
        key("cooldown", Form::Duration, "the time before one more try"),
    ],
);

/// The keys of `stop`.
pub(super) const STOP: Section = section(
    "`stop`",
    &[
        key("signal", Form::Signal, "the first signal"),
        key("grace", Form::Duration, "how long it may take before KILL"),
        key("command", Form::Command, "a command to run instead of the first signal"),
        key(
            "to",
            Form::OneOf(&["group", "leader"]),
            "whether the first signal goes to the process group or only to its leader",
        ),
    ],
);

/// What other tools, or other languages of thought, call a key.
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    (LOGS.name, "size", "max_size"),
    (LOGS.name, "max-size", "max_size"),
    (LOGS.name, "max-file", "max_files"),
    (LOGS.name, "max_backups", "max_files"),
    (LOGS.name, "rotate", "max_files"),
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
    (SERVICE.name, "listen", "port"),
    (SERVICE.name, "http_port", "port"),
    (SERVICE.name, "forward_ports", "ports"),
    (SERVICE.name, "expose", "ports"),
    (SERVICE.name, "expected_ports", "ports"),
    (SERVICE.name, "health", "ready"),
    (SERVICE.name, "readiness_probe", "ready"),
    (SERVICE.name, "startup_probe", "ready"),
    (SERVICE.name, "liveness", "alive"),
    (SERVICE.name, "liveness_probe", "alive"),
    (SERVICE.name, "watchdog", "alive"),
    (SERVICE.name, "memory", "limits"),
    (SERVICE.name, "memory_limit", "limits"),
    (SERVICE.name, "limit", "limits"),
    (SERVICE.name, "resources", "limits"),
    (SERVICE.name, "check", "validate"),
    (SERVICE.name, "build", "validate"),
    (SERVICE.name, "autorestart", "restart"),
    (SERVICE.name, "sources", "inputs"),
    (SERVICE.name, "input", "inputs"),
    (SERVICE.name, "retry", "retries"),
    (SERVICE.name, "max_retries", "retries"),
    (SERVICE.name, "attempts", "retries"),
    (SERVICE.name, "max_attempts", "retries"),
    (SERVICE.name, "cron", "schedule"),
    (SERVICE.name, "crontab", "schedule"),
    (SERVICE.name, "cron_expression", "schedule"),
    (SERVICE.name, "interval", "schedule"),
    (SERVICE.name, "every", "schedule"),
    (SERVICE.name, "on_calendar", "schedule"),
    (SERVICE.name, "start_calendar_interval", "schedule"),
    (SERVICE.name, "tz", "timezone"),
    (SERVICE.name, "time_zone", "timezone"),
    (SERVICE.name, "cron_tz", "timezone"),
    (SERVICE.name, "run_at_start", "run_on_start"),
    (SERVICE.name, "run_at_load", "run_on_start"),
    (SERVICE.name, "run_on_startup", "run_on_start"),
    (SERVICE.name, "shutdown", "stop"),
    (SERVICE.name, "instances", "replicas"),
    (SERVICE.name, "scale", "replicas"),
    (SERVICE.name, "numprocs", "replicas"),
    (SERVICE.name, "max_concurrent_tasks", "concurrency"),
    (SERVICE.name, "worker_concurrency", "concurrency"),
    (SERVICE.name, "max_workers", "concurrency"),
    (SERVICE.name, "parallelism", "concurrency"),
    (SERVICE.name, "pool_size", "concurrency"),
    (SERVICE.name, "task_timeout", "timeout"),
    (SERVICE.name, "job_timeout", "timeout"),
    (SERVICE.name, "time_limit", "timeout"),
    (SERVICE.name, "task_time_limit", "timeout"),
    (SERVICE.name, "heartbeat_interval", "heartbeat"),
    (SERVICE.name, "retry_backoff", "backoff"),
    (SERVICE.name, "initial_retry_delay", "backoff"),
    (SERVICE.name, "circuit_breaker", "breaker"),
    (SERVICE.name, "circuit_breaker_threshold", "breaker"),
    (SERVICE.name, "circuit_breaker_timeout", "breaker"),
    (SERVICE.name, "external", "remote"),
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
    (ROOT.name, "startup", "start"),
    (ROOT.name, "parallel", "start"),
    (ROOT.name, "parallelism", "start"),
    (ROOT.name, "concurrency", "start"),
    (ROOT.name, "max_parallel", "start"),
    (START.name, "limit", "parallel"),
    (START.name, "max", "parallel"),
    (START.name, "max_parallel", "parallel"),
    (START.name, "parallelism", "parallel"),
    (START.name, "concurrency", "parallel"),
    (START.name, "max_concurrent", "parallel"),
    (TASKS.name, "path", "dir"),
    (TASKS.name, "folder", "dir"),
    (TASKS.name, "directory", "dir"),
    (TASKS.name, "root", "dir"),
    (TASKS.name, "base_dir", "dir"),
    (TASKS.name, "shared_dir", "dir"),
    (TASKS.name, "task_dir", "dir"),
    (ROOT.name, "prometheus", "metrics"),
    (ROOT.name, "monitoring", "metrics"),
    (METRICS.name, "listen", "port"),
    (METRICS.name, "metrics_port", "port"),
    (ROOT.name, "alert", "alerts"),
    (ROOT.name, "notify", "alerts"),
    (ROOT.name, "notifications", "alerts"),
    (ROOT.name, "webhook", "alerts"),
    (ROOT.name, "webhooks", "alerts"),
    (ALERTS.name, "events", "on"),
    (ALERTS.name, "kinds", "on"),
    (ALERTS.name, "when", "on"),
    (ALERTS.name, "command", "run"),
    (ALERTS.name, "cmd", "run"),
    (ALERTS.name, "exec", "run"),
    (ALERTS.name, "hook", "run"),
    (ALERTS.name, "webhook", "run"),
    (ALERTS.name, "url", "run"),
    (ALERTS.name, "interval", "every"),
    (ALERTS.name, "throttle", "every"),
    (ALERTS.name, "cooldown", "every"),
    (ALERTS.name, "rate_limit", "every"),
    (ROOT.name, "http", "web"),
    (ROOT.name, "server", "web"),
    (ROOT.name, "dashboard", "web"),
    (WEB.name, "address", "host"),
    (WEB.name, "bind", "host"),
    (WEB.name, "listen", "host"),
    (WEB.name, "allowed_hosts", "hosts"),
    (WEB.name, "remote", "allow_remote"),
    (ROOT.name, "exports", "export"),
    (ROOT.name, "deploy", "export"),
    (ROOT.name, "image", "export"),
    (ROOT.name, "images", "export"),
    (EXPORT.name, "default", "image"),
    (EXPORT.name, "services", "images"),
    (READY.name, "notify", "sd_notify"),
    (READY.name, "systemd", "sd_notify"),
    (ROOT.name, "includes", "include"),
    (ROOT.name, "import", "include"),
    (ROOT.name, "imports", "include"),
    (ROOT.name, "extends", "include"),
    (ROOT.name, "files", "include"),
    (ROOT.name, "members", "include"),
    (ROOT.name, "workspaces", "include"),
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
    (ALIVE.name, "notify", "sd_notify"),
    (ALIVE.name, "watchdog", "sd_notify"),
    (ALIVE.name, "watchdog_sec", "every"),
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
    (LIMITS.name, "mem", "memory"),
    (LIMITS.name, "ram", "memory"),
    (LIMITS.name, "rss", "memory"),
    (LIMITS.name, "memory_max", "memory"),
    (LIMITS.name, "max_memory", "memory"),
    (ENV_FILE.name, "file", "path"),
    (ENV_FILE.name, "name", "path"),
    (ENV_FILE.name, "fallback", "or"),
    (ENV_FILE.name, "else", "or"),
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
        let sections = [
            &ROOT, &SERVICE, &ENV_FILE, &WATCH, &LOGS, &START, &TASKS, &WEB, &METRICS, &ALERTS, &EXPORT, &READY,
            &ALIVE, &LIMITS, &VALIDATE, &BACKOFF, &BREAKER, &STOP,
        ];
        let section = |name: &str| sections.into_iter().find(|section| section.name == name).unwrap();
        for (name, other, here) in OTHER_WORDS {
            assert!(section(name).key(here).is_some(), "{name} {here}");
            assert!(section(name).key(other).is_none(), "{name} {other}");
        }
    }
}
