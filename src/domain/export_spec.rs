//! `[export]`: what only an engine needs to know that a group is handed over to.

use super::ServiceName;

/// The images of services, for engines that run containers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportSpec {
    /// `image`: of every service that has no image of its own.
    pub image: Option<String>,
    /// `images`: services with an image of their own, in the order of the file.
    pub images: Vec<(ServiceName, String)>,
}

impl ExportSpec {
    /// The image that the file gives a service as its own.
    pub fn own_image(&self, service: &ServiceName) -> Option<&str> {
        self.images.iter().find(|(name, _)| name == service).map(|(_, image)| image.as_str())
    }
}
