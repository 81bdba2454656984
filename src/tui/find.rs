//! What the user looks for in the logs: the line that is being typed, the search in force, the filters, and the scans
//! that find the lines.

use std::collections::HashMap;
use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::glyphs::Glyphs;
use super::line_edit;
use super::log_view::MatchCount;
use super::source::Source;
use super::text::{cut_left, cut_right, thousands, width};
use crate::domain::ServiceName;
use crate::logs::{Criterion, LogDocument, Query, QueryKind, Scan, Term};

/// Characters of a query: more than anybody types, and a paste does not become one by mistake.
const LIMIT: usize = 200;

/// What is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Go to matches, and mark them.
    Search,
    /// One more term of a filter.
    Filter,
}

impl Purpose {
    /// What stands before the text.
    fn sign(self) -> &'static str {
        match self {
            Self::Search => "/",
            Self::Filter => "& ",
        }
    }
}

/// Where is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scope {
    /// In the pane with the focus.
    #[default]
    Pane,
    /// In the logs of all services.
    All,
}

/// The last row of the pane.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// Whether it searches or filters.
    pub(super) purpose: Purpose,
    /// What was typed.
    pub(super) text: String,
    /// How it is meant.
    pub(super) kind: QueryKind,
    /// Where is searched.
    pub(super) scope: Scope,
    /// The search that was in force before.
    before: Option<Search>,
}

/// A search in force.
#[derive(Clone, Debug)]
struct Search {
    text: String,
    kind: QueryKind,
    scope: Scope,
    /// Or why it means nothing.
    query: Result<Query, String>,
}

/// The filter of one pane.
#[derive(Debug, Default)]
struct Filter {
    /// As they were typed, and what they mean.
    terms: Vec<(String, Term)>,
    /// One for each service of the pane.
    scans: HashMap<ServiceName, Arc<Scan>>,
}

/// The scans that a pane needs.
#[derive(Default)]
pub(super) struct Scans {
    /// The search, if one is in force in this pane.
    pub(super) search: Option<(Query, Arc<Scan>)>,
    /// The lines that the filter lets through.
    pub(super) filter: Option<Arc<Scan>>,
    /// Errors, while somebody wants to go to one.
    pub(super) errors: Option<Arc<Scan>>,
}

/// What the user looks for.
#[derive(Debug, Default)]
pub(super) struct Find {
    pub(super) prompt: Option<Prompt>,
    search: Option<Search>,
    searches: HashMap<ServiceName, Arc<Scan>>,
    filters: HashMap<Source, Filter>,
    errors: HashMap<ServiceName, Arc<Scan>>,
    /// While all services are searched: how many lines of each were found, in their order, and whether that is all.
    everywhere: Vec<(ServiceName, u64, bool)>,
    /// While the search of one pane finds nothing there: how many lines of all services there would be, once that is known.
    pub(super) beyond: Option<u64>,
    /// A search over all services looks for the next one that has a match: down, or up.
    pub(super) roams: Option<bool>,
}

impl Find {
    /// Begins to type.
    pub(super) fn open(&mut self, purpose: Purpose) {
        let kind = self.search.as_ref().map_or(QueryKind::Literal, |search| search.kind);
        let kind = if purpose == Purpose::Search { kind } else { QueryKind::Literal };
        let scope = self.search.as_ref().map_or(Scope::Pane, |search| search.scope);
        self.prompt = Some(Prompt { purpose, text: String::new(), kind, scope, before: self.search.clone() });
    }

    /// This pane, all services.
    pub(super) fn next_scope(&mut self) {
        if let Some(prompt) = self.prompt.as_mut().filter(|prompt| prompt.purpose == Purpose::Search) {
            prompt.scope = match prompt.scope {
                Scope::Pane => Scope::All,
                Scope::All => Scope::Pane,
            };
        }
        self.search_as_typed();
    }

    /// All services are searched.
    pub(super) fn searches_all(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.scope == Scope::All && search.query.is_ok())
    }

    /// Adds text to the line.
    pub(super) fn type_text(&mut self, text: &str) {
        if let Some(prompt) = &mut self.prompt {
            line_edit::add(&mut prompt.text, text, LIMIT);
            self.search_as_typed();
        }
    }

    /// A key goes to the line. Whether it is one of those that change it.
    pub(super) fn type_key(&mut self, event: KeyEvent) -> bool {
        let Some(prompt) = &mut self.prompt else { return false };
        let changed = line_edit::edit(&mut prompt.text, event, LIMIT);
        if changed {
            self.search_as_typed();
        }
        changed
    }

    /// Text, expression, whole word, text.
    pub(super) fn next_kind(&mut self) {
        if let Some(prompt) = &mut self.prompt {
            prompt.kind = match prompt.kind {
                QueryKind::Literal => QueryKind::Regex,
                QueryKind::Regex => QueryKind::Word,
                QueryKind::Word => QueryKind::Literal,
            };
        }
        self.search_as_typed();
    }

    fn search_as_typed(&mut self) {
        let Some(prompt) = self.prompt.as_ref().filter(|prompt| prompt.purpose == Purpose::Search) else { return };
        let text = prompt.sought();
        let query = Query::new(text, prompt.kind).map_err(|error| error.to_string());
        let search = Search { text: text.to_owned(), kind: prompt.kind, scope: prompt.scope, query };
        self.set_search((!search.text.is_empty()).then_some(search));
    }

    fn set_search(&mut self, search: Option<Search>) {
        self.search = search;
        // Whoever still reads for the old one stops at its next slice.
        self.searches.clear();
        self.everywhere.clear();
        self.beyond = None;
    }

    /// Keeps what was typed. What means nothing stays in the prompt, and the answer is why.
    pub(super) fn keep(&mut self, source: &Source) -> Result<(), String> {
        let Some(prompt) = self.prompt.take() else { return Ok(()) };
        match prompt.purpose {
            Purpose::Search => {
                if let Some(error) = self.search.as_ref().and_then(|search| search.query.as_ref().err().cloned()) {
                    self.prompt = Some(prompt);
                    return Err(error);
                }
                if prompt.sought().is_empty() {
                    self.set_search(None);
                }
                Ok(())
            }
            Purpose::Filter if prompt.text.is_empty() => {
                self.filters.remove(source);
                Ok(())
            }
            Purpose::Filter => {
                let (text, inverted) = match prompt.text.strip_prefix('!') {
                    Some(rest) => (rest, true),
                    None => (&*prompt.text, false),
                };
                if text.is_empty() {
                    return Ok(());
                }
                let query = match Query::new(text, prompt.kind) {
                    Ok(query) => query,
                    Err(error) => {
                        self.prompt = Some(prompt);
                        return Err(error.to_string());
                    }
                };
                let filter = self.filters.entry(source.clone()).or_default();
                filter.terms.push((prompt.text.clone(), Term { query, inverted }));
                filter.scans.clear();
                Ok(())
            }
        }
    }

    /// Forgets what was typed.
    pub(super) fn cancel(&mut self) {
        if let Some(prompt) = self.prompt.take()
            && prompt.purpose == Purpose::Search
        {
            self.set_search(prompt.before);
        }
    }

    /// Ends the search. The answer is whether there was one.
    pub(super) fn end_search(&mut self) -> bool {
        let had = self.search.is_some();
        self.set_search(None);
        had
    }

    /// Something is searched for.
    pub(super) fn is_searching(&self) -> bool {
        self.search.is_some()
    }

    /// The lines of that pane are filtered.
    pub(super) fn has_filter(&self, source: &Source) -> bool {
        self.filters.contains_key(source)
    }

    /// Shows all lines of that pane again. The answer is whether they were filtered.
    pub(super) fn end_filter(&mut self, source: &Source) -> bool {
        self.filters.remove(source).is_some()
    }

    /// What a pane needs for one of its services, for the document as it is now. Only the pane with the focus is searched,
    /// unless all are.
    pub(super) fn scans(
        &mut self,
        source: &Source,
        (service, document): (&ServiceName, &Arc<LogDocument>),
        focused: bool,
        errors: bool,
    ) -> Scans {
        let searched = focused || self.searches_all();
        let mut scans = Scans { filter: self.filter(source, service, document), ..Scans::default() };
        if searched && let Some(Search { query: Ok(query), .. }) = &self.search {
            let scan = scan_of(&mut self.searches, service, document, || Criterion::Query(query.clone()));
            scans.search = Some((query.clone(), scan));
        }
        if errors {
            scans.errors = Some(self.error_scan(service, document));
        }
        scans
    }

    /// The errors of a service.
    pub(super) fn error_scan(&mut self, service: &ServiceName, document: &Arc<LogDocument>) -> Arc<Scan> {
        scan_of(&mut self.errors, service, document, || Criterion::Errors)
    }

    /// The filter of a pane, if it has one, for one of its services.
    fn filter(&mut self, source: &Source, service: &ServiceName, document: &Arc<LogDocument>) -> Option<Arc<Scan>> {
        let filter = self.filters.get_mut(source)?;
        let terms = &filter.terms;
        let criterion = || Criterion::Filter(terms.iter().map(|(_, term)| term.clone()).collect());
        Some(scan_of(&mut filter.scans, service, document, criterion))
    }

    /// While all services are searched: how many lines of each were found, in their order.
    pub(super) fn found_everywhere(&mut self, found: Vec<(ServiceName, u64, bool)>) {
        self.everywhere = found;
    }

    /// The same, and whether all was read.
    pub(super) fn everywhere(&self) -> &[(ServiceName, u64, bool)] {
        &self.everywhere
    }

    /// The same of one of them; nothing unless all are searched.
    pub(super) fn found_in(&self, service: &ServiceName) -> Option<u64> {
        self.everywhere.iter().find(|(name, ..)| name == service).map(|(_, count, _)| *count)
    }

    /// What is said of the matches in the log of a service: while all are searched, of all of them.
    pub(super) fn match_count(&self, service: &ServiceName, own: MatchCount) -> MatchCount {
        let Some(index) = self.everywhere.iter().position(|(name, ..)| name == service) else { return own };
        let before: u64 = self.everywhere.iter().take(index).map(|(_, count, _)| count).sum();
        MatchCount {
            place: own.place.map(|place| before + place),
            count: self.everywhere.iter().map(|(_, count, _)| count).sum(),
            complete: own.complete && self.everywhere.iter().all(|(.., complete)| *complete),
        }
    }

    /// Forgets services that are gone.
    pub(super) fn retain(&mut self, is_there: impl Fn(&ServiceName) -> bool) {
        self.searches.retain(|name, _| is_there(name));
        self.filters.retain(|source, _| source.service().is_none_or(&is_there));
        self.filters.values_mut().for_each(|filter| filter.scans.retain(|name, _| is_there(name)));
        self.errors.retain(|name, _| is_there(name));
    }

    /// What stands in so many cells of the last row of a pane: `/404_`, `& 404 !health · 128 of 9,412 lines`. Of a long
    /// text that is being typed, it is the end.
    pub(super) fn line(
        &self,
        source: &Source,
        focused: bool,
        share: Option<(u64, u64)>,
        (cells, glyphs): (usize, &Glyphs),
    ) -> Option<String> {
        let mut parts = Vec::new();
        match (&self.prompt, &self.search) {
            (Some(prompt), _) if focused => {
                let (before, behind) = prompt.parts(source, cells, glyphs);
                parts.push(before + &behind);
            }
            (None, Some(search)) if focused => {
                parts.push(format!("/{}{}", search.text, meant(search.kind, search.scope, source)));
            }
            _ => {}
        }
        // A full-screen program is not filtered, nor what is typed into.
        if let Some((filter, share)) = self.filters.get(source).zip(share) {
            parts.push(format!("& {} {}", filter.terms(), of_lines(share, glyphs)));
        }
        (!parts.is_empty()).then(|| parts.join("  "))
    }

    /// What is said in so many cells of a title of the filter of its pane: `filter sql · 128 of 9,412 lines`.
    pub(super) fn filter_title(
        &self,
        source: &Source,
        share: Option<(u64, u64)>,
        (cells, glyphs): (usize, &Glyphs),
    ) -> Option<String> {
        let (filter, share) = self.filters.get(source).zip(share)?;
        let terms = format!("filter {}", cut_right(&filter.terms(), cells / 2, glyphs.ellipsis));
        let whole = format!("{terms} {}", of_lines(share, glyphs));
        let short = whole.rsplit_once(" line").map_or(whole.as_str(), |(short, _)| short).to_owned();
        Some([whole, short].into_iter().find(|said| width(said) <= cells).unwrap_or(terms))
    }

    /// A filter is being typed.
    pub(super) fn types_filter(&self) -> bool {
        self.prompt.as_ref().is_some_and(|prompt| prompt.purpose == Purpose::Filter)
    }

    /// A search in the logs of all services is being typed.
    pub(super) fn prompts_for_all(&self) -> bool {
        let is_for_all = |prompt: &Prompt| prompt.purpose == Purpose::Search && prompt.scope == Scope::All;
        self.prompt.as_ref().is_some_and(is_for_all)
    }

    /// Cells before the place of the next character, in a last row of so many cells.
    pub(super) fn prompt_cells(&self, source: &Source, (cells, glyphs): (usize, &Glyphs)) -> Option<usize> {
        let (before, _) = self.prompt.as_ref()?.parts(source, cells, glyphs);
        Some(width(&before))
    }

    /// Why what is searched for means nothing.
    pub(super) fn error(&self) -> Option<&str> {
        self.search.as_ref()?.query.as_ref().err().map(String::as_str)
    }

    /// The last row of that pane is needed for it. A pane with a title says there what is filtered.
    pub(super) fn has_line(&self, source: &Source, focused: bool, titled: bool) -> bool {
        focused && (self.prompt.is_some() || self.search.is_some()) || !titled && self.filters.contains_key(source)
    }
}

impl Filter {
    /// As they were typed.
    fn terms(&self) -> String {
        self.terms.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(" & ")
    }
}

impl Prompt {
    /// The text that is searched for: while none is typed, that of the search before.
    fn sought(&self) -> &str {
        match &self.before {
            Some(before) if self.text.is_empty() => &before.text,
            _ => &self.text,
        }
    }

    /// What stands before the place of the next character, and from there on.
    fn parts(&self, source: &Source, cells: usize, glyphs: &Glyphs) -> (String, String) {
        let sign = self.purpose.sign();
        let scope = if self.purpose == Purpose::Search { self.scope } else { Scope::Pane };
        let again = match (self.purpose, self.sought()) {
            (Purpose::Search, again) if self.text.is_empty() && !again.is_empty() => {
                format!(" {}", cut_right(again, cells / 3, glyphs.ellipsis))
            }
            _ => String::new(),
        };
        let behind = format!("_{again}{}", meant(self.kind, scope, source));
        let room = cells.saturating_sub(width(sign) + width(&behind));
        (format!("{sign}{}", cut_left(&self.text, room, glyphs.ellipsis)), behind)
    }
}

/// `· 128 of 9,412 lines`.
fn of_lines((shown, all): (u64, u64), glyphs: &Glyphs) -> String {
    let lines = if all == 1 { "line" } else { "lines" };
    format!("{} {} of {} {lines}", glyphs.dot, thousands(shown), thousands(all))
}

/// How a text is meant, and where it is looked for, as far as that is not what everybody expects.
fn meant(kind: QueryKind, scope: Scope, source: &Source) -> String {
    let kind = match kind {
        QueryKind::Literal => "",
        QueryKind::Regex => " (regex)",
        QueryKind::Word => " (word)",
    };
    // The merged view shows all that is searched.
    let scope = if scope == Scope::All && !source.is_merged() { " (all services)" } else { "" };
    format!("{kind}{scope}")
}

fn scan_of(
    scans: &mut HashMap<ServiceName, Arc<Scan>>,
    service: &ServiceName,
    document: &Arc<LogDocument>,
    criterion: impl FnOnce() -> Criterion,
) -> Arc<Scan> {
    match scans.get(service).filter(|scan| scan.is_of(document)) {
        Some(scan) => scan.clone(),
        None => {
            let scan = Arc::new(Scan::new(document.clone(), criterion()));
            scans.insert(service.clone(), scan.clone());
            scan
        }
    }
}
