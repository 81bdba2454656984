//! Writes a page in Prometheus' text format, version 0.0.4.
//!
//! By hand, though the crate `prometheus` could do it: that one keeps counters of its own, and a page that is made from the
//! snapshot at each scrape would have to be copied into them first. The format is three kinds of lines.

use std::fmt::{Display, Write};
use std::time::Duration;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// It only grows, but for a start from 0.
    Counter,
    /// It may go both ways.
    Gauge,
    /// How often something was how long.
    Histogram,
}

impl Type {
    fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A page that grows.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a metric. What it is stands before its first sample; without one it is not on the page.
    pub(super) fn metric(&mut self, name: &'static str, kind: Type, help: &'static str) -> Metric<'_> {
        Metric { page: &mut self.0, name, head: Some((kind, help)) }
    }

    /// The whole page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A metric of a page.
pub(super) struct Metric<'p> {
    page: &'p mut String,
    name: &'static str,
    /// Until it is written.
    head: Option<(Type, &'static str)>,
}

/// Names and values.
type Labels<'l> = &'l [(&'static str, &'l str)];

impl Metric<'_> {
    /// Writes a sample.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.head();
        self.line("", labels, None, value);
    }

    /// Writes the samples of a histogram; none if nothing was counted yet.
    pub(super) fn histogram(&mut self, labels: Labels<'_>, counted: &Histogram) {
        if counted.count() == 0 {
            return;
        }
        self.head();
        let mut up_to = 0_u64;
        for (bound, count) in counted.bounds.iter().zip(&counted.counts) {
            up_to = up_to.saturating_add(*count);
            self.line("_bucket", labels, Some(&bound.to_string()), up_to);
        }
        self.line("_bucket", labels, Some("+Inf"), counted.count());
        self.line("_sum", labels, None, counted.sum.as_secs_f64());
        self.line("_count", labels, None, counted.count());
    }

    fn head(&mut self) {
        if let Some((kind, help)) = self.head.take() {
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(self.page, "# HELP {} {help}\n# TYPE {} {}", self.name, self.name, kind.word());
        }
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<&str>, value: impl Display) {
        self.page.push_str(self.name);
        self.page.push_str(suffix);
        let bound = bound.map(|bound| ("le", bound));
        let mut before = '{';
        for (name, value) in labels.iter().copied().chain(bound) {
            self.page.push(before);
            self.page.push_str(name);
            self.page.push_str("=\"");
            escape(value, self.page);
            self.page.push('"');
            before = ',';
        }
        if before == ',' {
            self.page.push('}');
        }
        let _ = writeln!(self.page, " {value}");
    }
}

/// A value of a label: a backslash, a quote and the end of a line would end it.
fn escape(value: &str, page: &mut String) {
    for letter in value.chars() {
        match letter {
            '\\' => page.push_str("\\\\"),
            '"' => page.push_str("\\\""),
            '\n' => page.push_str("\\n"),
            letter => page.push(letter),
        }
    }
}

/// How often something was how long.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Histogram {
    /// In seconds, growing.
    bounds: &'static [f64],
    /// How many up to each bound that were above the one before; then those above all.
    counts: Vec<u64>,
    sum: Duration,
}

impl Histogram {
    /// One of nothing. `bounds`: in seconds, growing.
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: Duration::ZERO }
    }

    /// It was so long once more.
    pub(super) fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(took);
    }

    /// How often it was.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_metric_is_stands_before_its_first_sample() {
        let mut page = Page::default();
        let mut up = page.metric("up", Type::Gauge, "Whether it is up.");
        up.sample(&[], 1);
        up.sample(&[("service", "api"), ("state", "ready")], 0.25);
        let _ = page.metric("empty", Type::Counter, "Of which there is nothing.");
        page.metric("bytes_total", Type::Counter, "Bytes.").sample(&[], u64::MAX);
        let expected = "# HELP up Whether it is up.\n# TYPE up gauge\nup 1\nup{service=\"api\",state=\"ready\"} 0.25\n\
                        # HELP bytes_total Bytes.\n# TYPE bytes_total counter\nbytes_total 18446744073709551615\n";
        assert_eq!(page.finish(), expected);
    }

    #[test]
    fn no_value_of_a_label_ends_its_line() {
        let mut page = Page::default();
        page.metric("info", Type::Gauge, "Help.").sample(&[("project", "a\\b\"} 1\nc\u{1b}é")], 1);
        let page = page.finish();
        assert_eq!(page.lines().last(), Some("info{project=\"a\\\\b\\\"} 1\\nc\u{1b}é\"} 1"));
        assert_eq!(page.lines().count(), 3);
    }

    #[test]
    fn a_histogram_has_all_up_to_each_bound() {
        let mut counted = Histogram::new(&[0.1, 1.0, 60.0]);
        let mut page = Page::default();
        page.metric("took_seconds", Type::Histogram, "Took.").histogram(&[], &counted);
        assert_eq!(page.finish(), "", "nothing was counted");
        for millis in [50, 100, 1_500, 61_000] {
            counted.add(Duration::from_millis(millis));
        }
        let mut page = Page::default();
        page.metric("took_seconds", Type::Histogram, "Took.").histogram(&[("worker", "marie")], &counted);
        let expected = "# HELP took_seconds Took.\n# TYPE took_seconds histogram\n\
                        took_seconds_bucket{worker=\"marie\",le=\"0.1\"} 2\n\
                        took_seconds_bucket{worker=\"marie\",le=\"1\"} 2\n\
                        took_seconds_bucket{worker=\"marie\",le=\"60\"} 3\n\
                        took_seconds_bucket{worker=\"marie\",le=\"+Inf\"} 4\n\
                        took_seconds_sum{worker=\"marie\"} 62.65\ntook_seconds_count{worker=\"marie\"} 4\n";
        assert_eq!(page.finish(), expected);
    }
}
