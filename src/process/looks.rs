//! Looks at file systems, each on a thread of its own: one that does not answer (a network file system whose server is
//! gone) holds up whoever asks it, and must not hold up the other background tasks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::domain::ServiceName;

/// One that takes longer has failed. On a machine where all processors are busy, a look has taken four seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is said of it then, to be read behind what was looked at.
pub(super) const SILENCE: &str = "did not respond in 10s";

/// For whom one looks, and for which key of the file: `ready`, `alive`, `on_change`.
pub(super) type Purpose = (ServiceName, &'static str);

/// Who looks. Each look has a thread of its own, and no two for one purpose at a time: so there are no more threads that
/// wait for ever than checks in the file.
pub(super) struct Looks {
    patience: Duration,
    turns: Mutex<HashMap<Purpose, Arc<tokio::sync::Mutex<()>>>>,
}

impl Default for Looks {
    fn default() -> Self {
        Self { patience: PATIENCE, turns: Mutex::default() }
    }
}

impl Looks {
    /// Does this on another thread and waits for it, but not for long. `None`: it has not come back, or an earlier one has
    /// not, and then it is not begun.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        purpose: Purpose,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let turn = self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(purpose).or_default().clone();
        let look = async {
            // It ends with the work, however long nobody waits for that any more.
            let turn = turn.lock_owned().await;
            let work = spawn_blocking(move || {
                let found = work();
                drop(turn);
                found
            });
            work.await.ok()
        };
        timeout(self.patience, look).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn who_does_not_come_back_is_not_waited_for_and_asked_no_second_time() {
        let looks = Looks { patience: Duration::from_millis(50), ..Looks::default() };
        let purpose = |key| (ServiceName::new("api"), key);
        let (answer, held) = mpsc::channel::<()>();
        let stuck = looks.look_up(purpose("ready"), move || held.recv().is_ok());
        assert_eq!(stuck.await, None);
        let begun = Arc::new(AtomicBool::new(false));
        let mark = begun.clone();
        let second = looks.look_up(purpose("ready"), move || mark.store(true, Ordering::SeqCst));
        assert_eq!(second.await, None);
        assert!(!begun.load(Ordering::SeqCst), "two at once");
        // With patience enough for a busy machine.
        let looks = Looks { patience: Duration::from_secs(20), ..looks };
        assert_eq!(looks.look_up(purpose("alive"), || 1).await, Some(1), "another check goes on");
        drop(answer);
        assert_eq!(looks.look_up(purpose("ready"), || 2).await, Some(2), "the first has come back");
    }
}
