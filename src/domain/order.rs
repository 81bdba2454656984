//! The order of starts, and the circle that makes one impossible.

use std::collections::HashMap;

use super::{GroupSpec, ServiceName};

/// Services that wait for each other: each depends on the next, the last on the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<ServiceName>);

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
            match (marks.get(&dependency.on), spec.service(&dependency.on)) {
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
