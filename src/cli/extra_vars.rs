//! `-e`: variables of the command line in three forms, `name=value`, YAML or JSON text, and `@FILE`.

use std::path::Path;

use crate::diag::{Diagnostic, Span};
use crate::playbook::pairs;
use crate::value::{Dict, Value};
use crate::varfile::Reader;
use crate::yaml::ValueOptions;

/// How the command line is called in messages.
const NAME: &str = "<command line>";

/// Returns the variables of all `-e`, the later ones winning; with what is odd about their files.
pub(super) fn read(
    options: &[String],
    reader: &Reader<'_>,
) -> Result<(Dict, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut all = Dict::new();
    let mut warnings = Vec::new();
    for option in options {
        all.extend(one(option, reader, &mut warnings)?);
    }
    Ok((all, warnings))
}

fn one(
    option: &str,
    reader: &Reader<'_>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Dict, Vec<Diagnostic>> {
    if let Some(path) = option.strip_prefix('@') {
        let file = reader.read(Path::new(path))?;
        warnings.extend(file.warnings);
        return Ok(file.vars);
    }
    if option.starts_with(['/', '.']) {
        let diagnostic = Diagnostic::error(
            "extra-vars",
            format!("`-e {option}` is neither `name=value` nor a mapping"),
        );
        return Err(vec![diagnostic.help(format!(
            "a file is named with an at sign before it: `-e @{option}`"
        ))]);
    }
    if option.starts_with(['{', '[']) {
        let document = reader.parse(NAME, option.as_bytes())?;
        warnings.extend(document.warnings);
        let values = ValueOptions {
            trusted: true,
            secret: false,
            vault: Some(reader.vault),
        };
        return document.root.to_dict(&values).ok_or_else(|| {
            let headline = format!(
                "`-e` wants variables, and this is {}",
                document.root.describe()
            );
            vec![
                Diagnostic::error("extra-vars", headline)
                    .at(document.root.span, "")
                    .help("write `{name: value}` or `name=value`"),
            ]
        });
    }
    let split = pairs(option, false).map_err(|why| {
        vec![Diagnostic::error(
            "extra-vars",
            format!("`-e {option}`: {why}"),
        )]
    })?;
    let file = reader.sources.add(NAME, option);
    let origin = Span::new(file, 1, 1, 0);
    if let Some(rest) = split.rest {
        let warning = Diagnostic::warning(
            "extra-vars",
            format!("`{rest}` after `-e` has no `=` and is no variable"),
        );
        warnings
            .push(warning.help("put quotes around a value with blanks: `-e \"name='two words'\"`"));
    }
    Ok(split
        .pairs
        .into_iter()
        .map(|(name, value)| (name.into(), Value::template(value, origin)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use crate::secrets::VaultSecrets;
    use crate::yaml::DuplicateKeys;

    fn of(options: &[&str]) -> Result<(Dict, Vec<Diagnostic>), Vec<Diagnostic>> {
        let (sources, vault) = (SourceMap::default(), VaultSecrets::default());
        let reader = Reader {
            sources: &sources,
            vault: &vault,
            duplicates: DuplicateKeys::Warn,
        };
        read(
            &options
                .iter()
                .map(|option| (*option).to_owned())
                .collect::<Vec<_>>(),
            &reader,
        )
    }

    #[test]
    fn pairs_are_text_and_yaml_has_types() {
        let (vars, warnings) = of(&["a=1 b='two words'", "{\"a\": 2, c: [x, no]}"]).unwrap();
        assert_eq!(
            Value::dict(vars.clone()).to_repr(),
            "{'a': 2, 'b': 'two words', 'c': ['x', False]}"
        );
        assert!(vars.get("b").unwrap().is_trusted() && warnings.is_empty());
    }

    #[test]
    fn files_are_read_and_the_last_wins() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vars.yml");
        std::fs::write(&path, "a: file\nb: 1\n").unwrap();
        let file = format!("@{}", path.display());
        assert_eq!(
            Value::dict(of(&[&file, "a=line"]).unwrap().0).to_repr(),
            "{'a': 'line', 'b': 1}"
        );
    }

    #[test]
    fn mistakes_are_explained() {
        let error = |option: &str| of(&[option]).unwrap_err().remove(0);
        assert!(error("./vars.yml").help[0].contains("-e @./vars.yml"));
        assert!(error("[1, 2]").headline.contains("list"));
        assert!(error("@/nonexistent").headline.contains("/nonexistent"));
        assert_eq!(of(&["word a=1"]).unwrap().1.len(), 1);
    }
}
