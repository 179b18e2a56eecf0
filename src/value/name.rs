//! What can be the name of a variable.

/// Tells whether a variable may have this name, as ansible-core 2.19 sees it: an identifier of Python in ASCII that is no constant or operator of
/// templates.
pub fn is_variable_name(name: &str) -> bool {
    /// Names that mean something else in a template.
    const RESERVED: [&str; 7] = ["False", "None", "True", "false", "none", "not", "true"];
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
        && !RESERVED.contains(&name)
}
