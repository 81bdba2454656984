//! Starts that clients have ordered, and what became of them.
//!
//! A client that waits is answered by the number of its order, not by what the service does by now. The next start
//! fulfils all pending orders, a refused validation refuses them, a stop cancels them. A run that was asked to end
//! before it was up is followed by the one that takes its place. The snapshot keeps the last eight answers, and how the
//! last eight runs ended.

use std::sync::Arc;

use super::RunId;

/// The number of an order for a service to start; counted for each service, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderId(pub u32);

/// What a request means for one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// A start that is to come. What became of it is in [`ServiceSnapshot::orders`](super::ServiceSnapshot::orders).
    Start(OrderId),
    /// Its last run, or the one that comes next: it is up already, or is to end. 0 if it has never run.
    Run(RunId),
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderFate {
    /// Nothing yet: the start is to come.
    Pending,
    /// This run has begun.
    Began(RunId),
    /// The files are not valid, for this reason: there was no start. An old run goes on.
    NotValid(Arc<str>),
    /// The service was stopped before the start, or is gone from the file.
    Cancelled,
}

/// The orders of a service, and what became of the last ones. The next start fulfils all that are pending, whatever it
/// is for, so that one answer is for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    last: OrderId,
    /// Oldest first: the last order that each one is for.
    answers: Arc<Vec<(OrderId, OrderFate)>>,
}

impl Orders {
    /// Answers that are kept.
    pub const KEPT: usize = 8;

    /// There is one more: its number.
    pub fn add(&mut self) -> OrderId {
        self.last = OrderId(self.last.0.saturating_add(1));
        self.last
    }

    /// This became of all that are pending.
    pub fn answer(&mut self, fate: OrderFate) {
        let Some(last) = self.pending() else { return };
        let answers = Arc::make_mut(&mut self.answers);
        if answers.len() >= Self::KEPT {
            answers.drain(..=answers.len() - Self::KEPT);
        }
        answers.push((last, fate));
    }

    /// The last one, if it is pending.
    pub fn pending(&self) -> Option<OrderId> {
        let answered = self.answers.last().map_or(OrderId::default(), |(last, _)| *last);
        (answered < self.last).then_some(self.last)
    }

    /// What became of an order. Of one whose answer is not kept any more: what became of the oldest that is. Of one that
    /// is not known: the service was gone from the file meanwhile, so it is cancelled.
    pub fn fate(&self, order: OrderId) -> OrderFate {
        if order > self.last {
            return OrderFate::Cancelled;
        }
        let answer = self.answers.iter().find(|(last, _)| *last >= order);
        answer.map_or(OrderFate::Pending, |(_, fate)| fate.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_for_all_that_are_pending() {
        let mut orders = Orders::default();
        assert_eq!(orders.pending(), None);
        orders.answer(OrderFate::Cancelled);
        let (first, second) = (orders.add(), orders.add());
        assert_eq!((orders.pending(), orders.fate(first)), (Some(second), OrderFate::Pending));
        let not_valid = OrderFate::NotValid("exit 1".into());
        orders.answer(not_valid.clone());
        let third = orders.add();
        orders.answer(OrderFate::Began(RunId(2)));
        orders.answer(OrderFate::Cancelled);
        let fates = [first, second, third].map(|order| orders.fate(order));
        assert_eq!(fates, [not_valid.clone(), not_valid, OrderFate::Began(RunId(2))]);
        assert_eq!(orders.fate(OrderId(4)), OrderFate::Cancelled, "of an earlier service of that name");
    }

    #[test]
    fn the_last_answers_are_kept() {
        let mut orders = Orders::default();
        for run in 1..=20 {
            orders.add();
            orders.answer(OrderFate::Began(RunId(run)));
        }
        assert_eq!(orders.answers.len(), Orders::KEPT);
        assert_eq!(orders.fate(OrderId(20)), OrderFate::Began(RunId(20)));
        assert_eq!(orders.fate(OrderId(1)), OrderFate::Began(RunId(13)), "the oldest that is kept");
    }
}
