//! What apt could install: candidates, versions and providers, from `apt-cache`; and how old its knowledge is.

use std::collections::BTreeMap;

use super::version::{Request, Wanted};
use crate::kit::{Command, Failure, Host};

/// What apt knows of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    candidate: Option<String>,
    /// Latest first.
    versions: Vec<String>,
}

/// What apt knows, by the names that were asked for.
pub(super) struct Cache(BTreeMap<String, Known>);

impl Cache {
    /// Asks for all names at once.
    pub(super) fn ask(
        names: &[&str],
        release: Option<&str>,
        host: &dyn Host,
    ) -> Result<Self, Failure> {
        let mut found = BTreeMap::new();
        if names.is_empty() {
            return Ok(Self(found));
        }
        let mut argv = vec!["apt-cache"];
        if let Some(release) = release {
            argv.extend(["-t", release]);
        }
        argv.extend(["policy", "--"]);
        argv.extend(names);
        let text = answer(&argv, host)?;
        let mut current: Option<(String, Known)> = None;
        for line in text.lines() {
            if !line.starts_with(' ') {
                found.extend(current.take());
                current = Some((line.trim_end_matches(':').to_owned(), Known::default()));
            } else if let Some((_, known)) = &mut current {
                known.read(line);
            }
        }
        found.extend(current);
        Ok(Self(found))
    }

    /// Returns what is known of a package that exists, rather than being mentioned only.
    pub(super) fn get(&self, name: &str) -> Option<&Known> {
        self.0.get(name).filter(|known| !known.versions.is_empty())
    }
}

impl Known {
    fn read(&mut self, line: &str) {
        if let Some(version) = line.strip_prefix("  Candidate: ") {
            self.candidate = Some(version.to_owned()).filter(|version| version != "(none)");
        } else if let Some(rest) = line
            .strip_prefix(" *** ")
            .or_else(|| line.strip_prefix("     "))
            && !rest.starts_with(' ')
        {
            self.versions
                .extend(rest.split_whitespace().next().map(str::to_owned));
        }
    }

    /// Returns the version that apt would install for that request.
    pub(super) fn best(&self, request: &Request) -> Option<&str> {
        match &request.version {
            Wanted::Like(_) => self
                .versions
                .iter()
                .find(|version| request.accepts(version))
                .map(String::as_str),
            Wanted::Any | Wanted::AtLeast(_) => self.candidate.as_deref(),
        }
    }
}

/// Returns the packages that provide a name.
pub(super) fn providers(name: &str, host: &dyn Host) -> Result<Vec<String>, Failure> {
    let text = answer(&["apt-cache", "showpkg", "--", name], host)?;
    let mut found: Vec<String> = text
        .lines()
        .skip_while(|line| !line.starts_with("Reverse Provides:"))
        .skip(1)
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// Returns all names that apt knows.
pub(super) fn all_names(host: &dyn Host) -> Result<Vec<String>, Failure> {
    Ok(answer(&["apt-cache", "pkgnames"], host)?
        .lines()
        .map(str::to_owned)
        .collect())
}

fn answer(argv: &[&str], host: &dyn Host) -> Result<String, Failure> {
    let output = host.run(&Command::new(argv.iter().copied()).in_c_locale())?;
    if output.success() {
        return Ok(output.stdout_text());
    }
    let reason = output.stderr_text();
    Err(
        Failure::new(format!("`{}` failed: {}", argv.join(" "), reason.trim()))
            .with("rc", output.status)
            .with("stderr", reason),
    )
}

/// Returns when apt's lists were last updated, in seconds and nanoseconds since 1970; 0 where they never were.
pub(super) fn updated(host: &dyn Host) -> Result<(i64, u32), Failure> {
    for path in [
        "/var/lib/apt/periodic/update-success-stamp",
        "/var/lib/apt/lists",
    ] {
        if let Some(status) = host.status(path, true)? {
            return Ok(status.times.modified);
        }
    }
    Ok((0, 0))
}
