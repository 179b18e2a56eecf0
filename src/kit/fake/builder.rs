//! Building a [`FakeHost`] and looking at it afterwards.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::rc::Rc;

use sha1::{Digest, Sha1};

use super::tree::{Body, Inode, Tree, parent};
use super::{FakeHost, Scripted, State};
use crate::kit::{
    Command, FileType, Group, Host, Identity, Output, Supplied, SuppliedContent, SuppliedSum,
    Times, TreeEntry, User,
};
use crate::value::{Dict, Value};

/// When every test takes place: 2023-11-14 22:13:20 UTC.
const NOW: i64 = 1_700_000_000;

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

impl FakeHost {
    /// Returns a host with `/tmp`, `/root`, `/etc` and the account root, which acts.
    pub fn new() -> Self {
        let host = Self {
            state: RefCell::new(State {
                tree: Tree::default(),
                users: Vec::new(),
                groups: Vec::new(),
                scripts: Vec::new(),
                ran: Vec::new(),
                operations: Vec::new(),
                opened: Vec::new(),
                signals: Vec::new(),
                clock: (NOW, 0),
                counter: 0,
                frozen: false,
            }),
            identity: Identity {
                user: "root".to_owned(),
                uid: 0,
                gid: 0,
                home: "/root".to_owned(),
            },
            umask: 0o022,
            environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            settings: BTreeMap::new(),
            supplied: Vec::new(),
            contents: BTreeMap::new(),
            listening: BTreeMap::new(),
            programs: BTreeSet::new(),
            failures: BTreeMap::new(),
            utc_offset: 0,
        };
        host.user("root", 0)
            .directory("/etc")
            .directory("/tmp")
            .mode("/tmp", 0o1777)
            .directory("/root")
            .mode("/root", 0o700)
    }

    fn node(body: Body, mode: u32, clock: (i64, u32)) -> Inode {
        Inode {
            body,
            mode,
            uid: 0,
            gid: 0,
            times: Times {
                accessed: clock,
                modified: clock,
                changed: clock,
            },
        }
    }

    fn put(self, path: &str, body: Body, mode: u32) -> Self {
        let mut missing = vec![parent(path)];
        while let Some(last) = missing.last().copied().filter(|last| *last != "/") {
            missing.push(parent(last));
        }
        {
            let mut state = self.state.borrow_mut();
            let clock = state.clock;
            for folder in missing.into_iter().rev() {
                if state.tree.get(folder).is_none() {
                    state
                        .tree
                        .put(folder, Self::node(Body::Directory, 0o755, clock));
                }
            }
            state.tree.put(path, Self::node(body, mode, clock));
        }
        self
    }

    /// Adds a file of root's with mode 0644, and the folders above it.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.put(path, Body::File(content.as_ref().to_vec()), 0o644)
    }

    /// Adds a directory of root's with mode 0755.
    pub fn directory(self, path: &str) -> Self {
        self.put(path, Body::Directory, 0o755)
    }

    /// Adds a symbolic link at `path`.
    pub fn link(self, path: &str, target: &str) -> Self {
        self.put(path, Body::Link(target.to_owned()), 0o777)
    }

    /// Adds a pipe, socket or device.
    pub fn special(self, path: &str, kind: FileType) -> Self {
        self.put(path, Body::Special(kind), 0o600)
    }

    fn change(self, path: &str, change: impl FnOnce(&mut Inode)) -> Self {
        change(
            self.state
                .borrow_mut()
                .tree
                .get_mut(path)
                .unwrap_or_else(|| panic!("{path} is not there")),
        );
        self
    }

    /// Sets the permission bits of what is there.
    pub fn mode(self, path: &str, mode: u32) -> Self {
        self.change(path, |inode| inode.mode = mode)
    }

    /// Sets owner and group of what is there.
    pub fn owner(self, path: &str, uid: u32, gid: u32) -> Self {
        self.change(path, |inode| (inode.uid, inode.gid) = (uid, gid))
    }

    /// Sets the times of last read and last write of what is there.
    pub fn times(self, path: &str, accessed: i64, modified: i64) -> Self {
        self.change(path, |inode| {
            (inode.times.accessed, inode.times.modified) = ((accessed, 0), (modified, 0));
        })
    }

    /// Adds an account with a group of its own name and number, home `/home/NAME` (root: `/root`) and shell `/bin/bash`.
    pub fn user(self, name: &str, uid: u32) -> Self {
        self.add_group(Group {
            name: name.to_owned(),
            gid: uid,
            members: Vec::new(),
        });
        let home = if uid == 0 {
            "/root".to_owned()
        } else {
            format!("/home/{name}")
        };
        let shell = "/bin/bash".to_owned();
        self.add_user(User {
            name: name.to_owned(),
            uid,
            gid: uid,
            comment: String::new(),
            home,
            shell,
        });
        self
    }

    /// Adds a group.
    pub fn group(self, name: &str, gid: u32, members: &[&str]) -> Self {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.add_group(Group {
            name: name.to_owned(),
            gid,
            members,
        });
        self
    }

    /// Adds or replaces an account; scripts use it.
    pub fn add_user(&self, user: User) {
        let mut state = self.state.borrow_mut();
        state.users.retain(|other| other.name != user.name);
        state.users.push(user);
    }

    /// Adds or replaces a group; scripts use it.
    pub fn add_group(&self, group: Group) {
        let mut state = self.state.borrow_mut();
        state.groups.retain(|other| other.name != group.name);
        state.groups.push(group);
    }

    /// Removes an account; scripts use it.
    pub fn remove_user(&self, name: &str) {
        self.state
            .borrow_mut()
            .users
            .retain(|other| other.name != name);
    }

    /// Removes a group; scripts use it.
    pub fn remove_group(&self, name: &str) {
        self.state
            .borrow_mut()
            .groups
            .retain(|other| other.name != name);
    }

    /// Lets that account act, which must have been added.
    pub fn acting_as(mut self, name: &str) -> Self {
        let user = Host::user(&self, name)
            .unwrap()
            .unwrap_or_else(|| panic!("no user {name}"));
        self.identity = Identity {
            user: user.name,
            uid: user.uid,
            gid: user.gid,
            home: user.home,
        };
        self
    }

    /// Sets the umask.
    pub fn with_umask(mut self, umask: u32) -> Self {
        self.umask = umask;
        self
    }

    /// Sets an environment variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets what the controller passes along.
    pub fn with_setting(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Answers commands that begin with these words (the longest match counts). Given several times for the same words, it
    /// answers one after the other, and the last for good.
    pub fn command(self, words: &[&str], output: Output) -> Self {
        self.script(words, move |_, _| output.clone())
    }

    /// Answers commands that begin with these words by a closure, which may change the host.
    pub fn script(
        self,
        words: &[&str],
        answer: impl Fn(&Command, &FakeHost) -> Output + 'static,
    ) -> Self {
        {
            let scripts = &mut self.state.borrow_mut().scripts;
            let answer: super::Script = Rc::new(answer);
            let known = scripts.iter_mut().find(|script| script.prefix == words);
            if let Some(script) = known {
                script.answers.push(answer);
            } else {
                let prefix = words.iter().map(|word| (*word).to_owned()).collect();
                let answers = vec![answer];
                scripts.push(Scripted {
                    prefix,
                    answers,
                    used: 0,
                });
            }
        }
        self
    }

    /// Adds a program that is found but not scripted.
    pub fn program(mut self, name: &str) -> Self {
        self.programs.insert(name.to_owned());
        self
    }

    /// Lets an operation (`stage`, `commit`, `remove` ...) on that path fail with the system's number.
    pub fn failing(mut self, operation: &str, path: &str, errno: i32) -> Self {
        self.failures
            .insert((operation.to_owned(), path.to_owned()), errno);
        self
    }

    /// Lets something answer at that address.
    pub fn listening(mut self, address: &str, port: u16, banner: impl AsRef<[u8]>) -> Self {
        self.listening
            .insert((address.to_owned(), port), banner.as_ref().to_vec());
        self
    }

    /// Sets the offset of local time from UTC in seconds.
    pub fn zone(mut self, seconds: i32) -> Self {
        self.utc_offset = seconds;
        self
    }

    /// Supplies a file of the controller whose content comes over the wire when asked for.
    pub fn supply(mut self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        let number = self.store(content.as_ref());
        self.supplied.push(supplied(
            path,
            mode,
            content.as_ref(),
            SuppliedContent::Remote(number),
        ));
        self
    }

    /// Supplies a file whose checksum too comes over the wire when asked for, as those of large files do: content 1, checksum 2.
    pub fn supply_unsummed(mut self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        self = self.supply(path, mode, content.as_ref());
        let number = self.store(hexadecimal(&Sha1::digest(content.as_ref())).as_bytes());
        if let Some(last) = self.supplied.last_mut() {
            last.sha1 = SuppliedSum::Remote(number);
        }
        self
    }

    /// Supplies a text that is here already, as a rendered template is.
    pub fn supply_here(mut self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        let here = SuppliedContent::Here(content.as_ref().to_vec());
        self.supplied
            .push(supplied(path, mode, content.as_ref(), here));
        self
    }

    /// Supplies a directory: paths below it, mode, and content (nothing for a directory).
    pub fn supply_tree(mut self, path: &str, entries: &[(&str, u32, Option<&str>)]) -> Self {
        let mut tree = Vec::new();
        for (name, mode, content) in entries {
            let bytes = content.unwrap_or_default().as_bytes();
            let sha1 = content.map_or_else(String::new, |_| hexadecimal(&Sha1::digest(bytes)));
            let number = self.store(bytes);
            let (path, size) = ((*name).to_owned(), bytes.len() as u64);
            tree.push(TreeEntry {
                path,
                directory: content.is_none(),
                link: None,
                mode: *mode,
                size,
                sha1,
                content: number,
            });
        }
        self.supply_entries(path, tree)
    }

    /// Supplies a directory of these entries.
    pub fn supply_entries(mut self, path: &str, entries: Vec<TreeEntry>) -> Self {
        let content = SuppliedContent::Tree(entries);
        let (path, sha1) = (path.to_owned(), SuppliedSum::Known(String::new()));
        self.supplied.push(Supplied {
            path,
            mode: 0o755,
            size: 4096,
            sha1,
            content,
            secret: false,
            variables: Dict::new(),
        });
        self
    }

    /// Marks the file that was supplied last as secret.
    pub fn secret(mut self) -> Self {
        self.supplied.last_mut().unwrap().secret = true;
        self
    }

    /// Replaces what was supplied, for a second run with other files.
    pub fn without_supplies(mut self) -> Self {
        self.supplied.clear();
        self
    }

    fn store(&mut self, content: &[u8]) -> u64 {
        let number = self.contents.len() as u64 + 1;
        self.contents.insert(number, content.to_vec());
        number
    }

    pub(super) fn freeze(&self, frozen: bool) {
        self.state.borrow_mut().frozen = frozen;
    }

    /// Writes a file as a program of the host would; scripts use it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let mut state = self.state.borrow_mut();
        let clock = state.clock;
        match state.tree.get_mut(path) {
            Some(inode) => inode.body = Body::File(content.as_ref().to_vec()),
            None => state.tree.put(
                path,
                Self::node(Body::File(content.as_ref().to_vec()), 0o644, clock),
            ),
        }
    }

    /// Removes a file as a program of the host would; scripts use it.
    pub fn erase(&self, path: &str) {
        self.state.borrow_mut().tree.remove(path);
    }

    /// Returns the text of a file.
    pub fn text(&self, path: &str) -> String {
        match self.state.borrow().tree.get(path).map(|inode| &inode.body) {
            Some(Body::File(bytes)) => String::from_utf8(bytes.clone()).unwrap(),
            other => panic!("{path} is no file: {other:?}"),
        }
    }

    /// Tells whether there is something of that name (a broken link is).
    pub fn exists(&self, path: &str) -> bool {
        self.state.borrow().tree.get(path).is_some()
    }

    /// Returns the permission bits.
    pub fn mode_of(&self, path: &str) -> u32 {
        self.state
            .borrow()
            .tree
            .get(path)
            .unwrap_or_else(|| panic!("{path} is not there"))
            .mode
    }

    /// Returns owner and group.
    pub fn owner_of(&self, path: &str) -> (u32, u32) {
        let state = self.state.borrow();
        let inode = state
            .tree
            .get(path)
            .unwrap_or_else(|| panic!("{path} is not there"));
        (inode.uid, inode.gid)
    }

    /// Returns all names that are there.
    pub fn names(&self) -> Vec<String> {
        self.state.borrow().tree.names().cloned().collect()
    }

    /// Returns the commands that ran, each as its words.
    pub fn ran(&self) -> Vec<Vec<String>> {
        self.state
            .borrow()
            .ran
            .iter()
            .map(|command| command.argv.clone())
            .collect()
    }

    /// Returns the commands that ran, with all that was set for them.
    pub fn commands(&self) -> Vec<Command> {
        self.state.borrow().ran.clone()
    }

    /// Returns what was changed, in order: `stage /etc/x 0600`, `commit /etc/x 0644`, `remove /etc/y` ...
    pub fn operations(&self) -> Vec<String> {
        self.state.borrow().operations.clone()
    }

    /// Returns the numbers of the supplied contents that were asked for.
    pub fn opened(&self) -> Vec<u64> {
        self.state.borrow().opened.clone()
    }

    /// Returns the processes that got a signal.
    pub fn signals(&self) -> Vec<u32> {
        self.state.borrow().signals.clone()
    }
}

fn supplied(path: &str, mode: u32, bytes: &[u8], content: SuppliedContent) -> Supplied {
    let sha1 = SuppliedSum::Known(hexadecimal(&Sha1::digest(bytes)));
    Supplied {
        path: path.to_owned(),
        mode,
        size: bytes.len() as u64,
        sha1,
        content,
        secret: false,
        variables: Dict::new(),
    }
}
