//! What may be asked of the lists of each of KubeSphere's kinds: each row of
//! `tests/compatibility/kubesphere-kinds.json`, before an upstream that has all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::compatibility::{Ask, Asks, Kind, Kinds};
use cubegate_tests::fixture::{Fixture, Response};
use cubegate_tests::{Client, until};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::{in_the_playground, kube};

const KAPIS: &str = "/kapis/resources.kubesphere.io/v1alpha3";

/// What every kind has is asked of this one.
const ANY_KIND: &str = "configmaps";

/// How long discovery may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A question, and the number by which its objects are known among those of its kind.
struct Question {
    kind: String,
    number: usize,
    ask: Ask,
    expected: &'static [&'static str],
}

fn questions(kinds: &Kinds) -> Vec<Question> {
    let mut all = Vec::new();
    let mut add = |kind: &str, asks: &Asks| {
        let filters = asks.filters.iter().map(|ask| (ask, &["yes"][..]));
        let orders = asks.orders.iter().map(|ask| (ask, &["yes", "no"][..]));
        for (ask, expected) in filters.chain(orders) {
            all.push(Question {
                kind: kind.to_owned(),
                number: all.len(),
                ask: ask.clone(),
                expected,
            });
        }
    };
    add(ANY_KIND, &kinds.every_kind);
    for kind in &kinds.kinds {
        add(&kind.kind, &kind.asks);
        // A name has everything that is listed.
        if !kind.asks.filters.iter().any(|ask| ask.name == "name") {
            let mut by_name = kinds.every_kind.clone();
            by_name.filters.retain(|ask| ask.name == "name");
            by_name.orders.clear();
            add(&kind.kind, &by_name);
        }
    }
    all
}

/// An object of a question, told apart by its labels.
fn object(question: &Question, is: &str) -> Value {
    let own = if is == "yes" {
        &question.ask.yes
    } else {
        &question.ask.no
    };
    let mut object = json!({ "metadata": { "name": format!("o-{is}") } });
    merge(&mut object, own);
    let labels =
        json!({ "metadata": { "labels": { "ask": question.number.to_string(), "is": is } } });
    merge(&mut object, &labels);
    object
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.as_str()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// What the upstream answers, by path.
fn answers(kinds: &[Kind], questions: &[Question]) -> BTreeMap<String, Value> {
    let resource = |kind: &Kind| {
        json!({
            "resource": kind.kind, "responseKind": { "kind": "Thing" },
            "scope": "Namespaced", "verbs": ["list"],
        })
    };
    let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for kind in kinds {
        groups.entry(&kind.group).or_default().push(resource(kind));
    }
    let document = |core: bool| {
        let groups = groups.iter().filter(|(name, _)| name.is_empty() == core);
        let items = groups.map(|(name, resources)| {
            json!({ "metadata": { "name": name }, "versions": [{ "version": "v1", "resources": resources }] })
        });
        json!({ "kind": "APIGroupDiscoveryList", "items": items.collect::<Vec<_>>() })
    };
    let mut answers = BTreeMap::from([
        ("/api".to_owned(), document(true)),
        ("/apis".to_owned(), document(false)),
    ]);
    for kind in kinds {
        let items: Vec<Value> = questions
            .iter()
            .filter(|question| question.kind == kind.kind)
            // The one that comes second or not at all is listed first.
            .flat_map(|question| [object(question, "no"), object(question, "yes")])
            .collect();
        let path = match kind.group.as_str() {
            "" => format!("/api/v1/{}", kind.kind),
            group => format!("/apis/{group}/v1/{}", kind.kind),
        };
        answers.insert(
            path,
            json!({ "kind": "List", "metadata": {}, "items": items }),
        );
    }
    answers
}

fn response(body: &Value) -> Result<(Response, Bytes)> {
    let body = Bytes::from(body.to_string());
    let answer = http::Response::builder().header("content-type", "application/json");
    Ok((answer.body(Full::new(body.clone()))?, body))
}

/// Returns which objects of a question are listed, in their order.
async fn listed(client: &Client, cluster: &str, question: &Question) -> Result<Vec<String>> {
    let Question {
        kind, number, ask, ..
    } = question;
    let path = format!("{KAPIS}/{kind}?{}&labelSelector=ask%3D{number}", ask.query);
    let answer = client
        .get(&kube(cluster, &path))
        .send()
        .await?
        .expect(200)?;
    let json = answer.json()?;
    let items = json["items"].as_array().context("a list")?;
    let is = items
        .iter()
        .filter_map(|item| item["metadata"]["labels"]["is"].as_str());
    Ok(is.map(str::to_owned).collect())
}

#[test]
fn every_kind_is_asked_as_its_row_says() -> Result<()> {
    in_the_playground(async |playground| {
        let kinds = Kinds::read()?;
        let questions = questions(&kinds);
        let answers = answers(&kinds.kinds, &questions);
        let services: Vec<Value> = questions
            .iter()
            .flat_map(|question| question.ask.services.clone())
            .collect();
        let upstream = Fixture::answering(move |seen| {
            let by_name = seen
                .query
                .as_deref()
                .is_some_and(|query| query.contains("fieldSelector"));
            match answers.get(&seen.path) {
                _ if by_name => response(&json!({ "items": services })),
                Some(answer) => response(answer),
                None => response(&json!({})),
            }
        })
        .await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        let path = kube(&cluster, &format!("{KAPIS}/{ANY_KIND}"));
        until("the cluster's resources", PATIENCE, async || {
            let answer = client.get(&path).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        let mut wrong = Vec::new();
        for question in &questions {
            let Question {
                kind,
                ask,
                expected,
                ..
            } = question;
            let found = listed(&client, &cluster, question).await;
            let found = found.with_context(|| format!("{kind}?{}", ask.query))?;
            if found != *expected {
                wrong.push(format!("{kind}?{}: {found:?}", ask.query));
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    })
}
