"""What k3s is told: its flags, its configuration files and its environment. Read by k3s.py.

Flags, file names and the way in which files and flags add up are the real one's; an unknown flag is refused as it refuses one.
"""
import os
from pathlib import Path

import yaml

CONFIGURATION = Path('/etc/rancher/k3s/config.yaml')
REGISTRIES = Path('/etc/rancher/k3s/registries.yaml')

# Of every node, of servers alone. A list can be given more than once.
LISTS = {'node-label', 'node-taint', 'kubelet-arg', 'kube-proxy-arg', 'node-ip', 'node-external-ip', 'tls-san', 'disable', 'kube-apiserver-arg',
         'kube-controller-manager-arg', 'kube-scheduler-arg', 'etcd-arg', 'cluster-cidr', 'service-cidr', 'cluster-dns', 'advertise-address-list',
         'kube-cloud-controller-manager-arg', 'image-credential-provider-config'}
BOOLEANS = {'debug', 'with-node-id', 'docker', 'selinux', 'protect-kernel-defaults', 'rootless', 'prefer-bundled-bin', 'cluster-init', 'cluster-reset',
            'disable-apiserver', 'disable-controller-manager', 'disable-scheduler', 'disable-etcd', 'disable-kube-proxy', 'disable-network-policy',
            'disable-cloud-controller', 'disable-helm-controller', 'disable-agent', 'secrets-encryption', 'etcd-expose-metrics', 'etcd-disable-snapshots',
            'etcd-s3', 'embedded-registry', 'flannel-ipv6-masq', 'flannel-external-ip', 'servicelb-namespace', 'enable-pprof', 'supervisor-metrics',
            'write-kubeconfig-group-access', 'tls-san-security', 'disable-default-registry-endpoint', 'bind-address-default'}
NODE = {'config', 'data-dir', 'token', 'token-file', 'server', 'node-name', 'pause-image', 'snapshotter', 'private-registry', 'system-default-registry',
        'resolv-conf', 'flannel-iface', 'flannel-conf', 'flannel-cni-conf', 'lb-server-port', 'vpn-auth', 'vpn-auth-file', 'container-runtime-endpoint',
        'airgap-extra-registry', 'log', 'v', 'default-runtime', 'nonroot-devices'}
SERVER = {'agent-token', 'agent-token-file', 'https-listen-port', 'bind-address', 'advertise-address', 'advertise-port', 'flannel-backend', 'cluster-domain',
          'write-kubeconfig', 'write-kubeconfig-mode', 'write-kubeconfig-group', 'egress-selector-mode', 'service-node-port-range', 'datastore-endpoint',
          'datastore-cafile', 'datastore-certfile', 'datastore-keyfile', 'cluster-reset-restore-path', 'default-local-storage-path', 'helm-job-image',
          'etcd-snapshot-name', 'etcd-snapshot-schedule-cron', 'etcd-snapshot-retention', 'etcd-snapshot-dir', 'etcd-snapshot-compress', 'etcd-s3-endpoint',
          'etcd-s3-bucket', 'etcd-s3-access-key', 'etcd-s3-secret-key', 'etcd-s3-region', 'etcd-s3-folder', 'secrets-encryption-provider', 'datastore-pool'}
AGENT_LISTS = {'node-label', 'node-taint', 'kubelet-arg', 'kube-proxy-arg', 'node-ip', 'node-external-ip'}
AGENT_BOOLEANS = {'debug', 'with-node-id', 'docker', 'selinux', 'protect-kernel-defaults', 'rootless', 'prefer-bundled-bin', 'disable-apiserver-lb',
                  'disable-default-registry-endpoint', 'enable-pprof'}
ENVIRONMENT = {'K3S_TOKEN': 'token', 'K3S_TOKEN_FILE': 'token-file', 'K3S_URL': 'server', 'K3S_NODE_NAME': 'node-name', 'K3S_AGENT_TOKEN': 'agent-token',
               'K3S_KUBECONFIG_MODE': 'write-kubeconfig-mode', 'K3S_DATASTORE_ENDPOINT': 'datastore-endpoint'}
# What all servers must agree on.
CRITICAL = ['cluster-cidr', 'cluster-dns', 'cluster-domain', 'disable-cloud-controller', 'disable-helm-controller', 'disable-network-policy',
            'egress-selector-mode', 'embedded-registry', 'flannel-backend', 'flannel-external-ip', 'flannel-ipv6-masq', 'secrets-encryption', 'service-cidr']
DEFAULTS = {'cluster-cidr': ['10.42.0.0/16'], 'service-cidr': ['10.43.0.0/16'], 'cluster-dns': ['10.43.0.10'], 'cluster-domain': 'cluster.local',
            'flannel-backend': 'vxlan', 'egress-selector-mode': 'agent', 'write-kubeconfig-mode': '0600', 'https-listen-port': '6443'}
UNSUPPORTED = ['datastore-endpoint', 'vpn-auth', 'vpn-auth-file', 'docker', 'rootless', 'disable-agent', 'disable-apiserver', 'disable-etcd',
               'secrets-encryption', 'cluster-reset-restore-path', 'etcd-s3', 'container-runtime-endpoint']


class Refused(Exception):
    """What k3s would not start with."""


def kinds(role):
    if role == 'server':
        return LISTS, BOOLEANS, NODE | SERVER
    return AGENT_LISTS, AGENT_BOOLEANS, NODE


def add(settings, role, key, value, more=False):
    lists, booleans, _ = kinds(role)
    if key in lists:
        new = [str(v) for v in (value if isinstance(value, list) else [value])]
        settings[key] = settings.get(key, []) + new if more else new
    elif key in booleans:
        settings[key] = str(value).lower() in ('true', '1', '')
    else:
        settings[key] = str(value)


def from_files(role, path):
    settings = {}
    for file in [path, *sorted(path.parent.glob(path.name + '.d/*.yaml'))]:
        if not file.exists():
            continue
        try:
            found = yaml.safe_load(file.read_text()) or {}
        except yaml.YAMLError as error:
            raise Refused(f'failed to parse config file {file}: {error}'.replace('\n', ' '))
        if not isinstance(found, dict):
            raise Refused(f'failed to parse config file {file}: it is no mapping')
        for key, value in found.items():
            more, key = key.endswith('+'), key.rstrip('+')
            # As the real one: a server's file may hold what only the other kind knows, but nothing that nobody knows.
            if not any(key in known for r in ('server', 'agent') for known in kinds(r)):
                raise Refused(f'flag provided but not defined: -{key}')
            if any(key in known for known in kinds(role)):
                add(settings, role, key, value, more)
    return settings


def from_arguments(role, arguments):
    settings, arguments = {}, list(arguments)
    lists, booleans, values = kinds(role)
    aliases = {'t': 'token', 's': 'server', 'd': 'data-dir', 'c': 'config'}
    while arguments:
        word = arguments.pop(0)
        key, equals, value = word.lstrip('-').partition('=')
        key = aliases.get(key, key)
        if not word.startswith('-'):
            raise Refused(f'invalid argument: {word}')
        if key not in lists | booleans | values:
            raise Refused(f'flag provided but not defined: -{key}')
        if key in booleans:
            value = value if equals else 'true'
        elif not equals:
            if not arguments:
                raise Refused(f'flag needs an argument: -{key}')
            value = arguments.pop(0)
        add(settings, role, key, value.split(',') if key in lists and not key.endswith('-arg') else value, more=key in settings)
    return settings


def read(role, arguments):
    """The files, then the environment, then the command line."""
    told = from_arguments(role, arguments)
    path = Path(told.get('config') or os.environ.get('K3S_CONFIG_FILE', CONFIGURATION))
    settings = dict(DEFAULTS) if role == 'server' else {}
    settings.update(from_files(role, path))
    for variable, key in ENVIRONMENT.items():
        if os.environ.get(variable) and any(key in known for known in kinds(role)):
            add(settings, role, key, os.environ[variable])
    settings.update(told)
    for name in ('token', 'agent-token'):
        if settings.get(f'{name}-file') and not settings.get(name):
            settings[name] = Path(settings[f'{name}-file']).read_text().strip()
    for key in UNSUPPORTED:
        if settings.get(key):
            raise Refused(f'this stand-in for k3s has no --{key}')
    if settings.get('data-dir', '/var/lib/rancher/k3s') != '/var/lib/rancher/k3s':
        raise Refused('this stand-in for k3s has no other --data-dir')
    if settings.get('server') and not settings['server'].startswith('https://'):
        raise Refused(f'Invalid server url, failed to parse: {settings["server"]}: must start with https://')
    return settings


def mirrors():
    """registries.yaml: which addresses are asked in the place of a registry."""
    if not REGISTRIES.exists():
        return {}
    found = yaml.safe_load(REGISTRIES.read_text()) or {}
    unknown = found.keys() - {'mirrors', 'configs', 'auths'}
    if unknown:
        raise Refused(f'failed to parse {REGISTRIES}: unknown field {sorted(unknown)[0]}')
    return {name: (entry or {}).get('endpoint', []) for name, entry in (found.get('mirrors') or {}).items()}
