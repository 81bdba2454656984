//! The files of the page, as they stand in `assets/web`. There is no build step: what is served is what is read.

/// A file that is served.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asset {
    path: &'static str,
    pub(super) bytes: &'static [u8],
}

impl Asset {
    /// Its `Content-Type`.
    pub(super) fn kind(&self) -> &'static str {
        match self.path.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/html; charset=utf-8",
        }
    }
}

/// What describes the API.
pub(super) const OPENAPI: &[u8] = include_bytes!("../../assets/openapi.json");

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(Asset { path: concat!("/", $name), bytes: include_bytes!(concat!("../../assets/web/", $name)) }),*]
    };
}

/// All of them.
const ASSETS: &[Asset] = assets![
    "index.html",
    "style.css",
    "icon.svg",
    "api.js",
    "app.js",
    "hub.js",
    "log.js",
    "log_store.js",
    "panels.js",
    "services.js",
    "words.js",
];

/// The file at that path.
pub(super) fn find(path: &str) -> Option<&'static Asset> {
    let path = if path == "/" { "/index.html" } else { path };
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The largest size of the page, in bytes.
    const MOST: usize = 64 << 10;

    #[test]
    fn each_file_of_the_folder_is_served_and_all_of_them_are_small() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/web");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let there: BTreeSet<String> = files.map(|name| format!("/{name}")).collect();
        let served: BTreeSet<String> = ASSETS.iter().map(|asset| asset.path.to_owned()).collect();
        assert_eq!(served, there);
        let bytes: usize = ASSETS.iter().map(|asset| asset.bytes.len()).sum();
        assert!(bytes <= MOST, "{bytes} bytes");
    }
}
