//! The JSON Schema of `procgroup.toml`, made from the tables that the file is read by.

use serde_json::{Value, json};

use super::keys::{ROOT, SERVICE};

/// A schema of draft 7, which editors know for TOML. It knows names, forms and what stands beside what; dependencies,
/// ports and folders are known to `devgroup check` alone. It is for included and local files, too, which need not have all
/// that a group needs.
pub fn schema() -> Value {
    let mut schema = ROOT.full_schema();
    if let Some(table) = schema.as_object_mut() {
        table.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
        table.insert("title".into(), json!("procgroup.toml"));
        table.insert("description".into(), json!("The services of a devgroup, and how they are watched"));
        table.insert("definitions".into(), json!({ "service": SERVICE.full_schema() }));
    }
    schema
}
