//! The states `link` and `hard` of `file`.

use super::FileArgs;
use super::change::{Action, Sides};
use super::current::{Current, Decision, followed};
use super::times::Times;
use crate::kit::{Failure, Host};
use crate::modules::files::trust;
use crate::modules::paths;
use crate::value::{Dict, Value};

/// A relative target counts from that folder.
fn at(folder: &str, target: &str) -> String {
    if target.starts_with('/') {
        target.to_owned()
    } else {
        paths::join(folder, target)
    }
}

fn values(path: &str, src: Option<&str>) -> Dict {
    Dict::new()
        .with("dest", path)
        .with("src", src.map_or(Value::NULL, Value::from))
}

pub(super) fn symbolic(
    args: &FileArgs,
    path: &str,
    current: Current,
    times: Times,
    host: &dyn Host,
) -> Result<Decision, Failure> {
    let kept = if args.src.is_none()
        && current == Current::Link
        && args.follow
        && host.status(path, true)?.is_some()
    {
        Some(host.read_link(path)?)
    } else {
        None
    };
    let src = args.src.as_deref().map(str::to_owned).or(kept);
    let base = if current == Current::Directory {
        path
    } else {
        paths::folder(path)
    };
    let target = src.as_ref().map(|src| at(base, src));
    let target_exists = match &target {
        Some(target) => host.status(target, true)?.is_some(),
        None => false,
    };
    let refuse = |message: String| Err(Failure::new(message).with("path", path));
    if let (Some(target), false, false, true) =
        (&target, args.force, target_exists, args.src.is_some())
    {
        let message = format!(
            "src file does not exist, use 'force=yes' if you really want to create the link: {target}"
        );
        return Err(Failure::new(message).with("path", path).with("src", src));
    }
    let mut actions = Vec::new();
    match current {
        Current::Directory if !args.force => {
            return refuse(format!(
                "refusing to convert from directory to symlink for {path}"
            ));
        }
        Current::Directory if !host.list(path)?.is_empty() => {
            return refuse(format!(
                "the directory {path} is not empty, refusing to convert it"
            ));
        }
        Current::Directory => actions.push(Action::RemoveEmpty(path.to_owned())),
        Current::File | Current::Hard if !args.force => {
            return refuse(format!(
                "refusing to convert from {} to symlink for {path}",
                current.name()
            ));
        }
        Current::File | Current::Hard | Current::Absent | Current::Link => {}
    }
    let mut sides = Sides::new(path, current.name(), "link");
    let old = if current == Current::Link {
        Some(host.read_link(path)?)
    } else {
        None
    };
    let new = src.as_ref().filter(|src| old.as_ref() != Some(*src));
    let changed = new.is_some();
    match new {
        None if old.is_none() => {
            return Err(Failure::new("src is required for creating new symlinks"));
        }
        None => {}
        Some(src) => {
            if let Some(old) = old {
                sides.note("src", old, src.as_str());
            }
            actions.push(Action::Link {
                path: path.to_owned(),
                target: src.clone(),
            });
        }
    }
    let mut warnings = Vec::new();
    let attributes = args.file_attributes();
    match (&target, args.follow) {
        (Some(target), true) if target_exists => {
            let target = host.real_path(target)?;
            let before = actions.len();
            sides.compare(&target, &attributes, times, &mut actions, host)?;
            // A link that stays as it is may be anybody's; one that is made here is the playbook's.
            if actions.len() > before && !changed {
                trust::refuse_foreign_link(path, &target, host)?;
            }
        }
        (_, true) => warnings.push(
            "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.".to_owned(),
        ),
        (_, false) if changed => actions.push(Action::AttributesOf(path.to_owned())),
        (_, false) => sides.compare(path, &attributes, times, &mut actions, host)?,
    }
    Ok(Decision {
        actions,
        sides,
        values: values(path, src.as_deref()),
        shown: path.to_owned(),
        warnings,
    })
}

pub(super) fn hard(
    args: &FileArgs,
    path: &str,
    current: Current,
    times: Times,
    host: &dyn Host,
) -> Result<Decision, Failure> {
    let src = args.src.as_deref();
    let refuse = |message: &str| {
        Err(Failure::new(message)
            .with("dest", path)
            .with("src", args.src.as_deref().map(str::to_owned)))
    };
    let source = match src {
        None if current != Current::Hard => {
            return refuse("src is required for creating new hardlinks");
        }
        None => None,
        Some(src) => host.status(src, true)?,
    };
    if src.is_some() && source.is_none() {
        return refuse("src does not exist");
    }
    let mut sides = Sides::new(path, current.name(), "hard");
    let inode = host
        .status(path, true)?
        .map(|status| (status.device, status.inode));
    let same = source.is_none_or(|source| inode == Some((source.device, source.inode)));
    let changed = match current {
        Current::Link => {
            let old = host.read_link(path)?;
            let other = src != Some(old.as_str());
            if other {
                sides.note("src", old, src.map_or(Value::NULL, Value::from));
            }
            other
        }
        Current::Hard | Current::Directory if same => false,
        Current::Hard if !args.force => {
            return refuse("Cannot link, different hard link exists at destination");
        }
        Current::File if !args.force => return refuse("Cannot link, file exists at destination"),
        Current::Absent | Current::Hard | Current::File => true,
        Current::Directory => return refuse("Cannot link: a directory exists at destination"),
    };
    let mut actions = Vec::new();
    let attributes = args.file_attributes();
    if let Some(src) = src.filter(|_| changed) {
        let target = followed(src, args.follow, host)?;
        actions.push(Action::HardLink {
            path: path.to_owned(),
            target: target.clone(),
        });
        // The link shares its inode, and so its attributes, with the target.
        sides.compare(&target, &attributes, times, &mut actions, host)?;
    } else {
        let target = followed(path, args.follow, host)?;
        sides.compare(&target, &attributes, times, &mut actions, host)?;
    }
    Ok(Decision {
        actions,
        sides,
        values: values(path, src),
        shown: path.to_owned(),
        warnings: Vec::new(),
    })
}
