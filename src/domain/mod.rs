//! The words of devgroup: names, specifications, phases, events of the world, commands and snapshots.
//!
//! Architecture invariant: plain data only. No input or output, no clock, no channel, no async, no lock.
//! Everything here can be made in a test by writing it down.

mod alert;
mod cause;
mod checkout;
mod command;
mod comparison;
mod count;
mod dollars;
mod elsewhere;
mod explanation;
mod export_spec;
mod fact;
mod file_event;
mod going_on;
mod group_event;
mod hold_result;
mod instance;
mod job_inputs;
mod job_marker;
mod marker;
mod marker_kind;
mod name;
pub mod near;
mod no_instances;
mod opened;
mod order;
mod ordered;
mod own_line;
mod phase;
mod port;
mod port_marker;
mod postgres;
mod probe_spec;
mod reloader;
mod report;
mod roster;
mod run_history;
mod schedule;
mod secret;
mod signal;
mod snapshot;
mod spec;
mod stop_progress;
pub mod task;
mod task_marker;
mod time;
mod timetable_marker;
pub mod units;
mod unknown_name;
mod usage;
mod visible;
mod watch_snapshot;
mod watch_spec;
mod web_spec;
mod without_keys;
mod worker_spec;
mod written;

pub use alert::{AlertCommand, AlertDelivery, AlertKeys, AlertKind, AlertSpec, UndeliveredAlert};
pub use cause::{FilesChanged, RestartCounts, StartCause, Stuck};
pub use checkout::{Checkout, EnvFile, GroupValues};
pub use command::{Answer, ClientHold, Command, Refusal, Targets};
pub use comparison::{Comparison, Difference, Differs, FileReader, GitLock, GitWork, covers};
pub use count::count;
pub use dollars::{Dollars, Piece, is_variable_name, pieces};
pub use elsewhere::{Elsewhere, ElsewhereRun};
pub use explanation::{Explanation, PathVerdict, StepOutcome, WhyStep, is_too_long};
pub use export_spec::ExportSpec;
pub use fact::{Fact, FactKind};
pub use file_event::{ChangeKind, FileEvent, FileJournal, JournalEntry, Match, Rule, RuleSource, Verdict};
pub use going_on::GoingOn;
pub use group_event::{GroupEvent, GroupEventKind, RestartReason, TaskEnd};
pub use hold_result::{HoldResult, some_of};
pub use instance::{Instance, Replicated, Scale, Scaling};
pub use job_inputs::UnchangedInputs;
pub use job_marker::JobMarker;
pub use marker::{Exited, FailedRun, Marker, NextTry};
pub use marker_kind::MarkerKind;
pub use name::{NameFault, RunId, ServiceName, fitting_name, fitting_service_name};
pub use no_instances::no_instances;
pub use opened::OPENED_BY;
pub use order::{Cycle, start_order};
pub use ordered::{OrderFate, OrderId, Ordered, Orders};
pub use own_line::{begun, framed, in_ascii, unframed};
pub use phase::{ExitStatus, Loss, Outcome, Phase, Rung, Then};
pub use port::{
    AUTO_PORTS, AskedPort, MAIN_PORT, Moved, Port, PortLedger, address_of_port, port_is_taken, port_variables,
    ports_by_name,
};
pub use port_marker::PortMarker;
pub use postgres::{POSTGRES_PORT, is_postgres_image, pg_isready, starts_postgres};
pub use probe_spec::{
    AliveCheck, AliveProbe, Checks, HttpCheck, Notifications, Probe, ProbeText, ReadyCheck, TextPattern, Validate,
};
pub use reloader::{package_script, self_reloader};
pub use report::{RunDetails, RunReport, RunVariable, Validated, WatchBackend, WatchReport, WatchStatus};
pub use roster::{Meant, Member, Roster, Unknown, WhyUnknown, is_plain_name, means};
pub use run_history::{GroupHistory, HISTORY, RunEnd, RunHistory, RunRecord};
pub use schedule::{CronFault, CronFields, CronTimes, Schedule, When, WrongField, local_time};
pub use secret::{MASK, is_secret_name, shown_value, without_secrets, without_values};
pub use signal::{Signal, SignalTarget};
pub use snapshot::{
    ChangeAction, Failure, Fault, GroupSnapshot, HowSoon, LastChange, LastExit, Notice, STARTS_BY_HAND,
    ServiceSnapshot, Timer, WAITS_FOR_CHANGE,
};
pub use spec::{
    Backoff, Breaker, Condition, Dependency, Expandable, GroupSpec, Kind, LogSpec, PaneView, RestartPolicy, RunCommand,
    ServiceSpec, StartSpec, StopSpec,
};
pub use stop_progress::{StopProgress, StopState, Stopping};
pub use task::{
    BreakerState, DeadReason, DependencyState, EndedTry, FileStamp, FoundClaim, FoundTries, LastTry, Priority, Standby,
    TaskAnswer, TaskDetails, TaskFile, TaskHead, TaskHome, TaskId, TaskNews, TaskQuestion, TaskRefusal, TaskRow,
    TaskState, TaskStats, TaskStatus, TaskTable, TaskText, TriesNote, TryExit, WhyFailed, WorkerHealth, WorkerSnapshot,
    worker_counts,
};
pub use task_marker::TaskMarker;
pub use time::{Moment, approx, human, short};
pub use timetable_marker::TimetableMarker;
pub use unknown_name::{means_several, other_names, other_services};
pub use usage::{Limits, OverLimit, Usage, bytes};
pub use visible::{escaped_json, misleads, path_text, plain_error, visible, visible_lines, visible_path};
pub use watch_snapshot::{HoldSnapshot, Holder, WatchSnapshot, WatchState};
pub use watch_spec::{OnChange, SpecPattern, WatchChoice, WatchFiles, WatchSpec, some_patterns};
pub use web_spec::WebSpec;
pub use without_keys::without_keys;
pub use worker_spec::{TaskBackend, TaskBreaker, TaskFolders, WorkerSpec};
pub use written::Written;
