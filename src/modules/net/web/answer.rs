//! What an address answered, in Ansible's words.

use std::io::Read;

use jiff::Timestamp;

use super::Unanswered;
use crate::http::{Response, anonymous, filename};
use crate::kit::Host;

/// An answer, of an error too.
pub(in crate::modules) struct Answer {
    /// Nothing for a file.
    pub(in crate::modules) status: Option<u16>,
    /// `OK (5 bytes)`, `HTTP Error 404: Not Found`.
    pub(in crate::modules) message: String,
    /// Where it came from, without credentials: after redirects, if it is no error.
    pub(in crate::modules) url: String,
    /// Headers, their names in lower case, several of one name joined.
    pub(in crate::modules) headers: Vec<(String, String)>,
    /// Names and values.
    pub(in crate::modules) cookies: Vec<(String, Option<String>)>,
    /// The content.
    pub(in crate::modules) body: Box<dyn Read + Send>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} of {}", self.message, self.url)
    }
}

impl Answer {
    /// Puts a server's answer to that address into Ansible's words.
    pub(super) fn of(asked: &str, response: Response) -> Self {
        let Response {
            status,
            reason,
            url,
            headers: given,
            cookies,
            body,
        } = response;
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in given {
            match headers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, before)) => {
                    before.push_str(", ");
                    before.push_str(&value);
                }
                None => headers.push((name, value)),
            }
        }
        let fine = (200..300).contains(&status);
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .map_or("unknown", |(_, value)| value.as_str());
        let message = if fine {
            format!("OK ({length} bytes)")
        } else {
            format!("HTTP Error {status}: {reason}")
        };
        Self {
            status: Some(status),
            message,
            url: anonymous(if fine { &url } else { asked }),
            headers,
            cookies,
            body,
        }
    }

    /// Returns a header's value.
    pub(in crate::modules) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Tells whether it is no error.
    pub(in crate::modules) fn is_fine(&self) -> bool {
        self.status
            .is_none_or(|status| (200..300).contains(&status))
    }

    /// Returns the name that the server gives the content: the last part of it alone, since a server shall not choose folders.
    pub(in crate::modules) fn given_name(&self) -> Option<String> {
        let header = self.header("content-disposition")?;
        let value = header.split(';').skip(1).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("filename")
                .then_some(value.trim())
        })?;
        let value = value.trim_matches('"');
        let name = value.rsplit('/').next().unwrap_or_default();
        (!matches!(name, "" | "." | "..")).then(|| name.to_owned())
    }

    /// Returns the last part of the address, readable: the name where the server gives none.
    pub(in crate::modules) fn name_in_url(&self) -> String {
        let name = decoded(&filename(self.url.trim_end_matches('/')));
        match name.rsplit('/').next() {
            Some(last) if !matches!(last, "" | "." | "..") => last.to_owned(),
            _ => "index.html".to_owned(),
        }
    }
}

/// Answers for a file of the host, as Python's library does.
pub(super) fn of_file(url: &str, host: &dyn Host) -> Result<Answer, Unanswered> {
    let rest = url.strip_prefix("file:").unwrap_or(url);
    let path = match rest.strip_prefix("//") {
        Some(place) => place
            .find('/')
            .and_then(|at| place.get(at..))
            .unwrap_or("/"),
        None => rest,
    };
    let path = decoded(path);
    let nobody =
        |cause: String| Unanswered::Nobody(format!("Request failed: <urlopen error {cause}>"));
    let status = host
        .status(&path, true)
        .map_err(|error| nobody(error.to_string()))?
        .ok_or_else(|| nobody(format!("[Errno 2] No such file or directory: '{path}'")))?;
    let body = host
        .open(&path)
        .map_err(|error| nobody(error.to_string()))?;
    let modified = Timestamp::from_second(status.times.modified.0)
        .map(|date| date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default();
    Ok(Answer {
        status: None,
        message: format!("OK ({} bytes)", status.size),
        url: url.to_owned(),
        headers: vec![
            ("content-length".to_owned(), status.size.to_string()),
            ("last-modified".to_owned(), modified),
        ],
        cookies: Vec::new(),
        body,
    })
}

/// Resolves `%20` and the like.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = match code {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;

    fn response(status: u16, headers: &[(&str, &str)]) -> Response {
        Response {
            status,
            reason: "Not Found".to_owned(),
            url: "http://host/there".to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            cookies: Vec::new(),
            body: Box::new(std::io::empty()),
        }
    }

    #[test]
    fn an_answer_reads_as_ansible_says_it() {
        let headers = [("content-length", "5"), ("x", "a"), ("x", "b")];
        let answer = Answer::of("http://u:p@host/", response(200, &headers));
        assert_eq!(
            (answer.message.as_str(), answer.url.as_str()),
            ("OK (5 bytes)", "http://host/there")
        );
        assert_eq!(answer.header("x"), Some("a, b"));
        let answer = Answer::of("http://u:p@host/", response(404, &[]));
        assert_eq!(answer.message, "HTTP Error 404: Not Found");
        assert_eq!(answer.url, "http://****:****@host/");
    }

    #[test]
    fn t10_a_server_does_not_choose_the_folder() {
        let named =
            |text| Answer::of("", response(200, &[("content-disposition", text)])).given_name();
        assert_eq!(
            named("attachment; filename=\"a b.txt\"").unwrap(),
            "a b.txt"
        );
        assert_eq!(
            named("attachment; filename=../../etc/passwd").unwrap(),
            "passwd"
        );
        assert_eq!(named("attachment; filename=\"..\""), None);
        assert_eq!(named("inline"), None);
        let mut answer = Answer::of("", response(200, &[]));
        for (url, name) in [
            ("http://h/a%20b/", "a b"),
            ("http://h/..%2F..%2Fetc", "etc"),
            ("http://h", "index.html"),
        ] {
            url.clone_into(&mut answer.url);
            assert_eq!(answer.name_in_url(), name);
        }
    }

    #[test]
    fn a_file_is_an_answer() {
        let host = FakeHost::new().file("/a b", "hello");
        let mut answer = of_file("file:///a%20b", &host).unwrap();
        let mut text = String::new();
        answer.body.read_to_string(&mut text).unwrap();
        assert_eq!(
            (answer.message.as_str(), text.as_str(), answer.status),
            ("OK (5 bytes)", "hello", None)
        );
        assert!(
            matches!(of_file("file:///none", &host), Err(Unanswered::Nobody(cause)) if cause.contains("No such file"))
        );
    }
}
