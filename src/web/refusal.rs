//! Why a request is not answered: the error object of the command line, with a status of HTTP.

use hyper::header::{ALLOW, CONNECTION, CONTENT_LENGTH, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::body::{self, Body};
use super::command_line::Told;
use super::security;

/// A refusal, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) told: Told,
    /// The methods that there are, where it was another one.
    pub(super) allow: Option<String>,
}

impl Refusal {
    /// This page or program may not ask.
    pub(super) fn forbidden(message: impl Into<String>, help: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, ("not-allowed", 8), message, help)
    }

    /// The client has to log in first.
    pub(super) fn not_logged_in(message: &str) -> Self {
        let help = "`devgroup web` prints an address to log in at; its code works once, within a minute";
        Self::new(StatusCode::UNAUTHORIZED, ("not-logged-in", 8), message, help)
    }

    /// There is nothing at this path.
    pub(super) fn not_found() -> Self {
        let help = "GET /api/v1/openapi.json lists all paths";
        Self::new(StatusCode::NOT_FOUND, ("unknown-path", 2), "nothing is at this path", help)
    }

    /// What is at this path takes only these methods.
    pub(super) fn wrong_method(allow: String) -> Self {
        let help = format!("methods here: {allow}");
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, ("method", 2), "this path has no such method", &help);
        Self { allow: Some(allow), ..refusal }
    }

    /// The head cannot be read: it has no form, or is too large.
    pub(super) fn unreadable(status: StatusCode) -> Self {
        let (code, message, help) = match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG => {
                ("too-large", "the head of the request is too large", "send less than 16 KiB")
            }
            _ => ("malformed", "this is not a request of HTTP/1.1", "GET /api/v1/openapi.json lists all paths"),
        };
        Self::new(status, (code, 2), message, help)
    }

    /// A body that is too large.
    pub(super) fn too_large(most: usize) -> Self {
        let message = format!("the body has more than {most} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ("too-large", 2), message, "send less at once")
    }

    /// A body of another kind.
    pub(super) fn not_json() -> Self {
        let message = "the body of a POST must be JSON";
        let help = "send it with `Content-Type: application/json`; an empty body is `{}`";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ("content-type", 2), message, help)
    }

    /// Something does not work that should.
    pub(super) fn unavailable(message: &str) -> Self {
        let told = Told { code: "failed", exit_code: 1, message: message.to_owned(), help: None };
        Self { status: StatusCode::SERVICE_UNAVAILABLE, told, allow: None }
    }

    fn new(status: StatusCode, code: (&'static str, u8), message: impl Into<String>, help: &str) -> Self {
        let (code, exit_code) = code;
        let told = Told { code, exit_code, message: message.into(), help: Some(help.to_owned()) };
        Self { status, told, allow: None }
    }

    /// The answer.
    pub(super) fn response(&self) -> Response<Body> {
        let mut response = body::whole(self.status, "application/json", self.text());
        let allow = self.allow.as_deref().and_then(|methods| HeaderValue::from_str(methods).ok());
        response.headers_mut().extend(allow.map(|methods| (ALLOW, methods)));
        response
    }

    /// The whole answer as bytes, for one who is not answered in the usual way. It is the last of its connection.
    pub(super) fn last_answer(&self) -> Vec<u8> {
        let (mut response, text) = (self.response(), self.text());
        let headers = response.headers_mut();
        security::protect(headers);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.insert(CONTENT_LENGTH, text.len().into());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let mut bytes = format!("HTTP/1.1 {}\r\n", self.status).into_bytes();
        for (name, value) in headers.iter() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend([b"\r\n", text.as_bytes()].concat());
        bytes
    }

    /// Its body, as the command line prints it.
    pub(super) fn text(&self) -> String {
        body::line(&Report { error: &self.told })
    }
}

#[derive(Serialize)]
struct Report<'t> {
    error: &'t Told,
}

impl From<Told> for Refusal {
    fn from(told: Told) -> Self {
        let status = match told.code {
            "usage" | "malformed" => StatusCode::BAD_REQUEST,
            "refused" | "invalid-file" => StatusCode::CONFLICT,
            "too-many" => StatusCode::TOO_MANY_REQUESTS,
            code if code.starts_with("unknown-") => StatusCode::NOT_FOUND,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { status, told, allow: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_is_turned_away_is_told_in_the_form_of_all_answers() {
        let refusal = Refusal::unavailable("there are too many");
        let answer = String::from_utf8(refusal.last_answer()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
        assert_eq!(body, refusal.text());
        let length = format!("content-length: {}", body.len());
        for line in ["connection: close", "retry-after: 1", "content-type: application/json", &length] {
            assert!(head.lines().any(|other| other == line), "{line}: {head}");
        }
        let mut headers = hyper::HeaderMap::new();
        security::protect(&mut headers);
        for (name, value) in &headers {
            assert!(head.contains(&format!("\r\n{name}: {}", value.to_str().unwrap())), "{name}: {head}");
        }
    }
}
