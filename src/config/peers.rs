//! What other tools call things that are said in another way here: compose, process-compose, systemd, supervisor, pm2 and
//! their like. Plain other names of a key stand in `keys`; here is what needs a sentence.

use super::keys::{ROOT, SERVICE, Section, TASKS, WATCH};

/// A key of another tool.
#[derive(Debug)]
pub(super) struct Peer {
    section: &'static str,
    words: &'static [&'static str],
    /// The key that it stands for, if one key does.
    pub(super) here: Option<&'static str>,
    /// What to write.
    pub(super) say: &'static str,
}

const fn peer(words: &'static [&'static str], here: Option<&'static str>, say: &'static str) -> Peer {
    Peer { section: SERVICE.name, words, here, say }
}

const PEERS: &[Peer] = &[
    peer(
        &[
            "pre_start",
            "prestart",
            "before_start",
            "exec_start_pre",
            "pre_run",
            "pre_command",
            "pre_cmd",
            "init",
            "init_containers",
            "setup",
        ],
        None,
        "make it a job: { run = \"…\", kind = \"job\" }, and write depends_on = [\"its name\"] here",
    ),
    peer(
        &["post_start", "poststart", "after_start", "exec_start_post", "post_cmd"],
        None,
        "make it a job: { run = \"…\", kind = \"job\", depends_on = [\"this service\"] }",
    ),
    peer(
        &["pre_stop", "prestop", "before_stop", "exec_stop"],
        Some("stop"),
        "stop = { command = \"…\" } runs instead of the first signal",
    ),
    peer(
        &["post_stop", "poststop", "after_stop", "exec_stop_post"],
        None,
        "nothing runs after a stop; to run a command instead of the first signal: stop = { command = \"…\" }",
    ),
    // mprocs gives its command so, others the shell that runs it.
    peer(
        &["shell"],
        Some("run"),
        "a string runs with sh -c, a list without a shell; for another shell: run = [\"bash\", \"-c\", \"…\"]",
    ),
    peer(
        &["args", "args_bin", "node_args", "interpreter", "interpreter_args"],
        Some("run"),
        "put the whole command into `run`: run = \"node --watch app.js x\", or run = [\"node\", \"--watch\", \"app.js\", \"x\"]",
    ),
    peer(
        &["ext", "exts", "extensions", "include_ext", "filter"],
        Some("watch"),
        "watch = [\"**/*.{js,ts}\"]: a list of patterns, from `dir`",
    ),
    peer(
        &["exclude_regex", "filter_regex"],
        Some("ignore"),
        "use .gitignore patterns: ignore = [\"*_test.go\", \"generated/\"]",
    ),
    peer(
        &["no_vcs_ignore", "no_gitignore", "respect_gitignore"],
        None,
        "set it for the whole group: [watch] gitignore = false",
    ),
    peer(
        &["poll", "polling", "use_polling", "legacy_watch"],
        None,
        "set it for the whole group: [watch] backend = \"poll\"",
    ),
    peer(
        &["delay", "rerun_delay"],
        None,
        "after a change: debounce = \"1s\"; before its dependents start: ready = { delay = \"1s\" }; after a crash: backoff",
    ),
    peer(
        &["trigger_mode", "on_busy_update", "interruptible", "restartable"],
        Some("on_change"),
        "on_change = \"restart\" (default), \"mark\" (only mark it in the log), \"signal:HUP\" or \"run:COMMAND\"; without `watch` nothing restarts it",
    ),
    peer(
        &["cache", "outputs"],
        None,
        "devgroup caches no outputs; a job runs again when a file changes: kind = \"job\", watch = [\"…\"]",
    ),
    peer(
        &["persistent"],
        Some("kind"),
        "kind = \"service\" (default) runs until stopped; kind = \"job\" runs to completion",
    ),
    peer(
        &["stop_on_error", "exit_on_error"],
        Some("validate"),
        "validate = { run = \"…\" } must succeed before a restart; if it fails, the old run continues",
    ),
    peer(
        &["exit_on_end", "exit_on_failure", "can_die"],
        None,
        "the others keep running when one exits; to stop the group with it: devgroup --exit-with NAME",
    ),
    peer(
        &["max_memory_restart", "max_memory", "mem_limit", "memory_max"],
        Some("limits"),
        "limits = { memory = \"2GiB\" }: above it, the service is restarted",
    ),
    peer(
        &["wait_ready", "listen_timeout", "launch_timeout"],
        Some("ready"),
        "ready = { port = 3000, timeout = \"30s\" } (or http, log, cmd, file)",
    ),
    peer(
        &["restart_policy", "availability"],
        Some("restart"),
        "restart = \"on-failure\" (default), \"always\" or \"never\"",
    ),
    peer(
        &["max_restarts", "restart_limit", "startretries", "start_limit_burst", "max_failures"],
        Some("breaker"),
        "breaker = { failures = 5, within = \"60s\" }; for a job: retries = 5",
    ),
    peer(
        &[
            "restart_delay",
            "restart_sec",
            "restart_backoff",
            "backoff_seconds",
            "exp_backoff_restart_delay",
            "min_uptime",
        ],
        Some("backoff"),
        "backoff = { initial = \"1s\", factor = 2.0, max = \"30s\", reset_after = \"10s\" }",
    ),
    peer(
        &["healthcheck", "health_check", "probe", "probes"],
        Some("ready"),
        "ready = { cmd = \"…\" } (or port, http, log) tells when it is ready; alive = { cmd = \"…\" } tells whether it is stuck",
    ),
    peer(
        &[
            "stop_grace_period",
            "kill_timeout",
            "stop_timeout",
            "shutdown_timeout",
            "stopwaitsecs",
            "timeout_stop",
            "timeout_stop_sec",
            "termination_grace_period_seconds",
            "kill_delay",
            "stop_grace",
        ],
        Some("stop"),
        "stop = { grace = \"10s\" }",
    ),
    peer(
        &["kill_signal", "stopsignal", "killsignal", "stop_signal", "signal", "send_interrupt"],
        Some("stop"),
        "stop = { signal = \"INT\" }",
    ),
    peer(
        &["image", "container", "volumes", "networks", "network_mode", "hostname", "privileged", "secrets", "configs"],
        None,
        "a service is a command; for a container: run = \"docker compose up NAME\"",
    ),
    peer(&["exec_mode", "deploy"], Some("replicas"), "replicas = 3 runs three instances, each a process of its own"),
    peer(&["user", "uid", "group_id", "run_as"], None, "it runs as the user who runs devgroup"),
    peer(
        &[
            "log",
            "logs",
            "log_file",
            "logfile",
            "log_location",
            "stdout",
            "stderr",
            "stdout_logfile",
            "out_file",
            "logging",
        ],
        None,
        "output is kept in memory; to keep it on disk too, for all services: [logs] files = true",
    ),
    peer(
        &["tty", "is_tty", "stdin_open", "interactive"],
        None,
        "every service has a terminal; press `i` in the dashboard to type into it",
    ),
    peer(
        &["cron_restart"],
        None,
        "devgroup restarts no service at a set time; for a job that runs at set times: kind = \"job\", schedule = \"0 3 * * *\"",
    ),
    peer(
        &["max_concurrent", "concurrency_policy", "allow_overlap", "overlap"],
        Some("schedule"),
        "a job never runs twice at once; a time that comes while it runs is skipped, and its log says so",
    ),
    peer(
        &["suspend", "suspended"],
        Some("autostart"),
        "autostart = false: its times count after you press s, or after devgroup start NAME",
    ),
    peer(&["scrollback", "max_lines"], None, "for all services: [logs] memory = \"64MiB\""),
    peer(&["color", "colour"], None, "devgroup chooses the colours; set your theme in ~/.config/devgroup/config.toml"),
    peer(&["priority", "order", "weight"], Some("depends_on"), "depends_on = [\"db\"] starts it when db is ready"),
    peer(
        &["namespace", "tags", "category"],
        Some("group"),
        "group = \"…\" is its heading in the sidebar; profiles = [\"full\"] starts it only with --profile full",
    ),
    peer(
        &["daemon", "is_daemon", "daemonize", "forking"],
        None,
        "it must run in the foreground, so that devgroup sees it exit",
    ),
    peer(
        &["description", "label", "labels", "comment", "title"],
        None,
        "write a comment after `#`, or use a key that starts with x-",
    ),
    Peer {
        section: WATCH.name,
        words: &["paths", "path", "files", "dirs", "directories", "globs", "patterns"],
        here: None,
        say: "give each service its own patterns: [services.NAME]\nwatch = [\"src/**\"]",
    },
    Peer {
        section: WATCH.name,
        words: &["poll", "polling", "use_polling", "force_polling", "legacy_watch"],
        here: Some("backend"),
        say: "backend = \"poll\" polls instead of using file events; poll_interval = \"1s\" sets how often",
    },
    Peer {
        section: ROOT.name,
        words: &["task", "jobs", "job"],
        here: Some("services"),
        say: "a job is a service that runs to completion: [services.NAME]\nrun = \"…\"\nkind = \"job\"",
    },
    Peer {
        section: TASKS.name,
        words: &["redis", "nats", "url", "queue", "broker", "broker_url"],
        here: Some("backend"),
        say: "tasks are files in `dir`; for several machines, through a NATS server: backend = \"nats://127.0.0.1:4222\"",
    },
    Peer { section: ROOT.name, words: &["version"], here: None, say: "the file has no version; remove this" },
    Peer {
        section: ROOT.name,
        words: &["environment", "env", "env_file", "env_files"],
        here: Some("defaults"),
        say: "[defaults]\nenv = { NAME = \"value\" }",
    },
];

/// A key as these tables write it: `exec_start_pre` for systemd's `ExecStartPre`, `liveness_probe` for `livenessProbe`.
pub(super) fn in_snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        match c {
            '-' => snake.push('_'),
            c if c.is_ascii_uppercase() => {
                if !snake.is_empty() && !snake.ends_with('_') {
                    snake.push('_');
                }
                snake.push(c.to_ascii_lowercase());
            }
            c => snake.push(c),
        }
    }
    snake
}

/// What to say about a key, if it is one of another tool.
pub(super) fn key(section: &Section, word: &str) -> Option<&'static Peer> {
    PEERS.iter().find(|peer| peer.section == section.name && peer.words.contains(&word))
}

/// Words of other tools for the values of a key.
const VALUES: &[(&str, &[&str], &str)] = &[
    (
        "depends_on",
        &["healthy", "service_healthy", "process_healthy", "process_log_ready", "condition_healthy"],
        "ready",
    ),
    ("depends_on", &["running", "service_started", "process_started", "up", "start"], "started"),
    (
        "depends_on",
        &[
            "completed",
            "complete",
            "completed_successfully",
            "service_completed_successfully",
            "process_completed",
            "process_completed_successfully",
            "success",
            "succeeded",
            "exited",
            "finished",
        ],
        "done",
    ),
    ("restart", &["unless-stopped", "unless_stopped", "yes", "true"], "always"),
    ("restart", &["no", "off", "false", "exit_on_failure"], "never"),
    ("kind", &["oneshot", "one-shot", "once", "task", "batch"], "job"),
    ("kind", &["agent", "consumer", "queue", "queue-worker", "task-worker"], "worker"),
    ("kind", &["daemon", "simple", "process", "long-running"], "service"),
];

/// What a value of a key is called here, if it is one of another tool.
pub(super) fn value(key: &str, word: &str) -> Option<&'static str> {
    let found = VALUES.iter().find(|(name, words, _)| *name == key && words.contains(&word));
    found.map(|(.., here)| *here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_systemd_and_kubernetes_are_found_as_they_are_written() {
        let found = |key_of_them: &str| key(&SERVICE, &in_snake_case(key_of_them)).map(|peer| peer.say);
        assert_eq!(found("ExecStartPre"), found("exec_start_pre"));
        assert!(found("ExecStartPre").is_some_and(|say| say.contains("make it a job")));
        assert_eq!(found("RestartSec"), found("restart_sec"));
        assert_eq!(found("terminationGracePeriodSeconds"), Some("stop = { grace = \"10s\" }"));
        let other = |key: &str| super::super::keys::other_word(&SERVICE, &in_snake_case(key));
        let words = ["ExecStart", "Requires", "EnvironmentFile", "WorkingDirectory", "livenessProbe", "startup-probe"];
        assert_eq!(
            words.map(other),
            [Some("run"), Some("depends_on"), Some("env_file"), Some("dir"), Some("alive"), Some("ready")]
        );
    }

    #[test]
    fn keys_that_others_have_at_the_top_and_in_watch_are_told_ours() {
        for (section, word, say) in [
            (&WATCH, "paths", "[services.NAME]"),
            (&WATCH, "usePolling", "backend = \"poll\""),
            (&WATCH, "poll", "poll_interval"),
            (&ROOT, "jobs", "kind = \"job\""),
            (&TASKS, "redis", "through a NATS server"),
        ] {
            let found = key(section, &in_snake_case(word));
            assert!(found.is_some_and(|peer| peer.say.contains(say)), "{word}");
        }
    }

    #[test]
    fn the_words_of_others_are_none_of_ours_and_lead_to_ours() {
        let mut seen = std::collections::HashSet::new();
        for peer in PEERS {
            let sections = [&ROOT, &WATCH, &SERVICE, &TASKS];
            let section = sections.into_iter().find(|section| section.name == peer.section).unwrap();
            assert!(peer.here.is_none_or(|here| section.key(here).is_some()), "{peer:?}");
            for word in peer.words {
                assert!(section.key(word).is_none() && seen.insert((peer.section, word)), "{word}");
                assert!(super::super::keys::other_word(section, word).is_none(), "{word} stands twice");
            }
        }
        for (key, ..) in VALUES {
            assert!(SERVICE.key(key).is_some(), "{key}");
        }
    }
}
