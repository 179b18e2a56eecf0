//! Where the archive lies, for the programs that read it.

use super::UnarchiveArgs;
use crate::http::anonymous;
use crate::kit::{Content, Failure, FileAttributes, Host, Staged, SuppliedContent, expand_path};
use crate::modules::net::web::{Access, Download, Question};

/// An archive that programs of the host can read.
#[derive(Debug)]
pub(super) struct Archive {
    /// Where it lies.
    pub(super) path: String,
    /// What the result calls it.
    pub(super) shown: String,
    kept: Kept,
}

/// What has to go when it is no longer needed. A step that ends early leaves nothing of it either.
#[derive(Debug)]
enum Kept {
    Nothing,
    Staged(Staged),
    Download(Download),
}

impl Archive {
    /// Finds the archive, or fetches it to a file without a name.
    pub(super) fn find(args: &UnarchiveArgs, host: &dyn Host) -> Result<Self, Failure> {
        let archive = if !args.is_on_host() {
            Self::of_controller(host)?
        } else if args.src.contains("://") {
            Self::of_web(args, host)?
        } else {
            Self::of_host(&args.src, host)?
        };
        let status = host.status(&archive.path, true)?;
        if status.is_some_and(|status| status.size == 0) {
            let message = format!("Invalid archive '{}', the file is 0 bytes", archive.shown);
            archive.release(host)?;
            return Err(Failure::new(message));
        }
        Ok(archive)
    }

    fn of_controller(host: &dyn Host) -> Result<Self, Failure> {
        let supplied = host
            .supplied()
            .first()
            .ok_or_else(|| Failure::new("the controller has supplied no archive"))?;
        let place = waiting_place(host)?;
        let staged = match &supplied.content {
            SuppliedContent::Here(bytes) => host.stage(&place, Content::Bytes(bytes))?,
            SuppliedContent::Remote(number) => {
                let mut content = host.open_supplied(*number)?;
                host.stage(&place, Content::Stream(&mut content))?
            }
            SuppliedContent::Tree(_) => {
                return Err(Failure::new(format!(
                    "`{}` is a directory, not an archive",
                    supplied.path
                )));
            }
        };
        Ok(Self {
            path: staged.path.clone(),
            shown: supplied.path.clone(),
            kept: Kept::Staged(staged),
        })
    }

    fn of_web(args: &UnarchiveArgs, host: &dyn Host) -> Result<Self, Failure> {
        let shown = anonymous(&args.src);
        let failed = |cause: &str| Failure::new(format!("Failure downloading {shown}, {cause}"));
        let access = Access {
            validate_certs: args.validate_certs,
            ..Access::default()
        };
        let mut answer = access
            .ask(Question::get(&args.src), host)
            .map_err(|error| failed(&error.failure().message))?;
        if !answer.is_fine() {
            return Err(failed(&answer.message));
        }
        let download = Download::receive(
            &mut answer.body,
            &waiting_place(host)?,
            None,
            None,
            &FileAttributes::default(),
            host,
        )
        .map_err(|failure| failed(&failure.message))?;
        Ok(Self {
            path: download.path().to_owned(),
            shown,
            kept: Kept::Download(download),
        })
    }

    fn of_host(src: &str, host: &dyn Host) -> Result<Self, Failure> {
        let path = expand_path(src, host);
        if host.status(&path, true)?.is_none() {
            return Err(Failure::new(format!("Source '{path}' does not exist")));
        }
        if !host.access(&path).0 {
            return Err(Failure::new(format!("Source '{path}' not readable")));
        }
        // The programs run in the destination.
        let path = if path.starts_with('/') {
            path
        } else {
            host.real_path(&path)?
        };
        Ok(Self {
            shown: path.clone(),
            path,
            kept: Kept::Nothing,
        })
    }

    /// Lets go of what was fetched.
    pub(super) fn release(self, host: &dyn Host) -> Result<(), Failure> {
        match self.kept {
            Kept::Nothing => Ok(()),
            Kept::Staged(staged) => {
                host.discard(staged);
                Ok(())
            }
            Kept::Download(download) => download.discard(host),
        }
    }
}

/// A name in a folder for temporary files: the file itself has none where the system can do that.
fn waiting_place(host: &dyn Host) -> Result<String, Failure> {
    let folder = host
        .environment("TMPDIR")
        .filter(|folder| folder.starts_with('/') && host.access(folder).1);
    let mut number = [0; 8];
    host.random(&mut number)?;
    let folder = folder.unwrap_or_else(|| "/tmp".to_owned());
    Ok(format!(
        "{}/kplay-archive-{:016x}",
        folder.trim_end_matches('/'),
        u64::from_be_bytes(number)
    ))
}
