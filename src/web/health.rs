//! Whether a group lives, and whether all that is to run is ready: for load balancers, supervisors and scripts.

use hyper::{Response, StatusCode};
use serde_json::json;

use super::body::{self, Body};
use super::site::Site;

/// `GET /health`
pub(super) async fn health(site: &Site) -> Response<Body> {
    let about = site.inside.about();
    let status = if site.inside.handle().snapshot().stopping.is_some() { "stopping" } else { "ok" };
    let value = json!({ "status": status, "version": 1, "project": about.project, "pid": about.pid });
    body::json(StatusCode::OK, &value)
}

/// `GET /ready`
pub(super) async fn ready(site: &Site) -> Response<Body> {
    let group = site.inside.handle().snapshot();
    let wanted: Vec<_> = group.services.iter().filter(|service| service.wanted).collect();
    let is_up = |state: &str| matches!(state, "ready" | "running" | "done" | "scheduled" | "standby" | "remote");
    let late: Vec<_> = wanted.iter().filter(|service| !is_up(service.state())).map(|one| one.name.as_str()).collect();
    let status = if late.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let ready = wanted.len() - late.len();
    body::json(status, &json!({ "ready": ready, "total": wanted.len(), "not_ready": late }))
}
