//! The file format of age: with `age` itself, and with the test files that its implementations share.

use std::path::PathBuf;
use std::process::Command;

use kplay::secrets::age::{AgeError, Identity, Recipient, decrypt, encrypt};
use sha2::{Digest as _, Sha256};

use crate::bench::{Bench, Tools};
use crate::{Run, Test};

pub(crate) const TESTS: &[Test] = &[
    ("age_and_kplay_read_each_other", Run::Plain(both_ways)),
    ("the_shared_test_files_of_age", Run::IfThere(shared_files)),
];

fn both_ways(tools: &Tools) {
    let bench = Bench::new(tools);
    let key = bench.read("key.txt");
    let key = key.lines().find(|line| line.starts_with("AGE-")).unwrap();
    let identity = Identity::parse(key).unwrap();
    let recipient = bench.recipient();
    assert_eq!(identity.recipient().to_string(), recipient);
    for size in [0, 5, 65_536, 200_000] {
        let plain = "x".repeat(size);
        let sealed = bench.run("age", &["-a", "-r", &recipient], &plain);
        let opened = decrypt(sealed.as_bytes(), std::slice::from_ref(&identity)).unwrap();
        assert_eq!(opened.expose_text(), Some(plain.as_str()), "{size}");
        let sealed = encrypt(plain.as_bytes(), &[Recipient::parse(&recipient).unwrap()]).unwrap();
        assert_eq!(
            bench.run("age", &["-d", "-i", "key.txt"], &sealed),
            plain,
            "{size}"
        );
    }
}

/// The directory of the module with the files; nothing where it cannot be had.
fn module() -> Option<PathBuf> {
    let output = Command::new("go")
        .env(
            "PATH",
            format!("{}:/usr/local/go/bin", std::env::var("PATH").ok()?),
        )
        .args(["mod", "download", "-json", "c2sp.org/CCTV/age@latest"])
        .current_dir(std::env::temp_dir())
        .output()
        .ok()?;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(PathBuf::from(json.get("Dir")?.as_str()?).join("testdata"))
}

fn shared_files(_: &Tools) -> Result<(), String> {
    let directory = module().filter(|directory| directory.is_dir());
    let directory = directory.ok_or("the Go module c2sp.org/CCTV/age cannot be had")?;
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        let at = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
        let body = &bytes[at + 2..];
        let all = |wanted: &str| -> Vec<String> {
            let pairs = head.lines().filter_map(|line| line.split_once(": "));
            pairs
                .filter(|(field, _)| *field == wanted)
                .map(|(_, value)| value.to_owned())
                .collect()
        };
        // Passphrases, compressed files and keys that are not supported are for other readers.
        let identities: Result<Vec<Identity>, _> = all("identity")
            .iter()
            .map(|key| Identity::parse(key))
            .collect();
        let Ok(identities) = identities else { continue };
        if !all("passphrase").is_empty() || !all("compressed").is_empty() || identities.is_empty() {
            continue;
        }
        count += 1;
        let expected = all("expect").concat();
        let got = match decrypt(body, &identities) {
            Ok(plain) => {
                let hash: String = Sha256::digest(plain.expose())
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                if all("payload").concat() == hash {
                    "success"
                } else {
                    "another payload"
                }
            }
            Err(AgeError::NoKey) => "no match",
            Err(_) => "failure",
        };
        let fits = match expected.as_str() {
            "success" | "no match" => got == expected,
            _ => got == "failure" || got == "no match",
        };
        if !fits {
            wrong.push(format!("{name}: {got}, not {expected}"));
        }
    }
    assert!(count > 30, "only {count} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
