//! The small things beside the runs: one thread for all of them, made when the first is needed.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::child::Children;
use super::looks::{Looks, Purpose};

/// Whoever runs background tasks.
#[derive(Default)]
pub(super) struct BackgroundTasks {
    means: Means,
    thread: OnceLock<Option<Thread>>,
}

/// What background tasks are done with.
#[derive(Clone, Default)]
pub(super) struct Means {
    /// Their processes.
    pub(super) children: Arc<Children>,
    /// Their looks at files.
    pub(super) looks: Arc<Looks>,
}

/// The thread ends, with all background tasks, when this is dropped.
struct Thread {
    runtime: Handle,
    _stop: oneshot::Sender<()>,
}

/// A background task. It ends when this is dropped.
pub(super) struct BackgroundTask(AbortHandle);

impl Drop for BackgroundTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl BackgroundTasks {
    /// The processes of background tasks.
    pub(super) fn children(&self) -> &Arc<Children> {
        &self.means.children
    }

    /// What a background task takes along.
    pub(super) fn means(&self) -> Means {
        self.means.clone()
    }

    /// Looks on behalf of the calling thread, which is none of the background tasks, see [`Looks::look_up`].
    pub(super) fn look_up<T: Send + 'static>(
        &self,
        purpose: Purpose,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.thread()?.runtime.block_on(self.means.looks.look_up(purpose, work))
    }

    /// Begins a background task that ends with the handle. `None` if there can be no thread; a warning says so.
    pub(super) fn begin(&self, background_task: impl Future<Output = ()> + Send + 'static) -> Option<BackgroundTask> {
        Some(BackgroundTask(self.thread()?.runtime.spawn(background_task).abort_handle()))
    }

    /// Begins a background task that ends by itself.
    pub(super) fn send_off(&self, background_task: impl Future<Output = ()> + Send + 'static) {
        if let Some(thread) = self.thread() {
            thread.runtime.spawn(background_task);
        }
    }

    fn thread(&self) -> Option<&Thread> {
        let begin = || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let (stop, stopped) = oneshot::channel();
            let thread = Thread { runtime: runtime.handle().clone(), _stop: stop };
            thread::Builder::new().name("errands".into()).spawn(move || {
                // An error is what it waits for: the sender is gone.
                let _ = runtime.block_on(stopped);
                // Not a drop: that waits for looks which may never come back.
                runtime.shutdown_background();
            })?;
            Ok::<_, std::io::Error>(thread)
        };
        self.thread
            .get_or_init(|| begin().inspect_err(|error| log::warn!("no probes, hooks or stop commands: {error}")).ok())
            .as_ref()
    }
}
