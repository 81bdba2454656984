//! What stands behind the `?` of a request. A name that nobody knows is refused: a slip would otherwise ask something else.

use std::str::FromStr;
use std::time::Duration;

use super::command_line::Told;
use crate::domain::units::parse_duration;
use crate::domain::visible;

/// The parameters of a request, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads them. `known`: the names that there are.
    ///
    /// # Errors
    /// One is not known.
    pub(super) fn read(text: Option<&str>, known: &[&str]) -> Result<Self, Told> {
        let pairs = form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(Self(pairs)),
            Some((name, _)) => {
                let help = match known {
                    [] => "there are none here".to_owned(),
                    known => format!("parameters here: {}", known.join(", ")),
                };
                Err(Told::usage(format!("unknown parameter `{}`", visible(name)), help))
            }
        }
    }

    /// The value of a parameter that stands there at most once.
    ///
    /// # Errors
    /// It stands there several times.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Told> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Told::usage(format!("`{name}` is given twice"), "give it once")),
        }
    }

    /// The values of a parameter that may stand there several times.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.values(name).filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// The same where a value may be several, parted by commas; `None` if it is not there.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        self.values(name).next()?;
        let parts = self.values(name).flat_map(|value| value.split(','));
        Some(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// A whole number.
    ///
    /// # Errors
    /// It is none, or stands there several times.
    pub(super) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, Told> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let wrong = || Told::usage(format!("`{name}`: `{}` is not a whole number", visible(text)), "such as 200");
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// Yes (`1`, `true`) or no (`0`, `false`, or not there).
    ///
    /// # Errors
    /// It is neither, or stands there several times.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Told> {
        match self.one(name)? {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true" | "") => Ok(true),
            Some(other) => Err(Told::usage(format!("`{name}`: `{}` is neither 1 nor 0", visible(other)), "give 1")),
        }
    }

    /// A time with its unit.
    ///
    /// # Errors
    /// It is none, or stands there several times.
    pub(super) fn time(&self, name: &str) -> Result<Option<Duration>, Told> {
        self.one(name)?.map(|text| time(name, text)).transpose()
    }

    fn values<'q>(&'q self, name: &str) -> impl Iterator<Item = &'q str> {
        let name = name.to_owned();
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// A time with its unit, under that name.
///
/// # Errors
/// It is none.
pub(super) fn time(name: &str, text: &str) -> Result<Duration, Told> {
    parse_duration(text).map_err(|why| Told::usage(format!("`{name}`: {why}"), "such as 30s, 5m or 24h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Query, Told> {
        Query::read(Some(text), &["service", "last", "status", "since"])
    }

    #[test]
    fn values_are_decoded_and_may_stand_there_several_times() {
        let query = read("service=a%20b&service=c+d,e&service=&last=5&status=1").unwrap();
        assert_eq!(query.all("service"), ["a b", "c d,e"]);
        assert_eq!(query.list("service").unwrap(), ["a b", "c d", "e"]);
        assert_eq!(query.list("last").unwrap(), ["5"]);
        assert_eq!(read("service=").unwrap().list("service"), Some(vec![]), "it is there");
        assert_eq!(read("").unwrap().list("service"), None);
        assert_eq!((query.number::<u64>("last"), query.flag("status")), (Ok(Some(5)), Ok(true)));
        assert_eq!(query.time("since"), Ok(None));
        assert_eq!(read("since=5m").unwrap().time("since"), Ok(Some(Duration::from_secs(300))));
    }

    #[test]
    fn what_nobody_knows_is_refused_with_what_there_is() {
        let told = read("servcie=api").unwrap_err();
        assert_eq!(told.message, "unknown parameter `servcie`");
        assert_eq!(told.help.as_deref(), Some("parameters here: service, last, status, since"));
        assert!(!read("%1b%5b=1").unwrap_err().message.contains('\u{1b}'));
        assert!(read("last=1&last=2").unwrap().number::<u64>("last").is_err());
        assert!(read("last=-1").unwrap().number::<u64>("last").is_err());
        assert!(read("status=yes").unwrap().flag("status").is_err());
        assert!(read("since=5").unwrap().time("since").unwrap_err().message.contains("the unit is missing"));
    }
}
