//! Bodies: what is sent, and what is read.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::command_line::Told;
use super::refusal::Refusal;
use super::stream::Lines;
use crate::domain::{escaped_json, visible};

/// The largest body that is read, in bytes.
const MOST: usize = 1 << 20;

/// How long a body may take: it keeps a place from others.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of a parse error is repeated, in characters.
const SAID: usize = 200;

/// What is sent.
pub(super) enum Body {
    /// At once.
    Whole(Full<Bytes>),
    /// As it comes.
    Lines(Box<Lines>),
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(context),
            Self::Lines(lines) => lines.poll_chunk(context).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Lines(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Lines(_) => SizeHint::default(),
        }
    }
}

/// An answer of this kind.
pub(super) fn whole(status: StatusCode, kind: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    typed(status, kind, Body::Whole(Full::new(bytes.into())))
}

/// A value as an answer: one line, as the command prints it.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    whole(status, "application/json", line(value))
}

/// Lines as they come.
pub(super) fn lines(lines: Lines) -> Response<Body> {
    typed(StatusCode::OK, "application/x-ndjson", Body::Lines(Box::new(lines)))
}

/// A value as one line of JSON, with an escape for each character that would lead a reader astray.
pub(super) fn line(value: &impl Serialize) -> String {
    // Cannot fail: every map has string keys.
    escaped_json(serde_json::to_string(value).unwrap_or_default()) + "\n"
}

fn typed(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Reads what was posted. Nothing at all is an empty object.
///
/// # Errors
/// It is too large, too slow, or something else than what is asked for.
pub(super) async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, Refusal> {
    if body.size_hint().lower() > MOST as u64 {
        return Err(Refusal::too_large(MOST));
    }
    let slow = || Told::usage("the body did not come in time", "send it at once");
    let collected = timeout(PATIENCE, Limited::new(body, MOST).collect()).await.map_err(|_| slow())?;
    let bytes = match collected {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Refusal::too_large(MOST)),
        Err(_) => return Err(Told::usage("the body was cut off", "send all of it").into()),
    };
    parse(if bytes.is_empty() { b"{}" } else { &bytes })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    const HELP: &str = "GET /api/v1/openapi.json describes it";
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        // A list of values would be taken for those of the keys.
        return Err(Told::usage("the body must be an object", HELP).into());
    }
    serde_json::from_slice(bytes).map_err(|error| {
        // The error quotes an unknown key, which may be long and contain anything.
        let said: String = visible(&error.to_string()).chars().take(SAID).collect();
        Told::usage(format!("this body is not as expected: {said}"), HELP).into()
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Wait {
        wait: bool,
    }

    /// Whether a body is what is asked for; the error is for people.
    pub(in crate::web) fn is_read(bytes: &[u8]) -> bool {
        let read = parse::<Wait>(bytes).map_err(|refusal| refusal.told.message);
        if let Err(said) = &read {
            assert!(said.chars().count() < 2 * SAID && !said.contains(crate::domain::misleads), "{said}");
        }
        read.is_ok()
    }

    #[test]
    fn a_body_is_what_is_asked_for_or_the_error_says_what_is_wrong() {
        assert!(parse::<Wait>(br#"{"wait":true}"#).unwrap().wait);
        assert!(!parse::<Wait>(b"{}").unwrap().wait);
        for bad in [&b"["[..], b"[]", b"null", b"{\"wait\":1}", b"{\"wiat\":true}", b"\xff", &b"[".repeat(100_000)] {
            let refusal = parse::<Wait>(bad).unwrap_err();
            assert_eq!((refusal.status.as_u16(), refusal.told.code), (400, "usage"));
            assert!(refusal.told.message.chars().count() < 2 * SAID, "{}", refusal.told.message);
        }
        let hostile = parse::<Wait>("{\"\u{202e}\\u001b\":1}".as_bytes()).unwrap_err().told.message;
        assert!(!hostile.contains(crate::domain::misleads), "{hostile}");
    }

    #[test]
    fn what_is_sent_is_one_line_that_no_terminal_obeys() {
        let sent = line(&serde_json::json!({ "a": "x\u{9b}\n\u{202e}" }));
        assert!(sent.ends_with('\n') && !sent.trim_end().contains(crate::domain::misleads), "{sent:?}");
    }
}
