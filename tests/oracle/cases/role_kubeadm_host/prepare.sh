# Empty packages of the real names; containerd and kubelet have units that run.
service containerd containerd
echo 'systemctl enable --quiet --now containerd' >>/srv/offer/containerd/DEBIAN/postinst
package /opt/kplay-repo/main containerd 1.6.20
for name in runc conntrack ethtool; do package /opt/kplay-repo/main $name 1.0; done
offer socat 1.0

service kubelet kubelet
for name in kubelet kubeadm kubectl; do
  for version in 1.34.4-1.1 1.34.9-1.1; do package /srv/web/kubernetes $name $version kubernetes-cni; done
done
package /srv/web/kubernetes kubernetes-cni 1.7.1-1.1
index /srv/web/kubernetes
sign /srv/web/kubernetes
serve /srv/web
