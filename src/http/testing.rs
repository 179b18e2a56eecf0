//! A server of one thread on the loopback for tests of the client and of the modules that use it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Serves the answers in order, one connection each, and reports what was asked. Returns its address.
pub fn server(answers: Vec<&str>) -> (String, Receiver<String>) {
    served(
        answers
            .into_iter()
            .map(|text| text.as_bytes().to_vec())
            .collect(),
    )
}

/// Serves answers that need not be text.
pub fn served(answers: Vec<Vec<u8>>) -> (String, Receiver<String>) {
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
            // A test that only looks at the answer has no use for what was asked.
            let _ = sender.send(head + &String::from_utf8_lossy(&body));
            // A client that has seen enough goes.
            let _ = reader.get_mut().write_all(&answer);
        }
    });
    (url, asked)
}

/// An answer of that status with headers (each with its line end) and a content.
pub fn answer(status: &str, headers: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    )
    .into_bytes();
    bytes.extend(content);
    bytes
}

/// An answer with a content, packed with gzip.
pub fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    answer(
        "200 OK",
        "Content-Encoding: gzip\r\n",
        &encoder.finish().unwrap(),
    )
}
