//! One connection of the stand-in: requests one after the other, each answered as the options say.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value as Json, json};

use super::State;

const TICKET: &str = "PVE:ticket:6543210F::signature+/=";

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Counts a request as long as it is answered.
struct Counted<'a>(&'a State);

impl<'a> Counted<'a> {
    fn new(state: &'a State) -> Self {
        let now = state.now.fetch_add(1, Ordering::SeqCst) + 1;
        state.most.fetch_max(now, Ordering::SeqCst);
        Self(state)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Answers until the other side goes.
pub(super) fn serve(state: &State, stream: TcpStream) {
    // Without it every second small answer waits for the other side's acknowledgement.
    let _ = stream.set_nodelay(true);
    let stream: Box<dyn Stream> = match &state.options.tls {
        None => Box::new(stream),
        Some(config) => match rustls::ServerConnection::new(Arc::clone(config)) {
            Ok(connection) => Box::new(rustls::StreamOwned::new(connection, stream)),
            Err(_) => return,
        },
    };
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream) {
        let Some((status, body)) = answer(state, &request) else {
            return;
        };
        // As pveproxy does it, a refusal has no body at all.
        let body = if status == 401 {
            String::new()
        } else {
            body.to_string()
        };
        let text = format!(
            "HTTP/1.1 {status} {}\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
            reason(status),
            body.len()
        );
        let sent = stream.get_mut().write_all(text.as_bytes());
        if sent.and_then(|()| stream.get_mut().flush()).is_err() {
            return;
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        401 => "Authentication failed!",
        403 => "Permission check failed",
        501 => "Not implemented",
        _ => "Trouble",
    }
}

fn read(stream: &mut BufReader<Box<dyn Stream>>) -> Option<Request> {
    let mut line = String::new();
    if stream.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        method,
        path: path.strip_prefix("/api2/json").unwrap_or(&path).to_owned(),
        headers,
        body: String::new(),
    };
    let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Some(request)
}

/// Returns status and body, or nothing where the connection is to break.
fn answer(state: &State, request: &Request) -> Option<(u16, Json)> {
    let options = &state.options;
    let path = request.path.as_str();
    state
        .asked
        .lock()
        .unwrap()
        .push(format!("{} {path}", request.method));
    let _counted = path.starts_with("/nodes/").then(|| Counted::new(state));
    std::thread::sleep(options.delay);
    for (beginning, delay) in &options.slow {
        if path.starts_with(beginning.as_str()) {
            std::thread::sleep(*delay);
        }
    }
    for (fault, left) in options.faults.iter().zip(&state.left) {
        let due = path.starts_with(fault.path.as_str())
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        if due && fault.status == 0 {
            return None;
        }
        if due {
            return Some((
                fault.status,
                json!({"data": null, "message": "told to fail\n"}),
            ));
        }
    }
    if request.method == "POST" && path == "/access/ticket" {
        return Some(ticket(state, &request.body));
    }
    let open = options.token.is_none() && options.password.is_none();
    let token = request.header("authorization").strip_prefix("PVEAPIToken=");
    let by_token = options.token.is_some() && token == options.token.as_deref();
    let cookie = request
        .header("cookie")
        .strip_prefix("PVEAuthCookie=")
        .map(decoded);
    let by_ticket = options.password.is_some() && cookie.as_deref() == Some(TICKET);
    if !(open || by_token || by_ticket) {
        return Some((401, Json::Null));
    }
    if request.method != "GET" {
        return Some((
            501,
            json!({"data": null, "message": "this stand-in only reads\n"}),
        ));
    }
    Some(options.answers.get(path).or_else(|| options.answers.get(&decoded(path))).cloned().unwrap_or_else(|| {
        (
            501,
            json!({"data": null, "message": format!("Method 'GET {path}' not implemented\n")}),
        )
    }))
}

fn ticket(state: &State, form: &str) -> (u16, Json) {
    let field = |name: &str| {
        form.split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| decoded(value))
    };
    match &state.options.password {
        Some((user, password))
            if field("username").as_ref() == Some(user)
                && field("password").as_ref() == Some(password) =>
        {
            (
                200,
                json!({"data": {"username": user, "ticket": TICKET, "CSRFPreventionToken": "6543210F:x"}}),
            )
        }
        _ => (401, Json::Null),
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
