//! From what an Envoy logs of a request to its audit record, and to the use of an access key.

use cubegate_audit::{AuditClass, Record, Recorder, Source, text};
use cubegate_filter_config::{AUDIT_FILTER_STATE, AuditNote, CONTROL_PLANE_CLUSTER};
use cubegate_kube::{Ambiguous, RequestInfo, ResourceInfo};
use cubegate_xds::{AccessLog, AccessLogEntry};
use time::OffsetDateTime;

pub(crate) use self::uses::Uses;
use crate::checks::Said;
use crate::discovery::{Met, Nudges};
use crate::readers::Readers;

mod uses;

/// Envoy's word for an answer that is not its own.
const VIA_UPSTREAM: &str = "via_upstream";

/// Where the filter looks up which resource is meant.
const KUBESPHERE: &str = "/kapis/resources.kubesphere.io/";

/// Envoy's words for a cluster that cannot be connected to.
const NO_CONNECTION: [&str; 3] = [
    "connection_failure",
    "connection_timeout",
    "no_healthy_upstream",
];

/// Takes the Envoys' access logs for this recorder and these uses, but for what the control
/// plane has asked them itself. What clients have met at a cluster is told to those who look at
/// it.
pub(crate) fn access_log(recorder: Recorder, uses: Uses, said: Said, nudges: Nudges) -> AccessLog {
    let readers = Readers::of(&uses.store);
    AccessLog::new(AUDIT_FILTER_STATE, move |node, entries| {
        entries
            .into_iter()
            .filter(|entry| !said.tell(&entry.user_agent, &entry.details))
            .filter_map(|mut entry| {
                let note = note_of(&entry);
                let now = OffsetDateTime::now_utc();
                // The console's requests come from a control plane, for somebody elsewhere.
                entry.client = readers.address(&note, now).or(entry.client);
                uses.note(&entry, &note, now);
                if let Some((cluster, met)) = met(&entry, &note) {
                    nudges.tell(cluster, met);
                }
                to_record(node, entry, note)
            })
            .for_each(|record| recorder.record(record));
    })
}

/// What the filter has left of a request; nothing of one to the control plane.
fn note_of(entry: &AccessLogEntry) -> AuditNote {
    let note = entry.note.as_deref().and_then(AuditNote::from_json);
    note.unwrap_or_default()
}

/// What a request has met that a look at its cluster may mend, and at which one.
fn met<'a>(entry: &AccessLogEntry, note: &'a AuditNote) -> Option<(&'a str, Met)> {
    let cluster = note.cluster.as_deref()?;
    let status = entry.status?;
    // By the filter itself, which asks no cluster for what it does not have.
    if entry.upstream_cluster.is_empty() {
        let path = note.path.as_deref().unwrap_or_default();
        let is_unknown = matches!(status, 404 | 503) && path.starts_with(KUBESPHERE);
        return is_unknown.then_some((cluster, Met::UnknownResource));
    }
    let is_away = status == 503
        && NO_CONNECTION
            .iter()
            .any(|word| entry.details.contains(word));
    is_away.then_some((cluster, Met::NoConnection))
}

fn start_of(entry: &AccessLogEntry) -> Option<OffsetDateTime> {
    let micros = i128::from(entry.start_micros).saturating_mul(1_000);
    OffsetDateTime::from_unix_timestamp_nanos(micros).ok()
}

/// `None` for what the control plane has answered: it has made its own record, if
/// there is to be one.
fn to_record(node: &str, entry: AccessLogEntry, note: AuditNote) -> Option<Record> {
    let time = start_of(&entry)?;
    let AccessLogEntry {
        start_micros: _,
        duration,
        method,
        path,
        original_path,
        status,
        details,
        request_bytes,
        response_bytes,
        request_id,
        user_agent,
        client,
        upstream_cluster,
        note: _,
    } = entry;
    if upstream_cluster == CONTROL_PLANE_CLUSTER && details == VIA_UPSTREAM {
        return None;
    }
    let AuditNote {
        user,
        impersonated,
        impersonated_groups,
        key,
        token,
        cluster,
        path: api_path,
        reader: _,
        reason,
    } = note;
    let (sent_path, query) = match path.split_once('?') {
        Some((sent_path, query)) => (sent_path, Some(query)),
        None => (path.as_str(), None),
    };
    let asked_path = match original_path.split_once('?') {
        _ if original_path.is_empty() => sent_path,
        Some((asked, _)) => asked,
        None => &original_path,
    };
    // Read whole, and cut as texts of the record only then: what stands before a name
    // must not push it out of sight.
    let api_path = api_path.as_deref().unwrap_or_default();
    let info = RequestInfo::of_kubesphere(&method, api_path, query)
        .unwrap_or_else(|Ambiguous(info)| *info);
    let (verb, resource) = match info {
        RequestInfo::Resource(resource) => (resource.verb.to_owned(), resource),
        RequestInfo::NonResource { verb, .. } => (verb, ResourceInfo::default()),
    };
    // What has no verb is told by its method.
    let verb = match verb.as_str() {
        "" => method.to_ascii_lowercase(),
        _ => verb,
    };

    let mut record = Record::new(Source::Gateway, time, &verb);
    record.class = match user {
        Some(_) => AuditClass::Traffic,
        None => AuditClass::Anonymous,
    };
    record.user = user;
    record.impersonated = impersonated;
    let groups = impersonated_groups.join(",");
    record.impersonated_groups = Some(groups).filter(|groups| !groups.is_empty());
    record.key = key;
    record.token_id = token;
    record.client = client.map(|client| client.to_canonical().to_string());
    record.user_agent = Some(user_agent);
    record.cluster = cluster;
    record.api_group = Some(resource.group);
    record.namespace = Some(resource.namespace);
    record.resource = Some(resource.resource);
    record.subresource = Some(resource.subresource);
    record.name = Some(resource.name);
    record.path = Some(text::path(asked_path));
    record.method = Some(method);
    record.status = status;
    // The filter knows better than Envoy, which only knows that it was the filter.
    record.reason = reason.or(Some(details).filter(|details| details != VIA_UPSTREAM));
    record.bytes_in = request_bytes;
    record.bytes_out = response_bytes;
    record.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    record.request_id = Some(request_id);
    record.envoy = Some(node.to_owned());
    Some(record)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn record_of(node: &str, entry: AccessLogEntry) -> Option<Record> {
        let note = note_of(&entry);
        to_record(node, entry, note)
    }

    fn mk_entry(note: Option<&AuditNote>) -> AccessLogEntry {
        AccessLogEntry {
            start_micros: 1_700_000_000_123_456,
            duration: Duration::from_micros(2_900),
            method: "GET".to_owned(),
            path: "/base/api/v1/namespaces/a/pods?watch=true&token=s3cret".to_owned(),
            original_path: "/clusters/c/api/v1/namespaces/a/pods".to_owned(),
            status: Some(200),
            details: VIA_UPSTREAM.to_owned(),
            request_bytes: 1,
            response_bytes: 2,
            request_id: "r1".to_owned(),
            user_agent: "kubectl".to_owned(),
            client: Some("::ffff:203.0.113.7".parse().unwrap()),
            upstream_cluster: "cluster/c".to_owned(),
            note: note.map(AuditNote::to_json),
        }
    }

    #[test]
    fn a_request_to_a_cluster_is_told_whole() {
        let note = AuditNote {
            user: Some("jeff".to_owned()),
            impersonated: Some("bob".to_owned()),
            impersonated_groups: vec!["g".to_owned(), "h".to_owned()],
            key: Some("k".to_owned()),
            token: Some("t".to_owned()),
            cluster: Some("c".to_owned()),
            path: Some("/api/v1/namespaces/a/pods".to_owned()),
            reader: None,
            reason: None,
        };
        let record = record_of("edge-1", mk_entry(Some(&note))).unwrap();
        let row = record.into_row();
        assert_eq!((row.user.as_str(), row.cluster.as_str()), ("jeff", "c"));
        let mut kept: serde_json::Value = serde_json::from_str(&row.record).unwrap();
        kept.as_object_mut().unwrap().remove("id");
        let expected = serde_json::json!({
            "time": "2023-11-14T22:13:20.123Z", "source": "gateway", "user": "jeff",
            "impersonated": "bob", "impersonatedGroups": "g,h", "key": "k", "tokenId": "t", "client": "203.0.113.7", "userAgent": "kubectl", "cluster": "c",
            "verb": "watch", "namespace": "a", "resource": "pods", "method": "GET",
            "path": "/clusters/c/api/v1/namespaces/a/pods", "status": 200, "bytesIn": 1,
            "bytesOut": 2, "durationMs": 2, "requestId": "r1", "envoy": "edge-1",
        });
        assert_eq!(kept, expected);
    }

    #[test]
    fn verb_and_resource_are_those_that_a_scope_is_checked_on() {
        for (method, path, query, expected) in [
            ("GET", "/api/v1/pods", "?watch", "watch pods"),
            (
                "GET",
                "/api/v1/namespaces",
                "?fieldSelector=metadata.name%3Da",
                "list namespaces a",
            ),
            ("GET", "/api/v1/secrets", "?x=;", "list secrets"),
            ("GET", "/api/v1/pods/p", "?watch=1", "get pods p"),
            ("OPTIONS", "/api/v1/pods", "", "options pods"),
            ("GET", "/version", "?watch=1", "get"),
            (
                "GET",
                "/kapis/iam.kubesphere.io/v1alpha2/users/a",
                "",
                "get users a",
            ),
        ] {
            let note = AuditNote {
                user: Some("jeff".to_owned()),
                path: Some(path.to_owned()),
                ..AuditNote::default()
            };
            let entry = AccessLogEntry {
                method: method.to_owned(),
                path: format!("/base{path}{query}"),
                ..mk_entry(Some(&note))
            };
            let Record {
                verb,
                resource,
                name,
                ..
            } = record_of("edge", entry).unwrap();
            let told = [Some(verb), resource, name].map(Option::unwrap_or_default);
            assert_eq!(
                told.join(" ").trim_end(),
                expected,
                "{method} {path}{query}"
            );
        }
    }

    #[test]
    fn what_a_look_at_the_cluster_may_mend_is_told() {
        let list = "/kapis/resources.kubesphere.io/v1alpha3/widgets";
        let reset = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";
        for (upstream, status, details, path, expected) in [
            ("", 404, "", list, Some(Met::UnknownResource)),
            ("", 503, "", list, Some(Met::UnknownResource)),
            ("", 403, "", list, None),
            ("", 404, "", "/api/v1/widgets", None),
            ("cluster/c", 404, VIA_UPSTREAM, list, None),
            (
                "cluster/c",
                503,
                reset,
                "/api/v1/pods",
                Some(Met::NoConnection),
            ),
            ("cluster/c", 503, VIA_UPSTREAM, "/api/v1/pods", None),
        ] {
            let entry = AccessLogEntry {
                upstream_cluster: upstream.to_owned(),
                status: Some(status),
                details: details.to_owned(),
                ..mk_entry(None)
            };
            let note = AuditNote {
                cluster: Some("c".to_owned()),
                path: Some(path.to_owned()),
                ..AuditNote::default()
            };
            let found = met(&entry, &note);
            assert_eq!(found, expected.map(|met| ("c", met)), "{status} {path}");
            assert_eq!(met(&entry, &AuditNote::default()), None);
        }
    }

    #[test]
    fn a_padded_path_hides_neither_verb_nor_name() {
        let padded =
            |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
        let namespace = "n".repeat(253);
        let name = "secret-of-the-ceo";
        let path = format!(
            "/apis/{}/v1/namespaces/{}/{}/{}",
            padded("a.very.long.group.example"),
            padded(&namespace),
            padded("widgets"),
            padded(name)
        );
        assert!(path.len() > 900, "{}", path.len());
        let note = AuditNote {
            user: Some("jeff".to_owned()),
            path: Some(path),
            ..AuditNote::default()
        };
        let entry = AccessLogEntry {
            method: "DELETE".to_owned(),
            ..mk_entry(Some(&note))
        };
        let record = record_of("edge", entry).unwrap();
        assert_eq!(record.verb, "delete");
        assert_eq!(record.resource.as_deref(), Some("widgets"));
        assert_eq!(record.name.as_deref(), Some(name));
        assert_eq!(record.class, AuditClass::Traffic);
        assert!(record.into_row().record.len() < 4_000);
    }

    #[test]
    fn a_request_that_envoy_refused_is_told_as_far_as_it_is_known() {
        let entry = AccessLogEntry {
            path: "/x?secretKey=s3cret".to_owned(),
            original_path: String::new(),
            status: Some(400),
            details: "http1.unexpected_underscore".to_owned(),
            upstream_cluster: String::new(),
            ..mk_entry(None)
        };
        let record = record_of("edge-1", entry).unwrap();
        assert_eq!(record.path.as_deref(), Some("/x"));
        assert_eq!(
            record.reason.as_deref(),
            Some("http1.unexpected_underscore")
        );
        assert_eq!((record.verb.as_str(), record.status), ("get", Some(400)));
        assert!(!record.into_row().record.contains("s3cret"));
    }

    #[test]
    fn what_the_control_plane_answered_is_its_own_to_record() {
        let answered = AccessLogEntry {
            upstream_cluster: CONTROL_PLANE_CLUSTER.to_owned(),
            ..mk_entry(None)
        };
        assert_eq!(record_of("edge-1", answered.clone()), None);
        let unanswered = AccessLogEntry {
            details: "upstream_reset_before_response_started".to_owned(),
            status: Some(503),
            ..answered
        };
        assert_eq!(record_of("edge-1", unanswered).unwrap().status, Some(503));
    }
}
