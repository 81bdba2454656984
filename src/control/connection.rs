//! One client: its greeting, its questions, and what is left open when it goes.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::answers::{Answers, client_name};
use super::line_reader::{Came, next_line};
use super::outbox::{Chunks, Outbox};
use super::room::{Asked, Guest, STAYING};
use super::server::{About, End, Handlers, WebHandler};
use super::wire::{Ask, Greeting, Hello, Message, Problem, ProblemCode, Question, Reply, VERSION, WebAsk, read_line};
use crate::domain::path_text;
use crate::group_handle::GroupHandle;
use crate::remote_terminal::{Abilities, RemoteTerminal, ToTerminal, Wire};

/// How long a client may take to say who it is: it keeps a place from others.
const GREETING_PATIENCE: Duration = Duration::from_secs(5);

/// How long a client may take to read the last message.
const FAREWELL_PATIENCE: Duration = Duration::from_millis(200);

/// Questions that one client may have open.
const OPEN: usize = 32;

/// Serves a client until it goes or the group ends.
pub(super) async fn serve(
    stream: UnixStream,
    handle: GroupHandle,
    about: About,
    (handlers, holds, guest): (Handlers, Arc<AtomicU64>, Guest),
    mut end: watch::Receiver<Option<End>>,
) {
    let (input, output) = stream.into_split();
    let (outbox, chunks) = Outbox::new();
    let mut client = Client {
        outbox,
        handlers,
        answers: Answers::new(handle, about.clone()),
        brief: JoinSet::new(),
        open: JoinSet::new(),
        by_id: HashMap::new(),
        holds: HashMap::new(),
        runs: HashMap::new(),
        next_hold: holds,
        guest,
        project: about.project.clone(),
    };
    let mut input = BufReader::new(input);
    let writing = write(output, chunks);
    tokio::pin!(writing);
    let talk = async {
        if client.greet(&mut input, &about).await {
            client.listen(&mut input).await;
        }
        // What was asked for once is still answered: the client may only have said that it asks nothing more.
        client.open.abort_all();
        while client.brief.join_next().await.is_some() {}
    };
    let farewell = tokio::select! {
        () = talk => None,
        // It reads nothing any more.
        _ = &mut writing => return,
        found = end.wait_for(Option::is_some) => found.ok().and_then(|end| end.clone()),
    };
    client.brief.shutdown().await;
    client.open.shutdown().await;
    let mut outbox = client.outbox;
    let said = async {
        if let Some(End { code, summary }) = farewell {
            outbox.send(&Reply::Ended { code, summary }).await;
        }
        drop((outbox, client.answers));
    };
    // Side by side: what waits to be written leaves no room for the farewell. A client that does not read is not waited
    // for; and one that is gone needs none.
    let _ = timeout(FAREWELL_PATIENCE, async { tokio::join!(said, writing) }).await;
}

/// The state of one client's connection.
struct Client {
    outbox: Outbox,
    handlers: Handlers,
    answers: Answers,
    /// Questions that end by themselves.
    brief: JoinSet<()>,
    /// Questions that end with the client.
    open: JoinSet<()>,
    by_id: HashMap<u64, AbortHandle>,
    /// The holds of this client: the numbers of their questions, and their own.
    holds: HashMap<u64, u64>,
    /// The jobs that this client runs in its terminal: the numbers of their questions, and their own.
    runs: HashMap<u64, u64>,
    /// The number of the next hold or run, of whichever client.
    next_hold: Arc<AtomicU64>,
    /// Its place among all clients.
    guest: Guest,
    /// The name of the group.
    project: String,
}

type Input = BufReader<tokio::net::unix::OwnedReadHalf>;

impl Client {
    /// Takes the greeting. False if it was none.
    async fn greet(&mut self, input: &mut Input, about: &About) -> bool {
        let line = match timeout(GREETING_PATIENCE, next_line(input)).await {
            Ok(Ok(Came::Line(line))) => line,
            Ok(Ok(Came::TooLong)) => {
                self.refuse(None, too_long()).await;
                return false;
            }
            Err(_) => {
                let problem =
                    Problem::new(ProblemCode::Malformed, "a client must send its version first, without delay");
                self.refuse(None, problem).await;
                return false;
            }
            Ok(Ok(Came::End) | Err(_)) => return false,
        };
        let problem = match read_line::<Greeting>(&line) {
            Ok(Greeting { version: VERSION, client }) => {
                self.answers.client = client.as_deref().and_then(client_name);
                let hello = Hello {
                    version: VERSION,
                    project: about.project.clone(),
                    pid: about.pid,
                    file: path_text(&*about.file).into_owned(),
                    epoch: self.answers.epoch().to_string(),
                };
                return self.outbox.send(&Reply::Hello(hello)).await;
            }
            Ok(Greeting { version, .. }) => Problem::new(
                ProblemCode::Version,
                format!(
                    "this group speaks version {VERSION}, not {version}: use the devgroup that runs it, or restart the group"
                ),
            ),
            Err(problem) => problem,
        };
        self.refuse(None, problem).await;
        false
    }

    /// Takes questions until there are no more.
    async fn listen(&mut self, input: &mut Input) {
        loop {
            let line = match next_line(input).await {
                Ok(Came::Line(line)) => line,
                Ok(Came::TooLong) => {
                    // Where the next one begins is not known.
                    self.refuse(None, too_long()).await;
                    return;
                }
                Ok(Came::End) | Err(_) => return,
            };
            self.guest.has_asked();
            let went_on = match read_line::<Question>(&line) {
                Ok(Question { id, ask: Ask::Attach(abilities) }) => return self.attach(id, abilities, input).await,
                Ok(question) => self.take_question(question).await,
                Err(problem) => {
                    #[derive(serde::Deserialize)]
                    struct Numbered {
                        id: u64,
                    }
                    let id = read_line::<Numbered>(&line).ok().map(|numbered| numbered.id);
                    self.refuse(id, problem).await
                }
            };
            if !went_on {
                return;
            }
        }
    }

    async fn take_question(&mut self, Question { id, ask }: Question) -> bool {
        while self.brief.try_join_next().is_some() || self.open.try_join_next().is_some() {}
        self.by_id.retain(|_, task| !task.is_finished());
        self.holds.retain(|id, _| self.by_id.contains_key(id));
        self.runs.retain(|id, _| self.by_id.contains_key(id));
        if let Ask::Cancel { id: other } = ask {
            if let Some(task) = self.by_id.remove(&other) {
                task.abort();
            }
            return self.outbox.of(id).send(&Reply::End {}).await;
        }
        if self.by_id.len() >= OPEN {
            let problem = Problem::new(ProblemCode::TooMany, format!("{OPEN} questions are already open"));
            return self.refuse(Some(id), problem).await;
        }
        if self.by_id.contains_key(&id) {
            let problem = Problem::new(ProblemCode::Malformed, format!("question {id} is already open"));
            return self.refuse(Some(id), problem).await;
        }
        let is_brief = ask.ends_by_itself();
        let Some(asked) = (if is_brief { Some(self.guest.asks_briefly()) } else { self.guest.stays() }) else {
            return self.refuse(Some(id), self.no_room()).await;
        };
        let (answers, outbox) = (self.answers.clone(), self.outbox.of(id));
        let task = match ask {
            Ask::Hold(ask) => {
                let number = self.next_hold.fetch_add(1, Ordering::Relaxed);
                self.holds.insert(id, number);
                self.open.spawn(until(answers.hold(ask, number, outbox), asked))
            }
            Ask::Release { hold, discard } => {
                let Some(number) = self.holds.remove(&hold) else {
                    let problem = Problem::new(ProblemCode::Invalid, format!("question {hold} is not a hold"));
                    return self.refuse(Some(id), problem).await;
                };
                let release = answers.release(number, discard, self.by_id.remove(&hold), outbox);
                self.brief.spawn(until(release, asked))
            }
            Ask::Run(ask) => {
                let number = self.next_hold.fetch_add(1, Ordering::Relaxed);
                self.runs.insert(id, number);
                self.open.spawn(until(answers.run_elsewhere(ask, number, outbox), asked))
            }
            Ask::RunEnded(ended) => {
                let Some(number) = self.runs.remove(&ended.run) else {
                    let problem = Problem::new(ProblemCode::Invalid, format!("question {} is not a run", ended.run));
                    return self.refuse(Some(id), problem).await;
                };
                let run = self.by_id.remove(&ended.run);
                self.brief.spawn(until(answers.run_has_ended(number, ended, run, outbox), asked))
            }
            Ask::Web(ask) => self.brief.spawn(until(web(self.handlers.web.clone(), ask, outbox), asked)),
            ask => {
                let set = if is_brief { &mut self.brief } else { &mut self.open };
                set.spawn(until(answers.answer(ask, outbox), asked))
            }
        };
        self.by_id.insert(id, task);
        true
    }

    /// From here on the client is a terminal, until it goes or its user detaches.
    async fn attach(&mut self, id: u64, abilities: Abilities, input: &mut Input) {
        let Some(_place) = self.guest.stays() else {
            self.refuse(Some(id), self.no_room()).await;
            return;
        };
        let (terminal, Wire { news, mut orders }) = RemoteTerminal::new(abilities);
        if let Err(error) = (self.handlers.attach)(terminal) {
            let problem = Problem::new(ProblemCode::Refused, format!("cannot draw a dashboard: {error}"));
            self.refuse(Some(id), problem).await;
            return;
        }
        let mut outbox = self.outbox.of(id);
        let tell = async {
            while let Some(order) = orders.recv().await {
                let is_last = order == ToTerminal::Detached {};
                if !outbox.send(&Reply::Terminal(order)).await || is_last {
                    return None;
                }
            }
            Some(Problem::new(ProblemCode::Refused, "the dashboard crashed; the group keeps running"))
        };
        let hear = async {
            loop {
                let line = match next_line(input).await {
                    Ok(Came::Line(line)) => line,
                    Ok(Came::TooLong) => return Some(too_long()),
                    Ok(Came::End) | Err(_) => return None,
                };
                match read_line(&line) {
                    // A dashboard that has ended takes nothing: the other side tells why.
                    Ok(said) => drop(news.send(said).await),
                    Err(problem) => return Some(problem),
                }
            }
        };
        let problem = tokio::select! {
            problem = tell => problem,
            problem = hear => problem,
        };
        if let Some(problem) = problem {
            self.refuse(Some(id), problem).await;
        }
    }

    /// Others follow, wait or are attached: as many as may.
    fn no_room(&self) -> Problem {
        let message = format!(
            "{} already has {STAYING} clients that follow, wait or are attached; short questions (status, down) are \
             answered",
            self.project
        );
        Problem::new(ProblemCode::TooMany, message)
    }

    async fn refuse(&mut self, id: Option<u64>, problem: Problem) -> bool {
        let mut outbox = id.map_or_else(|| self.outbox.clone(), |id| self.outbox.of(id));
        outbox.send(&Reply::Error(problem)).await
    }
}

/// Answers a question that counts as long.
async fn until(answer: impl Future<Output = ()>, asked: Asked) {
    answer.await;
    drop(asked);
}

impl Ask {
    /// It is answered whatever happens to the group.
    fn ends_by_itself(&self) -> bool {
        match self {
            Self::Status { follow, .. } | Self::Events { follow, .. } => !follow,
            Self::Logs(ask) => !ask.follow,
            Self::Start(order) | Self::Stop(order) | Self::Restart(order) => !order.wait,
            Self::Scale { wait, .. } => !wait,
            Self::Wait { .. } | Self::Settle(_) | Self::Hold(_) | Self::Run(_) => false,
            Self::Why { .. }
            | Self::Send { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Release { .. }
            | Self::RunEnded(_)
            | Self::Down { .. }
            | Self::Web(_)
            | Self::Attach(_)
            | Self::Cancel { .. } => true,
        }
    }
}

/// Opens or closes the web page, on a thread that may wait for it.
async fn web(handler: WebHandler, ask: WebAsk, mut outbox: Outbox) {
    let answered = tokio::task::spawn_blocking(move || handler(ask)).await;
    let failed = || Problem::new(ProblemCode::Refused, "the web page could not be opened");
    let answer = answered.unwrap_or_else(|_| Err(failed()));
    outbox.send(&answer.map_or_else(Reply::Error, Reply::Web)).await;
}

fn too_long() -> Problem {
    Problem::new(ProblemCode::Malformed, format!("a message can have at most {} bytes", super::LONGEST))
}

/// Writes what is on its way, until nothing more comes.
async fn write(mut output: OwnedWriteHalf, mut chunks: Chunks) -> io::Result<()> {
    while let Some(chunk) = chunks.recv().await {
        output.write_all(&chunk).await?;
    }
    output.shutdown().await
}

/// Tells a client that there is no room for it, without waiting for it.
pub(super) fn turn_away(stream: &UnixStream, message: String) {
    let line = Message::line(None, &Reply::Error(Problem::new(ProblemCode::TooMany, message)));
    // A socket of its own has room for one line; if not, the closing says it too.
    let _ = stream.try_write(&line);
}
