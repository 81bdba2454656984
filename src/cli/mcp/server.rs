//! The side of the protocol: which tools there are, and a thread for each call, which ends with it.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CustomRequest, CustomResult, ErrorCode, Implementation,
    JsonObject, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::answer::Answer;
use super::call::{Call, Session};
use super::tools::{TOOLS, ToolSpec};
use crate::cli::exit_code::Failure;
use crate::cli::{guide, tasks};
use crate::config;
use crate::domain::visible;

/// A call that takes longer says so, and again after each such time.
const PROGRESS: Duration = Duration::from_secs(5);

/// What serves one agent.
pub(super) struct Server {
    session: Arc<Session>,
}

impl Server {
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    /// Carries a call out, on a thread that may wait.
    fn carry_out(session: Arc<Session>, name: &str, arguments: JsonObject, call: CallParts) -> Answer {
        let (agent, called_off) = call;
        let done = session.tool(name).and_then(|tool| {
            let call = Call { session: &session, agent, called_off, arguments: &arguments };
            call.check(tool)?;
            (tool.act)(&call)
        });
        done.unwrap_or_else(|failure| session.failed(failure))
    }
}

type CallParts = (Option<String>, crate::cli::client::patient::CalledOff);

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new("devgroup", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(server)
            .with_instructions(guide::for_agents())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let session = Arc::clone(&self.session);
        // It looks at the file of the group.
        let has_workers = spawn_blocking(move || session.has_workers()).await.unwrap_or(false);
        let there = TOOLS.iter().filter(|tool| self.session.allows(tool) && (has_workers || !tool.for_workers));
        Ok(ListToolsResult::with_all_items(there.map(ToolSpec::tool).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let internal = |error: String| ErrorData::internal_error(error, None);
        let (called_off, calls_off) = std::io::pipe().map_err(|error| internal(error.to_string()))?;
        let agent = context.client_info().map(|client| client.name);
        let parts: CallParts = (agent, Arc::new(called_off.into()));
        let (session, name) = (Arc::clone(&self.session), request.name.into_owned());
        let title = name.clone();
        let arguments = request.arguments.unwrap_or_default();
        let mut work = spawn_blocking(move || Self::carry_out(session, &name, arguments, parts));
        let token = context.meta.get_progress_token();
        let mut waited = Duration::ZERO;
        let answer = loop {
            tokio::select! {
                done = &mut work => break done.map_err(|error| internal(error.to_string()))?,
                () = context.ct.cancelled() => {
                    // Whoever waits for the group sees it.
                    drop(calls_off);
                    let answer = work.await.map_err(|error| internal(error.to_string()))?;
                    return Ok(answer.result().into());
                }
                () = sleep(PROGRESS), if token.is_some() => {
                    waited += PROGRESS;
                    let Some(token) = token.clone() else { continue };
                    let said = format!("{title} · {}s", waited.as_secs());
                    let note = ProgressNotificationParam::new(token, waited.as_secs_f64()).with_message(said);
                    // An agent that is gone needs none.
                    let _ = context.peer.notify_progress(note).await;
                }
            }
        };
        let result: CallToolResult = answer.result();
        Ok(result.into())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // A call that cannot be read as one is no unknown method.
        if request.method == "tools/call" {
            return Err(ErrorData::invalid_params(
                "tools/call: `name` must be a text, and `arguments` an object",
                None,
            ));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None))
    }
}

impl Session {
    /// Whether this session has the tool.
    fn allows(&self, tool: &ToolSpec) -> bool {
        tool.only_reads() || !self.read_only
    }

    /// Whether a service of the group is a worker.
    fn has_workers(&self) -> bool {
        self.place().is_ok_and(|place| tasks::has_workers(&place))
    }

    /// The tool of this name.
    fn tool(&self, name: &str) -> Result<&'static ToolSpec, Failure> {
        match TOOLS.iter().find(|tool| tool.name == name) {
            Some(tool) if self.allows(tool) => Ok(tool),
            Some(_) => Err(Failure::Usage(format!(
                "`{name}` changes something, and this server was started with --read-only\n  help: ask the user to do it"
            ))),
            None => {
                let has_workers = self.has_workers();
                let is_there = |tool: &&ToolSpec| self.allows(tool) && (has_workers || !tool.for_workers);
                let names = || TOOLS.iter().filter(is_there).map(|tool| tool.name);
                let near = config::near(name, names());
                let help = match near.is_empty() {
                    true => format!("tools: {}", names().collect::<Vec<_>>().join(", ")),
                    false => format!("did you mean {}?", config::any_of(&near)),
                };
                Err(Failure::Usage(format!("no tool `{}`\n  help: {help}", visible(name))))
            }
        }
    }
}
