//! The smallest HTTP client: one GET, and the code of its answer.

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::reach::{self, Earlier, Refusal, loopbacks};

/// The longest status line that is waited for.
const STATUS_LINE: usize = 1024;

/// Of the rest of an answer, at most so much is read …
const REST: u64 = 64 << 10;

/// … in at most this time.
const REST_TIME: Duration = Duration::from_millis(250);

/// The code with which a GET of a plain `http://` address is answered by somebody who was not there before the run. Waits
/// as long as the server does.
///
/// # Errors
/// Why there is none.
pub(super) async fn get(url: &str, earlier: &Earlier) -> Result<u16, Failure> {
    let target = Target::of(url).ok_or(Failure::NoAddress)?;
    let stream = match target.port() {
        Some(port) if target.is_localhost() => reach::connect(loopbacks(port), earlier).await,
        _ => match lookup_host(target.address()).await {
            Ok(addresses) => reach::connect(addresses, earlier).await,
            Err(_) => Err(Refusal::Refused),
        },
    };
    status(stream.map_err(Failure::Unreached)?, &target).await.ok_or(Failure::NoHttp)
}

/// The port of an address, on whichever machine.
pub(super) fn port(url: &str) -> Option<u16> {
    Target::of(url)?.port()
}

/// The port of an address of `localhost`, by that name or by number.
pub(super) fn port_of_localhost(url: &str) -> Option<u16> {
    let target = Target::of(url)?;
    let is_loopback = target.host().is_some_and(|host| {
        let number = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || number.is_ok_and(|number| number.is_loopback())
    });
    target.port().filter(|_| is_loopback)
}

/// Why a GET has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is no address.
    NoAddress,
    /// There is no connection.
    Unreached(Refusal),
    /// What came back was something else.
    NoHttp,
}

impl Failure {
    /// What went wrong with this address, for people.
    pub(super) fn about(&self, url: &str) -> String {
        match self {
            Self::NoAddress => format!("{url} is not an address"),
            Self::Unreached(Refusal::Refused) => format!("{url} refused the connection"),
            Self::Unreached(taken @ Refusal::Taken { .. }) => taken.to_string(),
            Self::NoHttp => format!("{url} did not answer in HTTP"),
        }
    }
}

/// Sends the request and reads the code of the answer.
async fn status(mut stream: TcpStream, target: &Target<'_>) -> Option<u16> {
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: devgroup\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        target.path, target.authority
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut head = Vec::new();
    while !head.contains(&b'\n') && head.len() < STATUS_LINE {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    // A server that is cut off while it writes complains in its log: let it finish, a while.
    let mut rest = (&mut stream).take(REST);
    let _ = timeout(REST_TIME, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    code(&head)
}

/// `HTTP/1.1 204 No Content` → 204.
fn code(head: &[u8]) -> Option<u16> {
    let line = head.strip_prefix(b"HTTP/")?.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line.split(|byte| *byte == b' ').nth(1)?).ok()?.trim_end().parse().ok()
}

/// Where an address leads.
#[derive(Debug, PartialEq, Eq)]
struct Target<'a> {
    /// Host and port as written, for the `Host` header.
    authority: &'a str,
    /// Path and query.
    path: String,
}

impl<'a> Target<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let rest = rest.split('#').next()?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let authority = authority.rsplit('@').next().filter(|authority| !authority.is_empty())?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Some(Self { authority, path })
    }

    /// What to connect to: the port is 80 if none is written.
    fn address(&self) -> String {
        let host_end = self.authority.rfind(']').unwrap_or(0);
        let has_port = self.authority.get(host_end..).is_some_and(|tail| tail.contains(':'));
        if has_port { self.authority.to_owned() } else { format!("{}:80", self.authority) }
    }

    fn port(&self) -> Option<u16> {
        self.address().rsplit_once(':')?.1.parse().ok()
    }

    fn host(&self) -> Option<String> {
        Some(self.address().rsplit_once(':')?.0.to_owned())
    }

    /// Both loopback addresses are meant.
    fn is_localhost(&self) -> bool {
        self.host().is_some_and(|host| host.eq_ignore_ascii_case("localhost"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let cases = [
            ("http://localhost:4000/health?x=1#top", Some(("localhost:4000", "/health?x=1"))),
            ("http://localhost", Some(("localhost:80", "/"))),
            ("http://[::1]:4000?q", Some(("[::1]:4000", "/?q"))),
            ("http://[::1]/a", Some(("[::1]:80", "/a"))),
            ("http://user:word@localhost:1/", Some(("localhost:1", "/"))),
            ("https://localhost", None),
            ("http://", None),
            ("", None),
        ];
        for (url, expected) in cases {
            let target = Target::of(url).map(|target| (target.address(), target.path));
            let target = target.as_ref().map(|(address, path)| (address.as_str(), path.as_str()));
            assert_eq!(target, expected, "{url}");
        }
    }

    #[test]
    fn the_code_is_the_second_word_of_the_first_line() {
        assert_eq!(code(b"HTTP/1.1 204 No Content\r\n"), Some(204));
        assert_eq!(code(b"HTTP/1.0 301\r\nLocation: 200\r\n"), Some(301));
        for junk in [&b""[..], b"HTTP/1.1", b"HTTP/1.1 abc", b"SSH-2.0-x\n", b"HTTP/1.1 \xff\xff\n"] {
            assert_eq!(code(junk), None);
        }
    }

    #[test]
    fn fuzz_of_answers_and_addresses() {
        const SEEDS: [&[u8]; 7] = [
            b"HTTP/1.1 204 No Content\r\n",
            b"HTTP/1.0 301\r\nLocation: 200\r\n",
            b"SSH-2.0-x\n",
            b"http://localhost:4000/health?x=1#top",
            b"http://user:word@[::1]:4000?q",
            b"http://\xc3\xa9:99999/\r\nX: y",
            b"http://]:[@:",
        ];
        crate::fuzz::run("http-answers", 3_000, &SEEDS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let target = Target::of(&text);
            if let Some(target) = &target {
                assert!(target.path.starts_with('/') && target.address().contains(':'), "{target:?}");
            }
            let known = (port_of_localhost(&text).is_some(), port(&text).is_some());
            (code(bytes), target.map(|target| (target.is_localhost(), target.host().is_some())), known)
        });
    }
}
