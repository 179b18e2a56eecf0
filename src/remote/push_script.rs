//! The line of POSIX shell that starts a worker on a host (security.md, T7 and T17).
//!
//! It runs the cached worker if it finds one that it can trust, else asks for one and stores it. It must survive any login
//! shell around it (bash, dash, busybox, zsh, fish, csh), so it stands in single quotes and holds no single quote, backslash,
//! exclamation mark or newline, which fish and csh read in their own ways. [`super::push`] talks with it.
//!
//! What it says, each line after the marker: `start DIR` (the worker follows at once), `needed FORMAT SYSTEM MACHINE DIR`
//! (it now reads the number of bytes on a line, then the bytes; or `stop`), `skip REASON DIR`, `unknown SYSTEM MACHINE` (no
//! worker for this machine was named) and `failed` (no directory will do).

/// Trust means: a directory of mode 0700 and a file of mode 0700, both our own and no links, and the right SHA-256. Between
/// the check and the start nobody but us and root can change either. `openssl` sums in half the time of `sha256sum` where the
/// processor helps; it may be missing or set up to refuse. Without either nothing cached is trusted, and the
/// worker is sent each time. The worker itself runs with the umask and locale of the login, which its commands inherit.
const SCRIPT: &str = r#"
o=`umask`; l=$LC_ALL; umask 077; set -f; LC_ALL=C; export LC_ALL;
m=$1; e=$2; shift 2; k=`uname -m`; u=`id -u`; h=; t=;
while [ $# -gt 1 ]; do if [ "$1" = "$k" ]; then h=$2; fi; shift 2; done;
w=worker-$h;
say() { echo "$m $*"; };
become() { umask "$o"; if [ -n "$l" ]; then LC_ALL=$l; else unset LC_ALL; fi; exec "$1"; };
have() { command -v "$1" >/dev/null 2>&1; };
private() { set -- `ls -ldn "$1" 2>/dev/null`; case "$1:$3" in "drwx------:$u"|"drwx------"[.+@]":$u") return 0;; esac; return 1; };
is() { [ "${1%% *}" = "$h" ]; };
same() { if have openssl && is "`openssl dgst -sha256 -r 2>/dev/null <"$1"`"; then return 0; fi; is "`sha256sum 2>/dev/null <"$1"`"; };
good() { set -- "$1" `ls -ldn "$1" 2>/dev/null`; case "$2:$4" in "-rwx------:$u"|"-rwx------"[.+@]":$u") same "$1";; *) return 1;; esac; };
take() { if have head; then head -c "$1"; else dd bs=1 count="$1" 2>/dev/null; fi; };
cleanup() { if [ -n "$t" ]; then rm -f "$t"; fi; };
if [ -z "$h" ]; then say unknown `uname -s` "$k"; exit 0; fi;
c=$XDG_CACHE_HOME; case "$c" in /*) ;; *) c=${HOME:-/dev/null}/.cache;; esac;
r=$XDG_RUNTIME_DIR; case "$r" in /*) ;; *) r=/run/user/$u;; esac;
set -- "$c/kplay" "/var/tmp/kplay-$u" "/tmp/kplay-$u" "/dev/shm/kplay-$u" "$r/kplay";
for d in "$@"; do
if [ -d "$d" ] && [ -f "$d/$w" ] && private "$d" && good "$d/$w"; then say start "$d"; become "$d/$w"; fi;
done;
if [ "$e" -gt 0 ]; then take "$e" >/dev/null; fi;
trap cleanup 0; trap "exit 96" 1 2 13 15;
z=raw; if have gzip; then z=gzip; fi;
for d in "$@"; do
if [ "$d" = "$c/kplay" ]; then mkdir -p "$c" 2>/dev/null; fi;
if [ -d "$d" ]; then :; else mkdir "$d" 2>/dev/null; fi;
if [ -d "$d" ]; then :; else say skip missing "$d"; continue; fi;
if private "$d"; then :; else say skip foreign "$d"; continue; fi;
t=$d/.new-$$-${m##*-};
if echo "exit 0" 2>/dev/null >"$t"; then :; else say skip readonly "$d"; t=; continue; fi;
chmod 700 "$t" 2>/dev/null;
if "$t" >/dev/null 2>&1 </dev/null; then :; else rm -f "$t"; t=; say skip noexec "$d"; continue; fi;
rm -f "$t";
say needed "$z" `uname -s` "$k" "$d";
n=; read n; if [ -z "$n" ] || [ "$n" = stop ]; then exit 0; fi;
if [ "$z" = gzip ]; then take "$n" | ( gzip -dc >"$t" 2>/dev/null; x=$?; cat >/dev/null; exit $x ); x=$?;
else take "$n" | ( cat >"$t" 2>/dev/null; x=$?; cat >/dev/null; exit $x ); x=$?; fi;
if [ $x = 0 ] && chmod 700 "$t" && if have sha256sum || have openssl; then same "$t"; fi && mv -f "$t" "$d/$w"; then
t=; say start "$d"; become "$d/$w"; fi;
rm -f "$t"; t=; say skip unwritten "$d";
done;
say failed; exit 0;
"#;

/// Returns the command line that starts a worker.
///
/// `early` is the length of the input that is sent before anybody knows whether the worker is there; `workers` are the
/// machines and digests of the workers that could be sent.
pub(super) fn command_line<'a>(
    marker: &str,
    early: usize,
    workers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let script = SCRIPT.trim().replace('\n', " ");
    let mut line = format!("exec /bin/sh -c '{script}' kplay {marker} {early}");
    for (machine, digest) in workers {
        line.push(' ');
        line.push_str(machine);
        line.push(' ');
        line.push_str(digest);
    }
    line
}

/// Says what a `skip` reason of the script means.
pub(super) fn explain_skip(reason: &str) -> &'static str {
    match reason {
        "missing" => "cannot be created",
        "foreign" => "is not a directory of the user's own with mode 0700",
        "readonly" => "cannot be written",
        "noexec" => "does not allow programs to run (noexec)",
        "unwritten" => "could not take the whole worker (disk full?)",
        _ => "cannot be used",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_survives_every_login_shell() {
        let script = SCRIPT.trim().replace('\n', " ");
        for forbidden in ['\'', '\\', '!', '\n', '\t'] {
            assert!(!script.contains(forbidden), "{forbidden:?}");
        }
        assert!(script.is_ascii());
    }

    #[test]
    fn the_line_carries_marker_length_and_workers() {
        let line = command_line("kplay-ab", 12, [("x86_64", "00ff"), ("aarch64", "11")]);
        assert!(
            line.ends_with("' kplay kplay-ab 12 x86_64 00ff aarch64 11"),
            "{line}"
        );
        assert!(line.len() < 4096, "{}", line.len());
    }
}
