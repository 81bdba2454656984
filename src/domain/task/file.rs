//! A task file: its bytes, by the rules of the contract, become a task or a refusal.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::keys::TaskKeys;
use super::{DeadReason, Priority, TaskHead, TaskId};
use crate::domain::near::{near, shown};
use crate::domain::units;

/// A description above this reaches a try by its standard input only: the system takes 128 KiB for one argument.
pub const DESCRIPTION_IN_ARGUMENTS: usize = 64 << 10;

/// A try that may take longer than ten years is a slip.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The longest name of a batch, in bytes. It is repeated in each result and in `orchestrator.json`.
const LONGEST_BATCH: usize = 128;

/// Whose folder the file is in, and what its worker can take.
#[derive(Clone, Copy, Debug)]
pub struct TaskHome<'a> {
    /// The worker; none for `tasks/*.json`, which name theirs.
    pub worker: Option<&'a str>,
    /// `run` is a list that names the description, which has to fit into an argument then.
    pub names_description: bool,
}

/// A task file that can be worked off.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskFile {
    /// What is kept while it waits.
    pub head: TaskHead,
    /// `worker`; that of the folder where the file does not say.
    pub worker: Option<Arc<str>>,
    /// `description`.
    pub description: String,
    /// All that it says, in its order.
    pub keys: TaskKeys,
}

/// A task file that cannot be worked off: a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRefusal {
    /// The word for it. Only what is [`DeadReason::InvalidJson`] may be a file that is still being written.
    pub reason: DeadReason,
    /// What is wrong, in a line for people.
    pub detail: String,
    /// Its id, or that of its name, if either can be one.
    pub id: Option<TaskId>,
    /// The batch that it names, if it is JSON.
    pub batch: Option<Arc<str>>,
}

impl TaskFile {
    /// Reads a file. `name`: of the file, with `.json`; what is not UTF-8 in it replaced.
    ///
    /// # Errors
    /// Why it is a dead letter.
    pub fn parse(bytes: &[u8], name: &str, home: TaskHome<'_>) -> Result<Self, TaskRefusal> {
        let of_name = TaskId::of_file(name);
        let keys = TaskKeys::parse(bytes).map_err(|fault| TaskRefusal {
            reason: DeadReason::InvalidJson,
            detail: fault.to_string(),
            id: of_name.clone(),
            batch: None,
        })?;
        let batch = read_batch(&keys).ok().flatten();
        let refuse = |id: Option<TaskId>, (reason, detail)| TaskRefusal { reason, detail, id, batch: batch.clone() };
        let id = read_id(&keys, name).map_err(|fault| refuse(of_name, fault))?;
        let refuse = |fault| refuse(Some(id.clone()), fault);
        let worker = read_worker(&keys, home).map_err(refuse)?;
        let description = read_description(&keys, home).map_err(refuse)?;
        let head = TaskHead {
            id: id.clone(),
            priority: read_priority(&keys).map_err(refuse)?,
            dependencies: read_dependencies(&keys).map_err(refuse)?,
            timeout: read_timeout(&keys).map_err(refuse)?,
            batch: read_batch(&keys).map_err(refuse)?,
        };
        Ok(Self { head, worker, description, keys })
    }
}

/// A reason and what is wrong.
type Fault = (DeadReason, String);

fn invalid(detail: impl Into<String>) -> Fault {
    (DeadReason::InvalidField, detail.into())
}

/// The value of a key; `null` is as good as not there.
fn value(keys: &TaskKeys, key: &str) -> Result<Option<Value>, Fault> {
    let Some(text) = keys.get(key) else { return Ok(None) };
    // The syntax was checked; what is left are numbers that nothing can hold and halves of surrogate pairs.
    serde_json::from_str(text).map(Some).map_err(|_| invalid(format!("`{key}` cannot be read")))
}

fn text(keys: &TaskKeys, key: &str) -> Result<Option<String>, Fault> {
    match value(keys, key)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(invalid(format!("`{key}` must be a string, but is {}", kind(&other)))),
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn read_id(keys: &TaskKeys, name: &str) -> Result<TaskId, Fault> {
    let rule = "1 to 128 of A-Z a-z 0-9 . _ -, and no dot at the beginning";
    let (id, what) = match text(keys, "task_id")? {
        Some(id) => (id, "`task_id`"),
        None => (name.strip_suffix(".json").unwrap_or(name).to_owned(), "there is no `task_id`, and the file's name"),
    };
    let fault = || (DeadReason::InvalidTaskId, format!("{what} is \"{}\"; an id is {rule}", shown(&id).escape_debug()));
    TaskId::parse(&id).ok_or_else(fault)
}

fn read_worker(keys: &TaskKeys, home: TaskHome<'_>) -> Result<Option<Arc<str>>, Fault> {
    let named = text(keys, "worker")?;
    match (named, home.worker) {
        (Some(named), Some(of_folder)) if named != of_folder => {
            let shown = shown(&named);
            let detail = format!("`worker` is \"{}\", and the folder is {of_folder}'s", shown.escape_debug());
            Err((DeadReason::WrongWorker, detail))
        }
        (Some(named), _) => Ok(Some(named.into())),
        (None, of_folder) => Ok(of_folder.map(Arc::from)),
    }
}

fn read_description(keys: &TaskKeys, home: TaskHome<'_>) -> Result<String, Fault> {
    let description = text(keys, "description")?.ok_or_else(|| invalid("`description` is missing"))?;
    if description.trim().is_empty() {
        return Err(invalid("`description` is empty"));
    }
    if description.contains('\0') {
        return Err(invalid("`description` contains a NUL character, which no program can be given"));
    }
    if home.names_description && description.len() > DESCRIPTION_IN_ARGUMENTS {
        let (most, has) = (DESCRIPTION_IN_ARGUMENTS, description.len());
        let detail = format!("`description` has {has} bytes; an argument of `run` takes {most}. Read it from stdin");
        return Err((DeadReason::DescriptionTooLong, detail));
    }
    Ok(description)
}

fn read_priority(keys: &TaskKeys) -> Result<Priority, Fault> {
    let Some(word) = text(keys, "priority")? else { return Ok(Priority::default()) };
    Priority::parse(&word).ok_or_else(|| {
        let known = Priority::ALL.map(Priority::word);
        let meant = near(&word, known).first().map_or(String::new(), |meant| format!("; did you mean \"{meant}\"?"));
        let word = shown(&word);
        invalid(format!("`priority` is low, normal, high or critical, and not \"{}\"{meant}", word.escape_debug()))
    })
}

fn read_dependencies(keys: &TaskKeys) -> Result<Box<[TaskId]>, Fault> {
    let items = match value(keys, "dependencies")? {
        None => return Ok(Box::default()),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(invalid(format!("`dependencies` must be a list of ids, and is {}", kind(&other)))),
    };
    let mut ids: Vec<TaskId> = Vec::with_capacity(items.len());
    for item in items {
        let Value::String(text) = item else {
            return Err(invalid(format!("`dependencies` holds {}, which is not an id", kind(&item))));
        };
        let fault = || invalid(format!("`dependencies` holds \"{}\", which is not an id", shown(&text).escape_debug()));
        ids.push(TaskId::parse(&text).ok_or_else(fault)?);
    }
    ids.sort();
    ids.dedup();
    Ok(ids.into())
}

fn read_timeout(keys: &TaskKeys) -> Result<Option<Duration>, Fault> {
    let timeout = match value(keys, "timeout")? {
        None => return Ok(None),
        Some(Value::Number(number)) => {
            let seconds = number.as_f64().unwrap_or(f64::NAN);
            if seconds <= 0.0 {
                return Err(invalid("`timeout` must be above 0"));
            }
            Duration::try_from_secs_f64(seconds).map_err(|_| invalid("`timeout` is longer than ten years"))?
        }
        Some(Value::String(text)) => units::parse_duration(&text)
            .map_err(|problem| invalid(format!("`timeout` is \"{}\": {problem}", shown(&text).escape_debug())))?,
        Some(other) => {
            let kind = kind(&other);
            return Err(invalid(format!(
                "`timeout` must be a number of seconds or a string such as \"10m\", but is {kind}"
            )));
        }
    };
    match timeout {
        Duration::ZERO => Err(invalid("`timeout` must be above 0")),
        timeout if timeout > LONGEST_TIMEOUT => Err(invalid("`timeout` is longer than ten years")),
        timeout => Ok(Some(timeout)),
    }
}

/// Whether a text can name a batch.
pub fn is_batch(text: &str) -> bool {
    (1..=LONGEST_BATCH).contains(&text.len())
}

fn read_batch(keys: &TaskKeys) -> Result<Option<Arc<str>>, Fault> {
    match value(keys, "metadata")? {
        None => Ok(None),
        // What else is in there is the producer's.
        Some(Value::Object(entries)) => match entries.get("batch") {
            Some(Value::String(batch)) if is_batch(batch) => Ok(Some(batch.as_str().into())),
            _ => Ok(None),
        },
        Some(other) => Err(invalid(format!("`metadata` must be an object, and is {}", kind(&other)))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::{Letter, letter_json, read_letter};
    use super::*;

    const HOME: TaskHome<'_> = TaskHome { worker: Some("marie"), names_description: true };

    fn parse(text: &str) -> Result<TaskFile, TaskRefusal> {
        TaskFile::parse(text.as_bytes(), "test-001.json", HOME)
    }

    fn id(text: &str) -> TaskId {
        TaskId::parse(text).unwrap()
    }

    #[test]
    fn a_whole_task_is_read() {
        let task = parse(
            r#"{"task_id": "a-1", "worker": "marie", "description": "do it", "timeout": 1.5, "priority": "high",
                "dependencies": ["b", "a", "b"], "metadata": {"batch": "b-7f3", "x": 1}, "mine": [1]}"#,
        )
        .unwrap();
        assert_eq!((task.description.as_str(), task.worker.as_deref()), ("do it", Some("marie")));
        let head = TaskHead {
            id: id("a-1"),
            priority: Priority::High,
            dependencies: Box::new([id("a"), id("b")]),
            timeout: Some(Duration::from_millis(1_500)),
            batch: Some("b-7f3".into()),
        };
        assert_eq!(task.head, head);
        assert_eq!(task.keys.get("mine"), Some("[1]"));
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let task = parse(r#"{"description": "x", "timeout": null, "metadata": {"batch": 7}}"#).unwrap();
        let head = TaskHead {
            id: id("test-001"),
            priority: Priority::Normal,
            dependencies: Box::default(),
            timeout: None,
            batch: None,
        };
        assert_eq!((task.head, task.worker.as_deref()), (head, Some("marie")));
        let task = TaskFile::parse(br#"{"task_id":"a","description":"x"}"#, "a täsk \u{fffd}.json", HOME).unwrap();
        assert_eq!(task.head.id, id("a"));
        assert_eq!(
            parse(r#"{"description": "x", "timeout": "10m"}"#).unwrap().head.timeout,
            Some(Duration::from_secs(600))
        );
    }

    #[test]
    fn each_fault_has_its_reason_and_says_what_is_wrong() {
        use DeadReason::{InvalidField, InvalidJson, InvalidTaskId, WrongWorker};
        let cases = [
            ("{", InvalidJson, "line 1, column 1: EOF while parsing an object"),
            ("[]", InvalidJson, "a task is an object, `{…}`, and this is a list"),
            (r#"{"task_id":17}"#, InvalidField, "`task_id` must be a string, but is a number"),
            (
                r#"{"task_id":"../../etc/x"}"#,
                InvalidTaskId,
                "`task_id` is \"../../etc/x\"; an id is 1 to 128 of A-Z a-z 0-9 . _ -, and no dot at the beginning",
            ),
            (
                r#"{"task_id":""}"#,
                InvalidTaskId,
                "`task_id` is \"\"; an id is 1 to 128 of A-Z a-z 0-9 . _ -, and no dot at the beginning",
            ),
            (r#"{"worker":"bob"}"#, WrongWorker, "`worker` is \"bob\", and the folder is marie's"),
            (r#"{"worker":[]}"#, InvalidField, "`worker` must be a string, but is a list"),
            ("{}", InvalidField, "`description` is missing"),
            (r#"{"description":" \n"}"#, InvalidField, "`description` is empty"),
            (r#"{"description":true}"#, InvalidField, "`description` must be a string, but is true or false"),
            (
                r#"{"description":"a\u0000"}"#,
                InvalidField,
                "`description` contains a NUL character, which no program can be given",
            ),
            (r#"{"description":"\ud800"}"#, InvalidField, "`description` cannot be read"),
        ];
        for (text, reason, detail) in cases {
            let refusal = parse(text).unwrap_err();
            assert_eq!((refusal.reason, refusal.detail.as_str()), (reason, detail), "{text}");
            assert_eq!(refusal.id, Some(id("test-001")), "{text}");
        }
    }

    #[test]
    fn each_key_with_a_wrong_value_is_named() {
        let cases = [
            (r#""timeout":0"#, "`timeout` must be above 0"),
            (r#""timeout":-1"#, "`timeout` must be above 0"),
            (r#""timeout":"0s""#, "`timeout` must be above 0"),
            (r#""timeout":1e300"#, "`timeout` is longer than ten years"),
            (r#""timeout":1e999"#, "`timeout` cannot be read"),
            (r#""timeout":"10 m""#, "`timeout` is \"10 m\": it contains a space; write \"10m\""),
            (r#""timeout":"10""#, "`timeout` is \"10\": the unit is missing; write \"10s\", \"10ms\" or \"10m\""),
            (r#""timeout":[1]"#, "`timeout` must be a number of seconds or a string such as \"10m\", but is a list"),
            (
                r#""priority":"hgih""#,
                "`priority` is low, normal, high or critical, and not \"hgih\"; did you mean \"high\"?",
            ),
            (r#""priority":1"#, "`priority` must be a string, but is a number"),
            (r#""dependencies":"a""#, "`dependencies` must be a list of ids, and is a text"),
            (r#""dependencies":[1]"#, "`dependencies` holds a number, which is not an id"),
            (r#""dependencies":["a/b"]"#, "`dependencies` holds \"a/b\", which is not an id"),
            (r#""metadata":[]"#, "`metadata` must be an object, and is a list"),
        ];
        for (key, detail) in cases {
            let refusal = parse(&format!(r#"{{"task_id":"a","description":"x",{key}}}"#)).unwrap_err();
            assert_eq!((refusal.reason, refusal.detail.as_str()), (DeadReason::InvalidField, detail), "{key}");
            assert_eq!(refusal.id, Some(id("a")), "{key}");
        }
    }

    #[test]
    fn a_name_that_is_no_id_needs_one_inside() {
        for name in ["a task.json", "täsk.json", ".x.json", "a\u{fffd}.json"] {
            let refusal = TaskFile::parse(br#"{"description":"x"}"#, name, HOME).unwrap_err();
            assert_eq!((refusal.reason, refusal.id), (DeadReason::InvalidTaskId, None), "{name}");
        }
    }

    #[test]
    fn a_long_description_needs_a_run_that_reads_stdin() {
        let text = |length: usize| format!(r#"{{"description":"{}"}}"#, "x".repeat(length));
        assert!(parse(&text(DESCRIPTION_IN_ARGUMENTS)).is_ok());
        assert_eq!(parse(&text(DESCRIPTION_IN_ARGUMENTS + 1)).unwrap_err().reason, DeadReason::DescriptionTooLong);
        let reads_stdin = TaskHome { names_description: false, ..HOME };
        assert!(TaskFile::parse(text(200_000).as_bytes(), "a.json", reads_stdin).is_ok());
    }

    #[test]
    fn a_file_of_nobodys_folder_names_its_worker_or_does_not() {
        let home = TaskHome { worker: None, names_description: false };
        let worker = |text: &str| TaskFile::parse(text.as_bytes(), "a.json", home).unwrap().worker;
        assert_eq!(worker(r#"{"description":"x","worker":"bob"}"#).as_deref(), Some("bob"));
        assert_eq!(worker(r#"{"description":"x"}"#), None);
    }

    #[test]
    fn fuzz_of_task_files() {
        const SEEDS: [&[u8]; 6] = [
            br#"{"task_id":"a-1","worker":"marie","description":"do it","timeout":1.5,"priority":"high","dependencies":["b","a"],"metadata":{"batch":"b-7f3","x":1},"mine":[1]}"#,
            b"\xef\xbb\xbf{\"description\":\"\\ud83e\\udd80 \\u0000\",\"timeout\":\"10m\",\"task_id\":null}",
            br#"{"task_id":"x","task_id":"y","description":"a","dlq_reason":"invalid_json","retry_count":3}"#,
            br#"{"description":"\ud800","timeout":1e309,"metadata":[],"dependencies":{}}"#,
            b"[{\"description\":\"x\"}]",
            b"{\"description\":\"x\"",
        ];
        crate::fuzz::run("task-files", 3_000, &SEEDS, |bytes| {
            let refused = match TaskFile::parse(bytes, "t-1.json", HOME) {
                Ok(task) => {
                    assert!(TaskId::parse(task.head.id.as_str()).is_some());
                    let timeout = task.head.timeout.unwrap_or_default();
                    assert!(timeout <= LONGEST_TIMEOUT && task.description.len() <= DESCRIPTION_IN_ARGUMENTS);
                    None
                }
                Err(refusal) => {
                    assert!(!refusal.detail.contains('\n'), "{}", refusal.detail);
                    Some(refusal.reason)
                }
            };
            let keys = TaskKeys::parse(bytes).ok();
            if let Some(keys) = &keys {
                let letter = Letter {
                    reason: DeadReason::InvalidField,
                    at: SystemTime::UNIX_EPOCH,
                    retry_count: 2,
                    detail: "as it came",
                    last_exit_code: Some(1),
                };
                // What a dead letter has of its task is what the task had.
                let text = letter_json(keys, &letter);
                let read = read_letter(text.as_bytes()).expect("what we write can be read");
                assert_eq!((read.reason, read.retry_count, read.last_exit_code), (letter.reason, 2, Some(1)), "{text}");
                let again = TaskKeys::parse(text.as_bytes()).expect("what we write is an object");
                let ours = ["dlq_reason", "dlq_timestamp", "retry_count", "dlq_detail", "last_exit_code"];
                for (key, value) in keys.iter().filter(|(key, _)| !ours.contains(key)) {
                    assert_eq!(again.get(key), Some(value.get()).filter(|text| *text != "null"), "{text}");
                }
            }
            (refused, keys.map(|keys| keys.iter().count().min(8)))
        });
    }
}
