//! Tests of lines that are data.

use proptest::prelude::*;

use super::*;
use crate::logs::StyledText;

fn fields(line: &str) -> Option<String> {
    Structured::read(line).map(|read| serde_json::to_string(&read.fields).unwrap())
}

fn short(line: &str) -> String {
    folded(&StyledText { text: line.to_owned(), runs: Vec::new() }).map(|line| line.text).unwrap_or_default()
}

#[test]
fn what_is_no_data_is_text() {
    let deep = format!("{}{}", "{\"a\":".repeat(400), "}".repeat(400));
    let long = format!("{{\"msg\":\"{}\"}}", "x".repeat(LONGEST));
    for line in [
        "",
        " ",
        "{",
        "{}",
        "{ listening }",
        "{a: 1}",
        r#"{"level":"error","msg":"cut o"#,
        r#"{"level":"error"} and more"#,
        r#"["level","error"]"#,
        "\"level\"",
        "50",
        &deep,
        &long,
        "PATH=/usr/bin",
        "level=3",
        "level=hard",
        "the level=error of it",
        "level=info listening on 4000",
        "a=1 b",
        "a=1 b=\"open",
        "a=1 b=\"x\"y",
        "a=1 =2",
        "https://x.test/?a=1 b=2",
        "a = 1 b = 2",
        "1=2 3=4",
    ] {
        assert_eq!(fields(line), None, "{line:.60}");
    }
}

#[test]
fn fields_are_those_of_the_line_in_its_order() {
    for (line, told) in [
        (r#"{"b":1,"a":[1,{"x":null}],"c":"é\n"}"#, r#"{"b":1,"a":[1,{"x":null}],"c":"é\n"}"#),
        (r#"  {"a":1}  "#, r#"{"a":1}"#),
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        (r#"{"id":9007199254740993,"x":-0.5}"#, r#"{"id":9007199254740993,"x":-0.5}"#),
        ("level=info", r#"{"level":"info"}"#),
        ("a=1 b=", r#"{"a":1,"b":""}"#),
        ("a=007 b=1.10 c=-3 d=true e=1e5 f=12h", r#"{"a":"007","b":"1.10","c":-3,"d":true,"e":"1e5","f":"12h"}"#),
        (r#"a="x \"y\" \x41\u00e9\t" b="""#, r#"{"a":"x \"y\" Aé\t","b":""}"#),
        ("a='it's x' b='y'", r#"{"a":"it's x","b":"y"}"#),
        ("a.b=1 @c=2 _d-e=3", r#"{"a.b":1,"@c":2,"_d-e":3}"#),
        ("a=x=y b=2", r#"{"a":"x=y","b":2}"#),
        ("web-1  | a=1 b=2", r#"{"a":1,"b":2}"#),
    ] {
        assert_eq!(fields(line).as_deref(), Some(told), "{line}");
    }
}

#[test]
fn the_level_is_that_of_the_line_and_not_of_what_it_tells() {
    let level = |line: &str| Structured::read(line).and_then(|read| read.level());
    for (line, told) in [
        (r#"{"request":{"level":"error"},"level":"info"}"#, Some(Level::Info)),
        (r#"{"game":{"level":"fatal"},"msg":"saved"}"#, None),
        (r#"{"level":"hard","severity":"ERROR"}"#, Some(Level::Error)),
        (r#"{"level":"WARN+1"}"#, Some(Level::Warn)),
        (r#"{"level":35}"#, None),
        (r#"{"level":20}"#, Some(Level::Debug)),
        (r#"{"log.level":"error"}"#, Some(Level::Error)),
        (r#"{"s":"E","msg":"x"}"#, None),
        ("lvl=eror t=1", Some(Level::Error)),
    ] {
        assert_eq!(level(line), told, "{line}");
        assert_eq!(Level::of(line), told, "{line}: as the log shows it");
    }
    let cut = r#"{"level":"error","msg":"cut o"#;
    assert_eq!((level(cut), Level::of(cut)), (None, Some(Level::Error)), "what is cut off still begins so");
}

#[test]
fn times_are_read_in_every_unit_and_guesses_are_none() {
    let time = |value: &str| {
        let line = format!("{{\"time\":{value}}}");
        Structured::read(&line).and_then(|read| read.time()).map(|time| time.to_string())
    };
    let then = Some("2026-11-29T23:50:28.404Z".to_owned());
    for value in [
        "1795996228.404",
        "1795996228404",
        "1795996228404000",
        "1795996228404000000",
        "\"1795996228.404\"",
        "\"2026-11-29T23:50:28.404Z\"",
        "\"2026-11-30T00:50:28.404+01:00\"",
        "\"2026-11-30T00:50:28.404+0100\"",
        "\"2026-11-29 23:50:28.404Z\"",
    ] {
        assert_eq!(time(value), then, "{value}");
    }
    for value in ["1", "12.5", "-1795996228", "1e300", "\"now\"", "\"2026-11-29 23:50:28\"", "null", "{}", "\"NaN\""] {
        assert_eq!(time(value), None, "{value}");
    }
}

#[test]
fn conditions_compare_what_is_there() {
    let line = r#"{"status":502,"ms":"81.5","ok":true,"none":null,"user":{"id":7,"name":"Ada L"},"a.b":1,"a":{"b":2},"id":9007199254740993}"#;
    let fields = Structured::read(line).unwrap().fields;
    for (text, is_met) in [
        ("status=502", true),
        ("status=502.0", true),
        ("status = 502", true),
        ("status=\"502\"", true),
        ("status!=502", false),
        ("status>=502", true),
        ("status>502", false),
        ("status<600", true),
        ("status<=501", false),
        ("status~^5", true),
        ("ms>81", true),
        ("ok=true", true),
        ("ok>0", false),
        ("none=null", true),
        ("user.id=7", true),
        ("user.name=\"Ada L\"", true),
        ("user.name=Ada L", true),
        ("user.name~ada", true),
        ("user.name~ADA", false),
        ("user~Ada", true),
        ("a.b=1", true),
        ("id=9007199254740993", true),
        ("id=9007199254740992", false),
        ("gone=1", false),
        ("gone!=1", false),
        ("user.gone.x=1", false),
        ("none!=1", true),
    ] {
        assert_eq!(Condition::parse(text).unwrap().is_met(&fields), is_met, "{text}");
    }
}

#[test]
fn what_is_no_condition_is_refused_with_what_to_write() {
    let told = [
        "status",
        "",
        ">=500",
        "status>=high",
        "level>=warn",
        "a==1",
        "status=>500",
        "user=~7",
        "a!",
        "x~(",
        "st\u{1b}atus",
    ]
    .map(|text| {
        let error = Condition::parse(text).unwrap_err();
        format!("{} · {}\n", error.message, error.help)
    });
    insta::assert_snapshot!(told.concat());
    assert!(Condition::parse("status=\">500\"").is_ok(), "a text in quotes");
}

#[test]
fn a_short_form_has_all_that_the_line_tells_once() {
    for (line, told) in [
        (r#"{"level":"info","msg":"listening","port":4000}"#, "info  listening  port=4000"),
        (r#"{"a":1}"#, "a=1"),
        ("a=1 b=two", "a=1 b=two"),
        (r#"{"msg":"a\nb\u001b[31m","x":"c d","y":"","z":"q\"=\n"}"#, r#"a\nb\u{1b}[31m  x="c d" y="" z="q\"=\n""#),
        (r#"{"fields":{"message":"x","user":{"id":7}},"e":{},"l":[1,2]}"#, "x  fields.user.id=7 e={} l=[1,2]"),
        (r#"{"event":{"id":1},"level":"nope"}"#, "event.id=1 level=nope"),
        (r#"web-1  | {"severity":"ERROR","message":"no"}"#, "web-1  | error no"),
    ] {
        assert_eq!(short(line), told, "{line}");
    }
    assert_eq!(short("just text"), "");
}

proptest! {
    #![proptest_config(crate::logs::cases(300))]
    #[test]
    fn no_line_is_too_strange(line in "(\\{|[a-z]=|\"|'| |level=|\\\\|.){0,40}") {
        if let Some(read) = Structured::read(&line) {
            let text = serde_json::to_string(&read.fields).unwrap();
            let again: Fields = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&again, &read.fields);
            prop_assert!(!short(&line).contains(crate::domain::misleads) || line.contains(crate::domain::misleads));
        }
    }
}

#[test]
fn fuzz_of_data() {
    const SEEDS: [&[u8]; 4] = [
        br#"{"level":"error","time":1795996228404,"msg":"a","b":{"c":[1,2]}}"#,
        br#"time="2026-11-30T00:51:01+01:00" level=error msg="a \"b\"" x='y' n=12"#,
        b"web-1  | {\"a\":1}",
        br#"{"ts":1795996228.4041567,"a":{"b":"\u001b"}}"#,
    ];
    crate::fuzz::run("structured", 3_000, &SEEDS, |bytes| {
        let line = String::from_utf8_lossy(bytes);
        let read = Structured::read(&line)?;
        let text = short(&line);
        assert!(!text.is_empty());
        Some((read.level(), read.time().is_some(), read.fields.len()))
    });
}

#[test]
fn fuzz_of_conditions() {
    // A condition, and after a NUL the line.
    const SEEDS: [&[u8]; 6] = [
        b"status>=500\0{\"status\":503,\"user\":{\"id\":7}}",
        b"user.id=7\0{\"user\":{\"id\":\"7\"},\"user.id\":8}",
        b"msg~/(a|b)+c$/\0level=info msg=\"abc\"",
        b"a!='x y'\0a=\"x y\"",
        b"=\0{}",
        b"a==1\0a=1",
    ];
    crate::fuzz::run("conditions", 1_500, &SEEDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (condition, line) = text.split_once('\0').unwrap_or((&text, ""));
        match Condition::parse(condition) {
            Ok(condition) => {
                assert!(!condition.field.is_empty());
                Ok(Structured::read(line).map(|read| condition.is_met(&read.fields)))
            }
            Err(error) => {
                assert!(!error.message.contains(crate::domain::misleads), "{}", error.message);
                Err(error.help)
            }
        }
    });
}
