//! The keywords of a step with their values for this host and item.

use super::evaluation::{Evaluation, Trouble, as_boolean};
use crate::kit::job::ASYNC_DIRECTORY;
use crate::template::TemplateError;
use crate::value::{Kind, Value};
use crate::wire::{Become, BecomeMethod, Step};

/// What the keywords say.
#[derive(Clone, Debug)]
pub(super) struct Keywords {
    pub(super) ignore_errors: bool,
    pub(super) check: bool,
    pub(super) show_diff: bool,
    pub(super) becoming: Option<Become>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) timeout: Option<u64>,
    pub(super) delegate: Option<String>,
    pub(super) job: Option<Job>,
}

/// `async` and `poll`, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) limit: u64,
    /// Between questions; 0 asks none.
    pub(super) poll: u64,
}

impl Keywords {
    pub(super) fn read(step: &Step, evaluation: &Evaluation<'_>) -> Result<Self, Trouble> {
        let flag =
            |name: &str, keyword: &Option<Value>, default: bool| -> Result<bool, TemplateError> {
                keyword
                    .as_ref()
                    .map_or(Ok(default), |value| evaluation.boolean(name, value))
            };
        Ok(Self {
            ignore_errors: flag("ignore_errors", &step.ignore_errors, false)?,
            check: flag("check_mode", &step.check_mode, step.check)?,
            show_diff: flag("diff", &step.diff, step.show_diff)?,
            becoming: read_become(step, evaluation)?,
            environment: read_environment(step, evaluation)?,
            timeout: read_timeout(step, evaluation)?,
            delegate: read_delegate(step, evaluation)?,
            job: read_job(step, evaluation)?,
        })
    }
}

fn read_delegate(step: &Step, evaluation: &Evaluation<'_>) -> Result<Option<String>, Trouble> {
    let Some(value) = &step.delegate_to else {
        return Ok(None);
    };
    let host = evaluation.text("delegate_to", value)?;
    Ok((!host.is_empty()).then_some(host))
}

fn read_job(step: &Step, evaluation: &Evaluation<'_>) -> Result<Option<Job>, Trouble> {
    let Some(asynchronous) = &step.asynchronous else {
        return Ok(None);
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number below none is none, and one that is too large the largest"
    )]
    let seconds = |name: &str, value: &Value| -> Result<u64, TemplateError> {
        Ok(evaluation.number(name, value)? as u64)
    };
    let limit = seconds("async", &asynchronous.seconds)?;
    let poll = seconds("poll", &asynchronous.poll)?;
    Ok((limit > 0).then_some(Job { limit, poll }))
}

/// The directory of jobs travels to the host as Ansible hands it over: in the environment.
fn read_async_directory(
    step: &Step,
    evaluation: &Evaluation<'_>,
) -> Result<Option<(String, String)>, Trouble> {
    let Some(configured) = &step.async_directory else {
        return Ok(None);
    };
    let directory = evaluation
        .variable("ansible_async_dir")?
        .map_or_else(|| configured.to_string(), |value| value.to_text());
    Ok(Some((ASYNC_DIRECTORY.to_owned(), directory)))
}

fn read_timeout(step: &Step, evaluation: &Evaluation<'_>) -> Result<Option<u64>, Trouble> {
    let Some(value) = &step.timeout else {
        return Ok(None);
    };
    let seconds = evaluation.number("timeout", value)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and far from the limit"
    )]
    Ok((seconds > 0.0).then_some(seconds.ceil() as u64))
}

/// A variable goes before the keyword of the same meaning, as in Ansible.
fn setting(
    evaluation: &Evaluation<'_>,
    variables: &[&str],
    keyword: Option<&Value>,
) -> Result<Option<Value>, TemplateError> {
    for name in variables {
        if let Some(value) = evaluation.variable(name)? {
            return Ok(Some(value));
        }
    }
    keyword.map(|value| evaluation.render(value)).transpose()
}

/// Empty text and null mean "not given".
fn given(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_null() && !value.is_omit() && value.as_str() != Some(""))
}

fn read_become(step: &Step, evaluation: &Evaluation<'_>) -> Result<Option<Become>, Trouble> {
    let keywords = &step.becoming;
    let enabled = match given(setting(
        evaluation,
        &["ansible_become"],
        keywords.enabled.as_ref(),
    )?) {
        None => false,
        Some(value) => as_boolean(&value).ok_or_else(|| {
            Trouble::new(format!("`become` must be true or false, not `{value:?}`"))
        })?,
    };
    if !enabled {
        return Ok(None);
    }
    let method = given(setting(
        evaluation,
        &["ansible_become_method"],
        keywords.method.as_ref(),
    )?);
    let method = match method.map(|value| value.to_text()) {
        None => BecomeMethod::Sudo,
        Some(name) => BecomeMethod::parse(&name).ok_or_else(|| {
            Trouble::new(format!(
                "become method `{name}` is not supported; use sudo, su or doas"
            ))
        })?,
    };
    let program = method.program();
    let specific = |what: &str| format!("ansible_{program}_{what}");
    let find = |what: &str, keyword: Option<&Value>| -> Result<Option<Value>, TemplateError> {
        let (general, own) = (format!("ansible_become_{what}"), specific(what));
        Ok(given(setting(evaluation, &[&general, &own], keyword)?))
    };
    let user = find("user", keywords.user.as_ref())?
        .map_or_else(|| "root".to_owned(), |value| value.to_text());
    let executable = find("exe", keywords.executable.as_ref())?.map(|value| value.to_text());
    let flags = find("flags", keywords.flags.as_ref())?.map(|value| {
        value
            .to_text()
            .split_whitespace()
            .map(ToOwned::to_owned)
            .collect()
    });
    let password = match find("password", None)? {
        Some(password) => Some(password),
        None => find("pass", keywords.password.as_ref())?,
    };
    let password = password.map_or(Value::NULL, |value| Value::text(value.to_text()).secret());
    Ok(Some(Become {
        method,
        user,
        executable,
        flags,
        password,
    }))
}

fn read_environment(
    step: &Step,
    evaluation: &Evaluation<'_>,
) -> Result<Vec<(String, String)>, Trouble> {
    let mut all: Vec<(String, String)> = Vec::new();
    for level in &step.environment {
        let rendered = evaluation
            .render(level)
            .map_err(|error| Trouble::from(error).about("`environment`"))?;
        let parts: Vec<&Value> = match rendered.kind() {
            Kind::List(items) => items.iter().collect(),
            _ => vec![&rendered],
        };
        for part in parts {
            if part.is_null() || part.is_omit() || part.as_str() == Some("") {
                continue;
            }
            let Some(dict) = part.as_dict() else {
                return Err(Trouble::new(format!(
                    "`environment` must be a dictionary, not `{part:?}`"
                )));
            };
            for (name, value) in dict {
                let name = name.to_value().to_text();
                all.retain(|(known, _)| *known != name);
                all.push((name, value.to_text()));
            }
        }
    }
    if let Some((name, directory)) = read_async_directory(step, evaluation)? {
        all.retain(|(known, _)| *known != name);
        all.push((name, directory));
    }
    Ok(all)
}
