//! Pages that the browser is tried on: good ones, bad ones, and a console in miniature.

use anyhow::Result;
use cubegate_tests::Fixture;
use cubegate_tests::fixture::{Response, Seen};
use hyper::body::Bytes;

/// Nothing inline, as on the console's own pages.
const POLICY: &str = "default-src 'self'; base-uri 'none'";

const STYLE: &str = "
    :root { color-scheme: light dark; --ink: #111; --paper: #fff; }
    @media (prefers-color-scheme: dark) { :root { --ink: #eee; --paper: #111; } }
    body { color: var(--ink); background: var(--paper); font: 16px/1.5 sans-serif; }
    .tall { height: 2000px; }
    .wide { width: 2000px; }
    .faint { color: #aaa; background: #fff; }
    .unseen:focus { outline: none; }";

const SCRIPT: &str = "
    document.getElementById('script').textContent = 'scripts run';
    setTimeout(() => { document.getElementById('late').textContent = 'now it is here'; }, 300);";

/// A server of them.
pub(super) async fn serve() -> Result<Fixture> {
    Fixture::answering(answer).await
}

fn answer(request: &Seen) -> Result<(Response, Bytes)> {
    let chinese = request
        .headers("accept-language")
        .any(|accepted| accepted.starts_with("zh"));
    let knows = request
        .headers("cookie")
        .any(|cookie| cookie.contains("session=known"));
    let answer = http::Response::builder().header("content-security-policy", POLICY);
    let (answer, body) = match (request.method.as_str(), request.path.as_str()) {
        (_, "/style.css") => (answer.header("content-type", "text/css"), STYLE.to_owned()),
        (_, "/script.js") => (
            answer.header("content-type", "text/javascript"),
            SCRIPT.to_owned(),
        ),
        ("POST", "/console/login") if request.body == "name=admin&password=right" => (
            answer.status(303).header("location", "/console/").header(
                "set-cookie",
                "session=known; HttpOnly; SameSite=Strict; Path=/",
            ),
            String::new(),
        ),
        (_, "/console/") if !knows => (
            answer.status(303).header("location", "/console/login"),
            String::new(),
        ),
        (_, "/console/missing") => (
            answer
                .status(404)
                .header("content-type", "text/html; charset=utf-8"),
            document("<p>There is no such page</p>", false),
        ),
        (_, path) => match page(path) {
            Some(body) => (
                answer.header("content-type", "text/html; charset=utf-8"),
                document(body, chinese),
            ),
            None => (answer.status(404), String::new()),
        },
    };
    let body = Bytes::from(body);
    Ok((answer.body(http_body_util::Full::new(body.clone()))?, body))
}

fn document(body: &str, chinese: bool) -> String {
    let (language, title) = if chinese {
        ("zh-CN", "集群网关")
    } else {
        ("en", "Cubegate")
    };
    format!(
        "<!doctype html><html lang={language}><head><meta charset=utf-8><title>{title}</title>\
         <link rel=icon href=/style.css><link rel=stylesheet href=/style.css></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>"
    )
}

fn page(path: &str) -> Option<&'static str> {
    Some(match path {
        "/clean" => {
            "<p id=script>no scripts</p><p id=late></p><noscript><p>without</p></noscript>\
             <form action=/clean><label>Name <input name=name></label> <button>Save it</button></form>\
             <p><a href=/next>The next page</a></p><p class=tall>Said \"so\"</p>\
             <script src=/script.js></script>"
        }
        "/faulty" => {
            "<p class=faint>Hard to read</p><input name=unlabelled><img src=/style.css>\
             <script>document.title = 'inline'</script>"
        }
        "/next" => "<p>You are there</p>",
        "/unseen" => "<a class=unseen href=/next>Where am I</a>",
        "/console/login" => {
            "<form method=post action=/console/login>\
             <p><label>Name <input name=name></label></p>\
             <p><label>Password <input name=password type=password></label></p>\
             <button type=submit>Log in</button></form>"
        }
        "/console/" => "<p>Well done</p>",
        "/console/wide" => "<p class=wide>Endless</p>",
        "/console/faint" => "<p class=faint>Hard to read</p>",
        _ => return None,
    })
}
