//! The real script under the shells of this machine, in scratch directories (security.md, T7 and T17).

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;

use super::*;
use crate::remote::WorkerBinary;

/// Says who it is and repeats its input.
const WORKER: &[u8] = b"#!/bin/sh\necho \"worker $0\"\nexec cat\n";

/// A machine of scratch directories, in which the script looks for and stores workers.
struct Scratch {
    directory: tempfile::TempDir,
    /// Run before the shell, as the mount of a file system.
    before: String,
    login_shell: &'static str,
    inner_shell: &'static str,
    path: String,
    home: String,
    /// Somebody else to be.
    user: Option<u32>,
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["home", "var/tmp", "tmp", "shm", "run"] {
            std::fs::create_dir_all(directory.path().join(name)).unwrap();
        }
        Self {
            home: directory.path().join("home").display().to_string(),
            user: None,
            directory,
            before: String::new(),
            login_shell: "/bin/sh",
            inner_shell: "/bin/sh",
            path: std::env::var("PATH").unwrap(),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn cache(&self) -> PathBuf {
        self.at("home/.cache/kplay")
    }

    fn second(&self) -> PathBuf {
        self.at(&format!(
            "var/tmp/kplay-{}",
            rustix::process::getuid().as_raw()
        ))
    }

    /// Starts a worker as on a host, with the fixed directories moved into the scratch.
    async fn start(&self, workers: &WorkerBinaries, early: &[u8]) -> Result<Started, StartError> {
        let marker = random_marker()?;
        let root = self.directory.path().display();
        let line = command_line(&marker, early.len(), workers.prepare()?)
            .replace("exec /bin/sh", &format!("exec {}", self.inner_shell))
            // `/tmp` before the others: the scratch itself lies in there.
            .replace("\"/tmp/", &format!("\"{root}/tmp/"))
            .replace("\"/var/tmp/", &format!("\"{root}/var/tmp/"))
            .replace("\"/dev/shm/", &format!("\"{root}/shm/"))
            .replace("/run/user/", &format!("{root}/run/"));
        let home = format!("HOME={}", self.home);
        let path = format!("PATH={}", self.path);
        let mut words: Vec<String> = vec!["-i".to_owned(), home, path];
        if let Some(user) = self.user {
            words.extend(["setpriv", "--clear-groups"].map(str::to_owned));
            words.extend([format!("--reuid={user}"), format!("--regid={user}")]);
        }
        if !self.before.is_empty() {
            let mounted = format!("{}; exec \"$@\"", self.before);
            words.extend(["unshare", "-m", "/bin/sh", "-c", &mounted, "sh"].map(str::to_owned));
        }
        words.extend([self.login_shell.to_owned(), "-c".to_owned(), line]);
        converse(
            local::spawn(Path::new("/usr/bin/env"), words)?,
            marker,
            workers,
            early,
        )
        .await
    }

    async fn start_and_read(&self, workers: &WorkerBinaries) -> (WorkerOrigin, String) {
        let mut started = self.start(workers, b"early ").await.unwrap();
        started.process.stdin.write_all(b"late").await.unwrap();
        started.process.stdin.shutdown().await.unwrap();
        drop(started.process.stdin);
        let mut output = String::new();
        started
            .process
            .stdout
            .read_to_string(&mut output)
            .await
            .unwrap();
        assert_eq!(started.process.handle.wait().await, Exit::Status(0));
        (started.origin, output)
    }

    async fn expect_sent(&self, workers: &WorkerBinaries, directory: &Path) {
        let (origin, output) = self.start_and_read(workers).await;
        assert_eq!(origin, WorkerOrigin::Sent(directory.display().to_string()));
        assert!(output.ends_with("early late"), "{output}");
    }

    async fn expect_cached(&self, workers: &WorkerBinaries, directory: &Path) {
        let (origin, output) = self.start_and_read(workers).await;
        assert_eq!(
            origin,
            WorkerOrigin::Cached(directory.display().to_string())
        );
        assert!(output.ends_with("early late"), "{output}");
    }

    fn can_mount(&self) -> bool {
        let can = std::process::Command::new("unshare")
            .args(["-m", "mount", "-t", "tmpfs", "none"])
            .arg(self.at("tmp"))
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !can {
            eprintln!("skipped: no right to mount a file system in a namespace");
        }
        can
    }
}

fn machine() -> String {
    rustix::system::uname()
        .machine()
        .to_string_lossy()
        .into_owned()
}

fn workers_of(bytes: &[u8]) -> WorkerBinaries {
    WorkerBinaries::with([WorkerBinary::new(PathBuf::new(), machine(), bytes.to_vec())])
}

fn workers() -> WorkerBinaries {
    workers_of(WORKER)
}

fn stored(directory: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o7777
}

#[tokio::test]
async fn a_worker_is_sent_once_and_found_again_under_every_shell() {
    let installed = |shell: &str| {
        shell
            .split(' ')
            .next()
            .is_some_and(|program| Path::new(program).exists())
    };
    for login in [
        "/bin/sh",
        "/bin/bash",
        "/bin/dash",
        "/usr/bin/zsh",
        "/usr/bin/fish",
        "/bin/csh",
    ] {
        for inner in ["/bin/dash", "/bin/bash", "/bin/busybox sh", "/usr/bin/mksh"] {
            if !installed(login) || !installed(inner) {
                eprintln!("skipped: {login} with {inner} is not on this machine");
                continue;
            }
            let mut scratch = Scratch::new();
            (scratch.login_shell, scratch.inner_shell) = (login, inner);
            let workers = workers();
            scratch.expect_sent(&workers, &scratch.cache()).await;
            scratch.expect_cached(&workers, &scratch.cache()).await;
            let files = stored(&scratch.cache());
            assert_eq!(files.len(), 1, "{files:?}");
            assert_eq!((mode(&scratch.cache()), mode(&files[0])), (0o700, 0o700));
        }
    }
}

#[tokio::test]
async fn a_big_worker_arrives_whole_with_gzip_and_without() {
    let mut bytes = WORKER.to_vec();
    let mut noise = vec![0; 3_000_000];
    fill_random(&mut noise).unwrap();
    bytes.extend_from_slice(b"exit 0\n");
    bytes.extend(noise);
    let workers = workers_of(&bytes);
    let mut scratch = Scratch::new();
    scratch.expect_sent(&workers, &scratch.cache()).await;
    scratch = Scratch::new();
    let tools = scratch.at("tools");
    std::fs::create_dir(&tools).unwrap();
    for tool in [
        "uname",
        "id",
        "ls",
        "sha256sum",
        "head",
        "cat",
        "mkdir",
        "chmod",
        "mv",
        "rm",
        "dd",
        "unshare",
    ] {
        let found = ["/usr/bin", "/bin"]
            .map(|place| Path::new(place).join(tool))
            .into_iter()
            .find(|path| path.exists());
        symlink(found.unwrap(), tools.join(tool)).unwrap();
    }
    scratch.path = tools.display().to_string();
    scratch.expect_sent(&workers, &scratch.cache()).await;
    assert_eq!(std::fs::read(&stored(&scratch.cache())[0]).unwrap(), bytes);
    // Without sha256sum nothing that lies there is believed.
    std::fs::remove_file(tools.join("sha256sum")).unwrap();
    scratch.expect_sent(&workers, &scratch.cache()).await;
    // Without head, dd counts the bytes; slowly, so it gets a small worker.
    std::fs::remove_file(tools.join("head")).unwrap();
    scratch
        .expect_sent(&workers_of(WORKER), &scratch.cache())
        .await;
}

#[tokio::test]
async fn t17_a_cached_worker_with_other_content_is_replaced() {
    let scratch = Scratch::new();
    let workers = workers();
    scratch.expect_sent(&workers, &scratch.cache()).await;
    let file = stored(&scratch.cache()).remove(0);
    let evil = "#!/bin/sh\necho evil\nexec cat\n";
    std::fs::write(&file, evil).unwrap();
    let (origin, output) = scratch.start_and_read(&workers).await;
    assert!(
        matches!(origin, WorkerOrigin::Sent(_)) && !output.contains("evil"),
        "{output}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), WORKER);
    // The control: the same planted file with the digest that is asked for does run.
    std::fs::write(&file, evil).unwrap();
    let planted = workers_of(evil.as_bytes());
    std::fs::rename(
        &file,
        file.with_file_name(format!(
            "worker-{}",
            planted.get(&machine()).unwrap().sha256().unwrap()
        )),
    )
    .unwrap();
    let (_, output) = scratch.start_and_read(&planted).await;
    assert!(output.contains("evil"), "{output}");
}

#[tokio::test]
async fn t17_a_worker_that_others_may_write_is_replaced() {
    let scratch = Scratch::new();
    let workers = workers();
    scratch.expect_sent(&workers, &scratch.cache()).await;
    let file = stored(&scratch.cache()).remove(0);
    for bad in [0o770, 0o702, 0o600] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(bad)).unwrap();
        scratch.expect_sent(&workers, &scratch.cache()).await;
        assert_eq!(mode(&file), 0o700);
    }
    // A link to the right content is no file of ours either.
    std::fs::rename(&file, scratch.at("aside")).unwrap();
    symlink(scratch.at("aside"), &file).unwrap();
    scratch.expect_sent(&workers, &scratch.cache()).await;
    assert!(std::fs::symlink_metadata(&file).unwrap().is_file());
}

#[tokio::test]
async fn t7_a_cache_directory_that_others_prepared_is_refused() {
    let workers = workers();
    for trick in ["symlink", "wide", "file", "foreign"] {
        let scratch = Scratch::new();
        std::fs::create_dir(scratch.at("home/.cache")).unwrap();
        match trick {
            "symlink" => {
                let aside = scratch.at("aside");
                std::fs::create_dir(&aside).unwrap();
                std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o700)).unwrap();
                symlink(aside, scratch.cache()).unwrap();
            }
            "wide" => {
                std::fs::create_dir(scratch.cache()).unwrap();
                std::fs::set_permissions(scratch.cache(), std::fs::Permissions::from_mode(0o770))
                    .unwrap();
            }
            "file" => std::fs::write(scratch.cache(), "").unwrap(),
            _ => {
                std::fs::create_dir(scratch.cache()).unwrap();
                std::fs::set_permissions(scratch.cache(), std::fs::Permissions::from_mode(0o700))
                    .unwrap();
                if std::os::unix::fs::chown(scratch.cache(), Some(12345), None).is_err() {
                    eprintln!("skipped: only root can make a directory that belongs to another");
                    continue;
                }
            }
        }
        scratch.expect_sent(&workers, &scratch.second()).await;
        scratch.expect_cached(&workers, &scratch.second()).await;
    }
}

#[tokio::test]
async fn directories_that_are_noexec_readonly_or_full_are_passed_over() {
    let mut bytes = WORKER.to_vec();
    let mut noise = vec![0; 400_000];
    fill_random(&mut noise).unwrap();
    bytes.extend_from_slice(b"exit 0\n");
    bytes.extend(noise);
    let workers = workers_of(&bytes);
    let mut scratch = Scratch::new();
    if !scratch.can_mount() {
        return;
    }
    let root = scratch.directory.path().display().to_string();
    let mounts = format!(
        "mount -t tmpfs -o noexec none {root}/home; mount -t tmpfs -o ro none {root}/var/tmp; mount -t tmpfs -o size=128k none {root}/tmp"
    );
    scratch.before = mounts.clone();
    let shm = scratch.at(&format!("shm/kplay-{}", rustix::process::getuid().as_raw()));
    scratch.expect_sent(&workers, &shm).await;
    // And with no way left, each is named with its reason.
    scratch.before = format!(
        "{mounts}; mount -t tmpfs -o ro none {root}/shm; mount -t tmpfs -o ro none {root}/run"
    );
    let error = scratch
        .start(&workers, b"early")
        .await
        .unwrap_err()
        .to_string();
    for expected in [
        "home/.cache/kplay does not allow programs to run (noexec)",
        "cannot be created",
        "could not take the whole worker (disk full?)",
    ] {
        assert!(error.contains(expected), "{expected}: {error}");
    }
    assert_eq!(error.matches("; ").count(), 4, "{error}");
}

#[tokio::test]
async fn an_ordinary_user_without_a_home_has_a_place_too() {
    use std::os::unix::fs::chown;
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: only root can become somebody else");
        return;
    }
    let mut scratch = Scratch::new();
    let root = scratch.directory.path().to_path_buf();
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["home", "var/tmp", "tmp", "shm", "run"] {
        chown(scratch.at(name), Some(12345), Some(12345)).unwrap();
    }
    scratch.user = Some(12345);
    let workers = workers();
    scratch.expect_sent(&workers, &scratch.cache()).await;
    scratch.expect_cached(&workers, &scratch.cache()).await;
    std::fs::remove_dir(scratch.at("home/.cache/kplay")).unwrap_err();
    scratch.home = String::new();
    scratch
        .expect_sent(&workers, &scratch.at("var/tmp/kplay-12345"))
        .await;
}

#[tokio::test]
async fn runs_side_by_side_do_not_spoil_each_other() {
    let scratch = Scratch::new();
    let workers = workers_of(&[WORKER, b"exit 0\n", &vec![b'#'; 500_000]].concat());
    let (a, b, c, d) = tokio::join!(
        scratch.start_and_read(&workers),
        scratch.start_and_read(&workers),
        scratch.start_and_read(&workers),
        scratch.start_and_read(&workers),
    );
    for (_, output) in [a, b, c, d] {
        assert!(output.ends_with("early late"), "{output}");
    }
    assert_eq!(stored(&scratch.cache()).len(), 1);
}

#[tokio::test]
async fn t25_a_transfer_that_is_cut_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let marker = random_marker().unwrap();
    let workers = workers();
    let line = command_line(&marker, 0, workers.prepare().unwrap());
    let home = format!("HOME={}", scratch.at("home").display());
    let words = [home.as_str(), "/bin/sh", "-c", &line];
    let mut process = local::spawn(Path::new("/usr/bin/env"), words).unwrap();
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(" needed ") {
        let length = process.stdout.read_buf(&mut heard).await.unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&heard));
    }
    process
        .stdin
        .write_all(b"1000000\nhalf of it")
        .await
        .unwrap();
    drop(process.stdin);
    process.stdin = Box::new(tokio::io::sink());
    process.handle.wait().await;
    assert!(stored(&scratch.cache()).is_empty());
}

#[tokio::test]
async fn a_missing_machine_and_a_broken_shell_are_explained() {
    let scratch = Scratch::new();
    let foreign = WorkerBinaries::with([WorkerBinary::new(PathBuf::new(), "z80", WORKER.to_vec())]);
    let error = scratch.start(&foreign, b"").await.unwrap_err();
    assert!(
        matches!(
            error,
            StartError::NoWorker(WorkerBinaryError::Missing { .. })
        ),
        "{error}"
    );
    let mut broken = Scratch::new();
    broken.inner_shell = "/nowhere/sh";
    let error = broken
        .start(&workers(), b"early")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("exit status 127") && error.contains("/nowhere/sh"),
        "{error}"
    );
}

#[test]
fn words_of_the_script_are_told_from_echoes_of_the_command() {
    assert_eq!(Word::parse("12 x86_64 00ff"), None);
    assert_eq!(
        Word::parse("start /a b"),
        Some(Word::Start {
            directory: "/a b".to_owned()
        })
    );
    assert_eq!(Word::parse("needed gzip Linux"), None);
    assert_eq!(Word::parse("failed"), Some(Word::Failed));
}
