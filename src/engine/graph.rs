//! Who needs whom, by place in the list of services.

use std::collections::HashMap;

use crate::domain::{Condition, GroupSpec, ServiceName, start_order};

use super::service::Service;

/// The dependencies of a group, without circles and without names that do not exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// All places; each after those that it needs.
    pub(super) order: Vec<usize>,
    /// Of each place: what it needs, and until when.
    needs: Vec<Vec<(usize, Condition)>>,
    /// Of each place: who needs it.
    dependents: Vec<Vec<usize>>,
    /// Of each name: its place.
    places: HashMap<ServiceName, usize>,
}

impl Graph {
    /// The configuration refuses circles. Should one come through, its last edge is dropped, so that everything still
    /// starts and stops.
    pub(super) fn new(spec: &GroupSpec, services: &[Service]) -> Self {
        let mut places: HashMap<ServiceName, usize> = HashMap::with_capacity(services.len());
        for (place, service) in services.iter().enumerate() {
            places.entry(service.name().clone()).or_insert(place);
        }
        let mut order: Vec<usize> = start_order(spec)
            .map(|names| names.iter().filter_map(|name| places.get(name).copied()).collect())
            .unwrap_or_default();
        let mut rank = vec![None; services.len()];
        let mut next = 0;
        for place in order.iter().copied().chain(0..services.len()).collect::<Vec<_>>() {
            if let Some(slot @ None) = rank.get_mut(place) {
                *slot = Some(next);
                next += 1;
            }
        }
        order = (0..services.len()).collect();
        order.sort_by_key(|&place| rank[place]);

        let mut needs = vec![Vec::new(); services.len()];
        let mut dependents = vec![Vec::new(); services.len()];
        for (place, service) in services.iter().enumerate() {
            for dependency in &service.spec.depends_on {
                if let Some(&on) = places.get(&dependency.on)
                    && rank[on] < rank[place]
                {
                    needs[place].push((on, dependency.until));
                    dependents[on].push(place);
                }
            }
        }
        Self { order, needs, dependents, places }
    }

    /// Where the service of a name is.
    pub(super) fn place_of(&self, name: &ServiceName) -> Option<usize> {
        self.places.get(name).copied()
    }

    pub(super) fn needs(&self, place: usize) -> &[(usize, Condition)] {
        self.needs.get(place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn dependents(&self, place: usize) -> &[usize] {
        self.dependents.get(place).map_or(&[], Vec::as_slice)
    }

    /// These and all that they need, directly or not, in the order of starts.
    pub(super) fn with_needs(&self, places: &[usize]) -> Vec<usize> {
        self.closure(places, |place| self.needs(place).iter().map(|&(on, _)| on).collect())
    }

    /// These and all that need them, directly or not, in the order of starts.
    pub(super) fn with_dependents(&self, places: &[usize]) -> Vec<usize> {
        self.closure(places, |place| self.dependents(place).to_vec())
    }

    fn closure(&self, places: &[usize], next: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
        let mut inside = vec![false; self.order.len()];
        let mut open = places.to_vec();
        while let Some(place) = open.pop() {
            if let Some(mark @ false) = inside.get_mut(place) {
                *mark = true;
                open.extend(next(place));
            }
        }
        self.order.iter().copied().filter(|&place| inside[place]).collect()
    }
}
