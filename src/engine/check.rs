//! What is wrong with a site, as far as that can be known before the first connection: the things that need more than one file.

use super::site::Site;
use crate::diag::Diagnostic;
use crate::pattern;
use crate::playbook::{Play, Reach, TagSelection};

/// Returns errors and warnings, sorted by place. With an error the site must not run.
pub fn check(site: &Site) -> Vec<Diagnostic> {
    let options = &site.options;
    let tags = TagSelection::new(
        options.tags.iter().map(String::as_str),
        options.skip_tags.iter().map(String::as_str),
    );
    let hosts = |play: &Play| has_hosts(site, play);
    let reach = Reach {
        hosts: &hosts,
        tags: &tags,
    };
    let mut found: Vec<Diagnostic> = site
        .playbooks
        .iter()
        .flat_map(|playbook| site.loader.findings(playbook, &reach))
        .collect();
    found.sort_by_key(|diagnostic| (!diagnostic.span().is_some(), diagnostic.span()));
    found.dedup();
    found
}

/// Tells whether a play has hosts, as far as its patterns are constant; what the run adds (`add_host`) may change that, so a
/// template counts as some.
fn has_hosts(site: &Site, play: &Play) -> bool {
    let mut patterns = Vec::new();
    for written in &play.hosts {
        match written.as_str() {
            Some(text) if !text.contains("{{") => patterns.extend(pattern::split(text)),
            _ => return true,
        }
    }
    pattern::hosts(&site.inventory, &patterns).map_or(true, |matched| !matched.hosts.is_empty())
}
