//! Finding the configuration file, reading it, and saying once what of it kplay does not do.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::ini::{self, Entries};
use super::known::{
    NEEDLESS, NEEDLESS_VARIABLES, UNSUPPORTED, UNSUPPORTED_VARIABLES, WITHOUT_EFFECT,
};
use super::resolve::{Origin, Resolver, Shown};
use super::settings::{DEFINITIONS, Settings};
use crate::diag::{Diagnostic, SourceMap, nearest_one};

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Their values.
    pub settings: Settings,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// Every setting with its origin, in the table's order.
    pub shown: Vec<Shown>,
    /// What is odd, unknown or not supported; each once.
    pub warnings: Vec<Diagnostic>,
}

/// Reads the configuration file and the environment.
pub fn load(environment: &Environment, sources: &SourceMap) -> Result<Config, Vec<Diagnostic>> {
    let mut warnings = Vec::new();
    let file = find(environment, &mut warnings);
    let entries = match &file {
        None => Entries::new(),
        Some(path) => read(path, sources)?,
    };
    let file_directory = file
        .as_deref()
        .and_then(Path::parent)
        .unwrap_or(&environment.directory);
    let mut resolver = Resolver {
        environment,
        entries: &entries,
        file_directory,
        home: PathBuf::new(),
        shown: Vec::new(),
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    // The other defaults lie below this one.
    resolver.home = DEFINITIONS
        .iter()
        .find(|definition| definition.name == "ANSIBLE_HOME")
        .map(|definition| resolver.path(definition))
        .unwrap_or_default();
    resolver.shown.clear();
    resolver.errors.clear();
    let settings = Settings::read(&mut resolver);
    let Resolver {
        shown,
        errors,
        warnings: odd,
        ..
    } = resolver;
    if !errors.is_empty() {
        return Err(errors);
    }
    warnings.extend(odd);
    warnings.extend(entries.iter().filter_map(|((section, key), entry)| {
        let diagnostic = unused(section, key)?;
        Some(diagnostic.at(entry.key, ""))
    }));
    warnings.extend(shown.iter().filter_map(without_effect));
    warnings.extend(environment.variables.keys().filter_map(|name| {
        let known = UNSUPPORTED_VARIABLES.contains(&name.as_str())
            && !NEEDLESS_VARIABLES.contains(&name.as_str());
        known.then(|| {
            Diagnostic::warning(
                "config-unsupported",
                format!("the variable `{name}` is not supported and has no effect"),
            )
        })
    }));
    Ok(Config {
        settings,
        file,
        shown,
        warnings,
    })
}

/// Says that a setting that is known and set has no effect yet.
fn without_effect(shown: &Shown) -> Option<Diagnostic> {
    let definition = DEFINITIONS
        .iter()
        .find(|definition| definition.name == shown.name)?;
    if !WITHOUT_EFFECT.contains(&shown.name) || definition.default == Some(shown.value.as_str()) {
        return None;
    }
    let warning = |what: &str| {
        Diagnostic::warning(
            "config-unsupported",
            format!("{what} is not supported and has no effect"),
        )
    };
    match &shown.origin {
        Origin::Default => None,
        Origin::Environment(name) => Some(warning(&format!("the variable `{name}`"))),
        Origin::File(span) => {
            let key = definition.ini.first().copied().unwrap_or(shown.name);
            let key = key.rsplit_once('.').map_or(key, |(_, key)| key);
            Some(warning(&format!("the setting `{key}`")).at(*span, ""))
        }
    }
}

/// Says that a setting of the file has no effect, unless it has one or needs none.
fn unused(section: &str, key: &str) -> Option<Diagnostic> {
    let name = format!("{section}.{key}");
    let supported = || DEFINITIONS.iter().flat_map(|definition| definition.ini);
    if supported().any(|known| *known == name) || NEEDLESS.contains(&name.as_str()) {
        return None;
    }
    if UNSUPPORTED.contains(&name.as_str()) {
        return Some(Diagnostic::warning(
            "config-unsupported",
            format!("the setting `{key}` of `[{section}]` is not supported and has no effect"),
        ));
    }
    // Settings of plugins that only a collection knows.
    if !supported().chain(UNSUPPORTED).chain(NEEDLESS).any(|known| {
        known
            .rsplit_once('.')
            .is_some_and(|(own, _)| own == section)
    }) {
        return Some(Diagnostic::warning(
            "config-unknown",
            format!("the setting `{key}` of the unknown section `[{section}]` has no effect"),
        ));
    }
    let diagnostic = Diagnostic::warning(
        "config-unknown",
        format!("unknown setting `{key}` in `[{section}]`"),
    );
    let here = supported()
        .chain(UNSUPPORTED)
        .filter_map(|known| known.rsplit_once('.'))
        .filter(|(own, _)| *own == section);
    let elsewhere = supported()
        .filter_map(|known| known.rsplit_once('.'))
        .find(|(_, own)| *own == key);
    Some(
        match (nearest_one(key, here.map(|(_, own)| own)), elsewhere) {
            (Some(near), _) => diagnostic.help(format!("did you mean `{near}`?")),
            (None, Some((place, _))) => diagnostic.help(format!("it belongs into `[{place}]`")),
            (None, None) => diagnostic,
        },
    )
}

fn read(path: &Path, sources: &SourceMap) -> Result<Entries, Vec<Diagnostic>> {
    let name = path.display().to_string();
    let unreadable = |why: String| {
        vec![Diagnostic::error(
            "config-unreadable",
            format!("`{name}` cannot be read: {why}"),
        )]
    };
    if !matches!(
        path.extension().and_then(|extension| extension.to_str()),
        Some("cfg" | "ini")
    ) {
        return Err(unreadable(
            "a configuration file ends in `.cfg` or `.ini`".to_owned(),
        ));
    }
    let content = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text =
        String::from_utf8(content).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    ini::read(text, sources.add(name, text))
}

/// The first of `ANSIBLE_CONFIG`, the working directory, the home directory and `/etc` that can be read.
fn find(environment: &Environment, warnings: &mut Vec<Diagnostic>) -> Option<PathBuf> {
    let readable = |path: &PathBuf| {
        std::fs::File::open(path).is_ok_and(|file| file.metadata().is_ok_and(|data| data.is_file()))
    };
    if let Some(named) = environment.variables.get("ANSIBLE_CONFIG") {
        let path = environment.path(named, &environment.directory);
        let path = if path.is_dir() {
            path.join("ansible.cfg")
        } else {
            path
        };
        if readable(&path) {
            return Some(path);
        }
        warnings.push(Diagnostic::warning(
            "config-unreadable",
            format!(
                "`ANSIBLE_CONFIG` names `{}`, which cannot be read",
                path.display()
            ),
        ));
    }
    let here = environment.directory.join("ansible.cfg");
    // Whoever can write there could have kplay run what they like.
    let open = std::fs::metadata(&environment.directory)
        .is_ok_and(|data| data.permissions().mode() & 0o002 != 0);
    if here.exists() {
        if open {
            let headline = format!(
                "`{}` is ignored, because anyone can write to its directory",
                here.display()
            );
            warnings.push(
                Diagnostic::warning("config-world-writable", headline).help(
                    "take the right away (`chmod o-w .`), or name the file in `ANSIBLE_CONFIG`",
                ),
            );
        } else if readable(&here) {
            return Some(here);
        }
    }
    let own = environment
        .home
        .as_ref()
        .map(|home| home.join(".ansible.cfg"));
    own.into_iter()
        .chain([PathBuf::from("/etc/ansible/ansible.cfg")])
        .find(readable)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Site {
        root: tempfile::TempDir,
        environment: Environment,
        sources: SourceMap,
    }

    impl Site {
        fn new(text: &str) -> Self {
            let root = tempfile::tempdir().unwrap();
            let directory = root.path().to_owned();
            std::fs::write(directory.join("ansible.cfg"), text).unwrap();
            let environment = Environment {
                directory: directory.clone(),
                home: Some(directory.join("home")),
                ..Environment::default()
            };
            Self {
                root,
                environment,
                sources: SourceMap::default(),
            }
        }

        fn set(mut self, name: &str, value: &str) -> Self {
            self.environment
                .variables
                .insert(name.to_owned(), value.to_owned());
            self
        }

        fn load(&self) -> Result<Config, Vec<Diagnostic>> {
            load(&self.environment, &self.sources)
        }
    }

    #[test]
    fn the_environment_comes_before_the_file_and_the_default() {
        let site = Site::new("[defaults]\nforks = 20\nroles_path = roles:../other\nremote_user = \"admin\"\nlog_path=~/run.log\n[ssh_connection]\ntimeout=7\n")
            .set("ANSIBLE_REMOTE_USER", "other");
        let config = site.load().unwrap();
        let settings = &config.settings;
        assert_eq!(
            (settings.forks, settings.timeout, settings.diff_context),
            (20, 7, 3)
        );
        assert_eq!(settings.remote_user.as_deref(), Some("other"));
        let root = site.root.path();
        assert_eq!(
            settings.roles_path,
            [root.join("roles"), root.parent().unwrap().join("other")]
        );
        assert_eq!(settings.log_path, Some(root.join("home/run.log")));
        assert_eq!(
            settings.collections_path.first(),
            Some(&root.join("home/.ansible/collections"))
        );
        let shown = |name: &str| {
            config
                .shown
                .iter()
                .find(|shown| shown.name == name)
                .unwrap()
        };
        assert_eq!(
            shown("DEFAULT_REMOTE_USER").origin,
            Origin::Environment("ANSIBLE_REMOTE_USER".to_owned())
        );
        assert!(
            matches!(shown("DEFAULT_FORKS").origin, Origin::File(span) if span.line == 2 && span.column == 9)
        );
        assert_eq!(shown("DIFF_CONTEXT").origin, Origin::Default);
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }

    #[test]
    fn bad_values_name_setting_and_place() {
        let errors = Site::new("[defaults]\nforks = many\ngathering = never\n")
            .load()
            .unwrap_err();
        assert_eq!(
            errors
                .iter()
                .map(|error| error.headline.as_str())
                .collect::<Vec<_>>(),
            [
                "`defaults.forks` is an integer, not `many`",
                "`defaults.gathering` is one of `implicit`, `explicit`, `smart`, not `never`",
            ]
        );
        assert_eq!(errors[1].span().line, 3);
        let errors = Site::new("").set("ANSIBLE_FORKS", "x").load().unwrap_err();
        assert!(errors[0].headline.starts_with("`ANSIBLE_FORKS`"));
    }

    #[test]
    fn what_has_no_effect_is_said_once() {
        let site = Site::new("[defaults]\nnocows = 1\nfork = 5\nstrategy_plugins = x\nbecome = yes\nhost_key_checking = flase\n[mine]\nx = 1\n[ssh_connection]\npipelining = yes\n")
            .set("ANSIBLE_STRATEGY_PLUGINS", "x");
        let config = site.load().unwrap();
        assert_eq!(
            config
                .warnings
                .iter()
                .map(|warning| warning.headline.as_str())
                .collect::<Vec<_>>(),
            [
                "`HOST_KEY_CHECKING` is neither yes nor no: `flase` counts as no",
                "unknown setting `become` in `[defaults]`",
                "unknown setting `fork` in `[defaults]`",
                "the setting `strategy_plugins` of `[defaults]` is not supported and has no effect",
                "the setting `x` of the unknown section `[mine]` has no effect",
                "the variable `ANSIBLE_STRATEGY_PLUGINS` is not supported and has no effect",
            ]
        );
        assert_eq!(
            config.warnings[1].help,
            ["it belongs into `[privilege_escalation]`"]
        );
        assert_eq!(config.warnings[2].help, ["did you mean `forks`?"]);
    }

    #[test]
    fn settings_that_only_lookups_see_are_named_where_they_are_set() {
        let site = Site::new("[defaults]\ndisplay_args_to_stdout = yes\npoll_interval = 15\n")
            .set("ANSIBLE_CALLBACKS_ENABLED", "timer");
        let config = site.load().unwrap();
        let mut told: Vec<_> = config
            .warnings
            .iter()
            .map(|warning| warning.headline.as_str())
            .collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                "the setting `display_args_to_stdout` is not supported and has no effect",
                "the variable `ANSIBLE_CALLBACKS_ENABLED` is not supported and has no effect",
            ]
        );
        for name in WITHOUT_EFFECT {
            assert!(
                DEFINITIONS.iter().any(|known| known.name == *name),
                "{name}"
            );
        }
    }

    #[test]
    fn t18_a_file_in_a_directory_that_anyone_can_write_to_is_ignored() {
        let site = Site::new("[defaults]\nforks = 20\n");
        // The control: with sane rights it is read.
        assert_eq!(site.load().unwrap().settings.forks, 20);
        std::fs::set_permissions(site.root.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let config = site.load().unwrap();
        assert_eq!(config.settings.forks, 5);
        assert_eq!(config.warnings[0].code, "config-world-writable");
        let named = site.root.path().to_str().unwrap().to_owned();
        assert_eq!(
            site.set("ANSIBLE_CONFIG", &named)
                .load()
                .unwrap()
                .settings
                .forks,
            20
        );
    }

    #[test]
    fn files_are_looked_for_in_order() {
        let site = Site::new("");
        std::fs::remove_file(site.root.path().join("ansible.cfg")).unwrap();
        std::fs::create_dir(site.root.path().join("home")).unwrap();
        std::fs::write(
            site.root.path().join("home/.ansible.cfg"),
            "[defaults]\nforks=9\n",
        )
        .unwrap();
        assert_eq!(site.load().unwrap().settings.forks, 9);
        let config = site.set("ANSIBLE_CONFIG", "none.cfg").load().unwrap();
        assert_eq!(config.settings.forks, 9);
        assert_eq!(config.warnings[0].code, "config-unreadable");
    }

    #[test]
    fn the_table_is_sound() {
        let mut names: Vec<&str> = DEFINITIONS
            .iter()
            .map(|definition| definition.name)
            .collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for name in DEFINITIONS.iter().flat_map(|definition| definition.ini) {
            assert!(
                !UNSUPPORTED.contains(name) && !NEEDLESS.contains(name),
                "{name}"
            );
        }
        for name in NEEDLESS {
            assert!(!UNSUPPORTED.contains(name), "{name}");
        }
        for definition in DEFINITIONS
            .iter()
            .filter(|definition| !definition.choices.is_empty())
        {
            assert!(
                definition.choices.contains(&definition.default.unwrap()),
                "{}",
                definition.name
            );
        }
    }
}
