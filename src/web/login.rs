//! Who may see more than names and counts: one-time codes, and the tokens that they buy.
//!
//! A code goes through the address of a browser, which others may get to see: it is good once, and for a minute. A token stays
//! with the page, which sends it in a header: cookies ignore ports, and every service on the loopback would get ours. Both
//! live in memory alone, so they die with the group.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::{Choice, ConstantTimeEq};

use crate::domain::Moment;

/// How long a code is good.
pub const CODE_LIFE: Duration = Duration::from_secs(60);

/// Bytes of a code: nobody guesses it in its minute.
const CODE: usize = 16;

/// Bytes of a token.
const TOKEN: usize = 32;

/// Codes that are good at once; the oldest is forgotten for one more.
const CODES: usize = 32;

/// Tokens that are good at once; the oldest is forgotten for one more.
const TOKENS: usize = 256;

/// Who is logged in, and who may log in.
#[derive(Debug, Default)]
pub(super) struct Login {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    codes: Vec<(String, Moment)>,
    tokens: Vec<String>,
}

/// Not even the own log gets to see them.
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} codes, {} tokens", self.codes.len(), self.tokens.len())
    }
}

impl Login {
    /// A new code. Nothing if the system has no random numbers.
    pub(super) fn code(&self, now: Moment) -> Option<String> {
        let code = random::<CODE>()?;
        let mut kept = self.kept();
        kept.codes.retain(|(_, until)| *until > now);
        if kept.codes.len() >= CODES {
            kept.codes.remove(0);
        }
        kept.codes.push((code.clone(), now + CODE_LIFE));
        Some(code)
    }

    /// The token for a code. Nothing if it is not good, or not any more.
    pub(super) fn log_in(&self, code: &str, now: Moment) -> Option<String> {
        let mut kept = self.kept();
        kept.codes.retain(|(_, until)| *until > now);
        let place = kept.codes.iter().position(|(known, _)| is_same(known, code))?;
        kept.codes.remove(place);
        let token = random::<TOKEN>()?;
        if kept.tokens.len() >= TOKENS {
            kept.tokens.remove(0);
        }
        kept.tokens.push(token.clone());
        Some(token)
    }

    /// Whether this is a token of ours. All are looked at, however soon one is the same.
    pub(super) fn knows(&self, token: &str) -> bool {
        let kept = self.kept();
        let known = kept.tokens.iter().map(|known| known.as_bytes().ct_eq(token.as_bytes()));
        known.fold(Choice::from(0), |any, is_it| any | is_it).into()
    }

    /// Forgets all of them.
    pub(super) fn forget_all(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(known: &str, said: &str) -> bool {
    known.as_bytes().ct_eq(said.as_bytes()).into()
}

/// `BYTES` random bytes, as text for an address.
fn random<const BYTES: usize>() -> Option<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::START + Duration::from_secs(seconds)
    }

    #[test]
    fn a_code_is_good_once_and_for_a_minute() {
        let login = Login::default();
        let code = login.code(at(0)).unwrap();
        assert_eq!(login.log_in("", at(1)), None);
        assert_eq!(login.log_in(&code[1..], at(1)), None);
        let token = login.log_in(&code, at(59)).unwrap();
        assert_eq!(login.log_in(&code, at(59)), None, "once");
        let late = login.code(at(100)).unwrap();
        assert_eq!(login.log_in(&late, at(160)), None, "a minute later");
        assert!(login.knows(&token), "the token stays");
    }

    #[test]
    fn a_token_has_256_bits_and_only_the_whole_of_it_counts() {
        let login = Login::default();
        let tokens: Vec<String> = (0..3).map(|_| login.log_in(&login.code(at(0)).unwrap(), at(0)).unwrap()).collect();
        for token in &tokens {
            assert_eq!(URL_SAFE_NO_PAD.decode(token).unwrap().len(), 32);
            assert!(login.knows(token), "several browsers at once");
            assert!(!login.knows(&token[..42]) && !login.knows(&format!("{token}=")));
        }
        assert!(!login.knows(""));
        login.forget_all();
        assert!(!login.knows(&tokens[0]));
    }

    #[test]
    fn nothing_is_compared_but_in_constant_time() {
        let (code, _) = include_str!("login.rs").split_once("#[cfg(test)]").unwrap();
        assert_eq!(code.matches(".ct_eq(").count(), 2, "codes, and tokens");
        for early in ["==", "!=", ".eq(", "contains(", "starts_with("] {
            assert!(!code.contains(early), "{early}");
        }
    }

    #[test]
    fn codes_and_tokens_do_not_pile_up() {
        let login = Login::default();
        let first = login.code(at(0)).unwrap();
        let codes: Vec<String> = (0..CODES).map(|_| login.code(at(0)).unwrap()).collect();
        assert_eq!(login.log_in(&first, at(0)), None, "the oldest was forgotten");
        let token = login.log_in(&codes[0], at(0)).unwrap();
        for _ in 0..TOKENS {
            login.log_in(&login.code(at(0)).unwrap(), at(0)).unwrap();
        }
        assert!(!login.knows(&token));
        assert!(!format!("{login:?}").contains(&codes[1]), "nobody prints them");
    }
}
