//! Writes and compares the generated pages of `docs/reference`.
//!
//! `KPLAY_REGENERATE=1 cargo test --test it reference` writes them; without it a page that is not what the code says fails.

use std::fmt::Write as _;
use std::fs;

use kplay::diag::CODES;
use kplay::kit::{Effect, Entry, Meta, Support};
use kplay::modules::{REGISTRY, all};

use crate::support::source::rust_files;
use crate::support::{manual, repository};

const REGENERATE: &str = "KPLAY_REGENERATE=1 cargo test --test it reference";

#[track_caller]
fn page(name: &str, expected: &str) {
    let path = repository("docs/reference").join(name);
    if std::env::var_os("KPLAY_REGENERATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = (1..)
        .zip(written.lines().zip(expected.lines()))
        .find(|(_, (written, expected))| written != expected);
    if let Some((line, (written, expected))) = differs {
        panic!(
            "docs/reference/{name}:{line} is stale: `{written}` should be `{expected}`. Write it anew: {REGENERATE}"
        );
    }
    assert_eq!(
        written.lines().count(),
        expected.lines().count(),
        "docs/reference/{name} is stale. Write it anew: {REGENERATE}"
    );
}

fn generated_from(source: &str) -> String {
    format!("<!-- Generated from {source}: {REGENERATE} -->\n\n")
}

fn support(support: Support) -> &'static str {
    match support {
        Support::Full => "yes",
        Support::Partial => "in part",
        Support::None => "no",
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn anchor(name: &str) -> String {
    format!("#{}", name.replace('.', ""))
}

fn module(entry: Entry) -> String {
    let meta = entry.meta();
    let schema = kplay::modules::schema(entry);
    let text = manual::text(&schema);
    let (title, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let mut out = format!("### {}\n\n{title}.\n\n", meta.name);
    let _ = writeln!(out, "{}\n", facts(meta));
    let (prose, parts) = rest.split_once("\n## ").unwrap_or((rest, ""));
    if !prose.trim().is_empty() {
        let _ = writeln!(out, "{}\n", prose.trim());
    }
    out.push_str(&arguments(&manual::arguments(&schema)));
    if !parts.is_empty() {
        let mut inside = false;
        for line in format!("## {parts}").trim().lines() {
            inside ^= line.starts_with("```");
            let deeper = if !inside && line.starts_with("## ") {
                "##"
            } else {
                ""
            };
            let _ = writeln!(out, "{deeper}{line}");
        }
    }
    out
}

fn facts(meta: &Meta) -> String {
    let mut facts = vec![
        format!("Effect: [{}](effects.md)", meta.effect.name()),
        format!("check mode: {}", support(meta.check)),
        format!("diff: {}", support(meta.diff)),
        format!("since {}", meta.since),
    ];
    if let Some(argument) = meta.free_form {
        facts.push(format!("free text goes to `{argument}`"));
    }
    if !meta.aliases.is_empty() {
        let aliases: Vec<_> = meta
            .aliases
            .iter()
            .map(|alias| format!("`{alias}`"))
            .collect();
        facts.push(format!("also {}", aliases.join(", ")));
    }
    format!("{}.", facts.join("; "))
}

fn arguments(arguments: &[manual::Argument]) -> String {
    if arguments.is_empty() {
        return "It takes no arguments.\n\n".to_owned();
    }
    let mut out = "| argument | takes | default | |\n| --- | --- | --- | --- |\n".to_owned();
    for argument in arguments {
        let default = match &argument.default {
            _ if argument.required => "required".to_owned(),
            Some(default) => format!("`{}`", default.trim_matches('"')),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            argument.name,
            cell(&argument.takes),
            cell(&default),
            cell(&argument.text)
        );
    }
    out.push('\n');
    out
}

#[test]
fn modules() {
    let mut out = generated_from("the arguments of the modules");
    out.push_str("# Modules\n\n");
    let names: Vec<_> = all().map(|entry| entry.meta().name).collect();
    let _ = writeln!(
        out,
        "The {} modules that kplay has, by family. A playbook may name them as it does for Ansible: in short, in full, or by an \
         older name that Ansible redirects.\n",
        names.len()
    );
    let families = || REGISTRY.iter().filter(|entries| !entries.is_empty());
    for entries in families() {
        let links: Vec<_> = entries
            .iter()
            .map(|entry| entry.meta())
            .map(|meta| format!("[{}]({})", meta.short_name(), anchor(meta.name)))
            .collect();
        let family = entries.first().map_or("", |entry| entry.meta().family);
        let _ = writeln!(out, "- {family}: {}", links.join(", "));
    }
    for entries in families() {
        let family = entries.first().map_or("", |entry| entry.meta().family);
        let _ = write!(out, "\n## {family}\n");
        for entry in *entries {
            let _ = write!(out, "\n{}", module(*entry));
        }
    }
    page("modules.md", &out);
}

/// The table's columns: what a step may notice of other hosts, and what they may notice of it.
fn meaning(effect: Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Pure => ("nothing", "nothing; it touches variables only"),
        Effect::Host => ("nothing", "that it changed something, if it did"),
        Effect::Sees => ("what they serve", "that it changed something, if it did"),
        Effect::Shows => ("what they serve", "what it changes on its host"),
        Effect::World => ("anything", "anything"),
    }
}

#[test]
fn effects() {
    let mut out = generated_from("what each module declares");
    out.push_str(
        "# Effects\n\n\
         Ansible's `linear` strategy lets all hosts finish a task before any begins the next. kplay keeps the results of that \
         order and waits only where one host could notice another. For this every module declares how far it reaches.\n\n\
         | effect | what it may notice of other hosts | what they may notice of it | modules |\n\
         | --- | --- | --- | --- |\n",
    );
    for effect in Effect::ALL {
        let mut names: Vec<_> = all()
            .map(Entry::meta)
            .filter(|meta| meta.effect == effect)
            .map(|meta| format!("[{}](modules.md{})", meta.short_name(), anchor(meta.name)))
            .collect();
        names.sort();
        let (notices, noticed) = meaning(effect);
        let _ = writeln!(
            out,
            "| {} | {notices} | {noticed} | {} |",
            effect.name(),
            names.join(", ")
        );
    }
    out.push_str(
        "\nA task reaches further than its module where its keywords or expressions do: `delegate_to`, `run_once`, \
         `any_errors_fatal`, `hostvars` of another host, the state of the run, lookups that reach out. \
         A playbook can say how far a task reaches: see [the guide](../guide/order.md).\n",
    );
    page("effects.md", &out);
}

#[test]
fn diagnostics() {
    let mut out = generated_from("src/diag/codes.rs");
    out.push_str(
        "# Diagnostics\n\n\
         A message about a mistake shows its code in brackets. A code keeps its meaning from version to version.\n\n",
    );
    for (code, text) in CODES {
        let _ = writeln!(out, "- `{code}`: {text}");
    }
    page("diagnostics.md", &out);
}

#[test]
fn exit_codes() {
    let mut out = generated_from("src/cli/exit.rs");
    out.push_str(
        "# Exit codes\n\nThe numbers are Ansible's.\n\n| code | meaning |\n| --- | --- |\n",
    );
    for (code, meaning) in kplay::cli::exit::CODES {
        let _ = writeln!(out, "| {code} | {meaning} |");
    }
    page("exit-codes.md", &out);
}

#[test]
fn codes_of_the_sources_are_those_of_the_table() {
    let mut violations = Vec::new();
    let mut unused: Vec<_> = CODES.iter().map(|(code, _)| *code).collect();
    for file in rust_files("src")
        .iter()
        .filter(|file| file.path != "src/diag/codes.rs")
    {
        for (at, found) in file.code.match_indices("Diagnostic::") {
            let line = file.code[..at].matches('\n').count() + 1;
            let rest = &file.text[at + found.len()..];
            let code = ["error(", "warning("]
                .iter()
                .find_map(|call| {
                    rest.strip_prefix(call)?
                        .trim_start()
                        .strip_prefix('"')?
                        .split_once('"')
                })
                .map(|(code, _)| code);
            if let Some(code) = code
                && !file.is_test(line)
                && !CODES.iter().any(|(known, _)| *known == code)
            {
                violations.push(format!(
                    "{}:{line}: `{code}` is not in src/diag/codes.rs",
                    file.path
                ));
            }
        }
        unused.retain(|code| !file.text.contains(&format!("\"{code}\"")));
    }
    violations.extend(
        unused
            .iter()
            .map(|code| format!("src/diag/codes.rs: nothing uses `{code}`")),
    );
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn a_page_that_differs_is_stale() {
    if std::env::var_os("KPLAY_REGENERATE").is_none() {
        assert!(std::panic::catch_unwind(|| page("modules.md", "# Other\n")).is_err());
    }
}
