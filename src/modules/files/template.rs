//! `ansible.builtin.template`: a file of the controller, rendered, in its place on the host.

use super::checksum::Algorithm;
use super::copy::change::{Change, plan_single};
use super::copy::single::{Data, Source, Sum, Target};
use super::encoding::Encoding;
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Mode, Module, Need, NeedKind,
    Plan, SuppliedContent, Support, TemplateSettings, with_file_attributes,
};
use crate::modules::paths;
use crate::template::FileKind;

with_file_attributes! {
    /// Render a template of the controller into a file on the host
    ///
    /// `src` is looked for in the role's or playbook's `templates/` and rendered with the variables of the task; what it includes
    /// or imports is found beside it. The result goes to `dest` as `copy` would write it.
    ///
    /// Besides the task's variables a template knows `ansible_managed`, `template_path`, `template_fullpath`, `template_destpath`,
    /// `template_host`, `template_uid`, `template_mtime` and `template_run_date`.
    ///
    /// ## Check mode
    ///
    /// Tells what would change.
    ///
    /// ## Returns
    ///
    /// - `dest`, `src`: the path that was written, and the template.
    /// - `checksum` (SHA-1), `md5sum`: of the rendered text.
    /// - `backup_file`: the copy of what was there.
    /// - `owner`, `group`, `uid`, `gid`, `mode`, `size`, `state`, `secontext`: what the file is afterwards.
    /// - `diff`: the text, or the attributes.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.template:
    ///     src: sshd.conf.j2
    ///     dest: /etc/ssh/sshd_config.d/50-hardening.conf
    ///     mode: '0600'
    ///     validate: sshd -t -f %s
    ///   notify: Restart sshd
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// As `copy`. `output_encoding` knows UTF-8, UTF-16, Latin-1 and ASCII.
    pub(super) struct TemplateArgs {
        /// The template.
        src: String,
        /// Where to; a directory takes the template's name.
        dest: HostPath,
        /// Copy the file that is there before it changes.
        #[serde(default)]
        backup: bool,
        /// How lines end: `\n`, `\r` or `\r\n`.
        #[serde(default = "newline")]
        newline_sequence: String,
        /// What begins a statement.
        #[serde(default = "block_start")]
        block_start_string: String,
        /// What ends a statement.
        #[serde(default = "block_end")]
        block_end_string: String,
        /// What begins an expression.
        #[serde(default = "variable_start")]
        variable_start_string: String,
        /// What ends an expression.
        #[serde(default = "variable_end")]
        variable_end_string: String,
        /// What begins a comment.
        #[serde(default = "comment_start")]
        comment_start_string: String,
        /// What ends a comment.
        #[serde(default = "comment_end")]
        comment_end_string: String,
        /// Drop the newline after a statement.
        #[serde(default = "enabled")]
        trim_blocks: bool,
        /// Drop the spaces before a statement.
        #[serde(default)]
        lstrip_blocks: bool,
        /// Write also where a file with other content is there.
        #[serde(default = "enabled")]
        force: bool,
        /// Where `dest` is a symbolic link, write its target; otherwise the link is replaced.
        #[serde(default)]
        follow: bool,
        /// How the file is encoded.
        #[serde(default = "utf8")]
        output_encoding: String,
        /// A command that must accept the new file, whose path stands for `%s`, before it takes its place.
        #[serde(default)]
        validate: Option<String>,
    }
}

fn enabled() -> bool {
    true
}

fn newline() -> String {
    "\n".to_owned()
}

fn block_start() -> String {
    "{%".to_owned()
}

fn block_end() -> String {
    "%}".to_owned()
}

fn variable_start() -> String {
    "{{".to_owned()
}

fn variable_end() -> String {
    "}}".to_owned()
}

fn comment_start() -> String {
    "{#".to_owned()
}

fn comment_end() -> String {
    "#}".to_owned()
}

fn utf8() -> String {
    "utf-8".to_owned()
}

/// The rendered file, encoded.
struct Rendered<'a> {
    path: &'a str,
    name: &'a str,
    mode: u32,
    secret: bool,
    bytes: Vec<u8>,
}

impl Rendered<'_> {
    fn source(&self) -> Source<'_> {
        Source {
            name: self.name,
            shown: Some(self.path),
            mode: self.mode,
            sha1: Sum::known(Algorithm::Sha1.of_bytes(&self.bytes)),
            size: self.bytes.len() as u64,
            data: Data::Here(&self.bytes),
            secret: self.secret,
        }
    }
}

impl TemplateArgs {
    /// The characters of `newline_sequence`, which may be written out (`\n` in single quotes).
    fn newline(&self) -> String {
        self.newline_sequence
            .replace("\\r", "\r")
            .replace("\\n", "\n")
    }

    fn rendered<'a>(&self, host: &'a dyn Host) -> Result<Rendered<'a>, Failure> {
        let Some(supplied) = host.supplied().first() else {
            return Err(Failure::new(format!(
                "the controller has rendered no `{}`",
                self.src
            )));
        };
        let SuppliedContent::Here(text) = &supplied.content else {
            return Err(Failure::new(format!(
                "the controller has rendered no text of `{}`",
                self.src
            )));
        };
        let encoding = Encoding::named(&self.output_encoding).map_err(Failure::new)?;
        let bytes = match encoding {
            Encoding::Utf8 => text.clone(),
            other => other
                .encode(&String::from_utf8_lossy(text))
                .map_err(|error| {
                    Failure::new(format!(
                        "cannot write `{}` as {}: {error}",
                        self.src, self.output_encoding
                    ))
                })?,
        };
        let path = supplied.path.as_str();
        let name = paths::base_name(path);
        Ok(Rendered {
            path,
            name,
            mode: supplied.mode,
            secret: supplied.secret,
            bytes,
        })
    }

    fn target(&self, mode: u32) -> Target<'_> {
        Target {
            dest: &self.dest,
            backup: self.backup,
            force: self.force,
            follow: self.follow,
            checksum: None,
            validate: self.validate.as_deref(),
            attributes: self.file_attributes(),
            preserve: Mode::Bits(mode),
            directory_mode: None,
        }
    }
}

pub(super) struct Template;

impl Module for Template {
    type Args = TemplateArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.template",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };
    const ASYNCHRONOUS: bool = false;

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if !["\n", "\r", "\r\n"].contains(&args.newline().as_str()) {
            let message = "newline_sequence needs to be one of: \\n, \\r or \\r\\n";
            return Err(ArgumentError::new("newline_sequence", message));
        }
        Encoding::named(&args.output_encoding)
            .map(drop)
            .map_err(|error| ArgumentError::new("output_encoding", error))
    }

    fn prepare(args: &Self::Args) -> Vec<Need> {
        let settings = TemplateSettings {
            block_start: args.block_start_string.clone(),
            block_end: args.block_end_string.clone(),
            variable_start: args.variable_start_string.clone(),
            variable_end: args.variable_end_string.clone(),
            comment_start: args.comment_start_string.clone(),
            comment_end: args.comment_end_string.clone(),
            trim_blocks: args.trim_blocks,
            lstrip_blocks: args.lstrip_blocks,
            newline: args.newline(),
            destination: args.dest.as_str().to_owned(),
        };
        let kind = NeedKind::Rendered(Box::new(settings));
        vec![Need {
            place: FileKind::Template,
            name: args.src.clone(),
            kind,
            decrypt: true,
        }]
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let rendered = args.rendered(host)?;
        plan_single(&args.target(rendered.mode), &rendered.source(), host)
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let rendered = args.rendered(host)?;
        Ok(change
            .apply_single(&args.target(rendered.mode), &rendered.source(), host)?
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::fake::{assert_converges, assert_unchanged, check, failure, needs, run};
    use crate::kit::{DiffText, FakeHost};
    use crate::value::{Dict, Value};

    fn args() -> Dict {
        Dict::new().with("src", "motd.j2").with("dest", "/etc/motd")
    }

    fn host() -> FakeHost {
        FakeHost::new().supply_here("/play/templates/motd.j2", 0o640, "hello é\n")
    }

    #[test]
    fn the_rendered_text_is_written() {
        let host = host();
        let outcome = assert_converges::<Template>(&args().with("mode", "preserve").into(), &host);
        assert_eq!(
            (host.text("/etc/motd").as_str(), host.mode_of("/etc/motd")),
            ("hello é\n", 0o640)
        );
        assert_eq!(
            outcome.values.get("src"),
            Some(&Value::from("/play/templates/motd.j2"))
        );
        assert_eq!(outcome.values.get("dest"), Some(&Value::from("/etc/motd")));
        let outcome = assert_unchanged::<Template>(&args().into(), &host);
        assert_eq!(outcome.values.get("path"), Some(&Value::from("/etc/motd")));
    }

    #[test]
    fn a_directory_takes_the_templates_name() {
        let host = host();
        assert_converges::<Template>(&args().with("dest", "/etc").into(), &host);
        assert!(host.exists("/etc/motd.j2"));
    }

    #[test]
    fn needs_say_how_it_is_rendered() {
        let given = args()
            .with("newline_sequence", "\\r\\n")
            .with("trim_blocks", "no")
            .with("variable_start_string", "[[");
        let needs = needs::<Template>(&given.into());
        let NeedKind::Rendered(settings) = &needs[0].kind else {
            panic!()
        };
        assert_eq!(
            (
                settings.newline.as_str(),
                settings.trim_blocks,
                settings.variable_start.as_str()
            ),
            ("\r\n", false, "[[")
        );
        assert_eq!(
            (settings.block_start.as_str(), settings.comment_end.as_str()),
            ("{%", "#}")
        );
        assert_eq!(
            (settings.destination.as_str(), needs[0].name.as_str()),
            ("/etc/motd", "motd.j2")
        );
    }

    #[test]
    fn other_encodings_can_be_written() {
        let host = host();
        run::<Template>(&args().with("output_encoding", "latin-1").into(), &host);
        assert_eq!(
            crate::kit::Host::read(&host, "/etc/motd").unwrap(),
            b"hello \xe9\n"
        );
        assert!(
            failure::<Template>(&args().with("output_encoding", "ascii").into(), &host)
                .contains("cannot be written")
        );
        assert!(
            failure::<Template>(&args().with("output_encoding", "klingon").into(), &host)
                .contains("unknown encoding")
        );
    }

    #[test]
    fn the_difference_is_shown_unless_secret() {
        let outcome = check::<Template>(&args().into(), &host());
        assert_eq!(
            outcome.diff[0].after,
            DiffText::Text("hello é\n".to_owned())
        );
        let outcome = check::<Template>(&args().into(), &host().secret());
        assert!(matches!(&outcome.diff[0].after, DiffText::Hidden(_)));
    }

    #[test]
    fn impossible_arguments_are_refused() {
        assert!(
            failure::<Template>(&args().with("newline_sequence", "x").into(), &host())
                .contains("newline_sequence needs")
        );
        assert!(
            failure::<Template>(&args().with("state", "file").into(), &host()).contains("`state`")
        );
        assert!(failure::<Template>(&args().into(), &FakeHost::new()).contains("has rendered no"));
    }

    #[test]
    fn t08_a_rendered_secret_is_private_until_it_has_its_mode() {
        let host = host();
        run::<Template>(&args().with("mode", "0444").into(), &host);
        assert_eq!(
            host.operations(),
            ["stage /etc/motd 0600", "commit /etc/motd 0444"]
        );
    }
}
