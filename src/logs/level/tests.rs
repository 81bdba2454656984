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
