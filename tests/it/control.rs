//! The control socket under clients that behave badly, spoken to byte by byte.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{PATIENCE, Project, Stream, wait_for};

/// A service that prints so much that its log forgets most of it.
const FLOOD: &str = r#"
    [logs]
    memory = "256KiB"
    [services]
    flood = { run = "seq 1000000; echo all-is-said; exec sleep 1000" }
    api = "echo up; exec sleep 1000"
    "#;

const QUIET: &str = "[services]\napi = \"echo up; exec sleep 1000\"\n";

fn start(project: &Project) -> Stream<'_> {
    let mut group = Stream::start(project, &[]);
    group.wait_for("api is up", |out| out.contains("│ up\n"));
    group
}

fn end(project: &Project, group: Stream<'_>) {
    assert_eq!(Stream::ask(project, &["down"]).code, Some(0));
    group.wait_exit();
}

pub(crate) fn socket(project: &Project) -> PathBuf {
    let folder = project.path("../home/run/devgroup");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "sock")).unwrap()
}

/// A connection that has said nothing yet.
fn connect(project: &Project) -> BufReader<UnixStream> {
    let stream = UnixStream::connect(socket(project)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream)
}

/// A connection that has greeted.
pub(crate) fn greeted(project: &Project) -> BufReader<UnixStream> {
    let mut client = connect(project);
    send_message(&mut client, &json!({"version": 1}));
    assert_eq!(read_message(&mut client)["reply"]["hello"]["version"], 1);
    client
}

pub(crate) fn send_message(client: &mut BufReader<UnixStream>, message: &Value) {
    client.get_mut().write_all(format!("{message}\n").as_bytes()).unwrap();
}

/// The next message; null at the end.
pub(crate) fn read_message(client: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    if line.is_empty() { Value::Null } else { serde_json::from_str(&line).unwrap() }
}

/// The group still answers, and its services run.
fn assert_well(project: &Project) {
    wait_for("api runs", || {
        let status = Stream::ask(project, &["status", "--json"]);
        assert_eq!(status.code, Some(0), "{}", status.stderr);
        status.stdout.contains(r#""name":"api","kind":"service","state":"running""#)
    });
}

#[test]
fn the_socket_is_the_user_s_own_and_goes_with_the_group() {
    let project = Project::new(QUIET);
    let group = start(&project);
    let socket = socket(&project);
    assert_eq!(fs::symlink_metadata(&socket).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::symlink_metadata(socket.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    end(&project, group);
    assert!(!socket.exists());
}

#[test]
fn questions_have_numbers_and_may_be_open_together() {
    let project = Project::new(&format!("{QUIET}other = \"exec sleep 1000\"\n"));
    let group = start(&project);
    let mut client = greeted(&project);
    let hear = |client: &mut BufReader<UnixStream>| {
        let message = read_message(client);
        assert_ne!(message, Value::Null, "it goes without a word");
        message
    };
    // Lines of the log that is followed come in between.
    let hear_else = |client: &mut BufReader<UnixStream>| loop {
        let message = hear(client);
        if message["reply"]["line"].is_null() {
            return message;
        }
    };
    send_message(&mut client, &json!({"id": 7, "ask": {"logs": {"follow": true}}}));
    send_message(&mut client, &json!({"id": 8, "ask": {"status": {}}}));
    let mut seen = (false, false);
    while seen != (true, true) {
        let message = hear(&mut client);
        seen.0 |= message["id"] == 7 && message["reply"]["line"]["text"] == "up";
        seen.1 |= message["id"] == 8 && message["reply"]["status"]["version"] == 1;
    }
    send_message(&mut client, &json!({"id": 7, "ask": {"status": {}}}));
    assert_eq!(hear_else(&mut client)["reply"]["error"]["code"], "malformed", "that number is taken");
    send_message(&mut client, &json!({"id": 9, "ask": {"cancel": {"id": 7}}}));
    assert_eq!(hear_else(&mut client), json!({"id": 9, "reply": {"end": {}}}));
    send_message(&mut client, &json!({"id": 10, "ask": {"status": {"follow": true}}}));
    let mut hear_of = |state| while hear(&mut client)["reply"]["status"]["services"][0]["state"] != state {};
    // Output may come before the group is told that the process exists.
    hear_of("running");
    assert_eq!(Stream::ask(&project, &["stop", "api"]).code, Some(0));
    hear_of("stopped");
    end(&project, group);
    while hear(&mut client)["reply"]["ended"].is_null() {}
}

#[test]
fn nonsense_is_answered_and_harms_nobody() {
    let project = Project::new(QUIET);
    let group = start(&project);
    let mut client = connect(&project);
    send_message(&mut client, &json!({"version": 99}));
    let answer = read_message(&mut client);
    assert_eq!(answer["reply"]["error"]["code"], "version", "{answer}");
    assert_eq!(read_message(&mut client), Value::Null);
    let mut client = connect(&project);
    client.get_mut().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(read_message(&mut client)["reply"]["error"]["code"], "malformed");
    let mut client = greeted(&project);
    for line in ["", "{}", "\u{0}\u{1}", r#"{"id":3,"ask":{"explode":{}}}"#, r#"{"id":3,"ask":{"down":{"noww":true}}}"#]
    {
        client.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
        assert_eq!(read_message(&mut client)["reply"]["error"]["code"], "malformed", "{line}");
    }
    client.get_mut().write_all(b"\xff\xfe\n").unwrap();
    assert_eq!(read_message(&mut client)["reply"]["error"]["code"], "malformed");
    send_message(&mut client, &json!({"id": 4, "ask": {"status": {}}}));
    assert_eq!(read_message(&mut client)["id"], 4, "it still listens");
    // Half a question, and a question from one who says no more.
    client.get_mut().write_all(b"{\"id\":5,\"ask\":{\"down").unwrap();
    drop(client);
    let mut client = greeted(&project);
    send_message(&mut client, &json!({"id": 1, "ask": {"logs": {}}}));
    client.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("{\"id\":1,\"reply\":{\"end\":{}}}\n"), "{rest}");
    // A line without an end.
    let mut client = greeted(&project);
    let huge = vec![b'x'; 1 << 20];
    let mut wrote = 0;
    while wrote < 64 && client.get_mut().write_all(&huge).is_ok() {
        wrote += 1;
    }
    assert!(wrote < 64, "it is not read for ever");
    assert_well(&project);
    end(&project, group);
}

#[test]
fn clients_that_never_read_hold_nobody_up() {
    let project = Project::new(QUIET);
    let group = start(&project);
    let mut mute: Vec<_> = (0..5).map(|_| greeted(&project)).collect();
    for client in &mut mute {
        client.get_mut().set_nonblocking(true).unwrap();
        for id in 0..20_000 {
            let question = json!({"id": id, "ask": {"status": {}}});
            if client.get_mut().write_all(format!("{question}\n").as_bytes()).is_err() {
                break;
            }
        }
    }
    assert_well(&project);
    assert_eq!(Stream::ask(&project, &["restart", "api", "--wait"]).code, Some(0));
    end(&project, group);
}

#[test]
fn a_thousand_followers_are_too_many_and_told_so() {
    let project = Project::new(QUIET);
    let group = start(&project);
    let mut refused = 0;
    let mut clients = Vec::new();
    for _ in 0..1_000 {
        let mut client = greeted(&project);
        send_message(&mut client, &json!({"id": 1, "ask": {"logs": {"follow": true}}}));
        let answer = read_message(&mut client);
        if clients.len() >= 128 {
            assert_eq!(answer["reply"]["error"]["code"], "too_many", "{answer}");
            refused += 1;
        } else {
            assert_ne!(answer["reply"]["line"], Value::Null, "{answer}");
            clients.push(client);
        }
    }
    assert_eq!(refused, 872);
    let events = Stream::ask(&project, &["events", "-f"]);
    assert_eq!(events.code, Some(1));
    assert!(events.stderr.contains("already has 128 clients that follow, wait or are attached"), "{}", events.stderr);
    assert_well(&project);
    drop(clients);
    wait_for("there is room again", || {
        let mut client = greeted(&project);
        send_message(&mut client, &json!({"id": 1, "ask": {"status": {"follow": true}}}));
        read_message(&mut client)["reply"]["error"].is_null()
    });
    assert_well(&project);
    end(&project, group);
}

#[test]
fn followers_and_those_who_never_end_their_first_line_leave_room_for_short_questions() {
    let project = Project::new(QUIET);
    let group = start(&project);
    let mut followers = Vec::new();
    for follow in ["logs", "events", "status"].into_iter().cycle().take(128) {
        let mut client = greeted(&project);
        send_message(&mut client, &json!({"id": 1, "ask": {follow: {"follow": true}}}));
        assert_eq!(read_message(&mut client)["reply"]["error"], Value::Null);
        followers.push(client);
    }
    let begun = |_| {
        let mut client = connect(&project);
        client.get_mut().write_all(b"{\"vers").unwrap();
        client
    };
    let _silent: Vec<_> = (0..100).map(begun).collect();
    let _asked: Vec<_> = (0..40)
        .map(|_| {
            let mut client = greeted(&project);
            send_message(&mut client, &json!({"id": 1, "ask": {"status": {}}}));
            assert_eq!(read_message(&mut client)["id"], 1);
            client
        })
        .collect();
    assert_well(&project);
    assert_eq!(Stream::ask(&project, &["logs", "-n", "1"]).code, Some(0));
    for client in &mut followers {
        send_message(client, &json!({"id": 2, "ask": {"cancel": {"id": 9}}}));
        while read_message(client)["id"] != 2 {}
    }
    end(&project, group);
}

#[test]
fn whoever_has_asked_nothing_gives_way_to_a_command() {
    let project = Project::new(QUIET);
    let group = start(&project);
    let mut asks = greeted(&project);
    send_message(&mut asks, &json!({"id": 1, "ask": {"status": {}}}));
    assert_eq!(read_message(&mut asks)["id"], 1);
    let mut idle: Vec<_> = (0..200).map(|_| greeted(&project)).collect();
    assert_well(&project);
    assert_eq!(read_message(&mut idle[0]), Value::Null, "the oldest went first");
    send_message(&mut asks, &json!({"id": 2, "ask": {"status": {}}}));
    assert_eq!(read_message(&mut asks)["id"], 2);
    end(&project, group);
}

#[test]
fn a_slow_reader_of_a_flood_is_told_what_it_has_missed_and_stops_nothing() {
    let project = Project::new(FLOOD);
    let group = start(&project);
    let mut slow = greeted(&project);
    send_message(&mut slow, &json!({"id": 1, "ask": {"logs": {"services": ["flood"], "follow": true}}}));
    // It reads nothing until all was said.
    wait_for("the flood is over", || {
        Stream::ask(&project, &["logs", "flood", "-n", "1", "--raw"]).stdout.ends_with("all-is-said\n")
    });
    assert_well(&project);
    assert_all_is_accounted_for(&mut slow);
    // Who comes later is told as well.
    let mut late = greeted(&project);
    send_message(&mut late, &json!({"id": 1, "ask": {"logs": {"services": ["flood"]}}}));
    assert_all_is_accounted_for(&mut late);
    end(&project, group);
}

/// The flood is sent to the end, and so is how much of it is missing.
fn assert_all_is_accounted_for(client: &mut BufReader<UnixStream>) {
    let (mut lines, mut skipped, mut last) = (0, 0, 0);
    loop {
        let message = read_message(client);
        if let Some(gone) = message["reply"]["skipped"]["skipped"].as_u64() {
            skipped += gone;
            continue;
        }
        let line = &message["reply"]["line"];
        if line["text"] == "all-is-said" {
            break;
        }
        lines += 1;
        if let Ok(number) = line["text"].as_str().unwrap().parse::<u64>() {
            assert!(number > last, "{number} after {last}");
            last = number;
        }
    }
    assert!(skipped > 0, "256 KiB do not hold a million lines");
    // The marker of the start is a line as well.
    assert_eq!(lines + skipped, 1_000_001);
    assert_eq!(last, 1_000_000);
}

#[test]
fn a_number_of_events_of_an_earlier_run_of_the_group_loses_none() {
    let project = Project::new(QUIET);
    let group = start(&project);
    let mut client = connect(&project);
    send_message(&mut client, &json!({"version": 1}));
    let epoch = read_message(&mut client)["reply"]["hello"]["epoch"].as_str().unwrap().to_owned();
    let mut ask = |id: u64, events: Value| {
        send_message(&mut client, &json!({"id": id, "ask": {"events": events}}));
        let mut replies = Vec::new();
        while replies.last().is_none_or(|reply: &Value| reply["end"].is_null()) {
            replies.push(read_message(&mut client)["reply"].clone());
        }
        replies
    };
    let all = ask(1, json!({"after": 0, "epoch": epoch}));
    assert_eq!(all[0]["event"]["seq"], 1);
    assert_eq!(ask(2, json!({"after": 1, "epoch": epoch})), all[1..]);
    for other in [json!({"after": 1, "epoch": "0"}), json!({"after": 1_000_000})] {
        let replies = ask(3, other);
        assert_eq!(replies[0]["skipped"], json!({"skipped": null}));
        assert_eq!(replies[1..], all);
    }
    end(&project, group);
}
