//! RDS: one table that changes with the filter's pass alone. The filter names the Envoy
//! cluster in a header, so clusters come and go without a route that changes.
//!
//! Every route that leads anywhere asks for the pass. A request that did not come through
//! the filter, because there is none or it has failed, reaches nobody.

use cubegate_api_types::cube::{self, ErrorBody};
use cubegate_filter_config::{ALPN_HEADER, CLASS_HEADER, CLUSTER_HEADER, Class, PASS_HEADER};
use cubegate_kube::{Family, Status};
use envoy_types::pb::envoy::config::route::v3 as rds;
use envoy_types::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher};
use serde::Serialize;

use crate::retry::{self, Repeat};
use crate::state::RoutePasses;
use crate::{Resource, ResourceType, Snapshot, proto};

/// The table's name.
pub(crate) const ROUTES: &str = "gateway";

/// How long a bounded call may take, in seconds. A little over the API server's
/// own 60, so that its answer comes first.
const UNARY_TIMEOUT: i64 = 75;

/// What a request is told that no filter has seen.
pub const NO_FILTER: &str =
    "The gateway's filter does not work; its operator finds the reason in Envoy's log.";

pub(crate) fn insert(snapshot: &mut Snapshot, passes: &RoutePasses) {
    let kube = Status::failure(503, NO_FILTER);
    let cube = ErrorBody::new(503, NO_FILTER);
    // Some for each pass: an expression that takes them all is longer than Envoy allows.
    let mut routes: Vec<_> = passes.accepted.iter().flat_map(|pass| to(pass)).collect();
    routes.extend(Family::KUBECUBE.map(|root| {
        let below = format!("{root}/");
        refusal("no-filter-cube", &below, cube::CONTENT_TYPE, &cube)
    }));
    routes.push(refusal("no-filter", "/", "application/json", &kube));
    let message = rds::RouteConfiguration {
        name: ROUTES.to_owned(),
        virtual_hosts: vec![rds::VirtualHost {
            name: ROUTES.to_owned(),
            domains: vec!["*".to_owned()],
            routes,
            request_headers_to_remove: [CLUSTER_HEADER, CLASS_HEADER, PASS_HEADER, ALPN_HEADER]
                .map(str::to_owned)
                .to_vec(),
            ..Default::default()
        }],
        ..Default::default()
    };
    snapshot.insert(
        ResourceType::RouteConfiguration,
        ROUTES,
        Resource::new(&message),
    );
}

/// The routes that are open to this pass.
fn to(pass: &str) -> Vec<rds::Route> {
    [Class::Stream, Class::Export, Class::Unary]
        .into_iter()
        .flat_map(|class| Repeat::ALL.map(|repeat| route(class, repeat, pass)))
        .collect()
}

fn route(class: Class, repeat: Repeat, pass: &str) -> rds::Route {
    let timeout = match class {
        Class::Unary => proto::seconds(UNARY_TIMEOUT),
        Class::Stream | Class::Export => proto::seconds(0),
    };
    let action = rds::RouteAction {
        cluster_specifier: Some(rds::route_action::ClusterSpecifier::ClusterHeader(
            CLUSTER_HEADER.to_owned(),
        )),
        // (No `max_stream_duration` beside it: Envoy would take this one for none.)
        timeout,
        // A watch may be silent for as long as it likes.
        idle_timeout: match class {
            // The listener's own: nothing moved for so long that nobody reads it.
            Class::Unary | Class::Export => None,
            Class::Stream => proto::seconds(0),
        },
        retry_policy: Some(repeat.policy()),
        ..Default::default()
    };
    rds::Route {
        name: class.as_str().to_owned(),
        r#match: Some(rds::RouteMatch {
            path_specifier: prefix("/"),
            headers: [
                repeat.matchers(),
                vec![
                    header(CLASS_HEADER, class.as_str()),
                    header(PASS_HEADER, pass),
                ],
            ]
            .concat(),
            ..Default::default()
        }),
        request_body_buffer_limit: retry::kept_body(),
        action: Some(rds::route::Action::Route(action)),
        ..Default::default()
    }
}

fn refusal(name: &str, path_prefix: &str, content_type: &str, body: &impl Serialize) -> rds::Route {
    // Plain structs of strings and numbers always serialise.
    let body = serde_json::to_string(body).unwrap_or_default();
    let content_type = proto::HeaderValueOption {
        header: Some(proto::HeaderValue {
            key: "content-type".to_owned(),
            value: content_type.to_owned(),
            ..Default::default()
        }),
        append_action: proto::header_value_option::HeaderAppendAction::OverwriteIfExistsOrAdd
            as i32,
        ..Default::default()
    };
    rds::Route {
        name: name.to_owned(),
        r#match: Some(rds::RouteMatch {
            path_specifier: prefix(path_prefix),
            ..Default::default()
        }),
        action: Some(rds::route::Action::DirectResponse(
            rds::DirectResponseAction {
                status: 503,
                body: proto::inline_string(body),
                ..Default::default()
            },
        )),
        response_headers_to_add: vec![content_type],
        ..Default::default()
    }
}

fn prefix(prefix: &str) -> Option<rds::route_match::PathSpecifier> {
    Some(rds::route_match::PathSpecifier::Prefix(prefix.to_owned()))
}

fn header(name: &str, value: &str) -> rds::HeaderMatcher {
    let exact = string_matcher::MatchPattern::Exact(value.to_owned());
    rds::HeaderMatcher {
        name: name.to_owned(),
        header_match_specifier: Some(rds::header_matcher::HeaderMatchSpecifier::StringMatch(
            StringMatcher {
                match_pattern: Some(exact),
                ..Default::default()
            },
        )),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envoy_without_a_control_plane_has_the_same_timeout() {
        let file = include_str!("../../../envoy/static.yaml");
        let ours = format!("timeout: {UNARY_TIMEOUT}s");
        let lines = file.lines().filter(|line| line.trim() == ours);
        assert_eq!(lines.count(), 2);
    }
}
