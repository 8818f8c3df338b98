use super::*;

fn mk_server(url: &str) -> ApiServer {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, port) = rest.rsplit_once(':').unwrap();
    ApiServer {
        scheme: match scheme {
            "http" => Scheme::Http,
            _ => Scheme::Https,
        },
        host: host.trim_matches(['[', ']']).to_owned(),
        port: port.parse().unwrap(),
        path_prefix: String::new(),
    }
}

async fn check(policy: &AddressPolicy, url: &str) -> Result<(), AddressError> {
    policy.check(&mk_server(url)).await
}

fn mk_policy(allowed: &[&str], own: &[&str]) -> AddressPolicy {
    AddressPolicy::new(
        allowed.iter().map(|text| text.parse().unwrap()).collect(),
        own.iter().map(|text| text.parse().unwrap()).collect(),
    )
}

#[tokio::test]
async fn what_only_the_gateway_reaches_is_refused_in_every_form() {
    let policy = AddressPolicy::default();
    for (host, kind) in [
        ("127.0.0.1", "a loopback address"),
        ("127.9.9.9", "a loopback address"),
        ("[::1]", "a loopback address"),
        ("[::ffff:127.0.0.1]", "a loopback address"),
        ("[::7f00:1]", "a loopback address"),
        ("[64:ff9b::7f00:1]", "a loopback address"),
        ("[2002:7f00:1::]", "a loopback address"),
        ("localhost", "a loopback address"),
        ("0.0.0.0", "no address of a machine"),
        ("[::]", "no address of a machine"),
        ("0.1.2.3", "a reserved address"),
        ("255.255.255.255", "a reserved address"),
        ("240.0.0.1", "a reserved address"),
        ("169.254.169.254", "a link-local address"),
        ("[::ffff:169.254.169.254]", "a link-local address"),
        ("[fe80::1]", "a link-local address"),
        ("[febf::1]", "a link-local address"),
        ("224.0.0.1", "a multicast address"),
        ("[ff02::1]", "a multicast address"),
        ("168.63.129.16", "a cloud's metadata service"),
        ("100.100.100.200", "a cloud's metadata service"),
        ("[fd00:ec2::254]", "a cloud's metadata service"),
    ] {
        let refused = check(&policy, &format!("https://{host}:6443")).await;
        match refused {
            Err(AddressError::Kind { kind: is, .. }) => assert_eq!(is, kind, "{host}"),
            other => panic!("{host}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn where_clusters_are_is_taken_over_https_only() {
    let policy = AddressPolicy::default();
    for host in [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "203.0.113.1",
        "[fd00::1]",
        "[2001:db8::1]",
    ] {
        assert_eq!(
            check(&policy, &format!("https://{host}:6443")).await,
            Ok(())
        );
        let plain = check(&policy, &format!("http://{host}:8080")).await;
        assert!(matches!(plain, Err(AddressError::Plain { .. })), "{host}");
    }
}

#[tokio::test]
async fn an_operator_allows_networks_but_never_the_gateway_itself() {
    let own = ["127.0.0.1:9901", "0.0.0.0:8080", "203.0.113.9:18000"];
    let policy = mk_policy(&["127.0.0.0/8", "::1", "10.1.0.0/16"], &own);
    for url in [
        "https://127.0.0.1:6443",
        "http://127.0.0.1:6443",
        "http://[::1]:6443",
        "http://[::ffff:127.0.0.1]:6443",
        "http://10.1.2.3:80",
    ] {
        assert_eq!(check(&policy, url).await, Ok(()), "{url}");
    }
    let refused = check(&policy, "http://10.2.0.1:80").await;
    assert!(matches!(refused, Err(AddressError::Plain { .. })));
    let refused = check(&policy, "https://169.254.169.254:80").await;
    assert!(matches!(refused, Err(AddressError::Kind { .. })));
    for url in [
        "http://127.0.0.1:9901",
        "https://127.0.0.2:9901",
        "https://[::1]:9901",
        "https://localhost:8080",
        "https://[::ffff:127.0.0.1]:8080",
        "https://203.0.113.9:18000",
    ] {
        let refused = check(&policy, url).await;
        assert!(matches!(refused, Err(AddressError::Own { .. })), "{url}");
    }
    // The same port elsewhere is not ours.
    assert_eq!(check(&policy, "https://203.0.113.1:9901").await, Ok(()));
}

#[tokio::test]
async fn plain_http_is_taken_for_an_address_and_never_for_a_name() {
    let policy = mk_policy(&["127.0.0.0/8", "::1"], &[]);
    // Who owns a name lets it lead elsewhere once it is registered.
    for host in ["localhost", "127.1", "2130706433", "0x7f.0.0.1"] {
        let refused = check(&policy, &format!("http://{host}:6443")).await;
        let named = matches!(refused, Err(AddressError::PlainName { .. }));
        let unknown = matches!(refused, Err(AddressError::NotFound { .. }));
        assert!(
            named || unknown && host != "localhost",
            "{host}: {refused:?}"
        );
    }
    assert_eq!(check(&policy, "https://localhost:6443").await, Ok(()));
    assert_eq!(check(&policy, "http://127.0.0.1:6443").await, Ok(()));
    let refused = check(&AddressPolicy::default(), "http://localhost:6443").await;
    assert!(matches!(refused, Err(AddressError::Kind { .. })));
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_refused() {
    let refused = check(&AddressPolicy::default(), "https://nowhere.invalid:6443").await;
    assert_eq!(
        refused,
        Err(AddressError::NotFound {
            host: "nowhere.invalid".to_owned()
        })
    );
}

#[test]
fn a_network_is_written_in_cidr_form_or_as_an_address() {
    for good in ["10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1"] {
        assert!(good.parse::<ClusterNetwork>().is_ok(), "{good}");
    }
    for bad in ["", "10.0.0.0/33", "10.0.0", "*", "localhost", "10.0.0.0/a"] {
        assert_eq!(bad.parse::<ClusterNetwork>(), Err(ClusterNetworkError));
    }
}
