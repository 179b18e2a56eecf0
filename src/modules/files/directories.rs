//! Making directories with all that is missing above them.

use crate::kit::{Failure, FileAttributes, Host, Mode};

/// Returns the directories that must be made for `path` to exist, topmost first; nothing where it is there.
pub(in crate::modules) fn missing(path: &str, host: &dyn Host) -> Result<Vec<String>, Failure> {
    let mut missing = Vec::new();
    let mut path = path.trim_end_matches('/');
    while !path.is_empty() && host.status(path, true)?.is_none() {
        missing.push(path.to_owned());
        path = path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder)
            .trim_end_matches('/');
    }
    missing.reverse();
    Ok(missing)
}

/// Makes one directory. Where a mode or an owner is wanted, nobody else can enter before it has them (T8).
pub(super) fn make(
    path: &str,
    attributes: &FileAttributes<'_>,
    host: &dyn Host,
) -> Result<(), Failure> {
    let bits = 0o777 & !host.umask();
    let private =
        attributes.mode.is_some() || attributes.owner.is_some() || attributes.group.is_some();
    if let Err(error) = host.make_directory(path, if private { 0o700 } else { bits }) {
        // Another task may have made it meanwhile, as those of several hosts do that are delegated to one.
        let there = host.status(path, false)?;
        if !there.is_some_and(|status| status.is_directory()) {
            return Err(error.into());
        }
    }
    if !private {
        return attributes.compare(path, host)?.apply(host);
    }
    // What the directory above has passed on (set-group-ID) counts as there already.
    let inherited = host
        .status(path, false)?
        .map_or(0, |status| status.mode & 0o7000);
    let mode = attributes.mode.map_or(bits | inherited, |mode| {
        mode.resolve(bits | inherited, true, host.umask())
    });
    let mode = Mode::Bits(mode);
    FileAttributes {
        mode: Some(&mode),
        ..*attributes
    }
    .compare(path, host)?
    .apply(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;

    #[test]
    fn missing_folders_are_named_from_the_top() {
        let host = FakeHost::new().directory("/srv");
        assert_eq!(missing("/srv/a/b/", &host).unwrap(), ["/srv/a", "/srv/a/b"]);
        assert!(missing("/srv", &host).unwrap().is_empty());
        assert_eq!(missing("a/b", &host).unwrap(), ["a", "a/b"]);
    }

    #[test]
    fn t08_a_directory_is_private_until_it_has_its_owner() {
        let host = FakeHost::new().user("app", 1000).directory("/srv");
        let mode = Mode::parse("g+w,o=").unwrap();
        let attributes = FileAttributes {
            mode: Some(&mode),
            owner: Some("app"),
            ..FileAttributes::default()
        };
        make("/srv/a", &attributes, &host).unwrap();
        assert_eq!(
            host.operations(),
            [
                "make_directory /srv/a 0700",
                "set_owner /srv/a 1000:-",
                "set_mode /srv/a 0770"
            ]
        );
        make("/srv/b", &FileAttributes::default(), &host).unwrap();
        assert_eq!(host.mode_of("/srv/b"), 0o755);
    }
}
