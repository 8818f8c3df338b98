//! One call of the API, as the document describes it.

use axum::http::Method;
use maud::{Markup, html};
use serde_json::Value;

use super::example::example;
use super::tried::Tried;
use crate::ask::Call;
use crate::form::Fields;
use crate::language::Language;
use crate::link::{segment, with_query};
use crate::parts;
use crate::view::View;

/// Where calls are tried.
pub(crate) const TRY: &str = "/console/docs/try";

/// The field that names a call.
pub(super) const OPERATION: &str = "operation";

/// The field of a body.
const BODY: &str = "body";

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

    /// Returns the media type and an example of the body that it takes, if it takes one.
    fn body(&self) -> Option<(&'a str, String)> {
        let content = self.value.pointer("/requestBody/content")?.as_object()?;
        let (media_type, media) = content.iter().next()?;
        let example = example(self.document, media_type, media).unwrap_or_default();
        Some((media_type, example))
    }

    /// Returns the call with what was typed into its form.
    pub(super) fn call(&self, typed: &Fields) -> Call {
        let mut path = self.path.to_owned();
        let (mut query, mut headers) = (Vec::new(), Vec::new());
        for parameter in self.parameters() {
            let name = text(parameter, "name");
            let value = typed.get(&field_name(parameter));
            match text(parameter, "in") {
                "path" => path = path.replace(&format!("{{{name}}}"), &segment(value)),
                "header" if !value.is_empty() => headers.push((name.to_owned(), value.to_owned())),
                "query" => query.push((name, value)),
                _ => {}
            }
        }
        let body = self.body().map(|(media_type, _)| {
            let body = typed.exact(BODY).to_owned();
            (media_type.to_owned(), body)
        });
        Call {
            // Those of `METHODS` are methods.
            method: self.method.to_uppercase().parse().unwrap_or(Method::GET),
            path: with_query(&path, &query),
            headers,
            body: body.filter(|(_, body)| !body.trim().is_empty()),
        }
    }

    /// Returns the call in words: folded, or with what it has answered when it was tried.
    pub(super) fn markup(&self, view: &View, tried: Option<&Tried>) -> Markup {
        let l = view.language;
        let id = self.id();
        html! {
            details id=(id) open[tried.is_some()] {
                summary {
                    span class=(format!("method {}", self.method)) { (self.method.to_uppercase()) } " "
                    span.mono { (self.path) } " "
                    span.muted lang="en" { (self.text("summary")) }
                }
                @for paragraph in self.text("description").split("\n\n").filter(|text| !text.is_empty()) {
                    p lang="en" { (paragraph) }
                }
                (self.form(view, &id, tried))
                (self.answers(l))
            }
        }
    }

    /// Returns the form that makes the call, with what was typed before.
    fn form(&self, view: &View, id: &str, tried: Option<&Tried>) -> Markup {
        let l = view.language;
        let answer = format!("{id}-answer");
        let typed = tried.map(|tried| &tried.typed);
        html! {
            form.try method="post" action=(TRY) data-into=(answer) {
                (parts::proof(view))
                input type="hidden" name=(OPERATION) value=(id);
                @for parameter in self.parameters() { (field(l, id, parameter, typed)) }
                @if let Some((media_type, example)) = self.body() {
                    div.field {
                        label for=(format!("{id}-body")) {
                            (l.say("Body", "请求体")) " " span.hint { (media_type) }
                        }
                        textarea id=(format!("{id}-body")) name=(BODY) spellcheck="false" {
                            (typed.map_or(example.as_str(), |typed| typed.exact(BODY)))
                        }
                    }
                }
                div.actions { button type="submit" { (l.say("Send", "发送")) } }
                div.answer id=(answer) role="status" aria-live="polite" {
                    @if let Some(tried) = tried { (tried.markup(l)) }
                }
            }
        }
    }

    /// Returns a name that is its own, for fragments of URLs and labels.
    pub(super) fn id(&self) -> String {
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
                        @for (media_type, media) in response.get("content").and_then(Value::as_object).into_iter().flatten() {
                            @if let Some(example) = example(self.document, media_type, media) {
                                pre tabindex="0" role="region" aria-label=(format!("{} {status}", self.path)) { code { (example) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the name of a parameter's field: names come again in the path and the query.
fn field_name(parameter: &Value) -> String {
    format!("{}.{}", text(parameter, "in"), text(parameter, "name"))
}

fn field(l: Language, id: &str, parameter: &Value, typed: Option<&Fields>) -> Markup {
    let (name, field_name) = (text(parameter, "name"), field_name(parameter));
    let id = format!("{id}-{name}");
    let hint = format!("{id}-hint");
    let is_needed = parameter.get("required").and_then(Value::as_bool) == Some(true);
    let value = typed.map_or("", |typed| typed.get(&field_name));
    html! {
        div.field {
            label for=(id) {
                span.mono { (name) } " "
                span.hint {
                    (match text(parameter, "in") {
                        "path" => l.say("in the path", "路径"),
                        "header" => l.say("header", "请求头"),
                        _ => l.say("query", "查询参数"),
                    })
                    @if is_needed { (l.say(", needed", "，必填")) }
                }
            }
            input id=(id) name=(field_name) value=(value) required[is_needed] autocomplete="off" spellcheck="false" aria-describedby=(hint);
            p.hint id=(hint) lang="en" { (text(parameter, "description")) }
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_typed_becomes_the_call_and_leads_nowhere_else() {
        let document = json!({ "paths": { "/users/{name}": { "put": {
            "tags": ["users"],
            "parameters": [
                {"name": "name", "in": "path", "required": true},
                {"name": "name", "in": "query"},
                {"name": "other", "in": "query"},
                {"name": "Idempotency-Key", "in": "header"},
            ],
            "requestBody": {"content": {"application/json": {"example": {"a": 1}}}},
        } } } });
        let operations = Operation::all(&document);
        let operation = operations.first().unwrap();
        assert_eq!(operation.id(), "put-users-name");
        let call = |form: &str| operation.call(&Fields::parse(form.as_bytes()));
        assert_eq!(
            call("path.name=../x?y&query.name=a%26b&header.Idempotency-Key=k&body=%7B%7D"),
            Call {
                method: Method::PUT,
                path: "/users/%2E%2E%2Fx%3Fy?name=a%26b".to_owned(),
                headers: vec![("Idempotency-Key".to_owned(), "k".to_owned())],
                body: Some(("application/json".to_owned(), "{}".to_owned())),
            }
        );
        // Nothing that the document does not know goes along.
        let plain = call("path.name=x&path=%2Fother&header.Host=y&body=");
        assert_eq!(plain.path, "/users/x");
        assert_eq!((plain.headers, plain.body), (Vec::new(), None));
    }
}
