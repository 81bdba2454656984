//! What to do about a name that means nobody: the same words in all commands.

use super::near::{any_of, near};
use super::{ServiceName, visible};

/// More names than this help nobody.
const MANY: usize = 20;

/// The names that may be meant by this one, and those that there are. `what`: `services`, `groups`, `profiles`.
pub fn other_names(written: &str, known: &[String], what: &str) -> String {
    let more = known.len().saturating_sub(MANY);
    let shown = known.iter().take(MANY).map(String::as_str).collect::<Vec<_>>().join(", ");
    let all = match (known, more) {
        ([], _) if what == "groups" => "no service here has the key `group`".to_owned(),
        ([], _) => format!("{what} here: none"),
        (_, 0) => format!("{what} here: {shown}"),
        (_, more) => format!("{what} here: {shown} and {more} more"),
    };
    match near(written, known.iter().map(String::as_str)).as_slice() {
        [] => all,
        names => format!("did you mean {}? {all}", any_of(names)),
    }
}

/// The same where services are named, also by their group (`@back`).
pub fn other_services(written: &str, known: &[String]) -> String {
    other_names(written, known, if written.starts_with('@') { "groups" } else { "services" })
}

/// That a name means several services, or several instances of one, where one is to be named.
pub fn means_several(written: &str, names: &[ServiceName]) -> String {
    let is_instance = |name: &ServiceName| name.split_instance().is_some_and(|(of, _)| of.as_str() == written);
    let what = if names.iter().all(is_instance) { "instances" } else { "services" };
    let all = names.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
    format!("`{}` means {} {what}, name one of them: {all}", visible(written), names.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_instances_are_called_so() {
        let names = |names: [&str; 2]| names.map(ServiceName::new);
        let of_one = means_several("worker", &names(["worker.1", "worker.2"]));
        assert_eq!(of_one, "`worker` means 2 instances, name one of them: worker.1, worker.2");
        let of_two = means_several("w*", &names(["web", "worker.2"]));
        assert_eq!(of_two, "`w*` means 2 services, name one of them: web, worker.2");
    }

    #[test]
    fn the_names_that_may_be_meant_come_before_all_others() {
        let known = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let told = |written: &str, names: &[&str]| other_services(written, &known(names));
        assert_eq!(told("aip", &["db", "api"]), "did you mean `api`? services here: db, api");
        assert_eq!(told("frontend", &["db", "m"]), "services here: db, m");
        assert_eq!(told("x", &["m", "a"]), "services here: m, a", "one letter is near to no other");
        assert_eq!(told("x", &[]), "services here: none");
        assert_eq!(told("@bakc", &["@back"]), "did you mean `@back`? groups here: @back");
        assert_eq!(told("@back", &[]), "no service here has the key `group`");
        let many: Vec<String> = (10..50).map(|number| format!("service-{number}")).collect();
        assert!(other_services("x", &many).ends_with("service-29 and 20 more"));
    }
}
