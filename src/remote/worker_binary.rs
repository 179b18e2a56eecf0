//! The worker programs that can be sent to hosts, one for each kind of machine.
//!
//! Looked up beside `kplay`, then in a directory per architecture. A local host only needs to know where its worker lies. What
//! goes over SSH is read and hashed once (ten megabytes, fifteen milliseconds), while the first connection is made: the engine
//! calls [`WorkerBinaries::prepare`] for that. Compressing happens only if a host lacks the worker. A program that was found is held
//! open, so that an upgrade in the middle of a run does not give it workers of another build.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use super::bytes::hex;

/// The architectures known by `uname -m`, with Rust's target and the number in an ELF header.
const ARCHITECTURES: [Architecture; 6] = [
    Architecture::new("x86_64", "x86_64-unknown-linux-musl", 62),
    Architecture::new("aarch64", "aarch64-unknown-linux-musl", 183),
    Architecture::new("armv7l", "armv7-unknown-linux-musleabihf", 40),
    Architecture::new("riscv64", "riscv64gc-unknown-linux-musl", 243),
    Architecture::new("ppc64le", "powerpc64le-unknown-linux-musl", 21),
    Architecture::new("s390x", "s390x-unknown-linux-gnu", 22),
];

struct Architecture {
    machine: &'static str,
    target: &'static str,
    elf: u16,
}

impl Architecture {
    const fn new(machine: &'static str, target: &'static str, elf: u16) -> Self {
        Self {
            machine,
            target,
            elf,
        }
    }
}

/// One worker program.
#[derive(Debug)]
pub struct WorkerBinary {
    pub path: PathBuf,
    /// As `uname -m` says.
    pub machine: String,
    /// What lay there when it was found.
    file: Option<File>,
    program: OnceLock<Result<Program, WorkerBinaryError>>,
    compressed: OnceLock<Result<Arc<Vec<u8>>, WorkerBinaryError>>,
}

/// What lies at a worker's path.
#[derive(Debug)]
struct Program {
    bytes: Arc<Vec<u8>>,
    /// In lower-case hexadecimal.
    sha256: String,
}

impl Program {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            sha256: hex(&Sha256::digest(&bytes)),
            bytes: Arc::new(bytes),
        }
    }
}

/// Why no worker can be sent.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WorkerBinaryError {
    #[error(
        "there is no kplay-worker for `{machine}`: looked for {}; {}",
        looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
        how_to_build(machine)
    )]
    Missing {
        machine: String,
        looked: Vec<PathBuf>,
    },
    #[error("cannot read the worker `{}`: {problem}", path.display())]
    Unreadable { path: PathBuf, problem: String },
}

fn unreadable(path: &Path, error: &io::Error) -> WorkerBinaryError {
    WorkerBinaryError::Unreadable {
        path: path.to_path_buf(),
        problem: error.to_string(),
    }
}

fn how_to_build(machine: &str) -> String {
    match ARCHITECTURES.iter().find(|known| known.machine == machine) {
        Some(known) => format!(
            "`cargo build --release --bin kplay-worker --target {}` builds it",
            known.target
        ),
        None => "kplay has no worker for such machines".to_owned(),
    }
}

impl WorkerBinary {
    /// Takes a program as it is, for a kind of machine.
    pub fn new(path: PathBuf, machine: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            path,
            machine: machine.into(),
            file: None,
            program: OnceLock::from(Ok(Program::new(bytes))),
            compressed: OnceLock::new(),
        }
    }

    /// Takes a program that is read when somebody asks what is in it.
    fn at(path: PathBuf, machine: &str, file: File) -> Self {
        Self {
            path,
            machine: machine.to_owned(),
            file: Some(file),
            program: OnceLock::new(),
            compressed: OnceLock::new(),
        }
    }

    fn program(&self) -> Result<&Program, WorkerBinaryError> {
        let read = || {
            let bytes = match &self.file {
                Some(file) => read_whole(file),
                None => std::fs::read(&self.path),
            };
            bytes
                .map(Program::new)
                .map_err(|error| unreadable(&self.path, &error))
        };
        self.program
            .get_or_init(read)
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Returns a path at which this process can start the program as it was when it was found: `path`, unless another one lies there
    /// by now.
    pub fn startable(&self) -> PathBuf {
        let is_there = |file: &File| {
            let (held, there) = (file.metadata().ok()?, std::fs::metadata(&self.path).ok()?);
            Some(held.ino() == there.ino() && held.dev() == there.dev())
        };
        match &self.file {
            Some(file) if is_there(file) != Some(true) => {
                format!("/proc/self/fd/{}", file.as_raw_fd()).into()
            }
            _ => self.path.clone(),
        }
    }

    /// Returns the program's digest in lower-case hexadecimal.
    pub fn sha256(&self) -> Result<&str, WorkerBinaryError> {
        Ok(&self.program()?.sha256)
    }

    pub fn bytes(&self) -> Result<Arc<Vec<u8>>, WorkerBinaryError> {
        Ok(Arc::clone(&self.program()?.bytes))
    }

    /// Returns the program in gzip's format, made by whoever asks first; all others wait for that. Blocks.
    pub fn compressed(&self) -> Result<Arc<Vec<u8>>, WorkerBinaryError> {
        self.compressed
            .get_or_init(|| self.compress().map(Arc::new))
            .clone()
    }

    fn compress(&self) -> Result<Vec<u8>, WorkerBinaryError> {
        // The default level takes twice as long as this one (half a second), for a fortieth less to send. A worker with all its
        // checks and debug information is many times larger, and goes to hosts of tests only.
        let level = if cfg!(debug_assertions) {
            flate2::Compression::fast()
        } else {
            flate2::Compression::new(4)
        };
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
        encoder
            .write_all(&self.program()?.bytes)
            .and_then(|()| encoder.finish())
            .map_err(|error| unreadable(&self.path, &error))
    }
}

/// The workers of this installation.
#[derive(Debug)]
pub struct WorkerBinaries {
    /// The directory that `kplay` stands in.
    directory: PathBuf,
    found: OnceLock<Result<BTreeMap<String, Arc<WorkerBinary>>, WorkerBinaryError>>,
}

impl WorkerBinaries {
    /// Looks beside the running program.
    pub fn beside_this_program() -> Self {
        let program = std::env::current_exe().unwrap_or_default();
        Self::beside(program.parent().unwrap_or(Path::new(".")))
    }

    /// Looks in and around a directory.
    pub fn beside(directory: &Path) -> Self {
        Self {
            directory: directory.to_path_buf(),
            found: OnceLock::new(),
        }
    }

    /// Takes these and looks nowhere.
    pub fn with(workers: impl IntoIterator<Item = WorkerBinary>) -> Self {
        let workers = workers
            .into_iter()
            .map(|worker| (worker.machine.clone(), Arc::new(worker)))
            .collect();
        Self {
            directory: PathBuf::new(),
            found: OnceLock::from(Ok(workers)),
        }
    }

    /// Reads and hashes what there is, a matter of milliseconds that is better spent while the network is awaited. Blocks.
    /// Returns machines and digests.
    pub fn prepare(&self) -> Result<Vec<(&str, &str)>, WorkerBinaryError> {
        self.found()?
            .values()
            .map(|worker| Ok((worker.machine.as_str(), worker.sha256()?)))
            .collect()
    }

    fn found(&self) -> Result<&BTreeMap<String, Arc<WorkerBinary>>, WorkerBinaryError> {
        self.found
            .get_or_init(|| self.look())
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Returns the worker for what `uname -m` says.
    pub fn get(&self, machine: &str) -> Result<Arc<WorkerBinary>, WorkerBinaryError> {
        match self.found()?.get(machine) {
            Some(worker) => Ok(Arc::clone(worker)),
            None => Err(WorkerBinaryError::Missing {
                machine: machine.to_owned(),
                looked: self.candidates(machine),
            }),
        }
    }

    fn candidates(&self, machine: &str) -> Vec<PathBuf> {
        vec![
            self.directory.join("kplay-worker"),
            self.directory.join(format!("kplay-worker-{machine}")),
            self.directory
                .join("../lib/kplay")
                .join(machine)
                .join("kplay-worker"),
            self.directory
                .join("workers")
                .join(machine)
                .join("kplay-worker"),
        ]
    }

    fn look(&self) -> Result<BTreeMap<String, Arc<WorkerBinary>>, WorkerBinaryError> {
        let mut found = BTreeMap::new();
        for architecture in &ARCHITECTURES {
            for path in self.candidates(architecture.machine) {
                let found_there = program_at(&path).map_err(|error| unreadable(&path, &error))?;
                let Some((_, file)) = found_there.filter(|(elf, _)| *elf == architecture.elf)
                else {
                    continue;
                };
                let worker = WorkerBinary::at(path, architecture.machine, file);
                found.insert(architecture.machine.to_owned(), Arc::new(worker));
                break;
            }
        }
        Ok(found)
    }
}

/// Opens an ELF file and reads from its header which machine it is for; nothing if there is no such file or it is none.
fn program_at(path: &Path) -> io::Result<Option<(u16, File)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut header = [0_u8; 20];
    let read = file.read_exact_at(&mut header, 0);
    Ok(match (read, header) {
        (Ok(()), [0x7f, b'E', b'L', b'F', _, order, .., low, high]) => {
            let machine = [low, high];
            let machine = if order == 2 {
                u16::from_be_bytes(machine)
            } else {
                u16::from_le_bytes(machine)
            };
            Some((machine, file))
        }
        _ => None,
    })
}

fn read_whole(file: &File) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn elf(machine: u8) -> Vec<u8> {
        let mut bytes = vec![0_u8; 64];
        bytes[..4].copy_from_slice(b"\x7fELF");
        bytes[18] = machine;
        bytes
    }

    #[test]
    fn workers_are_found_by_their_header_not_their_name() {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bin");
        let lib = directory.path().join("lib/kplay/aarch64");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(&lib).unwrap();
        std::fs::write(bin.join("kplay-worker"), elf(62)).unwrap();
        std::fs::write(lib.join("kplay-worker"), elf(183)).unwrap();
        std::fs::create_dir_all(bin.join("workers/riscv64")).unwrap();
        std::fs::write(bin.join("workers/riscv64/kplay-worker"), elf(62)).unwrap();
        let workers = WorkerBinaries::beside(&bin);
        assert_eq!(
            workers.get("x86_64").unwrap().path,
            bin.join("kplay-worker")
        );
        assert_eq!(workers.get("aarch64").unwrap().bytes().unwrap().len(), 64);
        assert!(matches!(
            workers.get("riscv64"),
            Err(WorkerBinaryError::Missing { .. })
        ));
    }

    #[test]
    fn a_program_that_is_replaced_stays_what_it_was_for_who_has_found_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kplay-worker");
        std::fs::copy("/bin/sh", &path).unwrap();
        let machine = rustix::system::uname();
        let machine = machine.machine().to_str().unwrap();
        let workers = WorkerBinaries::beside(directory.path());
        let worker = workers.get(machine).unwrap();
        assert_eq!(worker.startable(), path);
        std::fs::write(directory.path().join("new"), elf(62)).unwrap();
        std::fs::rename(directory.path().join("new"), &path).unwrap();
        assert_eq!(
            *worker.bytes().unwrap(),
            std::fs::read("/bin/sh").unwrap(),
            "it is read as it was"
        );
        let started = std::process::Command::new(worker.startable())
            .args(["-c", "exit 7"])
            .status();
        assert_eq!(started.unwrap().code(), Some(7), "it is started as it was");
    }

    #[test]
    fn a_missing_worker_says_where_it_was_sought_and_how_it_is_built() {
        let directory = tempfile::tempdir().unwrap();
        let error = WorkerBinaries::beside(directory.path())
            .get("aarch64")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("--target aarch64-unknown-linux-musl"),
            "{error}"
        );
        assert!(error.contains("workers/aarch64/kplay-worker"), "{error}");
        assert!(error.contains("lib/kplay/aarch64"), "{error}");
    }

    #[test]
    fn compressing_keeps_every_byte() {
        let worker = WorkerBinary::new(PathBuf::new(), "x86_64", b"worker ".repeat(1000));
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(worker.compressed().unwrap().as_slice())
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(&back, worker.bytes().unwrap().as_ref());
        assert_eq!(worker.sha256().unwrap().len(), 64);
    }
}
