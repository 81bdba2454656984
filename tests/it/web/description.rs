//! `openapi.json` beside the answers: each has the form that is described, and no other.

use serde_json::{Value, json};

use super::{Page, SHOP};
use crate::harness::{Project, detach, down, wait_for};

/// The part of JSON Schema that the description is made of. An unknown keyword is a failure.
fn complaints(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let holds = |schema: &Value| {
        let mut found = Vec::new();
        complaints(root, schema, value, place, &mut found);
        found.is_empty()
    };
    let schema = schema.as_object().unwrap_or_else(|| panic!("{place}: {schema}"));
    for (keyword, rule) in schema {
        let good = match keyword.as_str() {
            "description" | "examples" => true,
            "$ref" => holds(resolve(root, rule)),
            "type" => match rule {
                Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
                kind => is_of(kind, value),
            },
            "enum" => rule.as_array().unwrap().contains(value),
            "anyOf" => rule.as_array().unwrap().iter().any(holds),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "minLength" => value.as_str().is_none_or(|text| text.len() as u64 >= rule.as_u64().unwrap()),
            "required" => rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    complaints(root, rule, item, &format!("{place}[{index}]"), found);
                }
                true
            }
            "properties" => {
                for (key, schema) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        complaints(root, schema, value, &format!("{place}.{key}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = |key: &String| schema.get("properties").is_some_and(|known| known.get(key).is_some());
                for (key, value) in value.as_object().into_iter().flatten().filter(|(key, _)| !known(key)) {
                    match rule {
                        Value::Bool(allowed) if !allowed => found.push(format!("{place}.{key} is not described")),
                        Value::Bool(_) => {}
                        schema => complaints(root, schema, value, &format!("{place}.{key}"), found),
                    }
                }
                true
            }
            other => panic!("the test does not know `{other}`"),
        };
        if !good {
            found.push(format!("{place}: {keyword} {rule}, and not {value}"));
        }
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    }
}

fn resolve<'r>(root: &'r Value, reference: &Value) -> &'r Value {
    root.pointer(reference.as_str().unwrap().strip_prefix('#').unwrap()).unwrap()
}

/// What is wrong with an answer. `path`: as the description has it.
fn wrong(root: &Value, (method, path): (&str, &str), answer: &super::Answer) -> Vec<String> {
    let told = &root["paths"][path][method]["responses"][answer.status.to_string()];
    assert!(told.is_object(), "{method} {path}: a {} is not described: {answer:?}", answer.status);
    let told = told.get("$ref").map_or(told, |reference| resolve(root, reference));
    let kind = answer.header("content-type").unwrap_or_default();
    let schema = &told["content"][kind.split(';').next().unwrap()]["schema"];
    assert!(schema.is_object(), "{method} {path}: `{kind}` is not described");
    let value = if kind == "application/json" { answer.json() } else { json!(answer.body) };
    let mut found = Vec::new();
    complaints(root, schema, &value, &format!("{method} {path}"), &mut found);
    found
}

#[test]
fn each_answer_is_as_it_is_described() {
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let root = page.json("/api/v1/openapi.json");
    let mut found = Vec::new();
    let mut asked = Vec::new();
    let mut get = |path: &'static str, query: &str, status: u16| {
        let answer = page.get(&format!("{}{query}", path.replace("{id}", "none")));
        assert_eq!(answer.status, status, "{path}{query}: {answer:?}");
        found.extend(wrong(&root, ("get", path), &answer));
        asked.push(("get", path));
    };
    project.write("src/a.rs", "");
    wait_for("the watcher has seen it", || !page.json("/api/v1/watcher")["entries"].as_array().unwrap().is_empty());
    for path in ["/api/v1/openapi.json", "/api/v1/status", "/api/v1/usage", "/api/v1/history"] {
        get(path, "", 200);
    }
    for path in ["/api/v1/watcher", "/api/v1/tasks", "/api/v1/logs"] {
        get(path, "", 200);
    }
    get("/api/v1/why", "?path=src/a.rs&path=b", 200);
    get("/api/v1/why", "", 400);
    get("/api/v1/tasks/{id}", "", 404);
    get("/api/v1/stream", "", 400);
    get("/health", "", 200);
    get("/metrics", "", 200);
    wait_for("all is ready", || page.get("/ready").status == 200);
    get("/ready", "", 200);
    let mut post = |path: &'static str, body: Value, status: u16| {
        let answer = page.post(&path.replace("{id}", "none").replace("{name}", "api"), &body);
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
        found.extend(wrong(&root, ("post", path), &answer));
        asked.push(("post", path));
    };
    post("/api/v1/session", json!({ "code": "x" }), 401);
    post("/api/v1/session/code", json!({}), 200);
    post("/api/v1/services/{name}/restart", json!({ "wait": true }), 200);
    post("/api/v1/services/{name}/send", json!({ "text": "x" }), 200);
    post("/api/v1/services/{name}/stop", json!({}), 200);
    post("/api/v1/services/{name}/start", json!({}), 200);
    post("/api/v1/pause", json!({}), 200);
    post("/api/v1/resume", json!({ "services": ["nobody"] }), 404);
    post("/api/v1/resume", json!({}), 200);
    post("/api/v1/settle", json!({ "services": ["api"] }), 200);
    post("/api/v1/tasks", json!({ "worker": "marie", "text": "x" }), 200);
    post("/api/v1/tasks/{id}/retry", json!({}), 404);
    post("/api/v1/tasks/{id}/cancel", json!({}), 404);
    let answer = page.send(&page.head("POST", "/api/v1/down", ""), b"");
    found.extend(wrong(&root, ("post", "/api/v1/down"), &answer));
    asked.push(("post", "/api/v1/down"));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    for (path, item) in root["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            assert!(asked.contains(&(method.as_str(), path.as_str())), "{method} {path} was not asked");
        }
    }
    let lines = page.get("/api/v1/logs").body;
    let mut found = Vec::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        complaints(&root, &root["components"]["schemas"]["LogLine"], &line, "line", &mut found);
    }
    assert!(!lines.is_empty() && found.is_empty(), "\n{}", found.join("\n"));
    down(&project);
}
