//! Whose panes the terminals of the services are sized by: those of the dashboard that was used last, as with tmux.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// Nobody's.
const NOBODY: u64 = 0;

/// What the dashboards of one group share.
#[derive(Clone, Debug)]
pub struct Sizing {
    leader: watch::Sender<u64>,
    joined: Arc<AtomicU64>,
}

impl Default for Sizing {
    fn default() -> Self {
        Self { leader: watch::Sender::new(NOBODY), joined: Arc::new(AtomicU64::new(NOBODY)) }
    }
}

impl Sizing {
    /// One more dashboard, which is used now.
    pub(super) fn join(&self) -> Sizer {
        let number = self.joined.fetch_add(1, Ordering::Relaxed) + 1;
        self.leader.send_replace(number);
        Sizer { leader: self.leader.clone(), changes: self.leader.subscribe(), number }
    }
}

/// The share of one dashboard.
#[derive(Debug)]
pub(super) struct Sizer {
    leader: watch::Sender<u64>,
    changes: watch::Receiver<u64>,
    number: u64,
}

impl Sizer {
    /// The services have the sizes of this dashboard.
    pub(super) fn leads(&self) -> bool {
        *self.leader.borrow() == self.number
    }

    /// This dashboard is used. Whether another was before.
    pub(super) fn lead(&self) -> bool {
        self.leader.send_if_modified(|leader| std::mem::replace(leader, self.number) != self.number)
    }

    /// Waits until the one that was used last has ended, and takes its place, unless another does. Whether this one does.
    pub(super) async fn inherit(&mut self) -> bool {
        // We hold a sender: it cannot be closed.
        let _ = self.changes.wait_for(|leader| *leader == NOBODY).await;
        self.leader.send_if_modified(|leader| {
            let vacant = *leader == NOBODY;
            if vacant {
                *leader = self.number;
            }
            vacant
        })
    }
}

impl Drop for Sizer {
    fn drop(&mut self) {
        self.leader.send_if_modified(|leader| {
            let leads = *leader == self.number;
            if leads {
                *leader = NOBODY;
            }
            leads
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboard_that_was_used_last_leads_and_is_followed_by_another() {
        let sizing = Sizing::default();
        let (one, mut two) = (sizing.join(), sizing.join());
        assert!(!one.leads() && two.leads(), "who comes is used");
        assert!(one.lead() && one.leads() && !one.lead());
        drop(one);
        assert!(!two.leads());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(two.inherit()) && two.leads());
    }
}
