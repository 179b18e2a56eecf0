//! `include_vars`: sets variables from files of the controller.
//!
//! Values stay as they were written: templates among them are evaluated where they are used, also through a registered result.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diag::Span;
use crate::kit::{
    Any, Control, ControllerRequest, Effect, Failure, Meta, Outcome, StepView, Support,
};
use crate::template::{FileKind, Flags, LookupContext, Pattern, TemplateError};
use crate::value::{Dict, Value, is_variable_name};

/// Set variables from files of the controller
///
/// A relative `file` is looked for in `vars/` of the role and beside the tasks and the playbook, a relative `dir` in `vars/`
/// of the role or, outside of roles, beside the tasks' own file.
///
/// Files of a directory are read in the order of their names, one directory after the other; later ones win.
///
/// ## Check mode
///
/// Does the same.
///
/// ## Returns
///
/// `ansible_facts`: the variables; `ansible_included_var_files`: the files they came from.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.include_vars: "{{ ansible_facts['os_family'] }}.yml"
/// - ansible.builtin.include_vars:
///     dir: services
///     ignore_unknown_extensions: true
///     name: services
/// ```
///
/// ## Differs from Ansible
///
/// A failure's `msg` says what is wrong; ansible-core has it in `message` only. Text in `extensions` is one extension, where
/// ansible-core takes its letters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncludeVarsArgs {
    /// The file; the short form `include_vars: main.yml` means the same.
    file: Option<String>,
    /// Reads the files of this directory and of those below it.
    dir: Option<String>,
    /// Makes one dictionary of that name instead of single variables.
    name: Option<String>,
    /// How many levels of directories are read; 0 means all.
    depth: Option<i64>,
    /// Reads only files of `dir` whose name this regular expression finds.
    files_matching: Option<String>,
    /// Regular expressions for the ends of names of `dir` that are passed over: a list, or text with spaces between them.
    ignore_files: Option<Any>,
    /// The extensions that files of `dir` must have, without the dot: `yaml`, `yml` and `json` unless given.
    extensions: Option<Vec<String>>,
    /// Passes over files of `dir` with another extension, which are an error otherwise.
    ignore_unknown_extensions: Option<bool>,
    /// Whether dictionaries are joined with those of the same name (`merge`) or take their place (`replace`); the setting of
    /// that name decides unless given.
    hash_behaviour: Option<HashBehaviour>,
    /// The short form's file.
    #[serde(rename = "_raw_params")]
    #[schemars(skip)]
    free_form: Option<String>,
}

/// What happens to a dictionary that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum HashBehaviour {
    /// The new one takes its place.
    Replace,
    /// Both are joined, deep inside too.
    Merge,
}

impl IncludeVarsArgs {
    fn validate(&self) -> Result<(), Failure> {
        let of_directories = [
            ("dir", self.dir.is_some()),
            ("depth", self.depth.is_some()),
            ("files_matching", self.files_matching.is_some()),
            ("ignore_files", self.ignore_files.is_some()),
            ("extensions", self.extensions.is_some()),
            (
                "ignore_unknown_extensions",
                self.ignore_unknown_extensions.is_some(),
            ),
        ];
        let given = of_directories.iter().find(|(_, given)| *given);
        let one_file = self.file.is_some() || self.free_form.is_some();
        match given {
            Some((name, _)) if one_file => Err(Failure::new(format!(
                "`{name}` is for directories, so it cannot stand beside a file"
            ))),
            _ => Ok(()),
        }
    }
}

/// The module `ansible.builtin.include_vars`.
pub(crate) struct IncludeVars;

impl Control for IncludeVars {
    type Args = IncludeVarsArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.include_vars",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::Pure,
        check: Support::Full,
        diff: Support::None,
        free_form: Some("_raw_params"),
    };
    const CONTROLLER: bool = true;

    fn run(args: &IncludeVarsArgs, step: &dyn StepView) -> Result<Outcome, Failure> {
        args.validate()?;
        let controller = step.controller()?;
        let mut included = Included {
            controller,
            files: Vec::new(),
            variables: Dict::new(),
        };
        let read = match args.dir.as_deref().filter(|dir| !dir.is_empty()) {
            Some(dir) => included.directory(args, &root(dir, step, controller)?),
            None => included.file(args),
        };
        let files: Value = included
            .files
            .iter()
            .map(|path| Value::from(path.display().to_string()))
            .collect();
        read.map_err(|failure| {
            let message = failure.message.clone();
            failure
                .with("message", message)
                .with("ansible_included_var_files", files.clone())
                .with("ansible_facts", Value::dict(Dict::new()))
        })?;
        let mut variables = match &args.name {
            Some(name) if !name.is_empty() => {
                Dict::new().with(name.as_str(), Value::dict(included.variables))
            }
            _ => included.variables,
        };
        if args.hash_behaviour == Some(HashBehaviour::Merge) {
            for (name, value) in variables.clone() {
                if let Some(before) = existing(name.as_str(), step)? {
                    variables.insert(name, merged(&before, &value));
                }
            }
        }
        Ok(Outcome::unchanged()
            .with("ansible_included_var_files", files)
            .with("ansible_facts", Value::dict(variables.clone()))
            .request(ControllerRequest::IncludeVars(variables)))
    }
}

/// Returns the directory that `dir` means.
fn root(
    dir: &str,
    step: &dyn StepView,
    controller: &dyn LookupContext,
) -> Result<PathBuf, Failure> {
    let role = step.expression(&Value::template("role_path", Span::NONE))?;
    let Some(role) = role.as_str().map(Path::new) else {
        // Outside of roles the first folder is that of the file that the task stands in.
        let beside = controller.search_path().into_iter().next();
        return Ok(beside.map_or_else(|| PathBuf::from(dir), |folder| folder.join(dir)));
    };
    let inside = role.join(dir);
    if Path::new(dir).starts_with("vars") && controller.status(&inside).is_some() {
        return Ok(inside);
    }
    Ok(role.join("vars").join(dir))
}

/// Returns a variable's present value, or nothing where there is none.
fn existing(name: Option<&str>, step: &dyn StepView) -> Result<Option<Value>, Failure> {
    match name.filter(|name| is_variable_name(name)) {
        Some(name) => {
            let value = step.expression(&Value::template(name, Span::NONE))?;
            Ok(Some(value).filter(|value| value.as_fault().is_none()))
        }
        None => Ok(None),
    }
}

/// Joins two dictionaries, deep inside too; other values give way to the new one.
fn merged(before: &Value, after: &Value) -> Value {
    let (Some(old), Some(new)) = (before.as_dict(), after.as_dict()) else {
        return after.clone();
    };
    let mut joined = old.clone();
    for (name, value) in new {
        let value = joined
            .get_key(name)
            .map_or_else(|| value.clone(), |known| merged(known, value));
        joined.insert(name.clone(), value);
    }
    Value::dict(joined)
        .with_marks(before.marks() | after.marks())
        .with_origin(after.origin())
}

/// What was read so far.
struct Included<'a> {
    controller: &'a dyn LookupContext,
    files: Vec<PathBuf>,
    variables: Dict,
}

impl Included<'_> {
    fn file(&mut self, args: &IncludeVarsArgs) -> Result<(), Failure> {
        let given = args.file.as_deref().filter(|file| !file.is_empty());
        let name = given.or_else(|| {
            let short = args.free_form.as_deref()?;
            Some(short.trim_end_matches('\n')).filter(|file| !file.is_empty())
        });
        let Some(name) = name else {
            return Err(Failure::new("`include_vars` needs `file` or `dir`"));
        };
        let found = self
            .controller
            .find_file(FileKind::Vars, name)
            .map_err(failure)?;
        let Some(path) = found else {
            return Err(Failure::new(missing(name, self.controller)));
        };
        self.load(path)
    }

    fn load(&mut self, path: PathBuf) -> Result<(), Failure> {
        let content = self.controller.load(&path).map_err(failure)?;
        match content.as_dict() {
            Some(dict) => self.variables.extend(dict.clone()),
            None if content.is_null() => {}
            None => {
                return Err(Failure {
                    span: content.origin(),
                    ..Failure::new(format!(
                        "{} must be stored as a dictionary/hash",
                        path.display()
                    ))
                });
            }
        }
        self.files.push(path);
        Ok(())
    }

    fn directory(&mut self, args: &IncludeVarsArgs, root: &Path) -> Result<(), Failure> {
        match self.controller.status(root) {
            Some(status) if status.directory => {}
            Some(_) => {
                return Err(Failure::new(format!(
                    "{} is not a directory",
                    root.display()
                )));
            }
            None => {
                return Err(Failure::new(format!(
                    "{} directory does not exist",
                    root.display()
                )));
            }
        }
        let wanted = Wanted::new(args)?;
        let mut directories = Vec::new();
        self.walk(root, 1, args.depth.unwrap_or(0), &mut directories)?;
        directories.sort_by(|left, right| left.0.cmp(&right.0));
        for (directory, names) in directories {
            for name in names {
                let path = Path::new(&directory).join(&name);
                if wanted.takes(&path, &name)? {
                    self.load(path)?;
                }
            }
        }
        Ok(())
    }

    /// Collects the directories of the wanted levels with the names of their files.
    fn walk(
        &self,
        directory: &Path,
        level: i64,
        deepest: i64,
        found: &mut Vec<(String, Vec<String>)>,
    ) -> Result<(), Failure> {
        if deepest != 0 && level > deepest || level > DEEPEST {
            return Ok(());
        }
        let mut files = Vec::new();
        for name in self.controller.list(directory).map_err(failure)? {
            let path = directory.join(&name);
            match self.controller.status(&path) {
                Some(status) if status.directory => {
                    self.walk(&path, level + 1, deepest, found)?;
                }
                Some(_) => files.push(name),
                // A link that leads nowhere.
                None => {}
            }
        }
        found.push((directory.display().to_string(), files));
        Ok(())
    }
}

/// A link may lead back up; nobody nests variables deeper than this.
const DEEPEST: i64 = 32;

/// Which files of a directory are read.
struct Wanted {
    matching: Option<Pattern>,
    ignored: Vec<Pattern>,
    extensions: Vec<String>,
    ignore_unknown: bool,
}

impl Wanted {
    fn new(args: &IncludeVarsArgs) -> Result<Self, Failure> {
        let pattern = |argument: &str, text: &str| {
            Pattern::new(text, Flags::default()).map_err(|error| {
                Failure::new(format!(
                    "argument `{argument}`: `{text}` is not a regular expression: {error}"
                ))
            })
        };
        let ignored: Vec<String> = match &args.ignore_files {
            None => Vec::new(),
            Some(Any(value)) => match (value.as_str(), value.as_list()) {
                (Some(text), _) => text.split_whitespace().map(str::to_owned).collect(),
                (None, Some(items)) => items.iter().map(Value::to_text).collect(),
                (None, None) if !value.is_true() => Vec::new(),
                (None, None) => {
                    return Err(Failure::new(format!(
                        "argument `ignore_files`: must be a list, not {}",
                        value.type_name()
                    )));
                }
            },
        };
        let matching = args
            .files_matching
            .as_deref()
            .filter(|text| !text.is_empty());
        Ok(Self {
            matching: matching
                .map(|text| pattern("files_matching", text))
                .transpose()?,
            ignored: ignored
                .iter()
                .map(|text| pattern("ignore_files", &format!("{text}$")))
                .collect::<Result<_, _>>()?,
            extensions: args
                .extensions
                .clone()
                .unwrap_or_else(|| ["yaml", "yml", "json"].map(str::to_owned).to_vec()),
            ignore_unknown: args.ignore_unknown_extensions.unwrap_or(false),
        })
    }

    fn takes(&self, path: &Path, name: &str) -> Result<bool, Failure> {
        let finds = |pattern: &Pattern| {
            pattern
                .search(name)
                .map(|found| found.is_some())
                .map_err(failure)
        };
        if let Some(matching) = &self.matching
            && !finds(matching)?
        {
            return Ok(false);
        }
        for pattern in &self.ignored {
            if finds(pattern)? {
                return Ok(false);
            }
        }
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().into_owned())
            .unwrap_or_default();
        if self.extensions.contains(&extension) {
            return Ok(true);
        }
        if self.ignore_unknown {
            return Ok(false);
        }
        Err(Failure::new(format!(
            "{} does not have a valid extension: {}",
            path.display(),
            self.extensions.join(", ")
        )))
    }
}

/// Says that there is no such file, and where it was looked for.
pub(super) fn missing(name: &str, controller: &dyn LookupContext) -> String {
    let searched: Vec<String> = controller
        .search_path()
        .iter()
        .flat_map(|folder| [folder.join("vars").join(name), folder.join(name)])
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if Path::new(name).is_absolute() || searched.is_empty() {
        format!("there is no file `{name}` on the controller")
    } else {
        format!(
            "there is no file `{name}` on the controller; searched: {}",
            searched.join(", ")
        )
    }
}

fn failure(error: TemplateError) -> Failure {
    let message = error.to_string();
    let span = match error {
        TemplateError::Fault(fault) => fault.span,
        TemplateError::Syntax { span, .. } => span,
        TemplateError::Elsewhere(_) => Span::NONE,
    };
    Failure {
        span,
        ..Failure::new(message)
    }
}

#[cfg(test)]
mod tests;
