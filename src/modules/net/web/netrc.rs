//! `.netrc`: the user's own passwords for hosts.

use crate::kit::Host;

/// Returns the user and the password for an address, or nothing.
pub(super) fn credentials(url: &str, host: &dyn Host) -> Option<(String, String)> {
    let path = host
        .environment("NETRC")
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| format!("{}/.netrc", host.identity().home.trim_end_matches('/')));
    let text = String::from_utf8(host.read(&path).ok()?).ok()?;
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    find(&text, name)
}

/// The entry of that machine, or else the one of all others. An entry without user or password is none.
fn find(text: &str, wanted: &str) -> Option<(String, String)> {
    let mut words = words(text).into_iter();
    let mut default = None;
    let mut found = None;
    // The entry that is being read: for all others, for this machine, or for another.
    let mut entry: Option<&mut Option<(String, String)>> = None;
    let mut ignored = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "machine" => {
                let machine = words.next()?;
                let mine = machine.eq_ignore_ascii_case(wanted) && found.is_none();
                let place = if mine { &mut found } else { &mut ignored };
                *place = Some((String::new(), String::new()));
                entry = Some(place);
            }
            "default" => {
                default = Some((String::new(), String::new()));
                entry = Some(&mut default);
            }
            "login" | "user" => {
                let login = words.next()?;
                if let Some(Some((user, _))) = entry.as_deref_mut() {
                    *user = login;
                }
            }
            "password" => {
                let given = words.next()?;
                if let Some(Some((_, password))) = entry.as_deref_mut() {
                    *password = given;
                }
            }
            "account" => drop(words.next()),
            _ => {}
        }
    }
    found
        .or(default)
        .filter(|(user, password)| !user.is_empty() && !password.is_empty())
}

/// The words of the file: quotes hold words together, a line that begins with `#` is a comment, macros are skipped.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut macro_body = false;
    for line in text.lines() {
        if macro_body {
            macro_body = !line.trim().is_empty();
            continue;
        }
        let mut rest = line.trim_start();
        if rest.starts_with('#') {
            continue;
        }
        while !rest.is_empty() {
            let (word, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            };
            macro_body |= word == "macdef";
            if macro_body {
                break;
            }
            found.push(word.to_owned());
            rest = after.trim_start();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;

    const FILE: &str = "# mine\nmachine a.example login me password \"s e\"\nmacdef init\nmachine b.example login no password no\n\nmachine c.example\n  login you\n  account x\n  password #secret\ndefault login any password thing\n";

    #[test]
    fn the_entry_of_the_machine_counts_and_else_the_default() {
        let host = FakeHost::new().acting_as("root").file("/root/.netrc", FILE);
        let of = |url| credentials(url, &host).map(|(user, password)| format!("{user}/{password}"));
        assert_eq!(of("https://a.example:8443/x").unwrap(), "me/s e");
        assert_eq!(of("https://b.example/").unwrap(), "any/thing");
        assert_eq!(of("https://C.example/").unwrap(), "you/#secret");
    }

    #[test]
    fn a_file_elsewhere_is_named_by_the_environment() {
        let host = FakeHost::new()
            .variable("NETRC", "/etc/netrc")
            .file("/etc/netrc", "machine x login u password p");
        assert!(credentials("http://x/", &host).is_some());
        assert!(credentials("http://y/", &host).is_none());
    }
}
