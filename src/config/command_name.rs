//! The warnings about services that are called like a command: `devgroup stop` is the command, whoever wants the service.

use super::diagnostic::Diagnostic;
use super::load::Loaded;

impl Loaded {
    /// Warns of each service with the name of one of these commands.
    pub fn warn_command_names(&mut self, commands: &[&str]) {
        let names = self.spec.services.iter().map(|service| &service.name);
        let like_one = names.filter(|name| commands.contains(&name.as_str()));
        let warnings = like_one.filter_map(|name| {
            let header = self.places.headers.get(name)?.clone();
            let message = format!("service `{name}` has the name of a devgroup command");
            Some(
                Diagnostic::warning("command-name", message)
                    .at(header, format!("`devgroup {name}` is the command"))
                    .help(format!("rename it, or start it with   devgroup -- {name}")),
            )
        });
        let warnings = warnings.collect();
        self.warnings.extend(warnings);
    }
}
