//! What the user looks for in the logs: the line that is being typed, the search in force, the filters, and the scans
//! that find the lines.

use std::collections::HashMap;
use std::sync::Arc;

use super::glyphs::Glyphs;
use super::log_view::Jump;
use super::text::thousands;
use crate::domain::ServiceName;
use crate::logs::{Criterion, LogDocument, Query, QueryKind, Scan, Term};

/// Characters of a query: more than anybody types, and a paste does not become one by mistake.
const LIMIT: usize = 200;

/// What is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A search.
    Search,
    /// One more term of a filter.
    Filter,
}

/// The line in the border of the pane.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// What for.
    pub(super) purpose: Purpose,
    /// What was typed.
    pub(super) text: String,
    /// How it is meant.
    pub(super) kind: QueryKind,
    /// The search that was in force before.
    before: Option<Search>,
}

/// A search in force.
#[derive(Clone, Debug)]
struct Search {
    text: String,
    kind: QueryKind,
    /// Or why it means nothing.
    query: Result<Query, String>,
}

/// The filter of one service.
#[derive(Debug, Default)]
struct Filter {
    /// As they were typed, and what they mean.
    terms: Vec<(String, Term)>,
    scan: Option<Arc<Scan>>,
}

/// The scans that a pane needs.
#[derive(Default)]
pub(super) struct Scans {
    /// The search, if one is in force in this pane.
    pub(super) search: Option<(Query, Arc<Scan>)>,
    /// The filter.
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
    filters: HashMap<ServiceName, Filter>,
    errors: HashMap<ServiceName, Arc<Scan>>,
}

impl Find {
    /// Begins to type.
    pub(super) fn open(&mut self, purpose: Purpose) {
        let kind = self.search.as_ref().map_or(QueryKind::Literal, |search| search.kind);
        let kind = if purpose == Purpose::Search { kind } else { QueryKind::Literal };
        self.prompt = Some(Prompt { purpose, text: String::new(), kind, before: self.search.clone() });
    }

    /// Adds to the line, or takes its last character away. The answer is whether it has changed.
    pub(super) fn type_text(&mut self, text: Option<&str>) -> bool {
        let Some(prompt) = &mut self.prompt else { return false };
        match text {
            Some(text) => {
                let room = LIMIT.saturating_sub(prompt.text.chars().count());
                prompt.text.extend(text.chars().filter(|c| !c.is_control()).take(room));
            }
            None => {
                prompt.text.pop();
            }
        }
        self.search_as_typed();
        true
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
        let query = Query::new(&prompt.text, prompt.kind).map_err(|error| error.to_string());
        let search = Search { text: prompt.text.clone(), kind: prompt.kind, query };
        self.set_search((!search.text.is_empty()).then_some(search));
    }

    fn set_search(&mut self, search: Option<Search>) {
        self.search = search;
        // Whoever still reads for the old one stops at its next slice.
        self.searches.clear();
    }

    /// Keeps what was typed. A filter that means nothing stays in the prompt, and the answer is why.
    pub(super) fn keep(&mut self, service: &ServiceName) -> Result<(), String> {
        let Some(prompt) = self.prompt.take() else { return Ok(()) };
        match prompt.purpose {
            // A search that means nothing is over, as an empty one is.
            Purpose::Search => {
                let error = self.search.as_ref().and_then(|search| search.query.as_ref().err().cloned());
                if prompt.text.is_empty() || error.is_some() {
                    self.set_search(None);
                }
                error.map_or(Ok(()), Err)
            }
            Purpose::Filter if prompt.text.is_empty() => {
                self.filters.remove(service);
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
                let filter = self.filters.entry(service.clone()).or_default();
                filter.terms.push((prompt.text.clone(), Term { query, inverted }));
                filter.scan = None;
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

    /// What a pane needs, for its document as it is now. Only the pane with the focus is searched.
    pub(super) fn scans(
        &mut self,
        service: &ServiceName,
        document: &Arc<LogDocument>,
        focused: bool,
        jump: Option<Jump>,
    ) -> Scans {
        let mut scans = Scans::default();
        if focused && let Some(Search { query: Ok(query), .. }) = &self.search {
            let scan = scan_of(&mut self.searches, service, document, || Criterion::Query(query.clone()));
            scans.search = Some((query.clone(), scan));
        }
        scans.filter = self.filter(service, document);
        if matches!(jump, Some(Jump::Error { .. })) {
            scans.errors = Some(scan_of(&mut self.errors, service, document, || Criterion::Errors));
        }
        scans
    }

    /// The filter of a service, if it has one.
    pub(super) fn filter(&mut self, service: &ServiceName, document: &Arc<LogDocument>) -> Option<Arc<Scan>> {
        let filter = self.filters.get_mut(service)?;
        let scan = filter.scan.take().filter(|scan| scan.is_of(document)).unwrap_or_else(|| {
            let terms = filter.terms.iter().map(|(_, term)| term.clone()).collect();
            Arc::new(Scan::new(document.clone(), Criterion::Filter(terms)))
        });
        Some(filter.scan.insert(scan).clone())
    }

    /// Forgets services that are gone.
    pub(super) fn retain(&mut self, is_there: impl Fn(&ServiceName) -> bool) {
        self.searches.retain(|name, _| is_there(name));
        self.filters.retain(|name, _| is_there(name));
        self.errors.retain(|name, _| is_there(name));
    }

    /// What stands in the border below a pane: `/404_`, `& 404 !health · 128 of 9,412 lines`.
    pub(super) fn line(
        &self,
        service: &ServiceName,
        focused: bool,
        share: Option<(u64, u64)>,
        glyphs: &Glyphs,
    ) -> Option<String> {
        let kind = |kind| match kind {
            QueryKind::Literal => "",
            QueryKind::Regex => " (regex)",
            QueryKind::Word => " (word)",
        };
        let mut parts = Vec::new();
        match (&self.prompt, &self.search) {
            (Some(prompt), _) if focused => {
                let sign = if prompt.purpose == Purpose::Search { "/" } else { "& " };
                parts.push(format!("{sign}{}_{}", prompt.text, kind(prompt.kind)));
            }
            (None, Some(search)) if focused => parts.push(format!("/{}{}", search.text, kind(search.kind))),
            _ => {}
        }
        // A full-screen program is not filtered, nor what is typed into.
        if let Some((filter, (shown, all))) = self.filters.get(service).zip(share) {
            let terms: Vec<_> = filter.terms.iter().map(|(text, _)| text.as_str()).collect();
            let (shown, all) = (thousands(shown), thousands(all));
            parts.push(format!("& {} {} {shown} of {all} lines", terms.join(" & "), glyphs.dot));
        }
        (!parts.is_empty()).then(|| parts.join("  "))
    }

    /// Why what is searched for means nothing.
    pub(super) fn error(&self) -> Option<&str> {
        self.search.as_ref()?.query.as_ref().err().map(String::as_str)
    }

    /// There is a line in the border below that pane.
    pub(super) fn has_line(&self, service: &ServiceName, focused: bool) -> bool {
        focused && (self.prompt.is_some() || self.search.is_some()) || self.filters.contains_key(service)
    }
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
