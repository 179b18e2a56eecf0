//! The client against a server of one thread.

use std::io::Read as _;
use std::net::TcpListener;

use super::*;
use crate::http::testing::server;

const OK: &str =
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Name: a\r\nConnection: close\r\n\r\nhello";
const TEAPOT: &str = "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const MOVED: &str =
    "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const ASKS: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn request(method: &str, url: String) -> Request {
    let body = (method == "POST").then(|| b"a=b".to_vec());
    Request {
        method: method.to_owned(),
        url,
        headers: Vec::new(),
        body,
    }
}

fn sent(settings: Settings, request: Request) -> Response {
    Client::new(settings).unwrap().send(request).unwrap()
}

#[test]
fn an_answer_comes_with_its_headers_and_content() {
    let (url, asked) = server(vec![OK]);
    let mut response = sent(Settings::default(), request("GET", url));
    let mut content = String::new();
    response.body.read_to_string(&mut content).unwrap();
    assert_eq!((response.status, content.as_str()), (200, "hello"));
    assert_eq!(response.header("x-name"), Some("a"));
    assert!(
        asked
            .recv()
            .unwrap()
            .to_lowercase()
            .contains("user-agent: ansible-httpget")
    );
}

#[test]
fn an_error_is_an_answer() {
    let (url, _asked) = server(vec![TEAPOT]);
    assert_eq!(sent(Settings::default(), request("GET", url)).status, 418);
}

#[test]
fn a_post_goes_on_as_get_and_leaves_its_body_behind() {
    let (url, asked) = server(vec![MOVED, OK]);
    let response = sent(Settings::default(), request("POST", url.clone()));
    assert_eq!(
        (response.status, response.url),
        (200, format!("{url}/next"))
    );
    assert!(asked.recv().unwrap().ends_with("a=b"));
    let second = asked.recv().unwrap();
    assert!(second.starts_with("GET /next ") && second.ends_with("\r\n\r\n"));
}

#[test]
fn redirects_can_be_refused() {
    for (redirects, method) in [(Redirects::None, "GET"), (Redirects::Safe, "POST")] {
        let (url, _asked) = server(vec![MOVED]);
        let settings = Settings {
            redirects,
            ..Settings::default()
        };
        assert_eq!(sent(settings, request(method, url)).status, 302);
    }
}

#[test]
fn credentials_are_sent_when_they_are_asked_for() {
    let (url, asked) = server(vec![ASKS, OK]);
    let url = url.replace("http://", "http://me:s%20ecret@");
    assert_eq!(sent(Settings::default(), request("GET", url)).status, 200);
    assert!(!asked.recv().unwrap().contains("Basic"));
    assert!(asked.recv().unwrap().contains("Basic bWU6cyBlY3JldA=="));
}

#[test]
fn credentials_do_not_follow_to_another_host() {
    let (other, asked) = server(vec![OK]);
    let moved = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        other.replace("127.0.0.1", "localhost")
    );
    let (url, _first) = server(vec![Box::leak(moved.into_boxed_str())]);
    let settings = Settings {
        credentials: Some(("me".to_owned(), "secret".to_owned())),
        credentials_at_once: true,
        ..Settings::default()
    };
    let mut first = request("GET", url);
    first.headers.push(("Cookie".to_owned(), "a=b".to_owned()));
    assert_eq!(sent(settings, first).status, 200);
    let seen = asked.recv().unwrap().to_lowercase();
    assert!(
        !seen.contains("basic") && !seen.contains("cookie"),
        "{seen}"
    );
}

#[test]
fn nobody_there_is_said_as_python_says_it() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = Client::new(Settings::default())
        .unwrap()
        .send(request("GET", format!("http://{free}/")));
    assert_eq!(
        error.err().unwrap().to_string(),
        "Request failed: <urlopen error [Errno 111] Connection refused>"
    );
}

#[test]
fn a_digest_is_answered() {
    const DIGEST: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let (url, asked) = server(vec![DIGEST, OK]);
    let settings = Settings {
        credentials: Some(("me".to_owned(), "secret".to_owned())),
        ..Settings::default()
    };
    assert_eq!(
        sent(settings, request("GET", format!("{url}/a?b"))).status,
        200
    );
    asked.recv().unwrap();
    let second = asked.recv().unwrap();
    assert!(
        second.contains("uri=\"/a?b\"") && second.contains("qop=auth"),
        "{second}"
    );
}

#[test]
fn cookies_follow_along_the_way() {
    const SETS: &str = "HTTP/1.1 302 Found\r\nSet-Cookie: a=1; Path=/\r\nLocation: /next\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let (url, asked) = server(vec![SETS, OK]);
    let response = sent(Settings::default(), request("GET", url));
    assert_eq!(response.cookies, [("a".to_owned(), Some("1".to_owned()))]);
    assert!(!asked.recv().unwrap().to_lowercase().contains("cookie"));
    assert!(asked.recv().unwrap().to_lowercase().contains("cookie: a=1"));
}

#[test]
fn a_proxy_is_told_the_whole_address() {
    let (proxy, asked) = server(vec![OK]);
    let proxy = proxy.replace("http://", "http://u:p@");
    let settings = Settings {
        proxies: vec![("http".to_owned(), proxy)],
        ..Settings::default()
    };
    let response = sent(
        settings,
        request("GET", "http://far.example:81/a?b".to_owned()),
    );
    assert_eq!(
        (response.status, response.url.as_str()),
        (200, "http://far.example:81/a?b")
    );
    let seen = asked.recv().unwrap();
    assert!(
        seen.starts_with("GET http://far.example:81/a?b HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(
        seen.to_lowercase().contains("proxy-authorization: basic"),
        "{seen}"
    );
}

#[test]
fn a_unix_socket_takes_the_place_of_the_host() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let served = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        reader.get_mut().write_all(OK.as_bytes()).unwrap();
        line
    });
    let settings = || Settings {
        unix_socket: Some(path.to_string_lossy().into_owned()),
        ..Settings::default()
    };
    let url = "http://no-such-host.invalid/v1/info".to_owned();
    assert_eq!(sent(settings(), request("GET", url.clone())).status, 200);
    assert_eq!(served.join().unwrap(), "GET /v1/info HTTP/1.1\r\n");
    std::fs::remove_file(&path).unwrap();
    let error = Client::new(settings())
        .unwrap()
        .send(request("GET", url))
        .err()
        .unwrap();
    assert!(error.to_string().contains("Invalid Socket File"), "{error}");
}

#[test]
fn a_packed_answer_is_unpacked_where_that_is_wanted() {
    for unpack in [true, false] {
        let (url, _asked) =
            crate::http::testing::served(vec![crate::http::testing::packed(b"hello")]);
        let settings = Settings {
            unpack,
            ..Settings::default()
        };
        let mut bytes = Vec::new();
        sent(settings, request("GET", url))
            .body
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(bytes == b"hello", unpack);
    }
}
