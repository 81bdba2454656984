//! A compressed block: what it holds is written down with variable-length numbers and a table of its own styles, then
//! packed with LZ4.
//!
//! The table belongs to the block, so that it is dropped with it: a table for the whole history would grow without end
//! under a program that prints in true colour.

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};

use super::open::{Entry, OpenBlock, line_of};
use crate::domain::{MarkerKind, Moment, RunId};
use crate::logs::{Attributes, Color, Line, LineId, LineKind, LinkId, Style, StyleRun};
use std::sync::Arc;
use std::time::Duration;

/// A compressed block of complete lines. Copies share it, so that it can be read without the document.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    /// Number of its first line.
    pub(super) first: u64,
    pub(super) lines: u32,
    pub(super) unpacked: u32,
    /// Where the text of the lines begins when it is unpacked.
    pub(super) text_start: u32,
    /// When its first line arrived.
    pub(super) at: Moment,
    pub(super) packed: Arc<[u8]>,
}

/// A block that was unpacked for reading.
#[derive(Debug)]
pub(super) struct Decoded {
    first: u64,
    text: String,
    runs: Vec<StyleRun>,
    lines: Vec<Entry>,
}

/// Packs blocks; keeps its buffers from one to the next.
#[derive(Default)]
pub(super) struct Packer {
    plain: Vec<u8>,
    packed: Vec<u8>,
    /// There when the first block is packed: most services never fill one.
    table: Option<CompressTable>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Sealed {
    /// Lines in it.
    pub(super) fn len(&self) -> u64 {
        self.lines.into()
    }

    /// Memory that it takes up.
    pub(super) fn bytes(&self) -> usize {
        self.packed.len() + size_of::<Self>()
    }

    /// Its content; `None` if it is damaged, which only a fault of this module could cause.
    pub(super) fn decode(&self) -> Option<Decoded> {
        let mut plain = vec![0; self.unpacked as usize];
        decompress_into(&self.packed, &mut plain).ok()?;
        decode(self.first, self.lines, plain)
    }
}

impl Decoded {
    /// It holds this line.
    pub(super) fn contains(&self, id: u64) -> bool {
        id >= self.first && id - self.first < self.lines.len() as u64
    }

    /// One of its lines.
    pub(super) fn line(&self, id: u64) -> Option<Line> {
        let index = usize::try_from(id.checked_sub(self.first)?).ok()?;
        line_of(&self.text, &self.runs, &self.lines, index, LineId(id))
    }
}

impl Packer {
    /// Packs the complete lines of a block.
    pub(super) fn seal(&mut self, first: u64, open: &OpenBlock) -> Sealed {
        self.plain.clear();
        let text_start = encode(open, &mut self.plain);
        self.packed.resize(get_maximum_output_size(self.plain.len()), 0);
        // The output has room for the worst case, so this cannot fail.
        let table = self.table.get_or_insert_default();
        let length = compress_into_with_table(&self.plain, &mut self.packed, table).unwrap_or(0);
        Sealed {
            first,
            lines: u32::try_from(open.lines.len()).unwrap_or(u32::MAX),
            unpacked: u32::try_from(self.plain.len()).unwrap_or(u32::MAX),
            text_start: u32::try_from(text_start).unwrap_or(u32::MAX),
            at: open.lines.first().map_or(Moment::START, |line| line.at),
            packed: self.packed.get(..length).unwrap_or_default().into(),
        }
    }
}

const MARKER: u64 = 1;
const NEW_RUN: u64 = 2;
const STYLED: u64 = 4;
const FLAG_BITS: u32 = 3;
/// By the number that is written down.
const KINDS: [MarkerKind; 4] = [MarkerKind::Other, MarkerKind::Start, MarkerKind::FailedStart, MarkerKind::Failure];

/// Layout: for each line its length and flags, what the flags announce, and the time since the line before; then the
/// styles; then the text of all lines. The answer is where that begins.
fn encode(open: &OpenBlock, out: &mut Vec<u8>) -> usize {
    let mut styles = StyleTable::default();
    let mut runs = open.runs.iter();
    let (mut text_start, mut runs_start, mut at, mut run) = (0, 0, 0, 0);
    for line in &open.lines {
        let count = line.runs_end - runs_start;
        let flags = if line.kind.is_marker() { MARKER } else { 0 }
            | if line.run.0 != run { NEW_RUN } else { 0 }
            | if count > 0 { STYLED } else { 0 };
        write_number(out, u64::from(line.text_end - text_start) << FLAG_BITS | flags);
        let micros = u64::try_from(line.at.since_start().as_micros()).unwrap_or(u64::MAX);
        write_number(out, zigzag(micros.wrapping_sub(at).cast_signed()));
        if line.run.0 != run {
            write_number(out, line.run.0.into());
        }
        if let LineKind::Marker(kind) = line.kind {
            write_number(out, KINDS.iter().position(|known| *known == kind).unwrap_or(0) as u64);
        }
        if count > 0 {
            write_number(out, count.into());
        }
        let mut place = text_start;
        for StyleRun { start, end, style } in runs.by_ref().take(count as usize) {
            write_number(out, (start - place).into());
            write_number(out, (end - start).into());
            write_number(out, styles.index(*style));
            place = *end;
        }
        (text_start, runs_start, at, run) = (line.text_end, line.runs_end, micros, line.run.0);
    }
    write_number(out, styles.styles.len() as u64);
    for style in &styles.styles {
        put_color(out, style.foreground);
        put_color(out, style.background);
        put_color(out, style.underline);
        write_number(out, style.attributes.0.into());
        write_number(out, style.link.map_or(0, LinkId::number).into());
    }
    let begin = out.len();
    out.extend_from_slice(open.text.as_bytes().get(..text_start as usize).unwrap_or_default());
    begin
}

/// Where each line ends, and what made it: all that a search wants to know beside the text.
pub(super) fn decode_ends(plain: &[u8], count: u32) -> Option<Vec<(u32, LineKind)>> {
    let mut input = Input { bytes: plain, place: 0 };
    let mut ends = Vec::with_capacity(count as usize);
    let mut end = 0_u32;
    for _ in 0..count {
        let head = input.read_number()?;
        input.read_number()?;
        if head & NEW_RUN != 0 {
            input.read_number()?;
        }
        let kind = input.read_kind(head)?;
        let styled = if head & STYLED != 0 { input.read_number()? } else { 0 };
        for _ in 0..styled.checked_mul(3)? {
            input.read_number()?;
        }
        end = end.checked_add(u32::try_from(head >> FLAG_BITS).ok()?)?;
        ends.push((end, kind));
    }
    Some(ends)
}

fn decode(first: u64, count: u32, plain: Vec<u8>) -> Option<Decoded> {
    let mut input = Input { bytes: &plain, place: 0 };
    let mut lines = Vec::with_capacity(count as usize);
    let mut runs = Vec::new();
    let mut run_styles = Vec::new();
    let (mut text_end, mut at, mut run) = (0u32, 0u64, 0u32);
    for _ in 0..count {
        let head = input.read_number()?;
        at = at.wrapping_add(unzigzag(input.read_number()?).cast_unsigned());
        if head & NEW_RUN != 0 {
            run = u32::try_from(input.read_number()?).ok()?;
        }
        let kind = input.read_kind(head)?;
        let styled = if head & STYLED != 0 { input.read_number()? } else { 0 };
        let mut place = text_end;
        for _ in 0..styled {
            let start = place.checked_add(u32::try_from(input.read_number()?).ok()?)?;
            let end = start.checked_add(u32::try_from(input.read_number()?).ok()?)?;
            run_styles.push(usize::try_from(input.read_number()?).ok()?);
            runs.push(StyleRun { start, end, style: Style::default() });
            place = end;
        }
        text_end = text_end.checked_add(u32::try_from(head >> FLAG_BITS).ok()?)?;
        lines.push(Entry {
            text_end,
            runs_end: u32::try_from(runs.len()).ok()?,
            at: Moment::after_start(Duration::from_micros(at)),
            run: RunId(run),
            kind,
        });
    }
    let mut styles = Vec::new();
    for _ in 0..input.read_number()? {
        let (foreground, background, underline) = (input.take_color()?, input.take_color()?, input.take_color()?);
        let attributes = Attributes(u16::try_from(input.read_number()?).ok()?);
        let link = LinkId::from_number(u32::try_from(input.read_number()?).ok()?);
        styles.push(Style { foreground, background, underline, attributes, link });
    }
    for (run, style) in runs.iter_mut().zip(run_styles) {
        run.style = *styles.get(style)?;
    }
    let text = String::from_utf8(plain.get(input.place..)?.to_vec()).ok()?;
    Some(Decoded { first, text, runs, lines })
}

/// Styles in the order in which they came, found again by a small table of the latest. One that fell out of it is
/// written down twice, which costs a few bytes and no search.
struct StyleTable {
    styles: Vec<Style>,
    latest: [Option<(Style, u32)>; 64],
}

impl Default for StyleTable {
    fn default() -> Self {
        Self { styles: Vec::new(), latest: [None; 64] }
    }
}

impl StyleTable {
    fn index(&mut self, style: Style) -> u64 {
        let number = |color: Color| match color {
            Color::Default => 0,
            Color::Indexed(index) => 1 + u32::from(index),
            Color::Rgb(red, green, blue) => 0x1_0000 + u32::from_be_bytes([0, red, green, blue]),
        };
        let hash = number(style.foreground)
            .wrapping_mul(31)
            .wrapping_add(number(style.background))
            .wrapping_mul(31)
            .wrapping_add(number(style.underline))
            .wrapping_mul(31)
            .wrapping_add(style.attributes.0.into())
            .wrapping_mul(31)
            .wrapping_add(style.link.map_or(0, LinkId::number))
            .wrapping_mul(0x9E37_79B1);
        let slot = &mut self.latest[(hash >> 26) as usize];
        match slot {
            Some((known, index)) if *known == style => u64::from(*index),
            _ => {
                let index = self.styles.len();
                *slot = Some((style, u32::try_from(index).unwrap_or(u32::MAX)));
                self.styles.push(style);
                index as u64
            }
        }
    }
}

/// Appends a number as LEB128, seven bits a byte.
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_color(out: &mut Vec<u8>, color: Color) {
    match color {
        Color::Default => out.push(0),
        Color::Indexed(index) => out.extend([1, index]),
        Color::Rgb(red, green, blue) => out.extend([2, red, green, blue]),
    }
}

/// Small numbers for small differences in both directions: a rewritten row may be younger than the one below it.
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

struct Input<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.place)?;
        self.place += 1;
        Some(byte)
    }

    fn read_number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// What made the line that begins with this number.
    fn read_kind(&mut self, head: u64) -> Option<LineKind> {
        Some(match head & MARKER {
            0 => LineKind::Output,
            _ => LineKind::Marker(*KINDS.get(usize::try_from(self.read_number()?).ok()?)?),
        })
    }

    fn take_color(&mut self) -> Option<Color> {
        Some(match self.byte()? {
            0 => Color::Default,
            1 => Color::Indexed(self.byte()?),
            _ => Color::Rgb(self.byte()?, self.byte()?, self.byte()?),
        })
    }
}
