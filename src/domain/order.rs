//! The order of starts, and the circle that makes one impossible.

use std::collections::HashMap;
use std::sync::Arc;

use super::{GroupSpec, ServiceName, ServiceSpec};

/// Services that wait for each other: each depends on the next, the last on the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<ServiceName>);

impl Cycle {
    /// Services from which a shorter one is looked for, and steps that all these searches may take: a file that needs more
    /// is not one that somebody wrote.
    const MOST_STARTS: usize = 100;
    const MOST_STEPS: usize = 100_000;

    /// The shortest circle through one of these services, or the first hundred of them; this one, if none is shorter.
    #[must_use]
    pub fn shortest(self, spec: &GroupSpec) -> Self {
        let places: HashMap<&ServiceName, usize> =
            spec.services.iter().enumerate().rev().map(|(place, service)| (&service.name, place)).collect();
        let needs: Vec<Vec<usize>> = spec
            .services
            .iter()
            .map(|service| service.depends_on.iter().filter_map(|on| places.get(&on.on).copied()).collect())
            .collect();
        let mut steps = Self::MOST_STEPS;
        let mut best: Vec<usize> = self.0.iter().filter_map(|name| places.get(name).copied()).collect();
        let starts: Vec<usize> = best.iter().take(Self::MOST_STARTS).copied().collect();
        for start in starts {
            if let Some(shorter) = circle_through(start, &needs, best.len(), &mut steps) {
                best = shorter;
            }
        }
        Self(best.into_iter().filter_map(|place| Some(spec.services.get(place)?.name.clone())).collect())
    }
}

/// The shortest circle through a service, if it is shorter than `longer` and found in so many steps.
fn circle_through(start: usize, needs: &[Vec<usize>], longer: usize, steps: &mut usize) -> Option<Vec<usize>> {
    let mut reached_from: Vec<Option<usize>> = vec![None; needs.len()];
    *reached_from.get_mut(start)? = Some(start);
    let mut row = vec![start];
    for _ in 1..longer {
        let mut next = Vec::new();
        for place in row {
            for &on in needs.get(place)? {
                *steps = steps.checked_sub(1)?;
                if on == start {
                    let before =
                        |at: &usize| (*at != start).then(|| reached_from.get(*at).copied().flatten()).flatten();
                    let mut circle: Vec<usize> = std::iter::successors(Some(place), before).collect();
                    circle.reverse();
                    return Some(circle);
                }
                if let Some(from @ None) = reached_from.get_mut(on) {
                    *from = Some(place);
                    next.push(on);
                }
            }
        }
        row = next;
    }
    None
}

/// The services so that each comes after all that it depends on; otherwise in the order of the file.
/// Dependencies that do not exist are left out; the configuration reports them.
///
/// # Errors
/// The first circle that is found, in the order of the file.
pub fn start_order(spec: &GroupSpec) -> Result<Vec<ServiceName>, Cycle> {
    enum Mark {
        Open,
        Closed,
    }
    let services: HashMap<&ServiceName, &Arc<ServiceSpec>> =
        spec.services.iter().rev().map(|service| (&service.name, service)).collect();
    let mut marks: HashMap<&ServiceName, Mark> = HashMap::new();
    let mut order = Vec::with_capacity(spec.services.len());
    for root in &spec.services {
        if marks.contains_key(&root.name) {
            continue;
        }
        // Depth first without recursion: a chain of a thousand services must not overflow the stack.
        marks.insert(&root.name, Mark::Open);
        let mut path = vec![(root, 0)];
        while let Some((service, next)) = path.last_mut() {
            let Some(dependency) = service.depends_on.get(*next) else {
                marks.insert(&service.name, Mark::Closed);
                order.push(service.name.clone());
                path.pop();
                continue;
            };
            *next += 1;
            match (marks.get(&dependency.on), services.get(&dependency.on).copied()) {
                (_, None) | (Some(Mark::Closed), _) => {}
                (Some(Mark::Open), _) => {
                    let from = path.iter().position(|(service, _)| service.name == dependency.on).unwrap_or(0);
                    return Err(Cycle(path[from..].iter().map(|(service, _)| service.name.clone()).collect()));
                }
                (None, Some(service)) => {
                    marks.insert(&service.name, Mark::Open);
                    path.push((service, 0));
                }
            }
        }
    }
    Ok(order)
}
