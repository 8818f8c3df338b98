use cubegate_list::ListRequest;

use super::*;

const LARGE: Lesson = Lesson {
    bytes: 8 << 20,
    metadata_bytes: 0,
    no_head: false,
    no_keys: false,
};

fn choose(path: &str, query: &str, lesson: Lesson) -> Way {
    let request = ListRequest::parse(query);
    way(&Question {
        path,
        upstream_query: &request.upstream_query,
        query: request.query.as_ref().unwrap(),
        lesson,
        metadata_first_bytes: 8 << 20,
    })
}

fn head(path: &str, query: &str) -> Option<u64> {
    match choose(path, query, Lesson::default()) {
        Way::Head { limit } => Some(limit),
        Way::Plain => None,
        Way::Keys => panic!("keys of a list of unknown size"),
    }
}

const PODS: &str = "/api/v1/namespaces/a/pods";

#[test]
fn a_namespaces_list_in_its_own_order_is_read_from_its_head() {
    assert_eq!(head(PODS, ""), Some(10));
    assert_eq!(head(PODS, "pageSize=3&pageNum=4"), Some(12));
    assert_eq!(head(PODS, "sortName=name&sortOrder=asc"), Some(10));
    assert_eq!(head(PODS, "selector="), Some(10));
    assert_eq!(head(PODS, "pageSize=0"), Some(1), "0 would be no limit");
    assert_eq!(head(PODS, "pageSize=500"), Some(500));
    assert_eq!(head("/apis/apps/v1/namespaces/a/deployments", ""), Some(10));
    assert_eq!(
        head("/apis/networking.k8s.io/v1/namespaces/a/ingresses", ""),
        Some(10)
    );
}

#[test]
fn so_is_what_belongs_to_no_namespace() {
    for path in [
        "/api/v1/namespaces",
        "/api/v1/nodes",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/storage.k8s.io/v1/storageclasses",
    ] {
        assert_eq!(head(path, ""), Some(10), "{path}");
    }
    for path in [
        "/api/v1/pods",
        "/apis/apps/v1/nodes",
        "/api/v1/componentstatuses",
    ] {
        assert_eq!(head(path, ""), None, "{path}");
    }
}

#[test]
fn another_order_or_selection_is_not_the_servers() {
    for query in [
        "sortName=metadata.creationTimestamp",
        "sortOrder=desc",
        "sortFunc=number",
        "selector=metadata.name~",
        "labelSelector=a%3Db",
        "fieldSelector=metadata.name%3Da",
        "limit=5&pageSize=5",
        "continue=x&pageSize=5",
        "resourceVersion=0&pageSize=5",
        "resourceVersionMatch=Exact&pageSize=5",
        "timeoutSeconds=1",
        "anything",
        "lim%69t=5&pageSize=5",
        "%zz=1",
        "pageSize=501",
        "pageSize=10&pageNum=51",
        "pageSize=9223372036854775807&pageNum=9223372036854775807",
    ] {
        assert_eq!(head(PODS, query), None, "{query}");
    }
}

#[test]
fn groups_of_other_servers_are_read_whole() {
    for path in [
        "/apis/metrics.k8s.io/v1beta1/namespaces/a/pods",
        "/apis/custom.metrics.k8s.io/v1beta1/namespaces/a/x",
        "/apis/example.org/v1/namespaces/a/things",
    ] {
        assert_eq!(choose(path, "", LARGE), Way::Plain, "{path}");
    }
}

#[test]
fn what_is_no_list_is_read_whole() {
    for path in [
        "/api/v1/namespaces/a",
        "/api/v1/namespaces/a/pods/p",
        "/api/v1/namespaces/a/pods/p/log",
        "/api/v1/namespaces/a/status",
        "/api/v1/namespaces/a/finalize",
        "/api/v1/nodes/n",
        "/api/v1/watch",
        "/api/v1/watch/pods",
        "/api/v1/namespaces/a/",
        "/api/v1/namespaces//pods",
        "/api/v1/",
        "/api/v1",
        "/api",
        "/apis//v1/pods",
        "/apis/apps/v1",
        "/version",
        "/",
        "",
        "/api/v1/namespaces/a%62/pods",
    ] {
        assert_eq!(choose(path, "", LARGE), Way::Plain, "{path}");
    }
}

#[test]
fn a_large_list_is_read_by_its_keys_when_metadata_decides() {
    for query in [
        "sortName=creationTimestamp&sortFunc=time&sortOrder=desc",
        "selector=metadata.labels.app=web,metadata.name~a",
        "pageSize=10&pageNum=400",
        "pageSize=50&sortOrder=desc",
        "sortOrder=desc&labelSelector=a%3Db",
    ] {
        assert_eq!(choose(PODS, query, LARGE), Way::Keys, "{query}");
        assert_eq!(choose("/api/v1/pods", query, LARGE), Way::Keys, "{query}");
        let small = Lesson {
            bytes: (8 << 20) - 1,
            ..LARGE
        };
        assert_eq!(choose(PODS, query, small), Way::Plain, "{query}");
        let useless = Lesson {
            no_keys: true,
            ..LARGE
        };
        assert_eq!(choose(PODS, query, useless), Way::Plain, "{query}");
    }
    assert_eq!(choose(PODS, "", LARGE), Way::Head { limit: 10 });
    let uncounted = Lesson {
        no_head: true,
        ..LARGE
    };
    assert_eq!(choose(PODS, "", uncounted), Way::Keys);
}

#[test]
fn what_needs_more_than_metadata_is_read_whole() {
    for query in [
        "sortName=status.phase",
        "sortName=metadata",
        "selector=spec.nodeName=n",
        "selector=metadata.name~a,kind~",
        "selector=metadatax.name~a",
        "pageSize=51&sortOrder=desc",
        "sortOrder=desc&fieldSelector=spec.nodeName%3Dn",
        "sortOrder=desc&limit=100",
        "sortOrder=desc&resourceVersion=0",
    ] {
        assert_eq!(choose(PODS, query, LARGE), Way::Plain, "{query}");
    }
}

#[test]
fn metadata_first_can_be_switched_off() {
    let request = ListRequest::parse("sortOrder=desc");
    let question = Question {
        path: PODS,
        upstream_query: &request.upstream_query,
        query: request.query.as_ref().unwrap(),
        lesson: LARGE,
        metadata_first_bytes: 0,
    };
    assert_eq!(way(&question), Way::Plain);
}

#[test]
fn lessons_are_bounded_and_forgotten_when_they_say_nothing() {
    let learned = Learned::default();
    for at in 0..3_000 {
        learned.learn(&format!("list-{at}"), |lesson| lesson.bytes = 1);
    }
    let known = (0..3_000).filter(|at| learned.of(&format!("list-{at}")).bytes > 0);
    assert_eq!(known.count(), 1_024);
    learned.learn("list-2999", |lesson| lesson.bytes = 0);
    assert_eq!(learned.of("list-2999"), Lesson::default());
    let long = "x".repeat(2_000);
    learned.learn(&long, |lesson| lesson.no_head = true);
    assert_eq!(learned.of(&long), Lesson::default());
}
