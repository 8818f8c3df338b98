use super::*;
use crate::plan::Plan;

fn parse(resource: &str, raw_query: &str) -> ListRequest {
    super::parse(resource, raw_query, &[])
}

/// Which of the items pass, by index.
fn passing(resource: &str, raw_query: &str, items: &[&str]) -> Vec<usize> {
    let plan = Plan::new(&parse(resource, raw_query).query.unwrap());
    (0..items.len())
        .filter(|index| plan.wants(items[*index]))
        .collect()
}

fn error(resource: &str, raw_query: &str) -> String {
    let request = parse(resource, raw_query);
    request.query.expect_err(raw_query).to_string()
}

const LABELLED: [&str; 4] = [
    r#"{"metadata":{"name":"a","labels":{"os":"linux","n":"5"},"annotations":{"note":"x y=z"}}}"#,
    r#"{"metadata":{"name":"b","labels":{"os":"windows","n":"x"}}}"#,
    r#"{"metadata":{"name":"c","labels":{"os":"","ks.io/n":"1"}}}"#,
    r#"{"metadata":{"name":"d"}}"#,
];

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[test]
fn label_selectors_are_those_of_kubernetes() {
    for (selector, passes) in [
        ("", &[0, 1, 2, 3][..]),
        (" ", &[0, 1, 2, 3]),
        ("os", &[0, 1, 2]),
        ("!os", &[3]),
        ("os=linux", &[0]),
        ("os == linux , n = 5", &[0]),
        ("os!=linux", &[1, 2, 3]),
        ("os=", &[2]),
        ("os in (linux,windows)", &[0, 1]),
        ("os in (linux,)", &[0, 2]),
        ("os in ()", &[2]),
        ("os notin (linux)", &[1, 2, 3]),
        ("n>4", &[0]),
        ("n<6,os", &[0]),
        ("ks.io/n", &[2]),
        ("os=in", &[]),
    ] {
        let query = format!("labelSelector={}", encoded(selector));
        assert_eq!(passing("nodes", &query, &LABELLED), passes, "{selector}");
    }
}

#[test]
fn an_invalid_label_selector_is_an_error_that_names_it() {
    for selector in [
        "os:linux",
        "os=a b",
        "os=*",
        "os,",
        ",os",
        "os in linux",
        "os in (linux",
        "os in (a b)",
        "!os=linux",
        "in (a)",
        "-os",
        "Ks.io/n",
        "a/b/c",
        "n>x",
        "n>",
        "os=-a",
        "=a",
        "os===a",
        &"x".repeat(64),
    ] {
        let message = error("nodes", &format!("labelSelector={}", encoded(selector)));
        assert!(
            message.starts_with("the parameter labelSelector cannot be read at character "),
            "{selector}: {message}"
        );
    }
    assert_eq!(
        error("nodes", "labelSelector=a%3Db%20c"),
        "the parameter labelSelector cannot be read at character 5: a comma or the end is expected"
    );
}

#[test]
fn label_and_annotation_take_selectors_and_the_forms_of_v3_0() {
    for (query, passes) in [
        ("label=os", &[0, 1, 2][..]),
        ("label=os%3D*", &[0, 1, 2]),
        ("label=os%3Dlinux", &[0]),
        ("label=os!%3Dlinux", &[1, 2]),
        ("label=os%20notin%20(linux)", &[1, 2, 3]),
        ("label=os%20in%20(linux),n%3D5", &[0]),
        ("label=!os", &[3]),
        ("label=os:linux", &[]),
        ("label=", &[]),
        ("annotation=note", &[0]),
        ("annotation=note%3Dx%20y%3Dz", &[0]),
        ("annotation=note!%3Dx%20y", &[0]),
        ("annotation=note%3Dx", &[]),
    ] {
        assert_eq!(passing("nodes", query, &LABELLED), passes, "{query}");
    }
}

#[test]
fn field_selectors_take_any_field() {
    let items = [
        r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"nodeName":"x","unschedulable":true},"type":"a,b"}"#,
        r#"{"metadata":{"name":"b"},"status":{"phase":"Running"}}"#,
    ];
    for (selector, passes) in [
        ("", &[0, 1][..]),
        ("metadata.name=a", &[0]),
        ("metadata.name==b,status.phase=Running", &[1]),
        ("metadata.name!=a", &[1]),
        ("spec.nodeName=", &[1]),
        ("spec.unschedulable=false", &[1]),
        ("spec.unschedulable=true", &[0]),
        (r"type=a\,b", &[0]),
    ] {
        let query = format!("fieldSelector={}", encoded(selector));
        assert_eq!(passing("pods", &query, &items), passes, "{selector}");
    }
    for bad in ["a", "a=b=c", r"a=\b", "=a", "a..b=c"] {
        let message = error("pods", &format!("fieldSelector={}", encoded(bad)));
        assert!(message.contains("fieldSelector"), "{bad}: {message}");
    }
}

#[test]
fn filters_are_those_of_the_resource_and_unknown_ones_are_ignored() {
    let items = [
        r#"{"metadata":{"name":"a","uid":"1","ownerReferences":[{"kind":"X","uid":"7"},{"kind":"Y","uid":"8"}]},
            "spec":{"nodeName":"n","storageClassName":"fast","volumes":[{"emptyDir":{}},{"persistentVolumeClaim":{"claimName":"c"}}]},
            "status":{"phase":"Bound","podIP":"10.0.0.1"}}"#,
        r#"{"metadata":{"name":"ab","namespace":"demo"},"status":{"phase":"Lost"}}"#,
    ];
    for (resource, query, passes) in [
        ("pods", "name=b", &[1][..]),
        ("pods", "name=", &[0, 1]),
        ("pods", "name=B", &[]),
        ("pods", "names=ab,x", &[1]),
        ("pods", "names=%20ab", &[]),
        ("pods", "names=", &[]),
        ("pods", "uid=1", &[0]),
        ("pods", "namespace=demo", &[1]),
        ("pods", "ownerReference=8", &[0]),
        ("pods", "ownerKind=Y", &[0]),
        ("pods", "ownerKind=y", &[]),
        ("pods", "nodeName=n", &[0]),
        ("pods", "pvcName=c", &[0]),
        ("pods", "phase=Lost", &[1]),
        ("pods", "podIP=10.0.0.1", &[0]),
        ("persistentvolumeclaims", "status=bOUND", &[0]),
        ("persistentvolumeclaims", "phase=bound|lost", &[0, 1]),
        ("persistentvolumeclaims", "storageClassName=fast", &[0]),
        ("persistentvolumeclaims", "storageClassName=", &[]),
        ("namespaces", "status=Lost", &[1]),
        ("secrets", "status=Lost", &[0, 1]),
        ("secrets", "nodeName=n", &[0, 1]),
        ("secrets", "orderBy=name&_=123&watch=true", &[0, 1]),
        ("pods", "name=x&name=a", &[]),
        ("pods", "name=%zz&name=ab", &[1]),
    ] {
        assert_eq!(
            passing(resource, query, &items),
            passes,
            "{resource}?{query}"
        );
    }
}

#[test]
fn pages_are_cut_as_kubesphere_cuts_them() {
    let cut = |limit: &str, number: &str| {
        let request = parse("pods", &format!("limit={limit}&page={number}"));
        let page = request.query.unwrap().page;
        (page.offset, page.limit)
    };
    let everything = (0, u64::MAX);
    assert_eq!(cut("2", "3"), (4, 2));
    assert_eq!(cut("2", "x"), (0, 2));
    assert_eq!(cut("0", "1"), (0, 0));
    assert_eq!(cut("-1", "7"), everything);
    assert_eq!(cut("x", "7"), everything);
    assert_eq!(cut("99999999999999999999", "1"), everything);
    assert_eq!(cut("-5", "1"), (0, 0));
    assert_eq!(cut("2", "0"), (0, 0));
    assert_eq!(cut("2", "-1"), (0, 0));
    assert_eq!(cut("-5", "-1"), (0, 0));
    assert_eq!(cut("9223372036854775807", "3"), (0, 0));
    assert_eq!(
        cut("9223372036854775807", "2"),
        (9223372036854775807, 9223372036854775807)
    );
    assert_eq!(
        parse("pods", "page=2").query.unwrap().page,
        Page::EVERYTHING
    );
}

#[test]
fn a_label_selector_goes_upstream_and_nothing_else_does() {
    let request = parse(
        "pods",
        "name=a&labelSelector=a%20in%20(b,c)&limit=5&watch=true",
    );
    assert_eq!(
        request.upstream_query,
        "labelSelector=a%20in%20%28b%2Cc%29&pretty=false"
    );
    assert!(request.decides_page());
    assert_eq!(
        parse("pods", "labelSelector=").upstream_query,
        "pretty=false"
    );
}

#[test]
fn a_hostile_query_is_bounded() {
    let many = vec!["a=b"; 65].join("&");
    assert!(error("pods", &many).contains("64 parameters"));
    let names = format!("names={}", ",".repeat(1024));
    assert!(error("pods", &names).contains("1024 names"));
    let labels = format!("labelSelector={}", vec!["a"; 65].join(","));
    assert!(error("pods", &labels).contains("64 requirements"));
    let fields = format!("fieldSelector={}", vec!["a=b"; 65].join(","));
    assert!(error("pods", &fields).contains("64 conditions"));
}

#[test]
fn all_parameters_together_have_a_bound_beside_the_services() {
    let conditions = |count: usize, sign: &str| {
        let all: Vec<String> = (0..count).map(|n| format!("a{n}{sign}b")).collect();
        all.join(",")
    };
    let services: Vec<Service> = (0..200)
        .map(|n| Service {
            namespace: format!("n{n}"),
            selector: [("app".to_owned(), "web".to_owned())].into(),
        })
        .collect();
    let query = |fields: usize| {
        let raw = format!(
            "labelSelector={}&label={}&fieldSelector={}",
            conditions(64, "%3D"),
            conditions(62, "%3D"),
            conditions(fields, "%3D")
        );
        let alone = super::parse("pods", &raw, &[]).query;
        let with = super::parse("pods", &format!("{raw}&serviceName=web"), &services).query;
        (alone, with)
    };
    let (alone, with) = query(2);
    assert!(alone.is_ok() && with.is_ok());
    let (alone, with) = query(3);
    assert_eq!(alone, with);
    assert!(with.unwrap_err().to_string().contains("128 conditions"));
}

#[test]
fn the_pods_of_a_service_are_those_that_it_selects() {
    const PODS: [&str; 4] = [
        r#"{"metadata":{"name":"a","namespace":"x","labels":{"app":"web","k8s.io/tier":"front"}}}"#,
        r#"{"metadata":{"name":"b","namespace":"x","labels":{"app":"web"}}}"#,
        r#"{"metadata":{"name":"c","namespace":"y","labels":{"app":"web","k8s.io/tier":"front"}}}"#,
        r#"{"metadata":{"name":"d","namespace":"z"}}"#,
    ];
    let service = |namespace: &str, labels: &[(&str, &str)]| Service {
        namespace: namespace.to_owned(),
        selector: labels
            .iter()
            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
            .collect(),
    };
    let passing = |services: &[Service]| -> Vec<usize> {
        let request = super::parse("pods", "serviceName=web", services);
        let plan = Plan::new(&request.query.unwrap());
        (0..PODS.len())
            .filter(|index| plan.wants(PODS[*index]))
            .collect()
    };
    let front = [("app", "web"), ("k8s.io/tier", "front")];
    assert_eq!(passing(&[service("x", &front)]), [0]);
    assert_eq!(passing(&[service("x", &[("app", "web")])]), [0, 1]);
    let both = [service("x", &front), service("y", &[("app", "web")])];
    assert_eq!(passing(&both), [0, 2]);
    assert!(passing(&[service("z", &[])]).is_empty());
    assert!(passing(&[]).is_empty());
}

#[test]
fn only_pods_are_asked_for_by_service() {
    assert_eq!(
        service_name("pods", "a=b&serviceName=w%65b&serviceName=x").as_deref(),
        Some("web")
    );
    assert_eq!(service_name("pods", "servicename=web"), None);
    assert_eq!(service_name("nodes", "serviceName=web"), None);
}

#[test]
fn users_are_asked_for_by_their_groups() {
    const USERS: [&str; 3] = [
        r#"{"metadata":{"name":"a"},"spec":{"groups":["dev","ops"]}}"#,
        r#"{"metadata":{"name":"b"},"spec":{"groups":["development"]}}"#,
        r#"{"metadata":{"name":"c"},"spec":{}}"#,
    ];
    assert_eq!(passing("users", "ingroup=dev", &USERS), [0]);
    assert_eq!(passing("users", "notingroup=dev", &USERS), [1, 2]);
    assert_eq!(passing("groups", "ingroup=dev", &USERS), [0, 1, 2]);
}
