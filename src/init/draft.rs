//! What sources say: drafts of services, and notes for the reader.

/// What became of something that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It says itself what is to run.
    Found,
    /// It is likely.
    Guessed,
    /// It is left out.
    Skipped,
}

impl Finding {
    /// `found`, `guessed` or `skipped`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Guessed => "guessed",
            Self::Skipped => "skipped",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What became of it.
    pub finding: Finding,
    /// The file it stands in, relative to the root.
    pub source: String,
    /// The remark, in a sentence.
    pub text: String,
}

/// The command of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// A line for the shell, with all of its dollars.
    Shell(String),
    /// A program and its arguments, as `procgroup.toml` writes them: `${NAME}` is put in, `$$` is a dollar.
    Argv(Vec<String>),
}

impl Run {
    /// For sentences, and for finding out what it starts.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Shell(line) => line.clone(),
            Self::Argv(words) => words.join(" "),
        }
    }
}

/// How readiness is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    Port(u16),
    /// The port of `port`, which each instance has its own of.
    OwnPort,
    /// The address, and the one status that is good, if it is said.
    Http(String, Option<u16>),
    Log(String),
    /// A line for the shell.
    Cmd(String),
}

/// How it is found out that it is stuck. All times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alive {
    pub(super) ask: Ready,
    pub(super) every: u64,
    pub(super) timeout: u64,
    pub(super) failures: u64,
    pub(super) grace: u64,
}

/// When a job runs by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    /// As `procgroup.toml` writes it.
    pub(super) when: String,
    pub(super) timezone: Option<String>,
    pub(super) run_on_start: bool,
}

/// What is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Watch {
    /// To be decided by the command.
    #[default]
    Undecided,
    /// No file restarts it.
    Off,
    /// These patterns, relative to the root.
    Globs(Vec<String>),
}

/// A service, as a source tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) run: Run,
    /// The file that says so, relative to the root.
    pub(super) source: String,
    /// Found or guessed.
    pub(super) finding: Finding,
    /// Relative to the root; empty is the root.
    pub(super) dir: String,
    pub(super) job: bool,
    /// Values as `procgroup.toml` writes them.
    pub(super) env: Vec<(String, String)>,
    pub(super) env_files: Vec<String>,
    /// The port that it is told as PORT.
    pub(super) port: Option<u16>,
    /// Variables that it is to run without.
    pub(super) unset: Vec<String>,
    /// Names, and `started`, `ready` or `done`, if it is said.
    pub(super) depends_on: Vec<(String, Option<&'static str>)>,
    pub(super) ready: Option<Ready>,
    /// How many seconds it may take until it is ready, if that is said.
    pub(super) ready_timeout: Option<u64>,
    pub(super) alive: Option<Alive>,
    /// What must succeed before a restart: a line for the shell.
    pub(super) validate: Option<String>,
    pub(super) url: Option<String>,
    pub(super) restart: Option<&'static str>,
    /// The seconds between an end and the next start, always the same.
    pub(super) backoff: Option<u64>,
    /// How many crashes of a day are too many.
    pub(super) breaker: Option<u64>,
    /// How often a job is tried again.
    pub(super) retries: Option<u64>,
    pub(super) schedule: Option<Schedule>,
    /// How many instances of it run.
    pub(super) replicas: Option<u32>,
    /// The first signal, and the seconds before the last one.
    pub(super) stop_signal: Option<String>,
    pub(super) stop_grace: Option<u64>,
    pub(super) stop_command: Option<String>,
    /// Only the leader gets the signal.
    pub(super) stop_leader: bool,
    pub(super) autostart: bool,
    pub(super) profiles: Vec<String>,
    pub(super) group: Option<String>,
    pub(super) watch: Watch,
    /// What the reader is to know about it: comments above it.
    pub(super) remarks: Vec<String>,
    /// What its source says about it and the file does not: comments above it, and a line of the report each.
    pub(super) left: Vec<String>,
    /// What it starts besides what its command says, for finding doubles.
    pub(super) covers: Vec<String>,
}

impl Draft {
    /// A service that runs a line in the root.
    pub(super) fn new(name: impl Into<String>, run: Run, source: &str) -> Self {
        Self {
            name: name.into(),
            run,
            source: source.to_owned(),
            finding: Finding::Found,
            dir: String::new(),
            job: false,
            env: Vec::new(),
            env_files: Vec::new(),
            port: None,
            unset: Vec::new(),
            depends_on: Vec::new(),
            ready: None,
            ready_timeout: None,
            alive: None,
            validate: None,
            url: None,
            restart: None,
            backoff: None,
            breaker: None,
            retries: None,
            schedule: None,
            replicas: None,
            stop_signal: None,
            stop_grace: None,
            stop_command: None,
            stop_leader: false,
            autostart: true,
            profiles: Vec::new(),
            group: None,
            watch: Watch::Undecided,
            remarks: Vec::new(),
            left: Vec::new(),
            covers: Vec::new(),
        }
    }

    /// The same, as a guess.
    pub(super) fn guess(name: impl Into<String>, line: impl Into<String>, source: &str) -> Self {
        Self { finding: Finding::Guessed, ..Self::new(name, Run::Shell(line.into()), source) }
    }
}

/// All that the sources of a repository say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) drafts: Vec<Draft>,
    pub(super) notes: Vec<Note>,
}

impl Found {
    /// Names of the drafts whose end others wait for: they run to their end.
    pub(super) fn awaited(&self) -> Vec<String> {
        let needs = self.drafts.iter().flat_map(|draft| &draft.depends_on);
        needs.filter(|(_, when)| *when == Some("done")).map(|(on, _)| on.clone()).collect()
    }

    /// Names what runs to its end by its name, in one line: it is left out, but not silently.
    pub(super) fn skip_ending(&mut self, source: &str, kind: &str, names: &[&str]) {
        match names {
            [] => {}
            [one] => self.skip(source, format!("{kind} {one}: its name suggests a job")),
            _ => self.skip(source, format!("{kind}s {}: their names suggest jobs", names.join(", "))),
        }
    }

    /// Says that something is left out.
    pub(super) fn skip(&mut self, source: &str, text: impl Into<String>) {
        self.notes.push(Note { finding: Finding::Skipped, source: source.to_owned(), text: text.into() });
    }
}
