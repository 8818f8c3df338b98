//! Applications behind an API server's proxy: their paths are their own, and what they
//! refer to is found at the gateway.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use anyhow::{Result, bail, ensure};
use cubegate_tests::faults::{Script, Scripted, send, whole};
use serde_json::json;

use crate::support::{World, cube, in_the_playground, in_the_world, kube};

const PROXY: &str = "/api/v1/namespaces/shop/services/web:80/proxy";

/// The forms of path to a place in a cluster.
fn forms(cluster: &str, path: &str) -> [String; 3] {
    let infix = path.replacen("/api/", &format!("/api/clusters/{cluster}/"), 1);
    [kube(cluster, path), cube(cluster, path), infix]
}

/// An application that answers with the path that it was asked, and sends everybody from
/// `/old` to `/login`.
fn application(head: &str) -> Script {
    let path = head.split(' ').nth(1).unwrap_or_default();
    if path.ends_with("/old") {
        return redirect("/login");
    }
    vec![send(format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{path}",
        path.len()
    ))]
}

fn redirect(location: &str) -> Script {
    vec![send(format!(
        "HTTP/1.1 302 Found\r\nLocation: {location}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    ))]
}

/// An address of this machine that an API server takes for an application's: no loopback.
fn own_address() -> Result<Ipv4Addr> {
    let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    // The second column, in the machine's order of bytes (little-endian), is a network.
    let networks = routes.lines().filter_map(|line| {
        let network = line.split_whitespace().nth(1)?;
        let network = u32::from_str_radix(network, 16).ok()?.swap_bytes();
        (network != 0).then(|| Ipv4Addr::from(network | 1))
    });
    let somewhere = std::iter::once(Ipv4Addr::new(192, 0, 2, 1));
    for to in somewhere.chain(networks) {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        // Nothing is sent: the system says from where it would be.
        if socket.connect((to, 9)).is_ok()
            && let SocketAddr::V4(own) = socket.local_addr()?
            && !own.ip().is_loopback()
        {
            return Ok(*own.ip());
        }
    }
    bail!(
        "this machine has no address but loopback, and API servers proxy to none of those; run: ip addr add 192.0.2.2/24 dev lo"
    )
}

/// Starts the application and has it for that of a pod of a real cluster. Gives its path
/// there.
async fn pod(world: &World) -> Result<(Scripted, String)> {
    let address = own_address()?;
    let upstream = Scripted::answering_at(address, application).await?;
    let server = &world.stack.member.kube;
    let namespace = server.namespace("applications").await?;
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" },
        "spec": { "containers": [{ "name": "web", "image": "web" }] },
    });
    server.create(&pods, &pod).await?;
    // A kubelet would say so.
    let status = json!({ "status": { "podIP": address, "podIPs": [{ "ip": address }] } });
    let client = server.client();
    let patch = client.patch(&format!("{pods}/web/status"));
    patch
        .header("content-type", "application/merge-patch+json")
        .body(status.to_string())
        .send()
        .await?
        .expect(200)?;
    let proxy = format!("{pods}/web:{}/proxy", upstream.port());
    Ok((upstream, proxy))
}

#[test]
fn redirects_of_an_api_server_and_of_an_application_lead_back_to_the_same_cluster() -> Result<()> {
    in_the_world(async |world| {
        let (_upstream, proxy) = pod(world).await?;
        let client = world.gateway.admin().await?;
        for form in forms("member-1", &proxy) {
            // The API server's own, for the slash that is missing.
            let answer = client.get(&form).send().await?;
            ensure!(matches!(answer.status, 301 | 302), "{}", answer.describe());
            assert_eq!(answer.header("location"), Some(format!("{form}/")));
            // The application's, as the API server has written it anew.
            let answer = client.get(&format!("{form}/old")).send().await?;
            let answer = answer.expect(302)?;
            assert_eq!(answer.header("location"), Some(format!("{form}/login")));
            let followed = client.get(&format!("{form}/login")).send().await?;
            assert_eq!(followed.expect(200)?.text(), "/login");
        }
        Ok(())
    })
}

#[test]
fn an_applications_path_comes_to_it_as_the_api_server_itself_would_bring_it() -> Result<()> {
    in_the_world(async |world| {
        let (_upstream, proxy) = pod(world).await?;
        let client = world.gateway.admin().await?;
        let direct = world.stack.member.kube.client();
        for own in [
            "/api/queues/%2F/orders",
            "/api/v4/projects/shop%2Fweb",
            "/bucket//a",
            "/a%5C..%5Cb",
            "/a%20b?next=%2F..%2F",
        ] {
            let theirs = direct.get(&format!("{proxy}{own}")).send().await?;
            let theirs = theirs.expect(200)?.text();
            for form in forms("member-1", &proxy) {
                let answer = client.get(&format!("{form}{own}")).send().await?;
                assert_eq!(answer.expect(200)?.text(), theirs, "{form}{own}");
            }
        }
        Ok(())
    })
}

#[test]
fn behind_proxy_a_path_stays_as_it_is_and_before_it_has_one_way_to_be_read() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Scripted::answering(application).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        for own in ["/%2F//", "/a%5C..%5Cb", "//", "/", ""] {
            for form in forms(&cluster, PROXY) {
                let answer = client.get(&format!("{form}{own}")).send().await?;
                assert_eq!(answer.expect(200)?.text(), format!("{PROXY}{own}"));
            }
        }
        for climbing in ["/../secrets", "/%2e%2E/a", "/..%2F..%2Fa"] {
            let path = kube(&cluster, &format!("{PROXY}{climbing}"));
            client.get(&path).send().await?.kube_error(400)?;
        }
        for (sent, read) in [
            ("//api/v1//pods", "/api/v1/pods"),
            (
                "/api//v1/namespaces/shop/services/web:80/proxy/b//a",
                "/api/v1/namespaces/shop/services/web:80/proxy/b//a",
            ),
        ] {
            let answer = client.get(&kube(&cluster, sent)).send().await?;
            assert_eq!(answer.expect(200)?.text(), read);
        }
        let encoded = kube(&cluster, "/api/v1/namespaces/shop/services%2Fweb:80/proxy/");
        client.get(&encoded).send().await?.kube_error(400)?;
        Ok(())
    })
}

#[test]
fn no_redirect_names_an_address_of_the_members_own() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Scripted::answering(|head| {
            let host = head
                .lines()
                .find_map(|line| line.strip_prefix("host: "))
                .unwrap_or_default();
            if head.contains("/elsewhere") {
                redirect("https://login.example.org/authorize")
            } else {
                redirect(&format!("http://{host}{PROXY}/login?a=b"))
            }
        })
        .await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        for form in forms(&cluster, PROXY) {
            let answer = client.get(&format!("{form}/")).send().await?;
            let location = answer.expect(302)?.header("location");
            assert_eq!(location, Some(format!("{form}/login?a=b")));
            let answer = client.get(&format!("{form}/elsewhere")).send().await?;
            let location = answer.expect(302)?.header("location");
            assert_eq!(
                location.as_deref(),
                Some("https://login.example.org/authorize")
            );
        }
        Ok(())
    })
}

#[test]
fn an_application_gets_no_cookie_and_sets_none() -> Result<()> {
    in_the_playground(async |playground| {
        let body = "{}";
        let upstream = Scripted::answering(move |_| {
            let mut script = whole(body);
            script[0] = send(
                "HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=1; Path=/app\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
            );
            script
        })
        .await?;
        let cluster = playground.cluster(upstream.port()).await?;
        for form in forms(&cluster, PROXY) {
            let client = playground.client()?;
            let request = client.get(&format!("{form}/"));
            let answer = request.header("cookie", "JSESSIONID=1").send().await?;
            assert_eq!(answer.expect(200)?.header("set-cookie"), None);
        }
        for head in upstream.heads()? {
            ensure!(!head.to_ascii_lowercase().contains("cookie"), "{head}");
        }
        Ok(())
    })
}
