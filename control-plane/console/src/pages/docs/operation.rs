//! One call of the API.

use maud::{Markup, html};
use serde_json::Value;

use crate::language::Language;

/// The methods of an OpenAPI path item that there can be here.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// An operation of the document.
#[derive(Debug)]
pub(super) struct Operation<'a> {
    pub(super) tag: &'a str,
    method: &'static str,
    path: &'a str,
    value: &'a Value,
    document: &'a Value,
}

// === impl Operation ===

impl<'a> Operation<'a> {
    /// Returns all of a document, by path.
    pub(super) fn all(document: &'a Value) -> Vec<Self> {
        let paths = document.get("paths").and_then(Value::as_object);
        let mut all = Vec::new();
        for (path, item) in paths.into_iter().flatten() {
            for method in METHODS {
                let Some(value) = item.get(method) else {
                    continue;
                };
                let tag = value.pointer("/tags/0").and_then(Value::as_str);
                all.push(Self {
                    tag: tag.unwrap_or_default(),
                    method,
                    path,
                    value,
                    document,
                });
            }
        }
        all
    }

    fn text(&self, name: &str) -> &'a str {
        text(self.value, name)
    }

    fn parameters(&self) -> impl Iterator<Item = &'a Value> {
        let parameters = self.value.get("parameters").and_then(Value::as_array);
        parameters.into_iter().flatten()
    }

    /// Returns an example of the body that it takes, if it takes one.
    fn body(&self) -> Option<String> {
        let content = self.value.pointer("/requestBody/content")?.as_object()?;
        let (_, media) = content.iter().next()?;
        Some(self.example(media).unwrap_or_else(|| "{}".to_owned()))
    }

    /// Returns the example of a media type, its own or that of its schema.
    fn example(&self, media: &Value) -> Option<String> {
        let schema = media.get("schema");
        let reference = schema.and_then(|schema| {
            let direct = schema.get("$ref");
            let among = || schema.pointer("/oneOf/1/$ref");
            direct.or_else(among)?.as_str()
        });
        let referred = reference
            .and_then(|reference| reference.strip_prefix('#'))
            .and_then(|pointer| self.document.pointer(pointer));
        let example = media
            .get("example")
            .or_else(|| schema?.get("example"))
            .or_else(|| referred?.get("example"))
            .cloned()
            .or_else(|| skeleton(referred?))?;
        serde_json::to_string_pretty(&example).ok()
    }

    /// Returns the call in words, folded.
    pub(super) fn markup(&self, l: Language) -> Markup {
        let id = self.id();
        let body = self.body();
        html! {
            details id=(id) {
                summary {
                    span class=(format!("method {}", self.method)) { (self.method.to_uppercase()) } " "
                    span.mono { (self.path) } " "
                    span.muted lang="en" { (self.text("summary")) }
                }
                @for paragraph in self.text("description").split("\n\n").filter(|text| !text.is_empty()) {
                    p lang="en" { (paragraph) }
                }
                (self.answers(l))
                form.try hidden data-try=(self.method) data-path=(self.path) {
                    @for parameter in self.parameters() { (field(l, &id, parameter)) }
                    @if let Some(body) = &body {
                        div.field {
                            label for=(format!("{id}-body")) { (l.say("Body", "请求体")) }
                            textarea id=(format!("{id}-body")) name="body" spellcheck="false" { (body) }
                        }
                    }
                    div.actions { button type="submit" { (l.say("Send", "发送")) } }
                    div.answer role="status" aria-live="polite" {}
                }
            }
        }
    }

    /// Returns a name that is its own, for fragments of URLs and labels.
    fn id(&self) -> String {
        let mut id = self.method.to_owned();
        for part in self.path.split(|c: char| !c.is_ascii_alphanumeric()) {
            if !part.is_empty() {
                id.push('-');
                id.push_str(part);
            }
        }
        id
    }

    fn answers(&self, l: Language) -> Markup {
        let responses = self.value.get("responses").and_then(Value::as_object);
        html! {
            dl.facts {
                @for (status, response) in responses.into_iter().flatten() {
                    dt { (l.say("Answer", "应答")) " " (status) }
                    dd lang="en" {
                        (text(response, "description"))
                        @for (_, media) in response.get("content").and_then(Value::as_object).into_iter().flatten() {
                            @if let Some(example) = self.example(media) {
                                pre tabindex="0" role="region" aria-label=(format!("{} {status}", self.path)) { code { (example) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn field(l: Language, id: &str, parameter: &Value) -> Markup {
    let name = text(parameter, "name");
    let id = format!("{id}-{name}");
    let hint = format!("{id}-hint");
    let place = text(parameter, "in");
    let is_needed = parameter.get("required").and_then(Value::as_bool) == Some(true);
    html! {
        div.field {
            label for=(id) {
                span.mono { (name) } " "
                span.hint {
                    (match place {
                        "path" => l.say("in the path", "路径"),
                        "header" => l.say("header", "请求头"),
                        _ => l.say("query", "查询参数"),
                    })
                    @if is_needed { (l.say(", needed", "，必填")) }
                }
            }
            input id=(id) name=(name) data-in=(place) required[is_needed] autocomplete="off" aria-describedby=(hint);
            p.hint id=(hint) lang="en" { (text(parameter, "description")) }
        }
    }
}

/// Makes something of a schema that has no example: its members, empty.
fn skeleton(schema: &Value) -> Option<Value> {
    let properties = schema.get("properties")?.as_object()?;
    let members = properties.iter().map(|(name, property)| {
        let kind = match property.get("type") {
            Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
            Some(kind) => kind.as_str(),
            None => None,
        };
        let value = match kind {
            Some("string") => Value::from(""),
            Some("integer" | "number") => Value::from(0),
            Some("boolean") => Value::from(false),
            Some("array") => Value::Array(Vec::new()),
            _ => Value::Null,
        };
        (name.clone(), value)
    });
    Some(Value::Object(members.collect()))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
