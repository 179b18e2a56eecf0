//! The names of all filters.

use super::{
    FilterFunction, addresses, community, crypt, dicts, encoding, json, json_query, lists, missing,
    numbers, paths, protomatter, random, regex_filters, select, sets, strings, time, url,
    yaml_dump, yaml_load,
};

/// Filters of ansible-core and Jinja2 by their short names, sorted.
const BUILTIN: &[(&str, FilterFunction)] = &[
    ("abs", numbers::abs),
    ("attr", select::attr),
    ("b64decode", encoding::b64decode),
    ("b64encode", encoding::b64encode),
    ("basename", paths::basename),
    ("batch", lists::batch),
    ("bool", missing::bool),
    ("capitalize", strings::capitalize),
    ("center", strings::center),
    ("checksum", encoding::sha1),
    ("combinations", lists::combinations),
    ("combine", dicts::combine),
    ("comment", strings::comment),
    ("commonpath", paths::commonpath),
    ("count", lists::length),
    ("d", missing::default),
    ("default", missing::default),
    ("dict2items", dicts::dict2items),
    ("dictsort", dicts::dictsort),
    ("difference", sets::difference),
    ("dirname", paths::dirname),
    ("e", strings::escape),
    ("escape", strings::escape),
    ("expanduser", paths::expanduser),
    ("expandvars", paths::expandvars),
    ("extract", select::extract),
    ("fileglob", paths::fileglob),
    ("filesizeformat", numbers::filesizeformat),
    ("first", lists::first),
    ("flatten", lists::flatten),
    ("float", numbers::float),
    ("forceescape", strings::escape),
    ("format", strings::format),
    ("from_json", json::from_json),
    ("from_yaml", yaml_load::from_yaml),
    ("from_yaml_all", yaml_load::from_yaml_all),
    ("groupby", select::groupby),
    ("hash", encoding::hash),
    ("human_readable", numbers::human_readable),
    ("human_to_bytes", numbers::human_to_bytes),
    ("indent", strings::indent),
    ("int", numbers::int),
    ("intersect", sets::intersect),
    ("items", dicts::items),
    ("items2dict", dicts::items2dict),
    ("join", lists::join),
    ("last", lists::last),
    ("length", lists::length),
    ("list", lists::list),
    ("log", numbers::log),
    ("lower", strings::lower),
    ("mandatory", missing::mandatory),
    ("map", select::map),
    ("max", lists::max),
    ("md5", encoding::md5),
    ("min", lists::min),
    ("normpath", paths::normpath),
    ("password_hash", crypt::password_hash),
    ("path_join", paths::path_join),
    ("permutations", lists::permutations),
    ("pow", numbers::pow),
    ("pprint", strings::pprint),
    ("product", lists::product),
    ("quote", strings::quote),
    ("random", random::random),
    ("realpath", paths::realpath),
    ("regex_escape", regex_filters::regex_escape),
    ("regex_findall", regex_filters::regex_findall),
    ("regex_replace", regex_filters::regex_replace),
    ("regex_search", regex_filters::regex_search),
    ("reject", select::reject),
    ("rejectattr", select::rejectattr),
    ("rekey_on_member", dicts::rekey_on_member),
    ("relpath", paths::relpath),
    ("replace", strings::replace),
    ("reverse", lists::reverse),
    ("root", numbers::root),
    ("round", numbers::round),
    ("safe", strings::string),
    ("select", select::select),
    ("selectattr", select::selectattr),
    ("sha1", encoding::sha1),
    ("shuffle", random::shuffle),
    ("slice", lists::slice),
    ("sort", select::sort),
    ("split", strings::split),
    ("splitext", paths::splitext),
    ("strftime", time::strftime),
    ("string", strings::string),
    ("striptags", strings::striptags),
    ("subelements", lists::subelements),
    ("sum", lists::sum),
    ("symmetric_difference", sets::symmetric_difference),
    ("ternary", missing::ternary),
    ("title", strings::title),
    ("to_datetime", time::to_datetime),
    ("to_json", json::to_json),
    ("to_nice_json", json::to_nice_json),
    ("to_nice_yaml", yaml_dump::to_nice_yaml),
    ("to_uuid", encoding::to_uuid),
    ("to_yaml", yaml_dump::to_yaml),
    ("tojson", json::tojson),
    ("trim", strings::trim),
    ("truncate", strings::truncate),
    ("type_debug", missing::type_debug),
    ("union", sets::union),
    ("unique", sets::unique),
    ("upper", strings::upper),
    ("urldecode", strings::urldecode),
    ("urlencode", strings::urlencode),
    ("urlsplit", url::urlsplit),
    ("win_basename", paths::win_basename),
    ("win_dirname", paths::win_dirname),
    ("win_splitdrive", paths::win_splitdrive),
    ("wordcount", strings::wordcount),
    ("wordwrap", strings::wordwrap),
    ("xmlattr", strings::xmlattr),
    ("zip", lists::zip),
    ("zip_longest", lists::zip_longest),
];

/// Filters of collections by their full names, sorted.
const COLLECTIONS: &[(&str, FilterFunction)] = &[
    ("ansible._protomatter.dump_object", protomatter::dump_object),
    ("ansible._protomatter.finalize", missing::finalize),
    ("ansible._protomatter.tag_names", protomatter::tag_names),
    ("ansible.utils.cidr_merge", addresses::cidr_merge),
    ("ansible.utils.hwaddr", addresses::hwaddr),
    ("ansible.utils.ip4_hex", addresses::ip4_hex),
    ("ansible.utils.ipaddr", addresses::ipaddr),
    ("ansible.utils.ipcut", addresses::ipcut),
    ("ansible.utils.ipmath", addresses::ipmath),
    ("ansible.utils.ipsubnet", addresses::ipsubnet),
    ("ansible.utils.ipv4", addresses::ipv4),
    ("ansible.utils.ipv6", addresses::ipv6),
    ("ansible.utils.ipv6form", addresses::ipv6form),
    ("ansible.utils.ipwrap", addresses::ipwrap),
    ("ansible.utils.macaddr", addresses::macaddr),
    (
        "ansible.utils.network_in_network",
        addresses::network_in_network,
    ),
    (
        "ansible.utils.network_in_usable",
        addresses::network_in_usable,
    ),
    ("ansible.utils.next_nth_usable", addresses::next_nth_usable),
    ("ansible.utils.nthhost", addresses::nthhost),
    (
        "ansible.utils.previous_nth_usable",
        addresses::previous_nth_usable,
    ),
    (
        "ansible.utils.reduce_on_network",
        addresses::reduce_on_network,
    ),
    ("ansible.utils.slaac", addresses::slaac),
    ("community.general.accumulate", community::lists::accumulate),
    ("community.general.counter", community::words::counter),
    ("community.general.crc32", community::words::crc32),
    ("community.general.dict", dicts::dict),
    ("community.general.dict_kv", dicts::dict_kv),
    ("community.general.from_csv", community::tables::from_csv),
    ("community.general.from_ini", community::tables::from_ini),
    (
        "community.general.groupby_as_dict",
        community::lists::groupby_as_dict,
    ),
    ("community.general.json_query", json_query::json_query),
    ("community.general.keep_keys", community::keys::keep_keys),
    (
        "community.general.lists_difference",
        community::lists::lists_difference,
    ),
    (
        "community.general.lists_intersect",
        community::lists::lists_intersect,
    ),
    (
        "community.general.lists_mergeby",
        community::lists::lists_mergeby,
    ),
    (
        "community.general.lists_symmetric_difference",
        community::lists::lists_symmetric_difference,
    ),
    (
        "community.general.lists_union",
        community::lists::lists_union,
    ),
    ("community.general.random_mac", community::words::random_mac),
    (
        "community.general.remove_keys",
        community::keys::remove_keys,
    ),
    (
        "community.general.replace_keys",
        community::keys::replace_keys,
    ),
    ("community.general.to_days", community::time::to_days),
    ("community.general.to_hours", community::time::to_hours),
    ("community.general.to_ini", community::tables::to_ini),
    (
        "community.general.to_milliseconds",
        community::time::to_milliseconds,
    ),
    ("community.general.to_minutes", community::time::to_minutes),
    ("community.general.to_months", community::time::to_months),
    ("community.general.to_seconds", community::time::to_seconds),
    (
        "community.general.to_time_unit",
        community::time::to_time_unit,
    ),
    ("community.general.to_weeks", community::time::to_weeks),
    ("community.general.to_years", community::time::to_years),
    (
        "community.general.unicode_normalize",
        community::words::unicode_normalize,
    ),
    (
        "community.general.version_sort",
        community::words::version_sort,
    ),
    ("community.sops.decrypt", community::sops::decrypt),
];

/// Returns the filter of that name, short, as `ansible.builtin.` or `ansible.legacy.`, or of a collection.
pub(crate) fn find(name: &str) -> Option<FilterFunction> {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    look_up(BUILTIN, short).or_else(|| look_up(COLLECTIONS, name))
}

fn look_up(table: &[(&str, FilterFunction)], name: &str) -> Option<FilterFunction> {
    let index = table
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .ok()?;
    table.get(index).map(|(_, function)| *function)
}

/// Returns all names, for "did you mean".
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().chain(COLLECTIONS).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_without_repetition() {
        for table in [BUILTIN, COLLECTIONS] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
