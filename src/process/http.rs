//! The smallest HTTP client: one GET, and the code of its answer.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest status line that is waited for.
const STATUS_LINE: usize = 1024;

/// Of the rest of an answer, at most so much is read …
const REST: u64 = 64 << 10;

/// … in at most this time.
const REST_TIME: Duration = Duration::from_millis(250);

/// The code with which a GET of a plain `http://` address is answered. Waits as long as the server does.
///
/// # Errors
/// Why there is none, for people, to be read behind the address.
pub(super) async fn get(url: &str) -> Result<u16, &'static str> {
    let target = Target::of(url).ok_or("is no address")?;
    let stream = connect(&target.address()).await.map_err(|_| "refused")?;
    if is_itself(&stream) {
        return Err("refused");
    }
    status(stream, &target).await.ok_or("did not speak HTTP")
}

/// `localhost` is both loopback addresses, whatever the hosts file says (RFC 6761, 6.3).
async fn connect(address: &str) -> io::Result<TcpStream> {
    match address.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
        Some((host, Ok(port))) if host.eq_ignore_ascii_case("localhost") => {
            let loopbacks = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
            TcpStream::connect(&loopbacks.map(|loopback| SocketAddr::new(loopback, port))[..]).await
        }
        _ => TcpStream::connect(address).await,
    }
}

/// Whether a connection is one with itself. Linux does that when nobody listens on a port of the range that it takes
/// outgoing ports from: it may pick the very port that it connects to.
pub(super) fn is_itself(stream: &TcpStream) -> bool {
    let same = |ours: SocketAddr, theirs: SocketAddr| ours == theirs;
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(ours), Ok(theirs)) if same(ours, theirs))
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

    #[tokio::test]
    async fn localhost_is_found_by_either_address() {
        for loopback in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
            let Ok(server) = tokio::net::TcpListener::bind((loopback, 0)).await else { continue };
            let port = server.local_addr().unwrap().port();
            let stream = connect(&format!("localhost:{port}")).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap().ip(), loopback);
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
}
