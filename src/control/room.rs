//! Room for clients: how many may stay, and who gives way, so that a short question always finds a place.
//!
//! 128 clients may stay: followers, waiters, holders, attached ones. 32 places more are for short questions, so that
//! `status` and `down` are always heard. When all are taken, the oldest that does not stay gives way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Clients that may stay at a time: that follow, wait, hold or are attached. Each may cost a hundred kilobytes and a
/// descriptor of the 1,024 that many systems allow.
pub(super) const STAYING: usize = 128;

/// Clients at a time. The places beyond those of [`STAYING`] are for short questions.
pub(super) const CLIENTS: usize = STAYING + 32;

/// The room of one group.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    staying: Arc<AtomicUsize>,
}

/// One client in it. Clones are the same client.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    room: Room,
    has_asked: Arc<AtomicBool>,
    /// Questions that are being answered, and end by themselves.
    brief: Arc<AtomicUsize>,
    /// Questions that stay open.
    open: Arc<AtomicUsize>,
}

/// A question that is being answered, until it is dropped.
#[derive(Debug)]
pub(super) struct Asked {
    count: Arc<AtomicUsize>,
    /// Where the first open question of a client has taken a place.
    staying: Option<Arc<AtomicUsize>>,
}

impl Room {
    /// A client that has come.
    pub(super) fn guest(&self) -> Guest {
        Guest { room: self.clone(), has_asked: Arc::default(), brief: Arc::default(), open: Arc::default() }
    }
}

impl Guest {
    /// It has said more than its greeting.
    pub(super) fn has_asked(&self) {
        self.has_asked.store(true, Ordering::Relaxed);
    }

    /// It asks something that is answered soon.
    pub(super) fn asks_briefly(&self) -> Asked {
        self.brief.fetch_add(1, Ordering::Relaxed);
        Asked { count: Arc::clone(&self.brief), staying: None }
    }

    /// It asks something that stays open; `None` if too many clients do so already.
    pub(super) fn stays(&self) -> Option<Asked> {
        let staying = &self.room.staying;
        // All clients are served by one thread.
        if self.open.load(Ordering::Relaxed) == 0 {
            if staying.load(Ordering::Relaxed) >= STAYING {
                return None;
            }
            staying.fetch_add(1, Ordering::Relaxed);
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(Asked { count: Arc::clone(&self.open), staying: Some(Arc::clone(staying)) })
    }

    /// The lower, the sooner it gives way to another: who has asked nothing, who asks nothing now, who is answered. `None`:
    /// it does not.
    pub(super) fn gives_way(&self) -> Option<u8> {
        if self.open.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let is_answered = self.brief.load(Ordering::Relaxed) > 0;
        Some(u8::from(self.has_asked.load(Ordering::Relaxed)) + u8::from(is_answered))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let was_last = self.count.fetch_sub(1, Ordering::Relaxed) == 1;
        if let Some(staying) = self.staying.as_ref().filter(|_| was_last) {
            staying.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_one_place_for_all_that_it_follows() {
        let room = Room::default();
        let guests: Vec<Guest> = (0..=STAYING).map(|_| room.guest()).collect();
        let mut places: Vec<_> = guests.iter().map(|guest| guest.stays()).collect();
        assert!(places.pop().unwrap().is_none(), "one too many");
        let second = guests[0].stays();
        assert!(second.is_some(), "it has its place already");
        places.remove(0);
        assert!(guests[STAYING].stays().is_none(), "it follows something else still");
        drop(second);
        assert!(guests[STAYING].stays().is_some());
    }

    #[test]
    fn who_is_answered_gives_way_last_and_who_stays_never() {
        let guest = Room::default().guest();
        assert_eq!(guest.gives_way(), Some(0));
        guest.has_asked();
        assert_eq!(guest.gives_way(), Some(1));
        let brief = guest.asks_briefly();
        assert_eq!(guest.gives_way(), Some(2));
        let open = guest.stays();
        assert_eq!(guest.gives_way(), None);
        drop((brief, open));
        assert_eq!(guest.gives_way(), Some(1));
    }
}
