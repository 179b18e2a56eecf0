//! The account's own SSH key.
//!
//! The folder belongs to the account, who may have put a link there that leads anywhere. So all that is done in it is done as that
//! account (T11); only a place that nobody but root can change is written to by root.

use super::UserArgs;
use crate::kit::{Command, Failure, Host, User};
use crate::modules::paths;
use crate::value::Dict;

/// Where the key is to lie.
pub(super) fn path(args: &UserArgs, home: &str) -> String {
    let file = args.ssh_key_file.as_ref().map_or_else(
        || format!(".ssh/id_{}", args.ssh_key_type),
        |file| file.0.clone(),
    );
    if file.starts_with('/') {
        file
    } else {
        format!("{}/{file}", home.trim_end_matches('/'))
    }
}

/// Why no key is made, if none is.
pub(super) fn found(path: &str, host: &dyn Host) -> Result<Option<String>, Failure> {
    for (kind, file) in [
        ("private", path.to_owned()),
        ("public", format!("{path}.pub")),
    ] {
        if host.status(&file, false)?.is_some() {
            return Ok(Some(format!(
                "Found existing ssh key {kind} file \"{file}\", no force, so skipping ssh-keygen generation"
            )));
        }
    }
    Ok(None)
}

/// Tells whether all folders above a path belong to root and nobody else may write there.
fn is_roots_own(path: &str, host: &dyn Host) -> Result<bool, Failure> {
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        folder = above;
        let name = if folder.is_empty() { "/" } else { folder };
        if let Some(status) = host.status(name, false)?
            && (status.uid != 0 || status.mode & 0o022 != 0 || !status.is_directory())
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes the key.
pub(super) fn generate(args: &UserArgs, user: &User, host: &dyn Host) -> Result<(), Failure> {
    let path = path(args, &user.home);
    let own = host.identity().uid == 0 && is_roots_own(&path, host)?;
    let acting = |words: Vec<String>| -> Command {
        let mut argv: Vec<String> = Vec::new();
        if !own && host.identity().uid != user.uid {
            argv.extend(["runuser", "-u", &user.name, "--"].map(str::to_owned));
        }
        argv.extend(words);
        let mut command = Command::new(argv).in_c_locale();
        command.directory = Some("/".to_owned());
        // Everybody may read the public half; ssh-keygen guards the other one itself.
        command.umask = Some(0o022);
        command
    };
    let folder = paths::folder(&path).to_owned();
    if host.status(&folder, true)?.is_none() {
        run(
            &acting(vec![
                "mkdir".into(),
                "-m".into(),
                "0700".into(),
                "--".into(),
                folder.clone(),
            ]),
            args,
            host,
        )?;
        if own {
            host.set_owner(&folder, Some(user.uid), Some(user.gid), false)?;
        }
    }
    if args.force {
        let files = vec![
            "rm".into(),
            "-f".into(),
            "--".into(),
            path.clone(),
            format!("{path}.pub"),
        ];
        run(&acting(files), args, host)?;
    }
    let comment = match &args.ssh_key_comment {
        Some(comment) => comment.clone(),
        None => format!("ansible-generated on {}", host_name(host)),
    };
    // Without a terminal ssh-keygen reads the passphrase from its input; a new session has none. A display would make it ask
    // there instead, and where nobody answers it makes a key without a passphrase.
    let mut words: Vec<String> = Vec::new();
    let passphrase = args
        .ssh_key_passphrase
        .as_deref()
        .filter(|text| !text.is_empty());
    if passphrase.is_some() {
        words.extend(
            [
                "env",
                "-u",
                "DISPLAY",
                "-u",
                "WAYLAND_DISPLAY",
                "SSH_ASKPASS_REQUIRE=never",
                "setsid",
                "--wait",
            ]
            .map(str::to_owned),
        );
    }
    words.extend(["ssh-keygen", "-q", "-t", &args.ssh_key_type].map(str::to_owned));
    if args.ssh_key_bits > 0 {
        words.extend(["-b".to_owned(), args.ssh_key_bits.to_string()]);
    }
    words.extend(["-C".to_owned(), comment, "-f".to_owned(), path.clone()]);
    let command = if let Some(passphrase) = passphrase {
        acting(words).with_stdin(format!("{passphrase}\n{passphrase}\n"))
    } else {
        words.extend(["-N".to_owned(), String::new()]);
        acting(words)
    };
    run(&command, args, host)?;
    if passphrase.is_some() {
        let words = ["ssh-keygen", "-y", "-P", "", "-f", &path].map(str::to_owned);
        if host.run(&acting(words.to_vec()))?.success() {
            let files = ["rm", "-f", "--", &path, &format!("{path}.pub")].map(str::to_owned);
            run(&acting(files.to_vec()), args, host)?;
            return Err(Failure::new(
                "ssh-keygen did not take the passphrase; the key was removed",
            ));
        }
    }
    if own {
        for file in [path.clone(), format!("{path}.pub")] {
            host.set_owner(&file, Some(user.uid), Some(user.gid), false)?;
        }
    }
    Ok(())
}

fn host_name(host: &dyn Host) -> String {
    let name = host
        .read("/proc/sys/kernel/hostname")
        .or_else(|_| host.read("/etc/hostname"))
        .unwrap_or_default();
    String::from_utf8_lossy(&name).trim().to_owned()
}

fn run(command: &Command, args: &UserArgs, host: &dyn Host) -> Result<(), Failure> {
    let output = host.run(command)?;
    if output.success() {
        return Ok(());
    }
    Err(Failure::new(output.stderr_text())
        .with("name", args.name.as_str())
        .with("rc", output.status))
}

/// What the result says of the key.
pub(super) fn describe(path: &str, host: &dyn Host) -> Result<Dict, Failure> {
    let mut values = Dict::new().with("ssh_key_file", path);
    if host.status(path, true)?.is_none() {
        return Ok(values
            .with("ssh_fingerprint", "")
            .with("ssh_public_key", crate::value::Value::NULL));
    }
    let public = host.read(&format!("{path}.pub")).ok();
    let output = host.run(&Command::new(["ssh-keygen", "-l", "-f", path]).in_c_locale())?;
    let fingerprint = if output.success() {
        output.stdout_text()
    } else {
        output.stderr_text()
    };
    values.insert("ssh_fingerprint", fingerprint.trim());
    values.insert(
        "ssh_public_key",
        public.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()),
    );
    Ok(values)
}
