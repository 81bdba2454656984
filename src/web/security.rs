//! What is looked at before a request is understood. Pure: a head of a request in, a refusal or nothing out.
//!
//! Who may talk to us is decided by what a browser says of itself and a page cannot change: `Host`, `Origin` and
//! `Sec-Fetch-Site`. A program that is no browser can say anything, but has to have a token as well.

use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};

use super::hosts::Hosts;
use super::refusal::Refusal;

/// What a page of ours may do: load and ask its own origin, and nothing else. No frame holds it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'";

/// What each answer says, also a refusal. There are no CORS headers: no other origin may read us.
static HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

/// Whether the request may come from where it says that it comes from.
///
/// # Errors
/// It may not.
pub(super) fn look(head: &Parts, hosts: &Hosts) -> Result<(), Refusal> {
    let host = only(&head.headers, &HOST);
    // What stands in the first line counts above the header (RFC 9112, 3.2.2).
    let target = head.uri.authority().map(hyper::http::uri::Authority::as_str);
    if !host.is_some_and(|host| hosts.has(host)) || target.is_some_and(|target| !hosts.has(target)) {
        return Err(Refusal::forbidden(
            "this is not the name or the port of this group's page",
            "use the address that `devgroup web` prints; other names go to `hosts` in [web]",
        ));
    }
    let origins = head.headers.get_all(ORIGIN);
    if !origins.iter().all(|origin| origin.to_str().is_ok_and(|origin| hosts.has_origin(origin))) {
        return Err(Refusal::forbidden("another page may not use this one", "ask without `Origin`, or from this page"));
    }
    let sites = head.headers.get_all("sec-fetch-site");
    if sites.iter().any(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site")) {
        return Err(Refusal::forbidden("another site may not use this page", "open its address in a tab of its own"));
    }
    if head.method == Method::POST && !is_json(&head.headers) {
        // A form, or a page's `fetch` that asks nobody first, can send other kinds.
        return Err(Refusal::not_json());
    }
    Ok(())
}

/// The token that a request brings along.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = only(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

/// Puts on an answer what tells a browser how to treat it.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in &HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = only(headers, &CONTENT_TYPE).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// The value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

#[cfg(test)]
mod tests {
    use hyper::{Request, StatusCode};

    use super::super::body;
    use super::super::login::Login;
    use super::super::query::Query;
    use super::super::routes::route;
    use super::super::server::Shows;
    use super::*;

    /// The status of the refusal, if there is one.
    fn look(method: &str, target: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let hosts = Hosts::new("127.0.0.1:7700".parse().unwrap(), &[]);
        super::look(&head, &hosts).err().map(|refusal| refusal.status.as_u16())
    }

    const OURS: (&str, &str) = ("host", "127.0.0.1:7700");

    #[test]
    fn a_request_needs_one_name_of_ours() {
        assert_eq!(look("GET", "/", &[OURS]), None);
        for headers in [&[][..], &[("host", "evil.example:7700")], &[OURS, ("host", "evil.example")], &[OURS, OURS]] {
            assert_eq!(look("GET", "/health", headers), Some(403), "{headers:?}");
        }
        assert_eq!(look("GET", "http://127.0.0.1:7700/", &[OURS]), None);
        assert_eq!(look("GET", "http://evil.example/", &[OURS]), Some(403));
    }

    #[test]
    fn no_other_page_may_ask() {
        assert_eq!(look("GET", "/", &[OURS, ("origin", "http://localhost:7700")]), None);
        for origin in ["http://localhost:3000", "null", "http://evil.example", "https://127.0.0.1:7700"] {
            assert_eq!(look("GET", "/", &[OURS, ("origin", origin)]), Some(403), "{origin}");
        }
        let two = [OURS, ("origin", "http://localhost:7700"), ("origin", "null")];
        assert_eq!(look("GET", "/", &two), Some(403));
        for site in ["same-origin", "same-site", "none"] {
            assert_eq!(look("GET", "/", &[OURS, ("sec-fetch-site", site)]), None, "{site}");
        }
        assert_eq!(look("GET", "/", &[OURS, ("sec-fetch-site", "Cross-Site")]), Some(403));
    }

    #[test]
    fn what_is_posted_is_json() {
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(look("POST", "/", &[OURS, ("content-type", kind)]), None, "{kind}");
        }
        let others =
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""];
        for kind in others {
            assert_eq!(look("POST", "/", &[OURS, ("content-type", kind)]), Some(415), "{kind}");
        }
        assert_eq!(look("POST", "/", &[OURS]), Some(415));
        assert_eq!(Refusal::not_json().status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    #[test]
    fn a_token_stands_behind_its_scheme() {
        let token = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            token(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("Basic abc"), None);
        assert_eq!(token("abc"), None);
        assert_eq!(super::token(&HeaderMap::new()), None);
    }

    #[test]
    fn each_answer_says_how_it_is_to_be_treated() {
        let mut headers = HeaderMap::new();
        protect(&mut headers);
        assert_eq!(headers[CONTENT_SECURITY_POLICY], POLICY);
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers.len(), HEADERS.len(), "and no CORS headers");
    }

    #[test]
    fn fuzz_of_heads() {
        // The method and the target, a header a line, and after an empty line the body.
        const SEEDS: [&[u8]; 7] = [
            b"GET /api/v1/logs?service=a%20b&last=5&since=5m\nhost: 127.0.0.1:7700\nauthorization: Bearer abc\n\n",
            b"POST /api/v1/services/a%2Fb/restart\nhost: localhost:7700\ncontent-type: application/json; charset=utf-8\n\n{\"wait\":true,\"timeout\":\"30s\"}",
            b"GET http://evil.example/\nhost: localhost:7700\norigin: null\nsec-fetch-site: Cross-Site\n\n",
            b"POST /api/v1/session\nhost: evil.example:7700\ncontent-type: application/json\n\n{\"code\":\"\\u0000\"}",
            b"GET /api/v1/tasks/%ff?%1b%5b=1\nhost: [::1]:7700\nhost: localhost:7700\n\n",
            b"OPTIONS *\nhost: dev.box\norigin: https://dev.box\nauthorization: bearer  x y\n\n[",
            b"HEAD /ready\nhost: DEV.BOX:443\norigin: http://dev.box:80\n\n",
        ];
        let hosts = Hosts::new("127.0.0.1:7700".parse().unwrap(), &["dev.box:443".into()]);
        let names = ["127.0.0.1:7700", "localhost:7700", "dev.box:443", "dev.box"];
        let login = Login::default();
        crate::fuzz::run("heads", 2_000, &SEEDS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
            let mut lines = head.lines();
            let (method, target) = lines.next().unwrap_or_default().split_once(' ').unwrap_or_default();
            let mut request = Request::builder().method(method).uri(target);
            for (name, value) in lines.filter_map(|line| line.split_once(':')) {
                request = request.header(name, value.trim());
            }
            // What hyper does not take never reaches us.
            let (head, ()) = request.body(()).ok()?.into_parts();
            let looked = super::look(&head, &hosts).map_err(|refusal| refusal.status.as_u16());
            if looked.is_ok() {
                let host = head.headers[HOST].to_str().unwrap();
                assert!(names.iter().any(|name| name.eq_ignore_ascii_case(host)), "{host:?} is none of ours");
                assert_eq!(head.headers.get_all(HOST).iter().count(), 1);
            }
            assert!(!token(&head.headers).is_some_and(|token| login.knows(token)), "nobody is logged in");
            let route = route(&head.method, head.uri.path(), Shows::All).map_err(|refusal| refusal.status.as_u16());
            let query = Query::read(head.uri.query(), &["service", "last", "since", "status"]);
            let asked = query.map(|query| {
                (query.number::<u64>("last").is_ok(), query.flag("status").is_ok(), query.time("since").is_ok())
            });
            if let Err(told) = &asked {
                assert!(!told.message.contains(crate::domain::misleads), "{}", told.message);
            }
            let body = body::tests::is_read(body.as_bytes());
            Some((looked, route.map(|route| std::mem::discriminant(&route)), asked.is_ok(), body))
        });
    }
}
