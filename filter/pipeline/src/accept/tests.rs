use super::*;

fn headers(name: &str, values: &[&str]) -> Headers {
    let pairs: Vec<_> = values.iter().map(|value| (name, *value)).collect();
    Headers::of(&pairs)
}

fn gzip(values: &[&str]) -> bool {
    takes_gzip(&headers("accept-encoding", values))
}

fn form(values: &[&str]) -> Form {
    Form::of(&headers("accept", values))
}

#[test]
fn gzip_is_for_those_who_want_it() {
    for wanted in [
        "gzip",
        "GZIP",
        "x-gzip",
        "gzip, deflate, br",
        "*",
        "br;q=1.0, gzip;q=0.5",
        "gzip;q=0.001",
        "identity;q=0, *",
        "identity;q=0.5, gzip;q=0.5",
        "deflate , gzip ; q=0.8",
    ] {
        assert!(gzip(&[wanted]), "{wanted}");
    }
    assert!(gzip(&["br", "gzip"]), "two headers are one list");
}

#[test]
fn nobody_else_gets_gzip() {
    for other in [
        "",
        "identity",
        "br, deflate",
        "gzip;q=0",
        "gzip;q=0.000",
        "gzip;q=0, *",
        "*;q=0",
        "identity, gzip;q=0.5",
        "identity;q=0",
        "gzip;q=x",
        "gzip;q=-1",
        "gzip;q=2",
        "gzipped",
    ] {
        assert!(!gzip(&[other]), "{other}");
    }
    assert!(!gzip(&[]));
}

#[test]
fn kubectl_asks_for_a_table() {
    let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
    assert_eq!(form(&[kubectl]), Form::Table(TableVersion::V1));
    let older = "application/json; as=Table; v=v1beta1; g=meta.k8s.io";
    assert_eq!(form(&[older]), Form::Table(TableVersion::V1Beta1));
    let weighed = "application/json;q=0.1, application/json;as=Table;g=meta.k8s.io;v=v1;q=0.9";
    assert_eq!(form(&[weighed]), Form::Table(TableVersion::V1));
}

#[test]
fn plain_json_is_what_names_no_other_form() {
    for plain in [
        "",
        "*/*",
        "application/json",
        "text/html, application/json;q=0.9",
        "\u{fffd}",
    ] {
        assert_eq!(form(&[plain]), Form::List, "{plain}");
    }
    assert_eq!(form(&[]), Form::List);
}

#[test]
fn other_forms_are_left_alone() {
    for other in [
        "application/vnd.kubernetes.protobuf",
        "application/json, application/yaml",
        "application/cbor",
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=Table;v=v1;g=meta.k8s.io;q=0.5",
        "application/json, application/json;as=Table;v=v1;g=meta.k8s.io;q=0.5",
        "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io",
        "application/json;as=Table;v=v2;g=meta.k8s.io",
        "application/json;as=Table;v=v1;g=example.org",
        "application/json;as=Table;v=v1;g=meta.k8s.io;q=0",
    ] {
        assert_eq!(form(&[other]), Form::Other, "{other}");
    }
}
