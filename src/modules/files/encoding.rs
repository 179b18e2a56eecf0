//! Text in the encodings that files on hosts are written in, by Python's names for them.

/// An encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf8Signed,
    Ascii,
    Latin1,
    Utf16,
    Utf16Little,
    Utf16Big,
}

impl Encoding {
    /// Finds an encoding by name; the error is a fragment.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let plain: String = name
            .to_lowercase()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        Ok(match plain.as_str() {
            "utf8" | "u8" | "utf" => Self::Utf8,
            "utf8sig" => Self::Utf8Signed,
            "ascii" | "usascii" | "646" => Self::Ascii,
            "latin1" | "iso88591" | "latin" | "l1" | "8859" | "cp819" => Self::Latin1,
            "utf16" | "u16" => Self::Utf16,
            "utf16le" => Self::Utf16Little,
            "utf16be" => Self::Utf16Big,
            _ => {
                let known = "utf-8, utf-8-sig, ascii, latin-1, utf-16, utf-16-le, utf-16-be";
                return Err(format!("unknown encoding: `{name}`; kplay knows {known}"));
            }
        })
    }

    /// Returns the text as bytes; the error names the character that has no place in the encoding.
    pub(super) fn encode(self, text: &str) -> Result<Vec<u8>, String> {
        let single = |limit: u32| {
            text.chars()
                .map(|character| {
                    let code = u32::from(character);
                    u8::try_from(code)
                        .ok()
                        .filter(|_| code < limit)
                        .ok_or_else(|| format!("`{character}` cannot be written in that encoding"))
                })
                .collect::<Result<Vec<u8>, String>>()
        };
        match self {
            Self::Utf8 => Ok(text.as_bytes().to_vec()),
            Self::Utf8Signed => Ok([b"\xef\xbb\xbf", text.as_bytes()].concat()),
            Self::Ascii => single(0x80),
            Self::Latin1 => single(0x100),
            Self::Utf16 => {
                let mark = 0xfeff_u16.to_le_bytes();
                Ok(mark
                    .into_iter()
                    .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
                    .collect())
            }
            Self::Utf16Little => Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Self::Utf16Big => Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        }
    }

    /// Returns bytes as text; the error is a fragment.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<String, String> {
        let utf8 = |bytes: &[u8]| {
            std::str::from_utf8(bytes)
                .map(str::to_owned)
                .map_err(|error| format!("it is not UTF-8 (byte {})", error.valid_up_to()))
        };
        match self {
            Self::Utf8 => utf8(bytes),
            Self::Utf8Signed => utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
            Self::Ascii if bytes.is_ascii() => utf8(bytes),
            Self::Ascii => Err("it is not ASCII".to_owned()),
            Self::Latin1 => Ok(bytes.iter().copied().map(char::from).collect()),
            Self::Utf16 => match bytes.strip_prefix(b"\xfe\xff") {
                Some(rest) => wide(rest, u16::from_be_bytes),
                None => wide(
                    bytes.strip_prefix(b"\xff\xfe").unwrap_or(bytes),
                    u16::from_le_bytes,
                ),
            },
            Self::Utf16Little => wide(bytes, u16::from_le_bytes),
            Self::Utf16Big => wide(bytes, u16::from_be_bytes),
        }
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    match String::from_utf16(&units) {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err("it is not UTF-16".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_each_encoding() {
        for name in [
            "utf-8",
            "UTF8",
            "utf-8-sig",
            "latin-1",
            "ISO-8859-1",
            "utf-16",
            "utf-16-le",
            "utf_16_be",
        ] {
            let encoding = Encoding::named(name).unwrap();
            assert_eq!(
                encoding.decode(&encoding.encode("aé\n").unwrap()).unwrap(),
                "aé\n",
                "{name}"
            );
        }
        assert_eq!(Encoding::Latin1.encode("é").unwrap(), [0xe9]);
    }

    #[test]
    fn what_has_no_place_is_an_error() {
        assert!(Encoding::Ascii.encode("é").is_err() && Encoding::Latin1.encode("€").is_err());
        assert!(
            Encoding::Utf8.decode(b"\xff").is_err()
                && Encoding::Utf16.decode(b"\xff\xfea").is_err()
        );
        assert!(
            Encoding::named("ebcdic")
                .unwrap_err()
                .contains("unknown encoding")
        );
    }
}
