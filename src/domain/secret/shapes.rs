//! Secrets that are known by how they look or by what stands before them, in any text. One list for all of them.

use super::{MASK, is_secret_name, words};

/// Beginnings that makers of tokens give them, and how many characters follow at least.
const TOKENS: [(&str, usize); 38] = [
    // GitHub, GitLab
    ("ghp_", 6),
    ("gho_", 6),
    ("ghu_", 6),
    ("ghs_", 6),
    ("ghr_", 6),
    ("github_pat_", 6),
    ("glpat-", 6),
    ("gldt-", 6),
    // Stripe
    ("sk_live_", 4),
    ("sk_test_", 4),
    ("rk_live_", 4),
    ("rk_test_", 4),
    ("whsec_", 6),
    // Slack
    ("xoxa-", 6),
    ("xoxb-", 6),
    ("xoxe-", 6),
    ("xoxp-", 6),
    ("xoxr-", 6),
    ("xoxs-", 6),
    ("xapp-", 6),
    // AWS
    ("AKIA", 12),
    ("ASIA", 12),
    // Google
    ("AIza", 30),
    ("ya29.", 10),
    ("GOCSPX-", 10),
    // others: OpenAI and Anthropic, npm, PyPI, Docker, Hugging Face, SendGrid, Shopify, DigitalOcean, Vault, Databricks, …
    ("sk-", 20),
    ("npm_", 20),
    ("pypi-", 16),
    ("dckr_pat_", 6),
    ("hf_", 20),
    ("SG.", 20),
    ("shpat_", 10),
    ("dop_v1_", 10),
    ("hvs.", 16),
    ("dapi", 30),
    ("lin_api_", 10),
    ("sntrys_", 10),
    // a JSON Web Token
    ("eyJ", 12),
];

/// What stands behind these in an address is a secret by itself.
const ADDRESSES: [&str; 9] = [
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    ".webhook.office.com/",
    "api.telegram.org/bot",
    "hooks.zapier.com/hooks/",
    "maker.ifttt.com/trigger/",
];

/// What stands behind these words of a header is a secret, if it looks like one.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

const PEM: &str = "-----BEGIN ";
const PEM_END: &str = "-----END ";

/// Options that are followed by a secret: the last word of their names. Fewer than for variables, since `--auth` or `--key`
/// may also be followed by something else.
const OPTIONS: [&str; 7] = ["PASSWORD", "PASSWD", "PASS", "PASSPHRASE", "TOKEN", "SECRET", "APIKEY"];

/// Programs, by the beginning of their names, with an option that a secret follows, and whether a blank may stand between.
/// Of what holds a colon, the secret is what stands behind it, if the program is asked for a user.
const PROGRAMS: [Program; 6] = [
    Program { name: "mysql", option: "-p", blank: false, user: false },
    Program { name: "mariadb", option: "-p", blank: false, user: false },
    Program { name: "sshpass", option: "-p", blank: true, user: false },
    Program { name: "redis-cli", option: "-a", blank: true, user: false },
    Program { name: "curl", option: "-u", blank: true, user: true },
    Program { name: "curl", option: "--user", blank: true, user: true },
];

struct Program {
    name: &'static str,
    option: &'static str,
    blank: bool,
    user: bool,
}

/// Whether it is worth to look closer: most texts have nothing of this.
pub(super) fn may_have_secrets(text: &str) -> bool {
    text.contains(['=', ':', '@'])
        || text.contains("--")
        || TOKENS.iter().any(|(begin, _)| text.contains(begin))
        || ADDRESSES.iter().any(|address| text.contains(address))
        || PROGRAMS.iter().any(|program| text.contains(program.name) && text.contains(program.option))
        || text.split_whitespace().any(is_scheme)
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
}

/// `ghp_…`.
fn token(rest: &str) -> Option<Found> {
    let (begin, least) = TOKENS.iter().find(|(begin, _)| rest.starts_with(begin))?;
    let behind = rest.get(begin.len()..)?;
    let hidden = length(behind, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '=' | '+' | '/' | '~'));
    let body = behind.get(..hidden)?;
    // `sk-learn-contrib-and-its-friends` is words.
    let is_words = *least >= 16 && !body.contains(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase());
    (hidden >= *least && !is_words).then_some(Found { kept: begin.len(), hidden })
}

/// `hooks.slack.com/services/…`.
fn address(rest: &str) -> Option<Found> {
    let begin = ADDRESSES.iter().find(|begin| rest.starts_with(**begin))?;
    let hidden = length(rest.get(begin.len()..)?, is_of_a_value);
    Some(Found { kept: begin.len(), hidden })
}

/// `PGPASSWORD=…`, `Password=…;`, `"api_key": "…"`, `X-Api-Key: …`.
fn pair(rest: &str) -> Option<Found> {
    let name = length(rest, is_of_a_name);
    let (word, behind) = (rest.get(..name)?, rest.get(name..)?);
    if !is_secret_name(word) {
        return None;
    }
    let is_header = word.contains('-') || matches!(word.to_ascii_lowercase().as_str(), "authorization" | "cookie");
    let separator = match behind.as_bytes() {
        [b'=', ..] => 1,
        [b'"', b':', b' ', ..] => 3,
        [b'"', b':', ..] => 2,
        [b':', b' ', ..] if is_header => 2,
        [b':', ..] if is_header => 1,
        _ => return None,
    };
    let value = behind.get(separator..)?;
    let (quote, hidden) = value_length(value);
    // A header's value goes on behind blanks: `Authorization: token abc`.
    let is_header = is_header && behind.starts_with(':');
    let hidden = if is_header && quote == 0 { length(value, |c| !matches!(c, '"' | '\'' | '\n')) } else { hidden };
    is_value(value.get(quote..quote + hidden)?).then_some(Found { kept: name + separator + quote, hidden })
}

/// `--password …`.
fn option(rest: &str, text: &str, at: usize) -> Option<Found> {
    let name = length(rest, is_of_a_name);
    let before = text.get(..at)?;
    if !before.ends_with("--") && !rest.starts_with("--") {
        return None;
    }
    let all: Vec<String> = words(rest.get(..name)?).collect();
    let last_two = all.last_chunk::<2>().map(|[one, two]| format!("{one}{two}"));
    let is_one = all.last().is_some_and(|last| OPTIONS.contains(&last.as_str()))
        || last_two.is_some_and(|word| matches!(word.as_str(), "APIKEY" | "ACCESSKEY" | "SECRETKEY" | "PRIVATEKEY"));
    if !is_one || all.first().is_some_and(|first| first == "NO") {
        return None;
    }
    let value = rest.get(name..)?.strip_prefix(' ')?;
    let (quote, hidden) = value_length(value);
    let secret = value.get(quote..quote + hidden)?;
    (is_value(secret) && !secret.starts_with('-')).then_some(Found { kept: name + 1 + quote, hidden })
}

/// `mysql -uroot -p…`, `redis-cli -a …`, `curl -u me:…`.
fn option_of_program(rest: &str, text: &str, at: usize) -> Option<Found> {
    let before = text.get(..at)?;
    let calls = |program: &Program| {
        let mut words =
            before.split(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | ';' | '&' | '|' | '('));
        words.any(|word| word.starts_with(program.name))
    };
    let program = PROGRAMS.iter().find(|program| rest.starts_with(program.option) && calls(program))?;
    let behind = rest.get(program.option.len()..)?;
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

/// `root:word@tcp(host)`, as Go's driver for MySQL has it.
fn user(rest: &str) -> Option<Found> {
    let name = length(rest, is_of_a_name);
    let word = rest.get(name..)?.strip_prefix(':')?;
    let end = ["@tcp(", "@unix("].iter().filter_map(|end| word.find(end)).min()?;
    let hidden = word.get(..end)?;
    (!hidden.contains(char::is_whitespace)).then_some(Found { kept: name + 1, hidden: hidden.len() })
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
        rest = body.find(PEM_END).and_then(|end| body.get(end..)).unwrap_or_default();
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
    match value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
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
        for (begin, _) in TOKENS {
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
            "ünïcödé=ja 日本=語",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }
}
