//! The web server, by requests as bytes: what a browser would never send as well.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Project, Stream};

mod api;
mod description;
mod generated;
mod limits;
mod opening;
mod security;
mod streams;

/// A group with a page.
pub(crate) const SHOP: &str = r#"
name = "shop"
[web]
[tasks]
dir = "shared"
[services]
api = { run = "echo started; exec cat", ready = { log = "started" }, watch = ["src/**"] }
marie = { kind = "worker", run = ["echo", "${TASK_DESCRIPTION}"] }
"#;

/// Who is logged in at the page of a group that runs.
pub(crate) struct Page {
    /// Its name, with the port.
    pub(crate) host: String,
    pub(crate) token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The names are in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Page {
    /// Opens the page, and logs in.
    pub(crate) fn log_in(project: &Project) -> Self {
        let (host, code) = address(project);
        let mut page = Self { host, token: String::new() };
        let answer = page.post("/api/v1/session", &json!({ "code": code }));
        assert_eq!(answer.status, 200, "{answer:?}");
        page.token = answer.json()["token"].as_str().unwrap().to_owned();
        page
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&self.head("GET", path, ""), b"")
    }

    /// The JSON of an answer that is one.
    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let more = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        self.send(&self.head("POST", path, &more), body.as_bytes())
    }

    /// The first lines of a request as a browser sends it. `more`: further lines, each with its end.
    pub(crate) fn head(&self, method: &str, path: &str, more: &str) -> String {
        let token =
            if self.token.is_empty() { String::new() } else { format!("Authorization: Bearer {}\r\n", self.token) };
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{token}{more}\r\n", self.host)
    }

    /// Sends these bytes, and reads the answer to its end.
    pub(crate) fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        // It may answer before all was sent, and close.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        Reading::begin(stream).unwrap().whole()
    }

    /// Begins to read an answer that goes on.
    pub(crate) fn follow(&self, path: &str) -> Reading {
        let mut stream = self.connect();
        stream.write_all(self.head("GET", path, "").as_bytes()).unwrap();
        let reading = Reading::begin(stream).unwrap();
        assert_eq!(reading.status, 200);
        reading
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The number of the last run of a service.
    pub(crate) fn run(&self, service: &str) -> u64 {
        let status = self.json("/api/v1/status");
        let services = status["services"].as_array().unwrap();
        services.iter().find(|one| one["name"] == service).unwrap()["run"].as_u64().unwrap()
    }
}

/// Where a group says that its page is, and the code of its address.
pub(crate) fn address(project: &Project) -> (String, String) {
    let said = Stream::ask(project, &["web", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let value: Value = serde_json::from_str(&said.stdout).unwrap();
    let url = value["url"].as_str().unwrap();
    let (host, code) = url.strip_prefix("http://").unwrap().split_once("/#login=").unwrap();
    (host.to_owned(), code.to_owned())
}

/// An answer whose head was read.
pub(crate) struct Reading {
    status: u16,
    headers: Vec<(String, String)>,
    input: BufReader<TcpStream>,
    is_chunked: bool,
    /// Of the body, what was read and is no whole line yet.
    begun: Vec<u8>,
    is_over: bool,
}

impl Reading {
    fn begin(stream: TcpStream) -> Option<Self> {
        let mut input = BufReader::new(stream);
        let mut line = String::new();
        input.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            input.read_line(&mut line).unwrap();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let is_chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        Some(Self { status, headers, input, is_chunked, begun: Vec::new(), is_over: false })
    }

    fn whole(mut self) -> Answer {
        if self.is_chunked {
            while self.read_chunk() {}
        } else {
            let length = self.headers.iter().find(|(name, _)| name == "content-length");
            let length = length.map_or(u64::MAX, |(_, length)| length.parse().unwrap());
            // What broke off is an answer all the same.
            let _ = self.input.by_ref().take(length).read_to_end(&mut self.begun);
        }
        let body = String::from_utf8(self.begun).unwrap();
        Answer { status: self.status, headers: self.headers, body }
    }

    /// The next line of JSON; `None` after the last.
    pub(crate) fn line(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.begun.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            if self.is_over || !self.read_chunk() {
                return None;
            }
        }
    }

    /// The first line for which that holds. The deadline is that of the connection.
    pub(crate) fn find(&mut self, name: &str, mut condition: impl FnMut(&Value) -> bool) -> Value {
        loop {
            match self.line() {
                Some(line) if condition(&line) => return line,
                Some(_) => {}
                None => panic!("the answer ended before {name}"),
            }
        }
    }

    fn read_chunk(&mut self) -> bool {
        let mut size = String::new();
        // An end without a last chunk is an end.
        self.input.read_line(&mut size).unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or_default();
        let mut chunk = vec![0; size + 2];
        self.is_over = size == 0 || self.input.read_exact(&mut chunk).is_err();
        if !self.is_over {
            self.begun.extend(&chunk[..size]);
        }
        !self.is_over
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header that is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The code of an error.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}
