//! `community.sops.sops_encrypt`: a file that is encrypted with SOPS. The controller encrypts, and `copy` writes on the host.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::kit::{
    Any, Control, ControllerRequest, Effect, Failure, HostPath, Meta, Outcome, SopsEncrypt,
    StepView, Support, with_file_attributes,
};
use crate::secrets::{AgeSettings, Secret};
use crate::sops::{Content, Encryption};
use crate::value::{Dict, Value};

with_file_attributes! {
    /// Encrypt data with SOPS into a file
    ///
    /// What is given in one of the `content_...` arguments is encrypted on the controller, by the rules of the `.sops.yaml` that
    /// lies in the file's directory or above it there, or for the recipients in `age`, and written on the host. Nothing that is
    /// secret reaches the host. A file that holds the same already stays as it is: for that the controller must have a key that
    /// opens it. The name's end decides the format: `.yaml`, `.yml` and `.json`; another file holds JSON.
    ///
    /// ## Check mode
    ///
    /// Says whether the file would change.
    ///
    /// ## Returns
    ///
    /// Nothing of its own.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - name: The cluster's token
    ///   community.sops.sops_encrypt:
    ///     path: group_vars/cluster/token.sops.yaml
    ///     content_yaml:
    ///       cluster_token: "{{ token }}"
    ///   delegate_to: localhost
    /// - community.sops.sops_encrypt:
    ///     path: /root/backup-key.sops
    ///     content_text: "{{ backup_key }}"
    ///     age: [age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun]
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// Keys and rules are those of the controller, where Ansible takes the host's. Only age keys are supported; `sops_binary` and
    /// `enable_local_keyservice` are accepted and have no effect. A relative `path` lies below the directory that kplay was
    /// started in where the host is the controller itself.
    pub(crate) struct SopsEncryptArgs {
        /// The file.
        path: HostPath,
        /// Write the file also if it holds the same already.
        #[serde(default)]
        force: bool,
        /// Text to encrypt.
        content_text: Option<String>,
        /// Base64 of what is to be encrypted.
        content_binary: Option<String>,
        /// A dictionary, encrypted as JSON.
        content_json: Option<Any>,
        /// A dictionary, encrypted as YAML.
        content_yaml: Option<Any>,
        /// The recipients: age public keys, or SSH public keys of type ed25519. The rules of `.sops.yaml` name them otherwise.
        #[serde(default)]
        age: Vec<String>,
        /// Leaves values alone whose name, or that of something around them, ends so.
        unencrypted_suffix: Option<String>,
        /// Encrypts only values whose name, or that of something around them, ends so.
        encrypted_suffix: Option<String>,
        /// Leaves values alone in whose name, or that of something around them, this regular expression finds something.
        unencrypted_regex: Option<String>,
        /// Encrypts only values in whose name, or that of something around them, this regular expression finds something.
        encrypted_regex: Option<String>,
        /// How many of the key groups of `.sops.yaml` it takes to open the file.
        shamir_secret_sharing_threshold: Option<u8>,
        /// The configuration instead of `.sops.yaml`, on the controller.
        config_path: Option<String>,
        /// One or more secret age keys for comparing, in the place of `SOPS_AGE_KEY`.
        age_key: Option<String>,
        /// The file of the secret age keys on the controller, in the place of `SOPS_AGE_KEY_FILE`.
        age_keyfile: Option<String>,
        /// The file of an SSH key on the controller, in the place of `SOPS_AGE_SSH_PRIVATE_KEY_FILE`.
        age_ssh_private_keyfile: Option<String>,
        /// Not needed: kplay encrypts by itself.
        #[expect(dead_code, reason = "accepted for playbooks that name it")]
        sops_binary: Option<String>,
        /// Not needed: there is no other key service.
        #[expect(dead_code, reason = "accepted for playbooks that name it")]
        enable_local_keyservice: Option<bool>,
    }
}

impl SopsEncryptArgs {
    fn content(&self) -> Result<Content, Failure> {
        let given = [
            self.content_text.is_some(),
            self.content_binary.is_some(),
            self.content_json.is_some(),
            self.content_yaml.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err(Failure::new(
                "`sops_encrypt` needs one of `content_text`, `content_binary`, `content_json` and `content_yaml`",
            ));
        }
        let dictionary = |name: &str, Any(value): &Any| match value.as_dict() {
            Some(_) => Ok(value.clone()),
            None => Err(Failure::new(format!(
                "argument `{name}`: must be a dictionary, not {}",
                value.type_name()
            ))),
        };
        if let Some(value) = &self.content_json {
            return dictionary("content_json", value).map(Content::Json);
        }
        if let Some(value) = &self.content_yaml {
            return dictionary("content_yaml", value).map(Content::Yaml);
        }
        if let Some(text) = &self.content_binary {
            let text: String = text.split_whitespace().collect();
            let bytes = STANDARD.decode(text).map_err(|error| {
                Failure::new(format!("argument `content_binary`: is not base64: {error}"))
            })?;
            return Ok(Content::Bytes(bytes));
        }
        let text = self.content_text.clone().unwrap_or_default();
        Ok(Content::Bytes(text.into_bytes()))
    }

    fn encryption(&self) -> Encryption {
        let rules = [
            ("unencrypted_suffix", &self.unencrypted_suffix),
            ("encrypted_suffix", &self.encrypted_suffix),
            ("unencrypted_regex", &self.unencrypted_regex),
            ("encrypted_regex", &self.encrypted_regex),
        ];
        let rule = |(name, text): (&str, &Option<String>)| {
            let text = text.clone().filter(|text| !text.is_empty())?;
            Some((name.to_owned(), text))
        };
        Encryption {
            age: self.age.clone(),
            rules: rules.into_iter().filter_map(rule).collect(),
            threshold: self
                .shamir_secret_sharing_threshold
                .map(usize::from)
                .filter(|number| *number > 0),
            config: self.config_path.as_deref().map(Into::into),
        }
    }

    /// Returns the common file arguments that were given.
    fn attributes(&self) -> Dict {
        let given = self.file_attributes();
        let [seuser, serole, setype, selevel] = given.selinux;
        let texts = [
            ("owner", given.owner),
            ("group", given.group),
            ("attributes", given.attributes),
            ("seuser", seuser),
            ("serole", serole),
            ("setype", setype),
            ("selevel", selevel),
        ];
        let mut dict = Dict::new();
        if let Some(mode) = given.mode {
            dict.insert("mode", mode.to_string());
        }
        for (name, text) in texts {
            if let Some(text) = text {
                dict.insert(name, text);
            }
        }
        if let Some(flag) = given.unsafe_writes {
            dict.insert("unsafe_writes", Value::from(flag));
        }
        dict
    }
}

/// The module `community.sops.sops_encrypt`.
pub(crate) struct SopsEncryptModule;

impl Control for SopsEncryptModule {
    type Args = SopsEncryptArgs;

    const META: Meta = Meta {
        name: "community.sops.sops_encrypt",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    const CONTROLLER: bool = true;

    fn run(args: &SopsEncryptArgs, step: &dyn StepView) -> Result<Outcome, Failure> {
        let request = SopsEncrypt {
            path: args.path.as_str().to_owned(),
            content: args.content()?,
            encryption: args.encryption(),
            keys: AgeSettings {
                key: args.age_key.as_deref().map(Secret::from),
                key_file: args.age_keyfile.as_deref().map(Into::into),
                ssh_key_file: args.age_ssh_private_keyfile.as_deref().map(Into::into),
            },
            force: args.force,
            check: step.check(),
            attributes: args.attributes(),
        };
        Ok(Outcome::unchanged().request(ControllerRequest::SopsEncrypt(Box::new(request))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kit::FakeStep;

    fn run(arguments: serde_json::Value) -> Result<SopsEncrypt, String> {
        let outcome = FakeStep::new().run::<SopsEncryptModule>(&Value::from_json(arguments));
        match outcome.request {
            Some(ControllerRequest::SopsEncrypt(request)) => Ok(*request),
            _ => Err(outcome.values.get("msg").unwrap().to_text()),
        }
    }

    #[test]
    fn the_controller_is_told_all_that_it_needs() {
        let request = run(json!({
            "path": "/x.yaml", "content_yaml": {"a": 1}, "age": "age1a,age1b", "encrypted_regex": "^a",
            "mode": "0600", "owner": "me", "force": true, "age_keyfile": "/k",
        }))
        .unwrap();
        assert!(matches!(request.content, Content::Yaml(_)) && request.force);
        assert_eq!(request.encryption.age, ["age1a", "age1b"]);
        let rule = ("encrypted_regex".to_owned(), "^a".to_owned());
        assert_eq!(request.encryption.rules, [rule]);
        assert_eq!(request.keys.key_file, Some("/k".into()));
        let attributes = Value::dict(request.attributes).to_repr();
        assert_eq!(attributes, "{'mode': '0600', 'owner': 'me'}");
    }

    #[test]
    fn there_is_one_content_and_it_is_what_it_says() {
        for (arguments, part) in [
            (json!({"path": "/x"}), "needs one of"),
            (
                json!({"path": "/x", "content_text": "a", "content_yaml": {}}),
                "needs one of",
            ),
            (
                json!({"path": "/x", "content_json": [1]}),
                "must be a dictionary",
            ),
            (
                json!({"path": "/x", "content_binary": "?"}),
                "is not base64",
            ),
        ] {
            assert!(run(arguments).unwrap_err().contains(part), "{part}");
        }
        let bytes = run(json!({"path": "/x", "content_binary": "//79"})).unwrap();
        assert_eq!(bytes.content, Content::Bytes(vec![255, 254, 253]));
    }
}
