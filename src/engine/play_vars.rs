//! The variables that a play brings beside `vars`: answers to `vars_prompt` and the files of `vars_files`. Called by `play`.

use std::path::Path;
use std::sync::Arc;

use super::ask;
use super::events::Event;
use super::outside::Outside;
use super::play_context::{Context, render_for_play};
use super::scope::HostScope;
use crate::diag::Diagnostic;
use crate::playbook::Play;
use crate::template::{FileKind, LookupContext as _};
use crate::value::{Dict, Value};
use crate::varfile::Reader;
use crate::yaml::DuplicateKeys;

/// Asks what `vars_prompt` wants to know and the command line has not said.
pub(super) fn prompts(context: &Context<'_>, play: &Arc<Play>) -> Dict {
    let mut answers = Dict::new();
    for prompt in &play.vars_prompt {
        if context.run.options.extra_vars.contains(&prompt.name) {
            continue;
        }
        let text = |value: &Option<Value>| {
            value
                .as_ref()
                .and_then(|value| render_for_play(context.run, play, value).ok())
                .filter(|value| !value.is_null())
        };
        let default = text(&prompt.default);
        let shown =
            text(&prompt.prompt).map_or_else(|| prompt.name.to_string(), |value| value.to_text());
        let hint = default
            .as_ref()
            .filter(|_| !prompt.private)
            .map(|value| format!(" [{}]", value.to_text()))
            .unwrap_or_default();
        let answer = loop {
            let first = ask::line(&format!("{shown}{hint}: "), !prompt.private);
            if !prompt.confirm
                || first == ask::line(&format!("confirm {shown}{hint}: "), !prompt.private)
            {
                break first;
            }
            let _ = context.events.send(Event::Message(
                "***** VALUES ENTERED DO NOT MATCH ****".to_owned(),
            ));
        };
        let value = if answer.is_empty() {
            default.unwrap_or_else(|| Value::text(""))
        } else {
            Value::text(answer)
        };
        answers.insert(
            prompt.name.clone(),
            if prompt.private {
                value.secret()
            } else {
                value
            },
        );
    }
    answers
}

/// Reads `vars_files`; of a list of names the first that exists counts.
pub(super) fn files(
    context: &Context<'_>,
    play: &Arc<Play>,
    hosts: &[Arc<str>],
) -> Result<Dict, Vec<Diagnostic>> {
    let mut all = Dict::new();
    let Some(first) = hosts.first() else {
        return Ok(all);
    };
    let run = context.run;
    for entry in &play.vars_files {
        let names: Vec<Value> = entry
            .as_list()
            .map_or_else(|| vec![entry.clone()], <[Value]>::to_vec);
        let mut tried = Vec::new();
        let mut found = None;
        for name in &names {
            let scope = HostScope::new(run, None, Some(&play.scope), first);
            let vars = crate::vars::Layered {
                first: &all,
                then: &scope,
            };
            let vars = crate::vars::Layered {
                first: &vars,
                then: &play.scope.keywords.vars,
            };
            let outside = Outside { scope: &scope };
            let template_scope = crate::template::Scope {
                variables: &vars,
                outside: Some(&outside),
                sources: Some(&run.sources),
            };
            let Ok(rendered) = run.templar.render(name, &template_scope) else {
                continue;
            };
            let text = rendered.to_text();
            let base = run.working_directory.join(&*play.directory);
            let path = if Path::new(&text).is_absolute() {
                Path::new(&text).to_path_buf()
            } else {
                base.join(&text)
            };
            let path = if path.exists() {
                Some(path)
            } else {
                outside.find_file(FileKind::Vars, &text).ok().flatten()
            };
            match path {
                Some(path) => {
                    found = Some(path);
                    break;
                }
                None => tried.push(text),
            }
        }
        let Some(path) = found else {
            let text = format!("vars file {} was not found", tried.join(", "));
            let _ = context.events.send(Event::Warning(
                Diagnostic::warning("vars-file", text).at(entry.origin().or(play.span), ""),
            ));
            continue;
        };
        let reader = Reader {
            sources: &run.sources,
            vault: &run.vault,
            duplicates: DuplicateKeys::from(&*run.config),
        };
        all.extend(reader.read(&path)?.vars);
    }
    Ok(all)
}
