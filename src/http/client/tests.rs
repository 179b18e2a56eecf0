//! The client against a server of one thread.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// Serves the answers in order, one connection each, and reports what was asked.
fn server(answers: Vec<&'static str>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                })
                .unwrap_or(0);
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            sender
                .send(head + &String::from_utf8(body).unwrap())
                .unwrap();
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, asked)
}

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
fn proxies_come_from_the_environment() {
    let mut settings = Settings::default();
    settings.proxy_from(|name| match name {
        "http_proxy" => Some("http://proxy:3128".to_owned()),
        "NO_PROXY" => Some("localhost, .example".to_owned()),
        _ => None,
    });
    let proxy = |url| settings.proxy_for(url);
    assert_eq!(proxy("http://host/x"), Some("http://proxy:3128"));
    assert_eq!(proxy("https://host/x"), None);
    assert_eq!(proxy("http://localhost:80/x"), None);
    assert_eq!(proxy("http://a.example/x"), None);
    assert_eq!(proxy("http://notexample/x"), Some("http://proxy:3128"));
}
