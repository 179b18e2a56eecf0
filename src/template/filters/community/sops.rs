//! `community.sops.decrypt`: what text holds that SOPS encrypted.

use std::path::Path;

use crate::secrets::{AgeSettings, Secret};
use crate::sops::{Format, Reading};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{Arguments, bind};
use crate::template::filters::python::text;
use crate::template::filters::strings::is_space;
use crate::value::Value;

const NAMES: [&str; 14] = [
    "input_type",
    "output_type",
    "sops_binary",
    "rstrip",
    "decode_output",
    "aws_profile",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "config_path",
    "enable_local_keyservice",
    "keyservice",
    "age_key",
    "age_keyfile",
];

/// `decrypt(input_type='yaml', output_type='yaml', rstrip=true, decode_output=true, age_key, age_keyfile, ...)`.
pub(crate) fn decrypt(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &NAMES, 0)?;
    let format = |index: usize| {
        let name = arguments.text(index, "yaml")?;
        Format::parse(&name).ok_or_else(|| {
            arguments.error(format!(
                "knows the types binary, dotenv, ini, json and yaml, not `{name}`"
            ))
        })
    };
    let reading = Reading {
        input: Some(format(0)?),
        output: Some(format(1)?),
        extract: None,
    };
    let strip = arguments.flag(3, true)?;
    let decode = arguments.flag(4, true)?;
    let keys = AgeSettings {
        key: arguments.optional_text(12)?.map(Secret::from),
        key_file: arguments.optional_text(13)?.map(Into::into),
        ssh_key_file: None,
    };
    let content = text(&arguments.value)?;
    let outside = arguments
        .evaluator
        .outside("the filter `community.sops.decrypt`")?;
    let plain = outside.sops(Path::new("input"), Some(content.as_bytes()), &reading, keys)?;
    Ok(result(plain, strip, decode, &arguments)?.secret())
}

fn result(
    plain: Vec<u8>,
    strip: bool,
    decode: bool,
    arguments: &Arguments<'_>,
) -> Result<Value, TemplateError> {
    if !decode {
        let bytes = if strip {
            plain.trim_ascii_end()
        } else {
            &plain
        };
        return Ok(Value::new(crate::value::Kind::Bytes(bytes.into())));
    }
    let text = String::from_utf8(plain)
        .map_err(|_| arguments.error("gives UTF-8 text unless `decode_output` is false"))?;
    Ok(Value::from(if strip {
        text.trim_end_matches(is_space)
    } else {
        &text
    }))
}
