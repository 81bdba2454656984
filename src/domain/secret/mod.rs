//! What must not be shown to whoever looks over a shoulder, or reads a screenshot.
//!
//! Names and shapes are guesses: what is masked may be harmless, and a secret without a name and a shape is shown. What a
//! service prints itself is never changed.

mod lists;
mod random;
mod shapes;

use std::borrow::Cow;

/// What stands in place of a secret.
pub const MASK: &str = "******";

/// Parts of names of variables that hold secrets, as names are commonly given. Words, so that `MONKEY` is no `KEY`.
const SECRET_WORDS: [&str; 29] = [
    "KEY",
    "KEYS",
    "APIKEY",
    "TOKEN",
    "TOKENS",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWORDS",
    "PASSWD",
    "PASS",
    "PGPASS",
    "PASSPHRASE",
    "PASSCODE",
    "PWD",
    "PW",
    "PAT",
    "CRED",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "AUTH",
    "AUTHORIZATION",
    "COOKIE",
    "PRIVATE",
    "JWT",
    "WEBHOOK",
    "SALT",
    "PIN",
];

/// Whole names. In a longer one, such a word says nothing: `API_URL`, `OTP_VERSION`, `DESKTOP_SESSION`.
const SECRET_NAMES: [&str; 4] = ["API", "OTP", "TOTP", "SESSION"];

/// Words that may also be the end of a longer one: `GITHUBTOKEN`, `PGPASSWORD`.
const SECRET_ENDS: [&str; 9] =
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "CREDENTIALS", "SESSIONID", "SESSID"];

/// Names that only look like one: the shell's own folders, and the path of a socket that says nothing by itself.
const HARMLESS: [&str; 3] = ["PWD", "OLDPWD", "SSH_AUTH_SOCK"];

/// Whether a variable of this name is likely to hold a secret. Words are told apart as in `API_KEY`, `api-key`, `apiKey`.
pub fn is_secret_name(name: &str) -> bool {
    SECRET_NAMES.contains(&name) || !HARMLESS.contains(&name) && words(name).any(|word| is_secret_word(&word))
}

fn is_secret_word(word: &str) -> bool {
    SECRET_WORDS.contains(&word) || SECRET_ENDS.iter().any(|end| word.ends_with(end))
}

/// The words of a name, in capitals.
fn words(name: &str) -> impl Iterator<Item = String> {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.flat_map(|part| {
        let mut words = vec![String::new()];
        let mut was_lower = false;
        for c in part.chars() {
            match words.last_mut() {
                Some(word) if !(was_lower && c.is_ascii_uppercase()) => word.push(c.to_ascii_uppercase()),
                _ => words.push(c.to_string()),
            }
            was_lower = c.is_ascii_lowercase();
        }
        words
    })
}

/// The value of a variable as it may be shown: masked if the name says that it is a secret, otherwise as
/// [`without_secrets`] shows it.
pub fn shown_value(name: &str, value: &str) -> String {
    if is_secret_name(name) && !value.is_empty() {
        return MASK.to_owned();
    }
    without_secrets(value).into_owned()
}

/// A text without what is known to be secret by its place or its shape: credentials and parameters of addresses
/// (`postgres://user:word@host`, `?token=…`), values behind names of secrets (`PGPASSWORD=…`, `--token …`) or options of programs (`mysql -p…`), tokens with the
/// beginnings that their makers give them (`ghp_…`), keys.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    if !shapes::may_have_secrets(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(shapes::without_shapes(&without_credentials(text)))
}

/// A text without the values of these variables whose names are those of secrets: of a command that they were put into.
pub fn without_values<'a>(text: &str, variables: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    /// Shorter ones are found in everything.
    const SHORTEST: usize = 4;
    let is_secret = |(name, value): &(&str, &str)| value.len() >= SHORTEST && is_secret_name(name);
    let mut values: Vec<&str> = variables.filter(is_secret).map(|(_, value)| value).collect();
    // One may be a part of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let shown = values.iter().fold(text.to_owned(), |text, value| text.replace(value, MASK));
    without_secrets(&shown).into_owned()
}

/// A text without the credentials of the addresses in it.
fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>')).unwrap_or(after.len());
        let (address, behind) = after.split_at(end);
        shown.push_str(&masked_address(address));
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

/// `user:word@host/path?token=x` → `user:******@host/path?token=******`. A user without a word is masked as well: tokens
/// are often passed so.
fn masked_address(address: &str) -> String {
    let end_of_place = |text: &str| text.find(['/', '?', '#']).unwrap_or(text.len());
    let head_end = end_of_place(address);
    let (head, _) = address.split_at(head_end);
    // A word that was not escaped may hold what ends a place; what stands behind the colon of a host is a number.
    let cut_in_a_word = !head.contains('@')
        && head.split_once(':').is_some_and(|(_, rest)| !rest.bytes().all(|byte| byte.is_ascii_digit()));
    let authority_end = match address.rfind('@').filter(|_| cut_in_a_word) {
        Some(at) => at + address.get(at..).map_or(0, end_of_place),
        None => head_end,
    };
    let (authority, behind) = address.split_at(authority_end);
    let (path, query) = match behind.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (behind, None),
    };
    let mut shown = match authority.rsplit_once('@') {
        None => authority.to_owned(),
        Some((who, host)) => match who.split_once(':') {
            Some((user, _)) => format!("{user}:{MASK}@{host}"),
            None => format!("{MASK}@{host}"),
        },
    };
    shown.push_str(path);
    if let Some(query) = query {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((name, value)) if is_secret_parameter(name) && !value.is_empty() => format!("{name}={MASK}"),
            _ => part.to_owned(),
        });
        shown.push('?');
        shown.push_str(&parts.collect::<Vec<_>>().join("&"));
    }
    shown
}

fn is_secret_parameter(name: &str) -> bool {
    is_secret_name(name) || lists::PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_and_others_are_not() {
        for name in [
            "API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "GITHUB_TOKEN",
            "GITHUBTOKEN",
            "PGPASSWORD",
            "db_password",
            "JWT_SECRET",
            "STRIPE-KEY",
            "SSH_PRIVATE",
            "NPM_AUTH",
            "MYSQL_PWD",
            "GH_PAT",
            "SESSION_COOKIE",
            "DB_PASS",
            "PGPASS",
            "JWT",
            "apiKey",
            "SharedAccessKey",
            "SLACK_WEBHOOK_URL",
            "API",
            "OTP",
            "SESSION",
            "MY_CRED",
            "SALT",
            "PIN",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PATH",
            "PWD",
            "OLDPWD",
            "MONKEY",
            "KEYBOARD",
            "COMPASS",
            "SSH_AUTH_SOCK",
            "PORT",
            "HOME",
            "API_URL",
            "OTP_VERSION",
            "DESKTOP_SESSION",
            "XDG_SESSION_ID",
            "session",
            "SPIN",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn values_of_secrets_are_taken_out_of_a_command() {
        let variables = [("API_TOKEN", "abcd"), ("DB_PASSWORD", "abcdef"), ("HOME", "/home/me"), ("PASS", "x")];
        let shown = without_values("program not found: /home/me/abcdef/abcd/x", variables.into_iter());
        assert_eq!(shown, "program not found: /home/me/******/******/x");
    }

    #[test]
    fn credentials_in_addresses_are_masked() {
        let cases = [
            ("postgres://shop:s3cret@db:5432/shop", "postgres://shop:******@db:5432/shop"),
            ("redis://:s3cret@localhost", "redis://:******@localhost"),
            ("https://ghp_abc@github.com/a/b", "https://******@github.com/a/b"),
            ("amqp://u:p@ss@host/v", "amqp://u:******@host/v"),
            ("amqp://u:p/w@host/v", "amqp://u:******@host/v"),
            ("http://localhost:4000/a@b", "http://localhost:4000/a@b"),
            ("http://h/x?token=abc&page=2", "http://h/x?token=******&page=2"),
            ("a=http://u:p@h b=http://v:q@i", "a=http://u:******@h b=http://v:******@i"),
            ("no address", "no address"),
            ("://", "://"),
            ("é://ü:ö@ä", "é://ü:******@ä"),
        ];
        for (value, shown) in cases {
            assert_eq!(shown_value("DATABASE_URL", value), shown);
        }
        assert_eq!(shown_value("API_TOKEN", "abc"), MASK);
        assert_eq!(shown_value("API_TOKEN", ""), "");
    }
}
