//! The arguments of a call. What is wrong with them is said so that the next call is right.

use std::time::Duration;

use serde_json::Value;

use super::call::Call;
use super::tools::ToolSpec;
use crate::cli::exit_code::Failure;
use crate::config;
use crate::domain::visible;

impl Call<'_> {
    /// Refuses arguments that the tool does not have.
    pub(super) fn check(&self, tool: &ToolSpec) -> Result<(), Failure> {
        let known = tool.arguments();
        let Some(unknown) = self.arguments.keys().find(|name| !known.contains(name)) else { return Ok(()) };
        let near = config::near(unknown, known.iter().map(String::as_str));
        let help = match (near.is_empty(), known.is_empty()) {
            (false, _) => format!("did you mean {}?", config::any_of(&near)),
            (true, true) => format!("`{}` takes no arguments", tool.name),
            (true, false) => format!("arguments of `{}`: {}", tool.name, known.join(", ")),
        };
        Err(Failure::Usage(format!("`{}` has no argument `{}`\n  help: {help}", tool.name, visible(unknown))))
    }

    /// An argument that is there.
    fn given(&self, name: &str) -> Option<&Value> {
        self.arguments.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong(name, "a string", other)),
        }
    }

    pub(super) fn needed_text(&self, name: &str) -> Result<String, Failure> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(wrong(name, "true or false", other)),
        }
    }

    pub(super) fn needed_flag(&self, name: &str) -> Result<bool, Failure> {
        self.flag(name)?.ok_or_else(|| missing(name))
    }

    /// Names. One alone is a list of one.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let expected = "an array of strings";
        match self.given(name) {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one.clone()]),
            Some(Value::Array(all)) => {
                let text =
                    |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, expected, value));
                all.iter().map(text).collect()
            }
            Some(other) => Err(wrong(name, expected, other)),
        }
    }

    pub(super) fn needed_texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let texts = self.texts(name)?;
        if texts.is_empty() { Err(missing(name)) } else { Ok(texts) }
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, name: &str, default: u64, most: u64) -> Result<u64, Failure> {
        match self.given(name) {
            None => Ok(default),
            Some(value) => match value.as_u64() {
                Some(number) if (1..=most).contains(&number) => Ok(number),
                _ => Err(wrong(name, &format!("a whole number from 1 to {most}"), value)),
            },
        }
    }

    /// `60s`, or a number of seconds.
    pub(super) fn time(&self, name: &str, default: Duration) -> Result<Duration, Failure> {
        match self.given(name) {
            None => Ok(default),
            Some(Value::String(text)) => config::parse_duration(text)
                .map_err(|problem| Failure::Usage(format!("`{name}`: `{}`: {problem}", visible(text)))),
            Some(value) => {
                let seconds = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                seconds.ok_or_else(|| wrong(name, "a time such as \"60s\"", value))
            }
        }
    }
}

fn missing(name: &str) -> Failure {
    Failure::Usage(format!("`{name}` is missing"))
}

fn wrong(name: &str, expected: &str, found: &Value) -> Failure {
    let found: String = found.to_string().chars().take(60).collect();
    Failure::Usage(format!("`{name}` is {}; it must be {expected}", visible(&found)))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use rmcp::model::JsonObject;

    use super::super::call::Session;
    use super::super::tools::TOOLS;
    use super::*;
    use crate::cli::arguments::Place;

    #[test]
    fn fuzz_of_calls() {
        // The name of the tool, and after a blank its arguments.
        const SEEDS: [&[u8]; 6] = [
            br#"logs {"services":["api"],"grep":"a|b","since":"5m","level":"warn","lines":50,"where":["a>=1"]}"#,
            br#"restart {"services":"api","wait":true,"timeout":"60s"}"#,
            br#"settle {"services":["api"],"since":"1:2:3","timeout":1e308}"#,
            br#"task_add {"worker":"marie","description":"x","timeout":-1}"#,
            br#"send {"service":7,"text":null,"enter":"yes"}"#,
            "why {\"path\":\"\u{202e}\\u001b[31m\",\"\\u0000\":1}".as_bytes(),
        ];
        let place = Place { config: None, directory: None, group: None, client: None };
        let session = Session::new(place, true);
        let called_off = Arc::new(File::open("/dev/null").unwrap().into());
        crate::fuzz::run("calls", 2_000, &SEEDS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let (name, arguments) = text.split_once(' ').unwrap_or((&text, ""));
            let tool = TOOLS.iter().find(|tool| tool.name == name)?;
            let arguments: JsonObject = serde_json::from_str(arguments).ok()?;
            let call =
                Call { session: &session, agent: None, called_off: Arc::clone(&called_off), arguments: &arguments };
            let mut failures = vec![call.check(tool).err()];
            for name in tool.arguments() {
                failures.push(call.text(&name).err());
                failures.push(call.needed_texts(&name).err());
                failures.push(call.needed_flag(&name).err());
                failures.push(call.number(&name, 1, 100).err());
                failures.push(call.time(&name, Duration::ZERO).err());
            }
            failures.iter().flatten().map(ToString::to_string).for_each(|said| {
                assert!(said.lines().all(|line| !line.contains(crate::domain::misleads)), "{said:?}");
            });
            Some(failures.iter().map(Option::is_some).collect::<Vec<_>>())
        });
    }
}
