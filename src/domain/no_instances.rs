//! A service with `replicas` that has no instance now: whoever names it is told so in the same words everywhere.

use super::{Meant, Member, Roster, ServiceName};

/// That services have no instances, and how to get one. `runs`: their group does, so that they can be scaled.
pub fn no_instances(names: &[ServiceName], runs: bool) -> String {
    let (first, have) = match names {
        [] => return "0 instances".into(),
        [one] => (one, "has"),
        [first, ..] => (first, "have"),
    };
    let all = names.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
    match runs {
        true => format!("{all} {have} 0 instances: `devgroup scale {first}=1` starts one"),
        false => format!("{all} {have} 0 instances: set `replicas = 1` in procgroup.toml for one"),
    }
}

impl Roster {
    /// The services without an instance, if these written names mean no others: each once.
    pub fn only_without_instances<'w>(&self, written: impl IntoIterator<Item = &'w str>) -> Vec<ServiceName> {
        let mut names: Vec<ServiceName> = Vec::new();
        for written in written {
            for meant in self.meant(written).unwrap_or_default() {
                match meant {
                    Meant::All(Member { name, instances: Some(instances), .. }) if instances.is_empty() => {
                        if !names.contains(name) {
                            names.push(name.clone());
                        }
                    }
                    Meant::All(_) | Meant::One(_) => return Vec::new(),
                }
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::super::Replicated;
    use super::*;

    #[test]
    fn those_without_instances_are_told_with_the_way_out() {
        let none = |name: &str| Replicated { name: name.into(), group: Some("back".into()), count: 0 };
        let api: ServiceName = "api".into();
        let roster = Roster::new([(&api, None, None)].into_iter(), &[none("mail"), none("sync")]);
        let told = |written: &[&str]| no_instances(&roster.only_without_instances(written.iter().copied()), true);
        assert_eq!(told(&["mail"]), "mail has 0 instances: `devgroup scale mail=1` starts one");
        assert_eq!(told(&["@back", "mail"]), "mail, sync have 0 instances: `devgroup scale mail=1` starts one");
        assert!(roster.only_without_instances(["mail", "api"]).is_empty());
        let names = roster.only_without_instances(["mail"]);
        assert_eq!(no_instances(&names, false), "mail has 0 instances: set `replicas = 1` in procgroup.toml for one");
    }
}
