//! Nodes into values: trust, secrets and origin are given here.

use std::sync::Arc;

use super::build::key_of;
use super::node::{Node, NodeKind, Tag};
use crate::secrets::VaultSecrets;
use crate::value::{Dict, Fault, Kind, Marks, Value};

/// What values of a text are allowed to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct ValueOptions<'a> {
    /// Text may be evaluated as templates (playbook, roles, inventory, variable files, command line).
    pub trusted: bool,
    /// Everything is secret: the text came out of a vault.
    pub secret: bool,
    /// What `!vault` values are decrypted with.
    pub vault: Option<&'a VaultSecrets>,
}

impl Node {
    /// Returns the node as a value. A `!vault` value that cannot be decrypted becomes one that fails where it is used.
    pub fn to_value(&self, options: &ValueOptions<'_>) -> Value {
        let options = &ValueOptions {
            secret: options.secret || self.tag == Tag::Secret,
            ..*options
        };
        let marks = if options.secret {
            Marks::SECRET
        } else {
            Marks::empty()
        };
        let inner = match self.tag {
            Tag::Unsafe => ValueOptions {
                trusted: false,
                ..*options
            },
            Tag::None | Tag::Vault | Tag::Secret | Tag::Set | Tag::Pairs => *options,
        };
        let value = match &self.kind {
            NodeKind::Scalar(scalar) => match (&scalar.kind, self.tag) {
                (_, Tag::Vault) => return self.decrypted(&scalar.text, options),
                (Kind::Str(text), tag) => {
                    // A template's text is no secret itself; what it renders to carries the mark.
                    if options.secret && !text.contains("{{") {
                        options.vault.inspect(|vault| vault.revealed(text));
                    }
                    let trust = if inner.trusted {
                        Marks::TRUSTED
                    } else {
                        Marks::empty()
                    };
                    let kept = if tag == Tag::Unsafe {
                        Marks::UNSAFE
                    } else {
                        Marks::empty()
                    };
                    Value::new(Kind::Str(text.clone())).with_marks(trust | kept)
                }
                (kind, _) => Value::new(kind.clone()),
            },
            NodeKind::Sequence(items) if self.tag == Tag::Pairs => {
                Value::list(items.iter().filter_map(|item| {
                    let (key, value) = item.as_mapping()?.first()?;
                    Some(Value::tuple([key.to_value(&inner), value.to_value(&inner)]))
                }))
            }
            NodeKind::Sequence(items) => {
                Value::list(items.iter().map(|item| item.to_value(&inner)))
            }
            NodeKind::Mapping(pairs) if self.tag == Tag::Set => {
                Value::list(pairs.iter().map(|(key, _)| key.to_value(&inner)))
            }
            NodeKind::Mapping(_) => Value::dict(self.to_dict(&inner).unwrap_or_default()),
        };
        value.with_marks(marks).with_origin(self.span)
    }

    /// Returns a mapping as a dictionary of values, or nothing where it is none.
    pub fn to_dict(&self, options: &ValueOptions<'_>) -> Option<Dict> {
        let pairs = self.as_mapping()?;
        Some(
            pairs
                .iter()
                .filter_map(|(key, value)| Some((key_of(key)?, value.to_value(options))))
                .collect(),
        )
    }

    fn decrypted(&self, text: &str, options: &ValueOptions<'_>) -> Value {
        let failed = |message: String, help: Option<String>| {
            let fault = Fault {
                undefined: false,
                message,
                span: self.span,
                help,
                within: None,
            };
            Value::new(Kind::Undefined(Arc::new(fault))).with_origin(self.span)
        };
        let nothing = VaultSecrets::default();
        let secrets = options.vault.unwrap_or(&nothing);
        match secrets.decrypt(text.as_bytes()) {
            Err(error) => failed(format!("undecryptable variable: {error}"), error.help()),
            Ok(plain) => match std::str::from_utf8(&plain) {
                Err(_) => failed("the decrypted value is not UTF-8 text".to_owned(), None),
                // As in ansible-core 2.19, what was encrypted is never a template, wherever it stood.
                Ok(plain) => {
                    secrets.revealed(plain);
                    Value::text(plain)
                        .with_marks(Marks::SECRET | Marks::VAULTED)
                        .with_origin(self.span)
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use crate::secrets::Secret;
    use crate::yaml::{LoadOptions, load};

    fn value(text: &str, options: &ValueOptions<'_>) -> Value {
        load(&SourceMap::default(), "t", text, &LoadOptions::default())
            .unwrap()
            .root
            .to_value(options)
    }

    #[test]
    fn text_is_trusted_unless_it_is_unsafe() {
        let trusted = ValueOptions {
            trusted: true,
            ..ValueOptions::default()
        };
        let value = value(
            "a: '{{ x }}'\nb: !unsafe ['{{ x }}']\nc: !unsafe '{{ y }}'\n",
            &trusted,
        );
        assert!(value.get("a").unwrap().is_trusted());
        assert!(!value.get("b").unwrap().as_list().unwrap()[0].is_trusted());
        let unsafe_text = value.get("c").unwrap();
        assert_eq!(unsafe_text.marks(), Marks::UNSAFE);
        assert_eq!(unsafe_text.origin().line, 3);
    }

    #[test]
    fn a_decrypted_value_is_secret_and_no_template() {
        let mut vault = VaultSecrets::default();
        vault.add("default", Secret::from("pw"));
        let text: String = include_str!("../../tests/vectors/ansible_vault/vars.vault")
            .lines()
            .flat_map(|line| ["  ", line, "\n"])
            .collect();
        let options = ValueOptions {
            trusted: true,
            vault: Some(&vault),
            ..ValueOptions::default()
        };
        let value = value(&("a: !vault |\n".to_owned() + &text), &options);
        let value = value.get("a").unwrap();
        assert_eq!(
            (value.as_str(), value.marks()),
            (Some("a: b\n"), Marks::SECRET | Marks::VAULTED)
        );
    }

    #[test]
    fn t5_what_comes_out_of_a_vault_is_told_at_once() {
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut vault = VaultSecrets::default();
        let list = Arc::clone(&told);
        vault.set_listener(move |text| list.lock().unwrap().push(text.to_owned()));
        let options = ValueOptions {
            trusted: true,
            secret: true,
            vault: Some(&vault),
        };
        value("a: hunter2\nb: ['{{ a }}', deep]\nc: 1\n", &options);
        assert_eq!(*told.lock().unwrap(), ["hunter2", "deep"]);
    }

    #[test]
    fn a_vault_value_without_secrets_fails_only_where_it_is_used() {
        let value = value(
            "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  33310a33310a3331\nb: 1\n",
            &ValueOptions::default(),
        );
        let fault = value.get("a").unwrap().as_fault().unwrap();
        assert!(
            !fault.undefined && fault.message.contains("no vault secrets"),
            "{}",
            fault.message
        );
        assert_eq!(value.get("b").unwrap().as_int(), Some(1));
    }
}
