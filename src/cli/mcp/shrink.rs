//! Answers that are too long lose what is in their middle. Pure.

use serde_json::Value;

/// What is told of what was left out of an object, beside it.
const LEFT_OUT: &str = "left_out";

/// Rounds after which an answer that is still too long is given up.
const ROUNDS: usize = 200;

/// Bytes of a text as a JSON string.
pub(super) fn escaped_len(text: &str) -> usize {
    // A text is always JSON.
    serde_json::to_string(text).map_or(usize::MAX, |json| json.len())
}

/// A text of whole lines that is no longer than this as JSON.
pub(super) fn text(text: &str, most: usize) -> String {
    if escaped_len(text) <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(64) / 2;
    let lines: Vec<&str> = text.lines().collect();
    let (mut first, mut last, mut sizes) = (0, 0, [0, 0]);
    while first + last < lines.len() {
        let at_first = sizes[0] <= sizes[1];
        let line = if at_first { lines[first] } else { lines[lines.len() - 1 - last] };
        let size = escaped_len(line);
        let place = usize::from(!at_first);
        if sizes[place] + size > room {
            break;
        }
        sizes[place] += size;
        if at_first { first += 1 } else { last += 1 }
    }
    let left_out = lines.len() - first - last;
    if first + last == 0 {
        return in_the_middle(text, room);
    }
    let hole = format!("… {left_out} lines left out …");
    let rows = lines[..first].iter().copied().chain([hole.as_str()]);
    rows.chain(lines[lines.len() - last..].iter().copied()).map(|line| format!("{line}\n")).collect()
}

/// A text of at most so many bytes as JSON, without its middle.
pub(super) fn in_the_middle(text: &str, most: usize) -> String {
    if escaped_len(text) <= most {
        return text.to_owned();
    }
    // A character may need six bytes.
    let half = most.saturating_sub(48) / 2;
    let take = |chars: &mut dyn Iterator<Item = char>| {
        let mut size = 0;
        let fits = |c: &char| {
            size += escaped_len(c.encode_utf8(&mut [0; 4])) - 2;
            size <= half
        };
        chars.take_while(fits).collect::<Vec<char>>()
    };
    let (first, last) = (take(&mut text.chars()), take(&mut text.chars().rev()));
    let left_out = text.chars().count().saturating_sub(first.len() + last.len());
    let first: String = first.into_iter().collect();
    let last: String = last.into_iter().rev().collect();
    format!("{first} … {left_out} characters left out … {last}")
}

/// The value without keys that say nothing.
pub(super) fn without_nulls(value: Value) -> Value {
    let says_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(all) => {
            let all = all.into_iter().map(|(key, value)| (key, without_nulls(value)));
            // A list that is asked for is there, even if there is nothing in it.
            let stays = |key: &str, value: &Value| !says_nothing(value) || LISTS.contains(&key);
            Value::Object(all.filter(|(key, value)| stays(key, value)).collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(without_nulls).collect()),
        value => value,
    }
}

/// The lists that are the point of an answer.
const LISTS: [&str; 4] = ["services", "lines", "tasks", "paths"];

/// A value of at most so many bytes: of its longest lists, and then of its longest texts, the middle is left out.
pub(super) fn value(mut value: Value, most: usize) -> Value {
    for _ in 0..ROUNDS {
        let size = size(&value);
        if size <= most {
            return value;
        }
        if !cut_largest(&mut value, size - most) {
            break;
        }
    }
    if size(&value) <= most { value } else { serde_json::json!({ LEFT_OUT: "all: the answer is too long" }) }
}

fn size(value: &Value) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |json| json.len())
}

/// Where the largest list of more than two values is, or else the longest text: the keys and places that lead there.
fn largest(value: &Value, is_wanted: &dyn Fn(&Value) -> bool) -> Option<(usize, Vec<Step>)> {
    let within = |step: Step, inner: &Value| {
        let (size, mut path) = largest(inner, is_wanted)?;
        path.insert(0, step);
        Some((size, path))
    };
    let own = is_wanted(value).then(|| (size(value), Vec::new()));
    let inner = match value {
        Value::Array(all) => {
            all.iter().enumerate().filter_map(|(at, one)| within(Step::Place(at), one)).max_by_key(|(size, _)| *size)
        }
        Value::Object(all) => {
            all.iter().filter_map(|(key, one)| within(Step::Key(key.clone()), one)).max_by_key(|(size, _)| *size)
        }
        _ => None,
    };
    // Of a list in a list, the inner one, if it is most of it.
    match (own, inner) {
        (Some(own), Some(inner)) if inner.0 * 2 > own.0 => Some(inner),
        (Some(own), _) => Some(own),
        (None, inner) => inner,
    }
}

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Place(usize),
}

/// Leaves out of the largest part what is too much, or half of it. False if there is nothing to cut.
fn cut_largest(value: &mut Value, too_much: usize) -> bool {
    let long_list = |value: &Value| value.as_array().is_some_and(|all| all.len() > 2);
    let long_text = |value: &Value| value.as_str().is_some_and(|text| text.len() > 200);
    let list = largest(value, &long_list);
    let text = largest(value, &long_text);
    let path = match (list, text) {
        (Some(list), Some(text)) => {
            if text.0 * 2 > list.0 {
                text.1
            } else {
                list.1
            }
        }
        (Some(one), None) | (None, Some(one)) => one.1,
        (None, None) => return false,
    };
    let mut place = &mut *value;
    for step in path.iter().take(path.len().saturating_sub(1)) {
        let Some(next) = inside(place, step) else { return false };
        place = next;
    }
    let cut = path.last().and_then(|step| inside(place, step)).map(|found| match found {
        Value::Array(all) => {
            let spare = (all.len() * too_much / size_of_all(all).max(1)).max(all.len() / 8);
            let out = (spare + 1).min(all.len() - 2);
            let from = (all.len() - out) / 2;
            all.drain(from..from + out);
            out
        }
        Value::String(text) => {
            *text = in_the_middle(text, text.len() / 2);
            0
        }
        _ => 0,
    });
    match (cut, place, path.last()) {
        (Some(out), Value::Object(parent), Some(Step::Key(key))) if out > 0 => {
            let told = parent.entry(LEFT_OUT).or_insert_with(|| serde_json::json!({}));
            if let Value::Object(told) = told {
                let before = told.get(key).and_then(Value::as_u64).unwrap_or(0);
                told.insert(key.clone(), (before + out as u64).into());
            }
            true
        }
        (cut, _, _) => cut.is_some(),
    }
}

fn size_of_all(all: &[Value]) -> usize {
    all.iter().map(size).sum()
}

fn inside<'v>(value: &'v mut Value, step: &Step) -> Option<&'v mut Value> {
    match step {
        Step::Key(key) => value.get_mut(key),
        Step::Place(at) => value.get_mut(at),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_text_loses_whole_lines_in_its_middle() {
        let long: String = (0..1_000).map(|n| format!("line {n}\n")).collect();
        let short = text(&long, 1_000);
        assert!(escaped_len(&short) <= 1_000, "{}", short.len());
        assert!(short.starts_with("line 0\n") && short.ends_with("line 999\n"), "{short}");
        let left_out = short.lines().find_map(|line| line.strip_prefix("… ")?.split(' ').next()?.parse::<usize>().ok());
        assert_eq!(left_out.map(|left_out| left_out + short.lines().count() - 1), Some(1_000));
        assert_eq!(text("a\nb", 100), "a\nb");
        let one = text(&"\u{1}é".repeat(1_000), 300);
        assert!(escaped_len(&one) <= 300 && one.contains(" characters left out "), "{one}");
    }

    #[test]
    fn a_long_value_loses_what_is_in_the_middle_of_its_lists() {
        let lines: Vec<Value> = (0..500).map(|n| json!({ "text": format!("line {n}") })).collect();
        let short = value(json!({ "version": 1, "services": [{ "name": "api", "lines": lines }] }), 2_000);
        assert!(size(&short) <= 2_000);
        let api = &short["services"][0];
        let kept = api["lines"].as_array().unwrap();
        assert_eq!(kept.len() as u64 + api["left_out"]["lines"].as_u64().unwrap(), 500);
        assert_eq!((&kept[0]["text"], &kept[kept.len() - 1]["text"]), (&json!("line 0"), &json!("line 499")));
        let text = value(json!({ "a": "x".repeat(5_000), "b": [1, 2, 3] }), 1_000);
        assert!(size(&text) <= 1_000 && text["b"] == json!([1, 2, 3]), "{text}");
    }

    #[test]
    fn keys_without_a_value_are_left_out_but_for_the_lists_that_were_asked_for() {
        let full = json!({ "a": null, "lines": [], "files": [], "b": [{ "c": null, "d": 0 }], "e": false, "f": {} });
        assert_eq!(without_nulls(full), json!({ "lines": [], "b": [{ "d": 0 }], "e": false }));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<u64>().prop_map(Value::from), ".{0,400}".prop_map(Value::from)];
        leaf.prop_recursive(4, 256, 12, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
                prop::collection::hash_map("[a-z]{1,6}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_it_may_be(any in values(), words in ".{0,3000}", most in 200usize..3_000) {
            prop_assert!(size(&value(any, most)) <= most);
            prop_assert!(escaped_len(&text(&words, most)) <= most);
        }
    }
}
