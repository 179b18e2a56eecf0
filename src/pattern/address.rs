//! `name:port`, `[address]:port` and bare addresses, with the ranges that inventories allow in them.

/// A host and, where it was given, a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name or address, ranges still in it.
    pub host: String,
    /// The port.
    pub port: Option<u32>,
}

/// Reads a host with an optional port, or returns nothing where it is no such thing. IPv6 needs brackets for a port.
pub fn parse_address(text: &str, allow_ranges: bool) -> Option<Address> {
    let mut host = text;
    let mut port = None;
    if let Some((inner, number)) = bracketed(host) {
        (host, port) = (inner, Some(number));
    }
    if let Some((name, number)) = with_port(host) {
        (host, port) = (name, Some(number));
    }
    let known = is_ipv4(host) || is_ipv6(host) || is_hostname(host);
    (known && (allow_ranges || !host.contains('['))).then(|| Address {
        host: host.to_owned(),
        port,
    })
}

/// Tells whether this is an IPv4 or IPv6 address.
pub fn is_ip(text: &str) -> bool {
    is_ipv4(text) || is_ipv6(text)
}

fn bracketed(text: &str) -> Option<(&str, u32)> {
    let (host, port) = text.strip_prefix('[')?.rsplit_once("]:")?;
    Some((host, number(port)?)).filter(|_| !host.is_empty())
}

fn with_port(text: &str) -> Option<(&str, u32)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = number(port)?;
    // A colon outside of brackets means more than a port.
    let mut depth = false;
    for character in host.chars() {
        match (character, depth) {
            ('[', false) => depth = true,
            (']', true) => depth = false,
            (':' | ']', false) => return None,
            _ => {}
        }
    }
    (!depth).then_some((host, port))
}

fn number(text: &str) -> Option<u32> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// Cuts at `separator` where it stands outside of brackets.
fn pieces(text: &str, separator: char) -> Vec<&str> {
    let mut depth = 0usize;
    text.split(|character| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == separator && depth == 0
    })
    .collect()
}

/// The inside of a `[begin:end]` or `[begin:end:step]` that is the whole text.
fn range(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut parts = inner.split(':');
    let (begin, end) = (parts.next()?, parts.next()?);
    let step_fits = parts.next().is_none_or(|step| number(step).is_some());
    (step_fits && parts.next().is_none()).then_some((begin, end))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_ipv4(text: &str) -> bool {
    let parts = pieces(text, '.');
    parts.len() == 4
        && parts.iter().all(|part| match range(part) {
            Some((begin, end)) => is_digits(begin) && is_digits(end),
            None => {
                is_digits(part)
                    && part.len() <= 3
                    && part.parse::<u16>().is_ok_and(|value| value <= 255)
            }
        })
}

fn is_ipv6(text: &str) -> bool {
    let group = |part: &str| match range(part) {
        Some((begin, end)) => is_hex(begin) && is_hex(end),
        None => is_hex(part) && part.len() <= 4,
    };
    let groups = |half: &str| -> Option<usize> {
        if half.is_empty() {
            return Some(0);
        }
        let parts = pieces(half, ':');
        let last = parts.len() - 1;
        parts.iter().enumerate().try_fold(0, |sum, (index, part)| {
            if group(part) {
                Some(sum + 1)
            } else {
                (index == last && is_ipv4(part)).then_some(sum + 2)
            }
        })
    };
    match text.split_once("::") {
        None => groups(text) == Some(8),
        Some((before, after)) => {
            !after.contains("::")
                && matches!((groups(before), groups(after)), (Some(left), Some(right)) if left + right <= 7)
        }
    }
}

fn is_hostname(text: &str) -> bool {
    pieces(text, '.').iter().all(|label| is_label(label))
}

fn is_label(label: &str) -> bool {
    let mut rest = label;
    let mut first = true;
    let mut last = None;
    while let Some(character) = rest.chars().next() {
        let length = if character == '[' {
            let Some(end) = rest.find(']') else {
                return false;
            };
            let Some((begin, stop)) = rest.get(..=end).and_then(range) else {
                return false;
            };
            let letter =
                |text: &str| text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
            if !(letter(begin) && letter(stop) || is_digits(begin) && is_digits(stop)) {
                return false;
            }
            end + 1
        } else {
            let word = character.is_alphanumeric() || character == '_';
            if !word && (first || character != '-') {
                return false;
            }
            character.len_utf8()
        };
        last = Some(character);
        first = false;
        rest = rest.get(length..).unwrap_or_default();
    }
    !matches!(last, None | Some('-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_come_apart() {
        for (text, host, port) in [
            ("a", "a", None),
            ("a.b:22", "a.b", Some(22)),
            ("10.0.0.1:2222", "10.0.0.1", Some(2222)),
            ("::1", "::1", None),
            ("[::1]:22", "::1", Some(22)),
            ("[a]:1", "a", Some(1)),
            ("db[1:6]-x:5", "db[1:6]-x", Some(5)),
            ("1.2.3.[4:8]", "1.2.3.[4:8]", None),
            ("fe80::1", "fe80::1", None),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", None),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4", None),
            ("a_b-c", "a_b-c", None),
            ("_x", "_x", None),
            ("x[a:f]", "x[a:f]", None),
        ] {
            assert_eq!(
                parse_address(text, true),
                Some(Address {
                    host: host.to_owned(),
                    port
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_no_addresses() {
        for text in [
            "a:b", "a*", "-a", "a-", "a..b", "", "a:&b", "[::1", "x[1]", "x[0:2:z]", "~a",
            "1::2::3", "a b", "x[ab:cd]",
        ] {
            assert_eq!(parse_address(text, true), None, "{text}");
        }
        assert_eq!(parse_address("x[1:2]", false), None);
    }
}
