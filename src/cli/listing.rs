//! `--list-hosts`, `--list-tasks`, `--list-tags`, `--syntax-check`: what would run, in Ansible's words.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::options::PlayOptions;
use super::{exit, voice};
use crate::engine::{self, ListedPlay, Site};
use crate::report::Printer;

/// Tells whether a list is wanted instead of a run.
pub(super) fn wanted(options: &PlayOptions) -> bool {
    options.list_hosts || options.list_tasks || options.list_tags
}

/// Prints the lists that are wanted; for a syntax check alone, the names of the playbooks.
pub(super) fn list(
    site: Site,
    options: &PlayOptions,
    playbooks: &[PathBuf],
    printer: &Printer,
) -> u8 {
    if !wanted(options) {
        for playbook in playbooks {
            printer.line(&format!("\nplaybook: {}", playbook.display()), None);
        }
        return exit::FINE;
    }
    let sources = site.sources.clone();
    let files: Vec<PathBuf> = site
        .playbooks
        .iter()
        .map(|playbook| playbook.path.clone())
        .collect();
    let listing = match engine::list(site) {
        Ok(listing) => listing,
        Err(errors) => return voice::refuse(printer, &sources, errors),
    };
    for (named, file) in playbooks.iter().zip(&files) {
        printer.line(&format!("\nplaybook: {}", named.display()), None);
        let of_this = listing
            .plays
            .iter()
            .filter(|play| Path::new(&play.playbook) == file || Path::new(&play.playbook) == named);
        for play in of_this {
            printer.line(&text(play, options), None);
        }
    }
    exit::FINE
}

fn text(play: &ListedPlay, options: &PlayOptions) -> String {
    let tags = |tags: &[String]| tags.join(", ");
    let mut text = format!(
        "\n  play #{} ({}): {}\tTAGS: [{}]",
        play.number,
        play.patterns.join(","),
        play.name,
        tags(&play.tags)
    );
    if options.list_hosts {
        let _ = write!(
            text,
            "\n    pattern: ['{}']\n    hosts ({}):",
            play.patterns.join("', '"),
            play.hosts.len()
        );
        for host in &play.hosts {
            let _ = write!(text, "\n      {host}");
        }
    }
    if options.list_tasks {
        text.push_str("\n    tasks:");
        for (name, own) in &play.tasks {
            let _ = write!(text, "\n      {name}\tTAGS: [{}]", tags(own));
        }
    }
    if options.list_tags {
        let all: BTreeSet<&String> = play.task_tags.iter().chain(&play.tags).collect();
        let all: Vec<&str> = all.into_iter().map(String::as_str).collect();
        let _ = write!(text, "\n      TASK TAGS: [{}]", all.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play() -> ListedPlay {
        ListedPlay {
            number: 1,
            playbook: "site.yml".to_owned(),
            patterns: vec!["web".to_owned(), "db".to_owned()],
            task_tags: vec!["a".to_owned(), "b".to_owned()],
            name: "All".to_owned(),
            hosts: vec!["h1".into()],
            tags: Vec::new(),
            tasks: vec![
                ("one".to_owned(), vec!["b".to_owned(), "a".to_owned()]),
                ("two".to_owned(), Vec::new()),
            ],
        }
    }

    /// As ansible-playbook prints it.
    #[test]
    fn lists_are_those_of_ansible() {
        let options = PlayOptions {
            list_hosts: true,
            list_tasks: true,
            list_tags: true,
            ..PlayOptions::default()
        };
        assert_eq!(
            text(&play(), &options),
            "\n  play #1 (web,db): All\tTAGS: []\n    pattern: ['web', 'db']\n    hosts (1):\n      h1\n    tasks:\n      one\tTAGS: [b, a]\n      \
             two\tTAGS: []\n      TASK TAGS: [a, b]"
        );
    }
}
