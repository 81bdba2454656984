//! Secrets that are known by how they look or by what stands before them, in any text. One list for all of them.

use super::lists::{ADDRESSES, OPTIONS, PASSWORDS, PROGRAMS, Program, SCHEMES, TOKENS};
use super::{MASK, is_secret_name, random, words};

const PEM: &str = "-----BEGIN ";
const PEM_END: &str = "-----END ";

/// Whether it is worth to look closer: most texts have nothing of this.
pub(super) fn may_have_secrets(text: &str) -> bool {
    text.contains(['=', ':', '@'])
        || text.contains("--")
        || text.contains(" -")
        || random::may_be_in(text)
        || begins_of_words(text).any(|word| TOKENS.iter().any(|(begin, _)| begins_with(word, begin)))
        || text.contains('.') && ADDRESSES.iter().any(|address| text.contains(address))
        || text.contains('-')
            && PROGRAMS.iter().any(|program| text.contains(program.name) && text.contains(program.option))
        || text.split_whitespace().any(is_scheme)
}

/// As `starts_with`, but most differ in the first byte already.
fn begins_with(word: &str, begin: &str) -> bool {
    word.as_bytes().first() == begin.as_bytes().first() && word.starts_with(begin)
}

/// The text from each place on where a word begins. To look for each of a hundred tokens in the whole text takes ten times as
/// long, and at a start this is asked of each service's command.
fn begins_of_words(text: &str) -> impl Iterator<Item = &str> {
    let mut before = None;
    text.char_indices().filter_map(move |(at, c)| {
        let begins = !before.replace(c).is_some_and(is_of_a_name);
        text.get(at..).filter(|_| begins)
    })
}

/// The text without them.
pub(super) fn without_shapes(text: &str) -> String {
    let text = without_keys(text);
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    // Each step takes at least one character over, masked or not.
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let begins_word = !shown.ends_with(is_of_a_name);
        let found = if begins_word { secret_at(rest, &text, at) } else { address(rest) };
        match found {
            Some(Found { kept, hidden }) if hidden > 0 => {
                shown.push_str(rest.get(..kept).unwrap_or_default());
                shown.push_str(MASK);
                at += kept + hidden;
            }
            _ => {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                shown.push_str(rest.get(..length).unwrap_or_default());
                at += length;
            }
        }
    }
    shown
}

/// Bytes that stay, and bytes behind them that are a secret.
struct Found {
    kept: usize,
    hidden: usize,
}

/// The secret that begins here, where a word begins.
fn secret_at(rest: &str, text: &str, at: usize) -> Option<Found> {
    token(rest)
        .or_else(|| address(rest))
        .or_else(|| pair(rest))
        .or_else(|| option(rest, text, at))
        .or_else(|| scheme(rest))
        .or_else(|| option_of_program(rest, text, at))
        .or_else(|| user(rest))
        .or_else(|| random::token(rest).map(|(kept, hidden)| Found { kept, hidden }))
}

/// A token by how it begins: `ghp_…`.
fn token(rest: &str) -> Option<Found> {
    let (begin, least) = TOKENS.iter().find(|(begin, _)| rest.starts_with(begin))?;
    let behind = rest.get(begin.len()..)?;
    let hidden = length(behind, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '=' | '+' | '/' | '~'));
    let body = behind.get(..hidden)?;
    // `sk-learn-contrib-and-its-friends` is words.
    let is_words = *least >= 16 && !body.contains(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase());
    (hidden >= *least && !is_words).then_some(Found { kept: begin.len(), hidden })
}

/// An address that is a secret: `hooks.slack.com/services/…`.
fn address(rest: &str) -> Option<Found> {
    let begin = ADDRESSES.iter().find(|begin| rest.starts_with(**begin))?;
    let hidden = length(rest.get(begin.len()..)?, is_of_a_value);
    Some(Found { kept: begin.len(), hidden })
}

/// `PGPASSWORD=…`, `Password=…;`, `"api_key": "…"`, `X-Api-Key: …`, `password: …`.
fn pair(rest: &str) -> Option<Found> {
    let name = length(rest, is_of_a_name);
    let (word, behind) = (rest.get(..name)?, rest.get(name..)?);
    if !is_secret_name(word) {
        return None;
    }
    let is_header = word.contains('-') || matches!(word.to_ascii_lowercase().as_str(), "authorization" | "cookie");
    let (separator, is_sure) = separator(behind)?;
    let value = behind.get(separator..)?;
    let (quote, hidden) = value_length(value);
    // A header's value goes on behind blanks: `Authorization: token abc`.
    let is_header = is_header && behind.starts_with(':');
    let hidden = if is_header && quote == 0 { length(value, |c| !matches!(c, '"' | '\'' | '\n')) } else { hidden };
    let secret = value.get(quote..quote + hidden)?;
    let is_sure =
        is_sure || is_header || quote > 0 || is_password(word, behind, separator) || has_letters_and_digits(secret);
    (is_sure && is_value(secret)).then_some(Found { kept: name + separator + quote, hidden })
}

/// What stands between a name and its value: bytes, and whether it can hardly be anything else. `token: none` can.
fn separator(behind: &str) -> Option<(usize, bool)> {
    let quote = ["\\\"", "\"", "'"].iter().find(|quote| behind.starts_with(**quote)).map_or(0, |quote| quote.len());
    let blanks = |text: &str| length(text, |c| matches!(c, ' ' | '\t'));
    let before = blanks(behind.get(quote..)?);
    let sign = behind.get(quote + before..)?;
    let after = blanks(sign.get(1..)?);
    let is_one = match sign.as_bytes() {
        // `PASS= run` sets it to nothing.
        [b'=', next, ..] => *next != b'=' && (before > 0) == (after > 0),
        // A path of Rust, an address.
        [b':', next, ..] => !matches!(next, b':' | b'/') && (quote > 0 || before == 0),
        _ => false,
    };
    is_one.then_some((quote + before + 1 + after, quote > 0 || (sign.starts_with('=') && before == 0)))
}

/// Whether a name is that of a password, also where other names only speak of something.
fn is_password(name: &str, behind: &str, separator: usize) -> bool {
    let last = words(name).last().unwrap_or_default();
    PASSWORDS.iter().any(|word| last.ends_with(word)) || (last == "PASS" && separator == 1 && behind.starts_with(':'))
}

fn has_letters_and_digits(text: &str) -> bool {
    text.len() >= 8 && text.contains(|c: char| c.is_ascii_digit()) && text.contains(|c: char| c.is_ascii_alphabetic())
}

/// An option that takes a secret: `--password …`.
fn option(rest: &str, text: &str, at: usize) -> Option<Found> {
    let name = length(rest, is_of_a_name);
    let before = text.get(..at)?;
    // Java and Go have options of one dash.
    if !before.ends_with('-') && !rest.starts_with('-') {
        return None;
    }
    let all: Vec<String> = words(rest.get(..name)?).collect();
    let last_two = all.last_chunk::<2>().map(|[one, two]| format!("{one}{two}"));
    let is_one = all.last().cloned().into_iter().chain(last_two).any(|word| OPTIONS.contains(&word.as_str()));
    if !is_one || all.first().is_some_and(|first| first == "NO") {
        return None;
    }
    let behind = rest.get(name..)?;
    let blanks = length(behind, |c| matches!(c, ' ' | '\t'));
    let value = behind.get(blanks..).filter(|_| blanks > 0)?;
    let (quote, hidden) = value_length(value);
    let secret = value.get(quote..quote + hidden)?;
    (is_value(secret) && !secret.starts_with('-')).then_some(Found { kept: name + blanks + quote, hidden })
}

/// `mysql -uroot -p…`, `redis-cli -a …`, `curl -u me:…`.
fn option_of_program(rest: &str, text: &str, at: usize) -> Option<Found> {
    let before = text.get(..at)?;
    let calls = |program: &Program| {
        let mut words =
            before.split(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | ';' | '&' | '|' | '('));
        words.any(|word| word.starts_with(program.name))
    };
    let option = |program: &Program| match rest.starts_with(program.option) {
        true => Some(program.option.len()),
        // `-sSu` is `-s -S -u`.
        false => cluster(rest, program.option).filter(|_| program.blank),
    };
    let found = |program: &'static Program| Some((program, option(program).filter(|_| calls(program))?));
    let (program, option) = PROGRAMS.iter().find_map(found)?;
    let behind = rest.get(option..)?;
    let value = if program.blank { behind.trim_start_matches([' ', '=']) } else { behind };
    let (quote, length) = value_length(value);
    let mut value_at = rest.len() - value.len() + quote;
    let mut secret = value.get(quote..quote + length)?;
    if program.user {
        let (user, word) = secret.split_once(':')?;
        (value_at, secret) = (value_at + user.len() + 1, word);
    }
    is_value(secret).then_some(Found { kept: value_at, hidden: secret.len() })
}

/// `Bearer …`, `Basic …`.
fn scheme(rest: &str) -> Option<Found> {
    /// Shorter ones are words.
    const SHORTEST: usize = 8;
    let name = length(rest, |c| c.is_ascii_alphabetic());
    if !is_scheme(rest.get(..name)?) {
        return None;
    }
    let value = rest.get(name..)?.strip_prefix(' ')?;
    let hidden = length(value, is_of_a_value);
    let secret = value.get(..hidden)?;
    let is_word = secret.len() < 16 && secret.chars().all(|c| c.is_ascii_lowercase());
    (hidden >= SHORTEST && is_value(secret) && !is_word).then_some(Found { kept: name + 1, hidden })
}

/// The length of several options of one letter in one word of which this is the last: `-sSu`.
fn cluster(rest: &str, option: &str) -> Option<usize> {
    let letters = length(rest.strip_prefix('-')?, |c| c.is_ascii_alphabetic());
    let word = rest.get(..=letters)?;
    let last = option.strip_prefix('-').filter(|letter| letter.len() == 1)?;
    (letters > 1 && word.ends_with(last) && rest.get(word.len()..)?.starts_with(' ')).then_some(word.len())
}

/// `root:word@tcp(host)`, as Go's driver for MySQL has it, `scott/word@//host` of Oracle, and `me:word@host:5432`.
fn user(rest: &str) -> Option<Found> {
    let name = length(rest, is_of_a_name);
    let behind = rest.get(name..)?;
    let (word, ends) = match behind.strip_prefix('/') {
        Some(word) => (word, &["@//"][..]),
        None => (behind.strip_prefix(':')?, &["@tcp(", "@unix("][..]),
    };
    let known = ends.iter().filter_map(|end| word.find(end)).min();
    let end = known.or_else(|| word.find('@').filter(|at| is_host(word.get(at + 1..).unwrap_or_default())))?;
    let hidden = word.get(..end)?;
    let is_one = !hidden.is_empty() && is_value(hidden) && !hidden.contains(|c: char| c.is_whitespace() || c == '/');
    (is_one && name > 0).then_some(Found { kept: name + 1, hidden: hidden.len() })
}

/// Whether a text begins with a host and its port: `npm:react@18` has none.
fn is_host(text: &str) -> bool {
    let name = length(text, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let port = text.get(name..).and_then(|rest| rest.strip_prefix(':')).unwrap_or_default();
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && port.starts_with(|c: char| c.is_ascii_digit())
}

/// Without what stands between the lines of a private key.
fn without_keys(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(PEM) {
        let Some((kind, body)) = after.split_once("-----").filter(|(kind, _)| kind.contains("PRIVATE")) else {
            shown.push_str(before);
            shown.push_str(PEM);
            rest = after;
            continue;
        };
        shown.push_str(&format!("{before}{PEM}{kind}-----{MASK}"));
        rest = match body.strip_prefix(MASK) {
            // Masked before, and perhaps put into a longer text since.
            Some(behind) => behind,
            None => body.find(PEM_END).and_then(|end| body.get(end..)).unwrap_or_default(),
        };
    }
    shown.push_str(rest);
    shown
}

fn is_scheme(word: &str) -> bool {
    SCHEMES.iter().any(|scheme| word.trim_matches(['"', '\'', ':']).eq_ignore_ascii_case(scheme))
}

/// A reference to a variable is none, and what is masked stays so.
fn is_value(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('$') && !text.starts_with(MASK)
}

/// Bytes of the quote that a value begins with, and of the value up to its end.
fn value_length(value: &str) -> (usize, usize) {
    if let Some(escaped) = value.strip_prefix("\\\"") {
        return (2, escaped.find("\\\"").unwrap_or(escaped.len()));
    }
    match value.chars().next().filter(|c| matches!(c, '"' | '\'' | '{')) {
        Some('{') => (1, length(value.get(1..).unwrap_or_default(), |c| c != '}')),
        Some(quote) => (1, length(value.get(1..).unwrap_or_default(), |c| c != quote)),
        None => (0, length(value, is_of_a_value)),
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_of_a_value(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '"' | '\'' | ';' | '&' | ',' | '|' | ')' | '<' | '>' | '`')
}

/// Bytes at the beginning of which this holds.
fn length(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|c| !holds(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::super::without_secrets;
    use super::*;

    /// A token of that beginning, long enough. Made here, so that none stands in the source.
    fn made(begin: &str) -> String {
        format!("{begin}{}", "A1b2C3d4".repeat(5))
    }

    #[test]
    fn each_shape_of_the_list_is_masked_wherever_it_stands() {
        for (begin, _) in TOKENS.iter().copied() {
            for text in
                [made(begin), format!("run --with '{}' x", made(begin)), format!("/nonexistent/{}", made(begin))]
            {
                let shown = without_secrets(&text);
                assert!(!shown.contains("A1b2") && shown.contains(MASK), "{text}: {shown}");
            }
        }
        for begin in ADDRESSES {
            let text = format!("curl https://x{begin}T0/B0/abc -d x");
            assert_eq!(without_secrets(&text), format!("curl https://x{begin}{MASK} -d x"));
        }
    }

    #[test]
    fn what_stands_behind_a_name_of_a_secret_is_masked() {
        let cases = [
            ("PGPASSWORD=abc psql -h db", "PGPASSWORD=****** psql -h db"),
            ("env JWT='a b' API_KEY=\"c\" run", "env JWT='******' API_KEY=\"******\" run"),
            ("Server=db;User=sa;Password=s3cret;Pwd=x;", "Server=db;User=sa;Password=******;Pwd=******;"),
            ("AccountKey=abc==;Endpoint=x", "AccountKey=******;Endpoint=x"),
            ("host=db user=me password=abc", "host=db user=me password=******"),
            ("api --token abc --port 80", "api --token ****** --port 80"),
            ("api --client-secret=abc --db-password abc", "api --client-secret=****** --db-password ******"),
            ("api --api-key 'a b' x", "api --api-key '******' x"),
            ("curl -H 'Authorization: token abc' u", "curl -H 'Authorization: ******' u"),
            ("curl -H \"X-Api-Key: abc\" u", "curl -H \"X-Api-Key: ******\" u"),
            ("send {\"password\": \"abc\"}", "send {\"password\": \"******\"}"),
            ("got Bearer abcdefgh1", "got Bearer ******"),
            ("basic dXNlcjpwdw==", "basic ******"),
            ("mysql -uroot -pabc shop", "mysql -uroot -p****** shop"),
            ("exec /usr/bin/mysqldump -p'a b' shop", "exec /usr/bin/mysqldump -p'******' shop"),
            ("cd x && mariadb -pabc", "cd x && mariadb -p******"),
            ("sshpass -p abc ssh host", "sshpass -p ****** ssh host"),
            ("redis-cli -h db -a abc ping", "redis-cli -h db -a ****** ping"),
            ("curl -u me:abc http://h", "curl -u me:****** http://h"),
            ("curl --user me:abc http://h", "curl --user me:****** http://h"),
            ("root:abc@tcp(localhost:3306)/db", "root:******@tcp(localhost:3306)/db"),
            ("postgres://u:abc@db/x?sslpassword=abc", "postgres://u:******@db/x?sslpassword=******"),
            (
                "svc -password abc --auth-token\tx --encryptionKey  y",
                "svc -password ****** --auth-token\t****** --encryptionKey  ******",
            ),
            ("OTP=123456 SESSION=abc run", "OTP=****** SESSION=****** run"),
            ("npm publish --otp 123456", "npm publish --otp ******"),
            ("redis-server --requirepass abc", "redis-server --requirepass ******"),
            ("openssl -passin pass:abc", "openssl -passin pass:******"),
            ("mongosh -u a -p abc", "mongosh -u a -p ******"),
            ("docker login -u a -p abc", "docker login -u a -p ******"),
            ("sqlcmd -S h -U sa -P abc", "sqlcmd -S h -U sa -P ******"),
            ("curl -sSu me:abc http://h", "curl -sSu me:****** http://h"),
            ("http -a me:abc http://h", "http -a me:****** http://h"),
            ("password: abc", "password: ******"),
            ("db_password: 'abc'", "db_password: '******'"),
            ("{\"password\" : \"abc\"}", "{\"password\" : \"******\"}"),
            ("{'password': 'abc'}", "{'password': '******'}"),
            ("{\\\"password\\\":\\\"abc\\\"}", "{\\\"password\\\":\\\"******\\\"}"),
            ("password = \"abc\"", "password = \"******\""),
            ("authtoken: abcd1234e", "authtoken: ******"),
            ("kubectl create --from-literal=pw=abc", "kubectl create --from-literal=pw=******"),
            ("jdbc:sqlserver://h;user=sa;password={a;b};x=y", "jdbc:sqlserver://h;user=sa;password={******};x=y"),
            ("jdbc:oracle:thin:scott/abc@//h:1521/x", "jdbc:oracle:thin:scott/******@//h:1521/x"),
            ("me:abc@db:5432/x", "me:******@db:5432/x"),
            ("https://x/c?sv=1&sig=abc%2F&code=def", "https://x/c?sv=1&sig=******&code=******"),
            ("http://h/x;jsessionid=abc", "http://h/x;jsessionid=******"),
            ("mongodb://u:a?b@h1/x?retry=1", "mongodb://u:******@h1/x?retry=1"),
            (
                "K='-----BEGIN RSA PRIVATE KEY-----abc-----END RSA PRIVATE KEY-----' x",
                "K='-----BEGIN RSA PRIVATE KEY-----******-----END RSA PRIVATE KEY-----' x",
            ),
        ];
        for (text, shown) in cases {
            assert_eq!(without_secrets(text), shown);
            assert_eq!(without_secrets(shown), shown, "once is enough");
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for text in [
            "cargo run -p api -- --port=4000",
            "npm run dev",
            "TOKEN=$TOKEN run --token ${TOKEN} --password \"$PW\"",
            "sk-learn-contrib-and-many-other-words run",
            "src/eyJ.rs changed",
            "Basic authentication",
            "a bearer of news",
            "db: ready · key changed · token: none",
            "KEYBOARD=us COMPASS=n MONKEY=1",
            "-----BEGIN CERTIFICATE-----abc",
            "ignore = [\"tmp/status.json\"]",
            "run --no-password server",
            "mysql -u root -p shop",
            "mysql -p$PW --port 3306",
            "docker run -p 80:80 mysql",
            "mkdir -p a && python3 -u api.py",
            "curl -u me http://h",
            "AKIA is a village",
            "npm:react@18.2.0 workspace:x@latest",
            "std::auth::Token: missing · pass: 12 tests · key: src/a.rs",
            "keys = 4 · PASS= run · token = none",
            "ssh me@h:22 && git clone git@h:a/b",
            "tar -czf a.tgz -C b . && cp -p a b",
            "compass -u me",
            "ünïcödé=ja 日本=語",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }
}
