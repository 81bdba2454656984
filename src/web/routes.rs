//! What is served where: a method and a path become a route, or a refusal.

use hyper::Method;
use percent_encoding::percent_decode_str;

use super::assets::{self, Asset};
use super::refusal::Refusal;
use super::server::Shows;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    OpenApi,
    Status,
    Why,
    History,
    Usage,
    Watcher,
    Tasks,
    Task,
    Logs,
    Stream,
    Session,
    SessionCode,
    Start,
    Stop,
    Restart,
    Send,
    Pause,
    Resume,
    Settle,
    Down,
    AddTask,
    RetryTask,
    CancelTask,
}

/// A route, with what stands in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// A file of the page.
    Asset(&'static Asset),
    /// Whether the group lives.
    Health,
    /// Whether all that is to run is ready.
    Ready,
    /// Figures for Prometheus.
    Metrics,
    /// Something of the group; the name of a service or the id of a task.
    Api(Endpoint, String),
}

/// `GET` or `POST`, where, and what for. One part of a path may be a name.
static API: [(Method, &str, Endpoint); 23] = [
    (Method::GET, "/api/v1/openapi.json", Endpoint::OpenApi),
    (Method::GET, "/api/v1/status", Endpoint::Status),
    (Method::GET, "/api/v1/why", Endpoint::Why),
    (Method::GET, "/api/v1/history", Endpoint::History),
    (Method::GET, "/api/v1/usage", Endpoint::Usage),
    (Method::GET, "/api/v1/watcher", Endpoint::Watcher),
    (Method::GET, "/api/v1/tasks", Endpoint::Tasks),
    (Method::GET, "/api/v1/tasks/{id}", Endpoint::Task),
    (Method::GET, "/api/v1/logs", Endpoint::Logs),
    (Method::GET, "/api/v1/stream", Endpoint::Stream),
    (Method::POST, "/api/v1/session", Endpoint::Session),
    (Method::POST, "/api/v1/session/code", Endpoint::SessionCode),
    (Method::POST, "/api/v1/services/{name}/start", Endpoint::Start),
    (Method::POST, "/api/v1/services/{name}/stop", Endpoint::Stop),
    (Method::POST, "/api/v1/services/{name}/restart", Endpoint::Restart),
    (Method::POST, "/api/v1/services/{name}/send", Endpoint::Send),
    (Method::POST, "/api/v1/pause", Endpoint::Pause),
    (Method::POST, "/api/v1/resume", Endpoint::Resume),
    (Method::POST, "/api/v1/settle", Endpoint::Settle),
    (Method::POST, "/api/v1/down", Endpoint::Down),
    (Method::POST, "/api/v1/tasks", Endpoint::AddTask),
    (Method::POST, "/api/v1/tasks/{id}/retry", Endpoint::RetryTask),
    (Method::POST, "/api/v1/tasks/{id}/cancel", Endpoint::CancelTask),
];

/// What a request is for, at a listener that shows this.
///
/// # Errors
/// There is nothing at the path, or not for this method.
pub(super) fn route(method: &Method, path: &str, shows: Shows) -> Result<Route, Refusal> {
    let mut there = served_at(path, shows);
    match there.iter().position(|(of, _)| of == method) {
        Some(place) => Ok(there.swap_remove(place).1),
        None if there.is_empty() => Err(Refusal::not_found()),
        None => Err(Refusal::wrong_method(there.iter().map(|(of, _)| of.as_str()).collect::<Vec<_>>().join(", "))),
    }
}

/// All that is served at a path, by its methods.
fn served_at(path: &str, shows: Shows) -> Vec<(Method, Route)> {
    let open = match path {
        "/health" => Some(Route::Health),
        "/ready" => Some(Route::Ready),
        "/metrics" => Some(Route::Metrics),
        _ if shows == Shows::Metrics => return Vec::new(),
        path => assets::find(path).map(Route::Asset),
    };
    if let Some(open) = open {
        return vec![(Method::GET, open.clone()), (Method::HEAD, open)];
    }
    let with_name = |(of, template, endpoint): &(Method, &str, Endpoint)| {
        named(template, path).map(|name| (of.clone(), Route::Api(*endpoint, name)))
    };
    API.iter().filter_map(with_name).collect()
}

/// What stands in a path in the place of the name of a template, which may have none.
fn named(template: &str, path: &str) -> Option<String> {
    let Some((before, rest)) = template.split_once('{') else { return (template == path).then(String::new) };
    let (_, after) = rest.split_once('}')?;
    let name = path.strip_prefix(before)?.strip_suffix(after)?;
    let name = percent_decode_str(name).decode_utf8().ok().filter(|_| !name.contains('/'))?;
    (!name.is_empty()).then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_path_is_meant_as_a_whole_and_its_name_is_decoded() {
        let api = |endpoint, name: &str| Ok(Route::Api(endpoint, name.to_owned()));
        let route = |method, path| route(&method, path, Shows::All).map_err(|refusal| refusal.status.as_u16());
        let get = |path| route(Method::GET, path);
        let post = |path| route(Method::POST, path);
        assert_eq!(get("/api/v1/status"), api(Endpoint::Status, ""));
        assert_eq!(get("/api/v1/tasks/t-1"), api(Endpoint::Task, "t-1"));
        assert_eq!(post("/api/v1/services/worker.2/restart"), api(Endpoint::Restart, "worker.2"));
        assert_eq!(post("/api/v1/services/a%2Fb%20c/send"), api(Endpoint::Send, "a/b c"));
        let nothing = ["", "/api", "/api/v1/", "/api/v1/status/", "/api/v1/tasks/", "/api/v1/tasks/a/b", "//", "/../x"];
        assert!(nothing.iter().all(|path| get(path) == Err(404)));
        assert_eq!(post("/api/v1/services//restart"), Err(404));
        assert_eq!(post("/api/v1/services/%ff/restart"), Err(404));
        assert_eq!(get("/api/v1/down"), Err(405), "by POST alone");
        assert_eq!([post("/api/v1/status"), route(Method::OPTIONS, "/api/v1/status")], [Err(405), Err(405)]);
        assert_eq!((get("/health"), post("/health")), (Ok(Route::Health), Err(405)));
        assert_eq!(route(Method::HEAD, "/ready"), Ok(Route::Ready));
        assert!(matches!(get("/"), Ok(Route::Asset(_))));
    }

    #[test]
    fn another_method_is_told_which_ones_there_are() {
        let allowed = |path| route(&Method::DELETE, path, Shows::All).unwrap_err().allow;
        assert_eq!(allowed("/metrics").as_deref(), Some("GET, HEAD"));
        assert_eq!(allowed("/api/v1/tasks").as_deref(), Some("GET, POST"));
        assert_eq!(allowed("/api/v1/services/api/restart").as_deref(), Some("POST"));
        assert_eq!(allowed("/nothing"), None);
    }

    #[test]
    fn a_listener_of_metrics_shows_nothing_that_needs_a_token() {
        let status = |path| route(&Method::GET, path, Shows::Metrics).map_err(|refusal| refusal.status.as_u16());
        assert_eq!(
            [status("/health"), status("/ready"), status("/metrics")],
            [Route::Health, Route::Ready, Route::Metrics].map(Ok)
        );
        for path in ["/", "/app.js", "/api/v1/status", "/api/v1/session", "/api/v1/down"] {
            assert_eq!(status(path), Err(404), "{path}");
        }
    }

    #[test]
    fn the_description_names_each_route_and_no_other() {
        let openapi: serde_json::Value = serde_json::from_slice(assets::OPENAPI).unwrap();
        let told: BTreeSet<(String, String)> = openapi["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
                methods.map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
            })
            .collect();
        let open = ["/health", "/ready", "/metrics"].map(|path| ("GET".to_owned(), path.to_owned()));
        let ours = API.iter().map(|(method, path, _)| (method.to_string(), (*path).to_owned()));
        assert_eq!(told, ours.chain(open).collect());
    }
}
