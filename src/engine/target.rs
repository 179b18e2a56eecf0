//! Where a task's host is reached: connection variables, keywords, command line and configuration, in that order.

use std::path::PathBuf;
use std::time::Duration;

use super::scope::HostScope;
use crate::pattern::LOCALHOST;
use crate::remote::{Password, Target};
use crate::template::LookupContext;
use crate::value::{Kind, Value};
use crate::vars::{Found, Variables as _};

/// Where modules run.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// On this machine, over a pipe.
    Local,
    /// Over SSH.
    Ssh(Box<Target>),
}

impl Place {
    /// Tells whether both are one machine with one login, so that a connection serves both. Each inventory host has connections of
    /// its own, this machine too, so that their steps do not wait for each other's answers.
    pub(super) fn shares_with(&self, other: &Self) -> bool {
        let (Self::Ssh(one), Self::Ssh(two)) = (self, other) else {
            return matches!((self, other), (Self::Local, Self::Local));
        };
        one.address == two.address
            && one.port == two.port
            && one.user == two.user
            && one.private_key_file == two.private_key_file
            && one.ssh_args == two.ssh_args
            && one.ssh_common_args == two.ssh_common_args
            && one.ssh_extra_args == two.ssh_extra_args
    }

    /// Returns what machine this is, as far as the settings tell: hosts with the same one keep their linear order.
    pub(super) fn machine(&self) -> String {
        match self {
            Self::Local => "local".to_owned(),
            Self::Ssh(target) => format!("{} {}", target.address, target.port.unwrap_or(22)),
        }
    }
}

struct Settings<'a> {
    scope: &'a HostScope<'a>,
    outside: &'a dyn LookupContext,
}

impl Settings<'_> {
    /// The first of these variables that is set to something, rendered.
    fn variable(&self, names: &[&str]) -> Result<Option<Value>, String> {
        for name in names {
            if let Found::Value(value) = self.scope.find(name) {
                let rendered = self.render(name, &value)?;
                if !rendered.is_null() && !rendered.is_omit() && rendered.as_str() != Some("") {
                    return Ok(Some(rendered));
                }
            }
        }
        Ok(None)
    }

    fn render(&self, name: &str, value: &Value) -> Result<Value, String> {
        self.scope
            .run
            .templar
            .render(value, &self.scope.template_scope(Some(self.outside)))
            .map_err(|error| format!("`{name}` cannot be evaluated: {error}"))
    }

    fn keyword(&self, name: &str, value: Option<&Value>) -> Result<Option<Value>, String> {
        let rendered = value.map(|value| self.render(name, value)).transpose()?;
        Ok(rendered
            .filter(|value| !value.is_null() && !value.is_omit() && value.as_str() != Some("")))
    }

    fn text(&self, names: &[&str]) -> Result<Option<String>, String> {
        Ok(self.variable(names)?.map(|value| value.to_text()))
    }
}

fn port(value: &Value) -> Result<u16, String> {
    let number = match value.kind() {
        Kind::Int(number) => u16::try_from(*number).ok(),
        _ => value.to_text().trim().parse().ok(),
    };
    number
        .filter(|port| *port > 0)
        .ok_or_else(|| format!("the port must be a number from 1 to 65535, not `{value:?}`"))
}

/// Returns where the scope's host is reached.
pub(super) fn place(scope: &HostScope<'_>, outside: &dyn LookupContext) -> Result<Place, String> {
    let settings = Settings { scope, outside };
    let (options, config) = (&scope.run.options, &scope.run.config);
    let keyword = |name: &str, value: Option<&Value>| settings.keyword(name, value);
    let effective_connection = scope
        .task
        .and_then(|task| task.effective(|keywords| &keywords.connection));
    let implicit_local =
        LOCALHOST.contains(&&*scope.host) && !scope.run.inventory().lists(&scope.host);
    let connection = match settings.text(&["ansible_connection"])? {
        Some(connection) => connection,
        None if implicit_local => "local".to_owned(),
        None => keyword("connection", effective_connection)?
            .map(|value| value.to_text())
            .or_else(|| options.connection.clone())
            .unwrap_or_else(|| config.transport.clone()),
    };
    match connection.rsplit('.').next().unwrap_or_default() {
        "local" => return Ok(Place::Local),
        "ssh" | "smart" | "paramiko" | "paramiko_ssh" => {}
        other => {
            return Err(format!(
                "connection `{other}` is not supported; kplay has ssh and local"
            ));
        }
    }
    let mut target = Target::new(&*scope.host);
    if let Some(address) = settings.text(&["ansible_host", "ansible_ssh_host"])? {
        target.address = address;
    }
    target.port = match settings.variable(&["ansible_port", "ansible_ssh_port"])? {
        Some(value) => Some(port(&value)?),
        None => match keyword(
            "port",
            scope
                .task
                .and_then(|task| task.effective(|keywords| &keywords.port)),
        )? {
            Some(value) => Some(port(&value)?),
            None => config.remote_port.and_then(|port| u16::try_from(port).ok()),
        },
    };
    let effective_user = scope
        .task
        .and_then(|task| task.effective(|keywords| &keywords.remote_user));
    target.user = match settings.text(&["ansible_user", "ansible_ssh_user"])? {
        Some(user) => Some(user),
        None => keyword("remote_user", effective_user)?
            .map(|value| value.to_text())
            .or_else(|| options.remote_user.clone())
            .or_else(|| config.remote_user.clone()),
    };
    target.password = settings
        .variable(&[
            "ansible_password",
            "ansible_ssh_pass",
            "ansible_ssh_password",
        ])?
        .or_else(|| options.connection_password.clone())
        .map(|value| Password::new(value.to_text()));
    target.private_key_file = settings
        .text(&["ansible_private_key_file", "ansible_ssh_private_key_file"])?
        .map(PathBuf::from)
        .or_else(|| options.private_key.clone())
        .or_else(|| config.private_key_file.clone())
        .map(|path| home_expanded(&path, outside));
    let arguments = |names: &[&str], option: &str, setting: &str| -> Result<String, String> {
        let given = settings.text(names)?;
        Ok(given.unwrap_or_else(|| {
            if option.is_empty() {
                setting.to_owned()
            } else {
                option.to_owned()
            }
        }))
    };
    target.ssh_args = arguments(
        &["ansible_ssh_args"],
        "",
        config.ssh_args.as_deref().unwrap_or_default(),
    )?;
    target.ssh_common_args = arguments(
        &["ansible_ssh_common_args"],
        &options.ssh_common_args,
        &config.ssh_common_args,
    )?;
    target.ssh_extra_args = arguments(
        &["ansible_ssh_extra_args"],
        &options.ssh_extra_args,
        &config.ssh_extra_args,
    )?;
    let checking =
        settings.variable(&["ansible_host_key_checking", "ansible_ssh_host_key_checking"])?;
    target.host_key_checking = checking.map_or(config.host_key_checking, |value| {
        value
            .as_bool()
            .unwrap_or_else(|| value.to_text().to_lowercase() != "false" && value.to_text() != "no")
    });
    let seconds = match settings.variable(&["ansible_timeout", "ansible_ssh_timeout"])? {
        Some(value) => value
            .to_text()
            .trim()
            .parse()
            .map_err(|_| format!("`ansible_timeout` must be seconds, not `{value:?}`"))?,
        None => options
            .timeout
            .unwrap_or(u64::try_from(config.timeout).unwrap_or(10)),
    };
    target.timeout = Duration::from_secs(seconds);
    Ok(Place::Ssh(Box::new(target)))
}

fn home_expanded(path: &std::path::Path, outside: &dyn LookupContext) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => outside
            .home(None)
            .map_or_else(|| path.to_path_buf(), |home| home.join(rest)),
        Err(_) => path.to_path_buf(),
    }
}
