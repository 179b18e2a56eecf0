//! What `helm` is told for a task: words in the order in which Ansible's module has them, so that `command` reads the same.

use super::super::program::{Version, strings};
use super::{HelmArgs, ValueType};
use crate::modules::commands::words::split;

impl HelmArgs {
    /// Where the chart comes from.
    pub(super) fn origin(&self) -> Vec<String> {
        let version = self.chart_version.as_ref();
        let repository = self.chart_repo_url.as_ref();
        version
            .map(|version| format!("--version={version}"))
            .into_iter()
            .chain(repository.map(|url| format!("--repo={url}")))
            .collect()
    }

    /// Asks what the chart says of itself.
    pub(super) fn question(&self) -> Vec<String> {
        let mut words = self.origin();
        words.extend(strings(&["show", "chart", self.chart()]));
        self.transport(&mut words);
        words
    }

    fn transport(&self, words: &mut Vec<String>) {
        let flags = [
            (self.insecure_skip_tls_verify, "--insecure-skip-tls-verify"),
            (self.plain_http, "--plain-http"),
        ];
        flagged(words, &flags);
    }

    /// The values, from wherever they come.
    pub(super) fn values(&self, words: &mut Vec<String>) {
        let files = self.values_files.iter();
        words.extend(files.map(|file| format!("--values={file}")));
        words.extend(self.input().map(|_| "-f=-".to_owned()));
    }

    pub(super) fn settings(&self, words: &mut Vec<String>) {
        for set in &self.set_values {
            let flag = match set.value_type {
                ValueType::Raw => "--set",
                ValueType::String => "--set-string",
                ValueType::Json => "--set-json",
                ValueType::File => "--set-file",
            };
            // Tasks quote raw values for the line that Ansible's module makes of them.
            let quoted = match set.value_type {
                ValueType::Raw => split(&set.value).ok().filter(|words| words.len() == 1),
                _ => None,
            };
            let value = quoted.map_or_else(|| set.value.clone(), |words| words.concat());
            words.extend([flag.to_owned(), value]);
        }
    }

    /// Installs or upgrades. `inline` fetches dependencies on the way.
    pub(super) fn deployment(&self, version: Version, there: bool, inline: bool) -> Vec<String> {
        let four = version.major >= 4;
        let mut words = self.origin();
        if self.replace {
            words.push("install".to_owned());
            flagged(&mut words, &[(inline, "--dependency-update")]);
        } else {
            words.extend(strings(&["upgrade", "-i"]));
            let flags = [
                (self.reset_values, "--reset-values"),
                (self.take_ownership, "--take-ownership"),
            ];
            flagged(&mut words, &flags);
            if let Some(reuse) = self.reuse_values {
                words.push(format!("--reuse-values={reuse}"));
            }
            let flags = [(self.reset_then_reuse_values, "--reset-then-reuse-values")];
            flagged(&mut words, &flags);
        }
        flagged(&mut words, &[(self.wait, "--wait")]);
        if let Some(timeout) = self.wait_timeout.as_ref().filter(|_| self.wait) {
            words.extend(["--timeout".to_owned(), timeout.clone()]);
        }
        let atomic = if four {
            "--rollback-on-failure"
        } else {
            "--atomic"
        };
        flagged(&mut words, &[(self.atomic, atomic)]);
        if let Some(timeout) = &self.timeout {
            words.extend(["--timeout".to_owned(), timeout.clone()]);
        }
        // What replaces cannot be asked of the server, which version 4 asks by itself.
        let forced = self.force && there;
        let flags = [
            (forced && !four, "--force"),
            (forced && four, "--force-replace"),
            (forced && four, "--server-side=false"),
            (self.replace, "--replace"),
            (self.disable_hook, "--no-hooks"),
            (self.create_namespace, "--create-namespace"),
        ];
        flagged(&mut words, &flags);
        self.transport(&mut words);
        self.values(&mut words);
        if let Some(renderer) = &self.post_renderer {
            words.push(format!("--post-renderer={renderer}"));
        }
        flagged(&mut words, &[(self.skip_crds, "--skip-crds")]);
        if let Some(most) = self.history_max {
            words.push(format!("--history-max={most}"));
        }
        self.settings(&mut words);
        let skip = self.skip_schema_validation;
        flagged(&mut words, &[(skip, "--skip-schema-validation")]);
        words.extend(strings(&[&self.release_name, self.chart()]));
        words
    }

    /// Removes.
    pub(super) fn removal(&self) -> Vec<String> {
        let mut words = vec!["uninstall".to_owned()];
        let flags = [
            (!self.purge, "--keep-history"),
            (self.disable_hook, "--no-hooks"),
            (self.wait, "--wait"),
        ];
        flagged(&mut words, &flags);
        if let Some(timeout) = self.wait_timeout.as_ref().or(self.timeout.as_ref()) {
            words.extend(["--timeout".to_owned(), timeout.clone()]);
        }
        words.push(self.release_name.clone());
        words
    }

    /// Asks the plugin `diff` what would change.
    pub(super) fn comparison(&self) -> Vec<String> {
        let mut words = strings(&["diff", "upgrade", &self.release_name, self.chart()]);
        if let Some(url) = &self.chart_repo_url {
            words.push(format!("--repo={url}"));
        }
        if let Some(version) = &self.chart_version {
            words.push(format!("--version={version}"));
        }
        if !self.replace {
            words.push(format!("--reset-values={}", self.reset_values));
        }
        if let Some(renderer) = &self.post_renderer {
            words.push(format!("--post-renderer={renderer}"));
        }
        self.values(&mut words);
        self.settings(&mut words);
        let flags = [
            (self.reuse_values == Some(true), "--reuse-values"),
            (self.reset_then_reuse_values, "--reset-then-reuse-values"),
            (self.insecure_skip_tls_verify, "--insecure-skip-tls-verify"),
            (self.skip_schema_validation, "--skip-schema-validation"),
            (self.plain_http, "--plain-http"),
        ];
        flagged(&mut words, &flags);
        words
    }
}

fn flagged(words: &mut Vec<String>, flags: &[(bool, &str)]) {
    let on = flags.iter().filter(|(on, _)| *on);
    words.extend(on.map(|(_, flag)| (*flag).to_owned()));
}
