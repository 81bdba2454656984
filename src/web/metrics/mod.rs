//! Figures of a group for Prometheus, in its text format 0.0.4.

use hyper::{Response, StatusCode};

use super::body::{self, Body};
use super::site::Site;

/// What a scraper is told that it gets.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`
pub(super) async fn page(site: &Site) -> Response<Body> {
    let project = site.inside.about().project.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n");
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        "# HELP devgroup_info The group, and the version of devgroup that runs it.\n# TYPE devgroup_info gauge\n\
         devgroup_info{{version=\"{version}\",project=\"{project}\"}} 1\n"
    );
    body::whole(StatusCode::OK, KIND, text)
}
