//! Addresses of the web as text.

/// Returns the address that a link in an answer means.
pub fn join(base: &str, link: &str) -> String {
    let has_scheme = link.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    if has_scheme {
        return link.to_owned();
    }
    let Some((scheme, rest)) = base.split_once("://") else {
        return link.to_owned();
    };
    if let Some(host) = link.strip_prefix("//") {
        return format!("{scheme}://{host}");
    }
    let (host, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    if link.starts_with('/') {
        return format!("{scheme}://{host}{link}");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if link.starts_with('?') {
        return format!("{scheme}://{host}{path}{link}");
    }
    let folder = path
        .rfind('/')
        .map_or("", |at| path.get(..at).unwrap_or_default());
    let mut parts: Vec<&str> = folder.split('/').skip(1).collect();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("{scheme}://{host}/{}", parts.join("/"))
}

/// Returns the address with stars in the place of its password.
pub fn masked(url: &str) -> String {
    match parts(url) {
        Some((scheme, Some((user, Some(_))), rest)) => format!("{scheme}://{user}:********@{rest}"),
        _ => url.to_owned(),
    }
}

/// Returns the address with stars in the place of its credentials, as Ansible's modules return it.
pub fn anonymous(url: &str) -> String {
    match parts(url) {
        Some((scheme, Some((_, Some(_))), rest)) => format!("{scheme}://****:****@{rest}"),
        Some((scheme, Some((_, None)), rest)) => format!("{scheme}://****@{rest}"),
        _ => url.to_owned(),
    }
}

/// Returns the last name in the path, or `index.html`.
pub fn filename(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    match path
        .split_once('/')
        .and_then(|(_, path)| path.rsplit('/').next())
    {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "index.html".to_owned(),
    }
}

/// A user, perhaps with a password.
type Credentials<'a> = (&'a str, Option<&'a str>);

/// Takes an address apart: scheme, credentials, and the rest without them.
pub(super) fn parts(url: &str) -> Option<(&str, Option<Credentials<'_>>, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at(end);
    let Some(at) = authority.rfind('@') else {
        return Some((scheme, None, rest));
    };
    let credentials = rest.get(..at)?;
    let after = rest.get(at + 1..)?;
    let credentials = match credentials.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (credentials, None),
    };
    Some((scheme, Some(credentials), after))
}

/// Returns the host's name with its port as it stands in the address.
pub(super) fn authority(url: &str) -> &str {
    parts(url).map_or("", |(_, _, rest)| {
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_joined() {
        let base = "https://host:8443/a/b?q=1";
        for (link, whole) in [
            ("https://other/x", "https://other/x"),
            ("//other/x", "https://other/x"),
            ("/x", "https://host:8443/x"),
            ("x", "https://host:8443/a/x"),
            ("../x?y", "https://host:8443/x?y"),
            ("?z", "https://host:8443/a/b?z"),
        ] {
            assert_eq!(join(base, link), whole);
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(
            masked("https://u:p@ss@host/x@y"),
            "https://u:********@host/x@y"
        );
        assert_eq!(masked("https://host/x:y@z"), "https://host/x:y@z");
        assert_eq!(
            anonymous("https://u:p@ss@host/x@y"),
            "https://****:****@host/x@y"
        );
        assert_eq!(anonymous("https://u@host/x"), "https://****@host/x");
    }

    #[test]
    fn a_name_is_the_last_part_of_the_path() {
        assert_eq!(filename("https://host/a/b.tar.gz?x=/y"), "b.tar.gz");
        assert_eq!(filename("https://host"), "index.html");
        assert_eq!(filename("https://host/a/"), "index.html");
    }
}
