//! Lines of logs in an answer: as many as there is room for, the first and the last ones, and the cursor of what is left out
//! between them.

use serde_json::{Value, json};

use super::answer::{LARGEST, TEXT};
use super::shrink::{escaped_len, in_the_middle};
use crate::control::LogLine;
use crate::domain::{count, visible};

/// Bytes of a line.
const LONGEST: usize = 2_000;

/// Bytes of what else an answer says, in either form.
const REST: usize = 2 << 10;

/// How much room lines have, as text and as values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    text: usize,
    values: usize,
}

impl Room {
    /// That of an answer.
    pub(super) const NORMAL: Self = Self { text: TEXT - REST, values: LARGEST - TEXT - REST };

    /// That of one that was asked for many lines.
    pub(super) const LARGE: Self = Self { text: LARGEST / 3 - REST, values: LARGEST - LARGEST / 3 - REST };

    /// One of so many equal parts.
    pub(super) fn part(self, of: usize) -> Self {
        let of = of.max(1);
        Self { text: self.text / of, values: self.values / of }
    }
}

/// Lines as they are shown.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Whole lines.
    pub(super) text: String,
    pub(super) values: Vec<Value>,
    /// What was left out.
    pub(super) hole: Option<Hole>,
}

/// Lines that were left out for want of room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) lines: usize,
    /// Before the first of them.
    pub(super) cursor: String,
}

impl Hole {
    /// For the answer.
    pub(super) fn value(&self) -> Value {
        json!({ "lines": self.lines, "cursor": self.cursor })
    }
}

/// A line, and what it costs.
struct Priced {
    text: String,
    value: Value,
    cost: [usize; 2],
    cursor: String,
}

impl Priced {
    fn new(line: &LogLine, with_name: bool) -> Self {
        let plain = in_the_middle(&line.text, LONGEST);
        let shown = visible(&plain);
        let gap = if line.gap { "…\n" } else { "" };
        let name = if with_name { format!("{} | ", visible(&line.service)) } else { String::new() };
        let text = format!("{gap}{name}{shown}\n");
        let mut value = json!({ "at": line.at, "service": line.service, "run": line.run, "text": plain });
        if let Some(level) = &line.level {
            value["level"] = json!(level);
        }
        for (name, _) in [("marker", line.marker), ("gap", line.gap)].into_iter().filter(|(_, is)| *is) {
            value[name] = json!(true);
        }
        let cost = [escaped_len(&text), value.to_string().len() + 1];
        Self { text, value, cost, cursor: line.cursor.clone() }
    }
}

/// The first of these lines that there is room for; how many.
pub(super) fn first(lines: &[LogLine], with_name: bool, room: Room) -> usize {
    let mut used = [0, 0];
    let fits = |line: &&LogLine| {
        let cost = Priced::new(line, with_name).cost;
        used = [used[0] + cost[0], used[1] + cost[1]];
        used[0] <= room.text && used[1] <= room.values
    };
    lines.iter().take_while(fits).count()
}

/// These lines, without those in the middle that there is no room for.
pub(super) fn shown(lines: &[LogLine], with_name: bool, room: Room) -> Shown {
    let priced: Vec<Priced> = lines.iter().map(|line| Priced::new(line, with_name)).collect();
    let all = priced.iter().fold([0, 0], |all, one| [all[0] + one.cost[0], all[1] + one.cost[1]]);
    let (first, last) =
        if all[0] <= room.text && all[1] <= room.values { (priced.len(), 0) } else { ends(&priced, room) };
    let left_out = priced.len() - first - last;
    let hole = (left_out > 0).then(|| Hole {
        lines: left_out,
        cursor: priced.get(first.saturating_sub(1)).map(|before| before.cursor.clone()).unwrap_or_default(),
    });
    let mut shown = Shown::default();
    for (at, line) in priced.iter().enumerate() {
        if let Some(hole) = hole.as_ref().filter(|_| at == first) {
            let lines = count(hole.lines, "line");
            shown.text += &format!("… {lines} left out · logs with since = \"{}\" reads on there …\n", hole.cursor);
        }
        if at < first || at >= priced.len() - last {
            shown.text += &line.text;
            shown.values.push(line.value.clone());
        }
    }
    Shown { hole, ..shown }
}

/// How many lines from the beginning and from the end there is room for; at least one from the beginning.
fn ends(priced: &[Priced], room: Room) -> (usize, usize) {
    let half = [room.text / 2, room.values / 2];
    let fitting = |lines: &mut dyn Iterator<Item = &Priced>| {
        let mut used = [0, 0];
        let fits = |line: &&Priced| {
            used = [used[0] + line.cost[0], used[1] + line.cost[1]];
            used[0] <= half[0] && used[1] <= half[1]
        };
        lines.take_while(fits).count()
    };
    let first = fitting(&mut priced.iter()).max(1);
    let last = fitting(&mut priced.iter().rev()).min(priced.len() - first);
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize, text: &str) -> LogLine {
        LogLine {
            cursor: format!("api:1:{}:1f", number + 1),
            at: "2026-11-29T12:00:00.000Z".into(),
            service: "api".into(),
            run: 1,
            line: 0,
            level: None,
            time: None,
            fields: None,
            text: text.into(),
            marker: false,
            gap: false,
            styled: None,
        }
    }

    #[test]
    fn what_is_left_out_can_be_read_from_its_cursor() {
        let lines: Vec<LogLine> = (0..1_000).map(|number| line(number, &format!("line {number}"))).collect();
        let shown = shown(&lines, false, Room::NORMAL);
        let hole = shown.hole.unwrap();
        let before = lines.iter().position(|line| line.cursor == hole.cursor).unwrap();
        assert_eq!(shown.values[before]["text"], format!("line {before}"));
        assert_eq!(shown.values[before + 1]["text"], format!("line {}", before + 1 + hole.lines));
        assert_eq!(shown.values.len() + hole.lines, 1_000);
        assert_eq!(shown.text.lines().count(), shown.values.len() + 1);
        assert!(escaped_len(&shown.text) <= TEXT && Value::from(shown.values).to_string().len() <= LARGEST - TEXT);
    }

    #[test]
    fn one_line_that_is_too_long_is_there_all_the_same() {
        let lines = [line(0, &"x".repeat(1 << 20)), line(1, "next")];
        let shown = shown(&lines, true, Room::NORMAL.part(1_000));
        assert!(shown.text.starts_with("api | xxx") && shown.text.len() < 3_000, "{}", shown.text.len());
        assert_eq!(shown.hole, Some(Hole { lines: 1, cursor: "api:1:1:1f".into() }));
        assert_eq!(first(&lines, true, Room::NORMAL), 2);
    }
}
