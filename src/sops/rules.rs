//! Which values of a file are encrypted: by the ends of names, by names, or by the comments before them.

use fancy_regex::Regex;

use super::error::SopsError;
use super::tree::Tree;

/// The names that a file, a rule of `.sops.yaml` and the module have for the choices.
pub(super) const NAMES: [&str; 6] = [
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
];

/// What a rule looks at.
#[derive(Clone, Debug)]
enum Test {
    Suffix,
    Name(Regex),
    Comment(Regex),
}

/// Which values are encrypted.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// One of [`NAMES`].
    name: &'static str,
    /// As it was written.
    text: String,
    test: Test,
}

/// Where in the tree something stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The names of the mappings' entries that lead to it; positions in lists do not count.
    pub(super) path: Vec<String>,
    /// The comments right before it and before each of the things that it stands in.
    pub(super) comments: Vec<Vec<String>>,
}

impl Place {
    /// Returns the text that binds a value to its place.
    pub(super) fn bound(&self) -> String {
        format!("{}:", self.path.join(":"))
    }

    /// Returns the path for people.
    pub(super) fn shown(&self) -> String {
        self.path.join(".")
    }
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            name: "unencrypted_suffix",
            text: "_unencrypted".to_owned(),
            test: Test::Suffix,
        }
    }
}

impl Rule {
    /// Makes a rule; the regular expressions are Go's, of which those of this crate understand all that is in use.
    pub(super) fn new(name: &'static str, text: &str) -> Result<Self, SopsError> {
        let regex = || {
            Regex::new(text).map_err(|error| SopsError::Regex {
                name,
                text: text.to_owned(),
                why: error.to_string(),
            })
        };
        let test = match name {
            "unencrypted_regex" | "encrypted_regex" => Test::Name(regex()?),
            "unencrypted_comment_regex" | "encrypted_comment_regex" => Test::Comment(regex()?),
            _ => Test::Suffix,
        };
        Ok(Self {
            name,
            text: text.to_owned(),
            test,
        })
    }

    /// Finds the one rule in a mapping of settings; nothing where there is none.
    pub(super) fn find(settings: &Tree) -> Result<Option<Self>, SopsError> {
        let mut found: Option<Self> = None;
        for name in NAMES {
            let text = settings
                .get(name)
                .and_then(Tree::as_text)
                .unwrap_or_default();
            if text.is_empty() {
                continue;
            }
            if let Some(first) = &found {
                return Err(SopsError::TwoRules {
                    first: first.name,
                    second: name,
                });
            }
            found = Some(Self::new(name, text)?);
        }
        Ok(found)
    }

    /// Returns the rule as a file has it.
    pub(super) fn entry(&self) -> (String, Tree) {
        (self.name.to_owned(), Tree::text(self.text.clone()))
    }

    /// Tells whether what stands there is encrypted.
    pub(super) fn encrypts(&self, place: &Place, comment: bool) -> bool {
        let inverted = self.name.starts_with("unencrypted");
        let found = match &self.test {
            Test::Suffix => place.path.iter().any(|name| name.ends_with(&self.text)),
            Test::Name(regex) => place.path.iter().any(|name| finds(regex, name)),
            Test::Comment(regex) => {
                // The comment that asks for encryption stays readable itself.
                let own = comment && !inverted;
                let depth = place.comments.len();
                place.comments.iter().enumerate().any(|(level, comments)| {
                    let last = own && level + 1 == depth;
                    let count = comments.len() - usize::from(last && !comments.is_empty());
                    comments.iter().take(count).any(|text| finds(regex, text))
                })
            }
        };
        found != inverted
    }
}

/// One that takes too long to match does not match.
fn finds(regex: &Regex, text: &str) -> bool {
    regex.is_match(text).unwrap_or(false)
}
