//! `--where 'status>=500'`: what a field of a line has to be.

use serde_json::Value;
use thiserror::Error;

use super::{Fields, text_of};
use crate::domain::visible;
use crate::logs::{Query, QueryKind};

/// What a field has to be.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The name of the field; `a.b` is `b` in the object `a`.
    pub field: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Is(String),
    IsNot(String),
    Above(f64),
    AtLeast(f64),
    Below(f64),
    AtMost(f64),
    Has(Box<Query>),
}

/// The text is no condition: what is wrong, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ConditionError {
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

/// The longer ones first: `>=` begins with `>`.
const OPERATORS: [&str; 7] = ["!=", ">=", "<=", "=", ">", "<", "~"];

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// There is no field, no operator, or no number where one is needed.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let wrong = |message: String, help: &str| Err(ConditionError { message, help: help.to_owned() });
        let shown = visible(text);
        let at = text.find(['=', '!', '>', '<', '~']);
        let operator = at.and_then(|at| {
            let found =
                OPERATORS.iter().find(|operator| text.get(at..).is_some_and(|rest| rest.starts_with(**operator)));
            Some((at, *found?))
        });
        let Some((at, operator)) = operator else {
            return wrong(
                format!("`{shown}` has no operator"),
                "write FIELD=VALUE, or one of != > >= < <= ~ between them, such as 'status>=500'",
            );
        };
        let field = text.get(..at).unwrap_or_default().trim();
        let value = text.get(at + operator.len()..).unwrap_or_default().trim();
        if field.is_empty() {
            return wrong(format!("`{shown}` has no field"), "write the name of a field first, such as 'status>=500'");
        }
        if value.starts_with('=') {
            return wrong(format!("`{shown}`: there is no operator `{operator}=`"), "`=` alone means equal");
        }
        let swapped =
            ["=>", "=<", "=~"].into_iter().find(|wrong| text.get(at..).is_some_and(|rest| rest.starts_with(wrong)));
        if let Some(wrong) = swapped {
            let meant = if wrong == "=~" { "~".to_owned() } else { wrong.chars().rev().collect() };
            let quoted = visible(&format!("{field}=\"{value}\"")).into_owned();
            let help = format!("did you mean `{meant}`? A text that begins so needs quotes: '{quoted}'");
            return wrong_operator(&shown, wrong, help);
        }
        let number = || value.parse::<f64>().ok().filter(|number| number.is_finite());
        let test = match (operator, number()) {
            ("=", _) => Test::Is(unquoted(value).to_owned()),
            ("!=", _) => Test::IsNot(unquoted(value).to_owned()),
            ("~", _) => match Query::new(value, QueryKind::Regex) {
                Ok(query) => Test::Has(Box::new(query)),
                Err(error) => {
                    let help = "to match a special character itself, put `\\` before it";
                    return wrong(format!("`{shown}` is not a valid regex: {}", visible(&error.to_string())), help);
                }
            },
            (">", Some(number)) => Test::Above(number),
            (">=", Some(number)) => Test::AtLeast(number),
            ("<", Some(number)) => Test::Below(number),
            ("<=", Some(number)) => Test::AtMost(number),
            _ => {
                let level = super::LEVELS.contains(&field);
                let help = if level { "for levels: --level warn" } else { "for text, use = != or ~ (a regex)" };
                return wrong(
                    format!("`{shown}`: `{operator}` compares numbers, and `{}` is not a number", visible(value)),
                    help,
                );
            }
        };
        Ok(Self { field: field.to_owned(), test })
    }

    /// The line has the field, and it is so. Numbers are compared as numbers, also those that were printed as texts.
    pub fn is_met(&self, fields: &Fields) -> bool {
        fields.get(&self.field).is_some_and(|value| self.test.is_met(value))
    }
}

fn wrong_operator<T>(condition: &str, operator: &str, help: String) -> Result<T, ConditionError> {
    Err(ConditionError { message: format!("`{condition}`: there is no operator `{operator}`"), help })
}

impl Test {
    fn is_met(&self, value: &Value) -> bool {
        let compared = |holds: &dyn Fn(f64) -> bool| number_of(value).is_some_and(holds);
        match self {
            Self::Is(wanted) => is_equal(value, wanted),
            Self::IsNot(wanted) => !is_equal(value, wanted),
            Self::Above(least) => compared(&|number| number > *least),
            Self::AtLeast(least) => compared(&|number| number >= *least),
            Self::Below(most) => compared(&|number| number < *most),
            Self::AtMost(most) => compared(&|number| number <= *most),
            Self::Has(query) => query.is_match(&text_of(value)),
        }
    }
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn is_equal(value: &Value, wanted: &str) -> bool {
    // The same text first: a number of twenty digits is no other one.
    text_of(value) == wanted
        || value.is_number()
            && number_of(value).zip(wanted.parse().ok()).is_some_and(|(one, other): (f64, f64)| {
                // Whole numbers that a float cannot tell apart were compared as texts.
                one == other && one.abs() < 9e15
            })
}

/// Without quotes around all of it: `msg="not found"`.
fn unquoted(value: &str) -> &str {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.unwrap_or(value)
}
