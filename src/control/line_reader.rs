//! Reads messages off a socket: one to a line, and none longer than is allowed.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::wire::LONGEST;

/// What reading a line can lead to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// A line, without its end.
    Line(Vec<u8>),
    /// A line that is too long; the rest of it is not read.
    TooLong,
    /// Nothing more: what was begun and not ended is no message.
    End,
}

/// The next line. Not cancel-safe.
///
/// # Errors
/// The socket's.
pub(super) async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Came> {
    let mut line = Vec::new();
    loop {
        let bytes = input.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(Came::End);
        }
        let (part, found) = match memchr::memchr(b'\n', bytes) {
            Some(end) => (end, true),
            None => (bytes.len(), false),
        };
        if line.len() + part > LONGEST {
            return Ok(Came::TooLong);
        }
        line.extend_from_slice(bytes.get(..part).unwrap_or_default());
        input.consume(part + usize::from(found));
        if found {
            return Ok(Came::Line(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::BufReader;

    use super::*;

    fn all(bytes: &[u8], buffer: usize) -> Vec<Came> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut input = BufReader::with_capacity(buffer, bytes);
            let mut all = Vec::new();
            loop {
                let came = next_line(&mut input).await.unwrap();
                let last = matches!(came, Came::End | Came::TooLong);
                all.push(came);
                if last {
                    return all;
                }
            }
        })
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_come(lines in prop::collection::vec("[^\n]{0,40}", 0..8), buffer in 1_usize..50) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let mut expected: Vec<Came> = lines.iter().map(|line| Came::Line(line.clone().into_bytes())).collect();
            expected.push(Came::End);
            prop_assert_eq!(all(format!("{text}half").as_bytes(), buffer), expected);
        }
    }

    #[test]
    fn a_line_has_its_limit() {
        let longest = vec![b'x'; LONGEST];
        assert_eq!(all(&[&longest[..], b"\n"].concat(), 4096).len(), 2);
        assert_eq!(all(&[&longest[..], b"x"].concat(), 4096), [Came::TooLong]);
    }
}
