# A release, its checksums and the install script, as their places on the net have them; the program says its version.
place=/srv/web/v1.34.4+k3s1
mkdir -p "$place"
printf '#!/bin/sh\necho "k3s version v1.34.4+k3s1 (0123abcd)"\n' >"$place/k3s"
(cd "$place" && sha256sum k3s >sha256sum-amd64.txt)
cat >/srv/web/install.sh <<'S'
#!/bin/sh
name=k3s
[ "$1" = server ] || name=k3s-agent
printf '[Unit]\nDescription=%s\n[Service]\nExecStart=/usr/local/bin/k3s %s\n[Install]\nWantedBy=multi-user.target\n' "$name" "$1" >/etc/systemd/system/$name.service
systemctl enable --quiet $name
S
serve /srv/web
