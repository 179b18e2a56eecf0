//! Facts about virtual machines and containers: is this host one, does it run some.

use super::reader;
use crate::kit::Host;
use crate::value::Dict;

/// What has been found; the first finding gives type and role.
#[derive(Default)]
struct Signs {
    kind: Option<String>,
    role: &'static str,
    guest: Vec<String>,
    host: Vec<String>,
}

impl Signs {
    fn guest_of(&mut self, kind: &str) {
        self.guest_technology(kind);
        self.settle(kind, "guest");
    }

    fn host_of(&mut self, kind: &str) {
        if !self.host.iter().any(|known| known == kind) {
            self.host.push(kind.to_owned());
        }
        self.settle(kind, "host");
    }

    fn guest_technology(&mut self, kind: &str) {
        if !self.guest.iter().any(|known| known == kind) {
            self.guest.push(kind.to_owned());
        }
    }

    fn settle(&mut self, kind: &str, role: &'static str) {
        if self.kind.is_none() {
            self.kind = Some(kind.to_owned());
            self.role = role;
        }
    }
}

/// Gathers them.
pub(super) fn gather(host: &dyn Host) -> Dict {
    let mut signs = Signs::default();
    containers(&mut signs, host);
    hypervisors(&mut signs, host);
    modules(&mut signs, host);
    let (kind, role) = match signs.kind {
        Some(kind) => (kind, signs.role),
        None => ("NA".to_owned(), "NA"),
    };
    Dict::new()
        .with("virtualization_type", kind)
        .with("virtualization_role", role)
        .with("virtualization_tech_guest", signs.guest)
        .with("virtualization_tech_host", signs.host)
}

fn containers(signs: &mut Signs, host: &dyn Host) {
    let exists = |path: &str| reader::exists(path, host);
    for line in reader::text("/proc/1/cgroup", host).lines() {
        if line.contains("/docker/") || (line.contains("/docker-") && line.contains(".scope")) {
            signs.guest_of("docker");
        }
        if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            signs.guest_of("lxc");
        }
        if line.contains("/system.slice/containerd.service") {
            signs.guest_of("containerd");
        }
    }
    // Only root may read it.
    for variable in reader::text("/proc/1/environ", host).split('\0') {
        if variable.contains("container=lxc") {
            signs.guest_of("lxc");
        }
        if variable.contains("container=podman") {
            signs.guest_of("podman");
        }
        if variable
            .strip_prefix("container=")
            .is_some_and(|name| !name.is_empty())
        {
            signs.guest_of("container");
        }
    }
    if exists("/proc/vz") && !exists("/proc/lve") {
        if exists("/proc/bc") {
            signs.host_of("openvz");
        } else {
            signs.guest_of("openvz");
        }
    }
    let named = reader::content("/run/systemd/container", host);
    if let Some(name) = &named {
        signs.guest_of(name);
    }
    if exists("/.dockerenv") || exists("/.dockerinit") {
        signs.guest_of("docker");
    }
    let contained = ["docker", "lxc", "podman", "openvz", "containerd"];
    if named.is_some()
        || signs
            .guest
            .iter()
            .any(|kind| contained.contains(&kind.as_str()))
    {
        signs.guest_technology("container");
    }
    if exists("/proc/xen") {
        if reader::text("/proc/xen/capabilities", host).contains("control_d") {
            signs.host_of("xen");
        } else {
            signs.settle("xen", "guest");
        }
    }
}

/// Files under `/sys/devices/virtual/dmi/id`, what they begin with or hold, and what that means.
const HYPERVISORS: &[(&str, &[&str], &str)] = &[
    (
        "product_name",
        &[
            "KVM",
            "KVM Server",
            "Bochs",
            "AHV",
            "CloudStack KVM Hypervisor",
        ],
        "kvm",
    ),
    ("sys_vendor", &["oVirt"], "oVirt"),
    (
        "product_name",
        &["OpenStack Compute", "OpenStack Nova"],
        "openstack",
    ),
    ("bios_vendor", &["Xen"], "xen"),
    ("bios_vendor", &["innotek GmbH"], "virtualbox"),
    (
        "bios_vendor",
        &["Amazon EC2", "DigitalOcean", "Hetzner", "Linode"],
        "kvm",
    ),
    (
        "sys_vendor",
        &[
            "QEMU",
            "Amazon EC2",
            "DigitalOcean",
            "Google",
            "Scaleway",
            "Nutanix",
        ],
        "kvm",
    ),
    ("sys_vendor", &["KubeVirt"], "KubeVirt"),
    ("sys_vendor", &["Microsoft Corporation"], "VirtualPC"),
    (
        "sys_vendor",
        &["Parallels Software International Inc."],
        "parallels",
    ),
    ("sys_vendor", &["OpenStack Foundation"], "openstack"),
];

fn hypervisors(signs: &mut Signs, host: &dyn Host) {
    let maker = |file: &str| {
        reader::content(&format!("/sys/devices/virtual/dmi/id/{file}"), host).unwrap_or_default()
    };
    let product = maker("product_name");
    if maker("sys_vendor") == "Red Hat" {
        if maker("product_family") == "RHV" {
            signs.guest_of("RHV");
        } else if product == "RHEV Hypervisor" {
            signs.guest_of("RHEV");
        }
    }
    if product.starts_with("VMware") {
        signs.guest_of("VMware");
    }
    for (file, values, kind) in HYPERVISORS {
        if values.contains(&maker(file).as_str()) {
            signs.guest_of(kind);
        }
    }
    for line in reader::text("/proc/cpuinfo", host).lines() {
        if line.starts_with("model name") && line.contains("QEMU Virtual CPU") {
            signs.guest_of("kvm");
        } else if line.starts_with("vendor_id") && line.contains("User Mode Linux")
            || line.starts_with("model name") && line.contains("UML")
        {
            signs.guest_of("uml");
        } else if line.starts_with("machine")
            && line.contains("CHRP IBM pSeries (emulated by qemu)")
        {
            signs.guest_of("kvm");
        }
    }
}

fn modules(signs: &mut Signs, host: &dyn Host) {
    let text = reader::text("/proc/modules", host);
    let loaded = |name: &str| {
        text.lines()
            .any(|line| line.split(' ').next() == Some(name))
    };
    if loaded("kvm") {
        signs.host_of("kvm");
    }
    if loaded("vboxdrv") {
        signs.host_of("virtualbox");
    }
    if loaded("virtio") {
        signs.settle("kvm", "guest");
        signs.host_of("kvm");
    }
    if reader::exists("/dev/kvm", host) {
        signs.host_of("kvm");
    }
}
