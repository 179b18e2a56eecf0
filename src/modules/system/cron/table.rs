//! The lines of a crontab: jobs under their `#Ansible: NAME`, variables, and everything that is somebody else's.

/// What stands before the name of a job that Ansible or kplay made.
const MARK: &str = "#Ansible: ";

/// A crontab, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    lines: Vec<String>,
}

/// Where a new variable goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Top,
    After(&'a str),
    Before(&'a str),
}

impl Table {
    pub(super) fn new(text: &str) -> Self {
        Self {
            lines: text.lines().map(ToOwned::to_owned).collect(),
        }
    }

    /// Tells whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.trim().is_empty())
    }

    /// The text as a crontab wants it: with an end to its last line, and no empty ones behind.
    pub(super) fn text(&self) -> String {
        let text = self.lines.join("\n");
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            String::new()
        } else {
            format!("{text}\n")
        }
    }

    /// Returns the names of the jobs.
    pub(super) fn jobs(&self) -> Vec<String> {
        let names = self.lines.iter().filter_map(|line| line.strip_prefix(MARK));
        names.map(ToOwned::to_owned).collect()
    }

    /// Returns the names of the variables.
    pub(super) fn variables(&self) -> Vec<String> {
        let names = self.lines.iter().filter_map(|line| {
            let first = line.split_whitespace().next()?;
            (line.starts_with(first) && first.contains('=')).then(|| line.split('=').next())?
        });
        names.map(ToOwned::to_owned).collect()
    }

    /// Returns the line of the job of that name.
    fn job(&self, name: &str) -> Option<&str> {
        let mut lines = self.lines.iter();
        while let Some(line) = lines.next() {
            if let Some(known) = line.strip_prefix(MARK) {
                let job = lines.next();
                if known == name {
                    return job.map(String::as_str);
                }
            }
        }
        None
    }

    /// Makes sure of the job. One that is there without a name gets this one. Says whether something changed.
    pub(super) fn put_job(&mut self, name: &str, job: &str) -> bool {
        match self.job(name) {
            Some(known) if known == job => return false,
            Some(_) => {
                self.replace_job(name, Some(job));
                return true;
            }
            None => {}
        }
        let heading = format!("{MARK}{name}");
        for at in 0..self.lines.len() {
            if self.lines.get(at).is_none_or(|line| line != job) {
                continue;
            }
            // Whose line it is says the one before; the first line's is the last, as in Ansible.
            let before = at.checked_sub(1).unwrap_or(self.lines.len() - 1);
            let Some(above) = self.lines.get_mut(before) else {
                continue;
            };
            if !above.starts_with(MARK) {
                self.lines.insert(at, heading);
                return true;
            }
            if !name.is_empty() && above.strip_prefix(MARK) == Some("None") {
                *above = heading;
                return true;
            }
        }
        self.lines.extend([heading, job.to_owned()]);
        true
    }

    /// Makes sure that there is no job of that name. Says whether there was one.
    pub(super) fn remove_job(&mut self, name: &str) -> bool {
        let known = self.job(name).is_some();
        if known {
            self.replace_job(name, None);
        }
        known
    }

    fn replace_job(&mut self, name: &str, job: Option<&str>) {
        let heading = format!("{MARK}{name}");
        let mut lines = std::mem::take(&mut self.lines).into_iter();
        while let Some(line) = lines.next() {
            if line != heading {
                self.lines.push(line);
            } else if lines.next().is_some()
                && let Some(job) = job
            {
                self.lines.extend([line, job.to_owned()]);
            }
        }
    }

    fn is_variable(line: &str, name: &str) -> bool {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('='))
    }

    fn variable(&self, name: &str) -> Option<usize> {
        let mut lines = self.lines.iter();
        lines.position(|line| Self::is_variable(line, name))
    }

    /// Makes sure of the variable. Says whether something changed; an error names the variable that is not there.
    pub(super) fn put_variable(
        &mut self,
        name: &str,
        value: &str,
        place: Place<'_>,
    ) -> Result<bool, String> {
        let declaration = format!("{name}=\"{value}\"");
        let Some(first) = self.variable(name) else {
            let at = match place {
                Place::Top => 0,
                Place::After(other) => self.variable(other).ok_or(other)? + 1,
                Place::Before(other) => self.variable(other).ok_or(other)?,
            };
            self.lines.insert(at, declaration);
            return Ok(true);
        };
        if self.lines.get(first) == Some(&declaration) {
            return Ok(false);
        }
        for line in &mut self.lines {
            if Self::is_variable(line, name) {
                line.clone_from(&declaration);
            }
        }
        Ok(true)
    }

    /// Makes sure that there is no variable of that name. Says whether there was one.
    pub(super) fn remove_variable(&mut self, name: &str) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| !Self::is_variable(line, name));
        self.lines.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\nPATH=/bin\n0 1 * * * /old\n#Ansible: one\n@daily /one\n#Ansible: two\n5 * * * * /two\n";

    #[test]
    fn jobs_are_known_by_name_and_by_line() {
        let table = Table::new(TEXT);
        assert_eq!(table.jobs(), ["one", "two"]);
        let changed = |name: &str, job: &str| {
            let mut table = table.clone();
            let changed = table.put_job(name, job);
            (changed, table.text())
        };
        assert_eq!(changed("one", "@daily /one"), (false, TEXT.to_owned()));
        assert_eq!(
            changed("two", "@daily /two").1,
            TEXT.replace("5 * * * * /two", "@daily /two")
        );
        assert_eq!(
            changed("new", "@daily /new").1,
            format!("{TEXT}#Ansible: new\n@daily /new\n")
        );
        let named = TEXT.replace("0 1", "#Ansible: old\n0 1");
        assert_eq!(changed("old", "0 1 * * * /old").1, named);
    }

    #[test]
    fn jobs_go_with_their_names() {
        let mut table = Table::new(TEXT);
        assert!(!table.remove_job("three"));
        assert!(table.remove_job("one") && table.remove_job("two"));
        assert_eq!(table.text(), "# mine\nPATH=/bin\n0 1 * * * /old\n");
    }

    #[test]
    fn variables_have_a_place() {
        let put = |name: &str, place: Place<'_>| {
            let mut table = Table::new("A=1\n\nB=\"2\"\n");
            table
                .put_variable(name, "2", place)
                .map(|changed| (changed, table.text()))
        };
        let text = |name, place| put(name, place).unwrap().1;
        assert_eq!(text("C", Place::Top), "C=\"2\"\nA=1\n\nB=\"2\"\n");
        assert_eq!(text("C", Place::After("A")), "A=1\nC=\"2\"\n\nB=\"2\"\n");
        assert_eq!(text("C", Place::Before("B")), "A=1\n\nC=\"2\"\nB=\"2\"\n");
        assert_eq!(put("C", Place::After("D")), Err("D".to_owned()));
        assert_eq!(text("A", Place::Top), "A=\"2\"\n\nB=\"2\"\n");
        assert!(!put("B", Place::Top).unwrap().0);
        let mut table = Table::new("A=1\nAB=2\n x=3\n");
        assert_eq!(table.variables(), ["A", "AB"]);
        assert!(table.remove_variable("A") && !table.remove_variable("A"));
        assert!(!table.is_empty() && Table::new("\n \n").is_empty());
    }
}
