//! The variables of a service, sorted by who can write them down: the engine's own table takes what is known, a shell puts in
//! what only a start knows, and of a secret there is only the name.

use std::collections::BTreeMap;

use crate::domain::{
    Dollars, Instance, Piece, ServiceSpec, is_secret_name, is_variable_name, pieces, port_variables, without_secrets,
};

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    /// What only a start knows.
    Variable {
        name: String,
        default: Option<Vec<Self>>,
    },
    /// This number for the first instance, and one more for each after it.
    OfInstance(u16),
}

/// What is known by its name.
pub(super) type Known = BTreeMap<String, String>;

/// The parts of a text, with what is known put in. Neighbours that are texts are one.
pub(super) fn parts(text: &str, known: &Known) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut add = |part: Part| {
        if let (Some(Part::Text(before)), Part::Text(text)) = (parts.last_mut(), &part) {
            before.push_str(text);
            return;
        }
        parts.push(part);
    };
    for piece in pieces(text, Dollars::Ours) {
        match piece {
            Piece::Text(text) | Piece::Foreign(text) => add(Part::Text(text.to_owned())),
            Piece::Dollar => add(Part::Text("$".into())),
            Piece::Brace => add(Part::Text("${".into())),
            Piece::Variable { name, default } => match (known.get(name), default) {
                (Some(value), default) if !value.is_empty() || default.is_none() => add(Part::Text(value.clone())),
                (Some(_), Some(default)) => self::parts(default, known).into_iter().for_each(&mut add),
                (_, default) => {
                    let default = default.map(|default| self::parts(default, known));
                    add(Part::Variable { name: name.to_owned(), default });
                }
            },
        }
    }
    parts
}

/// The text of parts that are all known.
pub(super) fn fixed(parts: &[Part]) -> Option<String> {
    parts.iter().map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None }).collect()
}

/// What an engine does about ports and about variables that only a start knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The ports are known, and the engine puts plain variables in (`${NAME}`, `${NAME:-text}`).
    Interpolated,
    /// The ports are known, and a shell puts variables in.
    ByShell,
    /// The same, and each instance has ports of its own, which it counts by its number.
    ByInstance,
    /// A shell puts variables in, the ports too: who runs it chooses them.
    PortsLeft,
}

/// The variables of a service.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    /// For the engine's own table, in their order. All of them are text, unless the engine puts variables in.
    pub(super) table: Vec<(String, Vec<Part>)>,
    /// What a shell is to export before the command, in this order.
    pub(super) open: Vec<(String, Vec<Part>)>,
    /// The names of those whose values are secret.
    pub(super) secret: Vec<String>,
    /// The names of those that only a start knows, and that no shell can export.
    pub(super) unnameable: Vec<String>,
    /// What can be put in.
    pub(super) known: Known,
}

impl Variables {
    /// The variables of a service.
    pub(super) fn of(service: &ServiceSpec, way: Way) -> Self {
        let mut variables = Self::default();
        for (name, number) in port_variables(&service.ports) {
            match way {
                Way::Interpolated | Way::ByShell => variables.set(name, vec![Part::Text(number.to_string())], way),
                Way::ByInstance => variables.set(name, vec![Part::OfInstance(number)], way),
                Way::PortsLeft => {}
            }
        }
        for (name, written) in &service.env {
            let value = parts(written, &variables.known);
            if holds_secret(name, &value) || has_shape(written) || fixed(&value).is_some_and(|text| has_shape(&text)) {
                variables.forget(name);
                variables.secret.push(name.clone());
            } else {
                variables.set(name.clone(), value, way);
            }
        }
        variables
    }

    fn set(&mut self, name: String, value: Vec<Part>, way: Way) {
        // What was exported before stays in this order: others may have taken its first value.
        let was_open = self.open.iter().any(|(known, _)| *known == name);
        self.table.retain(|(known, _)| *known != name);
        self.secret.retain(|known| *known != name);
        let text = fixed(&value);
        match &text {
            Some(text) => drop(self.known.insert(name.clone(), text.clone())),
            None => drop(self.known.remove(&name)),
        }
        if !was_open && (text.is_some() || way == Way::Interpolated && is_plain(&value)) {
            self.table.push((name, value));
        } else if is_variable_name(&name) {
            self.open.push((name, value));
        } else {
            self.unnameable.push(name);
        }
    }

    fn forget(&mut self, name: &str) {
        self.table.retain(|(known, _)| known != name);
        self.open.retain(|(known, _)| known != name);
        self.secret.retain(|known| known != name);
        self.known.remove(name);
    }

    /// The table of an engine that puts nothing in.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, String)> {
        self.table.iter().filter_map(|(name, value)| Some((name.as_str(), fixed(value)?)))
    }
}

/// Whether the value holds text of its own behind a name that says that it is secret.
fn holds_secret(name: &str, value: &[Part]) -> bool {
    is_secret_name(name) && has_text(value)
}

fn has_shape(text: &str) -> bool {
    *without_secrets(text) != *text
}

fn has_text(value: &[Part]) -> bool {
    value.iter().any(|part| match part {
        Part::Text(text) => !text.is_empty(),
        Part::Variable { default, .. } => default.as_deref().is_some_and(has_text),
        Part::OfInstance(_) => false,
    })
}

/// Whether compose puts the variables in as we do: a default is a text there, without a dollar or a brace.
fn is_plain(value: &[Part]) -> bool {
    value.iter().all(|part| match part {
        Part::Text(_) => true,
        Part::Variable { default: None, .. } => true,
        Part::Variable { default: Some(default), .. } => {
            fixed(default).is_some_and(|text| !text.contains(['$', '{', '}', '\n']))
        }
        Part::OfInstance(_) => false,
    })
}

/// The variable that tells an instance its number.
pub(super) const INSTANCE_NUMBER: &str = Instance::NUMBER_VARIABLE;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AskedPort, Port, RunCommand};

    fn service(env: &[(&str, &str)]) -> ServiceSpec {
        ServiceSpec {
            ports: vec![Port::new(None, AskedPort::Fixed(4000), 0)],
            env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..ServiceSpec::new("api".into(), RunCommand::Shell("x".into()), "/w".into())
        }
    }

    fn names(of: &[(String, Vec<Part>)]) -> Vec<&str> {
        of.iter().map(|(name, _)| name.as_str()).collect()
    }

    const ENV: &[(&str, &str)] = &[
        ("URL", "http://localhost:${PORT}/$$x"),
        ("LEVEL", "${LEVEL:-debug}"),
        ("DEEP", "${A:-${B:-c}}"),
        ("BOTH", "${URL}-${LEVEL}"),
        ("DB_PASSWORD", "sesame"),
        ("FROM_SHELL", "${MY_TOKEN}"),
        ("DB", "postgres://me:sesame@db/x"),
    ];

    #[test]
    fn what_is_known_is_put_in_and_the_rest_is_for_a_shell() {
        let found = Variables::of(&service(ENV), Way::ByShell);
        let texts: Vec<_> = found.texts().collect();
        assert_eq!(texts, [("PORT", "4000".into()), ("URL", "http://localhost:4000/$x".into())]);
        assert_eq!(names(&found.open), ["LEVEL", "DEEP", "BOTH", "FROM_SHELL"]);
        assert_eq!(found.secret, ["DB_PASSWORD", "DB"]);
        let both = &found.open[2].1;
        let level = Part::Variable { name: "LEVEL".into(), default: None };
        assert_eq!(*both, [Part::Text("http://localhost:4000/$x-".into()), level]);
    }

    #[test]
    fn compose_puts_plain_variables_in_itself() {
        let found = Variables::of(&service(ENV), Way::Interpolated);
        assert_eq!(names(&found.table), ["PORT", "URL", "LEVEL", "BOTH", "FROM_SHELL"]);
        assert_eq!(names(&found.open), ["DEEP"]);
    }

    #[test]
    fn the_last_value_counts_and_ports_may_be_left_to_others() {
        let env = [("A", "1"), ("B", "${A}"), ("A", "2"), ("C", "${A}"), ("PORT", "5000"), ("X.Y", "${Z}")];
        let found = Variables::of(&service(&env), Way::PortsLeft);
        let texts: Vec<_> = found.texts().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(texts, ["B=1", "A=2", "C=2", "PORT=5000"]);
        assert_eq!(found.unnameable, ["X.Y"]);
        let found = Variables::of(&service(&[("U", "${PORT}")]), Way::ByInstance);
        assert_eq!(names(&found.open), ["PORT", "U"]);
    }
}
