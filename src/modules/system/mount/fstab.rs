//! The text of an fstab: one entry set or removed, all else left as it is.

/// An entry as it shall be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) source: &'a str,
    pub(super) path: &'a str,
    pub(super) kind: &'a str,
    pub(super) options: &'a str,
    pub(super) dump: &'a str,
    pub(super) pass: &'a str,
}

/// Writes what would end or change a field as fstab wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\134")
        .replace(' ', "\\040")
        .replace('&', "\\046")
}

/// The fields of a line that is an entry: four, and two that may be left out.
fn fields(line: &str) -> Option<Vec<&str>> {
    let fields: Vec<&str> = line.split('#').next()?.split_whitespace().collect();
    (4..=6).contains(&fields.len()).then_some(fields)
}

/// Tells whether the line is the entry for a path. All swap has the path `none`: there the source decides.
fn is_for(line: &str, path: &str, source: Option<&str>) -> bool {
    let Some(fields) = fields(line) else {
        return false;
    };
    let field = |at: usize| fields.get(at).copied().unwrap_or_default();
    let swap = field(1) == "none" && field(2) == "swap";
    field(1) == escaped(path) && !(swap && source.is_some_and(|source| source != field(0)))
}

/// The lines, each with its end.
fn lines(text: &str) -> impl Iterator<Item = String> {
    text.split_inclusive('\n').map(|line| {
        if line.ends_with('\n') {
            line.to_owned()
        } else {
            format!("{line}\n")
        }
    })
}

/// Returns the text with the entry, or nothing where it has it.
pub(super) fn with(text: &str, entry: &Entry<'_>) -> Option<String> {
    let wanted = [
        entry.source,
        entry.path,
        entry.kind,
        entry.options,
        entry.dump,
        entry.pass,
    ]
    .map(escaped);
    let line = format!("{}\n", wanted.join(" "));
    let (mut found, mut changed) = (false, false);
    let mut new: String = lines(text)
        .map(|old| {
            if !is_for(&old, entry.path, Some(entry.source)) {
                return old;
            }
            found = true;
            if fields(&old).is_some_and(|fields| fields == wanted) {
                return old;
            }
            changed = true;
            line.clone()
        })
        .collect();
    if !found {
        new.push_str(&line);
    }
    (changed || !found).then_some(new)
}

/// Returns the text without the entry, or nothing where it has none.
pub(super) fn without(text: &str, path: &str, source: Option<&str>) -> Option<String> {
    let mut found = false;
    let new = text
        .split_inclusive('\n')
        .filter(|line| {
            let own = is_for(line, path, source);
            found |= own;
            !own
        })
        .collect();
    found.then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# static\n\n/dev/sda1 / ext4 defaults 0 1 # root\n/dev/sda2 none swap sw 0 0\n/dev/sdb /srv xfs noatime";

    fn entry<'a>(source: &'a str, path: &'a str, kind: &'a str, options: &'a str) -> Entry<'a> {
        let (dump, pass) = ("0", "0");
        Entry {
            source,
            path,
            kind,
            options,
            dump,
            pass,
        }
    }

    #[test]
    fn an_entry_is_added_changed_or_kept() {
        let root = Entry {
            pass: "1",
            ..entry("/dev/sda1", "/", "ext4", "defaults")
        };
        assert_eq!(with(TEXT, &root), None);
        let added = with(TEXT, &entry("a b", "/mnt/x&y", "nfs", "ro")).unwrap();
        assert_eq!(added, format!("{TEXT}\na\\040b /mnt/x\\046y nfs ro 0 0\n"));
        assert_eq!(with(&added, &entry("a b", "/mnt/x&y", "nfs", "ro")), None);
        let changed = with(TEXT, &entry("/dev/sdb", "/srv", "xfs", "noatime")).unwrap();
        assert_eq!(changed, format!("{TEXT} 0 0\n"));
    }

    #[test]
    fn swap_is_known_by_its_source() {
        let other = with(TEXT, &entry("/dev/sda3", "none", "swap", "sw")).unwrap();
        assert_eq!(other, format!("{TEXT}\n/dev/sda3 none swap sw 0 0\n"));
        assert_eq!(with(TEXT, &entry("/dev/sda2", "none", "swap", "sw")), None);
        assert_eq!(without(TEXT, "none", Some("/dev/sda9")), None);
        assert_eq!(
            without(TEXT, "none", None),
            Some(TEXT.replace("/dev/sda2 none swap sw 0 0\n", ""))
        );
    }

    #[test]
    fn an_entry_goes() {
        assert_eq!(without(TEXT, "/mnt", None), None);
        let rest = TEXT.strip_suffix("/dev/sdb /srv xfs noatime").unwrap();
        assert_eq!(without(TEXT, "/srv", None).as_deref(), Some(rest));
    }
}
