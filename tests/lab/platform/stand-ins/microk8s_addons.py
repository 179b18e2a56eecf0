"""The addons of the stand-in for MicroK8s: their names and how one sees that they are enabled are the real ones.

`dns` is real CoreDNS; of the others only the pods' names are real, which run a small program that waits. Called by microk8s.py and, for
what a new cluster has from the beginning, by microk8s_daemons.py.
"""
import json, re
from pathlib import Path

import cluster
import microk8s_node as node
from cluster import thing

IMAGE = 'docker.io/library/busybox:1.35.0'
# name: description, version, and what shows that it is enabled: a file, or a word of `kubectl get all`. As in addons.yaml of the core addons.
KNOWN = {
    'cert-manager': ('Cloud native certificate management', '1.8.0', 'pod/cert-manager'),
    'community': ('The community addons repository', '', str(node.COMMON / 'addons/community/addons.yaml')),
    'dashboard': ('The Kubernetes dashboard', '2.7.0', 'pod/kubernetes-dashboard'),
    'dns': ('CoreDNS', '1.10.0', 'pod/coredns'),
    'ha-cluster': ('Configure high availability on the current node', '', str(node.LOCKS / 'ha-cluster')),
    'helm': ('Helm - the package manager for Kubernetes', '3.9.1', str(node.OWN / 'addons/helm')),
    'helm3': ('Helm 3 - the package manager for Kubernetes', '3.9.1', str(node.OWN / 'addons/helm')),
    'hostpath-storage': ('Storage class; allocates storage from host directory', '1.4.2', 'pod/hostpath-provisioner'),
    'ingress': ('Ingress controller for external access', '1.5.1', 'pod/nginx-ingress-microk8s-controller'),
    'metallb': ('Loadbalancer for your Kubernetes cluster', '0.13.10', 'pod/speaker'),
    'metrics-server': ('K8s Metrics Server for API access to service metrics', '0.6.3', 'pod/metrics-server'),
    'rbac': ('Role-Based Access Control for authorisation', '', str(node.OWN / 'addons/rbac')),
    'registry': ('Private image registry exposed on localhost:32000', '2.8.1', 'pod/registry'),
}
# name: kind, name and name space of what runs for it.
PODS = {
    'cert-manager': ('Deployment', 'cert-manager', 'cert-manager'),
    'dashboard': ('Deployment', 'kubernetes-dashboard', 'kube-system'),
    'hostpath-storage': ('Deployment', 'hostpath-provisioner', 'kube-system'),
    'ingress': ('DaemonSet', 'nginx-ingress-microk8s-controller', 'ingress'),
    'metallb': ('DaemonSet', 'speaker', 'metallb-system'),
    'metrics-server': ('Deployment', 'metrics-server', 'kube-system'),
    'registry': ('Deployment', 'registry', 'container-registry'),
}


class Refused(Exception):
    """What `enable` says before it ends with 1."""


def status(m):
    """Every addon and whether it is enabled."""
    seen = cluster.kubectl(m, 'get', 'all', '--all-namespaces')
    return {name: Path(sign).exists() if sign.startswith('/') else sign in seen for name, (_, _, sign) in KNOWN.items()}


def waiting(kind, name, namespace):
    labels = {'app': name}
    return [*([thing('Namespace', namespace)] if namespace != 'kube-system' else []), thing(kind, name, namespace, 'apps/v1', spec={
        'selector': {'matchLabels': labels}, 'template': {'metadata': {'labels': labels}, 'spec': {'terminationGracePeriodSeconds': 0,
            'containers': [{'name': name, 'image': IMAGE, 'command': ['sleep', 'infinity']}]}}})]


def objects(m, name, argument):
    if name == 'dns':
        found = cluster.coredns(m)
        if argument:
            for one in found:
                if one['kind'] == 'ConfigMap':
                    one['data']['Corefile'] = one['data']['Corefile'].replace('forward . /etc/resolv.conf', 'forward . ' + argument.replace(',', ' '))
        return found
    found = waiting(*PODS[name]) if name in PODS else []
    if name == 'metallb':
        found.append(thing('ConfigMap', 'default-addresspool', 'metallb-system', data={'addresses': argument}))
    if name == 'hostpath-storage':
        found.append(thing('StorageClass', 'microk8s-hostpath', None, 'storage.k8s.io/v1', provisioner='microk8s.io/hostpath', volumeBindingMode='WaitForFirstConsumer'))
    return found


def check(name, argument):
    if name == 'metallb' and not re.fullmatch(r'((\d+\.){3}\d+(-(\d+\.){3}\d+|/\d+),?)+', argument):
        raise Refused(f'You input value ({argument}) is not a valid IP Range' if argument else
                      'Enter each IP address range delimited by comma (e.g. \'10.64.140.43-10.64.140.49,192.168.0.105-192.168.0.111\'):')


def enable(m, name, argument=''):
    check(name, argument)
    found = objects(m, name, argument)
    if found:
        cluster.apply(m, *found)
    sign = KNOWN[name][2]
    if sign.startswith('/'):
        Path(sign).parent.mkdir(parents=True, exist_ok=True)
        Path(sign).touch()


def disable(m, name):
    found = objects(m, name, '')
    if found:
        cluster.kubectl(m, 'delete', '--ignore-not-found', '-f', '-', stdin='\n---\n'.join(json.dumps(o) for o in reversed(found)))
    sign = KNOWN[name][2]
    if sign.startswith('/'):
        Path(sign).unlink(missing_ok=True)


def begin(m):
    """What a new installation has."""
    for name in ('dns', 'helm', 'helm3', 'ha-cluster'):
        enable(m, name)
