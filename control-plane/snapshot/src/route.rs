//! RDS: one constant table. The filter names the Envoy cluster in a header, so
//! clusters come and go without a route that changes.

use cubegate_filter_config::{CLASS_HEADER, CLUSTER_HEADER, Class};
use envoy_types::pb::envoy::config::route::v3 as rds;
use envoy_types::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher};

use crate::retry::{self, Repeat};
use crate::{Resource, ResourceType, Snapshot, proto};

/// The table's name.
pub(crate) const ROUTES: &str = "gateway";

/// How long a bounded call may take, in seconds. A little over the API server's
/// own 60, so that its answer comes first.
const UNARY_TIMEOUT: i64 = 75;

/// How long it may take together with a body that comes slowly, in seconds.
const UNARY_DURATION: i64 = 2 * UNARY_TIMEOUT;

pub(crate) fn insert(snapshot: &mut Snapshot) {
    let message = rds::RouteConfiguration {
        name: ROUTES.to_owned(),
        virtual_hosts: vec![rds::VirtualHost {
            name: ROUTES.to_owned(),
            domains: vec!["*".to_owned()],
            routes: [Class::Stream, Class::Export, Class::Unary]
                .into_iter()
                .flat_map(|class| Repeat::ALL.map(|repeat| route(class, repeat)))
                .collect(),
            request_headers_to_remove: vec![CLUSTER_HEADER.to_owned(), CLASS_HEADER.to_owned()],
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

fn route(class: Class, repeat: Repeat) -> rds::Route {
    let timeout = match class {
        Class::Unary => proto::seconds(UNARY_TIMEOUT),
        Class::Stream | Class::Export => proto::seconds(0),
    };
    let action = rds::RouteAction {
        cluster_specifier: Some(rds::route_action::ClusterSpecifier::ClusterHeader(
            CLUSTER_HEADER.to_owned(),
        )),
        timeout,
        // A watch may be silent for as long as it likes.
        idle_timeout: match class {
            // The listener's own: nothing moved for so long that nobody reads it.
            Class::Unary | Class::Export => None,
            Class::Stream => proto::seconds(0),
        },
        max_stream_duration: match class {
            Class::Unary => Some(rds::route_action::MaxStreamDuration {
                max_stream_duration: proto::seconds(UNARY_DURATION),
                ..Default::default()
            }),
            Class::Stream | Class::Export => None,
        },
        retry_policy: Some(repeat.policy()),
        ..Default::default()
    };
    rds::Route {
        name: class.as_str().to_owned(),
        r#match: Some(rds::RouteMatch {
            path_specifier: Some(rds::route_match::PathSpecifier::Prefix("/".to_owned())),
            headers: [
                repeat.matchers(),
                vec![rds::HeaderMatcher {
                    name: CLASS_HEADER.to_owned(),
                    header_match_specifier: Some(
                        rds::header_matcher::HeaderMatchSpecifier::StringMatch(StringMatcher {
                            match_pattern: Some(string_matcher::MatchPattern::Exact(
                                class.as_str().to_owned(),
                            )),
                            ..Default::default()
                        }),
                    ),
                    ..Default::default()
                }],
            ]
            .concat(),
            ..Default::default()
        }),
        request_body_buffer_limit: retry::kept_body(),
        action: Some(rds::route::Action::Route(action)),
        ..Default::default()
    }
}
