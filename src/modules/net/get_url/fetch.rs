//! What `get_url` decides when it has the head of the answer, and what it does with the rest.

use std::time::Instant;

use super::GetUrlArgs;
use super::sums::{self, Wanted};
use crate::http::{anonymous, filename};
use crate::kit::{AttributeChanges, Failure, Host, Outcome, Plan, path_info};
use crate::modules::files::checksum::Algorithm;
use crate::modules::files::trust;
use crate::modules::net::web::{Answer, Download, Place, Question, headers};
use crate::modules::paths;
use crate::value::{Dict, Value};

/// What is to be done.
pub(in crate::modules::net) enum Change {
    /// The file is there; its attributes differ.
    Attributes(Box<AttributeChanges>),
    /// The content is to be taken.
    Write(Box<Writing>),
}

/// A content whose head has come.
pub(in crate::modules::net) struct Writing {
    answer: Answer,
    dest: String,
    wanted: Option<Wanted>,
    started: Instant,
}

/// The values of every result, before anything is known.
fn known(args: &GetUrlArgs) -> Dict {
    Dict::new()
        .with("checksum_dest", Value::NULL)
        .with("checksum_src", Value::NULL)
        .with("dest", args.dest.as_str())
        .with("elapsed", 0)
        .with("url", anonymous(&args.url))
}

fn seconds(since: Instant) -> u64 {
    since.elapsed().as_secs()
}

pub(super) fn plan(args: &GetUrlArgs, host: &dyn Host) -> Result<Plan<Change>, Failure> {
    let wanted = sums::wanted(args, host).map_err(|failure| blame(failure, known(args)))?;
    let dest = args.dest.as_str();
    let there = host.status(dest, true)?;
    let directory = there.is_some_and(|status| status.is_directory());
    let mut newer_than = None;
    let mut force = args.force;
    if let Some(status) = there.filter(|_| !directory) {
        if !force && let Some(wanted) = &wanted {
            if wanted.algorithm.of_file(dest, host)? == wanted.sum {
                return attributes_alone(args, host);
            }
            force = true;
        }
        newer_than = Some(status.times.modified.0);
    }
    if let Some(folder) = &args.tmp_dest {
        check_folder(folder, host).map_err(|failure| failure.with("elapsed", 0))?;
    }
    let started = Instant::now();
    let question = Question {
        headers: headers(args.headers.as_ref()),
        newer_than,
        ..Question::get(&args.url)
    };
    let short = |failure: Failure| {
        failure
            .with("url", anonymous(&args.url))
            .with("dest", dest)
            .with("elapsed", seconds(started))
    };
    let answer = args
        .access(force)
        .ask(question, host)
        .map_err(|error| short(error.failure()))?;
    if answer.status == Some(304) {
        let values = Dict::new()
            .with("url", anonymous(&args.url))
            .with("dest", dest)
            .with("msg", answer.message)
            .with("status_code", 304)
            .with("elapsed", seconds(started));
        let plan = Plan::unchanged("the server has nothing newer");
        return Ok(plan.with_all(path_info(dest, host)?).with_all(values));
    }
    if answer.status.is_some_and(|status| status != 200) {
        let failure = Failure::new("Request failed")
            .with("status_code", answer.status.unwrap_or_default())
            .with("response", answer.message);
        return Err(short(failure));
    }
    let dest = if directory {
        let name = answer.given_name().unwrap_or_else(|| filename(&answer.url));
        format!("{}/{name}", dest.trim_end_matches('/'))
    } else {
        dest.to_owned()
    };
    let mut values = known(args)
        .with("dest", dest.as_str())
        .with("elapsed", seconds(started));
    values.extend(path_info(&dest, host)?);
    let current = current(&dest, host).map_err(|failure| blame(failure, values.clone()))?;
    values.insert("checksum_dest", current.map_or(Value::NULL, Value::from));
    let message = answer.message.clone();
    trust::refuse_foreign_directory(&dest, host)?;
    let writing = Writing {
        answer,
        dest,
        wanted,
        started,
    };
    // What check mode compares with is an empty file, since nothing has come.
    Ok(Plan::change(Change::Write(Box::new(writing)))
        .with_all(values)
        .with_in_check("msg", message)
        .with_in_check("checksum_src", Algorithm::Sha1.of_bytes(b""))
        .with_in_check("src", Value::NULL))
}

/// The checksum fits: nothing is asked for.
fn attributes_alone(args: &GetUrlArgs, host: &dyn Host) -> Result<Plan<Change>, Failure> {
    let changes = args.file_attributes().compare(&args.dest, host)?;
    let (plan, message) = if changes.is_empty() {
        (
            Plan::unchanged("the file has that checksum"),
            "file already exists",
        )
    } else {
        (
            Plan::change(Change::Attributes(Box::new(changes))),
            "file already exists but file attributes changed",
        )
    };
    Ok(plan
        .with_all(path_info(&args.dest, host)?)
        .with_all(known(args))
        .with("msg", message))
}

fn check_folder(folder: &str, host: &dyn Host) -> Result<(), Failure> {
    match host.status(folder, true)? {
        Some(status) if status.is_directory() => Ok(()),
        Some(_) => Err(Failure::new(format!(
            "{folder} is a file but should be a directory."
        ))),
        None => Err(Failure::new(format!("{folder} directory does not exist."))),
    }
}

/// Returns the SHA-1 of what is at the destination, or nothing where there is none yet. What cannot be written is a failure.
fn current(dest: &str, host: &dyn Host) -> Result<Option<String>, Failure> {
    if host.status(dest, true)?.is_some() {
        let (read, write, _) = host.access(dest);
        if !write {
            return Err(Failure::new(format!("Destination {dest} is not writable")));
        }
        if !read {
            return Err(Failure::new(format!("Destination {dest} is not readable")));
        }
        return Algorithm::Sha1.of_file(dest, host).map(Some);
    }
    let above = paths::folder(dest);
    if host.status(above, true)?.is_none() {
        return Err(Failure::new(format!("Destination {above} does not exist")));
    }
    if !host.access(above).1 {
        return Err(Failure::new(format!("Destination {above} is not writable")));
    }
    Ok(None)
}

/// Gives a failure the values of every result.
fn blame(mut failure: Failure, values: Dict) -> Failure {
    for (name, value) in values {
        if failure.values.get_key(&name).is_none() {
            failure.values.extend([(name, value)]);
        }
    }
    failure
}

pub(super) fn apply(
    args: &GetUrlArgs,
    change: Change,
    host: &dyn Host,
) -> Result<Outcome, Failure> {
    match change {
        Change::Attributes(changes) => {
            changes.apply(host)?;
            Ok(Outcome::changed().with_all(path_info(&args.dest, host)?))
        }
        Change::Write(writing) => write(args, *writing, host),
    }
}

fn write(args: &GetUrlArgs, writing: Writing, host: &dyn Host) -> Result<Outcome, Failure> {
    let Writing {
        mut answer,
        dest,
        wanted,
        started,
    } = writing;
    let attributes = args.file_attributes();
    let values = known(args).with("dest", dest.as_str());
    let download = Download::receive(
        &mut answer.body,
        &dest,
        args.tmp_dest.as_deref(),
        wanted.as_ref().map(|wanted| wanted.algorithm),
        &attributes,
        host,
    )
    .map_err(|failure| blame(failure, values.clone()))?;
    let (from, sha1) = (download.path().to_owned(), download.sha1.clone());
    let values = values
        .with("elapsed", seconds(started))
        .with("src", from.as_str())
        .with("checksum_src", sha1.as_str());
    if let (Some(wanted), Some(found)) = (&wanted, &download.sum)
        && wanted.sum != *found
    {
        let message = format!(
            "The checksum for {from} did not match {}; it was {found}.",
            wanted.sum
        );
        download.discard(host)?;
        return Err(blame(Failure::new(message), values));
    }
    // What is there now counts, not what was there when the server was asked.
    let before = current(&dest, host)?;
    let mut backup = None;
    let changed = if before.as_ref() == Some(&sha1) {
        download.discard(host)?;
        let changes = attributes.compare(&dest, host)?;
        changes.apply(host)?;
        !changes.is_empty()
    } else {
        let place = Place {
            path: &dest,
            backup: args.backup,
            attributes,
        };
        backup = download
            .place(&place, host)
            .map_err(|failure| blame(failure, values.clone()))?;
        true
    };
    let mut outcome = Outcome {
        changed,
        ..Outcome::default()
    }
    .with_all(path_info(&dest, host)?)
    .with_all(values)
    .with("checksum_dest", before.map_or(Value::NULL, Value::from))
    .with("md5sum", Algorithm::Md5.of_file(&dest, host)?)
    .with("msg", answer.message)
    .with(
        "status_code",
        answer.status.map_or(Value::NULL, Value::from),
    );
    if let Some(backup) = backup {
        outcome = outcome.with("backup_file", backup);
    }
    Ok(outcome)
}
