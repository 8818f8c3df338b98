//! The routes, and what they ask for.

use envoy_types::pb::envoy::config::route::v3 as rds;

use super::*;

#[test]
fn no_route_leads_anywhere_without_the_filters_pass() {
    let snapshot = mk_state(Vec::new()).snapshot(&mut Made::default()).unwrap();
    assert_eq!(document(&snapshot).pass, "0b");
    let routes = snapshot
        .get(ResourceType::RouteConfiguration, "gateway")
        .unwrap();
    let routes = rds::RouteConfiguration::decode(routes.value.as_ref()).unwrap();
    let host = routes.virtual_hosts.first().unwrap();
    let goes_out = "x-cubegate-pass".to_owned();
    assert!(host.request_headers_to_remove.contains(&goes_out));
    let mut asked = Vec::new();
    for route in &host.routes {
        let asks = route.r#match.as_ref().unwrap().headers.iter();
        let asks = asks.filter(|header| header.name == "x-cubegate-pass");
        let asks: Vec<String> = asks.map(|header| format!("{header:?}")).collect();
        match &route.action {
            Some(rds::route::Action::Route(_)) => {
                assert_eq!(asks.len(), 1, "{}", route.name);
                asked.extend(asks);
            }
            Some(rds::route::Action::DirectResponse(answer)) => assert_eq!(answer.status, 503),
            other => panic!("{other:?}"),
        }
    }
    for pass in ["0a", "0b", "0c"] {
        let times = asked
            .iter()
            .filter(|asked| asked.contains(&format!("{pass:?}")));
        assert_eq!(times.count(), 6, "two of each class: {asked:?}");
    }
    let last = host.routes.last().unwrap();
    assert!(last.r#match.as_ref().unwrap().headers.is_empty());
}
