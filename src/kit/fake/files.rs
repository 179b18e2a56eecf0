//! [`Host`] for [`FakeHost`]: the files, commands and users that a test gave it, changed in memory as a host would change them.

use std::io::Cursor;
use std::time::Duration;

use super::inodes::{EACCES, EPERM};
use super::tree::{Body, ENOENT, ENOTDIR, join};
use super::{FakeHost, refused};
use crate::kit::{
    Command, Content, DirectoryEntry, FileType, Group, Host, HostError, Identity, Output, Reader,
    Signal, Staged, Status, Supplied, User, Write,
};
use crate::value::Value;

const EEXIST: i32 = 17;
const EISDIR: i32 = 21;
const EINVAL: i32 = 22;
const ENOTEMPTY: i32 = 39;

impl Host for FakeHost {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn status(&self, path: &str, follow: bool) -> Result<Option<Status>, HostError> {
        let name = match self.name("read", path, follow) {
            Ok(name) => name,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        };
        let state = self.state.borrow();
        let (Some(inode), Some(number)) = (state.tree.get(&name), state.tree.number(&name)) else {
            return Ok(None);
        };
        Ok(Some(Status {
            kind: inode.kind(),
            mode: inode.mode,
            uid: inode.uid,
            gid: inode.gid,
            size: inode.size() as u64,
            inode: number,
            device: 1,
            links: state.tree.links(number) as u64,
            blocks: inode.size().div_ceil(4096) as u64 * 8,
            block_size: 4096,
            device_type: 0,
            times: inode.times,
        }))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        let inode = self.inode("read", path, true)?;
        match &inode.body {
            Body::File(_) if !self.permitted(&inode, 4) => Err(refused("read", path, EACCES)),
            Body::File(bytes) => Ok(bytes.clone()),
            Body::Directory => Err(refused("read", path, EISDIR)),
            Body::Link(_) | Body::Special(_) => Err(refused("read", path, EINVAL)),
        }
    }

    fn open(&self, path: &str) -> Result<Reader, HostError> {
        Ok(Box::new(Cursor::new(self.read(path)?)))
    }

    fn list(&self, path: &str) -> Result<Vec<DirectoryEntry>, HostError> {
        let inode = self.inode("list", path, true)?;
        if inode.body != Body::Directory {
            return Err(refused("list", path, ENOTDIR));
        }
        if !self.permitted(&inode, 4) {
            return Err(refused("list", path, EACCES));
        }
        let name = self.name("list", path, true)?;
        let children = self.state.borrow().tree.children(&name);
        Ok(children
            .into_iter()
            .map(|(name, kind)| DirectoryEntry { name, kind })
            .collect())
    }

    fn read_link(&self, path: &str) -> Result<String, HostError> {
        match self.inode("read the link", path, false)?.body {
            Body::Link(target) => Ok(target),
            _ => Err(refused("read the link", path, EINVAL)),
        }
    }

    fn real_path(&self, path: &str) -> Result<String, HostError> {
        let mut rest = Vec::new();
        let mut path = self.absolute(path);
        loop {
            match self.state.borrow().tree.locate(&path, true) {
                Ok(name) => {
                    return Ok(rest
                        .iter()
                        .rev()
                        .fold(name, |folder, part: &String| join(&folder, part)));
                }
                Err(ENOENT | ENOTDIR) => {}
                Err(errno) => return Err(refused("resolve", &path, errno)),
            }
            let (folder, last) = path.rsplit_once('/').unwrap_or(("", &path));
            rest.push(last.to_owned());
            path = if folder.is_empty() {
                "/".to_owned()
            } else {
                folder.to_owned()
            };
        }
    }

    fn pin(&self, path: &str, owner: u32) -> Result<Option<String>, HostError> {
        let path = self.absolute(path);
        let ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        let mut foreign = false;
        for end in ends {
            let on_the_way = self.status(path.get(..end).unwrap_or_default(), false);
            foreign |= on_the_way?.is_some_and(|status| status.is_link() && status.uid != 0);
        }
        match self.status(&path, true)? {
            None => Ok(None),
            Some(status) if foreign && status.uid != owner => Err(HostError::Other(format!(
                "`{path}` goes through a link that is not followed"
            ))),
            Some(_) => self.real_path(&path).map(Some),
        }
    }

    fn access(&self, path: &str) -> (bool, bool, bool) {
        let Ok(inode) = self.inode("read", path, true) else {
            return (false, false, false);
        };
        let executable = if self.identity.uid == 0 {
            inode.body == Body::Directory || inode.mode & 0o111 != 0
        } else {
            self.permitted(&inode, 1)
        };
        (
            self.permitted(&inode, 4),
            self.permitted(&inode, 2),
            executable,
        )
    }

    fn umask(&self) -> u32 {
        self.umask
    }

    fn stage(&self, destination: &str, content: Content<'_>) -> Result<Staged, HostError> {
        let name = self.name("stage", destination, false)?;
        self.folder("stage", &name)?;
        let bytes = self.content(content)?;
        let (folder, last) = name.rsplit_once('/').unwrap_or(("", &name));
        let path = format!("{folder}/.{last}.staged{}", self.count());
        self.record(format!("stage {name} 0600"));
        let inode = self.fresh(Body::File(bytes), 0o600);
        self.state.borrow_mut().tree.put(&path, inode);
        Ok(Staged { path })
    }

    fn commit(&self, staged: Staged, destination: &str, write: Write) -> Result<(), HostError> {
        let name = self.name("commit", destination, false)?;
        let mut inode = self.inode("commit", &staged.path, false)?;
        let old = self.state.borrow().tree.get(&name).cloned();
        if old.as_ref().is_some_and(|old| old.body == Body::Directory) {
            return Err(refused("commit", destination, EISDIR));
        }
        let wanted = write.attributes;
        inode.mode = wanted
            .mode
            .or(old.as_ref().map(|old| old.mode))
            .unwrap_or(0o666 & !self.umask);
        inode.uid = wanted
            .uid
            .or(old.as_ref().map(|old| old.uid))
            .unwrap_or(self.identity.uid);
        inode.gid = wanted
            .gid
            .or(old.as_ref().map(|old| old.gid))
            .unwrap_or(self.identity.gid);
        self.record(format!("commit {name} {:04o}", inode.mode));
        let mut state = self.state.borrow_mut();
        state.tree.remove(&staged.path);
        state.tree.put(&name, inode);
        Ok(())
    }

    fn discard(&self, staged: Staged) {
        self.record(format!("discard {}", staged.path));
        self.state.borrow_mut().tree.remove(&staged.path);
    }

    fn make_directory(&self, path: &str, mode: u32) -> Result<(), HostError> {
        let name = self.name("make the directory", path, false)?;
        if self.exists(&name) {
            return Err(refused("make the directory", path, EEXIST));
        }
        self.folder("make the directory", &name)?;
        self.record(format!("make_directory {name} {mode:04o}"));
        let inode = self.fresh(Body::Directory, mode);
        self.state.borrow_mut().tree.put(&name, inode);
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), HostError> {
        let inode = self.inode("remove", path, false)?;
        let name = self.name("remove", path, false)?;
        self.folder("remove", &name)?;
        if inode.body == Body::Directory && !self.state.borrow().tree.children(&name).is_empty() {
            return Err(refused("remove", path, ENOTEMPTY));
        }
        self.record(format!("remove {name}"));
        self.state.borrow_mut().tree.remove(&name);
        Ok(())
    }

    fn remove_tree(&self, path: &str) -> Result<(), HostError> {
        self.inode("remove", path, false)?;
        let name = self.name("remove", path, false)?;
        self.folder("remove", &name)?;
        self.record(format!("remove_tree {name}"));
        let all = self.state.borrow().tree.at_and_below(&name);
        for name in &all {
            self.state.borrow_mut().tree.remove(name);
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), HostError> {
        self.inode("rename", from, false)?;
        let (from, to) = (
            self.name("rename", from, false)?,
            self.name("rename", to, false)?,
        );
        self.folder("rename", &to)?;
        self.record(format!("rename {from} {to}"));
        self.state.borrow_mut().tree.rename(&from, &to);
        Ok(())
    }

    fn copy_preserving(&self, from: &str, to: &str) -> Result<(), HostError> {
        let inode = self.inode("copy", from, true)?;
        let name = self.name("copy", to, false)?;
        self.folder("copy", &name)?;
        if self.exists(&name) {
            return Err(refused("copy", to, EEXIST));
        }
        self.record(format!("copy {from} {name}"));
        self.state.borrow_mut().tree.put(&name, inode);
        Ok(())
    }

    fn symbolic_link(&self, target: &str, path: &str) -> Result<(), HostError> {
        let name = self.name("link", path, false)?;
        self.folder("link", &name)?;
        self.record(format!("link {name} {target}"));
        let inode = self.fresh(Body::Link(target.to_owned()), 0o777);
        self.state.borrow_mut().tree.put(&name, inode);
        Ok(())
    }

    fn hard_link(&self, target: &str, path: &str) -> Result<(), HostError> {
        self.inode("link", target, false)?;
        let (target, name) = (
            self.name("link", target, false)?,
            self.name("link", path, false)?,
        );
        self.folder("link", &name)?;
        self.record(format!("hard_link {name} {target}"));
        let mut state = self.state.borrow_mut();
        if let Some(number) = state.tree.number(&target) {
            state.tree.link(number, &name);
        }
        Ok(())
    }

    fn touch(&self, path: &str, mode: u32) -> Result<(), HostError> {
        let name = self.name("create", path, false)?;
        self.folder("create", &name)?;
        if !self.exists(&name) {
            self.record(format!("touch {name} {mode:04o}"));
            let inode = self.fresh(Body::File(Vec::new()), mode);
            self.state.borrow_mut().tree.put(&name, inode);
        }
        Ok(())
    }

    fn set_mode(&self, path: &str, mode: u32, follow: bool) -> Result<(), HostError> {
        self.record(format!("set_mode {path} {mode:04o}"));
        self.alter("set the mode of", path, follow, |inode| {
            if inode.kind() != FileType::Link {
                inode.mode = mode;
            }
        })
    }

    fn set_owner(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), HostError> {
        let shown = |number: Option<u32>| {
            number.map_or_else(|| "-".to_owned(), |number| number.to_string())
        };
        self.record(format!("set_owner {path} {}:{}", shown(uid), shown(gid)));
        if self.identity.uid != 0 && uid.is_some_and(|uid| uid != self.identity.uid) {
            return Err(refused("set the owner of", path, EPERM));
        }
        self.alter("set the owner of", path, follow, |inode| {
            inode.uid = uid.unwrap_or(inode.uid);
            inode.gid = gid.unwrap_or(inode.gid);
        })
    }

    fn set_times(
        &self,
        path: &str,
        accessed: Option<(i64, u32)>,
        modified: Option<(i64, u32)>,
        follow: bool,
    ) -> Result<(), HostError> {
        self.record(format!("set_times {path}"));
        self.alter("set the times of", path, follow, |inode| {
            inode.times.accessed = accessed.unwrap_or(inode.times.accessed);
            inode.times.modified = modified.unwrap_or(inode.times.modified);
        })
    }

    fn temporary_directory(
        &self,
        parent: Option<&str>,
        prefix: &str,
        suffix: &str,
    ) -> Result<String, HostError> {
        let name = format!("{prefix}{:08}{suffix}", self.count());
        self.create("make the directory", parent, &name, Body::Directory, 0o700)
    }

    fn temporary_file(
        &self,
        parent: Option<&str>,
        prefix: &str,
        suffix: &str,
    ) -> Result<String, HostError> {
        let name = format!("{prefix}{:08}{suffix}", self.count());
        self.create("create", parent, &name, Body::File(Vec::new()), 0o600)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        let best = |scripts: &[super::Scripted]| {
            let matching = scripts
                .iter()
                .enumerate()
                .filter(|(_, script)| command.argv.starts_with(&script.prefix));
            matching
                .max_by_key(|(_, script)| script.prefix.len())
                .map(|(index, _)| index)
        };
        let answer = {
            let mut state = self.state.borrow_mut();
            let Some(index) = best(&state.scripts) else {
                drop(state);
                let program = command.argv.first().cloned().unwrap_or_default();
                assert!(
                    self.find_program(&program).is_none(),
                    "no script answers {:?}; add .command(&[..], printed(\"..\"))",
                    command.argv
                );
                let path = self.environment("PATH").unwrap_or_default();
                return Err(HostError::NoProgram { program, path });
            };
            state.ran.push(command.clone());
            let script = &mut state.scripts[index];
            let answer = script.answers[script.used.min(script.answers.len() - 1)].clone();
            script.used += 1;
            answer
        };
        Ok(answer(command, self))
    }

    fn find_program(&self, name: &str) -> Option<String> {
        if name.contains('/') {
            let known = self.exists(name)
                || self.programs.contains(name)
                || self
                    .state
                    .borrow()
                    .scripts
                    .iter()
                    .any(|script| script.prefix.first().is_some_and(|first| first == name));
            return known.then(|| name.to_owned());
        }
        let state = self.state.borrow();
        let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/sbin"];
        if let Some(path) = folders
            .iter()
            .map(|folder| join(folder, name))
            .find(|path| state.tree.get(path).is_some())
        {
            return Some(path);
        }
        let scripted = state
            .scripts
            .iter()
            .filter_map(|script| script.prefix.first());
        scripted
            .chain(&self.programs)
            .find(|program| program.rsplit('/').next() == Some(name))
            .map(|program| {
                if program.contains('/') {
                    program.clone()
                } else {
                    format!("/usr/bin/{program}")
                }
            })
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn environment_all(&self) -> Vec<(String, String)> {
        self.environment.clone().into_iter().collect()
    }

    fn user(&self, name: &str) -> Result<Option<User>, HostError> {
        Ok(self
            .state
            .borrow()
            .users
            .iter()
            .find(|user| user.name == name)
            .cloned())
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>, HostError> {
        Ok(self
            .state
            .borrow()
            .users
            .iter()
            .find(|user| user.uid == uid)
            .cloned())
    }

    fn group(&self, name: &str) -> Result<Option<Group>, HostError> {
        Ok(self
            .state
            .borrow()
            .groups
            .iter()
            .find(|group| group.name == name)
            .cloned())
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, HostError> {
        Ok(self
            .state
            .borrow()
            .groups
            .iter()
            .find(|group| group.gid == gid)
            .cloned())
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        Ok(self.state.borrow().groups.clone())
    }

    fn signal(&self, process: u32, _: Signal) -> Result<(), HostError> {
        self.state.borrow_mut().signals.push(process);
        Ok(())
    }

    fn connect(
        &self,
        address: &str,
        port: u16,
        _: Duration,
        read: Option<usize>,
    ) -> Result<Option<Vec<u8>>, HostError> {
        let banner = self.listening.get(&(address.to_owned(), port));
        Ok(banner.map(|banner| banner.iter().copied().take(read.unwrap_or(0)).collect()))
    }

    fn now(&self) -> (i64, u32) {
        self.state.borrow().clock
    }

    fn utc_offset(&self, _: i64) -> i32 {
        self.utc_offset
    }

    fn sleep(&self, length: Duration) -> Result<(), HostError> {
        let mut state = self.state.borrow_mut();
        state.clock.0 += i64::try_from(length.as_secs()).unwrap();
        Ok(())
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), HostError> {
        for byte in bytes {
            *byte = u8::try_from(self.count() % 256).unwrap();
        }
        Ok(())
    }

    fn supplied(&self) -> &[Supplied] {
        &self.supplied
    }

    fn open_supplied(&self, content: u64) -> Result<Reader, HostError> {
        self.state.borrow_mut().opened.push(content);
        let bytes = self
            .contents
            .get(&content)
            .ok_or_else(|| HostError::Other(format!("no content {content}")))?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }

    fn setting(&self, name: &str) -> Option<Value> {
        self.settings.get(name).cloned()
    }
}
