# What the preparation of a case may call on a host; put before it by observe.rs.

# offer NAME VERSION: a package of that name and version in the host's own APT repository, which its lists then know. The files under
# /srv/offer/NAME, maintainer scripts in DEBIAN too, are in it.
offer() {
  package /opt/kplay-repo/main "$1" "$2" && index /opt/kplay-repo/main && apt-get -qq --allow-releaseinfo-change update
}

# package REPOSITORY NAME VERSION [NEEDS]: the same, in a directory that `index` makes a repository of; it needs that package
package() {
  mkdir -p "$1" "/srv/offer/$2/DEBIAN" &&
    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: kplay lab <lab@example.invalid>\n%sDescription: stand-in for %s\n' \
      "$2" "$3" "${4:+Depends: $4
}" "$2" >"/srv/offer/$2/DEBIAN/control" &&
    dpkg-deb --root-owner-group -Zgzip --build "/srv/offer/$2" "$1/$2_$3_all.deb" >/dev/null
}

# index REPOSITORY: its lists
index() (
  cd "$1" || exit
  for file in *.deb; do
    dpkg-deb --field "$file"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d' ' -f1)"
  done >Packages
  rm -f Release InRelease
  printf 'Origin: oracle\nLabel: oracle\nSuite: stable\nDate: Tue, 14 Nov 2023 22:13:20 UTC\nArchitectures: amd64 all\nSHA256:\n %s %s Packages\n' \
    "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" >Release
)

# sign REPOSITORY: with a key of its own, which is Release.key there
sign() (
  cd "$1" || exit
  export GNUPGHOME=/srv/gnupg
  mkdir -p -m 700 "$GNUPGHOME"
  gpg --quiet --batch --passphrase '' --quick-generate-key 'lab <lab@example.invalid>' ed25519 sign never
  gpg --quiet --batch --armor --export >Release.key
  gpg --quiet --batch --clearsign --output InRelease Release
)

# service PACKAGE PROGRAM: the package has that program, which runs and does nothing, and a unit of the name
service() {
  mkdir -p "/srv/offer/$1/usr/bin" "/srv/offer/$1/lib/systemd/system" "/srv/offer/$1/DEBIAN"
  printf '#!/bin/sh\nexec sleep infinity\n' >"/srv/offer/$1/usr/bin/$2"
  printf '[Service]\nExecStart=/usr/bin/%s\n[Install]\nWantedBy=multi-user.target\n' "$2" >"/srv/offer/$1/lib/systemd/system/$2.service"
  printf '#!/bin/sh\nsystemctl daemon-reload\n' >"/srv/offer/$1/DEBIAN/postinst"
  chmod 755 "/srv/offer/$1/usr/bin/$2" "/srv/offer/$1/DEBIAN/postinst"
}

# serve DIRECTORY: its files at http://127.0.0.1:8099/
serve() {
  systemd-run --quiet --unit oracle-serve python3 -m http.server 8099 --bind 127.0.0.1 --directory "$1" || return
  until curl --silent --output /dev/null http://127.0.0.1:8099/; do sleep 0.1; done
}
