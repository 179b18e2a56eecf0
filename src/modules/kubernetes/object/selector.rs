//! Label selectors for descriptions that have not reached the API yet: `a=b`, `a!=b`, `a in (b, c)`, `a`, `!a`.

use serde_json::Value as Json;

/// Tells whether the object's labels fit all of these.
pub(in crate::modules::kubernetes) fn fits(object: &Json, selectors: &[String]) -> bool {
    let Some(labels) = object.pointer("/metadata/labels") else {
        return false;
    };
    let label = |name: &str| {
        labels.get(name).map(|value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        })
    };
    selectors.iter().all(|selector| {
        let selector = selector.trim();
        for (word, among) in [(" notin ", false), (" in ", true)] {
            if let Some((name, list)) = selector.split_once(word)
                && let Some(list) = list
                    .trim()
                    .strip_prefix('(')
                    .and_then(|list| list.strip_suffix(')'))
            {
                let value = label(name.trim());
                let found = list
                    .split(',')
                    .any(|one| Some(one.trim()) == value.as_deref());
                return found == among;
            }
        }
        for (sign, same) in [("!=", false), ("==", true), ("=", true)] {
            if let Some((name, wanted)) = selector.split_once(sign) {
                return (label(name.trim()).as_deref() == Some(wanted.trim())) == same;
            }
        }
        match selector.strip_prefix('!') {
            Some(name) => label(name.trim()).is_none(),
            None => label(selector).is_some(),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_fit_as_the_api_reads_them() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "1"}}});
        let fits = |selector: &str| fits(&object, &[selector.to_owned()]);
        for yes in [
            "app=web",
            "app == web",
            "app!=db",
            "app in (db, web)",
            "x notin (a)",
            "app",
            "!x",
        ] {
            assert!(fits(yes), "{yes}");
        }
        for no in [
            "app=db",
            "app!=web",
            "app notin (web)",
            "x in (a)",
            "x",
            "!app",
        ] {
            assert!(!fits(no), "{no}");
        }
        assert!(!super::fits(&json!({"metadata": {}}), &["!x".to_owned()]));
    }
}
