//! What time an API server has.

use cubegate_domain::Cluster;
use http::{Request, header};
use kube::client::Body;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::timeout;

use crate::client;
use crate::probe::{MAX_ANSWER_BYTES, PROBE_TIMEOUT};

/// Asks for it, to the second; `None` when the server does not say.
pub async fn server_time(cluster: &Cluster) -> Option<OffsetDateTime> {
    let config = client::config(&cluster.server, &cluster.tls, &cluster.credential).ok()?;
    let client = client::connect(config, MAX_ANSWER_BYTES).ok()?;
    let request = Request::get("/version").body(Body::empty()).ok()?;
    let answer = timeout(PROBE_TIMEOUT, client.send(request))
        .await
        .ok()?
        .ok()?;
    let date = answer.headers().get(header::DATE)?.to_str().ok()?;
    OffsetDateTime::parse(date, &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_http_is_read() {
        let date = "Sun, 29 Nov 2026 07:47:18 GMT";
        let read = OffsetDateTime::parse(date, &Rfc2822).unwrap();
        assert_eq!(read.unix_timestamp(), 1_795_938_438);
    }
}
