//! A content of the web on its way to a file of the host: private until it is whole and known to be the right one.

use std::io::Read;

use super::Watched;
use crate::kit::{Failure, FileAttributes, Host, Staged, Write};
use crate::modules::files::backup;
use crate::modules::files::checksum::{Algorithm, Summing};
use crate::modules::files::writing::{finish_attributes, unsafe_writes};
use crate::modules::paths;

/// A content that has come and has no place yet. Hand it to [`Download::place`] or [`Download::discard`].
#[derive(Debug)]
pub(in crate::modules) struct Download {
    staged: Staged,
    /// It waits in another folder than its own.
    elsewhere: bool,
    /// That folder, if it was made for it, because its own cannot be written.
    aside: Option<String>,
    pub(in crate::modules) sha1: String,
    /// The checksum that was asked for besides.
    pub(in crate::modules) sum: Option<String>,
}

/// Where it goes, and how.
#[derive(Clone, Copy, Debug)]
pub(in crate::modules) struct Place<'a> {
    pub(in crate::modules) path: &'a str,
    pub(in crate::modules) backup: bool,
    pub(in crate::modules) attributes: FileAttributes<'a>,
}

impl Download {
    /// Takes a content. It waits beside `path`, or in `folder` if one is given.
    pub(in crate::modules) fn receive(
        body: &mut (dyn Read + Send),
        path: &str,
        folder: Option<&str>,
        algorithm: Option<Algorithm>,
        attributes: &FileAttributes<'_>,
        host: &dyn Host,
    ) -> Result<Self, Failure> {
        let above = paths::folder(path);
        let aside = match folder {
            Some(_) => None,
            None if host.access(above).1 || !unsafe_writes(attributes.unsafe_writes, host) => None,
            None => Some(host.temporary_directory(None, "kplay-", "")?),
        };
        let beside = match folder.or(aside.as_deref()) {
            Some(folder) => format!("{}/download", folder.trim_end_matches('/')),
            None => path.to_owned(),
        };
        let mut watched = Watched::new(body, host);
        let mut first = Summing::new(Algorithm::Sha1, &mut watched);
        let mut second = Summing::new(algorithm.unwrap_or(Algorithm::Md5), &mut first);
        let staged = host
            .stage(&beside, crate::kit::Content::Stream(&mut second))
            .map_err(|error| {
                Failure::new(format!("failed to create temporary content file: {error}"))
            });
        let sum = algorithm.map(|_| second.sum());
        let sha1 = first.sum();
        match staged {
            Ok(staged) => Ok(Self {
                staged,
                elsewhere: folder.is_some(),
                aside,
                sha1,
                sum,
            }),
            Err(failure) => {
                if let Some(folder) = aside {
                    host.remove_tree(&folder)?;
                }
                Err(failure)
            }
        }
    }

    /// Returns where it waits.
    pub(in crate::modules) fn path(&self) -> &str {
        &self.staged.path
    }

    /// Lets it go.
    pub(in crate::modules) fn discard(self, host: &dyn Host) -> Result<(), Failure> {
        host.discard(self.staged);
        if let Some(folder) = self.aside {
            host.remove_tree(&folder)?;
        }
        Ok(())
    }

    /// Puts it in its place, over what is there. Returns the path of the copy of that.
    pub(in crate::modules) fn place(
        self,
        place: &Place<'_>,
        host: &dyn Host,
    ) -> Result<Option<String>, Failure> {
        let copied = if place.backup {
            backup::make(place.path, host)
        } else {
            Ok(None)
        };
        let copied = match copied {
            Ok(copied) => copied,
            Err(failure) => {
                self.discard(host)?;
                return Err(failure);
            }
        };
        let existing = host.status(place.path, true)?;
        let default = 0o666 & !host.umask();
        let attributes = place
            .attributes
            .for_write(existing.as_ref(), default, host)?;
        let write = Write {
            attributes,
            unsafe_writes: unsafe_writes(place.attributes.unsafe_writes, host),
        };
        let Self {
            mut staged,
            elsewhere,
            aside,
            ..
        } = self;
        let from = staged.path.clone();
        if elsewhere {
            let beside = host.stage(place.path, crate::kit::Content::File(&from));
            host.discard(staged);
            staged = beside?;
        }
        let committed = host.commit(staged, place.path, write).map_err(|error| {
            Failure::new(format!("failed to copy {from} to {}: {error}", place.path))
        });
        if let Some(folder) = aside {
            host.remove_tree(&folder)?;
        }
        committed?;
        finish_attributes(place.path, &place.attributes, host)?;
        Ok(copied)
    }
}
