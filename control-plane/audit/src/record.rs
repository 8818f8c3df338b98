//! One record.

use cubegate_store::{AuditClass, AuditRow};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::text;

/// One thing that was done, or refused. What is not known is left out, and what `fields` and
/// `strip` of a search leave out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditRecord)]
pub struct Record {
    /// Unique; ids grow with the time to the microsecond.
    #[schema(required = false)]
    pub id: String,
    /// RFC 3339 in UTC: when the request came.
    #[schema(required = false)]
    pub time: String,
    /// Where it was recorded.
    #[schema(required = false)]
    pub source: Source,
    /// Who: the user of a verified token or password. A name that only stands in
    /// a failed login is kept when there is such a user, because a password is
    /// easily typed into the wrong field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// For whom the user has asked to make the request (`Impersonate-User`), whether it
    /// was let or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonated: Option<String>,
    /// The groups that were named with it, between commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonated_groups: Option<String>,
    /// The access key that the token was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The token's `jti`, never the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The client's name for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The cluster that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Kubernetes' verb, or for what the control plane does `create`, `update`,
    /// `delete`, `get`, `login` or `logout`.
    #[schema(required = false)]
    pub verb: String,
    /// The resource's API group; absent for the core group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    /// The namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The resource: `pods`, or the control plane's `keys`, `tokens`, `users`,
    /// `clusters`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// `exec`, `log`, `status`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// The object's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The HTTP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path as the client asked it, without the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The HTTP status that the client got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it was refused, or what happened beside the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Bytes of the request's body.
    #[schema(required = false)]
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    #[schema(required = false)]
    pub bytes_out: u64,
    /// From the first byte of the request to the last one of the answer.
    #[schema(required = false)]
    pub duration_ms: u64,
    /// `x-request-id`; the API server's own audit log has it as `auditID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The Envoy that has recorded it, as its certificate names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envoy: Option<String>,
    /// How many requests this one stands for: those without a credential are counted
    /// by address and minute, and what else is told is of the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What it is among the others.
    #[serde(skip)]
    #[schema(ignore)]
    pub class: AuditClass,
}

/// Where something was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AuditSource)]
pub enum Source {
    /// An Envoy, about a request to a member cluster.
    Gateway,
    /// The control plane's HTTP API.
    Api,
    /// The command line, on the database itself.
    Cli,
    /// A source of clusters that control planes follow; the client says which one.
    Follow,
}

// === impl Record ===

impl Record {
    /// A record of which nothing but the time is known yet.
    pub fn new(source: Source, time: OffsetDateTime, verb: &str) -> Self {
        Self {
            id: format!("{}{}", id_of(time), random_digits()),
            time: to_text(time),
            source,
            user: None,
            impersonated: None,
            impersonated_groups: None,
            key: None,
            token_id: None,
            client: None,
            user_agent: None,
            cluster: None,
            verb: verb.to_owned(),
            api_group: None,
            namespace: None,
            resource: None,
            subresource: None,
            name: None,
            method: None,
            path: None,
            status: None,
            reason: None,
            bytes_in: 0,
            bytes_out: 0,
            duration_ms: 0,
            request_id: None,
            envoy: None,
            count: None,
            class: AuditClass::default(),
        }
    }

    /// The same with an id of its own: another thing that was done at the same time.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.id.truncate(TIME_DIGITS);
        self.id.push_str(&random_digits());
        self
    }

    /// The minute that it is of, in Unix time.
    pub(crate) fn unix_minute(&self) -> i64 {
        let micros = self.id.get(..TIME_DIGITS).unwrap_or_default();
        i64::from_str_radix(micros, 16).unwrap_or(0) / 60_000_000
    }

    /// As it is kept: every text cut to its length and free of what looks like a
    /// token, whoever filled it in.
    pub fn into_row(mut self) -> AuditRow {
        for value in [
            &mut self.user,
            &mut self.impersonated,
            &mut self.impersonated_groups,
            &mut self.key,
            &mut self.token_id,
            &mut self.client,
            &mut self.user_agent,
            &mut self.cluster,
            &mut self.api_group,
            &mut self.namespace,
            &mut self.resource,
            &mut self.subresource,
            &mut self.name,
            &mut self.method,
            &mut self.reason,
            &mut self.request_id,
            &mut self.envoy,
        ] {
            *value = value
                .take()
                .map(|value| text::short(&value))
                .filter(|value| !value.is_empty());
        }
        self.verb = text::short(&self.verb);
        self.path = self.path.as_deref().map(text::path);
        AuditRow {
            user: self.user.clone().unwrap_or_default(),
            cluster: self.cluster.clone().unwrap_or_default(),
            // Plain strings and numbers always serialise.
            record: serde_json::to_string(&self).unwrap_or_default(),
            id: self.id,
            class: self.class,
            settled: true,
        }
    }
}

/// How many digits of an id are its time.
const TIME_DIGITS: usize = 14;

/// Returns the time's place among ids: every id of that time or later is at or behind it.
pub(crate) fn id_of(time: OffsetDateTime) -> String {
    let micros = time.unix_timestamp_nanos() / 1_000;
    format!("{:0TIME_DIGITS$x}", u64::try_from(micros).unwrap_or(0))
}

/// Tells records of one microsecond apart.
fn random_digits() -> String {
    let mut digits = Uuid::new_v4().simple().to_string();
    digits.truncate(10);
    digits
}

/// RFC 3339 in UTC with milliseconds, always the same width.
fn to_text(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let whole = time.replace_nanosecond(0).unwrap_or(time);
    let seconds = whole.format(&Rfc3339).unwrap_or_default();
    let millis = time.millisecond();
    format!("{}.{millis:03}Z", seconds.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, nanos: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap() + time::Duration::nanoseconds(nanos)
    }

    #[test]
    fn ids_are_in_the_order_of_time() {
        let times = [at(1, 0), at(1, 1_000), at(2, 0), at(1_700_000_000, 0)];
        let ids: Vec<_> = times
            .iter()
            .map(|time| Record::new(Source::Api, *time, "get").id)
            .collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 24));
        assert!(id_of(at(2, 0)) <= *ids.get(2).unwrap());
        assert!(id_of(at(2, 1_000)) > *ids.get(2).unwrap());
    }

    #[test]
    fn times_are_of_one_width() {
        assert_eq!(to_text(at(0, 0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(to_text(at(0, 7_999_999)), "1970-01-01T00:00:00.007Z");
    }

    #[test]
    fn what_is_kept_is_short_and_holds_no_token() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
        let mut record = Record::new(Source::Gateway, at(5, 0), "get");
        record.user = Some(String::new());
        record.cluster = Some("x".repeat(10_000));
        record.user_agent = Some(format!("curl {token}"));
        record.name = Some(token.to_owned());
        record.path = Some(format!("/a/{token}/b?secretKey=s3cret"));
        let row = record.into_row();
        assert_eq!(row.user, "");
        assert!(row.record.len() < 2_000);
        assert!(!row.record.contains("c2lnbmF0dXJl"), "{}", row.record);
        assert!(!row.record.contains("s3cret"), "{}", row.record);
        assert!(
            row.record.contains("\"path\":\"/a/[token]/b\""),
            "{}",
            row.record
        );
        assert!(!row.record.contains("\"user\":"), "{}", row.record);
    }
}
