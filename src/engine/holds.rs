//! Who holds changes back, and whose. Holds overlap: a change is kept from a service until the last hold of it has ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::{HoldSnapshot, Holder, Moment, ServiceName};

/// Who holds changes back. Each ends its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The `p` key, or `--paused`.
    Key,
    /// `devgroup pause`. Like the key's, this hold is a person's, and either way of resuming ends both.
    Pause,
    /// Git at work in the repository of this tree, as in [`GitWork::tree`](crate::domain::GitWork::tree).
    Git(Arc<str>),
    /// A client, for as long as it is there: the number of its [`Command::Hold`](crate::domain::Command::Hold).
    Client(u64),
}

impl Owner {
    fn is_by_hand(&self) -> bool {
        matches!(self, Self::Key | Self::Pause)
    }
}

/// The services whose changes are held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Of all services, those to come included.
    All,
    /// Only these services.
    Only(BTreeSet<ServiceName>),
}

impl Scope {
    /// What clients mean: no names are all.
    pub(super) fn of(names: &[ServiceName]) -> Self {
        if names.is_empty() { Self::All } else { Self::Only(names.iter().cloned().collect()) }
    }

    fn covers(&self, name: &ServiceName) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }

    /// Whether that made it wider.
    fn widen(&mut self, other: Self) -> bool {
        match (self, other) {
            (Self::All, _) => false,
            (Self::Only(names), Self::Only(more)) => {
                let before = names.len();
                names.extend(more);
                names.len() > before
            }
            (this, Self::All) => {
                *this = Self::All;
                true
            }
        }
    }

    /// What is left of it; `all` are the services that there are.
    fn without<'a>(&self, other: &Self, all: impl Iterator<Item = &'a ServiceName>) -> Self {
        let left = |name: &&ServiceName| !other.covers(name);
        Self::Only(match self {
            Self::All => all.filter(left).cloned().collect(),
            Self::Only(names) => names.iter().filter(left).cloned().collect(),
        })
    }
}

/// Something that holds changes back, until it is released.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) owner: Owner,
    /// As clients see it.
    pub(super) by: Holder,
    /// What is done meanwhile, for people.
    pub(super) label: Arc<str>,
    pub(super) scope: Scope,
    pub(super) since: Moment,
}

/// All holds, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds(Vec<Hold>);

impl Holds {
    /// Begins a hold. One that its owner has already grows by what is new. Whether there was anything new.
    pub(super) fn begin(&mut self, new: Hold) -> bool {
        if let Some(hold) = self.0.iter_mut().find(|hold| hold.owner == new.owner) {
            return hold.scope.widen(new.scope);
        }
        self.0.push(new);
        true
    }

    /// Ends a hold.
    pub(super) fn end(&mut self, owner: &Owner) {
        self.0.retain(|hold| hold.owner != *owner);
    }

    /// Ends what a person holds of these services; `all` are those that there are.
    pub(super) fn end_by_hand<'a>(&mut self, scope: &Scope, all: impl Iterator<Item = &'a ServiceName> + Clone) {
        for hold in self.0.iter_mut().filter(|hold| hold.owner.is_by_hand()) {
            hold.scope = hold.scope.without(scope, all.clone());
        }
        if *scope == Scope::All {
            self.0.retain(|hold| !hold.owner.is_by_hand());
        }
        self.0.retain(|hold| !matches!(&hold.scope, Scope::Only(names) if names.is_empty()));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn covers(&self, name: &ServiceName) -> bool {
        self.0.iter().any(|hold| hold.scope.covers(name))
    }

    /// As [`Self::covers`], by somebody who has asked for it, which git does not.
    pub(super) fn wanted_for(&self, name: &ServiceName) -> bool {
        self.0.iter().any(|hold| !matches!(hold.owner, Owner::Git(_)) && hold.scope.covers(name))
    }

    /// One of them is of all services: the file, which is that of all, is held as well.
    pub(super) fn cover_all(&self) -> bool {
        self.0.iter().any(|hold| hold.scope == Scope::All)
    }

    /// The same, and somebody has asked for it, which git does not.
    pub(super) fn are_asked_for_all(&self) -> bool {
        self.need_no_look()
    }

    /// One of them is of all services, and ends without anything being seen in the tree. Git's does not: that git is done
    /// must be looked for where no events tell.
    pub(super) fn need_no_look(&self) -> bool {
        self.0.iter().any(|hold| hold.scope == Scope::All && !matches!(hold.owner, Owner::Git(_)))
    }

    /// A person holds.
    pub(super) fn are_by_hand(&self) -> bool {
        self.0.iter().any(|hold| hold.owner.is_by_hand())
    }

    pub(super) fn snapshots(&self) -> Vec<HoldSnapshot> {
        let snapshot = |hold: &Hold| HoldSnapshot {
            by: hold.by,
            label: Arc::clone(&hold.label),
            since: hold.since,
            services: match &hold.scope {
                Scope::All => Arc::default(),
                Scope::Only(names) => names.iter().cloned().collect(),
            },
        };
        self.0.iter().map(snapshot).collect()
    }
}
