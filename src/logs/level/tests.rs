//! Tests of the levels.

use super::*;
use crate::clock::Clock;
use crate::domain::Marker;
use crate::logs::LogStore;
use crate::logs::search::Query;

#[test]
fn the_usual_ways_to_say_how_bad_it_is() {
    let cases = [
        ("14:02:23 ERROR user 19 not found", Some(Level::Error)),
        ("14:02:23  WARN slow query", Some(Level::Warn)),
        ("[info] listening", Some(Level::Info)),
        ("error[E0308]: mismatched types", Some(Level::Error)),
        ("warning: unused variable", Some(Level::Warn)),
        (r#"{"time":1,"level":"error","msg":"x"}"#, Some(Level::Error)),
        (r#"{"severity": "WARNING", "msg": "ERROR in text"}"#, Some(Level::Warn)),
        (r#"{"level":50,"msg":"x"}"#, Some(Level::Error)),
        ("ts=1 level=warn msg=\"ERROR\"", Some(Level::Warn)),
        ("time=1 lvl=eror", Some(Level::Error)),
        ("GET /errors 200", None),
        ("0 errors, 3 warnings", None),
        ("TypeError: Cannot read properties of undefined", Some(Level::Error)),
        ("java.lang.IllegalStateException: no", Some(Level::Error)),
        ("panic: runtime error: index out of range", Some(Level::Fatal)),
        ("", None),
    ];
    for (line, level) in cases {
        assert_eq!(Level::of(line), level, "{line}");
    }
    let far = format!("2024-05-01 12:00:00,123 [main] com.example.{} ERROR - no", "x".repeat(90));
    assert_eq!(Level::of(&far), Some(Level::Error), "a level may be far to the right");
    assert_eq!(Level::of("log level set to ERROR"), None, "a word of the text is what the line talks about");
}

/// The level of each line, with `.` for none.
fn levels(text: &str) -> String {
    let mut reader = LevelReader::default();
    let letter = |level| match level {
        None => '.',
        Some(Level::Trace) => 'T',
        Some(Level::Debug) => 'D',
        Some(Level::Info) => 'I',
        Some(Level::Warn) => 'W',
        Some(Level::Error) => 'E',
        Some(Level::Fatal) => 'F',
    };
    text.lines().map(|line| letter(reader.read(line))).collect()
}

#[test]
fn a_trace_is_as_bad_as_its_first_line() {
    let rust = "ok\nthread 'main' panicked at src/jobs/mail.rs:41:18:\ncalled `Option::unwrap()` on a `None` value\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/x\nnote: run with `RUST_BACKTRACE=1`\nnext";
    assert_eq!(levels(rust), ".FFFFFF.");
    let python =
        "ok\nTraceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\nValueError: no\nnext";
    assert_eq!(levels(python), ".EEEE.");
    let syntax = "ok\n  File \"/a/server.py\", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax\nnext";
    assert_eq!(levels(syntax), ".EEEE.");
    assert_eq!(levels("  File \"a.py\", line 3, in f\n  File: a.py"), "..", "no error by itself");
    let custom = "Traceback (most recent call last):\n  File \"a.py\"\nmy.module.Oops\nnext";
    assert_eq!(levels(custom), "EEE.");
    let node = "TypeError: Cannot read\n    at Object.<anonymous> (/a.js:1:1)\n    at node:internal/main\n\nNode.js v22.1.0\nnext";
    assert_eq!(levels(node), "EEEEE.");
    let java = "Exception in thread \"main\" java.lang.IllegalStateException: x\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException\n\t... 3 more\nnext";
    assert_eq!(levels(java), "EEEE.");
    let go = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/a/main.go:5 +0x1d\nexit status 2\nnext";
    assert_eq!(levels(go), "FFFFFF.");
    assert_eq!(levels("ERROR one\nINFO two\n  indented"), "EI.");
    let cargo = "error[E0382]: borrow of moved value\n --> src/main.rs:4:20\n  |\n2 |     let x = String::new();\n...\n4 |     x\n  |     ^\nhelp: consider cloning\n\nwarning: unused\n --> b.rs:1:1\n";
    assert_eq!(levels(cargo), "EEEEEEEEEW.");
}

/// Lines as frameworks print them; `.` for those that tell of nothing bad, whatever words they have.
const REAL: &str = r#"
E 2024-05-01T12:00:00.123+02:00 ERROR 12345 --- [nio-8080-exec-1] o.a.c.c.C.[.[.[/].[dispatcherServlet]    : Servlet.service()
E 2024/05/01 12:00:00 [error] 31#31: *1 open() "/usr/share/nginx/html/favicon.ico" failed
F 2024/05/01 12:00:00 [emerg] 1#1: bind() to 0.0.0.0:80 failed (98: Address already in use)
F nginx: [emerg] host not found in upstream "api" in /etc/nginx/nginx.conf:12
F 2024/05/01 12:00:00 [crit] 12#12: *1 connect() to unix:/x failed
. 172.17.0.1 - - [01/May/2024:12:00:00 +0000] "GET /ERROR HTTP/1.1" 200 612 "-" "curl/8.0" "-"
F F, [2024-05-01T12:00:00.123456 #1234] FATAL -- : ActionController::RoutingError (No route matches [GET] "/x"):
. Completed 200 OK in 5ms (Views: 0.3ms | ActiveRecord: 0.0ms)
E Completed 500 Internal Server Error in 12ms (ActiveRecord: 0.0ms)
E Internal Server Error: /polls/
E 12:00:00 PM [vite] Internal server error: Failed to resolve import "./foo" from "src/main.ts".
I {"level":"info","ts":1714564800.123,"caller":"main.go:12","msg":"ERROR: not really"}
E <3>kernel: bad page state in process api
E <3>[   14.402911] blk_update_request: I/O error, dev sda, sector 2048
W <4>[    0.402911] ACPI: no handler
F <130>Oct 11 22:14:15 host su: out of memory
I <6>api[4711]: 3 failed before
. <3 of us
. <3> an item that failed
W <warn>  [1772442851.4029] device (wlan0): Activation: failed for connection 'shop'
. 127.0.0.1 - - [02/Mar/2026 09:14:11] code 404, message File not found
E [GIN] 2026/03/02 - 09:14:11 | 500 |    1.402911ms |       127.0.0.1 | POST     "/cart"
. [GIN] 2026/03/02 - 09:14:11 | 404 |     500.402µs |       127.0.0.1 | GET      "/nope"
. 12:00:00 | 500 | 20 rows
E [INFO] BUILD FAILURE
I [INFO] the build after a failure
E 2026-03-02T09:14:11.402Z pid=4711 tid=ow9 class=MailJob jid=b4a577 elapsed=0.014 INFO: fail
I 2026-03-02T09:14:11.402Z pid=4711 tid=ow9 class=MailJob jid=b4a577 elapsed=0.014 INFO: done
E      SIGABRT [   0.102s] (12/40) shop::cart aborts
E   TIMEOUT [  60.012s] shop::cart waits
.         PASS [   0.012s] shop::errors fails_well
W 2026-03-02 09:14:11 +0000 [warn]: #0 no patterns matched tag="shop"
E 🦋  error Some packages have been changed
E Problem with execution 14: the service was not able to answer
E Error handling request
. Error handling middleware is loaded
E Coverage failure: total of 71 is less than 80
. Failure:
. Last failure: 2026-03-02
E [ERROR 1/1 UnknownName] src/Main.purs:14:1
. [14 of 14] Compiling Data.Error
E 2 errors 3 warnings
F {"level":"dpanic","ts":1714564800.123,"msg":"x"}
E {"t":{"$date":"2024-05-01T12:00:00.000Z"},"s":"E",  "c":"NETWORK",  "id":1,   "ctx":"main","msg":"x"}
I {"t":{"$date":"2024-05-01T12:00:00.000Z"},"s":"I",  "c":"NETWORK",  "id":1,   "ctx":"main","msg":"x"}
E {"@t":"2024","@l":"Error","@mt":"x"}
E 2024-05-01T12:00:00.000Z error: the database is gone
E 2024-05-01 12:00:00 [payments] error: the database is gone
I 2024-05-01 12:00:00 [payments] info: error: was it?
. 2024-05-01 12:00:00 no error: all is well
E ERRO[0000] something bad  foo=bar
F FATA[0001] bye
E main.c:3:5: error: expected ';' before 'return'
W /home/somebody/projects/something/with/a/long/path/src/main.c:3:5: warning: unused variable 'x' [-Wunused-variable]
E src/app.ts(12,5): error TS2322: Type 'string' is not assignable to type 'number'.
E src/app.ts:12:5 - error TS2322: Type 'string' is not assignable to type 'number'.
. [12:00:00 PM] Found 0 errors. Watching for file changes.
E   12:5  error  'x' is defined but never used  no-unused-vars
W   12:5  warning  Unexpected console statement  no-console
. test foo::error_case ... ok
E test foo::bar ... FAILED
E test result: FAILED. 1 passed; 1 failed; 0 ignored
E 1 failed, 17 passed
. 0 failed, 17 passed
W # Warning: unused variable
. test result: ok. 12 passed; 0 failed; 0 ignored
E FAILED tests/test_x.py::test_y - AssertionError: assert 1 == 2
. tests/test_error.py::test_y PASSED                 [ 50%]
E tests/test_error.py::test_y FAILED                 [ 50%]
E  FAIL  src/app.test.ts
.  PASS  src/app.test.ts
E --- FAIL: TestX (0.00s)
E npm error code ENOENT
W npm warn deprecated foo@1.0.0
E make: *** [Makefile:2: all] Error 1
E sh: 1: foo: not found
E bash: line 1: foo: command not found
E Segmentation fault (core dumped)
E [2024-05-01 12:00:00,123: ERROR/MainProcess] Task x[1] raised unexpected: ValueError('x')
E [2024-05-01 12:00:00] local.ERROR: Something {"exception":"x"}
F PHP Fatal error:  Uncaught Error: Call to undefined function x() in /a.php:3
E E0501 12:00:00.123456       1 main.go:12] bad
I I0501 12:00:00.123456       1 main.go:12] no error
E fail: Microsoft.AspNetCore.Server.Kestrel[13]
F [12:00:00 FTL] bye
E Unhandled exception. System.InvalidOperationException: x
E ** (RuntimeError) boom
E app.rb:3:in `foo': undefined method `bar' for nil (NoMethodError)
W (node:1234) DeprecationWarning: x
E Uncaught Error: x
E > Task :compileJava FAILED
. BUILD SUCCESSFUL in 2s
E docker: Error response from daemon: Conflict.
E db-1  | 2024-05-01 12:00:00.000 UTC [123] ERROR:  relation "x" does not exist at character 15
E web-1 | error: cannot open the database
. 12 | error: String,
. Listening on http://localhost:3000/error?level=error
. GET /api?level=error 200 3ms
. starting with --log-level=error
. volume level=50
. 0 errors
"#;

#[test]
fn frameworks_say_it_in_their_own_ways() {
    let possible = Query::possible_errors().expect("a query");
    for case in REAL.trim_matches('\n').lines() {
        let (level, line) = case.split_at_checked(2).expect("a level and a line");
        assert_eq!(levels(line), level.trim_end(), "{line}");
        let is_bad = matches!(level, "E " | "F ");
        assert!(!is_bad || possible.is_match(line), "a scan for errors has to read it: {line}");
    }
}

/// Lines of programs where all is well, that were once taken for errors: sentences that go on from the line above, rows of
/// printed objects, subjects of commits, and what went on all the same.
#[test]
fn ordinary_lines_with_bad_words_tell_nothing() {
    let ordinary = r#"
       cannot be aborted with a subsequent call.
       •   the config file is invalid (ret=3),
    - Builds failed on old systems due to missing flags
    resolve: { conditions: undefined, mainFields: undefined }
    error: [Function: error],
    lastError: undefined,
  status: 'failed',
{ id: 1, error: null, failed: false }
9cb1a7a5 blinker is required, signals are always available
2e10fc24 document address already in use error
pid file already exists; removing it
Unknown user agent, treating as bot
Health check failed 0 times
#12 0.402 debconf: delaying package configuration, since apt-utils is not installed
2026/03/02 09:14:11 retrying after error: attempt 1 of 3
- *** --- * --- .> concurrency: 2 (solo)
*** WARNING ***
Not Found: /missing/page"#;
    for line in ordinary.lines().filter(|line| !line.is_empty()) {
        assert_eq!(Level::of(line), None, "{line}");
    }
    let ended =
        ["pid file already exists; exiting", "Port 5000 is in use by another program.", "make: *** [all] Error 2"];
    for line in ended {
        assert_eq!(Level::of(line), Some(Level::Error), "{line}");
    }
    let helps_to_look = "812:M 02 Mar 2026 09:14:11.402 . The AOF directory appendonlydir doesn't exist";
    assert_eq!(Level::of(helps_to_look), Some(Level::Debug), "redis does this at each first start");
}

#[test]
fn a_trace_below_what_a_logger_says_of_it_is_one_error() {
    let heads = |text: &str| {
        let mut reader = LevelReader::default();
        text.lines()
            .filter(|line| {
                let is_inside = reader.goes_on_with(line);
                reader.read(line).is_some_and(|level| level >= Level::Error) && !is_inside
            })
            .count()
    };
    let java = "12:00:00 ERROR [main] a.B - failed\njava.lang.IllegalStateException: x\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: y\n\t... 3 more";
    assert_eq!((levels(java), heads(java)), ("EEEEE".to_owned(), 1));
    let python = "ERROR:root:failed\nTraceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2\nValueError: b\nnext";
    assert_eq!((levels(python), heads(python)), ("EEEEEEEEEE.".to_owned(), 1));
    assert_eq!(heads("TypeError: a\nTypeError: b"), 2);
    let composed = "db-1  | Traceback (most recent call last):\ndb-1  |   File \"a.py\", line 1\ndb-1  | KeyError: 'a'\ndb-1  | next";
    assert_eq!((levels(composed), heads(composed)), ("EEE.".to_owned(), 1));
}

#[test]
fn a_trace_is_known_wherever_the_reader_begins_and_ends_at_a_marker() {
    let document = LogStore::new(Clock::start()).open(&"api".into(), 1 << 20);
    document.resize(80, 10);
    document.feed(b"ok\r\nthread 'main' panicked at a.rs:1:1:\r\nno\r\nstack backtrace:\r\n   0: begin\r\n");
    document.mark(&Marker::NotReady {
        probe: "port 1".to_owned(),
        after: std::time::Duration::ZERO,
        next: crate::domain::NextTry::None,
    });
    document.feed(b"   Compiling api v0.1.0\r\nnext\r\n");
    let mut reader = document.read();
    let mut all = LevelReader::default();
    for id in (0..reader.end().0).map(LineId) {
        let Some(line) = reader.line(id) else { continue };
        let here = LevelReader::at(&mut reader, id).pass(&line);
        assert_eq!(here, all.pass(&line), "line {}", id.0);
        let is_of_panic = (1..5).contains(&id.0);
        assert_eq!(here, is_of_panic.then_some(Level::Fatal), "line {}", id.0);
    }
}

#[test]
fn fuzz_of_levels() {
    const SEEDS: [&[u8]; 7] = [
        b"14:02:23 ERROR user 19 not found\n{\"level\":\"warn\",\"msg\":\"x\"}\nts=1 level=info\n",
        b"Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\nValueError: no\nnext\n",
        b"thread 'main' panicked at src/a.rs:41:18:\ncalled `Option::unwrap()`\nstack backtrace:\n   0: x\n",
        b"java.lang.IllegalStateException: no\n\tat a.b.C(D.java:1)\nCaused by: x\n\t... 12 more\n",
        b"\x1b[31merror\x1b[0m[E0308]: mismatched types\n  --> src/a.rs:1:2\n   |\n 1 | x\n   | ^\n",
        b"web-1  | [2026-11-30T00:00:00Z] <b>FATAL</b> (x)\n     at x (/a/b.js:1:2)\n",
        "W1130 00:00:00.000000 1 a.go:1] ü\u{200b}\u{301}\n| | [err]: :::\n".as_bytes(),
    ];
    crate::fuzz::run("levels", 1_500, &SEEDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let mut reader = LevelReader::default();
        let levels = text.lines().map(|line| {
            let goes_on = reader.goes_on_with(line);
            (goes_on, reader.read(line).map(|level| level as u8), Level::of(line).is_some())
        });
        levels.take(200).collect::<Vec<_>>().into_iter().take(6).collect::<Vec<_>>()
    });
}
