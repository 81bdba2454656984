//! The thread that reads logs for a search, so that the one that draws never does.

use std::sync::{Arc, mpsc};
use std::thread;

use tokio::sync::Notify;

use crate::logs::Scan;

/// Reads logs on a thread of its own, which is started when it is first needed.
#[derive(Default)]
pub(super) struct Searcher {
    scans: Option<mpsc::Sender<Arc<Scan>>>,
    found: Arc<Notify>,
}

impl Searcher {
    /// Tells when there is something new to show.
    pub(super) fn found(&self) -> Arc<Notify> {
        self.found.clone()
    }

    /// Reads what the scan, which was claimed, has not read yet. A scan that nobody wants any more, because another
    /// query took its place, ends after its next slice.
    pub(super) fn read(&mut self, scan: Arc<Scan>) {
        let found = self.found.clone();
        let scans = self.scans.get_or_insert_with(|| {
            let (sender, receiver) = mpsc::channel::<Arc<Scan>>();
            let work = move || {
                for scan in receiver {
                    let wanted = || Arc::strong_count(&scan) > 1;
                    if wanted() {
                        scan.run(|| {
                            found.notify_one();
                            wanted()
                        });
                    }
                    found.notify_one();
                }
            };
            if let Err(error) = thread::Builder::new().name("search".into()).spawn(work) {
                log::error!("cannot search: {error}");
            }
            sender
        });
        // Without a thread nothing is found, which the log says.
        let _ = scans.send(scan);
    }
}
