//! Small ones: `counter`, `crc32`, `random_mac`, `unicode_normalize`, `version_sort`.

use unicode_normalization::UnicodeNormalization as _;

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{Arguments, bind};
use crate::template::filters::python::{iterate, key};
use crate::template::filters::random::Source;
use crate::template::tests::version::loose;
use crate::value::{Dict, Kind, Value};

fn subject(arguments: &Arguments<'_>) -> Result<String, TemplateError> {
    arguments
        .value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| arguments.error(format!("needs text, got {}", arguments.value.type_name())))
}

/// `counter`: how often each item is there.
pub(crate) fn counter(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    if !matches!(
        arguments.value.kind(),
        Kind::Str(_) | Kind::List(_) | Kind::Tuple(_)
    ) {
        return Err(arguments.error(format!(
            "needs text or a list, got {}",
            arguments.value.type_name()
        )));
    }
    let mut counts = Dict::new();
    for item in iterate(&arguments.value)? {
        let key = key(&item)?;
        let before = counts.get_key(&key).and_then(Value::as_int).unwrap_or(0);
        counts.insert(key, before + 1);
    }
    Ok(Value::dict(counts))
}

/// `crc32`: the checksum in hexadecimal digits, without zeros before it.
pub(crate) fn crc32(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let mut checksum = flate2::Crc::new();
    checksum.update(subject(&arguments)?.as_bytes());
    Ok(Value::from(format!("{:x}", checksum.sum())))
}

/// `unicode_normalize(form='NFC')`.
pub(crate) fn unicode_normalize(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["form"], 0)?;
    let text = subject(&arguments)?;
    let normal: String = match arguments.text(0, "NFC")?.as_str() {
        "NFC" => text.nfc().collect(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        other => return Err(arguments.error(format!("{other} is not a valid form"))),
    };
    Ok(Value::from(normal))
}

/// `version_sort(reverse=false)`: so that 2.9 comes before 2.10.
pub(crate) fn version_sort(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["reverse"], 0)?;
    let reverse = arguments.flag(0, false)?;
    let mut items = Vec::new();
    for item in iterate(&arguments.value)? {
        let version = item
            .as_str()
            .map(loose)
            .ok_or_else(|| arguments.error(format!("needs text, got {}", item.type_name())))?;
        items.push((version, item));
    }
    let mut wrong = None;
    items.sort_by(|left, right| {
        let order = left.0.partial_cmp(&right.0).unwrap_or_else(|| {
            wrong.get_or_insert_with(|| {
                arguments.error(format!(
                    "cannot compare `{}` and `{}`",
                    left.1.to_text(),
                    right.1.to_text()
                ))
            });
            std::cmp::Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    match wrong {
        Some(error) => Err(error),
        None => Ok(Value::list(items.into_iter().map(|(_, item)| item))),
    }
}

/// `random_mac(seed=None)`: the beginning of a hardware address made whole.
pub(crate) fn random_mac(call: Call<'_>) -> Result<Value, TemplateError> {
    /// The lowest and the number of the values of which digits are taken: ten digits, none of them a leading zero.
    const LOWEST: usize = 0x10_0000_0000;
    const COUNT: usize = 0xff_ffff_ffff - LOWEST + 1;
    let arguments = bind(call, &["seed"], 0)?;
    let prefix = subject(&arguments)?.to_lowercase();
    let parts: Vec<&str> = prefix.split(':').collect();
    if parts.len() > 5 {
        return Err(arguments.error(format!(
            "Invalid value ({prefix}) for random_mac: 5 colon(:) separated items max"
        )));
    }
    for part in &parts {
        let fits = part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        if !fits {
            return Err(arguments.error(format!(
                "Invalid value ({prefix}) for random_mac: `{part}` is not a hexadecimal byte"
            )));
        }
    }
    let mut source = Source::new(arguments.get(0))?;
    let digits = format!("{:x}", LOWEST + source.below(COUNT)?);
    let mut whole = prefix.clone();
    for place in 0..6 - parts.len() {
        whole.push(':');
        whole.push_str(digits.get(place * 2..place * 2 + 2).unwrap_or_default());
    }
    Ok(Value::from(whole))
}
