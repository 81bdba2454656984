//! The tools as an agent reads them. Every session pays for each word here, so there are few: a test counts the tokens.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};

use super::answer::Answer;
use super::call::Call;
use super::{groups, holding, logs, orders, status, task_tools, waits, why};
use crate::cli::exit_code::Failure;

/// A tool.
pub(super) struct ToolSpec {
    pub(super) name: &'static str,
    what: &'static str,
    /// Its arguments: the `properties` of their JSON Schema.
    properties: &'static str,
    required: &'static [&'static str],
    kind: Kind,
    /// Only there if the group has workers.
    pub(super) for_workers: bool,
    /// Carries a call out.
    pub(super) act: fn(&Call) -> Result<Answer, Failure>,
}

/// What a tool does to the group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reads,
    Changes,
    /// It may end what runs.
    Ends,
}

impl ToolSpec {
    /// It changes nothing.
    pub(super) fn only_reads(&self) -> bool {
        self.kind == Kind::Reads
    }

    /// The names of its arguments.
    pub(super) fn arguments(&self) -> Vec<String> {
        self.properties().keys().cloned().collect()
    }

    fn properties(&self) -> JsonObject {
        serde_json::from_str(self.properties).unwrap_or_default()
    }

    /// As the protocol has it.
    pub(super) fn tool(&self) -> Tool {
        let mut schema = JsonObject::new();
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), self.properties().into());
        if !self.required.is_empty() {
            schema.insert("required".into(), self.required.into());
        }
        let annotations = match self.kind {
            Kind::Reads => ToolAnnotations::new().read_only(true),
            Kind::Changes => ToolAnnotations::new().read_only(false).destructive(false),
            Kind::Ends => ToolAnnotations::new().read_only(false).destructive(true),
        };
        Tool::new(self.name, self.what, Arc::new(schema)).with_annotations(annotations.open_world(false))
    }
}

/// All tools, in the order in which an agent meets them.
pub(super) const TOOLS: &[ToolSpec] = &[
    ToolSpec {
        name: "status",
        what: "State of each service, why and since when; the file watcher.",
        properties: "{}",
        required: &[],
        kind: Kind::Reads,
        for_workers: false,
        act: status::status,
    },
    ToolSpec {
        name: "logs",
        what: "Lines of logs: the last ones, or what came after a cursor.",
        properties: r#"{"service":{"type":"string","description":"default: all"},"since":{"type":"string","description":"restart, 5m or a cursor"},"grep":{"type":"string","description":"regex"},"level":{"enum":["trace","debug","info","warn","error","fatal"]},"limit":{"type":"integer","default":100}}"#,
        required: &[],
        kind: Kind::Reads,
        for_workers: false,
        act: logs::logs,
    },
    ToolSpec {
        name: "settle",
        what: "Call it after edits. Waits until all changes are acted on; tells what came of them since your last settle, with new lines.",
        properties: r#"{"services":{"type":"array","items":{"type":"string"},"description":"default: those concerned"},"since":{"type":"string","description":"cursor or 2m"},"timeout":{"type":"string","default":"60s"}}"#,
        required: &[],
        kind: Kind::Reads,
        for_workers: false,
        act: waits::after_edits,
    },
    ToolSpec {
        name: "restart",
        what: "Restart services; waits until they are ready or have failed, with their lines.",
        properties: ORDER,
        required: &["services"],
        kind: Kind::Ends,
        for_workers: false,
        act: orders::restart,
    },
    ToolSpec {
        name: "start",
        what: "Start services; without any, the whole group, if it does not run.",
        properties: ORDER,
        required: &[],
        kind: Kind::Changes,
        for_workers: false,
        act: groups::start,
    },
    ToolSpec {
        name: "stop",
        what: "Stop services until they are started again.",
        properties: ORDER,
        required: &["services"],
        kind: Kind::Ends,
        for_workers: false,
        act: orders::stop,
    },
    ToolSpec {
        name: "wait",
        what: "Wait for a service: until it is ready, has exited, was restarted, or has printed a text in its current run.",
        properties: r#"{"service":{"type":"string"},"for":{"enum":["ready","exit","restart","text"],"default":"ready"},"text":{"type":"string","description":"plain, for `text`"},"timeout":{"type":"string","default":"60s"}}"#,
        required: &["service"],
        kind: Kind::Reads,
        for_workers: false,
        act: waits::wait,
    },
    ToolSpec {
        name: "hold",
        what: "Hold restarts while you edit many files: on before; off after, which answers as settle. Ends with the session.",
        properties: r#"{"on":{"type":"boolean"}}"#,
        required: &["on"],
        kind: Kind::Changes,
        for_workers: false,
        act: holding::hold,
    },
    ToolSpec {
        name: "send",
        what: "Type a line into a service; answers with the lines that follow.",
        properties: r#"{"service":{"type":"string"},"text":{"type":"string"}}"#,
        required: &["service", "text"],
        kind: Kind::Ends,
        for_workers: false,
        act: orders::send,
    },
    ToolSpec {
        name: "why",
        what: "Which rule decides about paths, and which services a change restarts.",
        properties: r#"{"paths":{"type":"array","items":{"type":"string"}}}"#,
        required: &["paths"],
        kind: Kind::Reads,
        for_workers: false,
        act: why::why,
    },
    ToolSpec {
        name: "task_add",
        what: "Add a task for a worker.",
        properties: r#"{"worker":{"type":"string"},"text":{"type":"string"},"priority":{"enum":["low","normal","high","critical"]},"after":{"type":"array","items":{"type":"string"},"description":"ids to wait for"}}"#,
        required: &["worker", "text"],
        kind: Kind::Changes,
        for_workers: true,
        act: task_tools::add,
    },
    ToolSpec {
        name: "task_list",
        what: "Tasks and their states.",
        properties: r#"{"worker":{"type":"string"},"state":{"enum":["waiting","blocked","running","retrying","completed","cancelled","dead"]},"limit":{"type":"integer","default":50}}"#,
        required: &[],
        kind: Kind::Reads,
        for_workers: true,
        act: task_tools::list,
    },
    ToolSpec {
        name: "task_show",
        what: "A task: its text, tries, result and output.",
        properties: r#"{"id":{"type":"string"},"worker":{"type":"string"}}"#,
        required: &["id"],
        kind: Kind::Reads,
        for_workers: true,
        act: task_tools::show,
    },
    ToolSpec {
        name: "task_retry",
        what: "Retry dead tasks.",
        properties: r#"{"ids":{"type":"array","items":{"type":"string"}},"all":{"type":"boolean"},"worker":{"type":"string"}}"#,
        required: &[],
        kind: Kind::Changes,
        for_workers: true,
        act: task_tools::retry,
    },
];

/// The arguments of an order.
const ORDER: &str = r#"{"services":{"type":"array","items":{"type":"string"},"description":"names, patterns or @group"},"wait":{"type":"boolean","default":true},"timeout":{"type":"string","default":"30s"}}"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tasks::STATE_WORDS;
    use crate::control::LEVEL_WORDS;
    use crate::domain::Priority;

    fn words_of(tool: &str, argument: &str) -> Vec<String> {
        let tool = TOOLS.iter().find(|one| one.name == tool).unwrap();
        serde_json::from_value(tool.properties()[argument]["enum"].clone()).unwrap()
    }

    #[test]
    fn each_schema_is_one_and_names_what_is_required() {
        for tool in TOOLS {
            let properties: JsonObject = serde_json::from_str(tool.properties).unwrap();
            let unknown = tool.required.iter().find(|name| !properties.contains_key(**name));
            assert_eq!(unknown, None, "{}", tool.name);
            assert_eq!(tool.name == "status", properties.is_empty(), "{}", tool.name);
        }
        assert_eq!(words_of("logs", "level"), LEVEL_WORDS);
        assert_eq!(words_of("task_list", "state"), STATE_WORDS);
        assert_eq!(words_of("task_add", "priority"), Priority::ALL.map(Priority::word));
    }

    #[test]
    fn what_only_reads_is_what_the_contract_says() {
        let reads: Vec<_> = TOOLS.iter().filter(|tool| tool.only_reads()).map(|tool| tool.name).collect();
        assert_eq!(reads, ["status", "logs", "settle", "wait", "why", "task_list", "task_show"]);
    }
}
